//! What a handler takes as arguments, so that it cannot forget to check it.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::error::JsonPayloadError;
use actix_web::http::ConnectionType;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, ResponseError as _, web};
use salon_actors::Claims;
use salon_protocol::{ErrorCode, ErrorData};

use crate::error::ApiError;
use crate::limit::Act;
use crate::state::AppState;

/// A body is not longer than this, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body has come by then (slowloris).
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Somebody with a valid access token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authenticated(pub(crate) Claims);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticated(request))
    }
}

fn authenticated(request: &HttpRequest) -> Result<Authenticated, ApiError> {
    let state = state(request)?;
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(bearer).ok_or_else(ApiError::unauthorized)?;
    let claims = state.node.verify(token).ok_or_else(ApiError::unauthorized)?;
    Ok(Authenticated(claims))
}

/// The token in an `Authorization` header.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The address of the client, with the general rate taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(client(request))
    }
}

fn client(request: &HttpRequest) -> Result<Client, ApiError> {
    taken(request, Act::Request).map(Client)
}

fn taken(request: &HttpRequest, act: Act) -> Result<IpAddr, ApiError> {
    let state = state(request)?;
    let address = state.client_address(request.peer_addr(), request.headers());
    state.limits.take(act, address)?;
    Ok(address)
}

/// Somebody who gets pictures, with the rate for that taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Onlooker;

impl FromRequest for Onlooker {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(taken(request, Act::Picture).map(|_| Onlooker))
    }
}

fn state(request: &HttpRequest) -> Result<&AppState, ApiError> {
    request
        .app_data::<web::Data<AppState>>()
        .map(|state| state.get_ref())
        .ok_or_else(|| ApiError::new(ErrorCode::Internal, "internal error"))
}

/// A body in JSON that came in time.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: serde::de::DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(body_within(BODY_WITHIN, web::Json::from_request(request, payload)))
    }
}

async fn body_within<T>(
    time: Duration,
    body: impl Future<Output = Result<web::Json<T>, actix_web::Error>>,
) -> Result<Body<T>, actix_web::Error> {
    match tokio::time::timeout(time, body).await {
        Ok(body) => body.map(|body| Body(body.into_inner())),
        Err(_) => Err(too_slow()),
    }
}

/// The answer to a body that does not come; nobody waits for the rest of it.
fn too_slow() -> actix_web::Error {
    let error = ApiError(ErrorData::field("body", "did not come in time"));
    let mut response = error.error_response();
    response.head_mut().set_connection_type(ConnectionType::Close);
    InternalError::from_response(error, response).into()
}

/// How bodies are read: a bound on their size, and errors that name the field.
pub(crate) fn json_config() -> web::JsonConfig {
    web::JsonConfig::default()
        .limit(BODY_BYTES_MAX)
        .content_type_required(false)
        .error_handler(|error, _| json_error(&error).into())
}

fn json_error(error: &JsonPayloadError) -> ApiError {
    let data = match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ErrorData::new(ErrorCode::TooLarge, "the body is too large")
        }
        JsonPayloadError::Deserialize(error) => {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text);
            match reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
                Some(field) => ErrorData::field(field, "is missing"),
                None => ErrorData::field("body", reason),
            }
        }
        _ => ErrorData::field("body", "expected JSON"),
    };
    ApiError(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = std::future::pending::<Result<web::Json<u8>, actix_web::Error>>();
        let error = body_within(Duration::from_millis(1), never).await.unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.head().connection_type(), ConnectionType::Close);
        let there = std::future::ready(Ok(web::Json(7)));
        assert_eq!(body_within(BODY_WITHIN, there).await.unwrap().0, 7);
    }
}
