//! Why a picture (or a watermark) is not taken.
//!
//! Owns: the one error of this crate, by what the caller can do, with a text for the user.
//! Does not: repeat what a decoder said; it is of no use to a photographer, and may quote the file.

use thiserror::Error;

/// What was too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The file, in bytes.
    Bytes,
    /// The longer side, in pixels.
    Side,
    /// Width times height.
    Pixels,
    /// The memory that decoding would need, in bytes (a progressive JPEG or a WebP needs more).
    Memory,
}

/// Why not. Display is a sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not a JPEG, PNG or WebP; `found` is a word for what it seems to be. Export it as one of these.
    #[error("This is {found}; please send a JPEG, PNG or WebP picture.")]
    NotAPicture { found: &'static str },
    /// It is a picture, but not of the type that was declared. Send it as what it is.
    #[error("This is {found}, not the {declared} it is said to be.")]
    OtherType { found: &'static str, declared: String },
    /// Beyond a bound of [`crate::Limits`]. Send a smaller one.
    #[error("This picture is too large: {value} {} (at most {max}).", .what.unit())]
    TooLarge { what: Excess, value: u64, max: u64 },
    /// The file ends too early. Export or copy it again.
    #[error("This picture is incomplete: the file ends too early.")]
    Truncated,
    /// A kind of JPEG, PNG or WebP that nearly nobody writes. Export it in another way.
    #[error("This kind of picture is not supported ({what}); please export it again.")]
    Unsupported { what: &'static str },
    /// It cannot be decoded.
    #[error("This picture is damaged and cannot be read.")]
    Broken,
    /// The deadline passed. Later, or on a machine with less to do, it may work.
    #[error("This picture took too long to process.")]
    Late,
    /// The caller's own wish ([`crate::Deadline::cancel`]).
    #[error("The processing of this picture was cancelled.")]
    Cancelled,
    /// The watermark's font cannot be read, or is not a TrueType or OpenType font.
    #[error("The watermark's font cannot be read.")]
    BadFont,
    /// The watermark's font has no glyph for these characters (the first few), or the text is empty
    /// or too long.
    #[error("The watermark's font cannot write “{missing}”.")]
    BadText { missing: String },
}

impl Excess {
    const fn unit(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Side => "pixels on its longer side",
            Self::Pixels => "pixels",
            Self::Memory => "bytes of memory to decode it",
        }
    }
}

impl Refusal {
    /// Whether the same bytes may be taken at another time.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Late | Self::Cancelled)
    }
}
