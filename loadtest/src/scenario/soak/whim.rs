//! What people feel like doing.
//!
//! Owns      the mixture of the traffic.
//! Promises  decided by the seed and by what was acknowledged so far.
//! Does not  send.

use super::device::Link;
use super::errand::Errand;
use super::people::People;
use crate::client::Net;
use crate::clock::{SECOND_NS, epoch_ms};

const EMOJI: [&str; 8] = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👨‍👩‍👧‍👦"];

/// Of a hundred messages: those that are taken back in the instant of their acknowledgement.
const RECALL_AT_ONCE_PERCENT: u64 = 4;
/// To a hundred messages come so many of each of these.
const EDIT_PERCENT: u64 = 10;
const RECALL_PERCENT: u64 = 5;
const REACT_PERCENT: u64 = 12;
const READ_PERCENT: u64 = 10;
const PAGE_PERCENT: u64 = 6;
const TYPING_PERCENT: u64 = 4;
const DELIVERED_PERCENT: u64 = 4;
const CONVERSATIONS_PERCENT: u64 = 2;

/// Of a hundred devices whose connection is cut: those that stay away for a while.
const SLEEPY_PERCENT: u64 = 15;
/// For how long at most.
const SLEEP_NS_MAX: u64 = 15 * SECOND_NS;

impl People<'_> {
    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// A message, and whatever comes with it.
    pub(super) fn feel_like_it(&mut self, due_ns: u64) {
        let device = self.random.index(self.devices.len());
        let rooms = &self.devices[device].rooms;
        let room = rooms[self.random.index(rooms.len())];
        let number = self.number();
        let cid = self.cids.cid(number, epoch_ms());
        let recall_at_once = self.random.chance(RECALL_AT_ONCE_PERCENT);
        self.devices[device].wants(Errand::Send { room, cid, number, recall_at_once }, due_ns);
        for (percent, whim) in [
            (EDIT_PERCENT, Self::edit as fn(&mut Self, usize, u32) -> Option<Errand>),
            (RECALL_PERCENT, Self::recall),
            (REACT_PERCENT, Self::react),
            (READ_PERCENT, Self::read),
            (PAGE_PERCENT, Self::page),
            (TYPING_PERCENT, |_, _, room| Some(Errand::Typing { room })),
            (DELIVERED_PERCENT, |_, _, _| Some(Errand::Delivered)),
            (CONVERSATIONS_PERCENT, |_, _, _| Some(Errand::Conversations)),
        ] {
            if self.random.chance(percent) {
                self.have_a_whim(whim, due_ns);
            }
        }
    }

    /// Somebody does something besides writing.
    fn have_a_whim(&mut self, whim: fn(&mut Self, usize, u32) -> Option<Errand>, due_ns: u64) {
        let device = self.random.index(self.devices.len());
        let rooms = &self.devices[device].rooms;
        let room = rooms[self.random.index(rooms.len())];
        if let Some(errand) = whim(self, device, room)
            && (errand.is_lasting() || self.devices[device].online().is_some())
        {
            self.devices[device].wants(errand, due_ns);
        }
    }

    fn edit(&mut self, device: usize, _: u32) -> Option<Errand> {
        let (user, number) = (self.devices[device].user, self.number());
        let (room, target) = self.recent.edit(user, number, &mut self.random)?;
        let cid = self.cids.cid(number, epoch_ms());
        Some(Errand::Edit { room, target, cid, number })
    }

    fn recall(&mut self, device: usize, _: u32) -> Option<Errand> {
        let user = self.devices[device].user;
        let (room, target) = self.recent.recall(user, &mut self.random)?;
        Some(Errand::Recall { room, target })
    }

    fn react(&mut self, _: usize, room: u32) -> Option<Errand> {
        let target = self.recent.any(room, &mut self.random)?;
        let emoji = EMOJI[self.random.index(EMOJI.len())];
        Some(Errand::React { room, target, emoji })
    }

    fn read(&mut self, device: usize, room: u32) -> Option<Errand> {
        let seq = self.held(device, room).filter(|seq| *seq > 0)?;
        Some(Errand::Read { room, seq })
    }

    fn page(&mut self, _: usize, room: u32) -> Option<Errand> {
        let head = self.rooms[room as usize].head;
        let before = self.random.chance(50).then(|| self.random.between(1, head + 1));
        Some(Errand::Page { room, before })
    }

    /// Some connections are cut; some of their devices stay away for a while.
    pub(super) fn cut_some(&mut self, net: &mut Net) {
        let half = self.devices.len().div_ceil(2) as u64;
        for _ in 0..self.random.between(1, half) {
            let device = self.random.index(self.devices.len());
            let Some(id) = self.devices[device].socket() else { continue };
            if self.random.chance(50) {
                net.cut(id);
            } else {
                net.leave(id);
            }
            self.seen.cuts += 1;
            self.devices[device].lost(self.now_ns, &mut self.random);
            if self.random.chance(SLEEPY_PERCENT) {
                let until_ns = self.now_ns + self.random.below(SLEEP_NS_MAX);
                self.devices[device].link = Link::Away { until_ns };
                self.devices[device].is_asleep = true;
            }
        }
    }
}
