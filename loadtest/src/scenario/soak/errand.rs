//! What a device asks of the server.
//!
//! Owns      the kinds of request, and what each expects of its answer.
//! Promises  a request that changes something is repeated until it is answered, with the same cid
//!           where it has one.
//! Does not  write or read frames.

use salon_protocol::{Cid, ErrorCode, Seq};

use crate::oracle::Moment;

/// A request. Rooms are indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Send {
        room: u32,
        cid: Cid,
        number: u32,
        /// Takes the message back in the instant in which it is acknowledged.
        recall_at_once: bool,
    },
    Edit {
        room: u32,
        target: Seq,
        cid: Cid,
        number: u32,
    },
    Recall {
        room: u32,
        target: Seq,
    },
    React {
        room: u32,
        target: Seq,
        emoji: &'static str,
    },
    Read {
        room: u32,
        seq: Seq,
    },
    /// A look back.
    Page {
        room: u32,
        before: Option<Seq>,
    },
    /// A page of a room that is too far behind.
    CatchUp {
        room: u32,
        after: Seq,
    },
    Typing {
        room: u32,
    },
    Delivered,
    Conversations,
}

impl Errand {
    /// The frame type.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Errand::Send { .. } => "send_message",
            Errand::Edit { .. } => "message_edit",
            Errand::Recall { .. } => "message_recall",
            Errand::React { .. } => "react",
            Errand::Read { .. } => "message_read",
            Errand::Page { .. } | Errand::CatchUp { .. } => "history",
            Errand::Typing { .. } => "typing",
            Errand::Delivered => "message_delivered",
            Errand::Conversations => "conversations",
        }
    }

    /// Whether it has to be done, however often the connection is lost.
    pub(super) const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Errand::Send { .. }
                | Errand::Edit { .. }
                | Errand::Recall { .. }
                | Errand::React { .. }
        )
    }

    /// Whether this refusal can come from a server that is right: somebody else was quicker, or the
    /// time for it is over.
    pub(super) const fn allows(&self, code: ErrorCode) -> bool {
        match self {
            Errand::Edit { .. } => matches!(code, ErrorCode::Conflict | ErrorCode::Gone),
            Errand::React { .. } => matches!(code, ErrorCode::Conflict | ErrorCode::Gone),
            Errand::Recall { .. } => matches!(code, ErrorCode::Gone),
            _ => false,
        }
    }
}

/// An errand on its way.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) errand: Errand,
    /// When it was to be sent first.
    pub(super) due_ns: u64,
    /// When it was sent last.
    pub(super) sent_ns: u64,
    /// How often it was sent.
    pub(super) tries: u32,
    /// What was known when it was sent last.
    pub(super) asked: Moment,
}

impl Order {
    pub(super) fn new(errand: Errand, due_ns: u64) -> Order {
        Order { errand, due_ns, sent_ns: 0, tries: 0, asked: Moment::default() }
    }
}
