//! Every message that a client sent, by (user, cid).
//!
//! Owns      what was sent, what was answered, and where each message was first seen.
//! Promises  no allocation but the table's own growth (and the text, when texts are kept).
//! Does not  look at devices or rooms.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use salon_protocol::{Cid, Millis, Seq, UserId};

use super::seen::{Fingerprint, message_key};
use super::verdict::{Check, Verdict};

/// No message.
pub(super) const NONE: u32 = u32::MAX;

/// How far a message has come, as its sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its outcome is not known.
    Open,
    Acked,
    Refused,
}

#[derive(Debug)]
pub(super) struct Message {
    cid: Cid,
    text: Fingerprint,
    words: Option<Box<str>>,
    /// The room that it was sent to.
    pub(super) room: u32,
    device: u32,
    session: u32,
    state: State,
    resent: bool,
    acked_at: Millis,
    /// 0: not acknowledged.
    acked_seq: Seq,
    /// Where it was first seen; 0: nowhere.
    seen_seq: Seq,
}

/// Where an answer says that a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Its place in the room that it was sent to.
    pub seq: Seq,
    /// When it was committed.
    pub at: Millis,
}

/// What a client sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) user: UserId,
    pub(super) device: u32,
    pub(super) session: u32,
    pub(super) room: u32,
    pub(super) cid: Cid,
    pub(super) text: &'a str,
}

#[derive(Debug, Default)]
pub(super) struct Messages {
    all: Vec<Message>,
    by_key: HashMap<u64, u32, FixedState>,
    keep_texts: bool,
}

impl Messages {
    pub(super) fn new(keep_texts: bool) -> Self {
        Messages { keep_texts, ..Messages::default() }
    }

    pub(super) fn get(&self, index: u32) -> Option<&Message> {
        self.all.get(index as usize)
    }

    /// The index of a message, or [`NONE`].
    pub(super) fn find(&self, key: u64) -> u32 {
        self.by_key.get(&key).copied().unwrap_or(NONE)
    }

    pub(super) fn sent(&mut self, out: Outgoing<'_>) {
        let key = message_key(out.user, out.cid);
        let known = self.find(key);
        if let Some(message) = self.all.get_mut(known as usize) {
            message.resent = true;
            if message.state == State::Refused {
                message.state = State::Open;
            }
            return;
        }
        self.by_key.insert(key, self.all.len() as u32);
        self.all.push(Message {
            cid: out.cid,
            text: Fingerprint::of(out.text.as_bytes()),
            words: self.keep_texts.then(|| out.text.into()),
            room: out.room,
            device: out.device,
            session: out.session,
            state: State::Open,
            resent: false,
            acked_at: 0,
            acked_seq: 0,
            seen_seq: 0,
        });
    }

    pub(super) fn acked(&mut self, user: UserId, cid: Cid, ack: Ack, verdict: &mut Verdict) {
        let index = self.find(message_key(user, cid));
        let Some(message) = self.all.get_mut(index as usize) else {
            verdict.note(Check::Phantom, || format!("{cid} was acknowledged and never sent"));
            return;
        };
        if message.state != State::Acked {
            message.state = State::Acked;
            (message.acked_seq, message.acked_at) = (ack.seq, ack.at);
        } else if (message.acked_seq, message.acked_at) != (ack.seq, ack.at) {
            let before = (message.acked_seq, message.acked_at);
            verdict.note(Check::AckMismatch, || {
                format!(
                    "{cid} was acknowledged at seq {} (at {}), and again at seq {} (at {})",
                    before.0, before.1, ack.seq, ack.at
                )
            });
        }
    }

    pub(super) fn refused(&mut self, user: UserId, cid: Cid) {
        let index = self.find(message_key(user, cid));
        if let Some(message) = self.all.get_mut(index as usize)
            && message.state == State::Open
        {
            message.state = State::Refused;
        }
    }

    /// A message is seen for the first time at this place.
    pub(super) fn found(&mut self, index: u32, room: u32, seq: Seq, verdict: &mut Verdict) {
        let Some(message) = self.all.get_mut(index as usize) else { return };
        let cid = message.cid;
        if message.room != room {
            verdict.note(Check::Phantom, || {
                format!("{cid} stands in another room than it was sent to, at seq {seq}")
            });
        } else if message.seen_seq == 0 {
            message.seen_seq = seq;
        } else if message.seen_seq != seq {
            let first = message.seen_seq;
            verdict.note(Check::Doubled, || format!("{cid} stands at seq {first} and at {seq}"));
        }
    }

    /// A message's first text is not the one that was sent.
    pub(super) fn check_text(
        &self,
        index: u32,
        text: Fingerprint,
        seq: Seq,
        verdict: &mut Verdict,
    ) {
        let Some(message) = self.get(index).filter(|message| message.text != text) else { return };
        verdict.note(Check::Phantom, || {
            let sent =
                message.words.as_deref().map_or(String::new(), |words| format!(" {words:?}"));
            format!("{} at seq {seq} shows another text than was sent{sent}", message.cid)
        });
    }

    pub(super) fn count(&self) -> u64 {
        self.all.len() as u64
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Message)> {
        (0..).zip(&self.all)
    }

    /// Two messages that one socket sent into one room, neither of them twice, both acknowledged:
    /// the later one must stand later.
    pub(super) fn check_order(&self, verdict: &mut Verdict) {
        let mut last: HashMap<(u32, u32, u32), &Message, FixedState> = HashMap::default();
        for message in &self.all {
            if message.resent || message.state != State::Acked {
                continue;
            }
            let place = (message.device, message.session, message.room);
            if let Some(before) = last.insert(place, message)
                && before.acked_seq >= message.acked_seq
            {
                verdict.note(Check::Fifo, || {
                    format!(
                        "{} was sent before {} on one socket, but stands at seq {} behind {}",
                        before.cid, message.cid, before.acked_seq, message.acked_seq
                    )
                });
            }
        }
    }
}

impl Message {
    pub(super) fn cid(&self) -> Cid {
        self.cid
    }

    pub(super) fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    pub(super) fn is_refused(&self) -> bool {
        self.state == State::Refused
    }

    /// Where its acknowledgement says that it stands.
    pub(super) fn acked_seq(&self) -> Option<Seq> {
        (self.state == State::Acked).then_some(self.acked_seq)
    }

    pub(super) fn acked_at(&self) -> Millis {
        self.acked_at
    }

    /// Where it was first seen.
    pub(super) fn seen_seq(&self) -> Option<Seq> {
        (self.seen_seq != 0).then_some(self.seen_seq)
    }
}
