//! What a room hears and what it wants done.

use actix::Message;
use salon_protocol::content::{Content, MessageKind};
use salon_protocol::event::CloseReason;
use salon_protocol::reply::{Done, Empty, Joined, Link, PhotoMade, Sent};
use salon_protocol::{ErrorData, Event, PhotoId, Request, RoomId, Seq, UserId};
use salon_storage::StoreError;
use salon_storage::model::{
    Change, Committed, CursorUpdate, InboxEvent, Member, OpResult, Pass, PhotoChange, RoomOp,
    RoomSnapshot,
};
use serde::{Serialize, Serializer};

use crate::caller::Caller;

/// A request to a room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RoomRequest {
    /// Something that changes the log.
    Change(Change),
    /// A read cursor.
    Read(Seq),
    /// A delivered cursor; answered by the connection, not by the room.
    Delivered(Seq),
    /// Somebody types.
    Typing,
    /// Who has read a message.
    ReadBy(Seq),
}

impl RoomRequest {
    /// The request to a room that a frame is, if it is one.
    #[expect(clippy::result_large_err, reason = "what is no room's is passed on as it came")]
    pub(crate) fn from_frame(
        request: Request,
        pass: Option<Pass>,
    ) -> Result<(RoomId, RoomRequest), Request> {
        let (room, change) = match request {
            Request::SendMessage(send) => {
                let (room, cid, content) = send.into_content();
                if pass.is_some() {
                    // Who is no member is not known to the fast way.
                    let change = PhotoChange::Say { cid, content };
                    (room, Change::Photos(Box::new(change)))
                } else {
                    (room, Change::Send { cid, content })
                }
            }
            Request::MessageRecall(m) => (m.room, Change::Recall { seq: m.seq }),
            Request::MessageEdit(m) => {
                (m.room, Change::Edit { seq: m.seq, cid: m.cid, text: m.text })
            }
            Request::React(m) => (m.room, Change::React { seq: m.seq, emoji: m.emoji, on: m.on }),
            Request::LeaveRoom(m) => (m.room, Change::Leave),
            Request::Invite(m) => (m.room, Change::Invite { users: m.users }),
            Request::Kick(m) => (m.room, Change::Kick { user: m.user }),
            Request::SetRole(m) => (m.room, Change::SetRole { user: m.user, role: m.role }),
            Request::Mute(m) => {
                (m.room, Change::Mute { user: m.user, until: m.until.unwrap_or(0) })
            }
            Request::RoomUpdate(m) => {
                let (name, announcement) = (m.name, m.announcement);
                (m.room, Change::Update { name, announcement, slow_mode_ms: m.slow_mode_ms })
            }
            Request::RoomLink(m) => {
                let link = m.enabled.then(|| uuid::Uuid::new_v4().simple().to_string());
                (m.room, Change::Link { link })
            }
            Request::JoinRoom(join) => match join.room {
                Some(room) => (room, Change::Join { link: None }),
                None => return Err(Request::JoinRoom(join)),
            },
            Request::PhotoSessionClose(m) => {
                let reason = CloseReason::Closed;
                (m.session, Change::Photos(Box::new(PhotoChange::Close { reason })))
            }
            Request::PhotoSessionMember(m) => {
                let change = PhotoChange::Member { user: m.user, role: m.role };
                (m.session, Change::Photos(Box::new(change)))
            }
            Request::PhotoUpdate(m) => (m.session, Change::Photos(Box::new(PhotoChange::Edit(m)))),
            Request::PhotoDelete(m) => {
                let change = PhotoChange::Delete { photos: m.photos };
                (m.session, Change::Photos(Box::new(change)))
            }
            Request::PhotoComment(m) => {
                let content = Content {
                    text: Some(m.text),
                    photo: Some(m.photo),
                    ..Content::empty(MessageKind::Text)
                };
                let change = PhotoChange::Say { cid: m.cid, content };
                (m.session, Change::Photos(Box::new(change)))
            }
            Request::MessageRead(m) => return Ok((m.room, RoomRequest::Read(m.seq))),
            Request::Typing(m) => return Ok((m.room, RoomRequest::Typing)),
            Request::ReadBy(m) => return Ok((m.room, RoomRequest::ReadBy(m.seq))),
            other => return Err(other),
        };
        Ok((room, RoomRequest::Change(change)))
    }
}

/// A message to the room's actor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RoomMessage(pub(crate) RoomInput);

/// What a room hears.
#[derive(Clone, Debug)]
pub(crate) enum RoomInput {
    /// Somebody asks.
    Request(Caller, RoomRequest),
    /// The answer to [`Effect::Load`].
    Loaded(Result<Option<RoomSnapshot>, StoreError>),
    /// The answer to [`Effect::Commit`].
    Committed(Result<Vec<OpResult>, StoreError>),
    /// The answer to [`Effect::LoadMember`].
    Member(UserId, Result<Option<Member>, StoreError>),
    /// The answer to [`Effect::SaveCursors`].
    CursorsSaved(Result<(), StoreError>),
    /// The time asked for by [`Room::wake_at`](super::state::Room::wake_at) has come.
    Wake,
    /// Another node has committed events; sockets are told already.
    Told(Vec<Event>),
    /// Something has changed that did not go through this actor: load again.
    Refresh,
    /// The server stops: write what is not written.
    Drain,
    /// Sent behind everything else when the actor retires: stop.
    Last,
}

/// What a room wants done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Read the room.
    Load,
    /// Commit changes.
    Commit(Vec<RoomOp>),
    /// Read one member.
    LoadMember(UserId),
    /// Write cursors.
    SaveCursors(Vec<CursorUpdate>),
    /// Answer a request.
    Answer(Caller, Result<Reply, ErrorData>),
    /// Ask the store who has read a message, and answer with it.
    AnswerReadBy(Caller, Seq),
    /// Tell of events, which follow on each other, and of who comes and goes by them.
    Publish(Vec<Event>),
    /// Tell users of events in their inboxes.
    PublishInbox(Vec<InboxEvent>),
    /// Events may have been missed: whoever wants the log looks up to here.
    Announce(Seq),
    /// Tell of a moved cursor.
    Cursor { user: UserId, seq: Seq, read: bool, only_own: bool },
    /// Tell that somebody types.
    Typing(UserId),
    /// Nothing is left to do; put the room to sleep.
    Sleep,
}

/// The data of an `ok`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Sent(Sent),
    Done(Done),
    Joined(Joined),
    Link(Link),
    Photo(PhotoMade),
    Empty(Empty),
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Reply::Sent(data) => data.serialize(serializer),
            Reply::Done(data) => data.serialize(serializer),
            Reply::Joined(data) => data.serialize(serializer),
            Reply::Link(data) => data.serialize(serializer),
            Reply::Photo(data) => data.serialize(serializer),
            Reply::Empty(data) => data.serialize(serializer),
        }
    }
}

/// How an answer looks, kept beside a change until it is committed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReplyKind {
    Sent,
    Done,
    Joined,
    Link(Option<String>),
    Photo(PhotoId),
}

impl ReplyKind {
    pub(crate) fn of(change: &Change) -> Self {
        match change {
            Change::Send { .. } => ReplyKind::Sent,
            Change::Join { .. } => ReplyKind::Joined,
            Change::Link { link } => ReplyKind::Link(link.clone()),
            Change::Photos(change) => match &**change {
                PhotoChange::Say { .. } => ReplyKind::Sent,
                PhotoChange::Add(new) => ReplyKind::Photo(new.photo),
                _ => ReplyKind::Done,
            },
            _ => ReplyKind::Done,
        }
    }

    pub(crate) fn reply(&self, room: RoomId, done: &Committed) -> Reply {
        let Committed { seq, at, duplicate, photo, .. } = *done;
        match self {
            ReplyKind::Sent => Reply::Sent(Sent { room, seq, at, duplicate }),
            ReplyKind::Done => Reply::Done(Done { seq, duplicate }),
            ReplyKind::Joined => Reply::Joined(Joined { room, seq }),
            ReplyKind::Link(link) => Reply::Link(Link { link: link.clone() }),
            ReplyKind::Photo(new) => {
                Reply::Photo(PhotoMade { photo: photo.unwrap_or(*new), seq, duplicate })
            }
        }
    }
}
