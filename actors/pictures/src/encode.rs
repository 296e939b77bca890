//! What viewers get.
//!
//! Owns: the encoder's settings. Promises: a JPEG with no metadata at all; without a profile it is sRGB.

use jpeg_encoder::{ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use crate::pixels::Pixels;
use crate::refusal::Refusal;
use crate::ycc::Ycc;

pub(crate) fn jpeg(picture: &Ycc, quality: u8) -> Result<Vec<u8>, Refusal> {
    let side = |length: u32| u16::try_from(length).map_err(|_| Refusal::Broken);
    let source = Source {
        width: side(picture.width())?,
        height: side(picture.height())?,
        y: &picture.y,
        cb: doubled(&picture.cb),
        cr: doubled(&picture.cr),
    };
    // About a bit per pixel, so that it is not moved while it grows.
    let mut jpeg = Vec::with_capacity(picture.y.pixels() / 6 + 1024);
    let mut encoder = Encoder::new(&mut jpeg, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // It takes every second sample of every second row, and leaves the averaging to us.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Nearest);
    encoder.encode_image(source).map_err(|_| Refusal::Broken)?;
    jpeg.shrink_to_fit();
    Ok(jpeg)
}

/// Each sample twice, because the encoder wants rows of full length.
fn doubled(plane: &Pixels) -> Vec<u8> {
    let mut doubled = vec![0; 2 * plane.data.len()];
    for (pair, &sample) in doubled.as_chunks_mut::<2>().0.iter_mut().zip(&plane.data) {
        *pair = [sample; 2];
    }
    doubled
}

struct Source<'a> {
    width: u16,
    height: u16,
    y: &'a Pixels,
    cb: Vec<u8>,
    cr: Vec<u8>,
}

impl ImageBuffer for Source<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [ys, cbs, crs, _]: &mut [Vec<u8>; 4]) {
        let (row, width) = (usize::from(y), usize::from(self.width));
        let start = row / 2 * width.next_multiple_of(2);
        ys.extend_from_slice(&self.y.data[row * width..][..width]);
        cbs.extend_from_slice(&self.cb[start..][..width]);
        crs.extend_from_slice(&self.cr[start..][..width]);
    }
}
