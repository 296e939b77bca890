//! What viewers get.
//!
//! Owns: the encoder's settings. Promises: a JPEG with no metadata at all; without a profile it is sRGB.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::pixels::Pixels;
use crate::refusal::Refusal;

/// `pixels` are RGB.
pub(crate) fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Refusal> {
    let side = |length: u32| u16::try_from(length).map_err(|_| Refusal::Broken);
    // About a bit per pixel, so that it is not moved while it grows.
    let mut jpeg = Vec::with_capacity(pixels.pixels() / 6 + 1024);
    let mut encoder = Encoder::new(&mut jpeg, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder
        .encode(&pixels.data, side(pixels.width)?, side(pixels.height)?, ColorType::Rgb)
        .map_err(|_| Refusal::Broken)?;
    jpeg.shrink_to_fit();
    Ok(jpeg)
}
