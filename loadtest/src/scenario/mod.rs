//! The scenarios. Each is a module with the same parts: its arguments, and `run`, which plays it on a
//! [`Stage`] and returns a [`Report`](crate::report::Report).
//!
//! Owns      what is measured and how it is called.
//! Promises  a scenario judges only by what it measured; what it could not do is an error.
//! Does not  start servers or write files: that is the stage's and the runner's.

pub mod busy;
pub mod catchup;
pub mod chat;
pub mod compare;
pub mod connect;
pub mod fanout;
pub mod floor_bench;
pub mod growth;
pub mod idle;
mod joining;
pub mod large_room;
pub mod photos;
pub mod soak;
mod turns;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::crowd::{Account, Target, enrol};
use crate::failure::Failure;
use crate::names;
use crate::stage::Stage;

/// What every socket of the measuring scenarios calls its device.
pub(crate) const DEVICE: &str = "loadtest";

/// `count` accounts of this run.
fn enrol_many(stage: &Stage, count: usize) -> Result<Vec<Account>, Failure> {
    stage.live.phase(format!("making {count} accounts"));
    let names: Vec<_> = (0..count).map(|number| names::user(&stage.common.run, number)).collect();
    enrol(&stage.target, &names, DEVICE)
}

/// What goes wrong besides the oracle's findings, in words for the report.
fn in_words(troubles: &BTreeMap<String, u64>) -> Vec<String> {
    troubles.iter().map(|(what, count)| format!("{what} ({count} times)")).collect()
}

/// The same target at another address.
fn elsewhere(target: &Target, address: SocketAddr) -> Target {
    Target { address, ..target.clone() }
}

/// The middle one, or the upper one of two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Splits `count` things among `parts`, as evenly as possible: where each part begins and ends.
fn shares(count: usize, parts: usize) -> Vec<std::ops::Range<usize>> {
    let parts = parts.max(1);
    (0..parts).map(|part| count * part / parts..count * (part + 1) / parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_shares() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(Vec::new()), 0.0);
        assert_eq!(shares(10, 3), [0..3, 3..6, 6..10]);
        assert_eq!(shares(1, 0).len(), 1);
    }
}
