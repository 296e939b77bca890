//! Live photo sessions.
//!
//! Reading order: `sessions` (what somebody is in one) → `rows` (what a photo is) → `changes` (what goes
//! through a session's log: `settings`, `people`, `add`, `edit`, `order`, `say`) → `uploads`, `marks`,
//! `downloads` and `files`, which stand in no log.

mod add;
mod changes;
mod create;
mod downloads;
mod edit;
mod files;
mod marks;
mod order;
mod people;
mod removal;
mod rows;
mod say;
mod sessions;
mod settings;
mod uploads;

use async_trait::async_trait;
use salon_protocol::photo::Photo;
use salon_protocol::reply::{Export, History, Items, PhotoInfo, SelectionItem, SessionInfo};
use salon_protocol::{Cid, Millis, PhotoId, RoomId, UploadId, request};

pub(super) use changes::apply;
pub(super) use rows::shown;
pub(super) use say::forget_comment;
pub(super) use sessions::viewer;

use super::SqlStore;
use crate::contract::{DeletedSession, Photos};
use crate::error::Result;
use crate::model::{
    Download, Made, Marked, NewPhotoSession, NewUpload, PhotoFile, PhotoJob, SessionView, Upload,
    UserRef, Visitor,
};

/// States of a photo, as they are stored; see the migration.
const DELETED: i64 = -1;
const PENDING: i64 = 0;
const LIVE: i64 = 1;
const HIDDEN: i64 = 2;

#[async_trait]
impl Photos for SqlStore {
    async fn create_session(&self, by: UserRef, new: NewPhotoSession) -> Result<Made> {
        self.write(move |tx| Box::pin(create::create(tx, by, new))).await
    }

    async fn photo_sessions(
        &self,
        user: UserRef,
        page: request::Page,
    ) -> Result<Items<SessionInfo>> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        sessions::mine(&mut reader.borrow(), &self.shared.tail, user, page, now).await
    }

    async fn session_by_code(&self, code_hash: [u8; 32]) -> Result<Option<(RoomId, u32)>> {
        let mut reader = self.reader().await?;
        sessions::by_code(&mut reader.borrow(), code_hash).await
    }

    async fn session(&self, who: Visitor, session: RoomId) -> Result<SessionView> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        sessions::view(&mut reader.borrow(), &self.shared.tail, who, session, now).await
    }

    async fn delete_session(&self, by: Option<UserRef>, session: RoomId) -> Result<DeletedSession> {
        removal::delete(self, by, session).await
    }

    async fn expired_sessions(&self, now: Millis) -> Result<Vec<(RoomId, UserRef)>> {
        let mut reader = self.reader().await?;
        removal::expired(&mut reader.borrow(), now).await
    }

    async fn forgotten_sessions(&self, closed_before: Millis) -> Result<Vec<RoomId>> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        removal::forgotten(&mut reader.borrow(), closed_before, now).await
    }

    async fn begin_upload(&self, by: UserRef, new: NewUpload) -> Result<Upload> {
        self.write(move |tx| Box::pin(uploads::begin(tx, by, new))).await
    }

    async fn upload(&self, by: UserRef, upload: UploadId) -> Result<Upload> {
        let mut reader = self.reader().await?;
        uploads::find(&mut reader.borrow(), by, upload).await
    }

    async fn abort_upload(&self, by: UserRef, upload: UploadId) -> Result<()> {
        self.write(move |tx| Box::pin(uploads::abort(tx, by, upload))).await
    }

    async fn finish_watermark(&self, by: UserRef, upload: UploadId, image: PhotoId) -> Result<()> {
        self.write(move |tx| Box::pin(uploads::finish_watermark(tx, by, upload, image))).await
    }

    async fn old_uploads(&self, before: Millis) -> Result<Vec<UploadId>> {
        self.write(move |tx| Box::pin(uploads::remove_old(tx, before))).await
    }

    async fn claim_photos(&self, until: Millis, all: bool, limit: usize) -> Result<Vec<PhotoJob>> {
        self.write(move |tx| Box::pin(files::claim(tx, until, all, limit))).await
    }

    async fn photo_list(&self, who: Visitor, list: request::PhotoList) -> Result<Items<Photo>> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        rows::list(&mut reader.borrow(), who, list, now).await
    }

    async fn photo(&self, who: Visitor, photo: request::OnePhoto) -> Result<PhotoInfo> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        rows::one(&mut reader.borrow(), who, photo, now).await
    }

    async fn photo_file(&self, photo: PhotoId) -> Result<Option<PhotoFile>> {
        let mut reader = self.reader().await?;
        files::of_photo(&mut reader.borrow(), photo).await
    }

    async fn mark_photos(&self, who: Visitor, mark: request::PhotoMark) -> Result<Marked> {
        self.write(move |tx| Box::pin(marks::mark(tx, who, mark))).await
    }

    async fn selections(&self, who: Visitor, session: RoomId) -> Result<Items<SelectionItem>> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        marks::selections(&mut reader.borrow(), who, session, now).await
    }

    async fn export_selection(
        &self,
        who: Visitor,
        export: request::PhotoSelectionExport,
    ) -> Result<Export> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        marks::export(&mut reader.borrow(), who, export, now).await
    }

    async fn photo_comments(&self, who: Visitor, page: request::PhotoComments) -> Result<History> {
        let now = self.shared.clock.now();
        let mut reader = self.reader().await?;
        say::comments(&mut reader.borrow(), who, page, now).await
    }

    async fn begin_download(
        &self,
        who: Visitor,
        wanted: request::PhotoDownload,
        name: Cid,
    ) -> Result<Download> {
        self.write(move |tx| Box::pin(downloads::begin(tx, who, wanted, name))).await
    }

    async fn download(&self, name: Cid) -> Result<Option<Download>> {
        self.write(move |tx| Box::pin(downloads::go_on(tx, name))).await
    }

    async fn count_downloads(&self, photos: Vec<PhotoId>) -> Result<()> {
        self.write(move |tx| Box::pin(downloads::count(tx, photos))).await
    }

    async fn files_to_delete(&self, limit: usize) -> Result<Vec<PhotoId>> {
        let mut reader = self.reader().await?;
        files::to_delete(&mut reader.borrow(), limit).await
    }

    async fn files_deleted(&self, photos: Vec<PhotoId>) -> Result<()> {
        self.write(move |tx| Box::pin(files::deleted(tx, photos))).await
    }
}
