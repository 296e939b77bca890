//! Bytes that are read from front to back.
//!
//! Owns      the position, and what both encodings have in common.
//! Promises  nothing is consumed twice, nothing beyond the end is looked at.
//! Does not  allocate.

use uuid::Uuid;

/// A UUID in its canonical text.
const UUID_CHARS: usize = 36;

pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Scan { bytes, at: 0 }
    }

    /// Steps over exactly these bytes.
    #[inline]
    pub(super) fn literal(&mut self, expected: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..self.at + expected.len())?;
        if found != expected {
            return None;
        }
        self.at += expected.len();
        Some(())
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    #[inline]
    pub(super) fn uuid(&mut self) -> Option<Uuid> {
        Uuid::try_parse_ascii(self.take(UUID_CHARS)?).ok()
    }

    /// Nothing comes behind.
    #[inline]
    pub(super) fn end(&self) -> Option<()> {
        (self.at == self.bytes.len()).then_some(())
    }
}
