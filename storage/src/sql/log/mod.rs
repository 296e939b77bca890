//! Appending to logs and reading from them.

mod change;
mod membership;
mod page;
mod send;

pub(crate) use change::apply;
pub(crate) use page::{event_at, history, log_of, pages};
pub(crate) use send::{
    PendingSend, append_at_once, append_messages, cid_taken, content_hash, rank,
};
