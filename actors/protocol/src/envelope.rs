//! The outer map of every frame: `type`, `ref`, `data`, and for events `room`, `seq`, `at`.
//!
//! The inner `data` is only looked at when its type is known, and then decoded straight into that
//! type: nothing is buffered in between.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::Encoding;
use crate::error_code::{ErrorCode, ErrorData};
use crate::ids::{INTEGER_MAX, LogId, Millis, Seq};
use crate::limits::DEPTH_MAX;
use crate::messagepack;

/// Why bytes are not a frame. Becomes `bad_frame`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FrameError(pub &'static str);

impl From<FrameError> for ErrorData {
    fn from(error: FrameError) -> Self {
        ErrorData::new(ErrorCode::BadFrame, error.0)
    }
}

/// The encoded values of the envelope's fields.
#[derive(Debug, Default)]
pub(crate) struct Spans<'a> {
    pub(crate) kind: Option<&'a [u8]>,
    pub(crate) reference: Option<&'a [u8]>,
    pub(crate) room: Option<&'a [u8]>,
    pub(crate) seq: Option<&'a [u8]>,
    pub(crate) at: Option<&'a [u8]>,
    pub(crate) data: Option<&'a [u8]>,
}

/// Encoded `data`, not looked at yet.
#[derive(Clone, Copy, Debug)]
pub enum Raw<'a> {
    /// Absent or null: an empty map.
    Empty,
    /// A JSON text.
    Json(&'a str),
    /// A MessagePack value whose lengths and depth were checked.
    MessagePack(&'a [u8]),
}

impl<'a> Raw<'a> {
    /// Decodes into `T`. An error names the field.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, ErrorData> {
        match self {
            Raw::Empty => decode_json("{}"),
            Raw::Json(text) if text.trim_start().starts_with('{') => decode_json(text),
            Raw::MessagePack(bytes) if messagepack::is_map(bytes) => rmp_serde::from_slice(bytes)
                .or_else(|_| {
                    let mut again = rmp_serde::Deserializer::from_read_ref(bytes);
                    serde_path_to_error::deserialize(&mut again).map_err(|error| {
                        field_error(&error.path().to_string(), &error.inner().to_string())
                    })
                }),
            _ => Err(ErrorData::field("data", "expected a map")),
        }
    }
}

/// The first attempt is the fast one; only when it fails is the path to the field looked for.
fn decode_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ErrorData> {
    serde_json::from_str(text).or_else(|_| {
        let mut again = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut again)
            .map_err(|error| field_error(&error.path().to_string(), &error.inner().to_string()))
    })
}

/// serde names a field that is missing or comes twice only in its text, in backticks.
fn field_error(path: &str, message: &str) -> ErrorData {
    let reason = message.split(" at line ").next().unwrap_or(message);
    let named = || message.split('`').nth(1);
    match path {
        "." if reason.starts_with("missing field") => {
            ErrorData::field(named().unwrap_or("data"), "is missing")
        }
        "." if reason.starts_with("duplicate field") => {
            ErrorData::field(named().unwrap_or("data"), "comes twice")
        }
        "." => ErrorData::field("data", reason),
        path => ErrorData::field(path, reason),
    }
}

/// A request before its `data` is decoded.
#[derive(Debug)]
pub struct RequestEnvelope<'a> {
    /// The frame type.
    pub kind: Cow<'a, str>,
    /// The client's number for it, echoed in the answer.
    pub reference: Option<u64>,
    /// Its content.
    pub data: Raw<'a>,
}

impl<'a> RequestEnvelope<'a> {
    /// Reads the envelope of a text frame.
    pub fn from_json(text: &'a str) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow, rename = "ref", default)]
            reference: Option<&'a RawValue>,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        check_json_depth(text)?;
        let fields: Fields<'a> =
            object_from(text).ok_or(FrameError("not a JSON object with the string \"type\""))?;
        let reference = fields.reference.map(|raw| {
            serde_json::from_str(raw.get()).ok().and_then(checked_reference).ok_or(BAD_REFERENCE)
        });
        let data = fields.data.filter(|raw| raw.get() != "null");
        Ok(RequestEnvelope {
            kind: fields.kind,
            reference: reference.transpose()?,
            data: data.map_or(Raw::Empty, |raw| Raw::Json(raw.get())),
        })
    }

    /// Reads the envelope of a binary frame.
    pub fn from_messagepack(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let spans = messagepack::scan(bytes)?;
        let kind = spans.kind.and_then(|bytes| rmp_serde::from_slice::<&str>(bytes).ok());
        let reference = spans.reference.filter(|value| !messagepack::is_nil(value)).map(|bytes| {
            rmp_serde::from_slice(bytes).ok().and_then(checked_reference).ok_or(BAD_REFERENCE)
        });
        let data = spans.data.filter(|value| !messagepack::is_nil(value));
        Ok(RequestEnvelope {
            kind: kind.map(Cow::Borrowed).ok_or(FrameError("the string \"type\" is missing"))?,
            reference: reference.transpose()?,
            data: data.map_or(Raw::Empty, Raw::MessagePack),
        })
    }
}

const BAD_REFERENCE: FrameError = FrameError("\"ref\" is not an integer from 0 to 2^53-1");

fn checked_reference(number: u64) -> Option<u64> {
    (number <= INTEGER_MAX).then_some(number)
}

/// Decodes an object; serde_json alone would take an array with the values in order, too.
fn object_from<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// Counts brackets outside of strings; serde_json itself does not bound what it skips.
fn check_json_depth(text: &str) -> Result<(), FrameError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(FrameError("the frame is nested too deep"));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A frame of the server before its `data` is decoded; what a client reads first.
#[derive(Debug)]
pub struct ServerEnvelope<'a> {
    /// `ok`, `error`, `bye`, or the type of an event or signal.
    pub kind: Cow<'a, str>,
    /// In an answer: the number that the request had.
    pub reference: Option<u64>,
    /// In an event or signal: where it belongs.
    pub room: Option<LogId>,
    /// In an event: its position.
    pub seq: Option<Seq>,
    /// In an event: when it was committed.
    pub at: Option<Millis>,
    /// The content.
    pub data: Raw<'a>,
}

impl<'a> ServerEnvelope<'a> {
    /// Reads the envelope of a frame that came as `encoding`.
    pub fn decode(encoding: Encoding, bytes: &'a [u8]) -> Result<Self, FrameError> {
        match encoding {
            Encoding::Json => {
                let text = std::str::from_utf8(bytes).map_err(|_| FrameError("not UTF-8"))?;
                Self::from_json(text)
            }
            Encoding::MessagePack => Self::from_messagepack(bytes),
        }
    }

    fn from_json(text: &'a str) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(rename = "ref", default)]
            reference: Option<u64>,
            #[serde(default)]
            room: Option<LogId>,
            #[serde(default)]
            seq: Option<Seq>,
            #[serde(default)]
            at: Option<Millis>,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        let fields: Fields<'a> =
            object_from(text).ok_or(FrameError("not a frame of the server"))?;
        Ok(ServerEnvelope {
            kind: fields.kind,
            reference: fields.reference,
            room: fields.room,
            seq: fields.seq,
            at: fields.at,
            data: fields.data.map_or(Raw::Empty, |raw| Raw::Json(raw.get())),
        })
    }

    fn from_messagepack(bytes: &'a [u8]) -> Result<Self, FrameError> {
        fn field<'a, T: Deserialize<'a>>(span: Option<&'a [u8]>) -> Result<Option<T>, FrameError> {
            span.map(rmp_serde::from_slice)
                .transpose()
                .map_err(|_| FrameError("a field of the envelope has the wrong type"))
        }
        let spans = messagepack::scan(bytes)?;
        let kind: Option<&str> = field(spans.kind)?;
        Ok(ServerEnvelope {
            kind: kind.map(Cow::Borrowed).ok_or(FrameError("the string \"type\" is missing"))?,
            reference: field(spans.reference)?,
            room: field(spans.room)?,
            seq: field(spans.seq)?,
            at: field(spans.at)?,
            data: spans.data.map_or(Raw::Empty, Raw::MessagePack),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{MessageRead, TypeOnly};

    #[track_caller]
    fn bad(text: &str, reason: &str) {
        assert_eq!(RequestEnvelope::from_json(text).unwrap_err().0, reason, "{text}");
    }

    #[test]
    fn json_envelopes() {
        let frame =
            RequestEnvelope::from_json(r#"{"data":{},"x":[1],"ref":7,"type":"ping"}"#).unwrap();
        assert_eq!((&*frame.kind, frame.reference), ("ping", Some(7)));
        for absent in [r#"{"type":"ping"}"#, r#"{"type":"ping","ref":null,"data":null}"#] {
            let frame = RequestEnvelope::from_json(absent).unwrap();
            assert_eq!(frame.reference, None);
            assert!(frame.data.decode::<TypeOnly>().is_ok());
        }
        let shape = "not a JSON object with the string \"type\"";
        for text in
            ["", "1", "[]", "[\"ping\",7]", "{}", "{\"type\":1}", "{\"type\":\"a\",\"type\":\"b\"}"]
        {
            bad(text, shape);
        }
        for reference in ["-1", "1.5", "\"7\"", "9007199254740992", "[]"] {
            bad(&format!("{{\"type\":\"ping\",\"ref\":{reference}}}"), BAD_REFERENCE.0);
        }
    }

    #[test]
    fn json_depth_has_a_bound_and_brackets_in_strings_do_not_count() {
        let deep = |levels: usize| {
            format!("{{\"type\":\"ping\",\"data\":{}{}}}", "[".repeat(levels), "]".repeat(levels))
        };
        assert!(RequestEnvelope::from_json(&deep(DEPTH_MAX - 1)).is_ok());
        bad(&deep(DEPTH_MAX), "the frame is nested too deep");
        let text = format!("{{\"type\":\"{}\\\"\"}}", "[".repeat(100));
        assert!(RequestEnvelope::from_json(&text).is_ok());
    }

    #[test]
    fn a_wrong_field_is_named() {
        let field = |raw: Raw<'_>| {
            let details = raw.decode::<MessageRead>().unwrap_err().details.unwrap();
            (details["field"].as_str().unwrap().to_owned(), details["reason"].to_string())
        };
        let room = "\"room\":\"0192e4a0-7b1c-7def-8000-0123456789ab\"";
        assert_eq!(field(Raw::Json("{}")).0, "room");
        assert_eq!(field(Raw::Json("{\"room\":1}")).0, "room");
        assert_eq!(field(Raw::Json(&format!("{{{room}}}"))).0, "seq");
        assert_eq!(field(Raw::Json(&format!("{{{room},\"seq\":-1}}"))).0, "seq");
        assert_eq!(field(Raw::Json(&format!("{{{room},\"seq\":1.5}}"))).0, "seq");
        assert_eq!(field(Raw::Json("[]")).0, "data");
        assert_eq!(field(Raw::MessagePack(&[0x80])).0, "room");
        assert_eq!(field(Raw::MessagePack(&[0x81, 0xA4, b'r', b'o', b'o', b'm', 1])).0, "room");
        assert_eq!(field(Raw::MessagePack(&[0x90])).0, "data");
    }
}
