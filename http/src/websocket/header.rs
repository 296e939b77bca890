//! The header of one frame from a client (RFC 6455 section 5.2).
//!
//! Owns      reading and judging the header, from however few bytes there are.
//! Promises  what can be refused is refused at the first byte that shows it.
//! Does not  know the bounds of frames and messages, nor payloads.

use super::frame::Failure;

/// Two bytes, a 64-bit length and a mask.
pub(super) const HEADER_BYTES_MAX: usize = 14;

/// The longest payload of a control frame.
const CONTROL_BYTES_MAX: u64 = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn from_opcode(opcode: u8) -> Option<Kind> {
        Some(match opcode {
            0x0 => Kind::Continuation,
            0x1 => Kind::Text,
            0x2 => Kind::Binary,
            0x8 => Kind::Close,
            0x9 => Kind::Ping,
            0xA => Kind::Pong,
            _ => return None,
        })
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Kind::Close | Kind::Ping | Kind::Pong)
    }
}

/// A header that was read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The last (or only) frame of its message.
    pub(super) last: bool,
    pub(super) mask: [u8; 4],
    /// As declared. Nothing may be allocated by it.
    pub(super) payload_bytes: u64,
}

/// Reads a header from the start of `bytes` and says how long it was; `None` when it needs more
/// bytes. `in_message`: a message has begun and waits for its continuation.
pub(super) fn parse(bytes: &[u8], in_message: bool) -> Result<Option<(Header, usize)>, Failure> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let last = first & 0x80 != 0;
    if first & 0x70 != 0 {
        return Err(Failure::Protocol("reserved bits are set"));
    }
    let Some(kind) = Kind::from_opcode(first & 0x0F) else {
        return Err(Failure::Protocol("unknown opcode"));
    };
    match kind {
        _ if kind.is_control() && !last => {
            return Err(Failure::Protocol("fragmented control frame"));
        }
        Kind::Continuation if !in_message => {
            return Err(Failure::Protocol("continuation of nothing"));
        }
        Kind::Text | Kind::Binary if in_message => {
            return Err(Failure::Protocol("new message inside a message"));
        }
        _ => {}
    }

    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(Failure::Protocol("frame is not masked"));
    }
    let short = u64::from(second & 0x7F);
    if kind.is_control() && short > CONTROL_BYTES_MAX {
        return Err(Failure::Protocol("control frame over 125 bytes"));
    }
    let Some((payload_bytes, length_end)) = length(short, bytes)? else { return Ok(None) };
    let Some(mask) = bytes[length_end..].first_chunk::<4>() else { return Ok(None) };
    Ok(Some((Header { kind, last, mask: *mask, payload_bytes }, length_end + 4)))
}

/// The declared length and where it ends. The RFC demands the shortest form.
fn length(short: u64, bytes: &[u8]) -> Result<Option<(u64, usize)>, Failure> {
    let extended = &bytes[2..];
    let (length, least, end) = match short {
        126 => match extended.first_chunk() {
            Some(two) => (u64::from(u16::from_be_bytes(*two)), 126, 4),
            None => return Ok(None),
        },
        127 => match extended.first_chunk() {
            Some(eight) => (u64::from_be_bytes(*eight), 0x1_0000, 10),
            None => return Ok(None),
        },
        _ => (short, 0, 2),
    };
    if length < least {
        return Err(Failure::Protocol("length is not in its shortest form"));
    }
    Ok(Some((length, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn header(first: u8, length: &[u8]) -> Vec<u8> {
        [&[first], length, &MASK].concat()
    }

    #[test]
    fn lengths_are_read_at_every_cut() {
        for (length, payload_bytes) in [
            (&[0x80][..], 0),
            (&[0x80 | 125], 125),
            (&[0xFE, 0, 126], 126),
            (&[0xFE, 0xFF, 0xFF], 65_535),
            (&[0xFF, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
            (&[0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1 << 63),
        ] {
            let bytes = header(0x82, length);
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut], false), Ok(None), "{length:x?} cut at {cut}");
            }
            let whole = Header { kind: Kind::Binary, last: true, mask: MASK, payload_bytes };
            let more = [&bytes[..], b"payload"].concat();
            assert_eq!(parse(&more, false), Ok(Some((whole, bytes.len()))));
        }
    }

    #[test]
    fn a_bad_header_is_refused_at_the_byte_that_shows_it() {
        for (bytes, in_message, what) in [
            (&[0xC1][..], false, "reserved bits are set"),
            (&[0x83], false, "unknown opcode"),
            (&[0x8B], false, "unknown opcode"),
            (&[0x09], false, "fragmented control frame"),
            (&[0x80], false, "continuation of nothing"),
            (&[0x01], true, "new message inside a message"),
            (&[0x81, 0x05], false, "frame is not masked"),
            (&[0x89, 0xFE], false, "control frame over 125 bytes"),
            (&[0x82, 0xFE, 0, 125], false, "length is not in its shortest form"),
            (
                &[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
                false,
                "length is not in its shortest form",
            ),
        ] {
            assert_eq!(parse(bytes, in_message), Err(Failure::Protocol(what)), "{bytes:x?}");
            let before = &bytes[..bytes.len() - 1];
            assert_eq!(parse(before, in_message), Ok(None), "{before:x?}");
        }
    }
}
