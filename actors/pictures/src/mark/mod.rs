//! Watermarks.
//!
//! Owns: a mark (text or picture), its placement, and putting it on a variant. Promises: rendered once for
//! each size of variant, and kept for the next picture. Does not: touch originals; look for fonts.

mod stamp;
mod text;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::contain::contain;
use crate::decode;
use crate::header::{Claim, Inspection, Kind, inspect};
use crate::limits::Limits;
use crate::pixels::Pixels;
use crate::refusal::Refusal;
use stamp::Stamp;
use text::Face;

/// Where a mark is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    TopLeft,
    TopRight,
    BottomLeft,
    #[default]
    BottomRight,
    Centre,
    /// All over the picture; a text goes upwards.
    Tiled,
}

/// A watermark. Make it once for a session, and share it.
pub struct Mark {
    source: Source,
    placement: Placement,
    /// 0 to 255.
    opacity: u8,
    /// Of the picture's longer side.
    size_permille: u32,
    rendered: Mutex<Vec<(u32, Arc<Stamp>)>>,
}

enum Source {
    Text(Face),
    Picture(Stamp),
}

/// Sizes whose stamps are kept. A session's pictures have few: portrait and landscape have the same.
const RENDERED_MAX: usize = 6;
/// A mark is not a picture.
const MARK_SIDE_MAX: u32 = 4096;
/// What is free between a mark and the edge, of the longer side.
const MARGIN_PERMILLE: u32 = 20;

impl Mark {
    /// A line of text in white with a thin shadow. `font` is the bytes of a TrueType or OpenType font, or of a
    /// collection (its first face); characters are placed one after another, which is right for Latin, Greek,
    /// Cyrillic, Chinese, Japanese and Korean, and not for scripts that join letters.
    ///
    /// # Errors
    /// [`Refusal::BadFont`], [`Refusal::BadText`].
    pub fn text(text: &str, font: Vec<u8>) -> Result<Self, Refusal> {
        contain(|| Face::new(text, font).map(Source::Text))
            .map_err(|error| if error == Refusal::Broken { Refusal::BadFont } else { error })
            .map(Self::new)
    }

    /// A PNG, with its transparency; sides of at most 4096 pixels.
    ///
    /// # Errors
    /// As [`crate::process`]; [`Refusal::NotAPicture`] or [`Refusal::OtherType`] for anything but a PNG.
    pub fn picture(png: &[u8]) -> Result<Self, Refusal> {
        let limits = Limits {
            side_max: MARK_SIDE_MAX,
            pixels_max: u64::from(MARK_SIDE_MAX * MARK_SIDE_MAX / 4),
            ..Limits::default()
        };
        let claim = Claim { mime: Some(Kind::Png.mime()), bytes_total: png.len() as u64 };
        let Inspection::Known(header) = inspect(png, &claim, &limits)? else {
            return Err(Refusal::Truncated);
        };
        let rgba = contain(|| decode::decode_rgba(png, &header))?;
        Ok(Self::new(Source::Picture(Stamp { width: header.width, height: header.height, rgba })))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            placement: Placement::default(),
            opacity: 128,
            size_permille: 250,
            rendered: Mutex::default(),
        }
    }

    /// Bottom right, if it is not said.
    #[must_use]
    pub fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self.forget()
    }

    /// In percent, from 1 to 100; 50 if it is not said.
    #[must_use]
    pub fn opaque(mut self, percent: u8) -> Self {
        let percent = u16::from(percent.clamp(1, 100));
        self.opacity = u8::try_from(percent * 255 / 100).unwrap_or(u8::MAX);
        self
    }

    /// The mark's longer side in percent of the picture's, from 2 to 100; 25 if it is not said.
    #[must_use]
    pub fn sized(mut self, percent: u8) -> Self {
        self.size_permille = u32::from(percent.clamp(2, 100)) * 10;
        self.forget()
    }

    fn forget(self) -> Self {
        Self { rendered: Mutex::default(), ..self }
    }

    /// On an RGB picture.
    pub(crate) fn put_on(&self, pixels: &mut Pixels) -> Result<(), Refusal> {
        let longer = pixels.width.max(pixels.height);
        let stamp = self.stamp(longer)?;
        let margin = longer * MARGIN_PERMILLE / 1000;
        if self.placement == Placement::Tiled {
            stamp.tile(pixels, self.opacity);
            return Ok(());
        }
        let (left, top) = match self.placement {
            Placement::TopLeft => (false, false),
            Placement::TopRight => (true, false),
            Placement::BottomLeft => (false, true),
            _ => (true, true),
        };
        let place = |far: bool, length: u32, mark: u32| {
            let room = i64::from(length) - i64::from(mark);
            match (self.placement, far) {
                (Placement::Centre, _) => room / 2,
                (_, false) => i64::from(margin).min(room.max(0)),
                (_, true) => (room - i64::from(margin)).max(0),
            }
        };
        let x = place(left, pixels.width, stamp.width);
        let y = place(top, pixels.height, stamp.height);
        stamp.blend(pixels, x, y, self.opacity);
        Ok(())
    }

    /// For pictures of a size, made now or before.
    fn stamp(&self, longer: u32) -> Result<Arc<Stamp>, Refusal> {
        let find = |list: &[(u32, Arc<Stamp>)]| {
            list.iter().find(|(size, _)| *size == longer).map(|(_, stamp)| stamp.clone())
        };
        let lock = || self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stamp) = find(&lock()) {
            return Ok(stamp);
        }
        let side = (longer * self.size_permille / 1000).max(1);
        let stamp = Arc::new(match &self.source {
            Source::Text(face) => face.render(side, self.placement == Placement::Tiled)?,
            Source::Picture(picture) => picture.scaled(side)?,
        });
        let mut rendered = lock();
        if rendered.len() >= RENDERED_MAX {
            rendered.remove(0);
        }
        rendered.push((longer, stamp.clone()));
        Ok(stamp)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source {
            Source::Text(_) => "text",
            Source::Picture(_) => "picture",
        };
        f.debug_struct("Mark").field("kind", &kind).field("placement", &self.placement).finish()
    }
}
