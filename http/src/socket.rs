//! Salon on top of the socket layer: who may open a socket, and what its callbacks mean.

use std::net::SocketAddr;
use std::rc::Rc;

use actix_http::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER};
use bytes::Bytes;
use salon_actors::{Connections, Greeting, Incoming, SocketOut};
use salon_protocol::{CloseCode, ErrorCode, ErrorData};

use crate::error::ApiError;
use crate::extract::bearer;
use crate::limit::Act;
use crate::request_log::{REQUEST_ID, current_request_id};
use crate::state::AppState;
use crate::websocket::{Application, Message, Refusal, Refused, Sent, SocketId, Sockets};

/// The application on the sockets of one worker thread.
#[derive(Debug)]
pub struct SalonSockets {
    state: AppState,
    connections: Connections,
}

impl SalonSockets {
    /// Starts the connections of the current thread. `high_bytes` is the socket layer's
    /// `backlog_high_bytes`.
    pub fn start(state: &AppState, sockets: Sockets, high_bytes: usize) -> Self {
        let out = Rc::new(Out { sockets, high_bytes });
        let connections = Connections::start(&state.node, out);
        SalonSockets { state: state.clone(), connections }
    }
}

/// The sockets as the connections see them.
#[derive(Debug)]
struct Out {
    sockets: Sockets,
    high_bytes: usize,
}

impl SocketOut for Out {
    fn send(&self, slot: u32, generation: u32, frame: Bytes) -> usize {
        match self.sockets.send(SocketId::new(slot, generation), frame) {
            Sent::Queued { backlog_bytes } => backlog_bytes,
            Sent::Gone => 0,
        }
    }

    fn close(&self, slot: u32, generation: u32, code: CloseCode) {
        self.sockets.close(SocketId::new(slot, generation), code.code(), code.reason());
    }

    fn set_deadline(&self, slot: u32, generation: u32, seconds: u32) {
        self.sockets.set_deadline(SocketId::new(slot, generation), Some(seconds));
    }

    fn high_bytes(&self) -> usize {
        self.high_bytes
    }
}

impl Application for SalonSockets {
    type Admission = Greeting;

    fn admit(&self, head: &RequestHead, peer: Option<SocketAddr>) -> Result<Greeting, Refusal> {
        if self.state.node.is_draining() {
            let error = ErrorData::new(ErrorCode::Unavailable, "the server is shutting down");
            return Err(refusal(error.retry_after(1_000)));
        }
        let address = self.state.client_address(peer, &head.headers);
        self.state.limits.take(Act::Upgrade, address).map_err(refusal)?;
        let Some(header) = head.headers.get(AUTHORIZATION) else { return Ok(Greeting::default()) };
        let token = header.to_str().ok().and_then(bearer);
        match token.and_then(|token| self.state.node.verify(token)) {
            Some(claims) => Ok(Greeting { claims: Some(claims) }),
            None => Err(refusal(ApiError::unauthorized().0)),
        }
    }

    fn opened(&self, id: SocketId, greeting: Greeting) {
        self.connections.opened(id.slot(), id.generation(), greeting);
    }

    fn message(&self, id: SocketId, message: Message<'_>) {
        let frame = match message {
            Message::Text(text) => Incoming::Text(text),
            Message::Binary(bytes) => Incoming::Binary(bytes),
        };
        self.connections.frame(id.slot(), id.generation(), frame);
    }

    fn drained(&self, id: SocketId) {
        self.connections.drained(id.slot(), id.generation());
    }

    fn deadline(&self, id: SocketId) {
        self.connections.deadline(id.slot(), id.generation());
    }

    fn closed(&self, id: SocketId) {
        self.connections.closed(id.slot(), id.generation());
    }

    fn writes_waiting(&self, sockets: usize) {
        self.connections.writes_waiting(sockets);
    }

    fn tick(&self) {
        self.connections.tick();
    }

    fn refusal(&self, reason: Refused, plain: Refusal) -> Refusal {
        let code = match reason {
            Refused::Origin => ErrorCode::Forbidden,
            Refused::Full => ErrorCode::Overloaded,
            Refused::Path => ErrorCode::NotFound,
            _ => ErrorCode::BadRequest,
        };
        let text = format!("no socket: {}", reason.name());
        let dressed = refusal(ErrorData::new(code, text));
        let mut headers = plain.headers;
        headers.extend(dressed.headers);
        Refusal { status: plain.status, headers, body: dressed.body }
    }
}

/// An error in the form that all of HTTP has.
fn refusal(error: ErrorData) -> Refusal {
    let error = ApiError(error);
    let status = StatusCode::from_u16(error.0.code.http_status());
    let body = error.body();
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    if let Some(seconds) = error.retry_after_seconds() {
        headers.push((RETRY_AFTER, seconds.into()));
    }
    let id = body["request_id"].as_str().map_or_else(current_request_id, str::to_owned);
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.push((REQUEST_ID, value));
    }
    Refusal {
        status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers,
        body: Bytes::from(body.to_string()),
    }
}
