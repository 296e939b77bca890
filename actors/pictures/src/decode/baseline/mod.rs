//! The JPEGs that cameras write, straight to the size that is needed.
//!
//! Owns: baseline pictures of three components in one scan (ITU-T T.81, sequential, Huffman), each block
//! decoded to `n` by `n` pixels instead of 8 by 8. Promises: what is unusual or damaged is `None`, and the
//! general decoder has the last word; the deadline is looked at after each row of blocks; planes of `n * n / 64` of
//! the samples are all that is allocated. Does not: progressive, grey, CMYK, RGB.
//! Because: measured on 12 megapixels, decoding everything to RGB and then halving it was two thirds of all work.

mod bits;
mod huffman;
mod idct;
mod tables;
#[cfg(test)]
mod tests;

use crate::deadline::Deadline;
use crate::header::Header;
use crate::pixels::Pixels;
use crate::refusal::Refusal;
use crate::resize::{fit, part_to};
use crate::ycc::Ycc;
use bits::Bits;
use idct::{BLOCK, Basis};
use tables::{Component, Frame};

/// Decoded and resized, so that the longer side is at most `side`.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    side: u32,
    deadline: &Deadline,
) -> Result<Option<Ycc>, Refusal> {
    let Some(frame) = tables::read(bytes, header) else { return Ok(None) };
    let (width, height) = fit(header.width, header.height, side);
    let n = scale(header, width, height);
    let Some(planes) = scan(&frame, n, deadline)? else { return Ok(None) };
    let [y, cb, cr] = &planes;
    let [luma, chroma, _] = &frame.components;
    // The part of a plane that is picture, and not filling of the last blocks.
    let part = |length: u32, own: u32, largest: u32| {
        f64::from(length) * f64::from(own) / f64::from(largest) * n as f64 / 8.0
    };
    let plane = |from: &Pixels, component: &Component, width: u32, height: u32| {
        let part_width = part(header.width, component.h, luma.h);
        let part_height = part(header.height, component.v, luma.v);
        fitted(from, part_width, part_height, width, height)
    };
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    Ok(Some(Ycc {
        y: plane(y, luma, width, height)?,
        cb: plane(cb, chroma, half_width, half_height)?,
        cr: plane(cr, chroma, half_width, half_height)?,
    }))
}

/// Pixels per block and direction: as few as are enough.
fn scale(header: &Header, width: u32, height: u32) -> usize {
    let enough = |n: &usize| {
        let scaled = |length: u32| u64::from(length) * *n as u64;
        scaled(header.width) >= 8 * u64::from(width)
            && scaled(header.height) >= 8 * u64::from(height)
    };
    (1..8).find(enough).unwrap_or(8)
}

fn fitted(
    from: &Pixels,
    part_width: f64,
    part_height: f64,
    width: u32,
    height: u32,
) -> Result<Pixels, Refusal> {
    let is_cut = part_width.ceil() == f64::from(width) && part_height.ceil() == f64::from(height);
    if !is_cut {
        return part_to(from, part_width, part_height, width, height);
    }
    let mut cut = Pixels::new(width, height, 1);
    let rows = from.data.chunks_exact(from.width as usize);
    for (to, row) in cut.data.chunks_exact_mut(width as usize).zip(rows) {
        to.copy_from_slice(&row[..width as usize]);
    }
    Ok(cut)
}

/// The planes, of whole blocks.
fn scan(frame: &Frame<'_>, n: usize, deadline: &Deadline) -> Result<Option<[Pixels; 3]>, Refusal> {
    let basis = Basis::new(n);
    let mut planes = frame.components.each_ref().map(|component| {
        let side = |units: u32, blocks: u32| units * blocks * n as u32;
        Pixels::new(side(frame.units_wide, component.h), side(frame.units_high, component.v), 1)
    });
    let mut bits = Bits::new(frame.entropy);
    let mut before = [0_i32; 3];
    let mut block = [0_f32; BLOCK];
    let mut until_restart = frame.restart_interval;
    for unit_y in 0..frame.units_high {
        deadline.check()?;
        for unit_x in 0..frame.units_wide {
            if frame.restart_interval > 0 {
                if until_restart == 0 {
                    if !bits.restart() {
                        return Ok(None);
                    }
                    before = [0; 3];
                    until_restart = frame.restart_interval;
                }
                until_restart -= 1;
            }
            for ((component, plane), before) in
                frame.components.iter().zip(&mut planes).zip(&mut before)
            {
                let stride = plane.width as usize;
                for v in 0..component.v {
                    for h in 0..component.h {
                        let Some(last) = component.block(&mut bits, before, &mut block) else {
                            return Ok(None);
                        };
                        let x = (unit_x * component.h + h) as usize * n;
                        let y = (unit_y * component.v + v) as usize * n;
                        basis.put(&block, last, &mut plane.data[y * stride + x..], stride);
                    }
                }
            }
        }
    }
    Ok(if bits.is_overrun() { None } else { Some(planes) })
}
