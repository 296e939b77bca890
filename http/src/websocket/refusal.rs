//! Answers to upgrades that are not granted.
//!
//! Owns      the reasons of this layer, and how a refusal looks on the wire.
//! Promises  every refusal is a complete HTTP response that ends the connection.
//! Does not  decide.

use std::fmt::Write as _;

use actix_http::{
    StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use bytes::Bytes;

/// Why an upgrade was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another path than the sockets'.
    Path,
    /// Not a GET.
    Method,
    /// A plain request to the sockets' path.
    Plain,
    /// Not a handshake as RFC 6455 wants it.
    Malformed,
    /// Another version of the protocol than 13.
    Version,
    /// A page of a foreign origin.
    Origin,
    /// `sockets_max` are open.
    Full,
    /// The application's own reasons.
    Application,
}

impl Refused {
    /// All reasons.
    pub const ALL: [Refused; 8] = [
        Refused::Path,
        Refused::Method,
        Refused::Plain,
        Refused::Malformed,
        Refused::Version,
        Refused::Origin,
        Refused::Full,
        Refused::Application,
    ];

    /// A word for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Refused::Path => "path",
            Refused::Method => "method",
            Refused::Plain => "plain",
            Refused::Malformed => "malformed",
            Refused::Version => "version",
            Refused::Origin => "origin",
            Refused::Full => "full",
            Refused::Application => "application",
        }
    }

    /// The answer for a reason of the layer's own.
    pub(super) fn plain(self) -> Refusal {
        let (status, code, message) = match self {
            Refused::Path => (StatusCode::NOT_FOUND, "not_found", "there are no sockets here"),
            Refused::Method => (StatusCode::METHOD_NOT_ALLOWED, "bad_request", "use GET"),
            Refused::Plain => {
                (StatusCode::UPGRADE_REQUIRED, "bad_request", "this is for WebSockets")
            }
            Refused::Malformed => {
                (StatusCode::BAD_REQUEST, "bad_request", "not a WebSocket handshake")
            }
            Refused::Version => {
                (StatusCode::UPGRADE_REQUIRED, "bad_request", "only version 13 is spoken here")
            }
            Refused::Origin => (StatusCode::FORBIDDEN, "forbidden", "this origin is not allowed"),
            Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many sockets"),
            Refused::Application => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
            }
        };
        let body = format!(r#"{{"code":"{code}","message":"{message}"}}"#);
        let refusal = Refusal::new(status, body);
        match self {
            Refused::Method => refusal.with(header::ALLOW, "GET"),
            Refused::Plain => refusal.with(header::UPGRADE, "websocket"),
            Refused::Version => {
                refusal.with(header::UPGRADE, "websocket").with(header::SEC_WEBSOCKET_VERSION, "13")
            }
            Refused::Full => refusal.with(header::RETRY_AFTER, "5"),
            _ => refusal,
        }
    }
}

/// An HTTP response in place of an upgrade.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Headers beside `Content-Type`, `Content-Length` and `Connection`, which are set.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON.
    pub body: Bytes,
}

impl Refusal {
    /// A refusal with a JSON body.
    pub fn new(status: StatusCode, json: impl Into<Bytes>) -> Self {
        Refusal { status, headers: Vec::new(), body: json.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The response as bytes. A HEAD request gets everything but the body.
    pub(super) fn encode(&self, with_body: bool) -> Vec<u8> {
        let reason = self.status.canonical_reason().unwrap_or("Refused");
        let mut head = format!(
            "HTTP/1.1 {} {reason}\r\nconnection: close\r\ncontent-type: application/json\r\n",
            self.status.as_u16(),
        );
        // Writing to a String cannot fail.
        let _ = write!(head, "content-length: {}\r\n", self.body.len());
        let mut response = head.into_bytes();
        for (name, value) in &self.headers {
            response.extend_from_slice(name.as_str().as_bytes());
            response.extend_from_slice(b": ");
            response.extend_from_slice(value.as_bytes());
            response.extend_from_slice(b"\r\n");
        }
        response.extend_from_slice(b"\r\n");
        if with_body {
            response.extend_from_slice(&self.body);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_whole_response() {
        let refusal = Refused::Version.plain();
        assert_eq!(
            String::from_utf8(refusal.encode(true)).unwrap(),
            "HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: 65\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\n\r\n\
             {\"code\":\"bad_request\",\"message\":\"only version 13 is spoken here\"}",
        );
        assert!(refusal.encode(false).ends_with(b"\r\n\r\n"));
    }

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        for (index, reason) in Refused::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert!(Refused::ALL.iter().filter(|other| other.name() == reason.name()).count() == 1);
        }
    }
}
