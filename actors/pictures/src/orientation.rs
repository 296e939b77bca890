//! How a camera was held.
//!
//! Owns: the eight orientations of EXIF (tag 0x0112; CIPA DC-008, 4.6.5) and applying them.
//! Promises: an unknown number is [`Orientation::Upright`].

use serde::{Deserialize, Serialize};

use crate::pixels::Pixels;

/// What must be done to the stored pixels to see the picture upright. Numbered as in EXIF.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Orientation {
    #[default]
    Upright = 1,
    MirrorHorizontal = 2,
    Rotate180 = 3,
    MirrorVertical = 4,
    Transpose = 5,
    Rotate90 = 6,
    Transverse = 7,
    Rotate270 = 8,
}

impl Orientation {
    /// By EXIF's number.
    #[must_use]
    pub const fn from_exif(number: u32) -> Self {
        match number {
            2 => Self::MirrorHorizontal,
            3 => Self::Rotate180,
            4 => Self::MirrorVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn is_turned(self) -> bool {
        self as u8 >= Self::Transpose as u8
    }

    /// The size that people see.
    #[must_use]
    pub const fn of_size(self, width: u32, height: u32) -> (u32, u32) {
        if self.is_turned() { (height, width) } else { (width, height) }
    }

    /// The stored place of what is seen at `(x, y)`, in a stored picture whose last column and row these are.
    const fn source(self, x: usize, y: usize, right: usize, bottom: usize) -> (usize, usize) {
        match self {
            Self::Upright => (x, y),
            Self::MirrorHorizontal => (right - x, y),
            Self::Rotate180 => (right - x, bottom - y),
            Self::MirrorVertical => (x, bottom - y),
            Self::Transpose => (y, x),
            Self::Rotate90 => (y, bottom - x),
            Self::Transverse => (right - y, bottom - x),
            Self::Rotate270 => (right - y, x),
        }
    }

    pub(crate) fn apply(self, pixels: Pixels) -> Pixels {
        match (self, pixels.channels) {
            (Self::Upright, _) => pixels,
            (_, 1) => self.move_pixels::<1>(&pixels),
            _ => self.move_pixels::<3>(&pixels),
        }
    }

    fn move_pixels<const N: usize>(self, from: &Pixels) -> Pixels {
        /// Squares whose source and target both stay in the cache.
        const TILE: usize = 32;
        let (width, height) = self.of_size(from.width, from.height);
        let mut to = Pixels::new(width, height, N);
        let (width, height) = (width as usize, height as usize);
        let stride = from.width as usize;
        let (right, bottom) = (stride - 1, from.height as usize - 1);
        let (source, _) = from.data.as_chunks::<N>();
        let (target, _) = to.data.as_chunks_mut::<N>();
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                for y in top..height.min(top + TILE) {
                    for x in left..width.min(left + TILE) {
                        let (sx, sy) = self.source(x, y, right, bottom);
                        target[y * width + x] = source[sy * stride + sx];
                    }
                }
            }
        }
        to
    }
}
