//! Who follows which log, and how far each has got. The hot path: an event goes to a thousand
//! sockets here.

use bytes::Bytes;
use salon_protocol::{Encoding, LogId, Seq, UserId};
use salon_storage::model::RoomKey;
use smallvec::SmallVec;

use super::messages::{Batch, SignalFrame, SignalTo, Subscription};
use super::outlet::{Count, Outlet};
use super::state::{Phase, Worker};
use crate::caller::ConnId;

/// Those on this worker who follow one log.
#[derive(Debug)]
pub(crate) struct Followers {
    pub(super) id: LogId,
    pub(super) list: SmallVec<[Follower; 1]>,
}

/// One of them. Small, because the list is walked for every event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follower {
    pub(super) slot: u32,
    generation: u32,
    /// The last event that was sent. Positions in a log fit 32 bits.
    pub(super) last: u32,
    /// The last event that it may get; 0: no end.
    pub(super) until: u32,
    /// Its user was a member when this was the newest event: goings up to here were made good by
    /// a coming, and what it has not got up to here is read, since it may have been recalled before
    /// the session was asked for.
    pub(super) since: u32,
    /// The page that is read for it, while it is under way; 0: none.
    pub(super) page: u16,
    encoding: Encoding,
    /// Its socket is slow: it is sent nothing.
    paused: bool,
}

impl Follower {
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn conn(&self, worker: u16) -> ConnId {
        ConnId { worker, slot: self.slot, generation: self.generation }
    }
}

/// Positions are 64 bits wide outside, 32 in the log.
pub(super) fn narrow(seq: Seq) -> u32 {
    u32::try_from(seq).unwrap_or(u32::MAX)
}

impl Worker {
    /// A socket begins to follow a log.
    pub(super) fn follow(&mut self, id: ConnId, log: Subscription, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        if !matches!(conn.phase, Phase::Open { .. }) {
            return;
        }
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        let paused = conn.slow;
        if let Some((_, place)) = conn.logs.iter().find(|(known, _)| *known == log.log).copied() {
            // It follows already: after leaving and coming again, it may go on without end.
            return self.follow_on(id, log, place, out);
        }
        let left = conn.left().iter().find(|(known, _)| *known == log.log);
        if left.is_some_and(|(_, last)| log.head <= Seq::from(*last)) {
            // It comes late: the user has gone again since.
            return;
        }
        let followers = self
            .followers
            .entry(log.log)
            .or_insert_with(|| Box::new(Followers { id: log.id, list: SmallVec::new() }));
        let place = followers.list.len() as u32;
        followers.list.push(Follower {
            slot: id.slot,
            generation: id.generation,
            last: narrow(log.after),
            until: 0,
            since: narrow(log.head),
            page: 0,
            encoding,
            paused,
        });
        if let Some(conn) = self.conn(id) {
            conn.logs.push((log.log, place));
        }
        // Only after this does a worker hear of new events; what came before is seen by the head.
        let head = out.register(log.log).max(log.head);
        if head > log.after {
            self.want(id, log.log, head, out);
        }
    }

    fn follow_on(&mut self, id: ConnId, log: Subscription, place: u32, out: &mut impl Outlet) {
        let Some(followers) = self.followers.get_mut(&log.log) else { return };
        let Some(follower) = followers.list.get_mut(place as usize) else { return };
        follower.since = follower.since.max(narrow(log.head));
        if follower.until > 0 {
            follower.until = 0;
            // The gap between is never seen.
            follower.last = follower.last.max(narrow(log.after));
        }
        let head = out.head(log.log).max(log.head);
        if head > Seq::from(follower.last) {
            self.want(id, log.log, head, out);
        }
    }

    /// A socket gets a log up to `last` and no further.
    pub(super) fn unfollow(&mut self, id: ConnId, log: RoomKey, last: Seq, out: &mut impl Outlet) {
        let Some(follower) = self.follower(id, log) else { return };
        if narrow(last) < follower.since {
            // It comes late: the user is back already.
            return;
        }
        follower.until = narrow(last);
        if follower.last >= follower.until {
            self.end_following(id, log, out);
        } else {
            self.want(id, log, last, out);
        }
    }

    /// A socket no longer follows a log.
    pub(super) fn end_following(&mut self, id: ConnId, log: RoomKey, out: &mut impl Outlet) {
        let Some(last) = self.follower(id, log).map(|follower| follower.last) else { return };
        self.drop_follower(log, id.slot, out);
        let Some(conn) = self.conn(id) else { return };
        conn.logs.retain(|(known, _)| *known != log);
        let left = &mut conn.rare().left;
        left.retain(|(known, _)| *known != log);
        if left.len() >= LEFT_MAX {
            left.remove(0);
        }
        left.push((log, last));
    }

    /// Takes a socket out of a log's list; the last in the list takes its place.
    pub(super) fn drop_follower(&mut self, log: RoomKey, slot: u32, out: &mut impl Outlet) {
        let Some(followers) = self.followers.get_mut(&log) else { return };
        let Some(place) = followers.list.iter().position(|one| one.slot == slot) else { return };
        followers.list.swap_remove(place);
        out.unregister(log);
        if let Some(moved) = followers.list.get(place) {
            let moved = self.conns.get_mut(moved.slot as usize).and_then(Option::as_deref_mut);
            let entry = moved.and_then(|conn| conn.logs.iter_mut().find(|(key, _)| *key == log));
            if let Some((_, known)) = entry {
                *known = place as u32;
            }
        } else if followers.list.is_empty() {
            self.followers.remove(&log);
        }
    }

    pub(super) fn follower(&mut self, id: ConnId, log: RoomKey) -> Option<&mut Follower> {
        let conn = self.conn(id)?;
        let (_, place) = *conn.logs.iter().find(|(known, _)| *known == log)?;
        self.followers.get_mut(&log)?.list.get_mut(place as usize)
    }

    /// New events: for each follower one comparison and one `send`.
    pub(super) fn events(&mut self, batch: &Batch, out: &mut impl Outlet) {
        let Some(followers) = self.followers.get_mut(&batch.log) else { return };
        let (first, last) = (narrow(batch.first), narrow(batch.last));
        let high_bytes = self.backlog.high_bytes;
        let worker = self.number;
        let mut sent = 0;
        let mut behind: Vec<ConnId> = Vec::new();
        let mut slow: Vec<ConnId> = Vec::new();
        for follower in &mut followers.list {
            let id = follower.conn(worker);
            let fits = follower.last + 1 == first && first > follower.since;
            if !fits || follower.until != 0 {
                if follower.last < last && !follower.paused {
                    behind.push(id);
                }
                continue;
            }
            if follower.paused {
                continue;
            }
            let Some(frames) = &batch.frames[follower.encoding.index()] else {
                behind.push(id);
                continue;
            };
            let backlog = out.send(id, frames.clone());
            follower.last = last;
            sent += 1;
            if backlog > high_bytes {
                slow.push(id);
            }
        }
        out.count(Count::Delivery, sent * u64::from(last - first + 1));
        for id in slow {
            self.make_slow(id);
        }
        for id in behind {
            self.want(id, batch.log, batch.last, out);
        }
    }

    /// Events may have been missed.
    pub(super) fn announced(&mut self, log: RoomKey, head: Seq, out: &mut impl Outlet) {
        let Some(followers) = self.followers.get(&log) else { return };
        let worker = self.number;
        let behind: Vec<ConnId> = followers
            .list
            .iter()
            .filter(|one| Seq::from(one.last) < head && !one.paused)
            .map(|one| one.conn(worker))
            .collect();
        for id in behind {
            self.want(id, log, head, out);
        }
    }

    /// Looks at all logs: after the worker's own queue was full, something may have been missed.
    pub(crate) fn audit(&mut self, out: &mut impl Outlet) {
        let mut logs: Vec<RoomKey> = self.followers.keys().copied().collect();
        logs.sort_unstable();
        for log in logs {
            let head = out.head(log);
            self.announced(log, head, out);
        }
    }

    /// A signal: a slow socket gets only the newest of each key, when it has drained.
    pub(super) fn signal(&mut self, signal: &SignalFrame, out: &mut impl Outlet) {
        let targets: Vec<ConnId> = match signal.to {
            SignalTo::User(user) => self.conns_of(user).to_vec(),
            SignalTo::Log { log, except } => self.followers_but(log, except),
        };
        for id in targets {
            let Some(conn) = self.conn(id) else { continue };
            if !matches!(conn.phase, Phase::Open { .. }) {
                continue;
            }
            let encoding = conn.encoding.unwrap_or(Encoding::Json);
            let Some(frame) = &signal.frames[encoding.index()] else { continue };
            if !conn.slow {
                self.control(id, frame.clone(), out);
                continue;
            }
            let latest = &mut conn.rare().latest;
            let held = latest.len();
            match latest.iter_mut().find(|(key, _)| *key == signal.key) {
                Some((_, older)) => {
                    *older = frame.clone();
                    out.count(Count::SignalDropped, 1);
                }
                None if held < LATEST_MAX => latest.push((signal.key, frame.clone())),
                None => out.count(Count::SignalDropped, 1),
            }
        }
    }

    fn followers_but(&self, log: RoomKey, except: Option<UserId>) -> Vec<ConnId> {
        let Some(followers) = self.followers.get(&log) else { return Vec::new() };
        let excepted = except.map(|user| self.conns_of(user)).unwrap_or_default();
        followers
            .list
            .iter()
            .filter(|one| one.until == 0)
            .map(|one| one.conn(self.number))
            .filter(|id| !excepted.contains(id))
            .collect()
    }

    /// After something was queued for a socket.
    pub(super) fn note_backlog(&mut self, id: ConnId, backlog_bytes: usize) {
        if backlog_bytes > self.backlog.high_bytes {
            self.make_slow(id);
        }
    }

    /// A socket's backlog is above the high mark: it is sent no more events until it has drained.
    pub(super) fn make_slow(&mut self, id: ConnId) {
        let Some(conn) = self.conn(id) else { return };
        if std::mem::replace(&mut conn.slow, true) {
            return;
        }
        self.pause(id, true);
    }

    fn pause(&mut self, id: ConnId, paused: bool) {
        let Some(conn) = self.conns.get(id.slot as usize).and_then(Option::as_deref) else {
            return;
        };
        for (log, place) in &conn.logs {
            if let Some(followers) = self.followers.get_mut(log)
                && let Some(follower) = followers.list.get_mut(*place as usize)
            {
                follower.paused = paused;
            }
        }
    }

    /// The backlog is small again: signals that were held go out, and what was missed is read.
    pub(crate) fn drained(&mut self, id: ConnId, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        if !std::mem::replace(&mut conn.slow, false) {
            return;
        }
        let latest: Vec<Bytes> =
            std::mem::take(&mut conn.rare().latest).into_iter().map(|(_, frame)| frame).collect();
        let logs: Vec<RoomKey> = conn.logs.iter().map(|(log, _)| *log).collect();
        self.pause(id, false);
        for frame in latest {
            self.control(id, frame, out);
        }
        for log in logs {
            let head = out.head(log);
            let Some(follower) = self.follower(id, log) else { continue };
            let goal = head.max(Seq::from(follower.until));
            if goal > Seq::from(follower.last) {
                self.want(id, log, goal, out);
            }
        }
        self.resume(id, out);
    }
}

/// Logs that a session remembers to have left.
const LEFT_MAX: usize = 64;
/// Signals of different keys that are held for a slow socket.
const LATEST_MAX: usize = 256;
