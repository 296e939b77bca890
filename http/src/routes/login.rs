//! Register, log in, refresh, log out.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, http::StatusCode};
use salon_protocol::content::check_text;
use salon_protocol::reply::Profile;
use salon_protocol::request::check_device;
use salon_protocol::{ErrorCode, ErrorData, SessionId, UserId, limits};
use salon_storage::contract::{AccountName, NewSession, Rotation, Which};
use salon_storage::model::{Account, AccountRole, AccountStatus, NewAccount};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::{PasswordBusy, RefreshTokens, Tokens};
use crate::error::{ApiError, ApiResult};
use crate::extract::{Authenticated, Body, Client};
use crate::limit::Act;
use crate::state::AppState;

/// Body of `POST /api/auth/register`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Register {
    /// 3 to 32 characters of `[a-z0-9_.-]`; upper case is folded.
    pub(crate) username: String,
    /// 8 to 128 characters.
    pub(crate) password: String,
    /// 1 to 64 characters; the username if absent.
    #[serde(default)]
    pub(crate) nickname: Option<String>,
    /// 1 to 64 characters of `[A-Za-z0-9._-]`.
    #[serde(default)]
    pub(crate) device: Option<String>,
}

/// Body of `POST /api/auth/login`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Login {
    /// The username.
    pub(crate) username: String,
    /// The password.
    pub(crate) password: String,
    /// 1 to 64 characters of `[A-Za-z0-9._-]`. A login ends the one before on the same device.
    #[serde(default)]
    pub(crate) device: Option<String>,
}

/// Body of `POST /api/auth/refresh`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Refresh {
    /// The newest refresh token.
    pub(crate) refresh_token: String,
}

/// What a login gives.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct LoggedIn {
    /// Who one is; absent after a refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Profile>,
    /// For `Authorization: Bearer …` and for `auth` on the socket.
    pub(crate) access_token: String,
    /// For `POST /api/auth/refresh`; good once.
    pub(crate) refresh_token: String,
    /// How long the access token is good, in seconds.
    pub(crate) expires_in: i64,
}

/// Body of `POST /api/users/me/password`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct ChangePassword {
    /// The password now.
    pub(crate) old_password: String,
    /// 8 to 128 characters.
    pub(crate) new_password: String,
}

impl From<PasswordBusy> for ApiError {
    fn from(busy: PasswordBusy) -> Self {
        ApiError(busy.into())
    }
}

pub(crate) async fn register(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<Register>,
) -> ApiResult<HttpResponse> {
    state.limits.take(Act::Register, address)?;
    let Register { username, password, nickname, device } = body;
    let username = checked_username(&username)?;
    check_password("password", &password)?;
    let nickname = nickname.unwrap_or_else(|| username.clone());
    check_text("nickname", &nickname, limits::NICKNAME_CHARS_MAX)?;
    device.as_deref().map_or(Ok(()), check_device)?;
    // Before the hash: a name that is taken need not cost one.
    if state.store.account(AccountName::Username(username.clone())).await?.is_some() {
        return Err(ApiError::new(ErrorCode::Conflict, "this name is taken"));
    }
    let password_hash = state.passwords.hash(password).await?;
    let new = NewAccount {
        id: UserId::new(Uuid::now_v7()),
        username: Some(username),
        phone: None,
        password_hash: Some(password_hash),
        nickname,
        role: AccountRole::User,
    };
    let account = state.store.create_account(new).await?;
    let logged_in = log_in(&state, &account, device).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(logged_in))
}

pub(crate) async fn login(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<Login>,
) -> ApiResult<Json<LoggedIn>> {
    state.limits.take(Act::Login, address)?;
    let Login { username, password, device } = body;
    device.as_deref().map_or(Ok(()), check_device)?;
    let wrong = || ApiError::new(ErrorCode::Unauthorized, "wrong username or password");
    let username = username.to_lowercase();
    if is_nobodys(&username) {
        return Err(wrong());
    }
    let attempt = state.limits.attempt(&username, address)?;
    let account = state.store.account(AccountName::Username(username)).await?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = match state.passwords.verify(password, hash).await {
        Ok(right) => right,
        Err(busy) => {
            attempt.forgive();
            return Err(busy.into());
        }
    };
    let account = account.filter(|_| right).ok_or_else(wrong)?;
    attempt.forgive();
    Ok(Json(log_in(&state, &account, device).await?))
}

/// Begins a login on a device.
pub(super) async fn log_in(
    state: &AppState,
    account: &Account,
    device: Option<String>,
) -> ApiResult<LoggedIn> {
    if account.status != AccountStatus::Active {
        return Err(ApiError::new(ErrorCode::Forbidden, "this account is disabled"));
    }
    let user = account.user.id;
    let session = SessionId::new(Uuid::now_v7());
    let (refresh_token, refresh_hash) = state.refresh.issue(session, 0);
    let new = NewSession {
        id: session,
        user,
        // Without a name of its own, every login is a device.
        device: device.unwrap_or_else(|| session.to_string()),
        refresh_hash,
        expires_at: state.node.now() + RefreshTokens::life_ms(),
    };
    let ended = state.store.start_session(new).await?;
    sessions_ended(state, user, &ended);
    Ok(LoggedIn {
        user: Some(account.profile()),
        access_token: state.tokens.issue(user, session, state.node.now()),
        refresh_token,
        expires_in: Tokens::life_seconds(),
    })
}

/// Makes ended logins known: their tokens are dead, their sockets close.
pub(super) fn sessions_ended(state: &AppState, user: UserId, ended: &[SessionId]) {
    for session in ended {
        state.revoked.add(*session, state.node.now());
    }
    state.node.sessions_ended(user, ended);
}

pub(crate) async fn refresh(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<Refresh>,
) -> ApiResult<Json<LoggedIn>> {
    state.limits.take(Act::Login, address)?;
    let refused = || ApiError::new(ErrorCode::Unauthorized, "the refresh token is not valid");
    let presented = state.refresh.open(&body.refresh_token).ok_or_else(refused)?;
    let generation = presented.generation.wrapping_add(1);
    let (refresh_token, next) = state.refresh.issue(presented.session, generation);
    let expires_at = state.node.now() + RefreshTokens::life_ms();
    let rotation = state
        .store
        .rotate_session(presented.session, presented.generation, presented.hash, next, expires_at)
        .await?;
    match rotation {
        Rotation::Rotated(account, session) => Ok(Json(LoggedIn {
            user: None,
            access_token: state.tokens.issue(account.user.id, session.id, state.node.now()),
            refresh_token,
            expires_in: Tokens::life_seconds(),
        })),
        Rotation::Reused(user) => {
            tracing::warn!(user.id = %user, "a spent refresh token was presented again");
            sessions_ended(&state, user, &[presented.session]);
            Err(refused())
        }
        Rotation::Refused => Err(refused()),
    }
}

pub(crate) async fn logout(
    state: Data<AppState>,
    Authenticated(claims): Authenticated,
) -> ApiResult<HttpResponse> {
    let which = Which::One(claims.session);
    let ended = state.store.end_sessions(claims.user, which).await?;
    sessions_ended(&state, claims.user, &ended);
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password and ends all other logins.
pub(crate) async fn change_password(
    state: Data<AppState>,
    Authenticated(claims): Authenticated,
    Client(address): Client,
    Body(body): Body<ChangePassword>,
) -> ApiResult<HttpResponse> {
    let ChangePassword { old_password, new_password } = body;
    check_password("new_password", &new_password)?;
    let attempt = state.limits.attempt(&claims.user.to_string(), address)?;
    let account = state.store.account(AccountName::Id(claims.user)).await?;
    if account.as_ref().is_some_and(|account| account.role == AccountRole::Guest) {
        attempt.forgive();
        return Err(ApiError::new(ErrorCode::Forbidden, "guests have no password"));
    }
    let hash = account.and_then(|account| account.password_hash);
    match state.passwords.verify(old_password, hash).await {
        Ok(false) => {
            return Err(ApiError::new(ErrorCode::Forbidden, "the old password is wrong"));
        }
        Ok(true) => attempt.forgive(),
        Err(busy) => {
            attempt.forgive();
            return Err(busy.into());
        }
    }
    let password_hash = Some(state.passwords.hash(new_password).await?);
    let change = salon_storage::model::AccountChange { password_hash, ..Default::default() };
    state.store.update_account(claims.user, change).await?;
    let others = Which::AllBut(claims.session);
    let ended = state.store.end_sessions(claims.user, others).await?;
    sessions_ended(&state, claims.user, &ended);
    Ok(HttpResponse::NoContent().finish())
}

/// A name that no account has, whoever made it: it is not looked up, and costs no memory.
fn is_nobodys(username: &str) -> bool {
    username.len() > 4 * limits::USERNAME_CHARS.end() || username.contains('\0')
}

fn checked_username(username: &str) -> Result<String, ErrorData> {
    let folded = username.to_lowercase();
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if limits::USERNAME_CHARS.contains(&folded.len()) && folded.bytes().all(allowed) {
        Ok(folded)
    } else {
        Err(ErrorData::field("username", "expected 3 to 32 characters of [a-z0-9_.-]"))
    }
}

fn check_password(field: &str, password: &str) -> Result<(), ErrorData> {
    if limits::PASSWORD_CHARS.contains(&password.chars().count()) {
        Ok(())
    } else {
        Err(ErrorData::field(field, "expected 8 to 128 characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        assert_eq!(checked_username("Ann.B-2_x").unwrap(), "ann.b-2_x");
        for wrong in ["", "an", "ann!", "än n", "a b", &"x".repeat(33), "ann\n", "anné"] {
            assert!(checked_username(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_cost_nothing() {
        assert!(is_nobodys(&"x".repeat(60_000)) && is_nobodys("ann\0"));
        assert!(!is_nobodys("ann") && !is_nobodys(&"ü".repeat(32)));
    }

    #[test]
    fn passwords() {
        assert!(check_password("password", "12345678").is_ok());
        assert!(check_password("password", &"ü".repeat(128)).is_ok());
        assert!(check_password("password", "1234567").is_err());
        assert!(check_password("password", &"x".repeat(129)).is_err());
    }
}
