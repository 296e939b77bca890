//! What is known of a picture before any variant is.
//!
//! Owns: the placeholder and the dominant colour. Promises: computed from the picture itself; an embedded
//! preview could show something else.

use crate::metadata::Metadata;
use crate::refusal::Refusal;
use crate::ycc::Ycc;

/// Enough to lay out a page, and to paint a tile.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// Upright, in full size.
    pub width: u32,
    pub height: u32,
    /// About 25 bytes; see <https://evanw.github.io/thumbhash/>.
    pub thumbhash: Vec<u8>,
    /// The colour of which there is most, as RGB in sRGB.
    pub dominant: [u8; 3],
    /// For the owner, not for viewers.
    pub metadata: Metadata,
}

/// A placeholder has a dozen waves; more pixels would not change it.
const SIDE: u32 = 64;

/// From an upright picture of any size.
pub(crate) fn placeholder(picture: &Ycc) -> Result<(Vec<u8>, [u8; 3]), Refusal> {
    let small = match picture.shrink(SIDE)? {
        Some(smaller) => smaller.to_rgb(),
        None => picture.to_rgb(),
    };
    let (width, height) = (small.width, small.height);
    let (colours, _) = small.data.as_chunks::<3>();
    let rgba: Vec<u8> = colours.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    let hash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba);
    Ok((hash, dominant(colours)))
}

/// The mean of the fullest of 512 boxes of colours.
fn dominant(colours: &[[u8; 3]]) -> [u8; 3] {
    let key = |&[r, g, b]: &[u8; 3]| {
        usize::from(r >> 5) << 6 | usize::from(g >> 5) << 3 | usize::from(b >> 5)
    };
    let mut counts = [0_u32; 512];
    for colour in colours {
        counts[key(colour)] += 1;
    }
    let fullest = (0..counts.len()).max_by_key(|&index| counts[index]).unwrap_or(0);
    let count = counts[fullest].max(1);
    let mut sums = [0_u32; 3];
    for colour in colours.iter().filter(|colour| key(colour) == fullest) {
        for (sum, &sample) in sums.iter_mut().zip(colour) {
            *sum += u32::from(sample);
        }
    }
    sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX))
}
