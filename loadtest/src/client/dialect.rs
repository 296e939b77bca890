//! How a server wants to be spoken to.
//!
//! Owns      the translation between Salon's JSON frames and Socket.IO's.
//! Promises  whoever uses the client sees Salon's frames, whatever the server speaks; a plain server
//!           costs nothing for it.
//! Does not  know what a frame means.

use std::borrow::Cow;

use salon_protocol::Encoding;
use salon_protocol::framing::Opcode;
use serde::Serialize;

use super::frame;
use super::socketio::{self, Packet};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Salon's frames as they are: Salon, the floor, and the peer on `ws`.
    #[default]
    Plain,
    /// Socket.IO 5 over Engine.IO 4.
    SocketIo,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A frame, in Salon's words.
    Frame(Cow<'a, [u8]>),
    /// The server waits for these bytes in a text frame.
    Answer(&'static [u8]),
    /// From now on it takes requests.
    Ready,
    /// It says goodbye, or something that no server says.
    Nonsense,
}

impl Dialect {
    /// Where it takes WebSockets.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Dialect::Plain => "/ws",
            Dialect::SocketIo => socketio::PATH,
        }
    }

    /// Whether a server takes requests as soon as the WebSocket is open.
    pub fn is_ready_when_open(self) -> bool {
        self == Dialect::Plain
    }

    /// What a heartbeat that is no WebSocket ping is answered with.
    #[inline]
    pub(super) fn pong(self, payload: &[u8]) -> Option<&'static [u8]> {
        (self == Dialect::SocketIo && payload == socketio::PING).then_some(socketio::PONG)
    }

    /// Appends a request as a masked frame.
    pub(super) fn request<T: Serialize>(
        self,
        out: &mut Vec<u8>,
        encoding: Encoding,
        kind: &str,
        reference: u64,
        data: &T,
    ) {
        match self {
            Dialect::Plain => frame::request(out, encoding, kind, reference, data),
            Dialect::SocketIo => {
                frame::push(out, Opcode::Text, &socketio::event(kind, reference, data));
            }
        }
    }

    /// What a message says.
    pub fn hear(self, payload: &[u8]) -> Heard<'_> {
        if self == Dialect::Plain {
            return Heard::Frame(Cow::Borrowed(payload));
        }
        match socketio::read(payload) {
            Packet::Open => Heard::Answer(socketio::CONNECT),
            Packet::Connected => Heard::Ready,
            Packet::Event { name, argument } => match argument.strip_prefix('{') {
                Some(fields) => owned(format!("{{\"type\":\"{name}\",{fields}")),
                None => Heard::Nonsense,
            },
            Packet::Ack { id, argument } => {
                owned(format!("{{\"type\":\"ok\",\"ref\":{id},\"data\":{argument}}}"))
            }
            Packet::Ended | Packet::Unknown => Heard::Nonsense,
        }
    }
}

fn owned(frame: String) -> Heard<'static> {
    Heard::Frame(Cow::Owned(frame.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    const ROOM: &str = "0192e4a0-7b1c-7def-8000-0123456789ab";

    #[track_caller]
    fn frame_of(payload: &str) -> Vec<u8> {
        match Dialect::SocketIo.hear(payload.as_bytes()) {
            Heard::Frame(frame) => frame.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn socket_io_is_heard_in_salons_words() {
        let message = frame_of(&format!(
            r#"42["new_message",{{"room":"{ROOM}","seq":5,"at":6,"data":{{"sender":"{ROOM}","cid":"{ROOM}","kind":"text","text":"words"}}}}]"#
        ));
        let message = wire::plain_message(Encoding::Json, &message).unwrap();
        assert_eq!((message.seq, message.at, message.text), (5, 6, &b"words"[..]));
        let answer = frame_of(&format!(r#"439[{{"room":"{ROOM}","seq":5,"at":6}}]"#));
        let answer = wire::acknowledged(Encoding::Json, &answer).unwrap();
        assert_eq!((answer.reference, answer.seq, answer.at), (9, 5, 6));
    }

    #[test]
    fn greetings_and_heartbeats() {
        assert_eq!(Dialect::SocketIo.hear(b"0{}"), Heard::Answer(b"40"));
        assert_eq!(Dialect::SocketIo.hear(b"40{}"), Heard::Ready);
        assert_eq!(Dialect::SocketIo.hear(b"41"), Heard::Nonsense);
        assert_eq!(Dialect::SocketIo.pong(b"2"), Some(&b"3"[..]));
        assert_eq!(Dialect::Plain.pong(b"2"), None);
        assert_eq!(Dialect::Plain.hear(b"41"), Heard::Frame(Cow::Borrowed(b"41")));
    }
}
