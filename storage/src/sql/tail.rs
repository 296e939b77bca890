//! The newest messages of an SQLite store, in memory: those that are committed to the journal and not
//! folded into the table of events yet.
//!
//! Promises  a room's tail is the end of its log, without a hole, and messages only: whatever else
//!           happens in a room folds its tail first. What is answered is here or in the table, and
//!           for a moment in both.
//! Rule      whoever reads a log looks here first and then in the table, never the other way round:
//!           what leaves the tail is in the table before.
//! Does not  exist for PostgreSQL: it is empty there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use salon_protocol::UserId;

use super::event_row::{EventRow, room_of, seq_of};
use super::tx::Head;
use crate::model::{RoomKey, UserKey};

/// A message that somebody said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) row: EventRow,
    /// Who said it, as others know him.
    pub(crate) by: UserId,
}

impl Said {
    fn head(&self) -> Head {
        Head { seq: seq_of(self.row.key), at: self.row.at }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    rooms: RwLock<Rooms>,
}

type Rooms = HashMap<RoomKey, VecDeque<Arc<Said>>, foldhash::fast::RandomState>;

impl Tail {
    fn read(&self) -> RwLockReadGuard<'_, Rooms> {
        self.rooms.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rooms> {
        self.rooms.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Adds what was committed, in the order of each room.
    pub(crate) fn push(&self, said: impl IntoIterator<Item = Arc<Said>>) {
        let mut rooms = self.write();
        for said in said {
            rooms.entry(room_of(said.row.key)).or_default().push_back(said);
        }
    }

    /// Forgets what is in the table now: of each room everything up to a key. Gives how many.
    pub(crate) fn remove(&self, folded: impl IntoIterator<Item = i64>) -> usize {
        let mut rooms = self.write();
        let mut count = 0;
        for upto in folded {
            let room = room_of(upto);
            let Some(tail) = rooms.get_mut(&room) else { continue };
            let gone = tail.partition_point(|said| said.row.key <= upto);
            count += gone;
            tail.drain(..gone);
            if tail.is_empty() {
                rooms.remove(&room);
            }
        }
        count
    }

    /// The newest event of a log, if it is here.
    pub(crate) fn head(&self, room: RoomKey) -> Option<Head> {
        self.read().get(&room)?.back().map(|said| said.head())
    }

    /// The newest events of all logs whose newest are here.
    pub(crate) fn heads(&self) -> HashMap<RoomKey, Head> {
        let rooms = self.read();
        let head = |(room, tail): (&RoomKey, &VecDeque<Arc<Said>>)| {
            tail.back().map(|said| (*room, said.head()))
        };
        rooms.iter().filter_map(head).collect()
    }

    /// One event.
    pub(crate) fn get(&self, key: i64) -> Option<Arc<Said>> {
        let rooms = self.read();
        let tail = rooms.get(&room_of(key))?;
        let place = tail.binary_search_by_key(&key, |said| said.row.key).ok()?;
        tail.get(place).cloned()
    }

    /// At most `max` of a room, the oldest first.
    pub(crate) fn oldest(&self, room: RoomKey, max: usize) -> Vec<Arc<Said>> {
        let rooms = self.read();
        rooms.get(&room).map_or_else(Vec::new, |tail| tail.iter().take(max).cloned().collect())
    }

    /// At most `limit` of the events between two keys of one room, both exclusive, from the lower
    /// or from the higher end; and the key from which on the log is here.
    pub(crate) fn between(
        &self,
        low: i64,
        high: i64,
        ascending: bool,
        limit: usize,
    ) -> (Vec<Arc<Said>>, Option<i64>) {
        let rooms = self.read();
        let Some(tail) = rooms.get(&room_of(low)) else { return (Vec::new(), None) };
        let from = tail.partition_point(|said| said.row.key <= low);
        let to = tail.partition_point(|said| said.row.key < high).max(from);
        let inside = tail.range(from..to).cloned();
        let found = if ascending {
            inside.take(limit).collect()
        } else {
            inside.rev().take(limit).collect()
        };
        (found, tail.front().map(|said| said.row.key))
    }

    /// How many messages above a key of its room are by others than `user`; and the key from which
    /// on the log is here.
    pub(crate) fn unread(&self, low: i64, user: UserKey) -> (u64, Option<i64>) {
        let rooms = self.read();
        let Some(tail) = rooms.get(&room_of(low)) else { return (0, None) };
        let from = tail.partition_point(|said| said.row.key <= low);
        let others = tail.range(from..).filter(|said| said.row.sender != user).count();
        (others as u64, tail.front().map(|said| said.row.key))
    }
}

#[cfg(test)]
mod tests {
    use salon_protocol::Cid;
    use uuid::Uuid;

    use super::*;
    use crate::sql::event_row::key;
    use crate::sql::tx::Key;

    fn said(room: i64, seq: u64, sender: i64) -> Arc<Said> {
        let request = Key { cid: Cid::new(Uuid::nil()), hash: 0 };
        let head = Head { seq, at: 1_000 + seq.cast_signed() };
        let row = EventRow::message(RoomKey(room), head, UserKey(sender), request, "{}".into());
        Arc::new(Said { row, by: UserId::new(Uuid::nil()) })
    }

    fn tail() -> Tail {
        let tail = Tail::default();
        tail.push((5..=9).map(|seq| said(7, seq, (seq % 2).cast_signed())));
        tail
    }

    fn seqs(found: &[Arc<Said>]) -> Vec<u64> {
        found.iter().map(|said| seq_of(said.row.key)).collect()
    }

    #[test]
    fn it_is_the_end_of_the_log() {
        let tail = tail();
        assert_eq!(tail.head(RoomKey(7)), Some(Head { seq: 9, at: 1_009 }));
        assert_eq!(tail.head(RoomKey(8)), None);
        assert_eq!(tail.heads().len(), 1);
        assert!(tail.get(key(RoomKey(7), 4)).is_none());
        assert_eq!(tail.get(key(RoomKey(7), 5)).unwrap().row.at, 1_005);
        assert_eq!(seqs(&tail.oldest(RoomKey(7), 2)), [5, 6]);
    }

    #[test]
    fn it_is_read_from_both_ends() {
        let (tail, room) = (tail(), RoomKey(7));
        let (all, first) = tail.between(key(room, 0), key(RoomKey(8), 0), true, 9);
        assert_eq!((seqs(&all), first), (vec![5, 6, 7, 8, 9], Some(key(room, 5))));
        let (some, _) = tail.between(key(room, 5), key(room, 9), false, 2);
        assert_eq!(seqs(&some), [8, 7]);
        let (none, first) = tail.between(key(room, 0), key(room, 5), false, 2);
        assert_eq!((none.len(), first), (0, Some(key(room, 5))));
        // A page that ends before it begins.
        assert!(tail.between(key(room, 8), key(room, 6), true, 9).0.is_empty());
        assert_eq!(tail.between(key(RoomKey(8), 0), key(RoomKey(9), 0), true, 9).1, None);
    }

    #[test]
    fn others_messages_are_counted() {
        let (tail, room) = (tail(), RoomKey(7));
        assert_eq!(tail.unread(key(room, 6), UserKey(1)), (1, Some(key(room, 5))));
        assert_eq!(tail.unread(key(room, 0), UserKey(0)), (3, Some(key(room, 5))));
        assert_eq!(tail.unread(key(RoomKey(8), 0), UserKey(0)), (0, None));
    }

    #[test]
    fn what_is_folded_leaves() {
        let (tail, room) = (tail(), RoomKey(7));
        assert_eq!(tail.remove([key(room, 6)]), 2);
        assert_eq!(seqs(&tail.oldest(room, 9)), [7, 8, 9]);
        assert_eq!(tail.remove([key(room, 6), key(RoomKey(8), 3)]), 0);
        assert_eq!(tail.remove([key(room, 9)]), 3);
        assert!(tail.heads().is_empty());
    }
}
