//! Answers about live photo sessions and their photos.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Millis, PhotoId, RoomId, Seq, UploadId, UserId};
use crate::photo::{Cameras, Permissions, PermissionsByRole, Photo, PhotoRole, Watermark};
use crate::reply::PublicProfile;

reply! {
    /// To `photo_session_create`.
    SessionMade {
        /// The session; also its room's id.
        session: RoomId,
        /// Its access code.
        code: String,
        /// True when this is the answer to a repetition.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
}

reply! {
    /// What opens the pictures of a session: `/blobs/{photo}/{variant}?{query}`.
    Media {
        /// Behind the question mark.
        query: String,
        /// Until then; ask `session_media` for another one before.
        expires_at: Millis,
        /// The variants that it opens: longer sides, and `original`.
        variants: Vec<String>,
    }
}

reply! {
    /// A session as one sees it: to `photo_session_get` and `join_session`, and an item of
    /// `photo_session_list`.
    SessionInfo {
        /// The session; also its room's id.
        room: RoomId,
        /// Its title.
        title: String,
        /// Its owner.
        owner: UserId,
        /// The photo on its cover.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cover: Option<PhotoId>,
        /// The newest event.
        seq: Seq,
        /// What one is in it.
        role: PhotoRole,
        /// What one may do.
        permissions: Permissions,
        /// Whether new photos wait for an editor.
        gate: bool,
        /// Photos that viewers see.
        photos: u64,
        /// Photos that wait for an editor.
        pending: u64,
        /// Viewers now.
        viewers: u64,
        /// When it closes by itself; absent: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Millis>,
        /// When it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closed_at: Option<Millis>,
        /// Since when.
        created_at: Millis,
        /// Not in lists: what opens its pictures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<Media>,
        /// To `join_session` by code: opens it again, until the code is renewed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
        /// To `join_session`: too much was missed; nothing is replayed, read `history` or `photo_list`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stale: bool,
        /// To its owner and editors, not in lists: the rest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<SessionSettingsNow>,
    }
}

reply! {
    /// What only those see who run a session.
    SessionSettingsNow {
        /// Its access code.
        code: String,
        /// Whether guests may come.
        guests: bool,
        /// Viewers at once.
        viewers_max: u64,
        /// What clients and guests may do.
        permissions: PermissionsByRole,
        /// What is put on pictures.
        watermark: Watermark,
        /// What is added to the times of cameras.
        cameras: Cameras,
        /// How often something was downloaded.
        downloads: u64,
    }
}

reply! {
    /// To `photo_session_update`.
    SessionChanged {
        /// The event.
        seq: Seq,
        /// The new access code, if it was renewed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    }
}

reply! {
    /// To `photo_upload_begin`.
    UploadBegun {
        /// The upload.
        upload: UploadId,
        /// The bytes of each chunk but the last.
        chunk: usize,
        /// Where to go on; the size of the file when nothing is missing: commit.
        offset: u64,
    }
}

reply! {
    /// To `photo_upload_chunk`.
    UploadAt {
        /// Where to go on.
        offset: u64,
    }
}

reply! {
    /// To `photo_upload_commit`.
    PhotoMade {
        /// The photo.
        photo: PhotoId,
        /// The event of it; 0 of a watermark.
        seq: Seq,
        /// True when the session had these bytes already, or this is the answer to a repetition.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
}

reply! {
    /// To `photo_get`.
    PhotoInfo {
        /// The photo.
        #[serde(flatten)]
        photo: Photo,
        /// The size of the original in bytes.
        bytes: u64,
        /// The type of the original.
        mime: String,
        /// For those who work on the session: what the camera wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
        /// For those who work on the session: how often it was downloaded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        downloads: Option<u64>,
        /// Why it could not be processed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    }
}

reply! {
    /// An item of `photo_selections`.
    SelectionItem {
        /// Whose list.
        user: PublicProfile,
        /// Its name.
        list: String,
        /// Photos in it.
        count: u64,
        /// When it changed last.
        at: Millis,
    }
}

reply! {
    /// To `photo_selection_export`.
    Export {
        /// The whole text.
        text: String,
        /// A name for a file.
        name: String,
        /// How many photos.
        count: u64,
    }
}

reply! {
    /// To `photo_download`.
    DownloadReady {
        /// The address of a ZIP, relative to the server; good until `expires_at`.
        url: String,
        /// Until then a download may begin.
        expires_at: Millis,
        /// Files in it.
        files: u64,
    }
}
