//! What happens when: virtual time, the queue of what is to come, chance, and the trace.
//!
//! Owns      the one clock and the one source of chance of a run.
//! Promises  the same seed pops the same happenings in the same order; the hash of the trace tells
//!           two different runs apart.
//! Does not  know what happens.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hasher as _};

use salon_loadtest::random::Random;
use salon_protocol::Millis;

use super::happening::Happening;

/// The time of day at which every run begins.
const START_MS: Millis = 1_767_225_600_000;

/// One run's time.
#[derive(Debug)]
pub(super) struct Agenda {
    now_us: u64,
    numbers: u64,
    order: BinaryHeap<Reverse<(u64, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    pub(super) random: Random,
    trace: DefaultHasher,
    /// Print what happens.
    loud: bool,
    /// Happenings that have happened.
    pub(super) count: u64,
    /// Happenings to come that somebody waits for.
    pub(super) pending: u64,
}

impl Agenda {
    pub(super) fn new(seed: u64, loud: bool) -> Self {
        Agenda {
            now_us: 0,
            numbers: 0,
            order: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            random: Random::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ seed),
            trace: DefaultHasher::new(),
            loud,
            count: 0,
            pending: 0,
        }
    }

    /// The time of day.
    pub(super) fn now(&self) -> Millis {
        START_MS + (self.now_us / 1_000) as Millis
    }

    /// Microseconds since the beginning.
    pub(super) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Has something happen in so many microseconds.
    pub(super) fn after_us(&mut self, us: u64, what: Happening) {
        self.numbers += 1;
        self.pending += u64::from(what.is_awaited());
        self.order.push(Reverse((self.now_us + us, self.numbers)));
        self.happenings.insert(self.numbers, what);
    }

    /// Has something happen between two times from now.
    pub(super) fn between_us(&mut self, low: u64, high: u64, what: Happening) {
        let us = self.random.between(low, high);
        self.after_us(us, what);
    }

    /// Has something happen at a time of day, at the earliest in a millisecond.
    pub(super) fn at(&mut self, at: Millis, what: Happening) {
        let ms = (at - self.now()).max(1).unsigned_abs();
        self.after_us(ms * 1_000, what);
    }

    /// What happens next.
    pub(super) fn next(&mut self) -> Option<Happening> {
        let Reverse((at_us, number)) = self.order.pop()?;
        self.now_us = at_us;
        self.count += 1;
        self.trace.write_u64(at_us);
        self.trace.write_u64(number);
        let what = self.happenings.remove(&number);
        self.pending -= u64::from(what.as_ref().is_some_and(Happening::is_awaited));
        if self.loud
            && let Some(what) = &what
            && !what.is_dull()
        {
            self.say(|| format!("{what:?}"));
        }
        what
    }

    /// Takes bytes into the trace.
    pub(super) fn saw(&mut self, bytes: &[u8]) {
        self.trace.write(bytes);
    }

    pub(super) fn say(&self, words: impl FnOnce() -> String) {
        if self.loud {
            println!("{:>12.3} ms  {}", self.now_us as f64 / 1_000.0, words());
        }
    }

    /// The hash of all that has happened.
    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }
}
