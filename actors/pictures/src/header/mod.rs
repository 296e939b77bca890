//! What an upload is, from its first bytes.
//!
//! Owns: telling JPEG, PNG and WebP by content, their sizes, and what decoding will need.
//! Promises: nothing is decoded and nothing is allocated for it. A file that claims another type than
//! it has, or more than [`Limits`] allow, is refused here.
//! Does not: promise that the rest can be decoded.

pub(crate) mod jpeg;
pub(crate) mod png;
mod sniff;
pub(crate) mod webp;

use crate::contain::contain;
use crate::limits::{HEAD_BYTES_MAX, Limits};
use crate::refusal::Refusal;

/// The types that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Jpeg,
    Png,
    Webp,
}

impl Kind {
    /// For `Content-Type`.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// A word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "a JPEG",
            Self::Png => "a PNG",
            Self::Webp => "a WebP",
        }
    }

    fn is_claimed_by(self, mime: &str) -> bool {
        let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        mime == self.mime()
            || (self == Self::Jpeg && ["image/jpg", "image/pjpeg"].contains(&&*mime))
    }
}

/// What the uploader says about the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claim<'a> {
    /// Its type; without one, whatever it is is fine.
    pub mime: Option<&'a str>,
    /// All its bytes. Fewer than were given here are taken as "these are all".
    pub bytes_total: u64,
}

/// What the header says. Sizes are as stored, before orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    pub width: u32,
    pub height: u32,
    /// An upper bound for what [`crate::process`] allocates at its peak, besides the file itself. For a
    /// pool that counts memory and not only jobs.
    pub memory_bytes: u64,
}

/// What is known so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspection {
    Known(Header),
    /// The size comes later in the file: ask again with more bytes (all from the beginning).
    More,
}

/// Reads the header. `first` begins at the beginning of the file; 64 kB are nearly always enough.
///
/// # Errors
/// All that can be told without decoding: [`Refusal::NotAPicture`], [`Refusal::OtherType`],
/// [`Refusal::TooLarge`], [`Refusal::Unsupported`], [`Refusal::Broken`], and [`Refusal::Truncated`] when
/// `first` is all there is.
pub fn inspect(first: &[u8], claim: &Claim<'_>, limits: &Limits) -> Result<Inspection, Refusal> {
    let bytes_total = claim.bytes_total.max(first.len() as u64);
    limits.check_bytes(bytes_total)?;
    let Some(kind) = sniff::kind(first)? else {
        return more(first, bytes_total);
    };
    if let Some(mime) = claim.mime.filter(|mime| !kind.is_claimed_by(mime)) {
        let declared = mime.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(Refusal::OtherType { found: kind.name(), declared });
    }
    let size = contain(|| match kind {
        Kind::Jpeg => jpeg::size(first),
        Kind::Png => png::size(first),
        Kind::Webp => webp::size(first),
    })?;
    let Some(size) = size else { return more(first, bytes_total) };
    limits.check_size(size.width, size.height)?;
    let memory_bytes = size.memory_bytes();
    limits.check_memory(memory_bytes)?;
    Ok(Inspection::Known(Header { kind, width: size.width, height: size.height, memory_bytes }))
}

fn more(first: &[u8], bytes_total: u64) -> Result<Inspection, Refusal> {
    match first.len() {
        len if len as u64 >= bytes_total => Err(Refusal::Truncated),
        len if len > HEAD_BYTES_MAX => Err(Refusal::Broken),
        _ => Ok(Inspection::More),
    }
}

/// What a format's reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// What the decoder holds for each pixel at its peak, in bytes.
    pub(crate) pixel_bytes: u32,
}

impl Size {
    /// The decoded picture, one pass of the resize (the largest variant's width, all rows), and the variants with their JPEGs.
    fn memory_bytes(self) -> u64 {
        const VARIANTS: u64 = 2048 * 2048 * 3 * 4;
        let pixels = u64::from(self.width) * u64::from(self.height);
        let pass = u64::from(self.width.min(2048)) * u64::from(self.height) * 3;
        pixels * u64::from(self.pixel_bytes) + pass + VARIANTS.min(pixels * 12) + (1 << 20)
    }
}
