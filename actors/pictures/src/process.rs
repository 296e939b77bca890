//! The way of a picture.
//!
//! Owns: the order of the steps. Promises: the file is not needed any more when [`process`] returns; the
//! variants come largest first, each made from the one before; each call is contained by itself.
//! Does not: decide when to publish.

use std::sync::Arc;

use crate::colour::{Space, to_srgb};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::decode::{Decoded, Picture};
use crate::glance::{self, Glance};
use crate::header::{Claim, Inspection, inspect};
use crate::limits::Limits;
use crate::mark::Mark;
use crate::refusal::Refusal;
use crate::ycc::Ycc;
use crate::{decode, encode, resize};

/// The longer sides of the variants, the largest first.
pub const SIDES: [u32; 3] = [2048, 1024, 400];

/// What to make.
#[derive(Debug, Clone)]
pub struct Options {
    pub limits: Limits,
    /// Of the variants' JPEGs, from 1 to 100.
    pub quality: u8,
    /// Put on every variant.
    pub mark: Option<Arc<Mark>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), quality: 82, mark: None }
    }
}

/// A picture that was decoded.
#[derive(Debug)]
pub struct Outcome {
    pub glance: Glance,
    pub variants: Variants,
}

/// A picture for viewers: a JPEG in sRGB, upright, without metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Which one, of [`SIDES`].
    pub side: u32,
    /// At most `side` each; a small picture is not made larger.
    pub width: u32,
    pub height: u32,
    pub jpeg: Vec<u8>,
}

/// Makes a variant at each step. Ends after the first error.
#[derive(Debug)]
pub struct Variants {
    /// Without a watermark, at most as large as the next variant but for the first one.
    base: Ycc,
    next: usize,
    /// What came last, when the next one will be the same: the picture is small.
    last: Option<Variant>,
    quality: u8,
    mark: Option<Arc<Mark>>,
    deadline: Deadline,
}

/// Decodes a whole file and takes a glance at it.
///
/// # Errors
/// All but the watermark's of [`Refusal`].
pub fn process(bytes: &[u8], options: &Options, deadline: &Deadline) -> Result<Outcome, Refusal> {
    let claim = Claim { mime: None, bytes_total: bytes.len() as u64 };
    let Inspection::Known(header) = inspect(bytes, &claim, &options.limits)? else {
        return Err(Refusal::Truncated);
    };
    deadline.check()?;
    contain(|| {
        let Decoded { picture, space, metadata } =
            decode::decode(bytes, &header, SIDES[0], deadline)?;
        let (width, height) = metadata.orientation.of_size(header.width, header.height);
        let base = match (picture, space) {
            (Picture::Smaller(ycc), Space::Srgb) => ycc,
            (Picture::Smaller(ycc), space) => Ycc::from_rgb(&to_srgb(ycc.to_rgb(), &space)),
            (Picture::Stored(pixels), space) => {
                let smaller = resize::shrink(&pixels, SIDES[0])?.unwrap_or(pixels);
                Ycc::from_rgb(&to_srgb(smaller, &space))
            }
        };
        deadline.check()?;
        let base = base.upright(metadata.orientation);
        let (thumbhash, dominant) = glance::placeholder(&base)?;
        Ok(Outcome {
            glance: Glance { width, height, thumbhash, dominant, metadata },
            variants: Variants {
                base,
                next: 0,
                last: None,
                quality: options.quality,
                mark: options.mark.clone(),
                deadline: deadline.clone(),
            },
        })
    })
}

impl Iterator for Variants {
    type Item = Result<Variant, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let side = *SIDES.get(self.next)?;
        self.next += 1;
        let made = self.deadline.check().and_then(|()| contain(|| self.make(side)));
        match &made {
            Ok(variant) if self.is_next_the_same() => self.last = Some(variant.clone()),
            Ok(_) => {}
            Err(_) => self.next = SIDES.len(),
        }
        Some(made)
    }
}

impl Variants {
    fn is_next_the_same(&self) -> bool {
        let longer = self.base.width().max(self.base.height());
        SIDES.get(self.next).is_some_and(|&side| longer <= side)
    }

    fn make(&mut self, side: u32) -> Result<Variant, Refusal> {
        if let Some(smaller) = self.base.shrink(side)? {
            self.base = smaller;
        } else if let Some(last) = self.last.take() {
            return Ok(Variant { side, ..last });
        }
        let jpeg = match &self.mark {
            Some(mark) => {
                let mut marked = self.base.to_rgb();
                mark.put_on(&mut marked)?;
                encode::jpeg(&Ycc::from_rgb(&marked), self.quality)?
            }
            None => encode::jpeg(&self.base, self.quality)?,
        };
        Ok(Variant { side, width: self.base.width(), height: self.base.height(), jpeg })
    }
}
