//! From frequencies to pixels (T.81, A.3.3), in any size up to 8 by 8.
//!
//! Owns: the transform, as products of matrices that compilers turn into vector instructions of any machine.
//! Promises: with `n` below 8 the lower frequencies make the same picture, smaller.

/// Numbers of a block.
pub(super) const BLOCK: usize = 64;

#[derive(Debug)]
pub(super) struct Basis {
    n: usize,
    /// By pixel, then frequency.
    rows: [[f32; 8]; 8],
    /// By frequency, then pixel.
    columns: [[f32; 8]; 8],
}

impl Basis {
    pub(super) fn new(n: usize) -> Self {
        let mut basis = Self { n, rows: [[0.0; 8]; 8], columns: [[0.0; 8]; 8] };
        for pixel in 0..n {
            for frequency in 0..n {
                let angle = (2 * pixel + 1) as f32 * frequency as f32 / (2 * n) as f32;
                let norm = if frequency == 0 { f32::sqrt(0.125) } else { 0.5 };
                let value = norm * (angle * std::f32::consts::PI).cos();
                basis.rows[pixel][frequency] = value;
                basis.columns[frequency][pixel] = value;
            }
        }
        basis
    }

    /// Writes `n` by `n` pixels. `last` is the last number that is not 0, in the order of the file.
    #[inline(always)]
    pub(super) fn put(&self, block: &[f32; BLOCK], last: usize, out: &mut [u8], stride: usize) {
        if last == 0 || self.n == 1 {
            let pixel = to_byte(block[0] * 0.125);
            for row in out.chunks_mut(stride).take(self.n) {
                row[..self.n].fill(pixel);
            }
            return;
        }
        match self.n {
            2 => self.transform::<2>(block, out, stride),
            3 => self.transform::<3>(block, out, stride),
            4 => self.transform::<4>(block, out, stride),
            5 => self.transform::<5>(block, out, stride),
            6 => self.transform::<6>(block, out, stride),
            7 => self.transform::<7>(block, out, stride),
            _ => self.transform::<8>(block, out, stride),
        }
    }

    fn transform<const N: usize>(&self, block: &[f32; BLOCK], out: &mut [u8], stride: usize) {
        let (lines, _) = block.as_chunks::<8>();
        for (y, row) in out.chunks_mut(stride).take(N).enumerate() {
            let mut halfway = [0_f32; 8];
            for (line, factor) in lines.iter().zip(self.rows[y]).take(N) {
                for (sum, value) in halfway.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
            let mut pixels = [0_f32; 8];
            for (column, factor) in self.columns.iter().zip(halfway).take(N) {
                for (sum, value) in pixels.iter_mut().zip(column) {
                    *sum += factor * value;
                }
            }
            let bytes = pixels.map(to_byte);
            row[..N].copy_from_slice(&bytes[..N]);
        }
    }
}

/// From around 0 to around 128, rounded.
#[inline(always)]
fn to_byte(value: f32) -> u8 {
    /// A number this large has its units in its lowest bits.
    const UNITS: f32 = 12_582_912.0;
    ((value + 128.0).clamp(0.0, 255.0) + UNITS).to_bits() as u8
}
