//! Messages that somebody may still change.
//!
//! Owns      the newest messages of every user and room, and the texts that recalled ones had.
//! Promises  bounded, but for the recalled ones. Who was chosen for a recall is not chosen again.
//! Does not  know what became of a message; the oracle does.

use std::collections::{HashMap, VecDeque};

use salon_protocol::Seq;

use crate::random::Random;

/// Messages of one user that can be edited or recalled.
const OWN_MAX: usize = 40;
/// Messages of one room that can be reacted to.
const ROOM_MAX: usize = 60;

/// A message and the numbers of its texts, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) room: u32,
    pub(super) seq: Seq,
    pub(super) numbers: Vec<u32>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Recent {
    own: Vec<VecDeque<Known>>,
    rooms: Vec<VecDeque<Seq>>,
    /// Asked to be recalled.
    leaving: HashMap<(u32, Seq), Known>,
    /// Recalled for sure.
    recalled: Vec<Known>,
}

impl Recent {
    pub(super) fn new(users: usize, rooms: usize) -> Recent {
        Recent {
            own: vec![VecDeque::new(); users],
            rooms: vec![VecDeque::new(); rooms],
            leaving: HashMap::new(),
            recalled: Vec::new(),
        }
    }

    /// A message of `user` was acknowledged.
    pub(super) fn add(&mut self, user: usize, known: Known) {
        push(&mut self.rooms[known.room as usize], known.seq, ROOM_MAX);
        push(&mut self.own[user], known, OWN_MAX);
    }

    /// Any message of a room.
    pub(super) fn any(&self, room: u32, random: &mut Random) -> Option<Seq> {
        let messages = &self.rooms[room as usize];
        messages.get(random.index(messages.len())).copied()
    }

    /// A message of `user` that is to have a new text.
    pub(super) fn edit(
        &mut self,
        user: usize,
        number: u32,
        random: &mut Random,
    ) -> Option<(u32, Seq)> {
        let own = &mut self.own[user];
        let index = random.index(own.len());
        let known = own.get_mut(index)?;
        known.numbers.push(number);
        Some((known.room, known.seq))
    }

    /// A message of `user` that is to be taken back.
    pub(super) fn recall(&mut self, user: usize, random: &mut Random) -> Option<(u32, Seq)> {
        let own = &mut self.own[user];
        let known = own.remove(random.index(own.len()))?;
        let place = (known.room, known.seq);
        self.leaving(known);
        Some(place)
    }

    /// This message is to be taken back.
    pub(super) fn leaving(&mut self, known: Known) {
        self.leaving.insert((known.room, known.seq), known);
    }

    /// It was.
    pub(super) fn recalled(&mut self, room: u32, seq: Seq) {
        self.recalled.extend(self.leaving.remove(&(room, seq)));
    }

    /// All that were.
    pub(super) fn all_recalled(&self) -> &[Known] {
        &self.recalled
    }

    /// Messages with their first text, to be found by a search.
    pub(super) fn all_unchanged(&self) -> impl Iterator<Item = &Known> {
        self.own.iter().flatten().filter(|known| known.numbers.len() == 1)
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, max: usize) {
    if queue.len() == max {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recalled_has_all_its_texts() {
        let (mut recent, mut random) = (Recent::new(1, 1), Random::new(1));
        assert_eq!(recent.recall(0, &mut random), None);
        recent.add(0, Known { room: 0, seq: 5, numbers: vec![1] });
        assert_eq!(recent.any(0, &mut random), Some(5));
        assert_eq!(recent.edit(0, 2, &mut random), Some((0, 5)));
        assert_eq!(recent.all_unchanged().count(), 0);
        assert_eq!(recent.recall(0, &mut random), Some((0, 5)));
        assert_eq!(recent.edit(0, 3, &mut random), None);
        assert!(recent.all_recalled().is_empty());
        recent.recalled(0, 5);
        assert_eq!(recent.all_recalled(), [Known { room: 0, seq: 5, numbers: vec![1, 2] }]);
    }
}
