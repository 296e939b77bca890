//! Decoded pictures.
//!
//! Owns: the two layouts that the rest of the crate knows, 8-bit grey and 8-bit RGB without alpha.
//! Promises: `data` has exactly `width * height * channels` bytes.

/// Rows from top to bottom, without padding.
#[derive(Debug, Clone)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 (grey) or 3 (RGB).
    pub(crate) channels: usize,
    pub(crate) data: Vec<u8>,
}

impl Pixels {
    pub(crate) fn new(width: u32, height: u32, channels: usize) -> Self {
        let length = width as usize * height as usize * channels;
        Self { width, height, channels, data: vec![0; length] }
    }

    pub(crate) fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Grey becomes RGB of three times the same.
    pub(crate) fn into_rgb(self) -> Self {
        if self.channels == 3 {
            return self;
        }
        let data = self.data.iter().flat_map(|&grey| [grey; 3]).collect();
        Self { channels: 3, data, ..self }
    }
}

/// One sample on white: `alpha` of it.
pub(crate) fn on_white(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u16::from(sample), u16::from(alpha));
    // Rounded; exact for 0 and 255.
    let sum = sample * alpha + 255 * (255 - alpha) + 127;
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}
