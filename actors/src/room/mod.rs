//! A chat room: its order, its receipts, who is to be told.
//!
//! Owns      the queue of changes on their way into the log, and what is remembered of members
//!           while the room is awake (cursors not yet written, who typed when).
//! Does not  decide who may do what: the transaction does. Does not touch database, sockets or
//!           clock: it returns effects.
//! Born      by the registry, when somebody asks something of the room; loads itself.
//! Dies      after `room_idle_ms` without a request; a panic costs the request that caused it, the
//!           rest is kept, and what is remembered is loaded again.
//! Pressure  at most [`PENDING_MAX`](pipeline::PENDING_MAX) changes wait; above, `overloaded`.
//!
//! Room1  changes are committed in the order in which they came; one commit at a time.
//! Room2  nobody is told of anything before it is committed.
//! Room3  every request is answered once.
//! Room4  cursors only grow, and are written at most a second late.

mod actor;
mod messages;
mod pipeline;
mod state;
mod telling;
#[cfg(test)]
mod tests;

pub(crate) use actor::RoomActor;
pub(crate) use messages::{Reply, RoomInput, RoomMessage, RoomRequest};
#[cfg(test)]
pub(crate) use {
    messages::Effect,
    state::{Lost, Room},
    telling::tell,
};
