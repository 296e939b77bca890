//! A short story of clients and a server, told to the oracle line by line.
//!
//! Message number n is named n, says "text n", and is written by user n % 3 unless said otherwise.

use salon_protocol::content::MessageKind;
use salon_protocol::event::{
    Edited, MemberAction, MemberChanged, MessageEdited, MessageRecalled, NewMessage, Reaction,
    ReactionSum,
};
use salon_protocol::{Cid, Event, EventData, LogId, RoomId, Seq, UserId};

use crate::oracle::{
    Ack, Change, Check, DeviceIndex, Moment, Oracle, RoomIndex, Start, Texts, Verdict,
};

pub(super) fn user(number: u64) -> UserId {
    UserId::from_bytes(u128::from(number + 1).to_be_bytes())
}

pub(super) fn cid(number: u64) -> Cid {
    Cid::from_bytes((u128::from(number) << 8).to_be_bytes())
}

pub(super) fn room_id(number: u64) -> RoomId {
    RoomId::from_bytes(u128::from(1000 + number).to_be_bytes())
}

pub(super) fn text(number: u64) -> String {
    format!("text {number}")
}

fn event(seq: Seq, data: EventData) -> Event {
    Event { room: LogId::Room(room_id(0)), seq, at: 1_000 + seq as i64, data }
}

fn new_message(number: u64) -> NewMessage {
    NewMessage {
        sender: user(number % 3),
        cid: cid(number),
        kind: MessageKind::Text,
        text: Some(text(number)),
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        edited: None,
        recalled: false,
        photo: None,
        reactions: Vec::new(),
    }
}

/// Message `number` at `seq`.
pub(super) fn message(seq: Seq, number: u64) -> Event {
    event(seq, EventData::NewMessage(new_message(number)))
}

/// What is left of it.
pub(super) fn tombstone(seq: Seq, number: u64) -> Event {
    let left = NewMessage { text: None, recalled: true, ..new_message(number) };
    event(seq, EventData::NewMessage(left))
}

/// It, with another text.
pub(super) fn edited(seq: Seq, number: u64, version: u64, text: &str) -> Event {
    let edited = Some(Edited { at: 5, version });
    let message = NewMessage { text: Some(text.to_owned()), edited, ..new_message(number) };
    event(seq, EventData::NewMessage(message))
}

/// It, with reactions.
pub(super) fn reacted(seq: Seq, number: u64, count: u64) -> Event {
    let reactions = vec![ReactionSum { emoji: "🙂".to_owned(), count, mine: false }];
    event(seq, EventData::NewMessage(NewMessage { reactions, ..new_message(number) }))
}

pub(super) fn recall(seq: Seq, target: Seq) -> Event {
    event(seq, EventData::MessageRecalled(MessageRecalled { target, by: user(0) }))
}

pub(super) fn edit(seq: Seq, target: Seq, version: u64, text: Option<&str>) -> Event {
    let text = text.map(ToOwned::to_owned);
    event(seq, EventData::MessageEdited(MessageEdited { target, by: user(0), text, version }))
}

pub(super) fn reaction(seq: Seq, target: Seq, on: bool) -> Event {
    let reaction = Reaction { target, user: user(1), emoji: "🙂".to_owned(), on };
    event(seq, EventData::Reaction(reaction))
}

pub(super) fn member(seq: Seq, who: u64, action: MemberAction) -> Event {
    let change = MemberChanged {
        user: user(who),
        action,
        by: user(0),
        role: None,
        until: None,
        photo_role: None,
    };
    event(seq, EventData::MemberChanged(change))
}

/// Three users with one device each; everybody follows the one room from its beginning.
pub(super) struct Story {
    pub(super) oracle: Oracle,
    pub(super) room: RoomIndex,
    pub(super) devices: Vec<DeviceIndex>,
}

impl Story {
    pub(super) fn new() -> Story {
        let mut oracle = Oracle::new(Texts::Whole);
        let room = oracle.room(room_id(0));
        let devices: Vec<_> =
            (0..3).map(|number| oracle.device(user(number), &format!("device {number}"))).collect();
        let mut story = Story { oracle, room, devices };
        for device in 0..3 {
            story.opens(device, 0);
        }
        story
    }

    pub(super) fn opens(&mut self, device: usize, position: Seq) {
        let asked = self.oracle.moment();
        self.opens_at(asked, device, Start::After(position));
    }

    pub(super) fn opens_at(&mut self, asked: Moment, device: usize, start: Start) {
        self.oracle.session_opened(self.devices[device], asked, &[(self.room, start)]);
    }

    pub(super) fn sends(&mut self, number: u64) {
        let device = self.devices[(number % 3) as usize];
        self.oracle.sent(device, self.room, cid(number), &text(number));
    }

    pub(super) fn acks(&mut self, number: u64, seq: Seq) {
        self.oracle.acked(user(number % 3), cid(number), Ack { seq, at: 1_000 + seq as i64 });
    }

    pub(super) fn pushes(&mut self, device: usize, events: &[Event]) {
        for event in events {
            self.oracle.delivered(self.devices[device], event);
        }
    }

    pub(super) fn pushes_all(&mut self, events: &[Event]) {
        for device in 0..3 {
            self.pushes(device, events);
        }
    }

    /// Recall of `target` is sent, done at `seq` and acknowledged.
    pub(super) fn recalls(&mut self, target: Seq, seq: Seq) {
        self.oracle.recall_sent(self.room, target);
        self.oracle.recall_acked(self.room, target);
        self.oracle.change_acked(self.room, seq, Change::Recall { target });
    }

    pub(super) fn ends(mut self, history: &[Event]) -> Verdict {
        let asked = self.oracle.moment();
        self.oracle.history(asked, self.room, history);
        self.oracle.history_ended(self.room);
        self.oracle.finish()
    }
}

/// The checks that failed, with their counts.
pub(super) fn failed(verdict: &Verdict) -> Vec<(Check, u64)> {
    let count = |check: &Check| (*check, verdict.count(*check));
    Check::ALL.iter().map(count).filter(|(_, count)| *count > 0).collect()
}

#[track_caller]
pub(super) fn clean(verdict: &Verdict) {
    assert!(verdict.is_clean(), "{verdict}");
}

#[track_caller]
pub(super) fn only(verdict: &Verdict, check: Check, count: u64) {
    assert_eq!(failed(verdict), [(check, count)], "{verdict}");
}
