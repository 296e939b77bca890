//! WebP.
//!
//! Owns: the decoder's settings, and giving up while a lossless picture is read. Does not: show more than
//! an animation's first picture.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use image_webp::WebPDecoder;

use super::Extras;
use crate::deadline::Deadline;
use crate::header::Header;
use crate::limits::PROFILE_BYTES_MAX;
use crate::pixels::{Pixels, on_white};
use crate::refusal::Refusal;

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    deadline: &Deadline,
) -> Result<(Pixels, Extras), Refusal> {
    // When the deadline ended the reading, that is the reason, whatever the decoder calls it.
    let broken = |_| deadline.check().err().unwrap_or(Refusal::Broken);
    let source = Watched { bytes: Cursor::new(bytes), deadline, reads: 0 };
    let mut decoder = WebPDecoder::new(source).map_err(broken)?;
    decoder.set_memory_limit(PROFILE_BYTES_MAX);
    if decoder.dimensions() != (header.width, header.height) {
        return Err(Refusal::Broken);
    }
    // What cannot be read of these is not there.
    let extras = Extras {
        exif: decoder.exif_metadata().unwrap_or_default(),
        profile: decoder.icc_profile().unwrap_or_default(),
    };
    let mut data = vec![0; decoder.output_buffer_size().ok_or(Refusal::Broken)?];
    decoder.read_image(&mut data).map_err(broken)?;
    let (width, height) = (header.width, header.height);
    if decoder.has_alpha() {
        flatten(&mut data);
    }
    Ok((Pixels { width, height, channels: 3, data }, extras))
}

/// RGBA to RGB, in place.
fn flatten(data: &mut Vec<u8>) {
    let pixels = data.len() / 4;
    for at in 0..pixels {
        let [r, g, b, a] = [data[4 * at], data[4 * at + 1], data[4 * at + 2], data[4 * at + 3]];
        let rgb = if a == 255 { [r, g, b] } else { [r, g, b].map(|sample| on_white(sample, a)) };
        data[3 * at..3 * at + 3].copy_from_slice(&rgb);
    }
    data.truncate(3 * pixels);
}

/// A reader that fails when the time is over.
struct Watched<'a> {
    bytes: Cursor<&'a [u8]>,
    deadline: &'a Deadline,
    reads: u32,
}

impl Watched<'_> {
    /// The clock is looked at now and then: a decoder reads a few bytes at a time.
    fn look(&mut self) -> io::Result<()> {
        self.reads = self.reads.wrapping_add(1);
        if self.reads.is_multiple_of(1024) && self.deadline.check().is_err() {
            return Err(io::Error::other("late"));
        }
        Ok(())
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.look()?;
        self.bytes.read(buffer)
    }
}

impl BufRead for Watched<'_> {
    /// Little at a time, so that there is a next time.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.look()?;
        let rest = self.bytes.fill_buf()?;
        Ok(&rest[..rest.len().min(256)])
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
