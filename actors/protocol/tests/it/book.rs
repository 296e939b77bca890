//! How a vector looks, is written and is read.

use std::fmt::Debug;

use salon_protocol::close_code::Bye;
use salon_protocol::envelope::{RequestEnvelope, ServerEnvelope};
use salon_protocol::{Encoding, ErrorData, Event, Request, Signal, codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) const CLIENT: &str = "client→server";
pub(crate) const SERVER: &str = "server→client";

/// `vectors.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) about: String,
    /// Frames that mean something.
    pub(crate) frames: Vec<Entry>,
    /// Frames that are refused.
    pub(crate) refused: Vec<RefusedEntry>,
    /// How sockets end.
    pub(crate) closes: Vec<CloseEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) direction: String,
    /// The frame's own.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Of an `ok`: the type of the request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<String>,
    pub(crate) about: String,
    pub(crate) json: String,
    /// In hexadecimal digits.
    pub(crate) msgpack: String,
}

/// A frame that is answered with an error, or ends the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedEntry {
    pub(crate) name: String,
    pub(crate) direction: String,
    pub(crate) about: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) msgpack: Option<String>,
    /// In place of `json`: `before`, then `times` times `repeat`, then `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) long_json: Option<Long>,
    /// Bytes behind the handshake, masked with zeros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wire: Option<String>,
    /// The error code of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// In the answer's `details`, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// The code of the close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) close: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Long {
    pub(crate) before: String,
    pub(crate) repeat: String,
    pub(crate) times: usize,
    pub(crate) after: String,
}

impl Long {
    pub(crate) fn text(&self) -> String {
        format!("{}{}{}", self.before, self.repeat.repeat(self.times), self.after)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CloseEntry {
    pub(crate) code: u16,
    pub(crate) reason: String,
    /// `never`, `backoff` or `after_delay`.
    pub(crate) reconnect: String,
    /// The vector of the `bye` before it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bye: Option<String>,
}

type Check = dyn Fn(Encoding, &[u8]);

/// A vector and what it must decode to.
pub(crate) struct Vector {
    pub(crate) entry: Entry,
    /// Decodes a frame and panics when it is not what it should be.
    pub(crate) check: Box<Check>,
}

fn vector(
    name: &str,
    direction: &str,
    kind: &str,
    about: &str,
    payload: impl Fn(Encoding) -> Vec<u8>,
    check: impl Fn(Encoding, &[u8]) + 'static,
) -> Vector {
    let json = String::from_utf8(payload(Encoding::Json)).unwrap();
    let msgpack = hex(&payload(Encoding::MessagePack));
    let entry = Entry {
        name: name.into(),
        direction: direction.into(),
        kind: kind.into(),
        answers: None,
        about: about.into(),
        json,
        msgpack,
    };
    Vector { entry, check: Box::new(check) }
}

/// A request as our own clients encode it.
pub(crate) fn request(name: &str, about: &str, reference: Option<u64>, value: Request) -> Vector {
    let kind = value.name();
    let encode = {
        let value = value.clone();
        move |encoding| codec::request(encoding, kind, reference, &value)
    };
    vector(name, CLIENT, kind, about, encode.clone(), move |encoding, bytes| {
        assert_eq!(read_request(encoding, bytes), Ok((reference, value.clone())));
        assert_eq!(encode(encoding), bytes);
    })
}

/// A request as others may encode it: it is only decoded.
pub(crate) fn odd_request(
    name: &str,
    about: &str,
    (json, msgpack): (&str, Vec<u8>),
    reference: Option<u64>,
    value: Request,
) -> Vector {
    let payload = |encoding| match encoding {
        Encoding::Json => json.as_bytes().to_vec(),
        Encoding::MessagePack => msgpack.clone(),
    };
    vector(name, CLIENT, value.name(), about, payload, move |encoding, bytes| {
        assert_eq!(read_request(encoding, bytes), Ok((reference, value.clone())));
    })
}

/// An answer.
pub(crate) fn ok<T>(
    answers: &str,
    name: &str,
    about: &str,
    reference: Option<u64>,
    data: T,
) -> Vector
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static,
{
    let encode = {
        let data = data.clone();
        move |encoding| payload_of(&codec::ok(encoding, reference, &data))
    };
    let check = {
        let encode = encode.clone();
        move |encoding, bytes: &[u8]| {
            let envelope = ServerEnvelope::decode(encoding, bytes).unwrap();
            assert_eq!((&*envelope.kind, envelope.reference), ("ok", reference));
            assert_eq!(envelope.data.decode::<T>(), Ok(data.clone()));
            assert_eq!(encode(encoding), bytes);
        }
    };
    let mut vector = vector(name, SERVER, "ok", about, encode, check);
    vector.entry.answers = Some(answers.into());
    vector
}

/// A refusal.
pub(crate) fn error(name: &str, about: &str, reference: Option<u64>, data: ErrorData) -> Vector {
    let encode = {
        let data = data.clone();
        move |encoding| payload_of(&codec::error(encoding, reference, &data))
    };
    vector(name, SERVER, "error", about, encode.clone(), move |encoding, bytes| {
        let envelope = ServerEnvelope::decode(encoding, bytes).unwrap();
        assert_eq!((&*envelope.kind, envelope.reference), ("error", reference));
        assert_eq!(envelope.data.decode(), Ok(data.clone()));
        assert_eq!(encode(encoding), bytes);
    })
}

/// A goodbye.
pub(crate) fn bye(name: &str, about: &str, data: Bye) -> Vector {
    let encode = {
        let data = data.clone();
        move |encoding| payload_of(&codec::bye(encoding, &data))
    };
    vector(name, SERVER, "bye", about, encode.clone(), move |encoding, bytes| {
        let envelope = ServerEnvelope::decode(encoding, bytes).unwrap();
        assert_eq!(envelope.kind, "bye");
        assert_eq!(envelope.data.decode(), Ok(data.clone()));
        assert_eq!(encode(encoding), bytes);
    })
}

/// An event.
pub(crate) fn event(name: &str, about: &str, event: Event) -> Vector {
    let encode = {
        let event = event.clone();
        move |encoding| payload_of(&codec::event(encoding, &event))
    };
    vector(name, SERVER, event.data.name(), about, encode.clone(), move |encoding, bytes| {
        let envelope = ServerEnvelope::decode(encoding, bytes).unwrap();
        assert_eq!(Event::decode(&envelope), Ok(event.clone()));
        assert_eq!(encode(encoding), bytes);
    })
}

/// A signal.
pub(crate) fn signal(name: &str, about: &str, signal: Signal) -> Vector {
    let encode = {
        let signal = signal.clone();
        move |encoding| payload_of(&codec::signal(encoding, &signal))
    };
    vector(name, SERVER, signal.data.name(), about, encode.clone(), move |encoding, bytes| {
        let envelope = ServerEnvelope::decode(encoding, bytes).unwrap();
        assert_eq!(Signal::decode(&envelope), Ok(signal.clone()));
        assert_eq!(encode(encoding), bytes);
    })
}

/// Decodes a request like the server.
pub(crate) fn read_request(
    encoding: Encoding,
    bytes: &[u8],
) -> Result<(Option<u64>, Request), ErrorData> {
    let envelope = match encoding {
        Encoding::Json => RequestEnvelope::from_json(std::str::from_utf8(bytes).unwrap())?,
        Encoding::MessagePack => RequestEnvelope::from_messagepack(bytes)?,
    };
    Ok((envelope.reference, Request::decode(&envelope)?))
}

/// What a frame of the server carries.
fn payload_of(frame: &[u8]) -> Vec<u8> {
    let header = match frame[1] {
        127 => 10,
        126 => 4,
        _ => 2,
    };
    frame[header..].to_vec()
}

/// A JSON text in MessagePack, as a library does it.
pub(crate) fn msgpack_of(json: &str) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    rmp_serde::to_vec(&value).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2) && digits.is_ascii(), "{digits}");
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// The file beside the manifest.
pub(crate) fn path(file: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
