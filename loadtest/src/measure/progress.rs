//! Counters that a client thread writes and the main thread shows.
//!
//! Owns      one counter per thing that is counted.
//! Promises  writing costs a store; a thread adds up by itself and publishes once per turn.
//! Does not  carry results: those are returned.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What has happened so far, over all threads of a run.
#[derive(Debug, Default)]
pub struct Progress {
    connections: AtomicU64,
    messages: AtomicU64,
    acks: AtomicU64,
    deliveries: AtomicU64,
    errors: AtomicU64,
    ack_p99_us: AtomicU64,
    connected: AtomicU64,
    /// 0: not told.
    server_pid: AtomicU32,
}

/// The counters at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sockets that were opened and authenticated.
    pub connections: u64,
    /// Messages sent.
    pub messages: u64,
    /// Messages acknowledged.
    pub acks: u64,
    /// Events received.
    pub deliveries: u64,
    /// Requests refused, connections lost.
    pub errors: u64,
}

impl Progress {
    /// Adds what happened since `told`, and remembers that in it.
    pub fn publish(&self, now: Counts, told: &mut Counts) {
        let add = |counter: &AtomicU64, now: u64, before: u64| {
            if now != before {
                counter.fetch_add(now - before, Ordering::Relaxed);
            }
        };
        add(&self.connections, now.connections, told.connections);
        add(&self.messages, now.messages, told.messages);
        add(&self.acks, now.acks, told.acks);
        add(&self.deliveries, now.deliveries, told.deliveries);
        add(&self.errors, now.errors, told.errors);
        *told = now;
    }

    /// The 99th percentile of acknowledgements in the last second.
    pub fn set_ack_p99_ms(&self, ms: f64) {
        self.ack_p99_us.store((ms * 1_000.0) as u64, Ordering::Relaxed);
    }

    /// See [`Progress::set_ack_p99_ms`].
    pub fn ack_p99_ms(&self) -> f64 {
        self.ack_p99_us.load(Ordering::Relaxed) as f64 / 1_000.0
    }

    /// This thread has so many sockets now; `told` is what it has told before.
    pub fn publish_connected(&self, sockets: u64, told: &mut u64) {
        // Two's complement adds a negative difference as well.
        self.connected.fetch_add(sockets.wrapping_sub(*told), Ordering::Relaxed);
        *told = sockets;
    }

    /// Sockets of all threads.
    pub fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    /// The server is another process from now on.
    pub fn set_server_pid(&self, pid: Option<u32>) {
        self.server_pid.store(pid.unwrap_or(0), Ordering::Relaxed);
    }

    /// See [`Progress::set_server_pid`]; `None`: it is the one that it was at the beginning.
    pub fn server_pid(&self) -> Option<u32> {
        Some(self.server_pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Reads all.
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            acks: self.acks.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up() {
        let progress = Progress::default();
        let (mut one, mut other) = (Counts::default(), Counts::default());
        progress.publish(Counts { messages: 3, ..Counts::default() }, &mut one);
        progress.publish(Counts { messages: 5, ..Counts::default() }, &mut other);
        progress.publish(Counts { messages: 4, errors: 1, ..one }, &mut one);
        let expected = Counts { messages: 9, errors: 1, ..Counts::default() };
        assert_eq!(progress.counts(), expected);
        let (mut one, mut other) = (0, 0);
        progress.publish_connected(7, &mut one);
        progress.publish_connected(5, &mut other);
        progress.publish_connected(4, &mut one);
        assert_eq!((progress.connected(), one), (9, 4));
    }
}
