//! A user who is connected: his devices, and what he asks of himself, his friends and his rooms.
//!
//! Owns      the list of his sockets on this node, and the queue of his requests.
//! Does not  follow rooms: the connections do. Does not keep what the store knows.
//! Born      by the registry, when one of his sockets authenticates; on that socket's thread.
//! Dies      `user_idle_ms` after his last socket has gone.
//! Pressure  one request of his is served at a time, at most [`QUEUE_MAX`](state::QUEUE_MAX)
//!           wait; above, `overloaded`.
//!
//! User1  one socket per device: the newest stays.
//! User2  at most `SOCKETS_PER_USER_MAX` sockets: the oldest makes room.
//! User3  his requests are served in the order in which they came.

mod actor;
mod messages;
mod opening;
mod serve;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use actor::UserActor;
pub(crate) use messages::{UserInput, UserMessage};
#[cfg(test)]
pub(crate) use {
    messages::Effect,
    opening::{Session, answer, plan},
    state::User,
};
