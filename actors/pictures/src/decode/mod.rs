//! From a file to pixels.
//!
//! Owns: which decoder reads what, with which bounds. Promises: no alpha is left (what is transparent is
//! on white), 16 bits are 8, the first picture of an animation is the picture. Does not: turn or
//! recolour; that is cheaper after the first resize.

mod baseline;
mod jpeg;
mod png;
mod webp;

use crate::colour::Space;
use crate::deadline::Deadline;
use crate::header::{self, Header, Kind};
use crate::limits::PROFILE_BYTES_MAX;
use crate::metadata;
use crate::pixels::Pixels;
use crate::refusal::Refusal;
use crate::ycc::Ycc;

/// A picture as it is stored, or already smaller.
#[derive(Debug)]
pub(crate) enum Picture {
    Stored(Pixels),
    Smaller(Ycc),
}

/// A picture and what is said of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) picture: Picture,
    pub(crate) space: Space,
    pub(crate) metadata: metadata::Metadata,
}

/// What a file has besides its pixels.
#[derive(Debug, Default)]
struct Extras {
    exif: Option<Vec<u8>>,
    profile: Option<Vec<u8>>,
}

/// `side` is what its longer side is needed for; a decoder may make use of it.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    side: u32,
    deadline: &Deadline,
) -> Result<Decoded, Refusal> {
    let stored = |(pixels, extras)| (Picture::Stored(pixels), extras);
    let (picture, extras) = match header.kind {
        Kind::Jpeg => {
            let contents = header::jpeg::contents(bytes)?;
            let extras = Extras { exif: contents.exif, profile: contents.profile };
            let picture = match baseline::decode(bytes, header, side, deadline)? {
                Some(smaller) => Picture::Smaller(smaller),
                None => Picture::Stored(jpeg::decode(bytes, header)?),
            };
            (picture, extras)
        }
        Kind::Png => {
            header::png::check(bytes)?;
            stored(png::decode(bytes, header, deadline)?)
        }
        Kind::Webp => {
            header::webp::check(bytes, header.width, header.height)?;
            stored(webp::decode(bytes, header, deadline)?)
        }
    };
    deadline.check()?;
    let read = metadata::read(extras.exif);
    let profile = extras.profile.filter(|profile| profile.len() <= PROFILE_BYTES_MAX);
    let space = match profile {
        Some(profile) => Space::Profile(profile),
        None if read.is_adobe_rgb => Space::AdobeRgb,
        None => Space::Srgb,
    };
    Ok(Decoded { picture, space, metadata: read.metadata })
}

/// A watermark's picture, with its transparency.
pub(crate) fn decode_rgba(bytes: &[u8], header: &Header) -> Result<Vec<u8>, Refusal> {
    header::png::check(bytes)?;
    png::decode_rgba(bytes, header)
}
