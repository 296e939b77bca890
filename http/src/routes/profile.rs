//! Profiles: one's own, and those of others.

use actix_web::web::{Data, Json, Path};
use salon_protocol::content::{check_text, check_words};
use salon_protocol::reply::{Profile, PublicProfile};
use salon_protocol::{ErrorCode, ErrorData, UserId, limits};
use salon_storage::contract::AccountName;
use salon_storage::model::{AccountChange, AccountRole};
use serde::Deserialize;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Authenticated, Body, Client};
use crate::state::AppState;

/// Body of `PATCH /api/users/me`; what is absent stays, an empty text clears.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct PatchProfile {
    /// 1 to 64 characters.
    #[serde(default)]
    pub(crate) nickname: Option<String>,
    /// An `https` address of up to 500 characters.
    #[serde(default)]
    pub(crate) avatar: Option<String>,
    /// Up to 500 characters.
    #[serde(default)]
    pub(crate) bio: Option<String>,
    /// A language tag such as `en` or `zh-CN`.
    #[serde(default)]
    pub(crate) language: Option<String>,
}

const AVATAR_CHARS_MAX: usize = 500;
const LANGUAGE_CHARS_MAX: usize = 35;

pub(crate) async fn me(
    state: Data<AppState>,
    _: Client,
    Authenticated(claims): Authenticated,
) -> ApiResult<Json<Profile>> {
    let account = state.store.account(AccountName::Id(claims.user)).await?;
    let account = account.ok_or_else(ApiError::unauthorized)?;
    Ok(Json(account.profile()))
}

pub(crate) async fn patch_me(
    state: Data<AppState>,
    _: Client,
    Authenticated(claims): Authenticated,
    Body(body): Body<PatchProfile>,
) -> ApiResult<Json<Profile>> {
    let patch = body;
    check(&patch)?;
    // Guests have a name for as long as they stay, and nothing else that strangers would see.
    if patch.avatar.is_some() || patch.bio.is_some() {
        refuse_guests(&state, claims.user).await?;
    }
    let change = AccountChange {
        nickname: patch.nickname,
        avatar: patch.avatar,
        bio: patch.bio,
        language: patch.language,
        ..AccountChange::default()
    };
    let account = state.store.update_account(claims.user, change).await?;
    Ok(Json(account.profile()))
}

/// For what only accounts have that somebody keeps.
async fn refuse_guests(state: &AppState, user: UserId) -> ApiResult<()> {
    let account = state.store.account(AccountName::Id(user)).await?;
    if account.is_none_or(|account| account.role == AccountRole::Guest) {
        return Err(ApiError::new(ErrorCode::Forbidden, "guests have no account of their own"));
    }
    Ok(())
}

fn check(patch: &PatchProfile) -> Result<(), ErrorData> {
    if let Some(nickname) = &patch.nickname {
        check_text("nickname", nickname, limits::NICKNAME_CHARS_MAX)?;
    }
    if let Some(bio) = &patch.bio {
        check_words("bio", bio, limits::BIO_CHARS_MAX)?;
    }
    if let Some(avatar) = &patch.avatar {
        check_words("avatar", avatar, AVATAR_CHARS_MAX)?;
        let address = avatar.is_empty() || avatar.starts_with("https://");
        if !address || avatar.chars().any(char::is_whitespace) {
            return Err(ErrorData::field("avatar", "expected an https address"));
        }
    }
    if let Some(language) = &patch.language {
        let tag = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if language.len() > LANGUAGE_CHARS_MAX || !tag {
            return Err(ErrorData::field("language", "expected a language tag such as zh-CN"));
        }
    }
    Ok(())
}

pub(crate) async fn user(
    state: Data<AppState>,
    _: Client,
    _: Authenticated,
    id: Path<String>,
) -> ApiResult<Json<PublicProfile>> {
    let missing = || ApiError::new(ErrorCode::NotFound, "there is no such user");
    let id = UserId::parse(&id).ok_or_else(missing)?;
    let mut profiles = state.store.profiles(&[id]).await?;
    profiles.pop().map(Json).ok_or_else(missing)
}
