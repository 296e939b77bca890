//! Appending to logs and reading from them.

mod change;
mod membership;
mod page;
mod send;

pub(crate) use change::apply;
pub(crate) use page::{events_between, history, log_of};
pub(crate) use send::{
    PendingSend, append_at_once, append_messages, cid_taken, content_hash, rank,
};
