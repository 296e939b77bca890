//! An event, reduced to what is compared.
//!
//! Owns      fingerprints and the reduction of every kind of event.
//! Promises  what may differ between two honest readers (reaction sums) is not in it; what may not,
//!           is. Building a [`MessageSeen`] allocates nothing.
//! Does not  remember.

use std::num::NonZeroU64;

use salon_protocol::content::{Mention, MessageKind};
use salon_protocol::event::{MemberAction, NewMessage};
use salon_protocol::{Cid, Event, EventData, Millis, Seq, UserId};
use xxhash_rust::xxh3::xxh3_64;

/// Stands for a text: two texts with the same fingerprint are taken for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(NonZeroU64);

impl Fingerprint {
    /// Of a text's bytes.
    pub fn of(bytes: &[u8]) -> Fingerprint {
        Fingerprint(NonZeroU64::new(xxh3_64(bytes)).unwrap_or(NonZeroU64::MIN))
    }
}

/// A message as a reader saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSeen {
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Millis,
    /// Who wrote it.
    pub sender: UserId,
    /// His name for it.
    pub cid: Cid,
    /// Its text, if it has one.
    pub text: Option<Fingerprint>,
    /// How often it was edited.
    pub version: u64,
    /// Whether it is a tombstone.
    pub recalled: bool,
    /// Fingerprint of what a plain text has not: body, quote, mentions. 0 for a plain text.
    pub rest: u64,
}

impl MessageSeen {
    /// A text message with nothing else to it.
    pub fn plain(seq: Seq, at: Millis, sender: UserId, cid: Cid, text: &[u8]) -> MessageSeen {
        let text = Some(Fingerprint::of(text));
        MessageSeen { seq, at, sender, cid, text, version: 0, recalled: false, rest: 0 }
    }

    fn of(event: &Event, message: &NewMessage) -> MessageSeen {
        MessageSeen {
            seq: event.seq,
            at: event.at,
            sender: message.sender,
            cid: message.cid,
            text: message.text.as_ref().map(|text| Fingerprint::of(text.as_bytes())),
            version: message.edited.map_or(0, |edited| edited.version),
            recalled: message.recalled,
            rest: rest_of(message),
        }
    }
}

fn rest_of(message: &NewMessage) -> u64 {
    let plain = message.kind == MessageKind::Text
        && message.body.is_none()
        && message.reply_to.is_none()
        && message.mentions.is_empty();
    if plain {
        return 0;
    }
    let mentions = message.mentions.iter().map(|mention| match mention {
        Mention::User(user) => user.to_string(),
        Mention::All => "all".to_owned(),
    });
    let body = message.body.as_ref().map(ToString::to_string);
    let words =
        (message.kind as u8, body, message.reply_to, mentions.collect::<Vec<_>>().join(","));
    xxh3_64(format!("{words:?}").as_bytes()) | 1
}

/// What changed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `message_recalled`.
    Recall {
        /// The message.
        target: Seq,
    },
    /// `message_edited`.
    Edit {
        /// The message.
        target: Seq,
    },
    /// `reaction`.
    Reaction {
        /// The message.
        target: Seq,
    },
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Message(MessageSeen),
    /// The text is not part of the identity: a page shows the newest one.
    Edit {
        identity: u64,
        target: Seq,
        text: Option<Fingerprint>,
    },
    Change {
        identity: u64,
        change: Change,
    },
    Member {
        identity: u64,
        user: UserId,
        action: MemberAction,
    },
    Other {
        identity: u64,
    },
}

/// What stands where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) seq: Seq,
    pub(super) at: Millis,
    pub(super) what: What,
}

impl Seen {
    pub(super) fn of(event: &Event) -> Seen {
        let what = match &event.data {
            EventData::NewMessage(message) => What::Message(MessageSeen::of(event, message)),
            EventData::MessageEdited(edit) => What::Edit {
                identity: identity("edit", &(edit.target, edit.by, edit.version)),
                target: edit.target,
                text: edit.text.as_ref().map(|text| Fingerprint::of(text.as_bytes())),
            },
            EventData::MessageRecalled(recall) => What::Change {
                identity: identity("recall", recall),
                change: Change::Recall { target: recall.target },
            },
            EventData::Reaction(reaction) => What::Change {
                identity: identity("reaction", reaction),
                change: Change::Reaction { target: reaction.target },
            },
            EventData::MemberChanged(member) => What::Member {
                identity: identity("member", member),
                user: member.user,
                action: member.action,
            },
            other => What::Other { identity: identity(other.name(), other) },
        };
        Seen { seq: event.seq, at: event.at, what }
    }

    /// Whether it is the joining of `user`, before which he sees nothing.
    pub(super) fn is_joining_of(&self, user: UserId) -> bool {
        matches!(self.what, What::Member { user: who, action: MemberAction::Joined, .. } if who == user)
    }
}

/// Hash of what never changes about an event that is not a message.
fn identity(kind: &str, data: &impl std::fmt::Debug) -> u64 {
    xxh3_64(format!("{kind}{data:?}").as_bytes())
}

/// Hash of (user, cid): what never changes about a message, and how it is found.
pub(super) fn message_key(sender: UserId, cid: Cid) -> u64 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(sender.as_bytes());
    bytes[16..].copy_from_slice(cid.as_bytes());
    xxh3_64(&bytes)
}
