//! Everything alive: connections, users, rooms, presence, and the registry that keeps them so.
//!
//! Reading order: `node` (what holds all together) → `connection/` (a frame comes in) → `room/`
//! and `user/` (it is thought about) → `publish` (it goes out) → `registry/` (who starts and
//! restarts whom) → `presence/`.
//!
//! Each actor's folder has the same files: `mod` (what it promises), `messages` (its language),
//! `state` (the thinking: no runtime, no clock, no I/O), `actor` (the doing), `tests`.
//!
//! This is the only crate that knows actix. Invariants of the whole:
//!
//! - A log's events reach a socket in ascending order, without hole or repetition, whatever is
//!   lost on the way: each subscription knows its position, and what does not follow on it is read
//!   from the log.
//! - Nothing is told before it is committed.
//! - Every request is answered, or its socket is closed.
//! - Every queue has a bound and an answer at the bound.

mod bell;
mod caller;
mod committing;
mod config;
mod connection;
mod contain;
mod directory;
mod inside;
mod metrics;
mod node;
mod presence;
mod publish;
mod rate;
mod registry;
mod room;
mod session;
#[cfg(test)]
mod sim;
mod upload;
mod user;
mod writing;

pub use caller::{Claims, ConnId};
pub use config::NodeConfig;
pub use connection::{Connections, Greeting, Incoming, SocketOut};
pub use metrics::NodeMetrics;
pub use node::{Node, NodeParts, Tokens};
/// An original as viewers may have it: without metadata.
pub use salon_pictures::{Refusal as PictureRefusal, strip as strip_picture};
pub use session::{Guess, Guesser, Guesses, MediaScope, SessionKeys, normalised_code};
