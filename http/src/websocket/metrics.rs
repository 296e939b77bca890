//! What the socket layer counts.
//!
//! Owns      one set of atomics that all workers of a server share.
//! Promises  counting costs one relaxed addition per read or write, nothing per message; the backlog
//!           gauge is published once per wake-up of a worker.
//! Does not  export: whoever serves `/metrics` reads the values from here.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Refused;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }
}

/// A number that grows and shrinks.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Adds one unless that would pass `max`; says whether it did.
    pub(super) fn try_rise(&self, max: u64) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |value| (value < max).then_some(value + 1)).is_ok()
    }

    pub(super) fn fall(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// Moves the gauge by the difference between what its owner told last and tells now.
    pub(super) fn shift(&self, before: u64, now: u64) {
        self.0.fetch_add(now.wrapping_sub(before), Relaxed);
    }
}

/// Counters of all sockets of a server. Share it as `Arc<SocketMetrics>`.
#[derive(Debug, Default)]
pub struct SocketMetrics {
    /// Sockets whose TCP connection is still held, over all workers.
    pub open: Gauge,
    /// Upgrades that were granted.
    pub accepted: Counter,
    /// WebSocket frames that arrived whole.
    pub frames_in: Counter,
    /// Bytes read after the handshake.
    pub bytes_in: Counter,
    /// Bytes written after the handshake.
    pub bytes_out: Counter,
    /// Writes that the kernel took at least a part of: one system call each.
    pub writes: Counter,
    /// Sockets closed because they did not take what was sent to them.
    pub slow_closes: Counter,
    /// Sockets closed because they did not answer a ping.
    pub silent_closes: Counter,
    /// Sockets closed because they broke RFC 6455 or a bound.
    pub protocol_errors: Counter,
    /// Bytes that wait for their socket, as of every worker's last wake-up. Bytes shared by several
    /// sockets count once for each.
    pub backlog_bytes: Gauge,
    refused: [Counter; Refused::ALL.len()],
}

impl SocketMetrics {
    /// Upgrades refused for this reason.
    pub fn refused(&self, reason: Refused) -> &Counter {
        &self.refused[reason as usize]
    }

    pub(super) fn refused_one(&self, reason: Refused) {
        self.refused(reason).add(1);
    }
}
