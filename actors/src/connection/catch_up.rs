//! Reading on in logs: after a socket connected, after it was slow, after something was lost.
//!
//! Sockets take turns. Whose turn it is has one page of one log read, for himself and for all who
//! are waiting for the same; then he queues up again. What is under way is bounded, so that live
//! events come between; more is asked for when a page has come.

use std::collections::{HashMap, VecDeque};

use salon_protocol::{Encoding, Seq};
use salon_storage::StoreError;
use salon_storage::model::RoomKey;

use super::messages::LogRead;
use super::outlet::{Count, Outlet, ReadLog};
use super::page::Page;
use super::state::{Phase, Worker};
use super::subscriptions::narrow;
use crate::caller::ConnId;

/// What a worker has under way at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) pages_max: usize,
    /// Sockets for which pages are under way; one page is for as many of them as are left, and for
    /// one at least.
    pub(crate) sockets_max: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { pages_max: 8, sockets_max: 64 }
    }
}

/// Logs that a socket has to be caught up in, each up to a goal.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    logs: VecDeque<(RoomKey, Seq)>,
    turn: Turn,
}

/// Where a socket stands among those who take turns.
#[derive(Clone, Copy, Debug, Default)]
enum Turn {
    #[default]
    None,
    Waits,
    /// This page is read because it was its turn.
    Reads(u16),
}

/// All of a worker's pages that are under way.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    turns: VecDeque<ConnId>,
    under_way: HashMap<u16, Reading>,
    /// Sockets for which they are.
    sockets: usize,
    last: u16,
}

/// A page that is being read.
#[derive(Debug)]
struct Reading {
    log: RoomKey,
    /// Up to here events had been told of when the reading began: what an empty page has not got is
    /// not in the log. Of what was told of later it says nothing.
    told: Seq,
    /// Whom it is for; the first is the one whose turn it was.
    sockets: Vec<ConnId>,
}

impl Reads {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.under_way.is_empty() && self.sockets == 0
    }

    fn is_full(&self, pace: Pace) -> bool {
        self.under_way.len() >= pace.pages_max || self.sockets >= pace.sockets_max
    }

    /// A number that no page under way has; 0 is none.
    fn next(&mut self) -> u16 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.under_way.contains_key(&self.last) {
                return self.last;
            }
        }
    }
}

impl Worker {
    /// A socket has not all events of a log up to `goal`.
    pub(super) fn want(&mut self, id: ConnId, log: RoomKey, goal: Seq, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let logs = &mut conn.catch_up.get_or_insert_default().logs;
        match logs.iter_mut().find(|(known, _)| *known == log) {
            Some((_, known)) => *known = goal.max(*known),
            None => logs.push_back((log, goal)),
        }
        self.queue_up(id);
        self.go_on(out);
    }

    /// A socket takes its place behind the others, if it wants anything.
    fn queue_up(&mut self, id: ConnId) {
        let Some(turn) = self.conn(id).and_then(|conn| Some(conn.catch_up.as_ref()?.turn)) else {
            return;
        };
        let waits = match turn {
            Turn::None => false,
            Turn::Waits => true,
            Turn::Reads(page) => self.reads.under_way.contains_key(&page),
        };
        if !waits {
            self.set_turn(id, Turn::Waits);
            self.reads.turns.push_back(id);
        }
    }

    /// A socket that was slow takes turns again.
    pub(super) fn resume(&mut self, id: ConnId, out: &mut impl Outlet) {
        self.queue_up(id);
        self.go_on(out);
    }

    fn set_turn(&mut self, id: ConnId, turn: Turn) {
        if let Some(catch_up) = self.conn(id).and_then(|conn| conn.catch_up.as_mut()) {
            catch_up.turn = turn;
        }
    }

    /// Gives turns, as many as may be under way.
    fn go_on(&mut self, out: &mut impl Outlet) {
        while !self.reads.is_full(self.pace)
            && let Some(id) = self.reads.turns.pop_front()
        {
            self.take_turn(id, out);
        }
    }

    /// Has the first page read that a socket wants and that is not under way for it already.
    fn take_turn(&mut self, id: ConnId, out: &mut impl Outlet) {
        self.set_turn(id, Turn::None);
        let Some(conn) = self.conn(id) else { return };
        // It wants again when it has drained.
        let Some(catch_up) = conn.catch_up.take_if(|_| !conn.slow) else { return };
        let mut logs = catch_up.logs;
        let mut first = None;
        logs.retain(|(log, goal)| {
            let Some(follower) = self.follower(id, *log) else { return false };
            let (last, page) = (Seq::from(follower.last), follower.page);
            let wants = last < *goal;
            if wants && first.is_none() && !self.reads.under_way.contains_key(&page) {
                first = Some((*log, *goal));
            }
            wants
        });
        let Some(conn) = self.conn(id).filter(|_| !logs.is_empty()) else { return };
        conn.catch_up = Some(Box::new(CatchUp { logs, turn: Turn::None }));
        if let Some((log, goal)) = first {
            let page = self.read(id, log, goal, out);
            self.set_turn(id, Turn::Reads(page));
        }
    }

    /// Has a page read for a socket, and for others that wait for the same.
    fn read(&mut self, id: ConnId, log: RoomKey, goal: Seq, out: &mut impl Outlet) -> u16 {
        let number = self.reads.next();
        let room = self.pace.sockets_max.saturating_sub(self.reads.sockets).max(1);
        let Some(follower) = self.follower(id, log) else { return number };
        follower.page = number;
        let (after, until) = (follower.last, follower.until);
        let Some(followers) = self.followers.get_mut(&log) else { return number };
        let log_id = followers.id;
        let mut sockets = vec![id];
        if until == 0 {
            let under_way = &self.reads.under_way;
            let others = followers.list.iter_mut().filter(|one| {
                let behind = one.last >= after && Seq::from(one.last) < goal;
                behind && one.until == 0 && !one.is_paused() && !under_way.contains_key(&one.page)
            });
            for other in others.filter(|one| one.slot != id.slot).take(room - 1) {
                other.page = number;
                sockets.push(other.conn(id.worker));
            }
        }
        let viewer = |id: &ConnId| match &self.conns.get(id.slot as usize)?.as_ref()?.phase {
            Phase::Open { user, .. } => Some(user.user.key),
            _ => None,
        };
        let viewers = sockets.iter().filter_map(viewer).collect();
        out.count(Count::CatchUp, sockets.len() as u64);
        self.reads.sockets += sockets.len();
        self.reads.under_way.insert(number, Reading { log, told: goal, sockets });
        let after = Seq::from(after);
        let until = if until > 0 { Seq::from(until) } else { Seq::MAX };
        out.read_log(ReadLog { number, log, id: log_id, after, until, viewers });
        number
    }

    /// A page has come, or will not.
    pub(super) fn log_read(&mut self, read: LogRead, out: &mut impl Outlet) {
        let LogRead { number, page } = read;
        let Some(reading) = self.reads.under_way.remove(&number) else { return };
        self.reads.sockets -= reading.sockets.len();
        let mut page = page.map(Page::new);
        for (place, id) in reading.sockets.iter().enumerate() {
            if place == 0 {
                self.set_turn(*id, Turn::None);
            }
            self.page_comes(*id, number, &reading, page.as_mut(), out);
            self.queue_up_if_behind(*id);
        }
        self.go_on(out);
    }

    fn queue_up_if_behind(&mut self, id: ConnId) {
        let Some(conn) = self.conn(id) else { return };
        match &conn.catch_up {
            Some(catch_up) if catch_up.logs.is_empty() => conn.catch_up = None,
            Some(_) => self.queue_up(id),
            None => {}
        }
    }

    fn page_comes(
        &mut self,
        id: ConnId,
        number: u16,
        reading: &Reading,
        page: Result<&mut Page, &mut StoreError>,
        out: &mut impl Outlet,
    ) {
        let log = reading.log;
        // Whoever has left and come again since then has a page of his own.
        let Some(follower) = self.follower(id, log).filter(|one| one.page == number) else {
            return;
        };
        follower.page = 0;
        let goal = self.goal_reached(id, log).unwrap_or(reading.told);
        match page {
            Ok(page) => {
                self.deliver_page(id, log, page, out);
                let empty = page.events().is_empty();
                self.after_page(id, log, (reading.told, goal), empty, out);
            }
            // The store does not answer: again with the next tick.
            Err(_) => self.failed_reads.push((id, log, goal)),
        }
    }

    /// Takes a log from those that a socket wants.
    fn goal_reached(&mut self, id: ConnId, log: RoomKey) -> Option<Seq> {
        let logs = &mut self.conn(id)?.catch_up.as_mut()?.logs;
        let place = logs.iter().position(|(known, _)| *known == log)?;
        logs.remove(place).map(|(_, goal)| goal)
    }

    fn deliver_page(&mut self, id: ConnId, log: RoomKey, page: &mut Page, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        if conn.slow {
            return;
        }
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        let Phase::Open { user, .. } = &conn.phase else { return };
        let user = user.user;
        let high_bytes = self.backlog.high_bytes;
        let Some(follower) = self.follower(id, log) else { return };
        // Whoever was to tell of his going may have died.
        let above = follower.since.max(follower.last);
        let going = page.going_of(user.id, Seq::from(above)).map(narrow);
        let until = [going.unwrap_or(0), follower.until].into_iter().filter(|until| *until > 0);
        let until = until.min().unwrap_or(u32::MAX);
        // What came live meanwhile is not sent again. A jump is one in the log itself: what was
        // between is kept no longer.
        let from = page.events().partition_point(|event| narrow(event.seq) <= follower.last);
        let to = page.events().partition_point(|event| narrow(event.seq) <= until);
        if from >= to {
            return;
        }
        let frames = page.frames(user.key, encoding);
        let mut sent = from;
        for (last, bytes) in frames.pieces(from..to) {
            let Some(event) = page.events().get(last) else { return };
            let Some(follower) = self.follower(id, log) else { return };
            follower.last = narrow(event.seq);
            if going == Some(follower.last) {
                follower.until = follower.last;
            }
            let backlog = out.send(id, bytes);
            out.count(Count::Delivery, (last + 1 - sent) as u64);
            sent = last + 1;
            if backlog > high_bytes {
                // The rest is read again when it has drained.
                return self.make_slow(id);
            }
        }
    }

    fn after_page(
        &mut self,
        id: ConnId,
        log: RoomKey,
        (told, goal): (Seq, Seq),
        empty: bool,
        out: &mut impl Outlet,
    ) {
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
        if goal > Seq::from(follower.last)
            && let Some(conn) = self.conn(id)
        {
            conn.catch_up.get_or_insert_default().logs.push_back((log, goal));
        }
    }

    pub(super) fn retry_reads(&mut self, out: &mut impl Outlet) {
        for (id, log, goal) in std::mem::take(&mut self.failed_reads) {
            self.want(id, log, goal, out);
        }
    }
}
