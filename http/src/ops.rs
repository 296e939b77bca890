//! For whoever operates the server: alive, ready, counters.

use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use salon_protocol::ErrorCode;
use salon_storage::contract::BusHealth;
use serde_json::{Value, json};

use crate::error::{ApiError, ApiResult};
use crate::extract::bearer;
use crate::state::AppState;

/// Below this much free space the disk is as good as full.
const DISK_FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// Alive: it answers.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Ready: it can do its work.
pub(crate) async fn ready(state: Data<AppState>) -> HttpResponse {
    let database = match state.store.probe().await {
        Ok(()) => "ok".to_owned(),
        Err(error) => {
            tracing::warn!(error = %error, "database check failed");
            "failed".to_owned()
        }
    };
    let blobs = match state.blobs.probe().await {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(error = %error, "blob store check failed");
            "failed"
        }
    };
    let disk = match state.config.data_folder.as_deref().and_then(free_bytes) {
        Some(free) if free < DISK_FREE_BYTES_MIN => "full",
        _ => "ok",
    };
    let bus = match state.bus.health() {
        BusHealth::Connected => "ok",
        BusHealth::Degraded => "degraded",
    };
    let draining = state.node.is_draining();
    let fit = database == "ok" && disk == "ok" && !draining;
    let status = match (fit, bus == "ok" && blobs == "ok") {
        (false, _) => "unavailable",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let code = if fit { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(code).json(json!({
        "status": status,
        "checks": {
            "database": database,
            "bus": bus,
            "blobs": blobs,
            "disk": disk,
            "draining": draining,
        },
    }))
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

/// Counters in the text format of Prometheus (OpenMetrics).
pub(crate) async fn metrics(
    state: Data<AppState>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    if !may_read_metrics(&state, &request) {
        return Err(ApiError::new(ErrorCode::Forbidden, "metrics are for this machine only"));
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &state.metrics)
        .map_err(|_| ApiError::new(ErrorCode::Internal, "internal error"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

/// From this machine, not through a proxy on it; or with the token.
fn may_read_metrics(state: &AppState, request: &HttpRequest) -> bool {
    let header = request.headers().get(actix_web::http::header::AUTHORIZATION);
    let shown = header.and_then(|value| value.to_str().ok()).and_then(bearer);
    if let (Some(token), Some(shown)) = (&state.config.metrics_token, shown) {
        let (token, shown) = (token.as_bytes(), shown.as_bytes());
        return aws_lc_rs::constant_time::verify_slices_are_equal(token, shown).is_ok();
    }
    let forwarded = request.headers().contains_key("x-forwarded-for");
    request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) && !forwarded
}

pub(crate) async fn not_found() -> ApiResult<HttpResponse> {
    Err(ApiError::new(ErrorCode::NotFound, "there is nothing here"))
}
