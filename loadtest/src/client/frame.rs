//! WebSocket frames from the client's side (RFC 6455 section 5.2).
//!
//! Owns      reading the server's headers and writing masked frames.
//! Promises  a declared length is never trusted for an allocation by itself: the caller grows his
//!           buffer up to [`FRAME_BYTES_MAX`].
//! Does not  join fragments: this server, like most, sends none.

use salon_protocol::framing::Opcode;
use salon_protocol::{Encoding, codec};
use serde::Serialize;

/// The longest frame that the client reads: a page of 200 of the longest messages has 8 MB.
pub(super) const FRAME_BYTES_MAX: usize = 64 << 20;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A whole frame of `len` bytes, header included.
    Frame { opcode: u8, payload: &'a [u8], len: usize },
    /// The beginning of a frame that will have at least so many bytes.
    Part(usize),
    /// No frame.
    Bad(&'static str),
}

/// Reads one frame.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let &[first, second, ..] = bytes else { return Parsed::Part(2) };
    if first & 0x70 != 0 {
        return Parsed::Bad("a reserved bit is set");
    }
    if second & 0x80 != 0 {
        return Parsed::Bad("a frame of a server is masked");
    }
    if first & 0x80 == 0 || first & 0x0F == 0 {
        return Parsed::Bad("the message comes in fragments, which this client does not join");
    }
    let (header, len) = match second {
        126 => match bytes.get(2..4) {
            Some(len) => (4, usize::from(u16::from_be_bytes([len[0], len[1]]))),
            None => return Parsed::Part(4),
        },
        127 => match bytes.get(2..10) {
            Some(len) => {
                let len = len.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                match usize::try_from(len) {
                    Ok(len) if len <= FRAME_BYTES_MAX => (10, len),
                    _ => return Parsed::Bad("a frame announces more than 64 MiB"),
                }
            }
            None => return Parsed::Part(10),
        },
        short => (2, usize::from(short)),
    };
    match bytes.get(header..header + len) {
        Some(payload) => Parsed::Frame { opcode: first & 0x0F, payload, len: header + len },
        None => Parsed::Part(header + len),
    }
}

/// Appends a masked frame. The key is 0, which the RFC allows to whoever is no browser: a load test
/// has better use for its processor.
pub(super) fn push(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(0x80 | opcode as u8);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
}

/// Appends a request as a masked frame.
pub fn request<T: Serialize>(
    out: &mut Vec<u8>,
    encoding: Encoding,
    kind: &str,
    reference: u64,
    data: &T,
) {
    let payload = codec::request(encoding, kind, Some(reference), data);
    push(out, encoding.opcode(), &payload);
}

/// Appends a close frame.
pub fn close(out: &mut Vec<u8>, code: u16) {
    push(out, Opcode::Close, &code.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use salon_protocol::framing;

    use super::*;

    #[test]
    fn frames_of_every_length_and_every_part_of_them() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let framed = framing::frame(Opcode::Binary, &payload);
            let whole = Parsed::Frame { opcode: 2, payload: &payload, len: framed.len() };
            assert_eq!(parse(&framed), whole);
            for end in (0..framed.len()).step_by(framed.len() / 50 + 1) {
                let Parsed::Part(needed) = parse(&framed[..end]) else { panic!("{end} of {len}") };
                assert!(needed > end && needed <= framed.len());
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [&[0xC1, 0][..], &[0x81, 0x80], &[0x01, 0], &[0x80, 0]] {
            assert!(matches!(parse(bytes), Parsed::Bad(_)), "{bytes:x?}");
        }
        let endless = [0x82, 127, 0xFF, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(parse(&endless), Parsed::Bad(_)));
    }

    #[test]
    fn masked_frames_have_the_shortest_header() {
        for (len, header) in [(0, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let mut out = Vec::new();
            push(&mut out, Opcode::Text, &vec![b'x'; len]);
            assert_eq!((out.len(), out[0], out[1] & 0x80), (header + len, 0x81, 0x80));
        }
    }
}
