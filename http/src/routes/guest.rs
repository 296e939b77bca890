//! Guests: the code of a photo session is all that they need.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use salon_actors::{Guesser, normalised_code};
use salon_protocol::content::check_text;
use salon_protocol::request::check_device;
use salon_protocol::{ErrorCode, ErrorData, RoomId, UserId, limits};
use salon_storage::StoreError;
use salon_storage::model::{AccountRole, NewAccount, Pass, UserKey, UserRef, Visitor};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codes::random_code;
use super::login::{LoggedIn, log_in};
use crate::error::{ApiError, ApiResult};
use crate::extract::{Body, Client};
use crate::limit::Act;
use crate::state::AppState;

/// Body of `POST /api/auth/guest`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Enter {
    /// The access code of a photo session, in either case; spaces and hyphens do not count.
    pub(crate) code: String,
    /// 1 to 64 characters; `Guest` with a number if absent.
    #[serde(default)]
    pub(crate) nickname: Option<String>,
    /// 1 to 64 characters of `[A-Za-z0-9._-]`.
    #[serde(default)]
    pub(crate) device: Option<String>,
}

/// A login, and the session that it is for.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Entered {
    #[serde(flatten)]
    logged_in: LoggedIn,
    /// To be joined with the same code.
    session: RoomId,
}

pub(crate) async fn enter(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<Enter>,
) -> ApiResult<HttpResponse> {
    state.limits.take(Act::Login, address)?;
    let Enter { code, nickname, device } = body;
    device.as_deref().map_or(Ok(()), check_device)?;
    nickname
        .as_deref()
        .map_or(Ok(()), |name| check_text("nickname", name, limits::NICKNAME_CHARS_MAX))?;
    let code = normalised_code(&code)
        .ok_or_else(|| ErrorData::field("code", "expected eight letters and digits"))?;
    let guess = state.node.guesses().begin(Guesser::Address(address), None, state.node.now())?;
    let session = match session_of(&state, &code).await {
        // The guess is dropped as a wrong one.
        Ok(None) => return Err(ApiError::new(ErrorCode::Forbidden, "no session has this code")),
        Ok(Some(session)) => {
            guess.forgive();
            session
        }
        Err(error) => {
            guess.forgive();
            return Err(error.into());
        }
    };
    state.limits.take(Act::Guest, address)?;
    let nickname = match nickname {
        Some(nickname) => nickname,
        None => format!("Guest {}", &random_code()?[..4]),
    };
    let new = NewAccount {
        id: UserId::new(Uuid::now_v7()),
        username: None,
        phone: None,
        password_hash: None,
        nickname,
        role: AccountRole::Guest,
    };
    let account = state.store.create_account(new).await?;
    let logged_in = log_in(&state, &account, device).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(Entered { logged_in, session }))
}

/// The open session of a code.
///
/// # Errors
/// What the store refuses a guest with: `gone` when it is closed, `forbidden` when it takes no guests.
async fn session_of(state: &AppState, code: &str) -> Result<Option<RoomId>, StoreError> {
    let hash = state.node.keys().code_hash(code);
    let Some((session, code_version)) = state.store.session_by_code(hash).await? else {
        return Ok(None);
    };
    // He has no account yet: nobody is a member under this key, so that the pass alone decides.
    let nobody = UserRef { key: UserKey(0), id: UserId::new(Uuid::nil()) };
    let visitor = Visitor { user: nobody, pass: Some(Pass { code_version, guest: true }) };
    let view = state.store.session(visitor, session).await?;
    if view.info.closed_at.is_some() {
        let error = ErrorData::new(ErrorCode::Gone, "the session is closed");
        return Err(error.into());
    }
    Ok(Some(session))
}
