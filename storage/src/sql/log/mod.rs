//! Appending to logs and reading from them.

mod change;
mod membership;
mod page;
mod send;

pub(crate) use change::{Scene, apply, message, repeated};
pub(crate) use membership::{apply as apply_to_members, dismiss};
pub(crate) use page::{event_at, events_at, history, log_of, pages};
pub(crate) use send::{
    PendingSend, append_at_once, append_messages, cid_taken, content_hash, may_write, rank,
};
