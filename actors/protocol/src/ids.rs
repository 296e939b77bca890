//! Identifiers as they travel: strings in both encodings, made only by parsing or from bytes.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// Position of an event in its log: 1 for the first, without holes; at most [`INTEGER_MAX`]. 0
/// means "before all".
pub type Seq = u64;

/// Milliseconds since the Unix epoch by the server's clock; below 2^53, so exact in JavaScript.
pub type Millis = i64;

/// The largest integer that every client can hold exactly (2^53 - 1).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// From a UUID made by the caller.
            pub const fn new(uuid: Uuid) -> Self {
                $name(uuid)
            }

            /// From the 16 bytes that storage keeps.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes that storage keeps.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Parses the canonical text (36 characters with hyphens, either case); any other
            /// form of a UUID is refused.
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() != 36 {
                    return None;
                }
                Uuid::try_parse(text).ok().map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}({})", stringify!($name), self.0.as_hyphenated())
            }
        }

        // By hand, because `uuid` would write 16 raw bytes into MessagePack.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = Uuid::encode_buffer();
                serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut text))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                        out.write_str("a UUID of 36 characters")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).ok_or_else(|| E::custom("expected a UUID of 36 characters"))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    };
}

uuid_id! {
    /// A user: a person, an administrator or a guest.
    UserId
}
uuid_id! {
    /// A room: a group, a direct chat or a live photo session.
    RoomId
}
uuid_id! {
    /// A name that the client gives to a changing request, unique per user for ever, so that a
    /// repetition is recognised.
    Cid
}
uuid_id! {
    /// A login on one device (a family of refresh tokens); the claim `sid`.
    SessionId
}
uuid_id! {
    /// A stored file.
    BlobId
}
uuid_id! {
    /// A photo of a live session; its files are stored under the same id.
    PhotoId
}
uuid_id! {
    /// An upload that goes on.
    UploadId
}

impl PhotoId {
    /// Where its files are.
    pub const fn blob(self) -> BlobId {
        BlobId(self.0)
    }
}

/// Where an event belongs: a room, or the reader's own inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogId {
    /// A room's log.
    Room(RoomId),
    /// The log of what concerns one user; on the wire the word `inbox`.
    Inbox,
}

/// How [`LogId::Inbox`] is written.
pub const INBOX: &str = "inbox";

impl Serialize for LogId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LogId::Room(room) => room.serialize(serializer),
            LogId::Inbox => serializer.serialize_str(INBOX),
        }
    }
}

impl<'de> Deserialize<'de> for LogId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = LogId;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a room's UUID or \"inbox\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LogId, E> {
                if text == INBOX {
                    return Ok(LogId::Inbox);
                }
                let room = RoomId::parse(text);
                room.map(LogId::Room)
                    .ok_or_else(|| E::custom("expected a room's UUID or \"inbox\""))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LogId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LogId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "a room's UUID, or \"inbox\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_an_id() {
        let text = "0192e4a0-7b1c-7def-8000-0123456789ab";
        assert_eq!(UserId::parse(text).unwrap().to_string(), text);
        assert_eq!(UserId::parse(&text.to_uppercase()).unwrap().to_string(), text);
        for wrong in ["", "inbox", "0192e4a07b1c7def80000123456789ab", &text[1..]] {
            assert_eq!(UserId::parse(wrong), None, "{wrong}");
        }
        let braced = format!("{{{}}}", &text[..34]);
        assert_eq!(UserId::parse(&braced), None);
    }
}
