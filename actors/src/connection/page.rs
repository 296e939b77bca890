//! A page of a log on its way to sockets: encoded once per encoding, in pieces that they share.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use salon_protocol::event::MemberAction;
use salon_protocol::{Encoding, Event, EventData, Seq, UserId, codec};
use salon_storage::model::{LogPage, UserKey};

use crate::publish::BATCH_BYTES_MAX;

/// A page while it is delivered.
#[derive(Debug)]
pub(super) struct Page {
    page: Arc<LogPage>,
    /// As all see it, by [`Encoding::index`].
    frames: [Option<Arc<Frames>>; 2],
    /// Who goes in it, and where.
    goings: Vec<(Seq, UserId)>,
}

impl Page {
    pub(super) fn new(page: Arc<LogPage>) -> Self {
        let goings = page.events.iter().filter_map(going).collect();
        Page { page, frames: [None, None], goings }
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.page.events
    }

    /// The first going of a user above a position.
    pub(super) fn going_of(&self, user: UserId, above: Seq) -> Option<Seq> {
        let of_user = |(seq, gone): &&(Seq, UserId)| *gone == user && *seq > above;
        self.goings.iter().find(of_user).map(|(seq, _)| *seq)
    }

    /// The frames for one of the viewers.
    pub(super) fn frames(&mut self, viewer: UserKey, encoding: Encoding) -> Arc<Frames> {
        if let Some(events) = self.page.seen_by(viewer) {
            return Arc::new(Frames::of(&events, encoding));
        }
        let (frames, events) = (&mut self.frames[encoding.index()], &self.page.events);
        frames.get_or_insert_with(|| Arc::new(Frames::of(events, encoding))).clone()
    }
}

fn going(event: &Event) -> Option<(Seq, UserId)> {
    use MemberAction::{Kicked, Left};
    match &event.data {
        EventData::MemberChanged(change) if matches!(change.action, Left | Kicked) => {
            Some((event.seq, change.user))
        }
        _ => None,
    }
}

/// Events in one encoding, framed.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Of many frames each, small beside a socket's backlog.
    pieces: Vec<Bytes>,
    /// Where each event's frame is: in which piece, and where there it begins and ends.
    places: Vec<(usize, usize, usize)>,
}

impl Frames {
    fn of(events: &[Event], encoding: Encoding) -> Self {
        let mut frames = Frames::default();
        let mut piece = BytesMut::new();
        for event in events {
            let frame = codec::event(encoding, event);
            let begin = piece.len();
            piece.extend_from_slice(&frame);
            frames.places.push((frames.pieces.len(), begin, piece.len()));
            if piece.len() >= BATCH_BYTES_MAX {
                frames.pieces.push(std::mem::take(&mut piece).freeze());
            }
        }
        frames.pieces.push(piece.freeze());
        frames
    }

    /// The frames of some of the events, in few pieces, each with its last event's place.
    pub(super) fn pieces(&self, events: Range<usize>) -> impl Iterator<Item = (usize, Bytes)> {
        let places = self.places.get(events.clone()).unwrap_or_default();
        let mut last = events.start;
        places.chunk_by(|one, other| one.0 == other.0).filter_map(move |run| {
            let (&(piece, begin, _), &(_, _, end)) = (run.first()?, run.last()?);
            last += run.len();
            Some((last - 1, self.pieces.get(piece)?.slice(begin..end)))
        })
    }
}
