//! What waits to be written.
//!
//! Owns      the pending segments of all sockets of a worker, as linked lists in one arena.
//! Promises  queueing a segment allocates nothing in the steady state; a socket with nothing pending
//!           holds no memory here; shared bytes stay shared.
//! Does not  write, and does not know frames: a segment is some whole frames in one `Bytes`.

use bytes::{Buf, Bytes};
use slab::Slab;

/// Segments of one socket. Sockets that get only tiny frames and do not read are cut by this number
/// and not by their bytes: a segment costs 48 bytes of bookkeeping, here at most 768 KiB.
pub(super) const SEGMENTS_MAX: u32 = 16 * 1024;

/// Above this number of unused places the arena is given back when nothing is pending.
const SPARE_SEGMENTS_MAX: usize = 1024;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Segment {
    bytes: Bytes,
    next: u32,
}

/// One socket's list. Plain data, so that a socket can keep it in a `Cell`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outbox {
    first: u32,
    last: u32,
    segments: u32,
    /// The first segment has been written in part. What remains of it has to go out before anything
    /// else may, or the peer would see a torn frame.
    begun: bool,
    bytes: usize,
}

impl Outbox {
    pub(super) const EMPTY: Outbox =
        Outbox { first: NONE, last: NONE, segments: 0, begun: false, bytes: 0 };

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn segments(&self) -> u32 {
        self.segments
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments == 0
    }

    /// Says that something in front of the first segment is already with the peer.
    pub(super) fn mark_begun(&mut self) {
        self.begun = !self.is_empty();
    }
}

/// The arena.
#[derive(Debug)]
pub(super) struct Segments(Slab<Segment>);

impl Segments {
    pub(super) fn new() -> Self {
        Segments(Slab::new())
    }

    pub(super) fn push(&mut self, outbox: &mut Outbox, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        outbox.bytes += bytes.len();
        outbox.segments += 1;
        // A slab of 2^32 places of 48 bytes does not fit into any machine.
        let place = self.0.insert(Segment { bytes, next: NONE }) as u32;
        match self.0.get_mut(outbox.last as usize) {
            Some(last) if outbox.segments > 1 => last.next = place,
            _ => outbox.first = place,
        }
        outbox.last = place;
    }

    /// Takes `written` bytes off the front.
    pub(super) fn advance(&mut self, outbox: &mut Outbox, mut written: usize) {
        while written > 0 && !outbox.is_empty() {
            let first = &mut self.0[outbox.first as usize];
            if written < first.bytes.len() {
                first.bytes.advance(written);
                outbox.bytes -= written;
                outbox.begun = true;
                return;
            }
            written -= first.bytes.len();
            self.pop(outbox);
        }
    }

    /// Drops everything that can be dropped without tearing a frame: all but a begun first segment.
    pub(super) fn clear_unbegun(&mut self, outbox: &mut Outbox) {
        let begun = outbox.begun.then(|| self.pop(outbox));
        self.clear(outbox);
        if let Some(rest) = begun {
            self.push(outbox, rest);
            outbox.begun = true;
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, outbox: &mut Outbox) {
        while !outbox.is_empty() {
            self.pop(outbox);
        }
    }

    /// What is pending, in order.
    pub(super) fn iter(&self, outbox: &Outbox) -> impl Iterator<Item = &Bytes> {
        let mut next = outbox.first;
        std::iter::from_fn(move || {
            let segment = self.0.get(next as usize)?;
            next = segment.next;
            Some(&segment.bytes)
        })
    }

    /// Gives the memory of a past storm back, once nothing is pending.
    pub(super) fn shrink(&mut self) {
        if self.0.is_empty() && self.0.capacity() > SPARE_SEGMENTS_MAX {
            self.0 = Slab::new();
        }
    }

    fn pop(&mut self, outbox: &mut Outbox) -> Bytes {
        let segment = self.0.remove(outbox.first as usize);
        outbox.bytes -= segment.bytes.len();
        outbox.segments -= 1;
        outbox.begun = false;
        outbox.first = segment.next;
        if outbox.segments == 0 {
            *outbox = Outbox::EMPTY;
        }
        segment.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(segments: &Segments, outbox: &Outbox) -> Vec<u8> {
        segments.iter(outbox).flatten().copied().collect()
    }

    #[test]
    fn two_lists_share_the_arena_and_keep_their_order() {
        let mut segments = Segments::new();
        let (mut a, mut b) = (Outbox::EMPTY, Outbox::EMPTY);
        for part in ["ab", "", "cde", "f"] {
            segments.push(&mut a, Bytes::from_static(part.as_bytes()));
            segments.push(&mut b, Bytes::from(part.to_uppercase()));
        }
        assert_eq!((a.bytes(), a.segments()), (6, 3));
        segments.advance(&mut a, 3);
        assert_eq!(pending(&segments, &a), b"def");
        assert_eq!(pending(&segments, &b), b"ABCDEF");
        segments.advance(&mut a, 3);
        assert!(a.is_empty());
        segments.push(&mut a, Bytes::from_static(b"again"));
        assert_eq!(pending(&segments, &a), b"again");
        segments.clear(&mut b);
        assert_eq!((b.bytes(), segments.0.len()), (0, 1));
    }

    #[test]
    fn a_begun_segment_survives_the_clearing() {
        let mut segments = Segments::new();
        let mut untouched = Outbox::EMPTY;
        let mut outbox = Outbox::EMPTY;
        for part in ["first", "second"] {
            segments.push(&mut untouched, Bytes::from_static(part.as_bytes()));
            segments.push(&mut outbox, Bytes::from_static(part.as_bytes()));
        }
        segments.clear_unbegun(&mut untouched);
        assert!(untouched.is_empty());

        segments.advance(&mut outbox, 2);
        segments.clear_unbegun(&mut outbox);
        assert_eq!(pending(&segments, &outbox), b"rst");
        segments.advance(&mut outbox, 3);
        assert!(segments.0.is_empty());
    }

    #[test]
    fn the_arena_of_a_storm_is_given_back() {
        let mut segments = Segments::new();
        let mut outbox = Outbox::EMPTY;
        for _ in 0..SPARE_SEGMENTS_MAX + 1 {
            segments.push(&mut outbox, Bytes::from_static(b"x"));
        }
        segments.shrink();
        assert_eq!(segments.0.len(), SPARE_SEGMENTS_MAX + 1);
        segments.clear(&mut outbox);
        segments.shrink();
        assert_eq!(segments.0.capacity(), 0);
    }
}
