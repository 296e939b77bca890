//! What a user's actor hears and what it wants done.

use actix::Message;
use salon_protocol::{CloseCode, Request};

use crate::caller::{Caller, ConnId};
use crate::connection::Open;

/// A message to the user's actor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct UserMessage(pub(crate) UserInput);

/// What a user's actor hears.
#[derive(Debug)]
pub(crate) enum UserInput {
    /// A socket wants to open a session.
    Open(Box<Open>),
    /// The session of [`Effect::Open`] is open.
    Opened { conn: ConnId, device: String },
    /// It is not.
    NotOpened,
    /// A socket that was open before this actor began.
    Found { conn: ConnId },
    /// A socket is gone.
    Closed(ConnId),
    /// A request.
    Request(Caller, Box<Request>),
    /// The request being served has its answer.
    Served,
    /// The time asked for by `wake_at` has come.
    Wake,
    /// Sent to itself: nothing more will come; stop.
    Last,
}

/// What a user's actor wants done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Read everything for a session and open it.
    Open(Box<Open>),
    /// Serve a request.
    Serve(Caller, Box<Request>),
    /// Refuse a request: too many wait.
    Overloaded(Caller),
    /// Close a socket.
    Close(ConnId, CloseCode),
    /// The last socket has gone.
    Left,
    /// Stop.
    Sleep,
}
