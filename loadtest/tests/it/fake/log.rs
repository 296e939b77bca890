//! A room of the fake server.

use std::collections::HashMap;

use salon_protocol::event::{Edited, MessageEdited, MessageRecalled, NewMessage, Reaction};
use salon_protocol::{Cid, Event, EventData, LogId, RoomId, Seq, UserId};

/// Its members, and its log as a page shows it now.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) id: RoomId,
    pub(super) members: Vec<UserId>,
    pub(super) events: Vec<Event>,
    /// Texts before their recall.
    pub(super) recalled: HashMap<Seq, String>,
    /// By what makes a request the same: where it was done.
    pub(super) done: HashMap<String, Seq>,
}

impl Log {
    pub(super) fn new(id: RoomId, members: Vec<UserId>) -> Log {
        Log { id, members, events: Vec::new(), recalled: HashMap::new(), done: HashMap::new() }
    }

    pub(super) fn head(&self) -> Seq {
        self.events.len() as Seq
    }

    /// The event that would come next.
    pub(super) fn next(&self, data: EventData) -> Event {
        let seq = self.head() + 1;
        Event { room: LogId::Room(self.id), seq, at: 1_767_225_600_000 + seq as i64, data }
    }

    pub(super) fn append(&mut self, data: EventData) -> Event {
        let event = self.next(data);
        self.events.push(event.clone());
        event
    }

    pub(super) fn message_mut(&mut self, seq: Seq) -> Option<&mut NewMessage> {
        match &mut self.events.get_mut(seq as usize - 1)?.data {
            EventData::NewMessage(message) => Some(message),
            _ => None,
        }
    }

    pub(super) fn recall(&mut self, target: Seq, by: UserId) -> Event {
        if let Some(message) = self.message_mut(target)
            && let Some(text) = message.text.take()
        {
            (message.recalled, message.edited) = (true, None);
            message.reactions.clear();
            self.recalled.insert(target, text);
        }
        self.show_newest_text(target, None);
        self.append(EventData::MessageRecalled(MessageRecalled { target, by }))
    }

    pub(super) fn edit(&mut self, target: Seq, by: UserId, text: &str, forget: bool) -> Event {
        let at = 1_767_225_600_000 + self.head() as i64;
        let version = self.edits_of(target) + 1;
        if let Some(message) = self.message_mut(target).filter(|_| !forget) {
            (message.text, message.edited) = (Some(text.to_owned()), Some(Edited { at, version }));
        }
        self.show_newest_text(target, Some(text));
        let text = Some(text.to_owned());
        self.append(EventData::MessageEdited(MessageEdited { target, by, text, version }))
    }

    fn edits_of(&self, target: Seq) -> u64 {
        let is_edit = |event: &&Event| matches!(&event.data, EventData::MessageEdited(edit) if edit.target == target);
        self.events.iter().filter(is_edit).count() as u64
    }

    fn show_newest_text(&mut self, of: Seq, text: Option<&str>) {
        for event in &mut self.events {
            if let EventData::MessageEdited(edit) = &mut event.data
                && edit.target == of
            {
                edit.text = text.map(str::to_owned);
            }
        }
    }

    pub(super) fn react(&mut self, reaction: Reaction) -> Event {
        self.append(EventData::Reaction(reaction))
    }

    pub(super) fn is_recalled(&mut self, seq: Seq) -> bool {
        self.message_mut(seq).is_some_and(|message| message.recalled)
    }

    /// Events above `after` as they are shown now; the recalled ones with their texts if need be.
    pub(super) fn shown(&self, after: Seq, with_recalled: bool) -> Vec<Event> {
        let mut events = self.events[after as usize..].to_vec();
        for event in events.iter_mut().filter(|_| with_recalled) {
            if let EventData::NewMessage(message) = &mut event.data
                && let Some(text) = self.recalled.get(&event.seq)
            {
                (message.text, message.recalled) = (Some(text.clone()), false);
            }
        }
        events
    }
}

/// What makes a request with a cid the same.
pub(super) fn key(user: UserId, cid: Cid) -> String {
    format!("{user} {cid}")
}
