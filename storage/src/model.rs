//! The nouns of the store as the rest of the house sees them.

use std::collections::HashMap;

use salon_protocol::content::{Content, HistoryFor, Role, RoomKind};
use salon_protocol::photo::{PhotoRole, PhotoState, Watermark};
use salon_protocol::{
    Cid, ErrorData, Event, EventData, LogId, Millis, PhotoId, RoomId, Seq, SessionId, UploadId,
    UserId,
};

/// A user's number inside the store. Never leaves the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(pub i64);

/// The number of a log inside the store: of a room, or of a user's inbox. Below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub i64);

/// A user by both names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserRef {
    /// Inside.
    pub key: UserKey,
    /// Outside.
    pub id: UserId,
}

/// A room by both names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomRef {
    /// Inside.
    pub key: RoomKey,
    /// Outside.
    pub id: RoomId,
}

/// What an account is allowed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountRole {
    /// A person.
    User,
    /// May administrate the server.
    Admin,
    /// Came by the link of a photo session.
    Guest,
}

impl AccountRole {
    /// The word on the wire and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            AccountRole::User => "user",
            AccountRole::Admin => "admin",
            AccountRole::Guest => "guest",
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountStatus {
    /// Yes.
    Active,
    /// No, by an administrator.
    Disabled,
    /// No longer, by its owner.
    Deleted,
}

/// A user's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Who.
    pub user: UserRef,
    /// The log of what concerns him.
    pub inbox: RoomKey,
    /// Lower case; for login by password.
    pub username: Option<String>,
    /// E.164; for login by code.
    pub phone: Option<String>,
    /// argon2id in PHC form.
    pub password_hash: Option<String>,
    /// What others call him.
    pub nickname: String,
    /// The address of a picture.
    pub avatar: Option<String>,
    /// About himself.
    pub bio: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// What he may be.
    pub role: AccountRole,
    /// Whether he may come.
    pub status: AccountStatus,
    /// Since when.
    pub created_at: Millis,
}

impl Account {
    /// How he sees himself.
    pub fn profile(&self) -> salon_protocol::reply::Profile {
        salon_protocol::reply::Profile {
            id: self.user.id,
            username: self.username.clone(),
            phone: self.phone.clone(),
            nickname: self.nickname.clone(),
            avatar: self.avatar.clone(),
            bio: self.bio.clone(),
            language: self.language.clone(),
            role: self.role.name().into(),
            created_at: self.created_at,
        }
    }
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Chosen by the caller (UUID v7).
    pub id: UserId,
    /// See [`Account::username`].
    pub username: Option<String>,
    /// See [`Account::phone`].
    pub phone: Option<String>,
    /// See [`Account::password_hash`].
    pub password_hash: Option<String>,
    /// See [`Account::nickname`].
    pub nickname: String,
    /// See [`Account::role`].
    pub role: AccountRole,
}

/// A change of an account; what is `None` stays. An empty text clears.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// See [`Account::nickname`].
    pub nickname: Option<String>,
    /// See [`Account::avatar`].
    pub avatar: Option<String>,
    /// See [`Account::bio`].
    pub bio: Option<String>,
    /// See [`Account::language`].
    pub language: Option<String>,
    /// See [`Account::password_hash`].
    pub password_hash: Option<String>,
    /// See [`Account::role`].
    pub role: Option<AccountRole>,
    /// See [`Account::status`].
    pub status: Option<AccountStatus>,
}

/// A login on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The claim `sid`.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The installation's name for itself.
    pub device: String,
    /// When he logged in.
    pub created_at: Millis,
    /// When a token was last refreshed.
    pub used_at: Millis,
    /// When the refresh token ends.
    pub expires_at: Millis,
}

/// Somebody came into a photo session by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pass {
    /// Good as long as the session's code is still this one.
    pub code_version: u32,
    /// He has no account of his own: good as long as the session takes guests.
    pub guest: bool,
}

/// Who asks something of a photo session: a member by his row, anybody else by his pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Who.
    pub user: UserRef,
    /// How he came.
    pub pass: Option<Pass>,
}

impl From<UserRef> for Visitor {
    fn from(user: UserRef) -> Self {
        Visitor { user, pass: None }
    }
}

/// One wish to change a room, by one member (or somebody who wants to be one).
#[derive(Clone, Debug, PartialEq)]
pub struct RoomOp {
    /// Who wants it.
    pub by: UserRef,
    /// In a photo session: how he came, if he is no member.
    pub pass: Option<Pass>,
    /// What.
    pub change: Change,
}

impl RoomOp {
    /// A wish of a member.
    pub const fn new(by: UserRef, change: Change) -> Self {
        RoomOp { by, pass: None, change }
    }
}

/// What can change in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A message.
    Send { cid: Cid, content: Content },
    /// Takes a message back.
    Recall { seq: Seq },
    /// Gives a message another text.
    Edit { seq: Seq, cid: Option<Cid>, text: String },
    /// Adds or removes a reaction.
    React { seq: Seq, emoji: String, on: bool },
    /// Enters; `link` when by a link, otherwise by an invitation.
    Join { link: Option<String> },
    /// Goes.
    Leave,
    /// Brings others in.
    Invite { users: Vec<UserId> },
    /// Puts a member out.
    Kick { user: UserId },
    /// Gives a role.
    SetRole { user: UserId, role: Role },
    /// Silences until then; 0 ends it.
    Mute { user: UserId, until: Millis },
    /// Changes the room itself.
    Update { name: Option<String>, announcement: Option<String>, slow_mode_ms: Option<Millis> },
    /// Makes (with the given secret) or withdraws the link.
    Link { link: Option<String> },
    /// In a photo session.
    Photos(Box<PhotoChange>),
}

/// What can change in a photo session beside what can change in any room.
#[derive(Clone, Debug, PartialEq)]
pub enum PhotoChange {
    /// Changes the session itself. `code`: the version and the hash of the code that takes the place of the one
    /// before.
    Update { update: salon_protocol::request::PhotoSessionUpdate, code: Option<(u32, [u8; 32])> },
    /// Closes the session.
    Close { reason: salon_protocol::event::CloseReason },
    /// Gives a role, or takes it.
    Member { user: UserId, role: Option<PhotoRole> },
    /// An upload has become a photo. With the session's gate it is pending, else live.
    Add(Box<NewPhoto>),
    /// Its processing has ended. Only the server itself wants that.
    Processed { photo: PhotoId, variants: Vec<u32>, failed: Option<String> },
    /// Changes photos.
    Edit(salon_protocol::request::PhotoUpdate),
    /// Removes photos.
    Delete { photos: Vec<PhotoId> },
    /// A message, about a photo or not, by somebody who may be no member.
    Say { cid: Cid, content: Content },
}

/// An upload that becomes a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPhoto {
    /// The upload; a repetition of it is answered with its photo.
    pub upload: UploadId,
    /// Chosen by the caller; where the original already is.
    pub photo: PhotoId,
    /// Upright, in pixels.
    pub width: u32,
    /// Upright, in pixels.
    pub height: u32,
    /// The type of the original.
    pub mime: String,
    /// In base64.
    pub thumbhash: String,
    /// `#rrggbb`.
    pub colour: String,
    /// By the camera's clock, in milliseconds since 1970 as if its local time were UTC; the session's offset
    /// for the camera is added.
    pub taken_at: Option<Millis>,
    /// The camera, by which the session may know an offset: its serial number, and its model.
    pub camera: Vec<String>,
    /// What the camera wrote, as JSON.
    pub metadata: String,
    /// The caller works on it until then, see [`Photos::claim_photos`](crate::contract::Photos::claim_photos).
    pub claimed_until: Millis,
}

/// What a new photo session is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPhotoSession {
    /// Chosen by the caller (UUID v7).
    pub id: RoomId,
    /// Names its code; any number.
    pub code_version: u32,
    /// SHA-256 of its code.
    pub code_hash: [u8; 32],
    /// The rest.
    pub request: salon_protocol::request::PhotoSessionCreate,
}

/// A session as somebody sees it, and what the server has to know besides.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionView {
    /// What he is told; without `viewers`, `media`, `grant`, and `settings.code`.
    pub info: salon_protocol::reply::SessionInfo,
    /// Its room.
    pub room: RoomRef,
    /// What is put on its pictures.
    pub watermark: Watermark,
    /// Of the code that is good now.
    pub code_version: u32,
    /// Of signatures that are good now: another one when anybody's permissions become less.
    pub media_version: u32,
    /// Viewers at once.
    pub viewers_max: u64,
    /// Those who are told what viewers select: its staff.
    pub staff: Vec<UserId>,
}

/// An upload to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUpload {
    /// Chosen by the caller (UUID v7).
    pub id: UploadId,
    /// What the client says.
    pub request: salon_protocol::request::PhotoUploadBegin,
}

/// An upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Which.
    pub id: UploadId,
    /// What the client said.
    pub request: salon_protocol::request::PhotoUploadBegin,
    /// What it has become.
    pub done: Option<UploadDone>,
}

/// What an upload has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadDone {
    /// The photo.
    pub photo: PhotoId,
    /// Its first event.
    pub seq: Seq,
    /// The session had the same bytes already: it is that photo.
    pub had: bool,
}

/// A photo whose processing has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoJob {
    /// Which.
    pub photo: PhotoId,
    /// Of which session.
    pub session: RoomId,
    /// Who added it.
    pub by: UserRef,
    /// What to put on it.
    pub watermark: Watermark,
}

/// What has to be known of a photo to serve its files.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoFile {
    /// Which.
    pub photo: PhotoId,
    /// Of which session.
    pub session: RoomId,
    /// See [`SessionView::media_version`].
    pub media_version: u32,
    /// `None`: it is no more.
    pub state: Option<PhotoState>,
    /// The name of the uploaded file.
    pub name: String,
    /// The type of the original.
    pub mime: String,
    /// The size of the original in bytes.
    pub bytes: u64,
    /// The longer sides of the variants that are there.
    pub variants: Vec<u32>,
}

/// What marks have changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marked {
    /// With likes: the counts of photos for which something changed.
    pub counts: Vec<salon_protocol::signal::PhotoCount>,
    /// With lists: how the list is now.
    pub selection: Option<salon_protocol::signal::PhotoSelection>,
    /// Who is to hear of that.
    pub staff: Vec<UserId>,
    /// The session's log.
    pub log: Option<RoomRef>,
}

/// What a download has.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// A name for the file, without an ending.
    pub title: String,
    /// Originals, else the largest variants.
    pub original: bool,
    /// In the order of the session.
    pub files: Vec<PhotoFile>,
}

/// What a committed [`RoomOp`] has done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// New events of the room, ascending. Empty for a repetition and for what was so already.
    pub events: Vec<Event>,
    /// The event that answers the request: new, or of the first time.
    pub seq: Seq,
    /// When that event was committed.
    pub at: Millis,
    /// It is the answer to a repetition with the same `cid`.
    pub duplicate: bool,
    /// Of [`PhotoChange::Add`]: the new photo, or the one that is there already.
    pub photo: Option<PhotoId>,
    /// New events in inboxes.
    pub inbox: Vec<InboxEvent>,
}

/// A new event in somebody's inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxEvent {
    /// Whose inbox.
    pub user: UserId,
    /// Its log.
    pub inbox: RoomKey,
    /// The event.
    pub event: Event,
}

/// The answer to one [`RoomOp`]: done, or refused by the rules.
pub type OpResult = std::result::Result<Committed, ErrorData>;

/// A member of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Who.
    pub user: UserRef,
    /// What he may do.
    pub role: Role,
    /// The event of his joining.
    pub joined_seq: Seq,
    /// Has read up to here.
    pub read: Seq,
    /// Has got up to here.
    pub delivered: Seq,
    /// In a direct room: the two may not write to each other now.
    pub barred: bool,
}

/// A room as its actor needs it to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomSnapshot {
    /// Which.
    pub room: RoomRef,
    /// Its kind.
    pub kind: RoomKind,
    /// The newest event.
    pub head: Seq,
    /// How many members.
    pub members_count: u64,
    /// The pause between two messages of a member; 0: none.
    pub slow_mode_ms: Millis,
    /// All members, when they are not more than
    /// [`RECEIPTS_MEMBERS_MAX`](salon_protocol::limits::RECEIPTS_MEMBERS_MAX).
    pub members: Option<Vec<Member>>,
}

/// A member's cursors, to be written when they are above what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorUpdate {
    /// The room.
    pub room: RoomKey,
    /// The member.
    pub user: UserKey,
    /// See [`Member::read`].
    pub read: Seq,
    /// See [`Member::delivered`].
    pub delivered: Seq,
}

/// One of a user's rooms, as he finds it when he connects.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// Which.
    pub room: RoomRef,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name.
    pub name: Option<String>,
    /// His role.
    pub role: Role,
    /// The newest event.
    pub head: Seq,
    /// When it was committed.
    pub head_at: Millis,
    /// The first event that he may read.
    pub first_seq: Seq,
    /// His read cursor.
    pub read: Seq,
    /// His delivered cursor.
    pub delivered: Seq,
}

/// Unread messages of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Up to [`UNREAD_MAX`](salon_protocol::limits::UNREAD_MAX).
    pub count: u64,
    /// There are more.
    pub more: bool,
}

/// What becomes of a wish to open a socket.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenOutcome {
    /// Come in.
    Open(Box<Opening>),
    /// The login has ended.
    Ended,
    /// The account may not be used.
    Disabled,
}

/// Everything that a user needs to know to open a socket.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// His account.
    pub account: Account,
    /// The device named at login.
    pub device: String,
    /// The newest event of the inbox.
    pub inbox_head: Seq,
    /// The oldest event that the inbox still has.
    pub inbox_first: Seq,
    /// All his rooms, the one with the newest event first.
    pub rooms: Vec<Membership>,
    /// His friends, for presence.
    pub friends: Vec<UserId>,
}

/// What a new group room is to be.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Chosen by the caller (UUID v7).
    pub id: RoomId,
    /// The request's name.
    pub cid: Cid,
    /// Its name.
    pub name: String,
    /// The first members; the owner is one by himself.
    pub members: Vec<UserId>,
    /// What later members may read.
    pub history: HistoryFor,
}

/// A room that was made or found.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Which.
    pub room: RoomRef,
    /// It is the answer to a repetition.
    pub duplicate: bool,
    /// Who became a member now; empty when the room was there.
    pub joined: Vec<UserId>,
    /// New events in inboxes.
    pub inbox: Vec<InboxEvent>,
}

/// A wish about another user.
#[derive(Clone, Debug, PartialEq)]
pub enum FriendChange {
    /// Asks.
    Request { message: Option<String> },
    /// Says yes.
    Accept,
    /// Says no, silently.
    Reject,
    /// Ends it.
    Remove,
    /// Gives a private name; empty: none.
    Remark { remark: String },
    /// Blocks or lets in again.
    Block { on: bool },
}

/// What a [`FriendChange`] has done.
#[derive(Clone, Debug, PartialEq)]
pub struct FriendChanged {
    /// How it stands now, seen from the one who asked.
    pub state: salon_protocol::reply::Friendship,
    /// New events in inboxes.
    pub inbox: Vec<InboxEvent>,
    /// The direct room of the two, when whether they may write in it can have changed.
    pub direct: Option<RoomId>,
    /// Whether the two see each other's presence now; `None`: as before.
    pub see_each_other: Option<bool>,
}

/// A part of a log that is to be read, from one position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// Which log.
    pub log: RoomKey,
    /// What its events call it.
    pub id: LogId,
    /// Events above this one,
    pub after: Seq,
    /// and not above this one,
    pub until: Seq,
    /// at most so many.
    pub limit: usize,
    /// Who is to see them.
    pub viewers: Vec<UserKey>,
}

/// Events of a log as all see them, and what single viewers see otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// Ascending. No reaction among them is anybody's own.
    pub events: Vec<Event>,
    /// The reactions of viewers of the range: on which events, and which.
    pub own: HashMap<UserKey, Vec<(Seq, String)>>,
}

impl LogPage {
    /// The events as one of the viewers sees them, if that is not how all see them.
    pub fn seen_by(&self, viewer: UserKey) -> Option<Vec<Event>> {
        let own = self.own.get(&viewer)?;
        let mut events = self.events.clone();
        for event in &mut events {
            let EventData::NewMessage(message) = &mut event.data else { continue };
            for sum in &mut message.reactions {
                sum.mine = own.iter().any(|(seq, emoji)| *seq == event.seq && *emoji == sum.emoji);
            }
        }
        Some(events)
    }
}
