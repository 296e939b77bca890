//! The newest frames of a room, as they came first.
//!
//! Owns      a ring of frames by seq.
//! Promises  whether a frame is the same as the one that came before is one comparison of bytes; a
//!           frame that fell out of the ring is not found, never mistaken.
//! Does not  allocate once its entries have reached their size.

use salon_protocol::Seq;

/// The number of a message that is not ours.
pub(super) const NOT_OURS: u32 = u32::MAX;

const FRAMES_MIN: usize = 32;
const FRAMES_MAX: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    seq: Seq,
    bytes: Vec<u8>,
    /// The message's number.
    pub(super) number: u32,
    /// Index of its sender.
    pub(super) sender: u32,
    /// When it was to be sent.
    pub(super) sent_ns: u64,
}

#[derive(Debug)]
pub(super) struct Recent {
    frames: Vec<Frame>,
}

impl Recent {
    /// For a room in which so many messages may be under way.
    pub(super) fn new(under_way_max: u32) -> Self {
        let frames = (under_way_max as usize * 4).next_power_of_two();
        Recent { frames: vec![Frame::default(); frames.clamp(FRAMES_MIN, FRAMES_MAX)] }
    }

    /// The frame at `seq`, if it is the same.
    #[inline]
    pub(super) fn same(&self, seq: Seq, bytes: &[u8]) -> Option<&Frame> {
        let frame = &self.frames[seq as usize & (self.frames.len() - 1)];
        (frame.seq == seq && frame.bytes == bytes).then_some(frame)
    }

    /// Keeps a frame, unless a newer one has its place.
    pub(super) fn keep(&mut self, seq: Seq, bytes: &[u8], number: u32, sender: u32, sent_ns: u64) {
        let mask = self.frames.len() - 1;
        let frame = &mut self.frames[seq as usize & mask];
        if frame.seq < seq {
            frame.bytes.clear();
            frame.bytes.extend_from_slice(bytes);
            (frame.seq, frame.number) = (seq, number);
            (frame.sender, frame.sent_ns) = (sender, sent_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_at_the_same_place_are_the_same() {
        let mut recent = Recent::new(1);
        assert!(recent.same(5, b"five").is_none());
        recent.keep(5, b"five", 1, 2, 3);
        assert!(recent.same(5, b"five").is_some_and(|frame| frame.number == 1));
        assert!(recent.same(5, b"fife").is_none());
        assert!(recent.same(6, b"five").is_none());
        let far = 5 + FRAMES_MIN as Seq;
        recent.keep(far, b"later", 9, 2, 3);
        assert!(recent.same(5, b"five").is_none());
        recent.keep(5, b"five", 1, 2, 3);
        assert!(recent.same(far, b"later").is_some(), "an old frame takes nobody's place");
    }
}
