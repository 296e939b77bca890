//! PNG.
//!
//! Owns: reading row by row, so that neither alpha nor 16 bits are ever held for the whole picture.
//! Promises: never more rows than the header said, whatever the compressed data say.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations, expand_interlaced_row};

use super::Extras;
use crate::deadline::Deadline;
use crate::header::Header;
use crate::limits::PROFILE_BYTES_MAX;
use crate::pixels::{Pixels, on_white};
use crate::refusal::Refusal;

type Reader<'a> = png::Reader<Cursor<&'a [u8]>>;

/// For rows and the profile; a row of 16-bit RGBA of the longest side is a quarter of a megabyte.
const WORKING_BYTES_MAX: usize = PROFILE_BYTES_MAX + (8 << 20);

fn open(bytes: &[u8]) -> Result<Reader<'_>, Refusal> {
    let limits = Limits { bytes: WORKING_BYTES_MAX };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info().map_err(|_| Refusal::Broken)
}

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    deadline: &Deadline,
) -> Result<(Pixels, Extras), Refusal> {
    let mut reader = open(bytes)?;
    let (colour, _) = reader.output_color_type();
    let channels = match colour {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
        _ => 3,
    };
    let extras = Extras {
        exif: reader.info().exif_metadata.as_ref().map(|exif| exif.to_vec()),
        profile: reader.info().icc_profile.as_ref().map(|profile| profile.to_vec()),
    };
    let mut pixels = Pixels::new(header.width, header.height, channels);
    rows(&mut reader, header, channels, &mut pixels.data, deadline, |row, out| match colour {
        ColorType::GrayscaleAlpha => flatten::<2>(row, out),
        ColorType::Rgba => flatten::<4>(row, out),
        _ => out.extend_from_slice(row),
    })?;
    Ok((pixels, extras))
}

pub(super) fn decode_rgba(bytes: &[u8], header: &Header) -> Result<Vec<u8>, Refusal> {
    let mut reader = open(bytes)?;
    let (colour, _) = reader.output_color_type();
    let mut data = vec![0; header.width as usize * header.height as usize * 4];
    rows(&mut reader, header, 4, &mut data, &Deadline::none(), |row, out| match colour {
        ColorType::Grayscale => out.extend(row.iter().flat_map(|&g| [g, g, g, 255])),
        ColorType::GrayscaleAlpha => {
            out.extend(row.as_chunks::<2>().0.iter().flat_map(|&[g, a]| [g, g, g, a]));
        }
        ColorType::Rgb => {
            out.extend(row.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]));
        }
        _ => out.extend_from_slice(row),
    })?;
    Ok(data)
}

/// Puts every row, as `convert` appends it, where it belongs.
fn rows(
    reader: &mut Reader<'_>,
    header: &Header,
    channels: usize,
    data: &mut [u8],
    deadline: &Deadline,
    convert: impl Fn(&[u8], &mut Vec<u8>),
) -> Result<(), Refusal> {
    let stride = header.width as usize * channels;
    let bits = u8::try_from(8 * channels).map_err(|_| Refusal::Broken)?;
    let interlaced = reader.info().interlaced;
    let mut row = Vec::with_capacity(stride);
    let mut count = 0;
    while let Some(read) = reader.next_interlaced_row().map_err(|_| Refusal::Broken)? {
        row.clear();
        convert(read.data(), &mut row);
        match (interlaced, read.interlace().get_adam7_info()) {
            (true, Some(place)) => expand_interlaced_row(data, stride, &row, place, bits),
            _ => {
                let target = data.chunks_exact_mut(stride).nth(count).ok_or(Refusal::Broken)?;
                target.copy_from_slice(row.get(..stride).ok_or(Refusal::Broken)?);
            }
        }
        count += 1;
        if count.is_multiple_of(64) {
            deadline.check()?;
        }
    }
    let is_whole = interlaced || count == header.height as usize;
    if is_whole { Ok(()) } else { Err(Refusal::Truncated) }
}

/// Pixels of `N` samples, the last of which is alpha.
fn flatten<const N: usize>(row: &[u8], out: &mut Vec<u8>) {
    for pixel in row.as_chunks::<N>().0 {
        let alpha = pixel[N - 1];
        for &sample in &pixel[..N - 1] {
            out.push(if alpha == 255 { sample } else { on_white(sample, alpha) });
        }
    }
}

/// Where a row goes in an interlaced picture.
trait Place {
    fn get_adam7_info(&self) -> Option<&png::Adam7Info>;
}

impl Place for png::InterlaceInfo {
    fn get_adam7_info(&self) -> Option<&png::Adam7Info> {
        match self {
            Self::Adam7(info) => Some(info),
            Self::Null(_) => None,
        }
    }
}
