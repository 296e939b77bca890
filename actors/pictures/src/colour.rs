//! Colours that every screen understands.
//!
//! Owns: turning what a profile (ICC.1) describes into sRGB. Promises: a profile that is broken, absurd
//! or for another kind of picture is as none, and none is sRGB. Does not: convert CMYK by its profile;
//! cameras write none, and the decoder's conversion is what other programs show without one.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::Refusal;
use crate::contain::contain;
use crate::pixels::Pixels;

/// What the colours of a picture are.
#[derive(Debug, Default)]
pub(crate) enum Space {
    #[default]
    Srgb,
    AdobeRgb,
    Profile(Vec<u8>),
}

/// To RGB in sRGB, whatever came in.
pub(crate) fn to_srgb(pixels: Pixels, space: &Space) -> Pixels {
    let source = match space {
        Space::Srgb => return pixels.into_rgb(),
        Space::AdobeRgb => Ok(ColorProfile::new_adobe_rgb()),
        Space::Profile(bytes) => {
            contain(|| ColorProfile::new_from_slice(bytes).map_err(|_| Refusal::Broken))
        }
    };
    match source.and_then(|source| contain(|| transform(&pixels, &source))) {
        Ok(Some(data)) => Pixels { channels: 3, data, ..pixels },
        Ok(None) | Err(_) => pixels.into_rgb(),
    }
}

/// `None`: it would stay as it is.
fn transform(pixels: &Pixels, source: &ColorProfile) -> Result<Option<Vec<u8>>, Refusal> {
    let layout = match (source.color_space, pixels.channels) {
        (DataColorSpace::Rgb, 3) => Layout::Rgb,
        (DataColorSpace::Gray, 1) => Layout::Gray,
        _ => return Ok(None),
    };
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let transform = source
        .create_transform_8bit(layout, &srgb, Layout::Rgb, options)
        .map_err(|_| Refusal::Broken)?;
    let convert = |data: &[u8]| {
        let mut converted = vec![0; data.len() / pixels.channels * 3];
        transform.transform(data, &mut converted).map_err(|_| Refusal::Broken)?;
        Ok(converted)
    };
    // Most profiles are sRGB in other words; converting would cost time and a rounding.
    let probe = probe(pixels.channels);
    let identical = convert(&probe)?
        .iter()
        .zip(probe.iter().flat_map(|&byte| std::iter::repeat_n(byte, 3 / pixels.channels)))
        .all(|(&to, from)| to.abs_diff(from) <= 1);
    if identical { Ok(None) } else { convert(&pixels.data).map(Some) }
}

/// Colours from all over the cube, or greys.
fn probe(channels: usize) -> Vec<u8> {
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    if channels == 1 {
        return STEPS.to_vec();
    }
    let mut colours = Vec::new();
    for r in STEPS {
        for g in STEPS {
            colours.extend(STEPS.iter().flat_map(|&b| [r, g, b]));
        }
    }
    colours
}
