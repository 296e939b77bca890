//! What a message says: the parts that a request, an event and a stored message share, and the
//! rules that they keep.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::error_code::ErrorData;
use crate::ids::{BlobId, PhotoId, UserId};
use crate::limits;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// `text`, kept byte for byte.
    Text,
    /// `body {blob, width, height, size, placeholder?}`, and a caption in `text` if any.
    Image,
    /// `body`: any object, never interpreted, not searched.
    Custom,
}

/// The kind of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Two friends.
    Direct,
    /// Any number of members with roles.
    Group,
    /// A live photo session.
    PhotoSession,
}

/// What a member of a room may do; the order is the rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes and reads.
    Member,
    /// Also invites by link, kicks and mutes members, recalls anybody's messages.
    Admin,
    /// Also gives and takes roles. One per room.
    Owner,
}

/// What a new member may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HistoryFor {
    /// Everything since the room began.
    All,
    /// What came since he joined.
    #[default]
    SinceJoin,
}

/// Somebody named in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mention {
    /// One member.
    User(UserId),
    /// Everybody; only admins may.
    All,
}

const ALL: &str = "all";

impl Serialize for Mention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Mention::User(user) => user.serialize(serializer),
            Mention::All => serializer.serialize_str(ALL),
        }
    }
}

impl<'de> Deserialize<'de> for Mention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Mention;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a user's UUID or \"all\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Mention, E> {
                if text == ALL {
                    return Ok(Mention::All);
                }
                let user = UserId::parse(text);
                user.map(Mention::User)
                    .ok_or_else(|| E::custom("expected a user's UUID or \"all\""))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Mention {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mention".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "a user's UUID, or \"all\"" })
    }
}

/// The body of an `image` message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageBody {
    /// The uploaded file.
    pub blob: BlobId,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In bytes.
    pub size: u64,
    /// A thumbhash in base64, shown until the picture is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
}

/// A message's own content: what is compared when the same `cid` comes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// See [`MessageKind`].
    pub kind: MessageKind,
    /// See [`MessageKind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// See [`MessageKind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The `seq` of the message that this one answers; never a copy of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Who is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// In a photo session: the photo that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<PhotoId>,
}

impl Content {
    /// Nothing of this kind; what is left of a recalled message.
    pub const fn empty(kind: MessageKind) -> Self {
        Content { kind, text: None, body: None, reply_to: None, mentions: Vec::new(), photo: None }
    }

    /// Refuses what is too long, and what does not go with the kind (see [`MessageKind`]).
    pub fn check(&self) -> Result<(), ErrorData> {
        check_content(self.kind, self.text.as_deref(), self.body.as_ref(), &self.mentions)
    }
}

/// The rules of [`Content`], on its parts.
pub(crate) fn check_content(
    kind: MessageKind,
    text: Option<&str>,
    body: Option<&Value>,
    mentions: &[Mention],
) -> Result<(), ErrorData> {
    if let Some(text) = text {
        check_text("text", text, limits::TEXT_CHARS_MAX)?;
    }
    match (kind, text, body) {
        (MessageKind::Text, None, _) => return Err(ErrorData::field("text", "is missing")),
        (MessageKind::Text, _, Some(_)) => {
            return Err(ErrorData::field("body", "a text message has none"));
        }
        (MessageKind::Image | MessageKind::Custom, _, None) => {
            return Err(ErrorData::field("body", "is missing"));
        }
        (MessageKind::Custom, Some(_), _) => {
            return Err(ErrorData::field("text", "a custom message has none"));
        }
        (_, _, None) => {}
        (kind, _, Some(body)) => check_body(kind, body)?,
    }
    if mentions.len() > limits::MENTIONS_MAX {
        let reason = format!("at most {} mentions", limits::MENTIONS_MAX);
        return Err(ErrorData::too_large("mentions", reason));
    }
    Ok(())
}

fn check_body(kind: MessageKind, body: &Value) -> Result<(), ErrorData> {
    if !body.is_object() {
        return Err(ErrorData::field("body", "expected a map"));
    }
    if !integers_fit(body) {
        return Err(ErrorData::field("body", "an integer does not fit 64 bits with a sign"));
    }
    if body.to_string().len() > limits::BODY_BYTES_MAX {
        let reason = format!("at most {} bytes", limits::BODY_BYTES_MAX);
        return Err(ErrorData::too_large("body", reason));
    }
    if kind == MessageKind::Image {
        let image = serde_path_to_error::deserialize::<_, ImageBody>(body);
        let image = image.map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "body".to_owned() } else { format!("body.{path}") };
            ErrorData::field(field, error.inner().to_string())
        })?;
        if image.width == 0 || image.height == 0 {
            return Err(ErrorData::field("body", "a picture has a width and a height"));
        }
    }
    Ok(())
}

fn integers_fit(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_none_or(|number| i64::try_from(number).is_ok()),
        Value::Array(items) => items.iter().all(integers_fit),
        Value::Object(fields) => fields.values().all(integers_fit),
        _ => true,
    }
}

/// A text of 1 to `chars_max` characters without NUL.
pub fn check_text(field: &str, text: &str, chars_max: usize) -> Result<(), ErrorData> {
    if text.is_empty() {
        return Err(ErrorData::field(field, "is empty"));
    }
    check_words(field, text, chars_max)
}

/// A text of 0 to `chars_max` characters without NUL.
pub fn check_words(field: &str, text: &str, chars_max: usize) -> Result<(), ErrorData> {
    // Bytes first: counting characters of a long text costs.
    if text.len() > chars_max * 4 || text.chars().count() > chars_max {
        return Err(ErrorData::too_large(field, format!("at most {chars_max} characters")));
    }
    if text.contains('\0') {
        return Err(ErrorData::field(field, "contains NUL"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_code::ErrorCode;
    use serde_json::json;

    fn text(text: &str) -> Content {
        Content {
            kind: MessageKind::Text,
            text: Some(text.into()),
            body: None,
            reply_to: None,
            mentions: vec![],
            photo: None,
        }
    }

    fn body(kind: MessageKind, body: Value) -> Content {
        Content { kind, text: None, body: Some(body), ..text("") }
    }

    #[track_caller]
    fn refused(content: &Content, code: ErrorCode, field: &str) {
        let error = content.check().unwrap_err();
        assert_eq!((error.code, &error.details.unwrap()["field"]), (code, &json!(field)));
    }

    #[test]
    fn texts() {
        assert_eq!(text(&"ü".repeat(limits::TEXT_CHARS_MAX)).check(), Ok(()));
        assert_eq!(text(&"😀".repeat(limits::TEXT_CHARS_MAX)).check(), Ok(()));
        assert_eq!(text(" ").check(), Ok(()));
        refused(&text(&"ü".repeat(limits::TEXT_CHARS_MAX + 1)), ErrorCode::TooLarge, "text");
        refused(&text(""), ErrorCode::BadRequest, "text");
        refused(&text("a\0b"), ErrorCode::BadRequest, "text");
        refused(&Content { text: None, ..text("") }, ErrorCode::BadRequest, "text");
        refused(&Content { body: Some(json!({})), ..text("a") }, ErrorCode::BadRequest, "body");
    }

    #[test]
    fn bodies() {
        let blob = "0192e4a0-7b1c-7def-8000-0123456789ab";
        let image = json!({ "blob": blob, "width": 10, "height": 20, "size": 99 });
        assert_eq!(body(MessageKind::Image, image.clone()).check(), Ok(()));
        let with_caption = Content { text: Some("sea".into()), ..body(MessageKind::Image, image) };
        assert_eq!(with_caption.check(), Ok(()));
        refused(&body(MessageKind::Image, json!({})), ErrorCode::BadRequest, "body");
        let no_width = json!({ "blob": blob, "width": "10", "height": 20, "size": 99 });
        refused(&body(MessageKind::Image, no_width), ErrorCode::BadRequest, "body.width");
        assert_eq!(body(MessageKind::Custom, json!({ "any": [1, null] })).check(), Ok(()));
        refused(&body(MessageKind::Custom, json!([])), ErrorCode::BadRequest, "body");
        refused(
            &body(MessageKind::Custom, json!({ "n": u64::MAX })),
            ErrorCode::BadRequest,
            "body",
        );
        let long = "x".repeat(limits::BODY_BYTES_MAX);
        refused(&body(MessageKind::Custom, json!({ "a": long })), ErrorCode::TooLarge, "body");
    }
}
