//! Live photo sessions: what their cases share.

mod changes;
mod log;
mod sessions;
mod viewers;

pub(super) use changes::*;
pub(super) use log::*;
pub(super) use sessions::*;
pub(super) use viewers::*;

use salon_protocol::content::Content;
use salon_protocol::photo::{Download, Permissions, PermissionsByRole, Photo, PhotoRole};
use salon_protocol::request::{
    PhotoList, PhotoSessionCreate, PhotoSessionUpdate, PhotoUpdate, PhotoUploadBegin, Purpose,
    SessionSettings,
};
use salon_protocol::{PhotoId, RoomId, UploadId};
use uuid::Uuid;

use super::{World, cid, text};
use crate::model::{
    Change, Committed, NewPhoto, NewPhotoSession, NewUpload, OpResult, Pass, PhotoChange, RoomOp,
    RoomRef, UserKey, UserRef, Visitor,
};

/// Of the codes of sessions that a case makes.
const VERSION: u32 = 7;

fn photo_id() -> PhotoId {
    PhotoId::new(Uuid::now_v7())
}

fn new_session(settings: SessionSettings) -> NewPhotoSession {
    let id = RoomId::new(Uuid::now_v7());
    let mut code_hash = [0; 32];
    code_hash[..16].copy_from_slice(id.as_bytes());
    let request = PhotoSessionCreate { cid: cid(), title: "wedding".into(), settings };
    NewPhotoSession { id, code_version: VERSION, code_hash, request }
}

fn update(session: RoomRef, settings: SessionSettings) -> PhotoSessionUpdate {
    let (title, cover) = (None, None);
    PhotoSessionUpdate { session: session.id, title, cover, renew_code: false, settings }
}

fn edit(session: RoomRef, photos: &[PhotoId]) -> PhotoUpdate {
    PhotoUpdate {
        session: session.id,
        photos: photos.to_vec(),
        state: None,
        title: None,
        tags: None,
        pinned: None,
        behind: None,
    }
}

fn list_of(session: RoomRef) -> PhotoList {
    PhotoList {
        session: session.id,
        state: None,
        tag: None,
        list: None,
        newest_first: false,
        cursor: None,
        limit: None,
    }
}

/// A file with this number in it.
fn file(session: RoomRef, number: u64) -> NewUpload {
    let request = PhotoUploadBegin {
        session: session.id,
        cid: cid(),
        name: format!("DSC_{number}.JPG"),
        size: 1_000 + number,
        mime: "image/jpeg".into(),
        sha256: format!("{number:064x}"),
        purpose: Purpose::Photo,
    };
    NewUpload { id: UploadId::new(Uuid::now_v7()), request }
}

fn taken(upload: UploadId, at: Option<i64>, camera: &str) -> NewPhoto {
    NewPhoto {
        upload,
        photo: photo_id(),
        width: 6_000,
        height: 4_000,
        mime: "image/jpeg".into(),
        thumbhash: "aGFzaA==".into(),
        colour: "#102030".into(),
        taken_at: at,
        camera: vec![camera.into()],
        metadata: r#"{"iso":100}"#.into(),
        claimed_until: 0,
    }
}

fn photos(change: PhotoChange) -> Change {
    Change::Photos(Box::new(change))
}

/// Everything for all.
fn all_permitted() -> PermissionsByRole {
    let all = Permissions { download: Download::Original, ..Permissions::default() };
    PermissionsByRole { client: all, guest: all }
}

/// A session, its owner, an editor, a photographer and a client.
struct Cast {
    world: World,
    room: RoomRef,
    owner: UserRef,
    editor: UserRef,
    photographer: UserRef,
    client: UserRef,
    /// Somebody who came by the code.
    guest: Visitor,
    stranger: UserRef,
}

impl Cast {
    async fn new(world: World, settings: SessionSettings) -> Cast {
        let owner = world.user("ann").await;
        let made = world.store.create_session(owner, new_session(settings)).await.unwrap();
        let (editor, photographer) = (world.user("eve").await, world.user("paul").await);
        let (client, stranger) = (world.user("carl").await, world.user("stu").await);
        let pass = Some(Pass { code_version: VERSION, guest: false });
        let guest = Visitor { user: world.user("gus").await, pass };
        let room = made.room;
        let cast = Cast { world, room, owner, editor, photographer, client, guest, stranger };
        for (user, role) in [
            (editor, PhotoRole::Editor),
            (photographer, PhotoRole::Photographer),
            (client, PhotoRole::Client),
        ] {
            cast.done(owner, PhotoChange::Member { user: user.id, role: Some(role) }).await;
        }
        cast
    }

    async fn gated(world: World) -> Cast {
        Cast::new(world, SessionSettings { gate: Some(true), ..SessionSettings::default() }).await
    }

    /// Asks for a change by somebody who may have a pass.
    async fn by(&self, who: Visitor, change: Change) -> OpResult {
        let op = RoomOp { by: who.user, pass: who.pass, change };
        self.world.store.commit(self.room, vec![op]).await.unwrap().remove(0)
    }

    async fn ask(&self, by: UserRef, change: PhotoChange) -> OpResult {
        self.by(by.into(), photos(change)).await
    }

    async fn done(&self, by: UserRef, change: PhotoChange) -> Committed {
        self.ask(by, change).await.unwrap()
    }

    async fn say(&self, who: Visitor, content: Content) -> OpResult {
        self.by(who, photos(PhotoChange::Say { cid: cid(), content })).await
    }

    fn comment(&self, photo: PhotoId, words: &str) -> Content {
        Content { photo: Some(photo), ..text(words) }
    }

    async fn add_taken(&self, number: u64, at: Option<i64>, camera: &str) -> Committed {
        let by = self.photographer;
        let upload = self.world.store.begin_upload(by, file(self.room, number)).await.unwrap();
        self.done(by, PhotoChange::Add(Box::new(taken(upload.id, at, camera)))).await
    }

    /// Adds a photo.
    async fn add(&self, number: u64) -> PhotoId {
        self.add_taken(number, None, "x").await.photo.unwrap()
    }

    async fn listed(&self, who: impl Into<Visitor>) -> Vec<Photo> {
        self.world.store.photo_list(who.into(), list_of(self.room)).await.unwrap().items
    }

    async fn seen(&self, who: impl Into<Visitor>) -> Vec<PhotoId> {
        self.listed(who).await.iter().map(|photo| photo.photo).collect()
    }

    async fn media_version(&self) -> u32 {
        self.world.store.session(self.owner.into(), self.room.id).await.unwrap().media_version
    }

    fn with_pass(&self, pass: Pass) -> Visitor {
        Visitor { pass: Some(pass), ..self.guest }
    }
}

/// A name for nobody.
fn nobody() -> UserRef {
    let id = salon_protocol::UserId::new(Uuid::now_v7());
    UserRef { key: UserKey(i64::MAX), id }
}
