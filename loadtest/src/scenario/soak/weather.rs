//! What the people and the tormentor have to know of each other.
//!
//! Owns      the flags and counters between the two threads.
//! Promises  nobody waits for a thread that has given up.
//! Does not  carry results.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The server is not expected to answer.
const FOUL: u64 = u64::MAX;

/// See the module.
#[derive(Debug)]
pub(super) struct Weather {
    /// Since when the server is to answer.
    fair_since_ns: AtomicU64,
    /// How often connections were to be cut.
    cuts: AtomicU64,
    acks: AtomicU64,
    refusals: AtomicU64,
    /// Nothing more is done to the server, and nobody begins anything new.
    over: AtomicBool,
    /// One of the two has given up.
    abandoned: AtomicBool,
}

impl Weather {
    pub(super) fn new(now_ns: u64) -> Weather {
        Weather {
            fair_since_ns: AtomicU64::new(now_ns),
            cuts: AtomicU64::new(0),
            acks: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            over: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        }
    }

    /// From now on the server need not answer.
    pub(super) fn turns_foul(&self) {
        self.fair_since_ns.store(FOUL, Ordering::Release);
    }

    /// From now on it has to.
    pub(super) fn turns_fair(&self, now_ns: u64) {
        self.fair_since_ns.store(now_ns, Ordering::Release);
    }

    /// Since when the server has to answer; `None`: it has not to.
    pub(super) fn fair_since_ns(&self) -> Option<u64> {
        let since = self.fair_since_ns.load(Ordering::Acquire);
        (since != FOUL).then_some(since)
    }

    /// Connections are to be cut now.
    pub(super) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
    }

    /// How often they were to be cut so far.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }

    /// A message was acknowledged.
    pub(super) fn acked(&self) {
        self.acks.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub(super) fn acks(&self) -> u64 {
        self.acks.load(Ordering::Relaxed)
    }

    /// A request was refused for the time being.
    pub(super) fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Nothing more will happen.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether nothing more will happen.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Whether one of the two has given up.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// A guard that tells the other thread when this one goes before its time, by a panic too.
    pub(super) fn abandoned_unless_over(&self) -> impl Drop + '_ {
        struct Guard<'a>(&'a Weather);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                let is_over = self.0.is_over();
                self.0.abandoned.fetch_or(!is_over, Ordering::AcqRel);
            }
        }
        Guard(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_before_the_end_is_missed() {
        let weather = Weather::new(5);
        assert_eq!(weather.fair_since_ns(), Some(5));
        weather.turns_foul();
        assert_eq!(weather.fair_since_ns(), None);
        drop(weather.abandoned_unless_over());
        assert!(weather.is_abandoned());
        let weather = Weather::new(5);
        weather.end();
        drop(weather.abandoned_unless_over());
        assert!(!weather.is_abandoned());
    }
}
