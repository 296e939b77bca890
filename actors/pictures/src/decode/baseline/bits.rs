//! Bits of entropy-coded data (T.81, F.2.2.5).
//!
//! Owns: taking out stuffed zeros. Promises: behind the end there are zeros, which the caller can ask about
//! afterwards; so no read can fail.

/// The next bits are the highest of `held`.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    /// Bits that were not there.
    missing: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, held: 0, count: 0, missing: 0 }
    }

    /// Afterwards there are at least 32.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(next) = self.data.get(self.at..self.at + 4) {
            let next = u32::from_be_bytes([next[0], next[1], next[2], next[3]]);
            // Whether one of the four bytes is 0xff, as a marker or a stuffed byte begins.
            let not = !next;
            if not.wrapping_sub(0x0101_0101) & !not & 0x8080_8080 == 0 {
                self.held |= (u64::from(next) << 32) >> self.count;
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.fill_bytes();
    }

    #[cold]
    fn fill_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), _) | (None, _) => {
                    self.missing += 8;
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, from 1 to 32, without taking them.
    #[inline(always)]
    pub(super) const fn peek(&self, count: u32) -> u32 {
        (self.held >> (64 - count)) as u32
    }

    /// At most what is there since the last `fill`.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.held <<= count;
        self.count -= count;
    }

    /// A signed number of `size` bits, from 1 to 15 (T.81, F.2.2.1).
    #[inline(always)]
    pub(super) fn number(&mut self, size: u32) -> i32 {
        let bits = self.peek(size) as i32;
        self.skip(size);
        if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits }
    }

    /// Goes on behind a restart marker. `false`: there is none where it should be.
    pub(super) fn restart(&mut self) -> bool {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let is_overrun = self.is_overrun();
        let begins = matches!(rest, [0xff, 0xd0..=0xd7, ..]);
        *self = Self { data: self.data, at: self.at + 2, held: 0, count: 0, missing: 0 };
        begins && !is_overrun
    }

    /// Whether more was taken than there was.
    pub(super) const fn is_overrun(&self) -> bool {
        self.missing > self.count
    }
}
