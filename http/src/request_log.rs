//! Gives every request an id, and writes one line about it when it is answered.
//!
//! The line has no address, no token and no query: the route's pattern, not the path.

use std::cell::RefCell;
use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use uuid::Uuid;

/// The header that carries the id, in requests from a proxy and in all answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: RefCell<String>;
}

/// The id of the request that is being served; a fresh one outside of any.
pub(crate) fn current_request_id() -> String {
    CURRENT.try_with(|id| id.borrow().clone()).unwrap_or_else(|_| fresh_id())
}

fn fresh_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// An id that a proxy has given is kept when it is short and harmless.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(harmless)).then(|| text.to_owned())
}

/// The middleware.
pub(crate) async fn log_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = given_id(&request).unwrap_or_else(fresh_id);
    let started = Instant::now();
    let method = request.method().clone();
    let response =
        CURRENT.scope(RefCell::new(id.clone()), async move { next.call(request).await }).await;
    match response {
        Ok(mut response) => {
            let status = response.status().as_u16();
            let route = response.request().match_pattern().unwrap_or_default();
            write_line(&id, method.as_str(), &route, status, started);
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            Ok(response)
        }
        Err(error) => {
            let status = error.as_response_error().status_code().as_u16();
            write_line(&id, method.as_str(), "", status, started);
            Err(error)
        }
    }
}

fn write_line(id: &str, method: &str, route: &str, status: u16, started: Instant) {
    let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::warn!(request.id = id, method, route, status, duration_us, "request failed");
    } else {
        tracing::debug!(request.id = id, method, route, status, duration_us, "request");
    }
}
