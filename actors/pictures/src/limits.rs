//! Bounds that are checked against the header, before anything is decoded.
//!
//! Owns: the numbers. Does not: know how to read a header.

use crate::refusal::{Excess, Refusal};

/// What is taken. All bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The file.
    pub bytes_max: u64,
    /// Each side.
    pub side_max: u32,
    /// Width times height.
    pub pixels_max: u64,
    /// What decoding needs at its peak, by [`crate::Header::memory_bytes`].
    pub memory_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 50_000_000,
            side_max: 30_000,
            pixels_max: 100_000_000,
            memory_bytes_max: 800_000_000,
        }
    }
}

/// Scans of a progressive JPEG. Encoders write about ten; a file of a few hundred bytes per scan could
/// otherwise make the decoder visit all its pixels thousands of times.
pub(crate) const SCANS_MAX: usize = 64;

/// Where a picture's size must be known: cameras put up to a few megabytes of previews before it.
pub(crate) const HEAD_BYTES_MAX: usize = 8 << 20;

/// A colour profile; those for printers have up to about 2 MB.
pub(crate) const PROFILE_BYTES_MAX: usize = 4 << 20;

/// EXIF; a JPEG has at most 64 kB of it.
pub(crate) const EXIF_BYTES_MAX: usize = 1 << 20;

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: u64) -> Result<(), Refusal> {
        check(Excess::Bytes, bytes, self.bytes_max)
    }

    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(Refusal::Broken);
        }
        check(Excess::Side, width.max(height).into(), self.side_max.into())?;
        check(Excess::Pixels, u64::from(width) * u64::from(height), self.pixels_max)
    }

    pub(crate) fn check_memory(&self, bytes: u64) -> Result<(), Refusal> {
        check(Excess::Memory, bytes, self.memory_bytes_max)
    }
}

fn check(what: Excess, value: u64, max: u64) -> Result<(), Refusal> {
    if value > max { Err(Refusal::TooLarge { what, value, max }) } else { Ok(()) }
}
