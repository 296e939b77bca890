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
    came_from_here(request)
}

/// Headers by which proxies say that they pass something on.
const BY_A_PROXY: [&str; 4] = ["x-forwarded-for", "x-real-ip", "forwarded", "via"];

fn came_from_here(request: &HttpRequest) -> bool {
    let forwarded = BY_A_PROXY.iter().any(|name| request.headers().contains_key(*name));
    request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) && !forwarded
}

/// 405, in the form of all errors.
pub(crate) async fn wrong_method() -> HttpResponse {
    let error = ApiError::new(ErrorCode::BadRequest, "this path does not know this method");
    HttpResponse::build(StatusCode::METHOD_NOT_ALLOWED).json(error.body())
}

pub(crate) async fn not_found() -> ApiResult<HttpResponse> {
    Err(ApiError::new(ErrorCode::NotFound, "there is nothing here"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_a_proxy_passes_on_is_not_from_here() {
        let from = |address: &str| TestRequest::get().peer_addr(address.parse().unwrap());
        for here in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(came_from_here(&from(here).to_http_request()), "{here}");
        }
        assert!(!came_from_here(&from("192.0.2.1:1").to_http_request()));
        for name in BY_A_PROXY {
            let passed_on = from("127.0.0.1:1").insert_header((name, "192.0.2.1"));
            assert!(!came_from_here(&passed_on.to_http_request()), "{name}");
        }
    }
}
