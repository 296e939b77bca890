//! Who is there: tells friends when somebody comes and goes, and answers "is he online".
//!
//! Owns      for each user who is there, or has just gone, the friends who are to be told.
//! Does not  know rooms. Large rooms and photo sessions count sockets instead.
//! Born      one per node, when the node starts.
//! Dies      with it; a panic empties it, and users come back into it as they connect.
//! Pressure  its mailbox is bounded; a notice that finds it full is dropped: presence is a signal,
//!           and the next notice of the same user puts it right.
//!
//! Presence1  who comes back within the grace was never away.
//! Presence2  only friends without a block either way are told.

mod actor;
mod messages;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use actor::Presence;
#[cfg(test)]
pub(crate) use {
    messages::{Effect, PresenceInput},
    state::State,
};
