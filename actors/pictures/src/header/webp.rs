//! The chunks of a WebP (RFC 9649).
//!
//! Owns: walking them, and the size, also of the pictures inside. Does not: decode.

use super::Size;
use crate::Refusal;

/// `RIFF`, the length, `WEBP`.
pub(crate) const PREAMBLE_BYTES: usize = 12;
/// Before the chunks of a frame of an animation.
const FRAME_BYTES: usize = 16;

/// A chunk: its name, its data, and all its bytes with the padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) name: [u8; 4],
    pub(crate) data: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Walks chunk after chunk; `Err` where the bytes end within one.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
}

impl<'a> Walk<'a> {
    /// Over a whole file. What is behind the length that the file says it has is not part of it.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let length = bytes.get(4..8).ok_or(Refusal::Truncated)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = length.checked_add(8).ok_or(Refusal::Broken)?;
        let bytes = bytes.get(PREAMBLE_BYTES..end).ok_or(Refusal::Truncated)?;
        Ok(Self { bytes })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Chunk<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let chunk = (|| {
            let (name, rest) = self.bytes.split_first_chunk::<4>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let data = rest.get(..u32::from_le_bytes(*length) as usize)?;
            let whole = 8 + data.len().next_multiple_of(2);
            // The last padding byte is often forgotten.
            let whole = &self.bytes[..whole.min(self.bytes.len())];
            Some(Chunk { name: *name, data, whole })
        })();
        let Some(chunk) = chunk else {
            self.bytes = &[];
            return Some(Err(Refusal::Truncated));
        };
        self.bytes = &self.bytes[chunk.whole.len()..];
        Some(Ok(chunk))
    }
}

/// `None`: it comes later.
pub(super) fn size(first: &[u8]) -> Result<Option<Size>, Refusal> {
    let Some(head) = first.get(PREAMBLE_BYTES..) else { return Ok(None) };
    let (Some(name), Some(data)) = (head.first_chunk::<4>(), head.get(8..18)) else {
        return Ok(None);
    };
    let (width, height) = dimensions(*name, data)?;
    // An RGBA picture of the decoder's own, beside the one that is handed out.
    Ok(Some(Size { width, height, pixel_bytes: 8 }))
}

/// Of a chunk that has a size, from its first ten bytes.
fn dimensions(name: [u8; 4], data: &[u8]) -> Result<(u32, u32), Refusal> {
    let le24 = |at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], 0]);
    match &name {
        _ if data.len() < 10 => Err(Refusal::Truncated),
        b"VP8X" => Ok((le24(4) + 1, le24(7) + 1)),
        // A key frame begins with three bytes that say so, and a start code.
        b"VP8 " if data[3..6] == [0x9d, 0x01, 0x2a] && data[0] & 1 == 0 => {
            let side = |at| u32::from(u16::from_le_bytes([data[at], data[at + 1]]) & 0x3fff);
            Ok((side(6), side(8)))
        }
        b"VP8L" if data[0] == 0x2f => {
            let bits = u32::from_le_bytes([data[1], data[2], data[3], data[4]]);
            Ok(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        _ => Err(Refusal::Broken),
    }
}

/// Whether the file is all there, and no picture in it is larger than its canvas.
pub(crate) fn check(bytes: &[u8], width: u32, height: u32) -> Result<(), Refusal> {
    let mut pictures = 0;
    for chunk in Walk::of_file(bytes)? {
        let chunk = chunk?;
        match &chunk.name {
            b"VP8 " | b"VP8L" => {
                fits(chunk, width, height)?;
                pictures += 1;
            }
            b"ANMF" => {
                let bytes = chunk.data.get(FRAME_BYTES..).ok_or(Refusal::Broken)?;
                for inner in (Walk { bytes }) {
                    let inner = inner?;
                    if matches!(&inner.name, b"VP8 " | b"VP8L") {
                        fits(inner, width, height)?;
                        pictures += 1;
                    }
                }
            }
            _ => {}
        }
    }
    if pictures == 0 { Err(Refusal::Broken) } else { Ok(()) }
}

fn fits(chunk: Chunk<'_>, width: u32, height: u32) -> Result<(), Refusal> {
    let (w, h) = dimensions(chunk.name, chunk.data)?;
    if w > width || h > height { Err(Refusal::Broken) } else { Ok(()) }
}
