//! JPEG.
//!
//! Owns: the decoder's settings. Does not: stop within a picture; what a picture can cost is bounded by
//! its pixels, its scans and its bytes.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::header::Header;
use crate::limits::SCANS_MAX;
use crate::pixels::Pixels;
use crate::refusal::Refusal;

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Pixels, Refusal> {
    // The header was walked with our own bounds; these are only not to be smaller.
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(SCANS_MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| Refusal::Broken)?;
    let (channels, space) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        _ => (3, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let mut pixels = Pixels::new(header.width, header.height, channels);
    if decoder.output_buffer_size() != Some(pixels.data.len()) {
        return Err(Refusal::Broken);
    }
    decoder.decode_into(&mut pixels.data).map_err(|_| Refusal::Broken)?;
    Ok(pixels)
}
