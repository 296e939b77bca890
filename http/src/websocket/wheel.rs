//! Which sockets have something due at which tick.
//!
//! Owns      one bucket of names per coming tick.
//! Promises  setting a time costs one push; a tick touches only what is due at it.
//! Does not  forget: a name whose time was changed is still called at the old one, and whoever is
//!           called looks for himself what is due.

use std::mem;

use super::SocketId;

/// Ticks that can be told apart; what is due later is called earlier than it wants, and comes again.
const BUCKETS: u32 = 64;

#[derive(Debug)]
pub(super) struct Wheel {
    buckets: Vec<Vec<SocketId>>,
    /// Running ticks since the worker began.
    now: u32,
}

impl Wheel {
    pub(super) fn new() -> Self {
        // From 1, so that 0 can mean "never".
        Wheel { buckets: vec![Vec::new(); BUCKETS as usize], now: 1 }
    }

    pub(super) fn now(&self) -> u32 {
        self.now
    }

    /// Has `id` called at `due`, or at the next tick if that has passed; returns the tick at which
    /// it will be called.
    pub(super) fn call_at(&mut self, due: u32, id: SocketId) -> u32 {
        let due = due.clamp(self.now + 1, self.now + BUCKETS - 1);
        self.buckets[(due % BUCKETS) as usize].push(id);
        due
    }

    /// Goes on by a tick and hands out whom to call.
    pub(super) fn advance(&mut self) -> Vec<SocketId> {
        self.now += 1;
        mem::take(&mut self.buckets[(self.now % BUCKETS) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::super::slots::Slots;
    use super::*;

    #[test]
    fn each_is_called_at_its_tick_and_the_far_ones_early() {
        let mut slots = Slots::new();
        let ids: Vec<_> = (0..3).map(|_| slots.insert_with(|_| ()).unwrap()).collect();
        let mut wheel = Wheel::new();
        assert_eq!(wheel.call_at(0, ids[0]), 2);
        assert_eq!(wheel.call_at(5, ids[1]), 5);
        assert_eq!(wheel.call_at(1000, ids[2]), 64);
        let called: Vec<_> = (0..100)
            .flat_map(|_| {
                let due = wheel.advance();
                let now = wheel.now();
                due.into_iter().map(move |id| (now, id))
            })
            .collect();
        assert_eq!(called, [(2, ids[0]), (5, ids[1]), (64, ids[2])]);
    }
}
