//! What a worker's connections hear, from sockets and from actors.

use std::sync::Arc;

use bytes::Bytes;
use salon_protocol::request::Auth;
use salon_protocol::{
    CloseCode, Encoding, ErrorData, LogId, RoomId, Seq, SessionId, UploadId, UserId,
};
use salon_storage::StoreError;
use salon_storage::model::{LogPage, RoomKey};

use super::viewing::Viewed;
use crate::caller::{Answer, Claims, ConnId, UserShared};

/// A frame from a client.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// JSON.
    Text(&'a str),
    /// MessagePack.
    Binary(&'a [u8]),
}

impl Incoming<'_> {
    pub(crate) fn encoding(&self) -> Encoding {
        match self {
            Incoming::Text(_) => Encoding::Json,
            Incoming::Binary(_) => Encoding::MessagePack,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(bytes) => bytes.len(),
        }
    }
}

/// What is known of a socket when it opens.
#[derive(Clone, Debug, Default)]
pub struct Greeting {
    /// The token in the header of the upgrade, if there was one; it was valid.
    pub claims: Option<Claims>,
}

/// A wish to open a session, with a valid token.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) conn: ConnId,
    pub(crate) ticket: u32,
    pub(crate) reference: Option<u64>,
    pub(crate) encoding: Encoding,
    pub(crate) claims: Claims,
    pub(crate) auth: Auth,
}

/// A log that a socket is to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) log: RoomKey,
    pub(crate) id: LogId,
    /// The last event that it has, or need not get.
    pub(crate) after: Seq,
    /// The newest event when this was read.
    pub(crate) head: Seq,
}

/// Events of one log that follow on each other, framed.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) log: RoomKey,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    /// All frames one after the other, by [`Encoding::index`]; absent when nobody speaks it.
    pub(crate) frames: [Option<Bytes>; 2],
}

/// What a signal replaces: an older one with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SignalKey {
    pub(crate) kind: &'static str,
    pub(crate) room: Option<RoomId>,
    pub(crate) user: UserId,
}

/// Who is to get a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalTo {
    /// Whoever follows a log, but for one user's sockets.
    Log { log: RoomKey, except: Option<UserId> },
    /// One user's sockets.
    User(UserId),
}

/// A signal, framed.
#[derive(Debug)]
pub(crate) struct SignalFrame {
    pub(crate) to: SignalTo,
    pub(crate) key: SignalKey,
    pub(crate) frames: [Option<Bytes>; 2],
}

/// Which sockets to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// One.
    Conn(ConnId),
    /// Those of a login.
    Session(UserId, SessionId),
    /// Those of a user.
    User(UserId),
}

/// Whom a request went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Room(RoomId),
    User(UserId),
    Upload(UploadId),
}

/// A page of a log.
#[derive(Clone, Debug)]
pub(crate) struct LogRead {
    /// See [`ReadLog`](super::outlet::ReadLog).
    pub(crate) number: u16,
    pub(crate) page: Result<Arc<LogPage>, StoreError>,
}

/// What actors tell a worker.
#[derive(Debug)]
pub(crate) enum ToWorker {
    /// Answers to requests.
    Answers(Vec<Answer>),
    /// The answer to `auth`: the session is open.
    Opened {
        conn: ConnId,
        ticket: u32,
        frame: Bytes,
        user: Arc<UserShared>,
        session: SessionId,
        logs: Vec<Subscription>,
    },
    /// The answer to `auth`: it is not.
    NotOpened { conn: ConnId, error: ErrorData, close: Option<CloseCode> },
    /// Events of a log.
    Events(Arc<Batch>),
    /// Events may have been missed: who follows the log looks up to here.
    Announce { log: RoomKey, head: Seq },
    /// A signal.
    Signal(Arc<SignalFrame>),
    /// A user's sockets follow a log from now on.
    Subscribe { user: UserId, log: Subscription },
    /// A user's sockets get a log up to this position and no further.
    Unsubscribe { user: UserId, log: RoomKey, last: Seq },
    /// The answer to `join_session`: the socket views the session from now on.
    Joined { answer: Answer, viewed: Viewed, log: Option<Subscription> },
    /// Viewers of a session, or those of them without an account, get its log up to this position and no
    /// further.
    Dismiss { log: RoomKey, last: Seq, only_guests: bool },
    /// Close sockets.
    Close { who: Who, code: CloseCode },
    /// The server stops: tell everybody to come back, each at his own time within this many
    /// milliseconds.
    Shutdown { spread_ms: u64 },
    /// What [`Outlet::read_log`](super::outlet::Outlet::read_log) asked for.
    LogRead(LogRead),
    /// An actor has died: what was asked of it will not be answered.
    Lost(Target),
    /// A user's actor was started again: it wants to know his sockets.
    Report(UserId),
}

impl ToWorker {
    /// Whether a worker that did not get it can make up for it from the directory and the log.
    pub(crate) fn can_be_dropped(&self) -> bool {
        matches!(self, ToWorker::Events(_) | ToWorker::Announce { .. } | ToWorker::Signal(_))
    }
}
