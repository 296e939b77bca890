//! The header that RFC 6455 puts before every message that a server sends.
//!
//! It lives here, below the sockets, so that an event can be encoded and framed once and the same
//! bytes written to every socket. Reading frames (masks, fragments, limits) is the socket layer's.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a frame carries (RFC 6455 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// UTF-8 text; in Salon: JSON.
    Text = 0x1,
    /// Bytes; in Salon: MessagePack.
    Binary = 0x2,
    /// The closing handshake: a code of two bytes and a reason.
    Close = 0x8,
    /// "Are you there?"
    Ping = 0x9,
    /// The answer to a ping, with the ping's payload.
    Pong = 0xA,
}

/// The longest header of an unmasked frame: two bytes and a 64-bit length.
pub const HEADER_BYTES_MAX: usize = 10;

/// The bit that marks a frame as the last (here: the only) one of its message.
const FIN: u8 = 0x80;

/// Writes the header of an unfragmented, unmasked frame with a payload of `len` bytes into the
/// end of `space` and returns how many of its bytes it takes.
///
/// The header goes to the end so that a payload that was encoded behind a gap of
/// [`HEADER_BYTES_MAX`] bytes needs no second copy.
fn header_before(opcode: Opcode, len: usize, space: &mut [u8; HEADER_BYTES_MAX]) -> usize {
    let first = FIN | opcode as u8;
    if len < 126 {
        space[8] = first;
        space[9] = len as u8;
        2
    } else if let Ok(short) = u16::try_from(len) {
        space[6] = first;
        space[7] = 126;
        space[8..].copy_from_slice(&short.to_be_bytes());
        4
    } else {
        space[0] = first;
        space[1] = 127;
        space[2..].copy_from_slice(&(len as u64).to_be_bytes());
        10
    }
}

/// Frames `payload` as one unfragmented message.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut buffer = FrameBuffer::with_capacity(payload.len());
    buffer.bytes.put_slice(payload);
    buffer.finish(opcode)
}

/// A payload under construction, with room for its header in front.
#[derive(Debug)]
pub struct FrameBuffer {
    /// The gap for the header, then the payload. Anything may be appended.
    pub bytes: BytesMut,
}

impl FrameBuffer {
    /// An empty payload that is expected to need about `payload_bytes`.
    pub fn with_capacity(payload_bytes: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES_MAX + payload_bytes);
        bytes.put_bytes(0, HEADER_BYTES_MAX);
        FrameBuffer { bytes }
    }

    /// Puts the header in front of what was written and hands out the whole frame.
    pub fn finish(mut self, opcode: Opcode) -> Bytes {
        let mut space = [0; HEADER_BYTES_MAX];
        let used = header_before(opcode, self.bytes.len() - HEADER_BYTES_MAX, &mut space);
        self.bytes[..HEADER_BYTES_MAX].copy_from_slice(&space);
        let mut frame = self.bytes.freeze();
        frame.advance(HEADER_BYTES_MAX - used);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_choose_the_shortest_header() {
        for (len, header) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xFF, 0xFF]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let payload = vec![b'x'; len];
            let framed = frame(Opcode::Text, &payload);
            assert_eq!(framed[..header.len()], header, "length {len}");
            assert_eq!(framed[header.len()..], payload, "length {len}");
        }
    }
}
