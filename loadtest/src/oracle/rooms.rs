//! Rooms, and what was seen at each place of them.
//!
//! Owns      the slots of every room's log, edits, memberships and promised changes.
//! Promises  whatever is seen at a place is compared with all that was seen there before; a place
//!           that was compared once costs a few comparisons and no look-up.
//! Does not  know in which order a device got things.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use salon_protocol::event::MemberAction;
use salon_protocol::{Millis, RoomId, Seq, UserId};

use super::messages::{Messages, NONE};
use super::seen::{Change, Fingerprint, MessageSeen, Seen, What, message_key};
use super::verdict::{Check, Verdict};

/// A place this far above everything known is not kept but reported.
const SEQ_AHEAD_MAX: Seq = 1 << 22;

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Room(RoomId),
    Inbox(UserId),
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Room(room) => write!(out, "room {room}"),
            Name::Inbox(user) => write!(out, "the inbox of {user}"),
        }
    }
}

/// Who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Device,
    Page,
    History,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    at: Millis,
    /// What never changes about the event.
    identity: u64,
    /// The first text; `None`: not seen yet.
    text: Option<Fingerprint>,
    rest: u64,
    pub(super) message: u32,
    /// Which acknowledged recall took it back; 0: none.
    pub(super) recall: u32,
    pub(super) known: bool,
    pub(super) is_message: bool,
    pub(super) delivered: bool,
    pub(super) recorded: bool,
    /// In the final history it is a tombstone.
    pub(super) tombstone: bool,
    /// How often it was edited, as the final history shows it.
    pub(super) version: u64,
    recall_asked: bool,
}

impl Slot {
    pub(super) fn at(&self) -> Millis {
        self.at
    }
}

const EMPTY: Slot = Slot {
    at: 0,
    identity: 0,
    text: None,
    rest: 0,
    message: NONE,
    recall: 0,
    known: false,
    is_message: false,
    delivered: false,
    recorded: false,
    tombstone: false,
    version: 0,
    recall_asked: false,
};

#[derive(Debug, Default)]
struct Edits {
    sent: Vec<Fingerprint>,
    versions: Vec<(u64, Fingerprint)>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: Name,
    /// By seq - 1.
    slots: Vec<Slot>,
    edits: HashMap<Seq, Edits, FixedState>,
    /// Changes that an acknowledgement promises to stand at a seq.
    pub(super) promised: Vec<(Seq, Change)>,
    /// Changes in the final history.
    pub(super) changes: HashMap<Seq, Change, FixedState>,
    /// In the final history: the last coming or going of a user, and whether he is gone.
    pub(super) gone: HashMap<UserId, (Seq, bool), FixedState>,
    /// The end of the final history; `None`: not read.
    pub(super) head: Option<Seq>,
    last_at: Millis,
}

impl Room {
    pub(super) fn new(name: Name) -> Self {
        Room {
            name,
            slots: Vec::new(),
            edits: HashMap::default(),
            promised: Vec::new(),
            changes: HashMap::default(),
            gone: HashMap::default(),
            head: None,
            last_at: Millis::MIN,
        }
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (Seq, &Slot)> {
        (1..).zip(&self.slots)
    }

    #[inline]
    pub(super) fn get(&self, seq: Seq) -> Option<&Slot> {
        self.slots.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// The slot, made if need be; `None` when no log can be as long.
    fn slot(&mut self, seq: Seq) -> Option<&mut Slot> {
        if seq == 0 || seq > self.slots.len() as Seq + SEQ_AHEAD_MAX {
            return None;
        }
        let index = usize::try_from(seq - 1).ok()?;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, EMPTY);
        }
        self.slots.get_mut(index)
    }

    pub(super) fn recall_asked(&mut self, target: Seq) {
        if let Some(slot) = self.slot(target) {
            slot.recall_asked = true;
        }
    }

    pub(super) fn recalled(&mut self, target: Seq, recall: u32) {
        if let Some(slot) = self.slot(target) {
            slot.recall_asked = true;
            if slot.recall == 0 {
                slot.recall = recall;
            }
        }
    }

    pub(super) fn edit_sent(&mut self, target: Seq, text: &str) {
        let edits = self.edits.entry(target).or_default();
        edits.sent.push(Fingerprint::of(text.as_bytes()));
    }

    /// The final history goes on with `seen`.
    pub(super) fn record(&mut self, seen: &Seen, verdict: &mut Verdict) {
        let (name, due) = (self.name, self.head.map_or(1, |head| head + 1));
        if seen.seq != due {
            verdict.note(Check::Gap, || {
                format!("{name}: the history has seq {} where {due} is due", seen.seq)
            });
        }
        if seen.at < self.last_at {
            let last = self.last_at;
            verdict.note(Check::Gap, || {
                format!("{name}: time runs from {last} back to {} at seq {}", seen.at, seen.seq)
            });
        }
        self.last_at = self.last_at.max(seen.at);
        self.head = Some(self.head.unwrap_or(0).max(seen.seq));
        match seen.what {
            What::Message(_) | What::Other { .. } => {}
            What::Edit { target, .. } => {
                self.changes.insert(seen.seq, Change::Edit { target });
            }
            What::Change { change, .. } => {
                self.changes.insert(seen.seq, change);
            }
            What::Member { user, action, .. } => match action {
                MemberAction::Joined => {
                    self.gone.insert(user, (seen.seq, false));
                }
                MemberAction::Left | MemberAction::Kicked => {
                    self.gone.insert(user, (seen.seq, true));
                }
                MemberAction::Role | MemberAction::Muted | MemberAction::Unmuted => {}
            },
        }
    }

    /// Compares what is seen at a place with all that was seen there. `moment`: recalls that were
    /// acknowledged when the reader asked.
    pub(super) fn see(
        &mut self,
        index: u32,
        seen: &Seen,
        source: Source,
        moment: u32,
        messages: &mut Messages,
        verdict: &mut Verdict,
    ) {
        let (name, seq) = (self.name, seen.seq);
        let identity = match &seen.what {
            What::Message(message) => message_key(message.sender, message.cid),
            What::Edit { identity, .. }
            | What::Change { identity, .. }
            | What::Member { identity, .. }
            | What::Other { identity } => *identity,
        };
        let is_message = matches!(seen.what, What::Message(_));
        let Some(slot) = self.slot(seq) else {
            verdict
                .note(Check::Phantom, || format!("{name}: seq {seq} is beyond all that was sent"));
            return;
        };
        if !slot.known {
            (slot.known, slot.is_message) = (true, is_message);
            (slot.at, slot.identity) = (seen.at, identity);
            if is_message {
                slot.message = messages.find(identity);
                messages.found(slot.message, index, seq, verdict);
            }
        } else if (slot.identity, slot.is_message) != (identity, is_message) || slot.at != seen.at {
            let in_history = source == Source::History;
            let check = if in_history { Check::Phantom } else { Check::Divergent };
            verdict.note(check, || {
                let who = if in_history { "the history" } else { "a reader" };
                format!("{name}: {who} has another event at seq {seq} than was seen there before")
            });
            return;
        }
        match source {
            Source::Device => slot.delivered = true,
            Source::Page => {}
            Source::History => slot.recorded = true,
        }
        match &seen.what {
            What::Message(message) => {
                self.see_message(message, source, moment, messages, verdict);
            }
            What::Edit { target, text: Some(text), .. } => {
                self.see_edit(seq, *target, *text, moment, verdict);
            }
            _ => {}
        }
    }

    fn see_message(
        &mut self,
        seen: &MessageSeen,
        source: Source,
        moment: u32,
        messages: &Messages,
        verdict: &mut Verdict,
    ) {
        let (name, seq) = (self.name, seen.seq);
        let Some(slot) = self.slot(seq) else { return };
        if source == Source::History {
            (slot.tombstone, slot.version) = (seen.recalled, seen.version);
        }
        if seen.recalled && !slot.recall_asked {
            verdict.note(Check::Lost, || {
                format!(
                    "{name}: the message at seq {seq} is shown as recalled, nobody asked for that"
                )
            });
        }
        if seen.recalled && seen.text.is_some() {
            verdict.note(Check::Unrecalled, || {
                format!("{name}: the tombstone at seq {seq} has a text")
            });
        }
        if slot.recall != 0 && slot.recall <= moment && !seen.recalled {
            verdict.note(Check::Unrecalled, || {
                format!(
                    "{name}: the message at seq {seq} was shown though its recall was acknowledged"
                )
            });
        }
        if seen.recalled {
            return;
        }
        match (slot.text, seen.text) {
            _ if seen.version > 0 => {}
            (Some(before), text) if text != Some(before) || slot.rest != seen.rest => {
                return verdict.note(Check::Divergent, || {
                    format!("{name}: two readers saw different content at seq {seq}")
                });
            }
            (None, Some(text)) => {
                (slot.text, slot.rest) = (Some(text), seen.rest);
                messages.check_text(slot.message, text, seq, verdict);
            }
            // Every message that the harness sends has a text.
            (None, None) if slot.message != NONE => {
                verdict.note(Check::Phantom, || format!("{name}: seq {seq} is shown without text"));
            }
            _ => {}
        }
        if seen.version > 0 {
            self.see_edited(seen, verdict);
        }
    }

    /// A message with an edited text.
    fn see_edited(&mut self, seen: &MessageSeen, verdict: &mut Verdict) {
        let (name, seq, version) = (self.name, seen.seq, seen.version);
        let Some(text) = seen.text else { return };
        let edits = self.edits.entry(seq).or_default();
        if !edits.sent.contains(&text) {
            verdict.note(Check::Phantom, || {
                format!("{name}: the message at seq {seq} shows a text that no edit sent")
            });
        }
        match edits.versions.iter().find(|(known, _)| *known == version) {
            None => edits.versions.push((version, text)),
            Some((_, before)) if *before == text => {}
            Some(_) => verdict.note(Check::Divergent, || {
                format!("{name}: two readers saw different texts of version {version} at seq {seq}")
            }),
        }
    }

    /// An edit event with a text.
    fn see_edit(
        &mut self,
        seq: Seq,
        target: Seq,
        text: Fingerprint,
        moment: u32,
        verdict: &mut Verdict,
    ) {
        let name = self.name;
        let recall = self.get(target).map_or(0, |slot| slot.recall);
        if recall != 0 && recall <= moment {
            verdict.note(Check::Unrecalled, || {
                format!("{name}: the edit at seq {seq} shows a text of the recalled seq {target}")
            });
        }
        if !self.edits.get(&target).is_some_and(|edits| edits.sent.contains(&text)) {
            verdict.note(Check::Phantom, || {
                format!("{name}: the edit at seq {seq} shows a text that no edit sent")
            });
        }
    }

    /// Looks again for messages that were not known when they were seen: another thread's.
    pub(super) fn resolve(&mut self, index: u32, messages: &mut Messages, verdict: &mut Verdict) {
        for (seq, slot) in (1..).zip(&mut self.slots) {
            if !slot.known || !slot.is_message || slot.message != NONE {
                continue;
            }
            slot.message = messages.find(slot.identity);
            messages.found(slot.message, index, seq, verdict);
            if let Some(text) = slot.text {
                messages.check_text(slot.message, text, seq, verdict);
            }
        }
    }
}
