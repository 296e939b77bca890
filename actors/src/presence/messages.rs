//! What presence hears and what it wants done.

use std::sync::Arc;

use actix::Message;
use salon_protocol::{Millis, UserId};

/// What presence hears.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(crate) enum PresenceInput {
    /// A user's first socket is there.
    Arrived { user: UserId, friends: Arc<[UserId]> },
    /// His last socket has gone.
    Left { user: UserId },
    /// Two users see each other from now on, or no longer.
    Friendship { one: UserId, other: UserId, see: bool },
    /// The time asked for by `wake_at` has come.
    Wake,
    /// The server stops: who is there now was last seen now.
    Drain,
}

/// What presence wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Tell one user about another.
    Tell { to: UserId, about: UserId, online: bool, last_seen: Option<Millis> },
    /// He is there, for whoever asks.
    Mark { user: UserId, online: bool },
    /// Write when users were last there.
    SaveLastSeen(Vec<(UserId, Millis)>),
}
