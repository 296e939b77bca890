//! Errors of HTTP: the codes of the protocol with their statuses.
//!
//! The request's id is put into the body here; what the store says beyond the code goes to the log,
//! never to the client.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use salon_protocol::{ErrorCode, ErrorData};
use salon_storage::StoreError;
use serde_json::json;

use crate::request_log::current_request_id;

/// The result of a handler.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// An error on its way to a client.
#[derive(Clone, Debug)]
pub(crate) struct ApiError(pub(crate) ErrorData);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: &str) -> Self {
        ApiError(ErrorData::new(code, message))
    }

    /// 401, the same whatever was wrong with the token.
    pub(crate) fn unauthorized() -> Self {
        ApiError::new(ErrorCode::Unauthorized, "a valid access token is needed")
    }

    /// The body that a client gets.
    pub(crate) fn body(&self) -> serde_json::Value {
        let error = &self.0;
        let mut body = json!({
            "code": error.code,
            "message": error.message,
            "request_id": current_request_id(),
        });
        if let Some(details) = &error.details {
            body["details"] = details.clone();
        }
        if let Some(retry_after_ms) = error.retry_after_ms {
            body["retry_after_ms"] = retry_after_ms.into();
        }
        body
    }

    /// `Retry-After` counts whole seconds.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0.code.name(), self.0.message)
    }
}

impl From<ErrorData> for ApiError {
    fn from(error: ErrorData) -> Self {
        ApiError(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Refused(_) => {}
            StoreError::Unavailable(text) => tracing::warn!(error = text, "store unavailable"),
            StoreError::Internal(text) => tracing::error!(error = text, "store failed"),
        }
        ApiError(error.to_error_data())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.0.code.http_status());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((RETRY_AFTER, seconds));
        }
        response.json(self.body())
    }
}
