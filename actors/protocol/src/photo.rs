//! Live photo sessions: what requests, events and answers about them share.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::content::check_words;
use crate::decode::{named_or_none, or_yes, word_or_default};
use crate::error_code::ErrorData;
use crate::ids::{Millis, PhotoId, Seq, UserId};
use crate::limits;

/// What somebody is in a session; the order is the rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhotoRole {
    /// Came by the code or by a link.
    Guest,
    /// For whom the photos are; a member.
    Client,
    /// Adds photos; a member.
    Photographer,
    /// Also decides which photos are shown, in which order; a member.
    Editor,
    /// Also changes the session and its members. One per session.
    Owner,
}

impl PhotoRole {
    /// Whether he works on the session, and sees what is not shown.
    pub const fn is_staff(self) -> bool {
        matches!(self, PhotoRole::Photographer | PhotoRole::Editor | PhotoRole::Owner)
    }
}

/// What may be downloaded; the order is by how much.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// Nothing.
    #[default]
    Off,
    /// The largest variant, with the watermark.
    Preview,
    /// Also the original, without its metadata.
    Original,
}

/// What a role may do. Absent is true but for `download`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Permissions {
    /// Sees the session at all.
    #[serde(deserialize_with = "or_yes")]
    pub view: bool,
    /// What may be downloaded; `off` if absent.
    #[serde(deserialize_with = "word_or_default")]
    pub download: Download,
    /// May like photos.
    #[serde(deserialize_with = "or_yes")]
    pub like: bool,
    /// May comment photos, and write in the chat.
    #[serde(deserialize_with = "or_yes")]
    pub comment: bool,
    /// May keep favourites and named lists.
    #[serde(deserialize_with = "or_yes")]
    pub select: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Permissions { view: true, download: Download::Off, like: true, comment: true, select: true }
    }
}

impl Permissions {
    /// Of those who work on a session.
    pub const STAFF: Permissions = Permissions {
        view: true,
        download: Download::Original,
        like: true,
        comment: true,
        select: true,
    };
}

/// What clients and guests may do. A role that is absent may what it may by default: clients download
/// previews, guests nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PermissionsByRole {
    /// Of clients.
    #[serde(deserialize_with = "clients")]
    pub client: Permissions,
    /// Of guests.
    #[serde(deserialize_with = "guests")]
    pub guest: Permissions,
}

fn clients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
    let given: Option<Permissions> = named_or_none(deserializer)?;
    Ok(given.unwrap_or_else(|| PermissionsByRole::default().client))
}

fn guests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
    let given: Option<Permissions> = named_or_none(deserializer)?;
    Ok(given.unwrap_or_else(|| PermissionsByRole::default().guest))
}

impl Default for PermissionsByRole {
    fn default() -> Self {
        let client = Permissions { download: Download::Preview, ..Permissions::default() };
        PermissionsByRole { client, guest: Permissions::default() }
    }
}

impl PermissionsByRole {
    /// Of a role.
    pub const fn of(&self, role: PhotoRole) -> Permissions {
        match role {
            PhotoRole::Guest => self.guest,
            PhotoRole::Client => self.client,
            PhotoRole::Photographer | PhotoRole::Editor | PhotoRole::Owner => Permissions::STAFF,
        }
    }
}

/// Where a watermark is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// In a corner.
    TopLeft,
    /// In a corner.
    TopRight,
    /// In a corner.
    BottomLeft,
    /// In a corner.
    #[default]
    BottomRight,
    /// In the middle.
    Centre,
    /// All over the picture.
    Tiled,
}

/// What is put on the pictures that viewers get; never on originals. Without text and image: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Watermark {
    /// 1 to 64 characters, in any script that the server has a font for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A PNG, uploaded with the purpose `watermark`; wins over a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<PhotoId>,
    /// Where; `bottom_right` if absent.
    #[serde(deserialize_with = "word_or_default")]
    pub placement: Placement,
    /// 1 to 100 percent; 50 if absent.
    #[serde(deserialize_with = "opacity")]
    pub opacity: u8,
    /// Its width in percent of the longer side of the picture, 1 to 100; 20 if absent.
    #[serde(deserialize_with = "size")]
    pub size: u8,
}

fn opacity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let given = Option::deserialize(deserializer)?;
    Ok(given.unwrap_or_else(|| Watermark::default().opacity))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let given = Option::deserialize(deserializer)?;
    Ok(given.unwrap_or_else(|| Watermark::default().size))
}

impl Default for Watermark {
    fn default() -> Self {
        Watermark {
            text: None,
            image: None,
            placement: Placement::default(),
            opacity: 50,
            size: 20,
        }
    }
}

impl Watermark {
    /// Whether there is anything to be put on.
    pub fn is_none(&self) -> bool {
        self.text.is_none() && self.image.is_none()
    }

    /// Refuses what cannot be put on.
    pub fn check(&self) -> Result<(), ErrorData> {
        if let Some(text) = &self.text {
            check_words("watermark.text", text, limits::WATERMARK_CHARS_MAX)?;
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(ErrorData::field("watermark.text", "expected visible characters"));
            }
        }
        for (field, value) in [("watermark.opacity", self.opacity), ("watermark.size", self.size)] {
            if !(1..=100).contains(&value) {
                return Err(ErrorData::field(field, "expected 1 to 100"));
            }
        }
        Ok(())
    }
}

/// What is added to the times of each camera's photos, in milliseconds, by the camera's serial number or
/// else its model.
pub type Cameras = BTreeMap<String, Millis>;

/// Whether viewers see a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhotoState {
    /// Not yet: an editor has to let it through.
    Pending,
    /// Yes.
    Live,
    /// Not any more.
    Hidden,
}

/// How far the processing of a photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhotoStatus {
    /// Variants are missing.
    Processing,
    /// All variants are there.
    Ready,
    /// It cannot be processed.
    Failed,
}

/// What everybody who may see a photo is told of it: the data of `new_photo`, and an item of lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Photo {
    /// The photo.
    pub photo: PhotoId,
    /// Who added it.
    pub by: UserId,
    /// The name of its file.
    pub name: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
    /// A thumbhash in base64: shown until a variant is there.
    pub thumbhash: String,
    /// The colour of which there is most, as `#rrggbb`.
    pub colour: String,
    /// When it was taken, as far as the camera's clock is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Millis>,
    /// Photos are shown in the order of this number, and of their ids where it is equal.
    pub order: i64,
    /// Before all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// How far it is.
    pub status: PhotoStatus,
    /// The longer sides of the variants that are there.
    pub variants: Vec<u32>,
    /// Whether viewers see it. Absent: they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PhotoState>,
    /// In lists: the event that showed it to viewers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// In lists: by how many it is liked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<u64>,
    /// In lists: how many comments it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<u64>,
    /// In lists, for those who work on the session: by how many it is in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<u64>,
    /// In lists: whether one likes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub liked: bool,
    /// In lists: one's own lists that it is in; `favourites` is one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
}

/// Bytes: as they are in MessagePack, in base64 (with padding) in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;
        impl Visitor<'_> for Base64 {
            type Value = Bytes;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("bytes in base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                STANDARD.decode(text).map(Bytes).map_err(|_| E::custom("expected base64"))
            }
        }
        struct Raw;
        impl Visitor<'_> for Raw {
            type Value = Bytes;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Base64)
        } else {
            deserializer.deserialize_bytes(Raw)
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}
