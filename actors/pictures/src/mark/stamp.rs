//! A mark in its final size.
//!
//! Owns: RGBA pixels, and blending them. Promises: whatever does not fit on the picture is cut off.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};

use crate::pixels::Pixels;
use crate::refusal::Refusal;

/// Straight alpha, four bytes per pixel.
#[derive(Debug)]
pub(super) struct Stamp {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgba: Vec<u8>,
}

impl Stamp {
    /// To a longer side, also upwards: the photographer said how large it is.
    pub(super) fn scaled(&self, side: u32) -> Result<Self, Refusal> {
        let longer = u64::from(self.width.max(self.height));
        let scale = |length: u32| {
            u32::try_from(u64::from(length) * u64::from(side) / longer).unwrap_or(side).max(1)
        };
        let (width, height) = (scale(self.width), scale(self.height));
        let source = ImageRef::new(self.width, self.height, &self.rgba, PixelType::U8x4);
        let source = source.map_err(|_| Refusal::Broken)?;
        let mut target = Image::new(width, height, PixelType::U8x4);
        Resizer::new().resize(&source, &mut target, None).map_err(|_| Refusal::Broken)?;
        Ok(Self { width, height, rgba: target.into_vec() })
    }

    /// With its top left corner at `(x, y)`, which may be outside.
    pub(super) fn blend(&self, pixels: &mut Pixels, x: i64, y: i64, opacity: u8) {
        // The part of a row or column that is on the picture.
        let part = |at: i64, mark: u32, length: u32| {
            let end = (i64::from(length) - at).clamp(0, i64::from(mark));
            let start = (-at).clamp(0, end);
            usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
        };
        let columns = part(x, self.width, pixels.width);
        let rows = part(y, self.height, pixels.height);
        let index = |at: i64, start: usize| usize::try_from(at + start as i64).unwrap_or(0);
        let (left, top) = (index(x, columns.start), index(y, rows.start));
        let (width, stride) = (self.width as usize, pixels.width as usize * 3);
        for (line, row) in rows.enumerate() {
            let mark =
                &self.rgba[4 * (row * width + columns.start)..4 * (row * width + columns.end)];
            let start = (top + line) * stride + left * 3;
            let target = &mut pixels.data[start..start + columns.len() * 3];
            let colours = target.as_chunks_mut::<3>().0.iter_mut();
            for (colour, &[r, g, b, a]) in colours.zip(mark.as_chunks::<4>().0) {
                if a == 0 {
                    continue;
                }
                let alpha = u32::from(a) * u32::from(opacity);
                for (sample, mark) in colour.iter_mut().zip([r, g, b]) {
                    let (below, above) = (u32::from(*sample), u32::from(mark));
                    let sum = below * (255 * 255 - alpha) + above * alpha + 255 * 255 / 2;
                    *sample = u8::try_from(sum / (255 * 255)).unwrap_or(u8::MAX);
                }
            }
        }
    }

    /// All over, every second row shifted by half.
    pub(super) fn tile(&self, pixels: &mut Pixels, opacity: u8) {
        let step_x = i64::from(self.width) * 3 / 2 + 1;
        let step_y = i64::from(self.height) * 3 / 2 + 1;
        let (width, height) = (i64::from(pixels.width), i64::from(pixels.height));
        let mut shift = 0;
        let mut y = 0;
        while y < height {
            let mut x = -shift;
            while x < width {
                self.blend(pixels, x, y, opacity);
                x += step_x;
            }
            y += step_y;
            shift = step_x / 2 - shift;
        }
    }
}
