//! The opening handshake (RFC 6455 section 4.2).
//!
//! Owns      judging the request and the bytes of the 101.
//! Promises  pure; every deviation that could confuse a proxy or a client is refused.
//! Does not  know the application's reasons, nor negotiate subprotocols or extensions.

use actix_http::{
    Method, RequestHead, Version,
    header::{self, HeaderMap, HeaderName},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::{Digest, Sha1};

use super::{
    Refused, SocketConfig,
    origin::{self, Origin},
};

/// What every key is hashed with (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a server asks of every handshake.
#[derive(Debug)]
pub(crate) struct Rules {
    path: Option<String>,
    origins: Option<Vec<Origin>>,
}

impl Rules {
    /// The error is the entry of the allow list that is no origin.
    pub(crate) fn new(config: &SocketConfig) -> Result<Rules, String> {
        let parse = |text: &String| Origin::parse(text).ok_or_else(|| text.clone());
        let origins = config.origins.as_ref();
        let origins = origins.map(|list| list.iter().map(parse).collect()).transpose()?;
        Ok(Rules { path: config.path.clone(), origins })
    }

    /// Judges a request; the answer is the value of `Sec-WebSocket-Accept`.
    pub(super) fn check(&self, head: &RequestHead) -> Result<String, Refused> {
        if self.path.as_ref().is_some_and(|path| head.uri.path() != path) {
            return Err(Refused::Path);
        }
        if head.method != Method::GET {
            return Err(Refused::Method);
        }
        let headers = &head.headers;
        if !headers.contains_key(header::UPGRADE) {
            return Err(Refused::Plain);
        }
        // A body would be read as frames, by us or by a proxy that sees it otherwise.
        let has_body = headers.contains_key(header::TRANSFER_ENCODING)
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
        let names_websocket = |value: &str| value.eq_ignore_ascii_case("websocket");
        if head.version != Version::HTTP_11
            || has_body
            || !head.upgrade()
            || !only(headers, header::UPGRADE).is_some_and(names_websocket)
        {
            return Err(Refused::Malformed);
        }
        if only(headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
            return Err(Refused::Version);
        }
        let key = only(headers, header::SEC_WEBSOCKET_KEY).ok_or(Refused::Malformed)?;
        if !BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
            return Err(Refused::Malformed);
        }
        if !origin::is_allowed(headers, self.origins.as_deref()) {
            return Err(Refused::Origin);
        }
        Ok(accept(key))
    }
}

/// The value of a header that is there exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok().map(str::trim) }
}

fn accept(key: &str) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The answer that grants the upgrade.
pub(super) fn grant(accept: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_gives_the_answer_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn an_allow_list_with_nonsense_is_named() {
        let config = |origin: &str| SocketConfig {
            origins: Some(vec!["https://ok.example".to_owned(), origin.to_owned()]),
            ..SocketConfig::default()
        };
        assert!(Rules::new(&config("http://localhost:3000")).is_ok());
        for nonsense in ["*", "localhost", "https://a.example/"] {
            assert_eq!(Rules::new(&config(nonsense)).unwrap_err(), nonsense);
        }
    }
}
