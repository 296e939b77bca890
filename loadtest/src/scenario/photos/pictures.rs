//! The files that photographers upload.
//!
//! Owns      a few pictures of the wanted size, and what makes each upload another file.
//! Promises  all work is done before the clock starts; memory is that of the few pictures, however
//!           many are uploaded: a file is a picture with its number in a comment behind the first
//!           marker.
//! Does not  look like photographs: gradients with as much noise as makes the wanted number of bytes.

use aws_lc_rs::digest;
use jpeg_encoder::{ColorType, Encoder};

use crate::failure::Failure;
use crate::random::Random;

const QUALITY: u8 = 88;
/// Pictures that all files are made of.
const PLATES: usize = 3;
/// The side of the piece by which the noise is chosen.
const PROBE: u32 = 256;
/// What stands behind the first marker: a comment of a fixed length.
const COMMENT_TEXT: usize = 44;
const COMMENT: usize = COMMENT_TEXT + 4;
/// The marker that every JPEG begins with.
const START: usize = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Pictures {
    plates: Vec<Vec<u8>>,
    salt: u64,
}

impl Pictures {
    /// Makes them: `megapixels` large, of about `bytes`.
    pub(super) fn make(megapixels: f64, bytes: u64, salt: u64) -> Result<Pictures, Failure> {
        let width = ((megapixels * 1e6 * 4.0 / 3.0).sqrt() as u32).max(16);
        let height = width * 3 / 4;
        let share = f64::from(PROBE * PROBE) / f64::from(width * height);
        let wanted = bytes as f64 * share;
        let (mut low, mut high) = (0, 255);
        while low < high {
            let noise = (low + high) / 2;
            match draw(PROBE, PROBE, noise, 0)?.len() as f64 {
                len if len < wanted => low = noise + 1,
                _ => high = noise,
            }
        }
        let plates: Result<_, _> =
            (0..PLATES).map(|number| draw(width, height, low, number as u64)).collect();
        Ok(Pictures { plates: plates?, salt })
    }

    fn plate(&self, number: usize) -> &[u8] {
        &self.plates[number % self.plates.len()]
    }

    /// How many bytes the `number`-th file has.
    pub(super) fn size(&self, number: usize) -> u64 {
        (self.plate(number).len() + COMMENT) as u64
    }

    fn head(&self, number: usize) -> Vec<u8> {
        let text = format!("loadtest {:016x} {number:018}", self.salt);
        let mut head = vec![0xFF, 0xD8, 0xFF, 0xFE];
        head.extend((COMMENT_TEXT as u16 + 2).to_be_bytes());
        head.extend(text.bytes());
        head
    }

    /// Up to `len` bytes of a file.
    pub(super) fn read(&self, number: usize, offset: u64, len: usize) -> Vec<u8> {
        let head = self.head(number);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let first = head.get(offset..).unwrap_or_default();
        let first = &first[..first.len().min(len)];
        let behind = (offset + first.len()).saturating_sub(COMMENT).max(START);
        let rest = self.plate(number).get(behind..).unwrap_or_default();
        let rest = &rest[..rest.len().min(len - first.len())];
        [first, rest].concat()
    }

    /// Its SHA-256 in hexadecimal digits.
    pub(super) fn sha256(&self, number: usize) -> String {
        let mut sum = digest::Context::new(&digest::SHA256);
        sum.update(&self.head(number));
        sum.update(&self.plate(number)[START..]);
        sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A gradient, with noise.
fn draw(width: u32, height: u32, noise: u64, number: u64) -> Result<Vec<u8>, Failure> {
    let mut random = Random::new(number + 1);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    let hue = number * 80;
    for y in 0..u64::from(height) {
        let down = y * 255 / u64::from(height);
        for x in 0..u64::from(width) {
            let along = x * 255 / u64::from(width);
            let bits = random.next_u64();
            let grain = |shift: u32| (bits >> shift & 0xFF) * noise / 255;
            for (colour, shift) in [(along + hue, 0), (down, 8), (255 - along / 2 + hue, 16)] {
                pixels.push(((colour % 256) * (255 - noise) / 255 + grain(shift)) as u8);
            }
        }
    }
    let mut file = Vec::new();
    let (width, height) = (width as u16, height as u16);
    Encoder::new(&mut file, QUALITY).encode(&pixels, width, height, ColorType::Rgb).map_err(
        |error| Failure::Usage(format!("a picture of that size cannot be made: {error}")),
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_differ_and_are_read_in_pieces_as_in_one() {
        let pictures = Pictures::make(0.02, 8_000, 7).unwrap();
        let mut sums = Vec::new();
        for number in 0..7 {
            let size = pictures.size(number);
            assert!((4_000..16_000).contains(&size), "{size}");
            let whole = pictures.read(number, 0, usize::MAX / 2);
            assert_eq!(whole.len() as u64, size);
            let sum = digest::digest(&digest::SHA256, &whole);
            let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, pictures.sha256(number));
            sums.push(hex);
            for step in [1, 47, 48, 49, 1_000] {
                let pieces = (0..size).step_by(step);
                let pieces: Vec<_> =
                    pieces.flat_map(|offset| pictures.read(number, offset, step)).collect();
                assert!(pieces == whole, "pieces of {step}");
            }
            assert_eq!(
                (&whole[..4], &whole[COMMENT + 2..][..1]),
                (&[0xFF, 0xD8, 0xFF, 0xFE][..], &[0xFF][..])
            );
        }
        sums.sort();
        sums.dedup();
        assert_eq!(sums.len(), 7);
    }
}
