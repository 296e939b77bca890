//! Judges a server by what its clients sent, were answered and saw.
//!
//! Owns      the model of what must be true of every delivery, and the verdict.
//! Promises  pure: no clock, no socket, no thread; the same inputs give the same verdict. A message
//!           that arrives in order costs some ten nanoseconds and no allocation.
//! Does not  talk to a server. Whoever does tells it, in the order in which the client's side sees
//!           things: `sent` before the bytes leave, everything else when the bytes have arrived.
//!
//! # How to use it
//!
//! Name rooms and devices once ([`Oracle::room`], [`Oracle::device`]), then report. What a reader
//! *may* see depends on what was acknowledged when he asked, so [`Oracle::moment`] is taken when a
//! request is written and handed back with its answer. When the traffic has ended, read every room
//! from its first event to its last into [`Oracle::history`], and ask [`Oracle::finish`].
//!
//! What comes by `join`, `kick` and the like is understood from the events themselves: a member who
//! was put out need not reach the room's head, one who came back misses what lay between.

mod devices;
mod finish;
mod messages;
mod photos;
mod rooms;
mod seen;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use salon_protocol::{Cid, Event, LogId, RoomId, Seq, UserId};

pub use messages::Ack;
pub use photos::{Photos, Told, VARIANTS};
pub use seen::{Change, Fingerprint, MessageSeen};
pub use verdict::{Check, EXAMPLES_MAX, Finding, Totals, Verdict};

use devices::Device;
use messages::{Messages, Outgoing};
use rooms::{Name, Room, Source};
use seen::{Seen, What};

/// A room (or an inbox) that the oracle knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomIndex(u32);

/// A device that the oracle knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(u32);

/// A point in the order of what the clients know: which recalls were acknowledged by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u32);

/// From where a session follows a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Everything above this seq is pushed, in order: the position that the client named, or when it
    /// named none the room's head in the answer to `auth`. Never below the first event that the
    /// user may read, less one.
    After(Seq),
    /// The server called the room stale: live events come from above `head`, and the client reads
    /// what lies between `held` and `head` by pages ([`Oracle::caught_up`]).
    Stale {
        /// The position that the client named.
        held: Seq,
        /// `rooms[].seq` of the answer.
        head: Seq,
    },
}

/// Whether texts are kept, to be shown in findings, or only their fingerprints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// 8 bytes per message.
    #[default]
    Fingerprints,
    /// The whole text.
    Whole,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Oracle {
    messages: Messages,
    devices: Vec<Device>,
    rooms: Vec<Room>,
    by_name: HashMap<Name, u32, FixedState>,
    verdict: Verdict,
    /// Recalls that were acknowledged.
    recalls: u32,
}

impl Oracle {
    /// An oracle that knows nothing yet.
    pub fn new(texts: Texts) -> Self {
        Oracle { messages: Messages::new(texts == Texts::Whole), ..Oracle::default() }
    }

    /// The room, known from now on.
    pub fn room(&mut self, room: RoomId) -> RoomIndex {
        RoomIndex(self.named(Name::Room(room)))
    }

    /// The inbox of a user: a log like a room, of which only order and agreement are checked.
    pub fn inbox(&mut self, user: UserId) -> RoomIndex {
        RoomIndex(self.named(Name::Inbox(user)))
    }

    /// A new device of `user`; `name` is how findings call it.
    pub fn device(&mut self, user: UserId, name: &str) -> DeviceIndex {
        self.devices.push(Device::new(user, name));
        DeviceIndex(self.devices.len() as u32 - 1)
    }

    /// Now; to be taken when a request is written.
    pub fn moment(&self) -> Moment {
        Moment(self.recalls)
    }

    /// Whether something is wrong already. Ends at the first sight of a hole, which may yet be
    /// filled (then it was a wrong order) or not.
    pub fn has_findings(&self) -> bool {
        !self.verdict.is_clean() || self.devices.iter().any(Device::has_holes)
    }

    /// `device` writes a message to its socket, for the first time or again. A repetition has the
    /// same room and text.
    pub fn sent(&mut self, device: DeviceIndex, room: RoomIndex, cid: Cid, text: &str) {
        let Some(from) = self.devices.get(device.0 as usize) else { return };
        let (user, session) = (from.user, from.session);
        self.messages.sent(Outgoing { user, device: device.0, session, room: room.0, cid, text });
    }

    /// A message of `user` was acknowledged, `duplicate` or not.
    pub fn acked(&mut self, user: UserId, cid: Cid, ack: Ack) {
        self.messages.acked(user, cid, ack, &mut self.verdict);
    }

    /// A message was refused with an error after which it must never appear, unless it is sent again.
    /// Nothing is reported of an error that leaves it open (`unavailable`, `internal`).
    pub fn refused(&mut self, user: UserId, cid: Cid) {
        self.messages.refused(user, cid);
    }

    /// An edit of the message at `target` is written to a socket.
    pub fn edit_sent(&mut self, room: RoomIndex, target: Seq, text: &str) {
        self.room_mut(room, |room| room.edit_sent(target, text));
    }

    /// A recall of the message at `target` is written to a socket.
    pub fn recall_sent(&mut self, room: RoomIndex, target: Seq) {
        self.room_mut(room, |room| room.recall_asked(target));
    }

    /// A recall of the message at `target` was acknowledged: who asks from now on must not see it.
    pub fn recall_acked(&mut self, room: RoomIndex, target: Seq) {
        self.recalls += 1;
        let recall = self.recalls;
        self.room_mut(room, |room| room.recalled(target, recall));
    }

    /// An acknowledgement promises that `change` stands at `seq`.
    pub fn change_acked(&mut self, room: RoomIndex, seq: Seq, change: Change) {
        self.room_mut(room, |room| room.promised.push((seq, change)));
    }

    /// A session of `device` is open: `auth` was written at `asked` and answered now. A room that is
    /// not in `starts` begins with whatever comes first.
    pub fn session_opened(
        &mut self,
        device: DeviceIndex,
        asked: Moment,
        starts: &[(RoomIndex, Start)],
    ) {
        let starts: Vec<_> = starts.iter().map(|(room, start)| (room.0, *start)).collect();
        if let Some(device) = self.devices.get_mut(device.0 as usize) {
            device.open(asked.0, &starts, &mut self.verdict);
            self.verdict.totals.sessions += 1;
        }
    }

    /// `device` stays away for good: it need not reach the end of its rooms.
    pub fn retired(&mut self, device: DeviceIndex) {
        if let Some(device) = self.devices.get_mut(device.0 as usize) {
            device.retired = true;
        }
    }

    /// The newest event of `room` up to which `device` holds everything: the position to name when
    /// it connects again. `None`: it has not seen the room in this session.
    pub fn position(&mut self, device: DeviceIndex, room: RoomIndex) -> Option<Seq> {
        let device = self.devices.get_mut(device.0 as usize)?;
        device.cursor(room.0).map(|cursor| cursor.held())
    }

    /// An event was pushed to `device`.
    pub fn delivered(&mut self, device: DeviceIndex, event: &Event) {
        let Some(user) = self.devices.get(device.0 as usize).map(|device| device.user) else {
            return;
        };
        let room = match event.room {
            LogId::Room(room) => self.named(Name::Room(room)),
            LogId::Inbox => self.named(Name::Inbox(user)),
        };
        self.pushed(device, room, &Seen::of(event));
    }

    /// The same for a message that a faster reader than [`Event::decode`] has read.
    pub fn delivered_message(
        &mut self,
        device: DeviceIndex,
        room: RoomIndex,
        message: &MessageSeen,
    ) {
        let (seq, at) = (message.seq, message.at);
        self.pushed(device, room.0, &Seen { seq, at, what: What::Message(*message) });
    }

    /// The same for an event whose bytes are equal to bytes that were reported before, of any
    /// device. This is what makes millions per second possible.
    #[inline]
    pub fn delivered_same(&mut self, device: DeviceIndex, room: RoomIndex, seq: Seq) {
        self.verdict.totals.deliveries += 1;
        let Some(to) = self.devices.get_mut(device.0 as usize) else { return };
        if !to.advance(room.0, seq) {
            to.place(room.0, seq, false, &mut self.verdict);
        }
        let slot = self.rooms.get(room.0 as usize).and_then(|room| room.get(seq));
        if slot.is_some_and(|slot| slot.recall != 0 && slot.recall <= to.moment) {
            self.verdict.note(Check::Unrecalled, || {
                format!("{} was pushed the recalled seq {seq} in a new session", to.name)
            });
        }
    }

    /// A page with which `device` catches up a stale room, asked for at `asked`.
    pub fn caught_up(
        &mut self,
        device: DeviceIndex,
        asked: Moment,
        room: RoomIndex,
        events: &[Event],
    ) {
        for event in events {
            if let Some(device) = self.devices.get_mut(device.0 as usize) {
                device.place_page(room.0, event.seq, &mut self.verdict);
            }
        }
        self.read(asked, room, events);
    }

    /// Any other answer that shows events: a page of history, hits of a search. Asked for at `asked`.
    pub fn read(&mut self, asked: Moment, room: RoomIndex, events: &[Event]) {
        self.verdict.totals.events_read += events.len() as u64;
        for event in events {
            self.see(room.0, &Seen::of(event), Source::Page, asked.0);
        }
    }

    /// The final history of `room`, page after page from its first event. Asked for at `asked`,
    /// when nothing was sent any more.
    pub fn history(&mut self, asked: Moment, room: RoomIndex, events: &[Event]) {
        for event in events {
            self.recorded(asked, room, &Seen::of(event));
        }
    }

    /// The same for one message that a faster reader has read.
    pub fn history_message(&mut self, asked: Moment, room: RoomIndex, message: &MessageSeen) {
        let (seq, at) = (message.seq, message.at);
        self.recorded(asked, room, &Seen { seq, at, what: What::Message(*message) });
    }

    /// The final history of `room` has been read to its end, though it may be empty.
    pub fn history_ended(&mut self, room: RoomIndex) {
        self.room_mut(room, |room| room.head = Some(room.head.unwrap_or(0)));
    }

    /// Judges.
    pub fn finish(self) -> Verdict {
        finish::judge(self)
    }

    fn named(&mut self, name: Name) -> u32 {
        let rooms = &mut self.rooms;
        *self.by_name.entry(name).or_insert_with(|| {
            rooms.push(Room::new(name));
            rooms.len() as u32 - 1
        })
    }

    fn room_mut(&mut self, room: RoomIndex, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(room.0 as usize) {
            change(room);
        }
    }

    fn recorded(&mut self, asked: Moment, room: RoomIndex, seen: &Seen) {
        self.verdict.totals.history_events += 1;
        if let Some(room) = self.rooms.get_mut(room.0 as usize) {
            room.record(seen, &mut self.verdict);
        }
        self.see(room.0, seen, Source::History, asked.0);
    }

    fn pushed(&mut self, device: DeviceIndex, room: u32, seen: &Seen) {
        self.verdict.totals.deliveries += 1;
        let Some(to) = self.devices.get_mut(device.0 as usize) else { return };
        to.place(room, seen.seq, seen.is_joining_of(to.user), &mut self.verdict);
        let moment = to.moment;
        self.see(room, seen, Source::Device, moment);
    }

    fn see(&mut self, index: u32, seen: &Seen, source: Source, moment: u32) {
        if let Some(room) = self.rooms.get_mut(index as usize) {
            room.see(index, seen, source, moment, &mut self.messages, &mut self.verdict);
        }
    }
}
