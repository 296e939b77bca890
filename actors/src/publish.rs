//! From committed events to the workers whose sockets follow the log: encoded once per encoding,
//! one message per worker.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use salon_protocol::event::MemberAction;
use salon_protocol::{
    Encoding, Event, EventData, LogId, RoomId, Seq, Signal, SignalData, UserId, codec,
};
use salon_storage::contract::Bus;
use salon_storage::model::{InboxEvent, Made, RoomKey, RoomRef};

use crate::bell::Ringing as _;
use crate::caller::Answer;
use crate::connection::{Batch, SignalFrame, SignalKey, SignalTo, Subscription, ToWorker};
use crate::directory::Directory;
use crate::metrics::NodeMetrics;
use crate::room::RoomInput;

/// Frames that go out as one piece. Small beside a socket's backlog, so that a slow socket is
/// noticed in time.
pub(crate) const BATCH_BYTES_MAX: usize = 64 * 1024;

/// What telling needs of a node. [`Node`](crate::node::Node) has it; the simulator gives another.
pub(crate) trait Reach {
    fn directory(&self) -> &Directory;

    fn bus(&self) -> &dyn Bus;

    fn metrics(&self) -> &NodeMetrics;

    /// Whether some socket of this node speaks it.
    fn is_spoken(&self, encoding: Encoding) -> bool;

    fn workers_count(&self) -> usize;

    /// Tells a worker, without waiting.
    fn to_worker(&self, number: u16, message: ToWorker);

    /// Whether a user's actor is alive here.
    fn user_is_here(&self, user: UserId) -> bool;

    /// Tells a room's actor, if there is one here.
    fn tell_room(&self, room: RoomId, input: RoomInput);
}

/// Telling.
pub(crate) trait Publish: Reach {
    fn to_all_workers(&self, message: impl Fn() -> ToWorker) {
        for number in 0..self.workers_count() {
            self.to_worker(number as u16, message());
        }
    }

    /// Sends answers to their sockets, one message per worker.
    fn answer(&self, mut answers: Vec<Answer>) {
        while let Some(first) = answers.first() {
            let worker = first.conn.worker;
            let (here, others) = answers.into_iter().partition(|one| one.conn.worker == worker);
            self.to_worker(worker, ToWorker::Answers(here));
            answers = others;
        }
    }

    /// Tells of events of a room that were committed here, on this node and on others.
    fn publish_room(&self, room: RoomRef, events: &[Event]) {
        let messages = events.iter().filter(|e| matches!(e.data, EventData::NewMessage(_)));
        self.metrics().messages.inc_by(messages.count() as u64);
        self.tell_room_events(room.key, room.id, events);
        self.ring_log(room.key, events);
        for step in steps(events) {
            match step {
                // Other nodes see it by the events.
                Step::Tell(_) | Step::Dismiss(..) => {}
                Step::Follow(user, after) => {
                    let (log, id) = (room.key, LogId::Room(room.id));
                    self.ring_follow(user, Subscription { log, id, after, head: after + 1 });
                }
                Step::Unfollow(user, last) => self.ring_unfollow(user, room.key, last),
            }
        }
    }

    /// Tells of events of a room, on this node.
    fn tell_room_events(&self, log: RoomKey, room: RoomId, events: &[Event]) {
        for step in steps(events) {
            match step {
                Step::Tell(range) => self.tell_events(log, events.get(range).unwrap_or_default()),
                Step::Follow(user, after) => {
                    let id = LogId::Room(room);
                    self.subscribe(user, Subscription { log, id, after, head: after + 1 });
                }
                Step::Unfollow(user, last) => self.unsubscribe(user, log, last),
                Step::Dismiss(last, only_guests) => {
                    self.to_all_workers(|| ToWorker::Dismiss { log, last, only_guests });
                }
            }
        }
    }

    /// Tells of events of a log that follow on each other, on this node.
    fn tell_events(&self, log: RoomKey, events: &[Event]) {
        let Some(last) = events.last() else { return };
        let workers = self.directory().advance(log, last.seq);
        if workers.is_empty() {
            return;
        }
        for batch in self.batches(log, events) {
            let batch = Arc::new(batch);
            for worker in &workers {
                self.to_worker(*worker, ToWorker::Events(batch.clone()));
            }
        }
    }

    /// Encodes events in pieces of bounded size.
    fn batches(&self, log: RoomKey, events: &[Event]) -> Vec<Batch> {
        let spoken: Vec<Encoding> =
            Encoding::ALL.into_iter().filter(|encoding| self.is_spoken(*encoding)).collect();
        let mut batches = Vec::new();
        let mut piece = Piece::default();
        for event in events {
            for encoding in &spoken {
                piece.frames[encoding.index()].push(codec::event(*encoding, event));
            }
            piece.first.get_or_insert(event.seq);
            piece.last = event.seq;
            if piece.bytes() >= BATCH_BYTES_MAX {
                batches.extend(std::mem::take(&mut piece).finish(log));
            }
        }
        batches.extend(piece.finish(log));
        batches
    }

    /// Tells users of events in their inboxes, on this node and on others.
    fn publish_inbox(&self, told: &[InboxEvent]) {
        for InboxEvent { user, inbox, event } in told {
            if self.user_is_here(*user) {
                // His actor may be reading the inbox just now, and look after it only then.
                self.directory().note(*user, *inbox, event.seq);
            }
            let events = std::slice::from_ref(event);
            self.tell_events(*inbox, events);
            self.ring_log(*inbox, events);
        }
    }

    /// Events up to `head` are there, and some may not have been told of.
    fn announce(&self, log: RoomKey, head: Seq) {
        for worker in self.directory().advance(log, head) {
            self.to_worker(worker, ToWorker::Announce { log, head });
        }
    }

    /// A user's sockets follow a log from now on.
    fn subscribe(&self, user: UserId, log: Subscription) {
        self.to_all_workers(|| ToWorker::Subscribe { user, log });
    }

    /// A user's sockets get a log up to `last` and no further.
    fn unsubscribe(&self, user: UserId, log: RoomKey, last: Seq) {
        self.to_all_workers(|| ToWorker::Unsubscribe { user, log, last });
    }

    /// A room was made: its members follow it, and hear of it in their inboxes.
    fn made(&self, made: &Made) {
        self.publish_inbox(&made.inbox);
        for user in &made.joined {
            let id = LogId::Room(made.room.id);
            let log = Subscription { log: made.room.key, id, after: 0, head: 1 };
            self.subscribe(*user, log);
            self.ring_follow(*user, log);
        }
    }

    /// Tells of something that stands in no log.
    fn signal(&self, to: SignalTo, room: Option<RoomRef>, about: UserId, data: SignalData) {
        let kind = data.name();
        let room_id = room.map(|room| room.id);
        let signal = Signal { room: room_id.map(LogId::Room), data };
        let frame =
            |encoding: Encoding| self.is_spoken(encoding).then(|| codec::signal(encoding, &signal));
        let key = SignalKey { kind, room: room_id, user: about };
        let frames = Encoding::ALL.map(frame);
        let signal = Arc::new(SignalFrame { to, key, frames });
        match to {
            SignalTo::Log { log, .. } => {
                for worker in self.directory().workers(log) {
                    self.to_worker(worker, ToWorker::Signal(signal.clone()));
                }
            }
            SignalTo::User(_) => self.to_all_workers(|| ToWorker::Signal(signal.clone())),
        }
    }
}

impl<T: Reach + ?Sized> Publish for T {}

/// What events mean for those who follow a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// These are told, by their places.
    Tell(Range<usize>),
    /// A user follows from behind this position on.
    Follow(UserId, Seq),
    /// A user gets this position and nothing after it.
    Unfollow(UserId, Seq),
    /// Viewers of a photo session get this position and nothing after it; `true`: only those without an
    /// account.
    Dismiss(Seq, bool),
}

/// Cuts events where somebody comes or goes: who goes hears of his going last, who comes hears of
/// his coming first.
pub(crate) fn steps(events: &[Event]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut from = 0;
    for (place, event) in events.iter().enumerate() {
        let step = match &event.data {
            EventData::MemberChanged(change) => match change.action {
                MemberAction::Joined => Step::Follow(change.user, event.seq - 1),
                MemberAction::Left | MemberAction::Kicked => Step::Unfollow(change.user, event.seq),
                _ => continue,
            },
            EventData::SessionClosed(_) => Step::Dismiss(event.seq, false),
            EventData::SessionUpdated(update) => {
                let hidden = update.permissions.is_some_and(|all| !all.guest.view);
                if update.code || hidden {
                    Step::Dismiss(event.seq, false)
                } else if update.guests == Some(false) {
                    Step::Dismiss(event.seq, true)
                } else {
                    continue;
                }
            }
            _ => continue,
        };
        steps.push(Step::Tell(from..place + 1));
        steps.push(step);
        from = place + 1;
    }
    if from < events.len() {
        steps.push(Step::Tell(from..events.len()));
    }
    steps
}

/// A batch under construction.
#[derive(Default)]
struct Piece {
    first: Option<Seq>,
    last: Seq,
    frames: [Vec<Bytes>; 2],
}

impl Piece {
    fn bytes(&self) -> usize {
        let bytes = |frames: &Vec<Bytes>| frames.iter().map(Bytes::len).sum::<usize>();
        self.frames.iter().map(bytes).max().unwrap_or(0)
    }

    fn finish(self, log: RoomKey) -> Option<Batch> {
        let first = self.first?;
        Some(Batch { log, first, last: self.last, frames: self.frames.map(joined) })
    }
}

/// One piece of memory for all frames, so that a socket writes them without gathering.
fn joined(mut frames: Vec<Bytes>) -> Option<Bytes> {
    if frames.len() <= 1 {
        return frames.pop();
    }
    let mut all = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    for frame in frames {
        all.extend_from_slice(&frame);
    }
    Some(all.freeze())
}
