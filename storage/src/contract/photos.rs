//! Live photo sessions: who may see and do what in them, their photos, uploads and marks.
//!
//! What changes a session's log goes through its room ([`Change::Photos`](crate::model::Change)), in order with
//! everything else that is said there; what is here reads, or changes what stands in no log.

use async_trait::async_trait;
use salon_protocol::photo::Photo;
use salon_protocol::reply::{Export, History, Items, PhotoInfo, SelectionItem, SessionInfo};
use salon_protocol::{Cid, Millis, PhotoId, RoomId, UploadId, request};

use crate::error::Result;
use crate::model::{
    Download, Made, Marked, NewPhotoSession, NewUpload, PhotoFile, PhotoJob, SessionView, Upload,
    UserRef, Visitor,
};

/// Sessions and photos. Whoever may not see a session gets `forbidden`, as of a room.
#[async_trait]
pub trait Photos: Send + Sync {
    /// Makes a session with its room. Refused with `conflict` (the `cid` was something else) or
    /// `limit_reached`. [`Made::room`] of a repetition is the first one.
    async fn create_session(&self, by: UserRef, new: NewPhotoSession) -> Result<Made>;

    /// Sessions that one is a member of, the newest first. `viewers` is 0: the store does not know.
    async fn photo_sessions(
        &self,
        user: UserRef,
        page: request::Page,
    ) -> Result<Items<SessionInfo>>;

    /// The session that has this code, and the code's version, which is that of a [`Pass`](crate::model::Pass).
    async fn session_by_code(&self, code_hash: [u8; 32]) -> Result<Option<(RoomId, u32)>>;

    /// A session as somebody sees it. Refused with `gone` when it has closed and he is no member.
    async fn session(&self, who: Visitor, session: RoomId) -> Result<SessionView>;

    /// Removes a closed session with everything in it but its files, and tells the files that are to be
    /// deleted. Refused with `forbidden` for anybody but its owner; `None` is the server itself.
    async fn delete_session(&self, by: Option<UserRef>, session: RoomId) -> Result<DeletedSession>;

    /// Sessions whose time has come: to be closed (with their owner, who is named as the one who did it).
    async fn expired_sessions(&self, now: Millis) -> Result<Vec<(RoomId, UserRef)>>;

    /// Sessions that closed before a time by themselves, and are to be deleted.
    async fn forgotten_sessions(&self, closed_before: Millis) -> Result<Vec<RoomId>>;

    /// Begins an upload, or finds the one with this `cid`. Refused with `forbidden` (not on the staff; a
    /// watermark is its owner's), `conflict` (the `cid` was something else), `gone` (closed) or
    /// `limit_reached` (too many at once, too many photos).
    async fn begin_upload(&self, by: UserRef, new: NewUpload) -> Result<Upload>;

    /// One's own upload. Refused with `not_found`.
    async fn upload(&self, by: UserRef, upload: UploadId) -> Result<Upload>;

    /// The upload is no more; one that became a photo stays. Not there is no error.
    async fn abort_upload(&self, by: UserRef, upload: UploadId) -> Result<()>;

    /// A watermark's upload is complete: later ones under its `cid` are answered with this.
    async fn finish_watermark(&self, by: UserRef, upload: UploadId, image: PhotoId) -> Result<()>;

    /// Removes uploads that began before a time and became nothing; tells which. Also those that became a
    /// photo long ago: their `cid` is known by the photo.
    async fn old_uploads(&self, before: Millis) -> Result<Vec<UploadId>>;

    /// Photos that are committed and not processed to the end, and that nobody works on, are this node's
    /// until `until`. With `all` also those that somebody worked on: for a node that is alone.
    /// A repetition with the same `until` gets the next ones.
    async fn claim_photos(&self, until: Millis, all: bool, limit: usize) -> Result<Vec<PhotoJob>>;

    /// Photos in their order. Viewers get live ones only.
    async fn photo_list(&self, who: Visitor, list: request::PhotoList) -> Result<Items<Photo>>;

    /// Everything about a photo. Refused with `not_found`, for viewers also when it is not live.
    async fn photo(&self, who: Visitor, photo: request::OnePhoto) -> Result<PhotoInfo>;

    /// A photo's files, for whoever has a signature; `None` when there never was such a photo.
    async fn photo_file(&self, photo: PhotoId) -> Result<Option<PhotoFile>>;

    /// Puts marks on photos or takes them off; those that are not there or not seen are passed over. Refused
    /// with `forbidden` by the permissions, or `limit_reached` (too many lists).
    async fn mark_photos(&self, who: Visitor, mark: request::PhotoMark) -> Result<Marked>;

    /// Lists: one's own, and for the staff all.
    async fn selections(&self, who: Visitor, session: RoomId) -> Result<Items<SelectionItem>>;

    /// A list as a text. Refused with `forbidden` (another's list, not on the staff).
    async fn export_selection(
        &self,
        who: Visitor,
        export: request::PhotoSelectionExport,
    ) -> Result<Export>;

    /// What was said about a photo, ascending, like a page of the log that goes backwards.
    async fn photo_comments(&self, who: Visitor, page: request::PhotoComments) -> Result<History>;

    /// Keeps what a download is to have, under a random name, for [`MEDIA_LIFE_MS`] from now. Refused with
    /// `forbidden` by the permissions, `not_found` when there is nothing in it.
    ///
    /// [`MEDIA_LIFE_MS`]: salon_protocol::limits::MEDIA_LIFE_MS
    async fn begin_download(
        &self,
        who: Visitor,
        wanted: request::PhotoDownload,
        name: Cid,
    ) -> Result<Download>;

    /// What a download has now, without photos that were taken back meanwhile, and counts it; `None` when
    /// there is none of this name any more.
    async fn download(&self, name: Cid) -> Result<Option<Download>>;

    /// Counts downloads of a photo's original.
    async fn count_downloads(&self, photos: Vec<PhotoId>) -> Result<()>;

    /// Photos whose files are to be deleted: they are no more, and [`Photos::files_deleted`] has not been told.
    async fn files_to_delete(&self, limit: usize) -> Result<Vec<PhotoId>>;

    /// The files of these photos are gone.
    async fn files_deleted(&self, photos: Vec<PhotoId>) -> Result<()>;
}

/// What was removed with a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletedSession {
    /// Events of its members' inboxes.
    pub inbox: Vec<crate::model::InboxEvent>,
    /// Its room, whose followers are to be let go; absent when it was gone already.
    pub room: Option<crate::model::RoomRef>,
}
