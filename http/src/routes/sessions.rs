//! One's devices: listing them, and ending their logins.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use salon_protocol::{ErrorCode, Millis, SessionId};
use salon_storage::contract::Which;
use serde::Serialize;

use super::login::sessions_ended;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Authenticated, Client};
use crate::state::AppState;

/// A login on a device.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct SessionItem {
    /// Names it in `DELETE /api/auth/sessions/{id}`.
    id: SessionId,
    /// The installation's name for itself.
    device: String,
    /// When he logged in.
    created_at: Millis,
    /// When a token was last refreshed.
    used_at: Millis,
    /// When the refresh token ends.
    expires_at: Millis,
    /// The one that asks.
    current: bool,
}

/// `{items}`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct SessionList {
    /// The most recently used first.
    items: Vec<SessionItem>,
}

pub(crate) async fn list(
    state: Data<AppState>,
    _: Client,
    Authenticated(claims): Authenticated,
) -> ApiResult<Json<SessionList>> {
    let sessions = state.store.sessions(claims.user).await?;
    let items = sessions
        .into_iter()
        .map(|session| SessionItem {
            id: session.id,
            device: session.device,
            created_at: session.created_at,
            used_at: session.used_at,
            expires_at: session.expires_at,
            current: session.id == claims.session,
        })
        .collect();
    Ok(Json(SessionList { items }))
}

pub(crate) async fn end_one(
    state: Data<AppState>,
    _: Client,
    Authenticated(claims): Authenticated,
    id: Path<String>,
) -> ApiResult<HttpResponse> {
    let missing = || ApiError::new(ErrorCode::NotFound, "there is no such session");
    let id = SessionId::parse(&id).ok_or_else(missing)?;
    let ended = state.store.end_sessions(claims.user, Which::One(id)).await?;
    if ended.is_empty() {
        return Err(missing());
    }
    sessions_ended(&state, claims.user, &ended);
    Ok(HttpResponse::NoContent().finish())
}

/// Ends all others.
pub(crate) async fn end_others(
    state: Data<AppState>,
    _: Client,
    Authenticated(claims): Authenticated,
) -> ApiResult<HttpResponse> {
    let others = Which::AllBut(claims.session);
    let ended = state.store.end_sessions(claims.user, others).await?;
    sessions_ended(&state, claims.user, &ended);
    Ok(HttpResponse::NoContent().finish())
}
