//! Which worker threads have sockets that want a log's events, and how far each such log is.
//!
//! Promises  with [`Directory::register`] and [`Directory::advance`] under one lock, a worker that
//!           registers either sees the newest head, or is told of the events that come after.
//! Does not  hold logs that nobody wants and no actor looks after.

use dashmap::DashMap;
use salon_protocol::{Seq, UserId};
use salon_storage::model::RoomKey;
use smallvec::SmallVec;

/// Logs that somebody wants. Shared by all threads.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    logs: DashMap<RoomKey, Entry, foldhash::fast::RandomState>,
    /// Inboxes that were noted, by whose they are.
    noted: DashMap<UserId, RoomKey, foldhash::fast::RandomState>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The newest event that was told of, as far as this node knows.
    head: Seq,
    /// Actors on this node that look after the log, and tell of every event: one, or for a moment
    /// two when one life follows on another.
    looked_after: u32,
    /// Subscriptions by worker.
    wanted: SmallVec<[(u16, u32); 2]>,
}

impl Entry {
    fn is_idle(&self) -> bool {
        self.looked_after == 0 && self.wanted.is_empty()
    }
}

/// Workers that want a log.
pub(crate) type Workers = SmallVec<[u16; 4]>;

impl Directory {
    /// One more socket of a worker wants a log. Returns the newest event known, and whether it is
    /// the first socket.
    pub(crate) fn register(&self, log: RoomKey, worker: u16) -> (Seq, bool) {
        let mut entry = self.logs.entry(log).or_default();
        let first = entry.wanted.is_empty();
        match entry.wanted.iter_mut().find(|(known, _)| *known == worker) {
            Some((_, count)) => *count += 1,
            None => entry.wanted.push((worker, 1)),
        }
        (entry.head, first)
    }

    /// One socket less. Returns whether it was the last.
    pub(crate) fn unregister(&self, log: RoomKey, worker: u16) -> bool {
        let mut last = false;
        self.logs.remove_if_mut(&log, |_, entry| {
            if let Some((_, count)) = entry.wanted.iter_mut().find(|(known, _)| *known == worker) {
                *count -= 1;
            }
            entry.wanted.retain(|(_, count)| *count > 0);
            last = entry.wanted.is_empty();
            last && entry.looked_after == 0
        });
        last
    }

    /// An actor begins to look after a log.
    pub(crate) fn look_after(&self, log: RoomKey, head: Seq) {
        let mut entry = self.logs.entry(log).or_default();
        entry.looked_after += 1;
        entry.head = entry.head.max(head);
    }

    /// It ends.
    pub(crate) fn leave_alone(&self, log: RoomKey) {
        self.logs.remove_if_mut(&log, |_, entry| {
            entry.looked_after = entry.looked_after.saturating_sub(1);
            entry.is_idle()
        });
    }

    /// An event is committed in the inbox of a user whose actor is about to look after it, or has
    /// not read yet which one it is; until [`Directory::forget`].
    pub(crate) fn note(&self, user: UserId, inbox: RoomKey, head: Seq) {
        let mut entry = self.logs.entry(inbox).or_default();
        entry.head = entry.head.max(head);
        if entry.is_idle() {
            self.noted.insert(user, inbox);
        }
    }

    /// A user's actor is gone.
    pub(crate) fn forget(&self, user: UserId) {
        if let Some((_, inbox)) = self.noted.remove(&user) {
            self.logs.remove_if(&inbox, |_, entry| entry.is_idle());
        }
    }

    /// Events up to `head` are committed. Returns the workers to be told; nobody, when nobody
    /// wants the log.
    pub(crate) fn advance(&self, log: RoomKey, head: Seq) -> Workers {
        match self.logs.get_mut(&log) {
            Some(mut entry) => {
                entry.head = entry.head.max(head);
                entry.wanted.iter().map(|(worker, _)| *worker).collect()
            }
            None => Workers::new(),
        }
    }

    /// The newest event known; 0 when nothing is known.
    pub(crate) fn head(&self, log: RoomKey) -> Seq {
        self.logs.view(&log, |_, entry| entry.head).unwrap_or(0)
    }

    /// Workers that want a log.
    pub(crate) fn workers(&self, log: RoomKey) -> Workers {
        let workers = |_: &RoomKey, entry: &Entry| entry.wanted.iter().map(|(w, _)| *w).collect();
        self.logs.view(&log, workers).unwrap_or_default()
    }

    /// Sockets that want a log.
    pub(crate) fn sockets(&self, log: RoomKey) -> u64 {
        let count = |_: &RoomKey, entry: &Entry| {
            entry.wanted.iter().map(|(_, count)| u64::from(*count)).sum()
        };
        self.logs.view(&log, count).unwrap_or(0)
    }

    /// Logs that are held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: RoomKey = RoomKey(7);

    #[test]
    fn workers_are_told_as_long_as_they_want() {
        let directory = Directory::default();
        assert_eq!(directory.advance(LOG, 5).as_slice(), [0_u16; 0]);
        assert_eq!(directory.register(LOG, 0), (0, true), "nobody looked after it");
        directory.register(LOG, 0);
        directory.register(LOG, 3);
        assert_eq!(directory.advance(LOG, 6).as_slice(), [0, 3]);
        assert_eq!(directory.register(LOG, 1), (6, false));
        directory.unregister(LOG, 0);
        assert_eq!((directory.workers(LOG).len(), directory.sockets(LOG)), (3, 3));
        assert!(!directory.unregister(LOG, 0));
        assert!(!directory.unregister(LOG, 3));
        assert!(directory.unregister(LOG, 1));
        assert_eq!(directory.len(), 0);
    }

    #[test]
    fn who_looks_after_a_log_keeps_its_head() {
        let directory = Directory::default();
        directory.look_after(LOG, 4);
        directory.advance(LOG, 9);
        directory.advance(LOG, 8);
        assert_eq!(directory.head(LOG), 9);
        assert_eq!(directory.register(LOG, 0), (9, true));
        directory.leave_alone(LOG);
        assert_eq!(directory.head(LOG), 9, "somebody still wants it");
        directory.unregister(LOG, 0);
        assert_eq!((directory.head(LOG), directory.len()), (0, 0));
    }

    #[test]
    fn a_life_that_ends_late_takes_nothing_from_the_next() {
        let directory = Directory::default();
        directory.look_after(LOG, 4);
        directory.look_after(LOG, 5);
        directory.leave_alone(LOG);
        directory.advance(LOG, 6);
        assert_eq!(directory.head(LOG), 6);
        directory.leave_alone(LOG);
        assert_eq!(directory.len(), 0);
    }

    #[test]
    fn what_was_noted_is_forgotten_with_the_user() {
        let directory = Directory::default();
        let user = UserId::from_bytes([1; 16]);
        directory.note(user, LOG, 3);
        assert_eq!(directory.head(LOG), 3);
        directory.forget(user);
        assert_eq!(directory.len(), 0);
        directory.note(user, LOG, 4);
        directory.register(LOG, 0);
        directory.forget(user);
        assert_eq!(directory.head(LOG), 4, "somebody wants it");
    }
}
