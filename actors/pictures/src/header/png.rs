//! The chunks of a PNG (W3C PNG, third edition).
//!
//! Owns: walking them, and the size. Does not: inflate, or check sums; the decoder does both.

use super::Size;
use crate::Refusal;

const SIGNATURE_BYTES: usize = 8;

/// A chunk: its name, its data, and all its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) name: [u8; 4],
    pub(crate) data: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Walks through a file; ends behind IEND, or with `Err` where the bytes end.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    ended: bool,
}

impl<'a> Walk<'a> {
    /// `None`: not even a signature.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.get(SIGNATURE_BYTES..).map(|bytes| Self { bytes, ended: false })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Chunk<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.ended) {
            return None;
        }
        let chunk = (|| {
            let (length, rest) = self.bytes.split_first_chunk::<4>()?;
            let (name, rest) = rest.split_first_chunk::<4>()?;
            let data = rest.get(..u32::from_be_bytes(*length) as usize)?;
            let whole = self.bytes.get(..data.len() + 12)?;
            Some(Chunk { name: *name, data, whole })
        })();
        let Some(chunk) = chunk else { return Some(Err(Refusal::Truncated)) };
        self.bytes = &self.bytes[chunk.whole.len()..];
        self.ended = &chunk.name == b"IEND";
        Some(Ok(chunk))
    }
}

/// `None`: it comes later.
pub(super) fn size(first: &[u8]) -> Result<Option<Size>, Refusal> {
    let Some(Ok(chunk)) = Walk::new(first).and_then(|mut walk| walk.next()) else {
        // The first chunk is short; a long one is none of a PNG.
        return if first.len() > 64 { Err(Refusal::Broken) } else { Ok(None) };
    };
    let (b"IHDR", &[w3, w2, w1, w0, h3, h2, h1, h0, depth, colour, _, _, _]) =
        (&chunk.name, chunk.data)
    else {
        return Err(Refusal::Broken);
    };
    let valid = match colour {
        0 => [1, 2, 4, 8, 16].contains(&depth),
        3 => [1, 2, 4, 8].contains(&depth),
        2 | 4 | 6 => [8, 16].contains(&depth),
        _ => false,
    };
    if !valid {
        return Err(Refusal::Broken);
    }
    Ok(Some(Size {
        width: u32::from_be_bytes([w3, w2, w1, w0]),
        height: u32::from_be_bytes([h3, h2, h1, h0]),
        // Rows are flattened as they come, to grey or RGB.
        pixel_bytes: 3,
    }))
}

/// Whether the file is all there.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let mut pixels = false;
    for chunk in Walk::new(bytes).ok_or(Refusal::Truncated)? {
        pixels |= &chunk?.name == b"IDAT";
    }
    if pixels { Ok(()) } else { Err(Refusal::Broken) }
}
