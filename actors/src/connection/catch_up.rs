//! Reading on in logs for one socket: after it connected, after it was slow, after something was
//! lost. One page at a time, the next when there is room.

use std::collections::VecDeque;

use salon_protocol::event::MemberAction;
use salon_protocol::{Encoding, Event, EventData, Seq, UserId, codec};
use salon_storage::model::RoomKey;

use super::messages::LogRead;
use super::outlet::{Count, Outlet, ReadLog};
use super::state::{Phase, Worker};
use super::subscriptions::narrow;
use crate::caller::ConnId;

/// Logs that a socket has to be caught up in, each up to a goal.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    queue: VecDeque<(RoomKey, Seq)>,
    reading: Option<Reading>,
}

/// A page that is being read.
#[derive(Clone, Copy, Debug)]
struct Reading {
    log: RoomKey,
    /// Up to here events had been told of when the reading began: what an empty page has not got is
    /// not in the log. Of what was told of later it says nothing.
    told: Seq,
    goal: Seq,
}

impl Worker {
    /// A socket has not all events of a log up to `goal`.
    pub(super) fn want(&mut self, id: ConnId, log: RoomKey, goal: Seq, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let catch_up = conn.catch_up.get_or_insert_default();
        let reading = catch_up.reading.as_mut().map(|reading| (reading.log, &mut reading.goal));
        let queue = catch_up.queue.iter_mut().map(|(log, goal)| (*log, goal));
        if let Some((_, known)) = reading.into_iter().chain(queue).find(|(known, _)| *known == log)
        {
            *known = goal.max(*known);
            return;
        }
        catch_up.queue.push_back((log, goal));
        self.go_on(id, out);
    }

    /// Begins with the next log, unless one is being read or the socket is slow.
    pub(super) fn go_on(&mut self, id: ConnId, out: &mut impl Outlet) {
        loop {
            let Some(conn) = self.conn(id) else { return };
            let Phase::Open { user, .. } = &conn.phase else { return };
            let viewer = user.user;
            let Some(catch_up) = &mut conn.catch_up else { return };
            if conn.slow || catch_up.reading.is_some() {
                return;
            }
            let Some((log, goal)) = catch_up.queue.pop_front() else {
                conn.catch_up = None;
                return;
            };
            catch_up.reading = Some(Reading { log, told: goal, goal });
            let followed = self.followers.get(&log).map(|followers| followers.id);
            let (Some(log_id), Some(follower)) = (followed, self.follower(id, log)) else {
                self.reading_ended(id);
                continue;
            };
            let after = Seq::from(follower.last);
            let until = if follower.until > 0 { Seq::from(follower.until) } else { Seq::MAX };
            out.count(Count::CatchUp, 1);
            return out.read_log(ReadLog { conn: id, viewer, log, id: log_id, after, until });
        }
    }

    /// The page that was being read is there, or will not come.
    fn reading_ended(&mut self, id: ConnId) -> Option<Reading> {
        self.conn(id)?.catch_up.as_mut()?.reading.take()
    }

    /// A page has come.
    pub(super) fn log_read(&mut self, read: LogRead, out: &mut impl Outlet) {
        let LogRead { conn: id, log, events } = read;
        let Some(reading) = self.reading_ended(id) else { return };
        match events {
            Ok(events) => {
                self.deliver_page(id, log, &events, out);
                self.after_page(id, reading, events.is_empty(), out);
            }
            // The store does not answer: again with the next tick.
            Err(_) => self.failed_reads.push((id, log, reading.goal)),
        }
        self.go_on(id, out);
    }

    fn deliver_page(&mut self, id: ConnId, log: RoomKey, events: &[Event], out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        let Phase::Open { user, .. } = &conn.phase else { return };
        let user = user.user.id;
        let high_bytes = self.backlog.high_bytes;
        for event in events {
            let Some(follower) = self.follower(id, log) else { return };
            let seq = narrow(event.seq);
            // What came live meanwhile is not sent again. A jump is one in the log itself: what
            // was between is kept no longer.
            if seq <= follower.last || (follower.until > 0 && seq > follower.until) {
                continue;
            }
            follower.last = seq;
            if seq > follower.since && is_going_of(user, event) {
                // Whoever was to tell of it may have died.
                follower.until = seq;
            }
            let backlog = out.send(id, codec::event(encoding, event));
            out.count(Count::Delivery, 1);
            if backlog > high_bytes {
                // The rest is read again when it has drained.
                return self.make_slow(id);
            }
        }
    }

    fn after_page(&mut self, id: ConnId, reading: Reading, empty: bool, out: &mut impl Outlet) {
        let Reading { log, told, goal } = reading;
        let goal = goal.max(out.head(log));
        let Some(follower) = self.follower(id, log) else { return };
        let until = Seq::from(follower.until);
        if empty {
            // The log has nothing there, whatever was told of it: go on with what is to come.
            let last = if until > 0 { told.min(until) } else { told };
            follower.last = follower.last.max(narrow(last));
        }
        if until > 0 && follower.last >= follower.until {
            return self.end_following(id, log, out);
        }
        let goal = if until > 0 { until } else { goal };
        if goal > Seq::from(follower.last) {
            self.want(id, log, goal, out);
        }
    }

    pub(super) fn retry_reads(&mut self, out: &mut impl Outlet) {
        for (id, log, goal) in std::mem::take(&mut self.failed_reads) {
            self.want(id, log, goal, out);
        }
    }
}

fn is_going_of(user: UserId, event: &Event) -> bool {
    use MemberAction::{Kicked, Left};
    matches!(&event.data, EventData::MemberChanged(change)
        if change.user == user && matches!(change.action, Left | Kicked))
}
