//! What was done, and how the server took it.
//!
//! Owns      the counts and times of all torments.
//! Promises  a time is recorded only for what has come about.
//! Does not  judge: who records also says what was too slow.

use super::nemesis::Nemesis;
use crate::measure::Latency;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Toll {
    /// In the order of [`Nemesis::ALL`].
    pub(super) rounds: [u64; Nemesis::ALL.len()],
    /// From a start until it is ready.
    pub(super) ready: Latency,
    /// From ready, or the end of a halt, to the first acknowledgement.
    pub(super) first_ack: Latency,
    /// From SIGTERM to its end.
    pub(super) exit: Latency,
    /// From the emptying of the disk to the first acknowledgement.
    pub(super) heal: Latency,
    /// Until a whole crowd is in.
    pub(super) storm: Latency,
    /// Promises that were not kept.
    pub(super) broken: Vec<String>,
    /// Ends of the server that nobody asked for.
    pub(super) deaths: u64,
}
