//! What a seed has in store: how large the run is, how slow things are, what breaks and how often.
//!
//! Owns      every rate and every roll of the dice about faults, and the count of what happened.
//! Promises  after [`Fate::relent`] nothing breaks any more.

use std::collections::BTreeMap;

use salon_storage::contract::{Bell, Topic};

use super::agenda::Agenda;
use super::net::Noise;
use super::store::Lie;
use crate::connection::Pace;

#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) users: usize,
    pub(super) nodes: usize,
    pub(super) workers: usize,
    /// Messages that wait for a worker.
    pub(super) queue_max: usize,
    /// How long an actor or a worker takes to look, at most.
    pub(super) lag_us: u64,
    store_us: u64,
    pub(super) bell_us: u64,
    /// Events of one page that the store gives.
    pub(super) page_events: usize,
    /// Pages that a worker has under way.
    pub(super) pace: Pace,
    /// Things that each device does of its own accord.
    pub(super) acts: u64,
    /// Of a thousand.
    fails: u64,
    stalls: u64,
    room_panics: u64,
    user_panics: u64,
    worker_panics: u64,
    bells_lost: u64,
    /// Of a hundred acts: a device drops.
    pub(super) drops: u64,
    /// Disasters that are to come.
    pub(super) faults: u64,
    pub(super) lie: Lie,
    pub(super) noise: Noise,
    happened: BTreeMap<&'static str, u64>,
}

/// How a call to the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fails {
    No,
    /// Nothing was done.
    Before,
    /// It was done, and nobody hears of it.
    After,
}

impl Fate {
    pub(super) fn of(agenda: &mut Agenda) -> Self {
        let random = &mut agenda.random;
        // Most faults do not happen in most runs, so that each is also seen alone.
        let mut rate = |percent: u64, high: u64| match random.chance(percent) {
            true => random.between(1, high),
            false => 0,
        };
        let (fails, stalls) = (rate(40, 60), rate(40, 40));
        let (room_panics, user_panics) = (rate(30, 30), rate(25, 30));
        let (worker_panics, bells_lost) = (rate(20, 30), rate(40, 400));
        let (drops, faults) = (rate(70, 12), rate(60, 8));
        Fate {
            users: random.between(3, 7) as usize,
            nodes: random.between(1, 2) as usize,
            workers: random.between(1, 3) as usize,
            queue_max: *random.pick(&[10, 24, 100, 16_384]).unwrap(),
            lag_us: *random.pick(&[100, 500, 3_000]).unwrap(),
            store_us: *random.pick(&[500, 3_000, 20_000]).unwrap(),
            bell_us: *random.pick(&[500, 5_000, 50_000, 2_000_000]).unwrap(),
            page_events: random.between(1, 12) as usize,
            pace: Pace {
                pages_max: random.between(1, 3) as usize,
                sockets_max: *random.pick(&[1, 3, 100]).unwrap(),
            },
            acts: random.between(12, 40),
            fails,
            stalls,
            room_panics,
            user_panics,
            worker_panics,
            bells_lost,
            drops,
            faults,
            lie: Lie::None,
            noise: Noise::None,
            happened: BTreeMap::new(),
        }
    }

    /// Nothing breaks from now on.
    pub(super) fn relent(&mut self) {
        (self.fails, self.stalls, self.bells_lost) = (0, 0, 0);
        (self.room_panics, self.user_panics, self.worker_panics) = (0, 0, 0);
        (self.drops, self.faults) = (0, 0);
    }

    /// Whether what was committed can have gone without being told to a node that wants it, until
    /// the next event of the log: what the poll of heads is for.
    pub(super) fn can_be_late(&self) -> bool {
        self.nodes > 1
    }

    pub(super) fn note(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    pub(super) fn happened(self) -> BTreeMap<&'static str, u64> {
        self.happened
    }

    fn rolls(&mut self, rate: u64, what: &'static str, agenda: &mut Agenda) -> bool {
        let rolls = rate > 0 && agenda.random.below(1_000) < rate;
        if rolls {
            agenda.say(|| format!("    !! {what}"));
            self.note(what);
        }
        rolls
    }

    pub(super) fn store_us(&mut self, agenda: &mut Agenda) -> u64 {
        if self.rolls(self.stalls, "stalls of the store", agenda) {
            return agenda.random.between(100_000, 4_000_000);
        }
        agenda.random.between(20, self.store_us)
    }

    pub(super) fn store_fails(&mut self, changes: bool, agenda: &mut Agenda) -> Fails {
        if changes && self.rolls(self.fails / 2, "unknown outcomes", agenda) {
            return Fails::After;
        }
        match self.rolls(self.fails, "failures of the store", agenda) {
            true => Fails::Before,
            false => Fails::No,
        }
    }

    /// `Some(true)`: behind everything, `Some(false)`: before anything is done.
    pub(super) fn room_panics(&mut self, agenda: &mut Agenda) -> Option<bool> {
        let panics = self.rolls(self.room_panics, "panics of rooms", agenda);
        panics.then(|| agenda.random.chance(50))
    }

    pub(super) fn user_panics(&mut self, agenda: &mut Agenda) -> bool {
        self.rolls(self.user_panics, "panics of users", agenda)
    }

    pub(super) fn worker_panics(&mut self, agenda: &mut Agenda) -> bool {
        self.rolls(self.worker_panics, "panics of workers", agenda)
    }

    /// Bells about users are not lost, see [the simulation](super).
    pub(super) fn loses_bell(&mut self, bell: &Bell, agenda: &mut Agenda) -> bool {
        let about_log = matches!(bell.topic, Topic::Log(_));
        about_log && self.rolls(self.bells_lost, "lost bells", agenda)
    }
}
