//! What stands before the scan (T.81, B.2).
//!
//! Owns: which pictures this decoder takes, and their tables. Promises: `None` for all others.

use std::rc::Rc;

use super::bits::Bits;
use super::huffman::Table;
use super::idct::BLOCK;
use crate::header::Header;
use crate::header::jpeg::{APP14, Part, SOS, Walk};

/// A picture that can be decoded here: components Y, Cb, Cr.
pub(super) struct Frame<'a> {
    pub(super) components: [Component; 3],
    /// Units of all components' blocks.
    pub(super) units_wide: u32,
    pub(super) units_high: u32,
    /// In units; 0 is never.
    pub(super) restart_interval: u32,
    pub(super) entropy: &'a [u8],
}

pub(super) struct Component {
    /// Blocks per unit.
    pub(super) h: u32,
    pub(super) v: u32,
    /// In the order of the file.
    steps: [f32; BLOCK],
    first: Rc<Table>,
    rest: Rc<Table>,
}

/// The place of each number in a block, by its place in the file.
const ORDER: [u8; BLOCK] = {
    let mut order = [0; BLOCK];
    let (mut at, mut x, mut y, mut up) = (0, 0_u8, 0_u8, true);
    while at < BLOCK {
        order[at] = 8 * y + x;
        at += 1;
        match (up, x, y) {
            (true, 7, _) => (y, up) = (y + 1, false),
            (true, _, 0) => (x, up) = (x + 1, false),
            (true, ..) => (x, y) = (x + 1, y - 1),
            (false, _, 7) => (x, up) = (x + 1, true),
            (false, 0, _) => (y, up) = (y + 1, true),
            (false, ..) => (x, y) = (x - 1, y + 1),
        }
    }
    order
};

impl Component {
    /// Reads a block, and says which number is the last that is not 0. `None`: the data are none.
    #[inline(always)]
    pub(super) fn block(
        &self,
        bits: &mut Bits<'_>,
        before: &mut i32,
        block: &mut [f32; BLOCK],
    ) -> Option<usize> {
        *block = [0.0; BLOCK];
        bits.fill();
        match self.first.symbol(bits)? {
            0 => {}
            size @ 1..=11 => *before = before.wrapping_add(bits.number(size.into())),
            _ => return None,
        }
        block[0] = *before as f32 * self.steps[0];
        let (mut at, mut last) = (1, 0);
        while at < BLOCK {
            bits.fill();
            let number = if let Some((number, run, length)) = self.rest.whole(bits) {
                bits.skip(length);
                at += run;
                number
            } else {
                let symbol = self.rest.symbol(bits)?;
                let size = u32::from(symbol & 15);
                if size == 0 {
                    // Sixteen zeros, or nothing more.
                    if symbol != 0xf0 {
                        break;
                    }
                    at += 16;
                    continue;
                }
                at += usize::from(symbol >> 4);
                bits.number(size)
            };
            let step = self.steps.get(at)?;
            block[usize::from(ORDER[at] & 63)] = number as f32 * step;
            last = at;
            at += 1;
        }
        Some(last)
    }
}

#[derive(Default)]
struct Found<'a> {
    steps: [Option<[f32; BLOCK]>; 4],
    first: [Option<Rc<Table>>; 4],
    rest: [Option<Rc<Table>>; 4],
    frame: Option<&'a [u8]>,
    restart_interval: u32,
}

pub(super) fn read<'a>(bytes: &'a [u8], header: &Header) -> Option<Frame<'a>> {
    let mut found = Found::default();
    let mut walk = Walk::new(bytes);
    let scan = loop {
        match walk.next().ok()? {
            Part::Segment { marker: 0xc0 | 0xc1, payload, .. } => found.frame = Some(payload),
            Part::Segment { marker: 0xc4, payload, .. } => found.codes(payload)?,
            Part::Segment { marker: 0xdb, payload, .. } => found.quantization(payload)?,
            Part::Segment { marker: 0xdd, payload, .. } => {
                found.restart_interval = u32::from(u16::from_be_bytes(*payload.first_chunk()?));
            }
            // Adobe's way to say that it is RGB or something else.
            Part::Segment { marker: APP14, payload, .. }
                if payload.starts_with(b"Adobe") && payload.get(11) != Some(&1) =>
            {
                return None;
            }
            Part::Segment { marker: SOS, payload, .. } => break payload,
            Part::Segment { .. } => {}
            Part::Entropy(_) | Part::End => return None,
        }
    };
    let Part::Entropy(entropy) = walk.next().ok()? else { return None };
    // More scans than one are for the general decoder.
    let Part::End = walk.next().ok()? else { return None };
    found.frame(scan, entropy, header)
}

impl<'a> Found<'a> {
    fn quantization(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = payload.split_first() {
            // The high bits say that the steps have 16 bits.
            let target = self.steps.get_mut(usize::from(kind))?;
            let (steps, rest) = rest.split_first_chunk::<BLOCK>()?;
            *target = Some(steps.map(f32::from));
            payload = rest;
        }
        Some(())
    }

    fn codes(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(length)?;
            let tables = if kind >> 4 == 0 { &mut self.first } else { &mut self.rest };
            *tables.get_mut(usize::from(kind & 15))? = Some(Rc::new(Table::new(counts, symbols)?));
            payload = rest;
        }
        Some(())
    }

    fn frame(&self, scan: &[u8], entropy: &'a [u8], header: &Header) -> Option<Frame<'a>> {
        let &[_, _, _, _, _, 3, ref listed @ ..] = self.frame? else { return None };
        let &[3, ref chosen @ .., 0, 63, 0] = scan else { return None };
        let (listed, _) = listed.as_chunks::<3>();
        let (chosen, _) = chosen.as_chunks::<2>();
        let mut components =
            listed.iter().zip(chosen).map(|(&[id, sampling, steps], &[own, tables])| {
                let table = |list: &[Option<Rc<Table>>; 4], index: u8| {
                    list.get(usize::from(index)).cloned().flatten()
                };
                Some(Component {
                    h: u32::from(sampling >> 4),
                    v: u32::from(sampling & 15),
                    steps: self.steps.get(usize::from(steps)).copied().flatten()?,
                    first: table(&self.first, tables >> 4)?,
                    rest: table(&self.rest, tables & 15)?,
                })
                .filter(|_| own == id)
            });
        let components = [components.next()??, components.next()??, components.next()??];
        let [luma, cb, cr] = &components;
        let is_usual = (1..=2).contains(&luma.h)
            && (1..=2).contains(&luma.v)
            && [cb.h, cb.v, cr.h, cr.v] == [1; 4];
        // Some say that they are RGB by the components' names only.
        let is_rgb = listed.iter().map(|&[id, ..]| id).eq(*b"RGB");
        if !is_usual || is_rgb {
            return None;
        }
        Some(Frame {
            units_wide: header.width.div_ceil(8 * luma.h),
            units_high: header.height.div_ceil(8 * luma.v),
            restart_interval: self.restart_interval,
            entropy,
            components,
        })
    }
}
