//! From types to framed bytes. The only file that names a serialisation format for writing.

use bytes::{BufMut, Bytes};
use serde::Serialize;

use crate::close_code::Bye;
use crate::error_code::ErrorData;
use crate::event::Event;
use crate::framing::{FrameBuffer, Opcode};
use crate::signal::Signal;

/// How one socket wants to be spoken to: decided by the kind of its first data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Text frames.
    Json,
    /// Binary frames; maps with names.
    MessagePack,
}

impl Encoding {
    /// Both, in the order of [`Encoding::index`].
    pub const ALL: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

    /// For tables with one entry per encoding.
    pub const fn index(self) -> usize {
        match self {
            Encoding::Json => 0,
            Encoding::MessagePack => 1,
        }
    }

    /// The kind of WebSocket frame.
    pub const fn opcode(self) -> Opcode {
        match self {
            Encoding::Json => Opcode::Text,
            Encoding::MessagePack => Opcode::Binary,
        }
    }

    /// Encodes and frames any value.
    pub fn frame<T: Serialize>(self, value: &T, payload_bytes: usize) -> Bytes {
        let mut buffer = FrameBuffer::with_capacity(payload_bytes);
        self.write(value, &mut (&mut buffer.bytes).writer());
        buffer.finish(self.opcode())
    }

    /// Encodes any value without a frame around it.
    pub fn encode<T: Serialize>(self, value: &T) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        self.write(value, &mut bytes);
        bytes
    }

    #[expect(clippy::expect_used, reason = "our types have string keys; a buffer takes all bytes")]
    fn write<T: Serialize>(self, value: &T, out: &mut impl std::io::Write) {
        match self {
            Encoding::Json => serde_json::to_writer(out, value).expect("frames are JSON"),
            Encoding::MessagePack => {
                rmp_serde::encode::write_named(out, value).expect("frames are MessagePack");
            }
        }
    }
}

/// What most frames fit in, so that encoding one allocates once.
const USUAL_BYTES: usize = 320;

/// `ok`: the request was done, and if it changed something, it is committed.
pub fn ok<T: Serialize>(encoding: Encoding, reference: Option<u64>, data: &T) -> Bytes {
    encoding.frame(&Answer { kind: "ok", reference, data }, USUAL_BYTES)
}

/// `error`: the request was not done.
pub fn error(encoding: Encoding, reference: Option<u64>, data: &ErrorData) -> Bytes {
    encoding.frame(&Answer { kind: "error", reference, data }, USUAL_BYTES)
}

/// `bye`: the close frame follows.
pub fn bye(encoding: Encoding, data: &Bye) -> Bytes {
    encoding.frame(&Answer { kind: "bye", reference: None, data }, USUAL_BYTES)
}

/// An event of a room's log.
pub fn event(encoding: Encoding, event: &Event) -> Bytes {
    encoding.frame(event, USUAL_BYTES)
}

/// A signal.
pub fn signal(encoding: Encoding, signal: &Signal) -> Bytes {
    encoding.frame(signal, USUAL_BYTES)
}

/// A request, without a WebSocket frame around it (a client has to mask it). For clients.
pub fn request<T: Serialize>(
    encoding: Encoding,
    kind: &str,
    reference: Option<u64>,
    data: &T,
) -> Vec<u8> {
    encoding.encode(&Answer { kind, reference, data })
}

#[derive(Serialize)]
struct Answer<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<u64>,
    data: &'a T,
}
