//! Pictures as JPEGs have them.
//!
//! Owns: brightness in full size and two colour differences in half of it (JFIF 1.02, "4:2:0"), and the way
//! between these and RGB. Promises: there and back again is the same but for rounding.
//! Because: most pictures come as this and leave as this; half the samples of RGB are resized, and nothing is converted.

use crate::orientation::Orientation;
use crate::pixels::Pixels;
use crate::refusal::Refusal;
use crate::resize::{fit, shrink_to};

/// Three planes of one channel each; the last two are half as wide and high, rounded up.
#[derive(Debug, Clone)]
pub(crate) struct Ycc {
    pub(crate) y: Pixels,
    pub(crate) cb: Pixels,
    pub(crate) cr: Pixels,
}

impl Ycc {
    pub(crate) const fn width(&self) -> u32 {
        self.y.width
    }

    pub(crate) const fn height(&self) -> u32 {
        self.y.height
    }

    /// `None`: it is small enough.
    pub(crate) fn shrink(&self, side: u32) -> Result<Option<Self>, Refusal> {
        let (width, height) = fit(self.width(), self.height(), side);
        if (width, height) == (self.width(), self.height()) {
            return Ok(None);
        }
        let half = |plane| shrink_to(plane, width.div_ceil(2), height.div_ceil(2));
        let y = shrink_to(&self.y, width, height)?;
        Ok(Some(Self { y, cb: half(&self.cb)?, cr: half(&self.cr)? }))
    }

    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        let [y, cb, cr] = [self.y, self.cb, self.cr].map(|plane| orientation.apply(plane));
        Self { y, cb, cr }
    }

    pub(crate) fn to_rgb(&self) -> Pixels {
        let mut rgb = Pixels::new(self.width(), self.height(), 3);
        let width = self.width() as usize;
        let half = self.cb.width as usize;
        for (row, out) in rgb.data.chunks_exact_mut(3 * width).enumerate() {
            let y = &self.y.data[row * width..][..width];
            let cb = &self.cb.data[row / 2 * half..][..half];
            let cr = &self.cr.data[row / 2 * half..][..half];
            for (x, colour) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                *colour = to_rgb(y[x], cb[x / 2], cr[x / 2]);
            }
        }
        rgb
    }

    pub(crate) fn from_rgb(rgb: &Pixels) -> Self {
        let (width, height) = (rgb.width, rgb.height);
        let mut y = Pixels::new(width, height, 1);
        let mut cb = Pixels::new(width.div_ceil(2), height.div_ceil(2), 1);
        let mut cr = cb.clone();
        let (colours, _) = rgb.data.as_chunks::<3>();
        for (y, &[r, g, b]) in y.data.iter_mut().zip(colours) {
            *y = brightness(i32::from(r), i32::from(g), i32::from(b));
        }
        let (stride, half) = (width as usize, cb.width as usize);
        let rows = cb.data.chunks_exact_mut(half).zip(cr.data.chunks_exact_mut(half));
        for (row, (cb, cr)) in rows.enumerate() {
            let above = &colours[2 * row * stride..][..stride];
            let below = colours.get((2 * row + 1) * stride..).filter(|rest| !rest.is_empty());
            let below = below.map_or(above, |rest| &rest[..stride]);
            let samples = cb.iter_mut().zip(cr.iter_mut());
            let squares = above.chunks(2).zip(below.chunks(2));
            for ((cb, cr), (above, below)) in samples.zip(squares) {
                // A last column of one is taken twice.
                let sum = |channel: usize| {
                    let pair = |p: &[[u8; 3]]| {
                        i32::from(p[0][channel]) + i32::from(p[p.len() - 1][channel])
                    };
                    pair(above) + pair(below)
                };
                (*cb, *cr) = differences(sum(0), sum(1), sum(2));
            }
        }
        Self { y, cb, cr }
    }
}

/// JFIF 1.02, in 65536ths.
fn brightness(r: i32, g: i32, b: i32) -> u8 {
    ((19_595 * r + 38_470 * g + 7_471 * b + 0x8000) >> 16) as u8
}

/// Of the sums of four pixels.
fn differences(r: i32, g: i32, b: i32) -> (u8, u8) {
    const HALF: i32 = (128 << 18) + 0x1_ffff;
    let cb = (-11_059 * r - 21_709 * g + 32_768 * b + HALF) >> 18;
    let cr = (32_768 * r - 27_439 * g - 5_329 * b + HALF) >> 18;
    (cb as u8, cr as u8)
}

fn to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + 0x8000, i32::from(cb) - 128, i32::from(cr) - 128);
    let sample = |value: i32| (value >> 16).clamp(0, 255) as u8;
    [sample(y + 91_881 * cr), sample(y - 22_554 * cb - 46_802 * cr), sample(y + 116_130 * cb)]
}
