//! Requests about live photo sessions and their photos.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Check, check_limit, check_seq};
use crate::content::{check_text, check_words};
use crate::decode::{named_or_none, or_default, word, word_or_default, word_or_none};
use crate::error_code::ErrorData;
use crate::ids::{Cid, INTEGER_MAX, Millis, PhotoId, RoomId, Seq, UploadId, UserId};
use crate::limits;
use crate::photo::{Bytes, Cameras, PermissionsByRole, PhotoRole, PhotoState, Watermark};

/// What an owner decides about a session; what is absent stays as it is, or as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionSettings {
    /// New photos wait for an editor. By default they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<bool>,
    /// Whoever has the code may watch without an account. By default he may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<bool>,
    /// Viewers at once, 1 to 100,000; by default 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewers_max: Option<u64>,
    /// When the session closes by itself, in epoch milliseconds; 0: never, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// What clients and guests may do.
    #[serde(default, deserialize_with = "named_or_none", skip_serializing_if = "Option::is_none")]
    pub permissions: Option<PermissionsByRole>,
    /// What is put on the pictures of later photos.
    #[serde(default, deserialize_with = "named_or_none", skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
    /// Up to 20 cameras.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cameras: Option<Cameras>,
}

impl SessionSettings {
    fn check(&self) -> Result<(), ErrorData> {
        if self
            .viewers_max
            .is_some_and(|viewers| !(1..=limits::ROOM_MEMBERS_MAX).contains(&viewers))
        {
            return Err(ErrorData::field("viewers_max", "expected 1 to 100000"));
        }
        if self.expires_at.is_some_and(|at| !(0..=INTEGER_MAX as i64).contains(&at)) {
            return Err(ErrorData::field("expires_at", "is not a time"));
        }
        self.watermark.as_ref().map_or(Ok(()), Watermark::check)?;
        let cameras = self.cameras.iter().flatten();
        if self.cameras.as_ref().is_some_and(|cameras| cameras.len() > limits::CAMERAS_MAX) {
            return Err(ErrorData::too_large("cameras", "at most 20 cameras"));
        }
        for (camera, offset) in cameras {
            check_text("cameras", camera, limits::ROOM_NAME_CHARS_MAX)?;
            // A clock that was never set is decades off.
            if offset.unsigned_abs() > 100 * 365 * 24 * 3600 * 1000 {
                return Err(ErrorData::field("cameras", "at most a hundred years"));
            }
        }
        Ok(())
    }
}

/// A request with settings among its fields. They are read as its own fields: serde's `flatten` would name none
/// of them in errors, and take maps for words.
macro_rules! with_settings {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $($(#[$of])* pub $field: $type,)*
            /// The rest.
            #[serde(flatten)]
            pub settings: SessionSettings,
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                struct Flat {
                    $($(#[$of])* $field: $type,)*
                    gate: Option<bool>,
                    guests: Option<bool>,
                    viewers_max: Option<u64>,
                    expires_at: Option<Millis>,
                    #[serde(default, deserialize_with = "named_or_none")]
                    permissions: Option<PermissionsByRole>,
                    #[serde(default, deserialize_with = "named_or_none")]
                    watermark: Option<Watermark>,
                    cameras: Option<Cameras>,
                }
                let flat = Flat::deserialize(deserializer)?;
                let settings = SessionSettings {
                    gate: flat.gate,
                    guests: flat.guests,
                    viewers_max: flat.viewers_max,
                    expires_at: flat.expires_at,
                    permissions: flat.permissions,
                    watermark: flat.watermark,
                    cameras: flat.cameras,
                };
                Ok($name { $($field: flat.$field,)* settings })
            }
        }
    };
}

with_settings! {
    /// Data of `photo_session_create`.
    PhotoSessionCreate {
        /// See [`Cid`].
        cid: Cid,
        /// 1 to 100 characters.
        title: String,
    }
}
impl Check for PhotoSessionCreate {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("title", &self.title, limits::ROOM_NAME_CHARS_MAX)?;
        self.settings.check()
    }
}

/// Names a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneSession {
    /// The session.
    pub session: RoomId,
}
impl Check for OneSession {}

with_settings! {
    /// Data of `photo_session_update`; what is absent stays.
    PhotoSessionUpdate {
        /// The session.
        session: RoomId,
        /// 1 to 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// One of its photos.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cover: Option<PhotoId>,
        /// True makes another code: the old one is dead, and who came by it has to come again.
        #[serde(
            default,
            deserialize_with = "or_default",
            skip_serializing_if = "std::ops::Not::not"
        )]
        renew_code: bool,
    }
}
impl Check for PhotoSessionUpdate {
    fn check(&self) -> Result<(), ErrorData> {
        let title = self.title.as_deref();
        title.map_or(Ok(()), |title| check_text("title", title, limits::ROOM_NAME_CHARS_MAX))?;
        self.settings.check()
    }
}

/// Data of `photo_session_member`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoSessionMember {
    /// The session.
    pub session: RoomId,
    /// Who.
    pub user: UserId,
    /// `client`, `photographer` or `editor`; absent: he is put out.
    #[serde(default, deserialize_with = "word_or_none", skip_serializing_if = "Option::is_none")]
    pub role: Option<PhotoRole>,
}
impl Check for PhotoSessionMember {
    fn check(&self) -> Result<(), ErrorData> {
        match self.role {
            Some(PhotoRole::Guest | PhotoRole::Owner) => {
                Err(ErrorData::field("role", "expected client, photographer or editor"))
            }
            _ => Ok(()),
        }
    }
}

/// Data of `join_session`: the session, the code, or both; a member needs no code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinSession {
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<RoomId>,
    /// Its access code, in either case; spaces and hyphens do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In place of the code: what an earlier `join_session` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Where to go on; absent: from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
}
impl Check for JoinSession {
    fn check(&self) -> Result<(), ErrorData> {
        if self.session.is_none() && self.code.is_none() {
            return Err(ErrorData::field("session", "either \"session\" or \"code\" is needed"));
        }
        if self.grant.is_some() && self.session.is_none() {
            return Err(ErrorData::field("session", "a grant is for a session"));
        }
        for (field, value) in [("code", &self.code), ("grant", &self.grant)] {
            if value.as_ref().is_some_and(|value| !(1..=200).contains(&value.len())) {
                return Err(ErrorData::field(field, "is none"));
            }
        }
        check_seq("after", self.after)
    }
}

/// What an upload is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A photo of the session.
    #[default]
    Photo,
    /// A PNG for its watermark; only its owner.
    Watermark,
}

/// Data of `photo_upload_begin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoUploadBegin {
    /// The session.
    pub session: RoomId,
    /// See [`Cid`]; the same one goes on.
    pub cid: Cid,
    /// The name of the file, 1 to 255 characters.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub mime: String,
    /// Of the whole file: SHA-256 in 64 hexadecimal digits.
    pub sha256: String,
    /// `photo` if absent.
    #[serde(default, deserialize_with = "word_or_default")]
    pub purpose: Purpose,
}
impl Check for PhotoUploadBegin {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("name", &self.name, limits::FILE_NAME_CHARS_MAX)?;
        if self.size == 0 {
            return Err(ErrorData::field("size", "is empty"));
        }
        if self.size > limits::UPLOAD_BYTES_MAX {
            let reason = format!("at most {} bytes", limits::UPLOAD_BYTES_MAX);
            return Err(ErrorData::too_large("size", reason));
        }
        if !["image/jpeg", "image/png", "image/webp"].contains(&self.mime.as_str()) {
            return Err(ErrorData::field("mime", "expected image/jpeg, image/png or image/webp"));
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ErrorData::field("sha256", "expected 64 hexadecimal digits"));
        }
        Ok(())
    }
}

/// Data of `photo_upload_chunk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoUploadChunk {
    /// The upload.
    pub upload: UploadId,
    /// Of the first byte in the file.
    pub offset: u64,
    /// Not more than `limits.chunk` says; in JSON in base64.
    pub bytes: Bytes,
}
impl Check for PhotoUploadChunk {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("offset", self.offset)?;
        if self.bytes.0.is_empty() {
            return Err(ErrorData::field("bytes", "is empty"));
        }
        if self.bytes.0.len() > limits::UPLOAD_CHUNK_BYTES {
            let reason = format!("at most {} bytes", limits::UPLOAD_CHUNK_BYTES);
            return Err(ErrorData::too_large("bytes", reason));
        }
        Ok(())
    }
}

/// Names an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneUpload {
    /// The upload.
    pub upload: UploadId,
}
impl Check for OneUpload {}

/// Data of `photo_list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoList {
    /// The session.
    pub session: RoomId,
    /// Only those; for those who work on the session. Absent: all that one may see.
    #[serde(default, deserialize_with = "word_or_none", skip_serializing_if = "Option::is_none")]
    pub state: Option<PhotoState>,
    /// Only those with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only those in this list of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// True: the newest first; pinned ones are first all the same.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub newest_first: bool,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for PhotoList {
    fn check(&self) -> Result<(), ErrorData> {
        for (field, value) in [("tag", &self.tag), ("list", &self.list)] {
            value
                .as_deref()
                .map_or(Ok(()), |value| check_text(field, value, limits::TAG_CHARS_MAX))?;
        }
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Names a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnePhoto {
    /// The session.
    pub session: RoomId,
    /// The photo.
    pub photo: PhotoId,
}
impl Check for OnePhoto {}

/// Names photos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Photos {
    /// The session.
    pub session: RoomId,
    /// 1 to 200 of its photos.
    pub photos: Vec<PhotoId>,
}
impl Check for Photos {
    fn check(&self) -> Result<(), ErrorData> {
        check_photos(&self.photos)
    }
}

fn check_photos(photos: &[PhotoId]) -> Result<(), ErrorData> {
    match photos.len() {
        0 => Err(ErrorData::field("photos", "is empty")),
        1..=limits::PHOTOS_PER_CALL_MAX => Ok(()),
        _ => Err(ErrorData::too_large("photos", "at most 200 photos")),
    }
}

/// Data of `photo_update`; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoUpdate {
    /// The session.
    pub session: RoomId,
    /// 1 to 200 of its photos; the same for all of them.
    pub photos: Vec<PhotoId>,
    /// `live` shows them, `hidden` takes them back; editors.
    #[serde(default, deserialize_with = "word_or_none", skip_serializing_if = "Option::is_none")]
    pub state: Option<PhotoState>,
    /// 0 to 200 characters; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Up to 20, of 1 to 40 characters each, in place of those before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Before all others; editors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Behind this photo; editors. The photos stand in the order of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<PhotoId>,
}
impl Check for PhotoUpdate {
    fn check(&self) -> Result<(), ErrorData> {
        check_photos(&self.photos)?;
        if self.state == Some(PhotoState::Pending) {
            return Err(ErrorData::field("state", "expected live or hidden"));
        }
        if let Some(title) = &self.title {
            check_words("title", title, limits::PHOTO_TITLE_CHARS_MAX)?;
        }
        let tags = self.tags.as_deref().unwrap_or_default();
        if tags.len() > limits::PHOTO_TAGS_MAX {
            return Err(ErrorData::too_large("tags", "at most 20 tags"));
        }
        tags.iter().try_for_each(|tag| check_text("tags", tag, limits::TAG_CHARS_MAX))?;
        if self.behind.is_some_and(|behind| self.photos.contains(&behind)) {
            return Err(ErrorData::field("behind", "is one of the photos"));
        }
        Ok(())
    }
}

/// What a viewer puts on a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// For all to see, as a count.
    Like,
    /// Into a list of one's own, which those who work on the session see.
    Select,
}

/// The list that `select` means without a name.
pub const FAVOURITES: &str = "favourites";

/// Data of `photo_mark`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoMark {
    /// The session.
    pub session: RoomId,
    /// 1 to 200 of its photos.
    pub photos: Vec<PhotoId>,
    /// Which.
    #[serde(deserialize_with = "word")]
    pub mark: Mark,
    /// With `select`: the name of the list, 1 to 40 characters; absent: `favourites`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// True puts it on, false takes it off.
    pub on: bool,
}
impl Check for PhotoMark {
    fn check(&self) -> Result<(), ErrorData> {
        check_photos(&self.photos)?;
        match (&self.list, self.mark) {
            (Some(_), Mark::Like) => Err(ErrorData::field("list", "likes have none")),
            (Some(list), Mark::Select) => check_text("list", list, limits::TAG_CHARS_MAX),
            (None, _) => Ok(()),
        }
    }
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A table: photo, name, title, when taken, likes.
    Csv,
    /// What Lightroom's text filter takes: names with commas between.
    Lightroom,
    /// What Finder's search takes: names with ` OR ` between.
    Finder,
    /// What Capture One's filter takes: names with spaces between.
    CaptureOne,
}

/// Data of `photo_selection_export`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoSelectionExport {
    /// The session.
    pub session: RoomId,
    /// Whose list; absent: one's own. Those of others are for those who work on the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Its name; absent: `favourites`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// How.
    #[serde(deserialize_with = "word")]
    pub format: ExportFormat,
}
impl Check for PhotoSelectionExport {
    fn check(&self) -> Result<(), ErrorData> {
        let list = self.list.as_deref();
        list.map_or(Ok(()), |list| check_text("list", list, limits::TAG_CHARS_MAX))
    }
}

/// Data of `photo_comment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoComment {
    /// The session.
    pub session: RoomId,
    /// The photo.
    pub photo: PhotoId,
    /// See [`Cid`].
    pub cid: Cid,
    /// 1 to 2,000 characters.
    pub text: String,
}
impl Check for PhotoComment {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("text", &self.text, limits::COMMENT_CHARS_MAX)
    }
}

/// Data of `photo_comments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoComments {
    /// The session.
    pub session: RoomId,
    /// The photo.
    pub photo: PhotoId,
    /// Only those below this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for PhotoComments {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("before", self.before)?;
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Data of `photo_download`: photos, a list, or everything that one may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoDownload {
    /// The session.
    pub session: RoomId,
    /// 1 to 200 of its photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photos: Option<Vec<PhotoId>>,
    /// A list of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// True: originals, else the largest variants.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub original: bool,
}
impl Check for PhotoDownload {
    fn check(&self) -> Result<(), ErrorData> {
        if self.photos.is_some() && self.list.is_some() {
            return Err(ErrorData::field("list", "\"photos\" and \"list\" exclude each other"));
        }
        self.photos.as_deref().map_or(Ok(()), check_photos)?;
        let list = self.list.as_deref();
        list.map_or(Ok(()), |list| check_text("list", list, limits::TAG_CHARS_MAX))
    }
}
