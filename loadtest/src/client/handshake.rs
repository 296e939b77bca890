//! The opening handshake (RFC 6455 section 4.1), as a client that is no browser does it.
//!
//! Owns      the request and the judgement of the answer.
//! Promises  a refusal is told with its status, and the beginning of its body.
//! Does not  make random keys: the key guards against confused proxies, of which there are none.

use std::net::SocketAddr;

/// The key of the RFC's example, and the answer that it demands.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The longest head of an answer that is waited for.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The request, the same for every socket.
pub(super) fn request(address: SocketAddr, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The socket is open; frames begin behind so many bytes.
    Granted(usize),
    /// It is not.
    Refused { status: u16, words: String },
    /// More has to come.
    Part,
}

pub(super) fn read(bytes: &[u8]) -> Answer {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > HEAD_BYTES_MAX {
            Answer::Refused { status: 0, words: "an endless head".to_owned() }
        } else {
            Answer::Part
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
    if status != 101 {
        let body = String::from_utf8_lossy(&bytes[end + 4..]);
        return Answer::Refused { status, words: body.chars().take(200).collect() };
    }
    let accept = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-accept").then(|| value.trim().to_owned())
    });
    if accept.as_deref() == Some(ACCEPT) {
        Answer::Granted(end + 4)
    } else {
        Answer::Refused { status, words: "the key is answered wrongly".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let granted = format!("HTTP/1.1 101 Switching\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        assert_eq!(read(granted.as_bytes()), Answer::Granted(granted.len()));
        assert_eq!(read(&granted.as_bytes()[..40]), Answer::Part);
        let wrong = granted.replace(ACCEPT, "x");
        assert!(matches!(read(wrong.as_bytes()), Answer::Refused { status: 101, .. }));
        let full = b"HTTP/1.1 503 Unavailable\r\nRetry-After: 1\r\n\r\n{\"code\":\"overloaded\"}";
        let Answer::Refused { status, words } = read(full) else { panic!() };
        assert_eq!((status, words.as_str()), (503, "{\"code\":\"overloaded\"}"));
    }
}
