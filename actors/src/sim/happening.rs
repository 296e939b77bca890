//! The closed table of what can happen.

use std::sync::Arc;

use salon_protocol::reply::History;
use salon_protocol::request::{self, CreateRoom};
use salon_protocol::{RoomId, Seq, UserId};
use salon_storage::contract::Bell;
use salon_storage::model::{
    CursorUpdate, LogPage, Made, Member, OpResult, OpenOutcome, RoomOp, RoomRef, RoomSnapshot,
};
use salon_storage::{Result, StoreError};

use crate::caller::Caller;
use crate::connection::{Open, ReadLog};

/// A node in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeLife {
    pub(super) node: usize,
    pub(super) life: u32,
}

/// An actor of a node, by its generation there.
pub(super) type ActorLife = u64;

/// What can happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// A worker takes what has come for it.
    Worker(NodeLife, u16),
    /// A running second of all workers of a node.
    Tick(NodeLife),
    /// The time for `auth` is over.
    Deadline(usize),
    /// A room's actor takes a message, or its timer goes off.
    Room(NodeLife, ActorLife),
    RoomTimer(NodeLife, ActorLife),
    User(NodeLife, ActorLife),
    UserTimer(NodeLife, ActorLife),
    PresenceTimer(NodeLife),
    /// The registry hears of a death.
    Obituary(NodeLife, Dead),
    /// The store does what it is asked.
    Asked(Box<Question>),
    /// What it says arrives.
    Answered(Box<Question>, Box<Said>),
    /// A bell arrives.
    Bell(NodeLife, Bell),
    /// A frame of a client arrives.
    Inbound(usize),
    /// A client reads from its socket.
    Outbound(usize),
    /// The server learns that a socket is gone.
    Gone(usize),
    /// A device does something of its own accord.
    Act(usize),
    /// A device repeats what was refused for a while.
    Retry(usize),
    /// A device without a socket gets one.
    Connect(usize),
    /// A disaster.
    Fault,
    /// A node that was down comes back.
    Start(usize),
}

impl Happening {
    /// Whether all is quiet only when it has happened.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Happening::Worker(..)
            | Happening::Room(..)
            | Happening::User(..)
            | Happening::Obituary(..)
            | Happening::Asked(_)
            | Happening::Answered(..)
            | Happening::Bell(..)
            | Happening::Inbound(_)
            | Happening::Outbound(_)
            | Happening::Gone(_)
            | Happening::Retry(_)
            | Happening::Connect(_)
            | Happening::Start(_) => true,
            Happening::Tick(_)
            | Happening::Deadline(_)
            | Happening::RoomTimer(..)
            | Happening::UserTimer(..)
            | Happening::PresenceTimer(_)
            | Happening::Act(_)
            | Happening::Fault => false,
        }
    }

    /// Not worth a line.
    pub(super) fn is_dull(&self) -> bool {
        matches!(self, Happening::Tick(_) | Happening::Outbound(_))
    }
}

/// Who died.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dead {
    Room(RoomId, ActorLife),
    User(UserId, ActorLife),
}

/// Who asks the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) node: NodeLife,
    /// The actor; a worker's connections have none.
    pub(super) actor: ActorLife,
}

/// A question to the store.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) by: Asker,
    pub(super) what: Asked,
}

/// What the store is asked.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Room(RoomId),
    Commit(RoomRef, Vec<RoomOp>),
    Member(RoomRef, UserId),
    SaveCursors(Vec<CursorUpdate>),
    Open(Box<Open>),
    /// Of this worker.
    ReadLog(u16, ReadLog),
    History(Caller, request::History),
    CreateRoom(Caller, RoomId, CreateRoom),
    ReadBy(Caller, RoomId, Seq),
}

/// What the store says.
#[derive(Debug)]
pub(super) enum Said {
    Room(Result<Option<RoomSnapshot>>),
    Commit(Result<Vec<OpResult>>),
    Member(Result<Option<Member>>),
    Saved(Result<()>),
    Opened(Result<OpenOutcome>, String),
    Log(Result<Arc<LogPage>>),
    History(Result<History>),
    Made(Result<Made>),
    ReadBy(Result<salon_protocol::reply::ReadBy>),
}

impl Asked {
    /// What is said when the store does not work.
    pub(super) fn failed(&self) -> Said {
        let error = StoreError::Unavailable("the simulated store fails".into());
        match self {
            Asked::Room(_) => Said::Room(Err(error)),
            Asked::Commit(..) => Said::Commit(Err(error)),
            Asked::Member(..) => Said::Member(Err(error)),
            Asked::SaveCursors(_) => Said::Saved(Err(error)),
            Asked::Open(_) => Said::Opened(Err(error), String::new()),
            Asked::ReadLog(..) => Said::Log(Err(error)),
            Asked::History(..) => Said::History(Err(error)),
            Asked::CreateRoom(..) => Said::Made(Err(error)),
            Asked::ReadBy(..) => Said::ReadBy(Err(error)),
        }
    }
}
