//! What comes over the socket, read as fast as a load test needs it.
//!
//! Owns      the frames of the server as a client reads them: a fast reader for the three that come
//!           by the million (messages, acknowledgements, pages), the full decoder for the rest.
//! Promises  the fast reader accepts only what it understands to the last byte, and otherwise leaves
//!           the frame to the full decoder: it can be slow, but not wrong.
//! Does not  know sockets or WebSocket headers.

mod json;
mod messagepack;
mod scan;

use salon_protocol::close_code::Bye;
use salon_protocol::envelope::{Raw, ServerEnvelope};
use salon_protocol::reply::History;
use salon_protocol::{Cid, Encoding, ErrorData, Event, Millis, RoomId, Seq, Signal, UserId};

use crate::oracle::MessageSeen;

/// A text message with nothing else to it, read without decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainMessage<'a> {
    /// Its room.
    pub room: RoomId,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Millis,
    /// Who wrote it.
    pub sender: UserId,
    /// His name for it.
    pub cid: Cid,
    /// Its text, without escapes.
    pub text: &'a [u8],
}

impl PlainMessage<'_> {
    /// What the oracle wants to know.
    pub fn seen(&self) -> MessageSeen {
        MessageSeen::plain(self.seq, self.at, self.sender, self.cid, self.text)
    }
}

/// The `ok` of a `send_message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The number of the request.
    pub reference: u64,
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Millis,
}

/// A frame of the server.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A request was done.
    Ok {
        /// Its number.
        reference: Option<u64>,
        /// The answer.
        data: Raw<'a>,
    },
    /// A request was not done.
    Error {
        /// Its number.
        reference: Option<u64>,
        /// Why.
        error: ErrorData,
    },
    /// The server is about to close the socket.
    Bye(Bye),
    /// An event of a log.
    Event(Box<Event>),
    /// A signal.
    Signal(Signal),
    /// A type that this client does not know, which it must ignore.
    Unknown(String),
}

/// A frame that is not what the protocol says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a frame that the protocol does not know: {0}")]
pub struct Unreadable(String);

/// Reads a message if it is a plain one.
#[inline]
pub fn plain_message(encoding: Encoding, bytes: &[u8]) -> Option<PlainMessage<'_>> {
    match encoding {
        Encoding::Json => json::message(bytes),
        Encoding::MessagePack => messagepack::message(bytes),
    }
}

/// Reads the `ok` of a `send_message`.
#[inline]
pub fn acknowledged(encoding: Encoding, bytes: &[u8]) -> Option<Acknowledged> {
    match encoding {
        Encoding::Json => json::acknowledged(bytes),
        Encoding::MessagePack => messagepack::acknowledged(bytes),
    }
}

/// A page of history.
#[derive(Debug)]
pub enum Page<'a> {
    /// All of its events are plain messages.
    Plain(Vec<PlainMessage<'a>>),
    /// Some are not.
    Mixed(Vec<Event>),
}

/// Reads the `ok` of a `history` that holds nothing but plain messages: these, and whether there is
/// more.
pub fn plain_page(encoding: Encoding, bytes: &[u8]) -> Option<(Vec<PlainMessage<'_>>, bool)> {
    match encoding {
        Encoding::Json => json::page(bytes),
        Encoding::MessagePack => messagepack::page(bytes),
    }
}

/// Reads the `ok` of any `history`: the page, and whether there is more.
pub fn page(encoding: Encoding, bytes: &[u8]) -> Result<(Page<'_>, bool), Unreadable> {
    if let Some((messages, more)) = plain_page(encoding, bytes) {
        return Ok((Page::Plain(messages), more));
    }
    match frame(encoding, bytes)? {
        Frame::Ok { data, .. } => {
            let history: History =
                data.decode().map_err(|error| Unreadable(format!("history: {}", error.message)))?;
            Ok((Page::Mixed(history.events), history.more))
        }
        other => Err(Unreadable(format!("{other:?} instead of a page of history"))),
    }
}

/// Reads any frame.
pub fn frame(encoding: Encoding, bytes: &[u8]) -> Result<Frame<'_>, Unreadable> {
    let envelope = ServerEnvelope::decode(encoding, bytes).map_err(|error| {
        Unreadable(format!(
            "{}: {}",
            error.0,
            String::from_utf8_lossy(&bytes[..bytes.len().min(80)])
        ))
    })?;
    let wrong = |error: ErrorData| Unreadable(format!("{}: {}", envelope.kind, error.message));
    let reference = envelope.reference;
    match &*envelope.kind {
        "ok" => Ok(Frame::Ok { reference, data: envelope.data }),
        "error" => {
            envelope.data.decode().map(|error| Frame::Error { reference, error }).map_err(wrong)
        }
        "bye" => envelope.data.decode().map(Frame::Bye).map_err(wrong),
        _ if envelope.seq.is_some() => {
            Event::decode(&envelope).map(|event| Frame::Event(Box::new(event))).map_err(wrong)
        }
        kind => match Signal::decode(&envelope) {
            Ok(signal) => Ok(Frame::Signal(signal)),
            Err(_) => Ok(Frame::Unknown(kind.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use salon_protocol::content::MessageKind;
    use salon_protocol::event::NewMessage;
    use salon_protocol::reply::Sent;
    use salon_protocol::{EventData, LogId, codec};

    use super::*;

    fn room() -> RoomId {
        RoomId::parse("0192e4a0-7b1c-7def-8000-0123456789ab").unwrap()
    }

    fn event(seq: Seq, text: &str) -> Event {
        let message = NewMessage {
            sender: UserId::from_bytes([7; 16]),
            cid: Cid::from_bytes([seq as u8; 16]),
            kind: MessageKind::Text,
            text: Some(text.to_owned()),
            body: None,
            reply_to: None,
            mentions: Vec::new(),
            edited: None,
            recalled: false,
            photo: None,
            reactions: Vec::new(),
        };
        let at = 1_767_225_600_000 + seq as i64;
        Event { room: LogId::Room(room()), seq, at, data: EventData::NewMessage(message) }
    }

    #[test]
    fn plain_messages_are_read_as_the_decoder_reads_them() {
        for encoding in Encoding::ALL {
            for seq in [1, 127, 128, 255, 256, 65_535, 65_536, 1 << 40] {
                for len in [1, 31, 32, 128, 255, 256, 5_000] {
                    let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
                    let event = event(seq, &text);
                    let bytes = encoding.encode(&event);
                    let message = plain_message(encoding, &bytes).unwrap();
                    assert_eq!((message.room, message.seq, message.at), (room(), seq, event.at));
                    assert_eq!(message.text, text.as_bytes());
                    assert_eq!(message.sender, UserId::from_bytes([7; 16]));
                    assert_eq!(message.cid, Cid::from_bytes([seq as u8; 16]));
                }
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_decoder() {
        let edited = |change: fn(&mut NewMessage)| {
            let mut event = event(5, "words");
            if let EventData::NewMessage(message) = &mut event.data {
                change(message);
            }
            event
        };
        let odd = [
            edited(|message| message.recalled = true),
            edited(|message| message.text = None),
            edited(|message| message.reply_to = Some(1)),
            edited(|message| message.kind = MessageKind::Custom),
        ];
        for encoding in Encoding::ALL {
            for event in &odd {
                let bytes = encoding.encode(event);
                assert_eq!(plain_message(encoding, &bytes), None);
                let Frame::Event(read) = frame(encoding, &bytes).unwrap() else { panic!() };
                assert_eq!(*read, *event);
            }
        }
        let escaped = Encoding::Json.encode(&event(5, "two\nlines"));
        assert_eq!(plain_message(Encoding::Json, &escaped), None);
    }

    #[test]
    fn no_part_of_a_frame_is_a_frame() {
        for encoding in Encoding::ALL {
            let bytes = encoding.encode(&event(300, "some words"));
            for end in 0..bytes.len() {
                assert_eq!(plain_message(encoding, &bytes[..end]), None, "{end} bytes");
            }
            let more = [&bytes[..], b" "].concat();
            assert_eq!(plain_message(encoding, &more), None);
        }
    }

    #[test]
    fn acknowledgements() {
        for encoding in Encoding::ALL {
            for duplicate in [false, true] {
                let sent = Sent { room: room(), seq: 70_000, at: 1_767_225_600_000, duplicate };
                let framed = codec::ok(encoding, Some(99), &sent);
                let bytes = &framed[2..];
                let read = acknowledged(encoding, bytes).unwrap();
                assert_eq!((read.reference, read.seq, read.at), (99, 70_000, sent.at));
                assert_eq!(read.room, room());
            }
            let other =
                codec::ok(encoding, Some(1), &salon_protocol::reply::Pong { server_time: 1 });
            assert_eq!(acknowledged(encoding, &other[2..]), None);
        }
    }

    #[test]
    fn pages() {
        for encoding in Encoding::ALL {
            for more in [false, true] {
                let plain: Vec<_> = (1..=20).map(|seq| event(seq, "words")).collect();
                let mut mixed = plain.clone();
                if let EventData::NewMessage(message) = &mut mixed[3].data {
                    message.recalled = true;
                }
                for (events, is_plain) in [(plain, true), (mixed, false), (Vec::new(), true)] {
                    let framed =
                        codec::ok(encoding, Some(1), &History { events: events.clone(), more });
                    let header = if framed.len() < 65_536 && framed[1] == 126 { 4 } else { 2 };
                    let bytes = &framed[header..];
                    match page(encoding, bytes).unwrap() {
                        (Page::Plain(read), read_more) => {
                            assert!(is_plain && read_more == more);
                            let seqs: Vec<_> = read.iter().map(|message| message.seq).collect();
                            assert_eq!(seqs, events.iter().map(|e| e.seq).collect::<Vec<_>>());
                        }
                        (Page::Mixed(read), read_more) => {
                            assert!(!is_plain && read_more == more);
                            assert_eq!(read, events);
                        }
                    }
                }
            }
        }
    }
}
