//! Walks over a MessagePack frame before anything is decoded from it, so that depth, lengths and
//! kinds of values are known to be harmless, and finds the fields of the envelope on the way.
//!
//! Promises  no allocation; every declared length is checked against the bytes that are there.

use crate::envelope::{FrameError, Spans};
use crate::limits::DEPTH_MAX;

/// Finds the envelope's fields in `frame`, which must be one map and nothing behind it.
pub(crate) fn scan(frame: &[u8]) -> Result<Spans<'_>, FrameError> {
    let mut walk = Walk { bytes: frame, at: 0 };
    let entries = walk.map_len()?.ok_or(FrameError("the frame is not a map"))?;
    let mut spans = Spans::default();
    for _ in 0..entries {
        let key = walk.string()?.ok_or(FrameError("a map key is not a string"))?;
        let value = walk.value(2)?;
        let field = match key {
            b"type" => &mut spans.kind,
            b"ref" => &mut spans.reference,
            b"room" => &mut spans.room,
            b"seq" => &mut spans.seq,
            b"at" => &mut spans.at,
            b"data" => &mut spans.data,
            _ => continue,
        };
        if field.replace(value).is_some() {
            return Err(FrameError("a field of the envelope comes twice"));
        }
    }
    if walk.at != frame.len() {
        return Err(FrameError("there are bytes behind the frame"));
    }
    Ok(spans)
}

/// True when the encoded value is `nil`.
pub(crate) fn is_nil(value: &[u8]) -> bool {
    value == [0xC0]
}

/// True when the encoded value is a map.
pub(crate) fn is_map(value: &[u8]) -> bool {
    matches!(value.first(), Some(0x80..=0x8F | 0xDE | 0xDF))
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

const CUT: FrameError = FrameError("the frame ends in the middle of a value");

impl<'a> Walk<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let end = self.at.checked_add(len).ok_or(CUT)?;
        let taken = self.bytes.get(self.at..end).ok_or(CUT)?;
        self.at = end;
        Ok(taken)
    }

    fn marker(&mut self) -> Result<u8, FrameError> {
        Ok(self.take(1)?[0])
    }

    fn big_endian(&mut self, len: usize) -> Result<u64, FrameError> {
        Ok(self.take(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, len: usize) -> Result<usize, FrameError> {
        usize::try_from(self.big_endian(len)?).map_err(|_| CUT)
    }

    /// The number of entries when a map begins here; otherwise nothing is consumed.
    fn map_len(&mut self) -> Result<Option<usize>, FrameError> {
        let start = self.at;
        Ok(match self.marker()? {
            short @ 0x80..=0x8F => Some(usize::from(short & 0x0F)),
            0xDE => Some(self.length(2)?),
            0xDF => Some(self.length(4)?),
            _ => {
                self.at = start;
                None
            }
        })
    }

    /// The bytes of a string when one begins here; otherwise nothing is consumed.
    fn string(&mut self) -> Result<Option<&'a [u8]>, FrameError> {
        let start = self.at;
        let len = match self.marker()? {
            short @ 0xA0..=0xBF => usize::from(short & 0x1F),
            0xD9 => self.length(1)?,
            0xDA => self.length(2)?,
            0xDB => self.length(4)?,
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        self.take(len).map(Some)
    }

    /// Steps over one value of nesting `depth` and returns its bytes.
    fn value(&mut self, depth: usize) -> Result<&'a [u8], FrameError> {
        let start = self.at;
        if self.string()?.is_none() {
            match self.map_len()? {
                Some(entries) => {
                    deeper(depth)?;
                    for _ in 0..entries {
                        self.string()?.ok_or(FrameError("a map key is not a string"))?;
                        self.value(depth + 1)?;
                    }
                }
                None => self.scalar_or_array(depth)?,
            }
        }
        Ok(&self.bytes[start..self.at])
    }

    fn scalar_or_array(&mut self, depth: usize) -> Result<(), FrameError> {
        let items = match self.marker()? {
            0x00..=0x7F | 0xE0..=0xFF | 0xC0 | 0xC2 | 0xC3 => return Ok(()),
            short @ 0x90..=0x9F => usize::from(short & 0x0F),
            0xDC => self.length(2)?,
            0xDD => self.length(4)?,
            marker => return self.scalar(marker),
        };
        deeper(depth)?;
        for _ in 0..items {
            self.value(depth + 1)?;
        }
        Ok(())
    }

    fn scalar(&mut self, marker: u8) -> Result<(), FrameError> {
        match marker {
            0xC4..=0xC6 => {
                let len = self.length(1 << (marker - 0xC4))?;
                self.take(len)?;
            }
            0xCA => {
                let float = f32::from_bits(self.big_endian(4)? as u32);
                finite(float.is_finite())?;
            }
            0xCB => finite(f64::from_bits(self.big_endian(8)?).is_finite())?,
            0xCC..=0xCE => {
                self.take(1 << (marker - 0xCC))?;
            }
            0xCF => {
                if i64::try_from(self.big_endian(8)?).is_err() {
                    return Err(FrameError("an integer does not fit 64 bits with a sign"));
                }
            }
            0xD0..=0xD3 => {
                self.take(1 << (marker - 0xD0))?;
            }
            _ => return Err(FrameError("extension types are not accepted")),
        }
        Ok(())
    }
}

fn deeper(depth: usize) -> Result<(), FrameError> {
    if depth > DEPTH_MAX { Err(FrameError("the frame is nested too deep")) } else { Ok(()) }
}

fn finite(yes: bool) -> Result<(), FrameError> {
    if yes { Ok(()) } else { Err(FrameError("a number is not finite")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame_with(data: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x82, 0xA4];
        frame.extend(b"type\xA4ping");
        frame.extend(b"\xA4data");
        frame.extend(data);
        frame
    }

    #[track_caller]
    fn check(data: &[u8], expected: Result<(), &str>) {
        let frame = frame_with(data);
        assert_eq!(scan(&frame).map(|_| ()).map_err(|error| error.0), expected);
    }

    #[test]
    fn spans_are_the_values() {
        let frame = frame_with(&[0x81, 0xA1, b'a', 0x01]);
        let spans = scan(&frame).unwrap();
        assert_eq!(spans.kind, Some(&b"\xA4ping"[..]));
        assert_eq!(spans.data, Some(&[0x81, 0xA1, b'a', 0x01][..]));
        assert_eq!(spans.reference, None);
    }

    #[test]
    fn every_kind_of_value() {
        let cut = Err("the frame ends in the middle of a value");
        check(&[0xC0], Ok(()));
        check(&[0x7F], Ok(()));
        check(&[0xE0], Ok(()));
        check(&[0xCD, 1, 2], Ok(()));
        check(&[0xD3, 0xFF, 0, 0, 0, 0, 0, 0, 0], Ok(()));
        check(&[0xCF, 0x7F, 0, 0, 0, 0, 0, 0, 0], Ok(()));
        check(
            &[0xCF, 0x80, 0, 0, 0, 0, 0, 0, 0],
            Err("an integer does not fit 64 bits with a sign"),
        );
        check(&[0xCA, 0x7F, 0xC0, 0, 0], Err("a number is not finite"));
        check(&[0xCB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0], Err("a number is not finite"));
        check(&[0xCB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], Ok(()));
        check(&[0xC4, 2, 1, 2], Ok(()));
        check(&[0xC5, 0, 2, 1, 2], Ok(()));
        check(&[0xD4, 1, 1], Err("extension types are not accepted"));
        check(&[0xC7, 0, 1], Err("extension types are not accepted"));
        check(&[0xC1], Err("extension types are not accepted"));
        check(&[0x81, 0x01, 0x01], Err("a map key is not a string"));
        check(&[0xDB, 0xFF, 0xFF, 0xFF, 0xFF], cut);
        check(&[0xDD, 0xFF, 0xFF, 0xFF, 0xFF, 0xC0], cut);
        check(&[0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 0xA0, 0xC0], cut);
        check(&[0xC6, 0xFF, 0xFF, 0xFF, 0xFF], cut);
        check(&[0xC0, 0xC0], Err("there are bytes behind the frame"));
    }

    #[test]
    fn depth_has_a_bound() {
        // The frame is one level, so `data` may hold DEPTH_MAX - 1 more.
        let mut nested = vec![0x91; DEPTH_MAX - 1];
        nested.push(0xC0);
        check(&nested, Ok(()));
        nested.insert(0, 0x91);
        check(&nested, Err("the frame is nested too deep"));
    }

    #[test]
    fn no_prefix_of_a_frame_is_a_frame() {
        let frame = frame_with(&[0x82, 0xA1, b'a', 0x92, 0xCD, 1, 2, 0xC3, 0xA1, b'b', 0xC4, 1, 9]);
        assert!(scan(&frame).is_ok());
        for end in 0..frame.len() {
            assert!(scan(&frame[..end]).is_err(), "prefix of {end} bytes");
        }
    }
}
