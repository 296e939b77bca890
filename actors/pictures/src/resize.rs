//! Smaller pictures.
//!
//! Owns: which size fits, and the filter. Promises: never larger than it was, never smaller than 1 pixel.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::pixels::Pixels;
use crate::refusal::Refusal;

/// The size whose longer side is at most `side`.
pub(crate) fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height));
    if longer <= u64::from(side) {
        return (width, height);
    }
    let scale = |length: u32| {
        let scaled = (u64::from(length) * u64::from(side) + longer / 2) / longer;
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    (scale(width), scale(height))
}

/// `None`: it is small enough.
pub(crate) fn shrink(from: &Pixels, side: u32) -> Result<Option<Pixels>, Refusal> {
    let (width, height) = fit(from.width, from.height, side);
    if (width, height) == (from.width, from.height) {
        return Ok(None);
    }
    shrink_to(from, width, height).map(Some)
}

pub(crate) fn shrink_to(from: &Pixels, width: u32, height: u32) -> Result<Pixels, Refusal> {
    part_to(from, f64::from(from.width), f64::from(from.height), width, height)
}

/// From the part at the top left, whose size may end within a pixel.
pub(crate) fn part_to(
    from: &Pixels,
    part_width: f64,
    part_height: f64,
    width: u32,
    height: u32,
) -> Result<Pixels, Refusal> {
    let kind = if from.channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let source = ImageRef::new(from.width, from.height, &from.data, kind);
    let source = source.map_err(|_| Refusal::Broken)?;
    let mut target = Image::new(width, height, kind);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, part_width, part_height);
    Resizer::new().resize(&source, &mut target, &options).map_err(|_| Refusal::Broken)?;
    Ok(Pixels { width, height, channels: from.channels, data: target.into_vec() })
}
