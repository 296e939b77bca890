//! Close frames: which codes exist, what a payload says, how ours are built.
//!
//! Owns      the rules of RFC 6455 section 7.4 and the IANA registry of close codes.
//! Promises  a frame built here is valid on the wire whatever it is built from.
//! Does not  decide when to close.

use bytes::Bytes;
use salon_protocol::framing::{Opcode, frame};

use super::frame::Failure;

/// A reason must leave room for the code in a control frame's 125 bytes.
const REASON_BYTES_MAX: usize = 123;

/// The peer broke RFC 6455.
pub(super) const PROTOCOL_ERROR: u16 = 1002;
/// Text that is not UTF-8.
pub(super) const NOT_UTF8: u16 = 1007;
/// A frame or message over the bound.
pub(super) const TOO_BIG: u16 = 1009;
/// The application panicked over a message of this socket.
pub(super) const INTERNAL_ERROR: u16 = 1011;
/// The peer did not answer a ping: whoever was there has gone away.
pub(super) const GONE_AWAY: u16 = 1001;

/// Whether a code may appear in a Close frame: the registered ones, and 3000–4999 for libraries and
/// applications. 1004, 1005, 1006 and 1015 are for use inside an endpoint only.
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the payload of a Close frame. No payload is no code.
pub(super) fn parse(payload: &[u8]) -> Result<Option<u16>, Failure> {
    let [high, low, reason @ ..] = payload else {
        return match payload {
            [] => Ok(None),
            _ => Err(Failure::Protocol("close payload of one byte")),
        };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !may_be_sent(code) {
        return Err(Failure::Protocol("close code that may not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Failure::NotUtf8),
    }
}

/// Builds a Close frame. The reason is cut at 123 bytes, between two characters.
pub(super) fn build(code: Option<u16>, reason: &str) -> Bytes {
    let mut payload = Vec::new();
    if let Some(code) = code {
        debug_assert!(may_be_sent(code), "close code {code}");
        payload.extend_from_slice(&code.to_be_bytes());
        let cut = reason.floor_char_boundary(REASON_BYTES_MAX);
        payload.extend_from_slice(&reason.as_bytes()[..cut]);
    }
    frame(Opcode::Close, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        let long = "é".repeat(100);
        let built = build(Some(1000), &long);
        assert_eq!(built.len(), 2 + 2 + 122);
        assert_eq!(parse(&built[2..]), Ok(Some(1000)));
        assert_eq!(&build(None, "unheard")[..], [0x88, 0]);
    }
}
