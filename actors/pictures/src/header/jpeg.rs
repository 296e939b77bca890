//! The segments of a JPEG (ITU-T T.81, annex B).
//!
//! Owns: walking them, the size, and which of them mean what. Promises: every position is checked, and
//! each byte is visited once. Does not: look into entropy-coded data, but for its end.

use super::Size;
use crate::Refusal;
use crate::limits::{PROFILE_BYTES_MAX, SCANS_MAX};

const SOI: u8 = 0xd8;
pub(crate) const EOI: u8 = 0xd9;
pub(crate) const SOS: u8 = 0xda;
pub(crate) const APP0: u8 = 0xe0;
pub(crate) const APP1: u8 = 0xe1;
pub(crate) const APP2: u8 = 0xe2;
pub(crate) const APP14: u8 = 0xee;
pub(crate) const APP15: u8 = 0xef;
pub(crate) const COM: u8 = 0xfe;
/// Begins the payload of an EXIF segment.
pub(crate) const EXIF: &[u8] = b"Exif\0\0";
/// Begins the payload of a part of a colour profile; two bytes (which, of how many) follow.
pub(crate) const ICC: &[u8] = b"ICC_PROFILE\0";

/// One thing in the file.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// A marker with its payload (without the length), and all its bytes.
    Segment { marker: u8, payload: &'a [u8], whole: &'a [u8] },
    /// Entropy-coded data, with its restart markers.
    Entropy(&'a [u8]),
    /// The end of the picture. What follows is not part of it.
    End,
}

/// Why walking stops.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end.
    Cut,
    /// This is not how a JPEG goes on.
    Bad,
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut => Self::Truncated,
            Stop::Bad => Self::Broken,
        }
    }
}

/// Walks through a file.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    in_scan: bool,
}

impl<'a> Walk<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, in_scan: false }
    }

    pub(crate) fn next(&mut self) -> Result<Part<'a>, Stop> {
        if self.at == 0 {
            match self.bytes {
                [0xff, SOI, ..] => self.at = 2,
                _ => return Err(Stop::Bad),
            }
        }
        if std::mem::take(&mut self.in_scan) {
            return self.entropy();
        }
        let start = self.at;
        if *self.bytes.get(self.at).ok_or(Stop::Cut)? != 0xff {
            return Err(Stop::Bad);
        }
        // Any number of fill bytes may come before a marker.
        let rest = &self.bytes[self.at..];
        let fill = rest.iter().position(|&byte| byte != 0xff).ok_or(Stop::Cut)?;
        let marker = rest[fill];
        self.at += fill + 1;
        match marker {
            EOI => return Ok(Part::End),
            // Without payload, and none of them belongs between segments; 0 would be data.
            0x00 | 0x01 | 0xd0..=0xd8 => return Err(Stop::Bad),
            _ => {}
        }
        let length = self.bytes.get(self.at..self.at + 2).ok_or(Stop::Cut)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 {
            return Err(Stop::Bad);
        }
        let payload = self.bytes.get(self.at + 2..self.at + length).ok_or(Stop::Cut)?;
        self.at += length;
        self.in_scan = marker == SOS;
        Ok(Part::Segment { marker, payload, whole: &self.bytes[start..self.at] })
    }

    fn entropy(&mut self) -> Result<Part<'a>, Stop> {
        let start = self.at;
        loop {
            let rest = &self.bytes[self.at..];
            let next = memchr::memchr(0xff, rest).ok_or(Stop::Cut)?;
            match rest.get(next + 1) {
                None => return Err(Stop::Cut),
                Some(0x00 | 0xd0..=0xd7) => self.at += next + 2,
                Some(0xff) => self.at += next + 1,
                Some(_) => {
                    self.at += next;
                    return Ok(Part::Entropy(&self.bytes[start..self.at]));
                }
            }
        }
    }
}

/// Whether a marker begins a frame (SOF0 to SOF15, without DHT, JPG and DAC).
const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// `None`: it comes later.
pub(super) fn size(first: &[u8]) -> Result<Option<Size>, Refusal> {
    let mut walk = Walk::new(first);
    loop {
        match walk.next() {
            Ok(Part::Segment { marker, payload, .. }) if is_frame(marker) => {
                return frame(marker, payload).map(Some);
            }
            Ok(Part::Segment { marker: SOS, .. } | Part::End | Part::Entropy(_))
            | Err(Stop::Bad) => return Err(Refusal::Broken),
            Ok(Part::Segment { .. }) => {}
            Err(Stop::Cut) => return Ok(None),
        }
    }
}

fn frame(marker: u8, payload: &[u8]) -> Result<Size, Refusal> {
    let progressive = match marker {
        0xc0 | 0xc1 => false,
        0xc2 => true,
        _ => return Err(Refusal::Unsupported { what: "lossless or arithmetic JPEG" }),
    };
    let &[precision, h1, h0, w1, w0, components, ref rest @ ..] = payload else {
        return Err(Refusal::Broken);
    };
    if precision != 8 {
        return Err(Refusal::Unsupported { what: "JPEG of more than 8 bits" });
    }
    if ![1, 3, 4].contains(&components) || rest.len() != 3 * usize::from(components) {
        return Err(Refusal::Broken);
    }
    // Samples per pixel, from the components' shares of the largest sampling.
    let factors = rest.chunks_exact(3).map(|c| (u32::from(c[1] >> 4), u32::from(c[1] & 15)));
    if factors.clone().any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
        return Err(Refusal::Broken);
    }
    let largest = factors.clone().map(|(h, _)| h).max().unwrap_or(1)
        * factors.clone().map(|(_, v)| v).max().unwrap_or(1);
    let samples: u32 = factors.map(|(h, v)| h * v).sum();
    // A progressive picture's coefficients, of 16 bits, are all kept until the last scan.
    let kept = if progressive { (2 * samples).div_ceil(largest) } else { 0 };
    let decoded = if components == 1 { 1 } else { 3 };
    Ok(Size {
        height: u32::from(u16::from_be_bytes([h1, h0])),
        width: u32::from(u16::from_be_bytes([w1, w0])),
        pixel_bytes: decoded + kept,
    })
}

/// What is in a whole file besides its pixels.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) profile: Option<Vec<u8>>,
}

/// Walks the whole file to its end.
///
/// # Errors
/// [`Refusal::Truncated`] without an end, [`Refusal::Unsupported`] with more than [`SCANS_MAX`] scans.
pub(crate) fn contents(bytes: &[u8]) -> Result<Contents, Refusal> {
    let mut found = Contents::default();
    let mut profile: Vec<(u8, &[u8])> = Vec::new();
    let (mut scans, mut frames) = (0, 0);
    let mut walk = Walk::new(bytes);
    loop {
        match walk.next()? {
            Part::Segment { marker: APP1, payload, .. } if payload.starts_with(EXIF) => {
                found.exif.get_or_insert_with(|| payload[EXIF.len()..].to_vec());
            }
            Part::Segment { marker: APP2, payload, .. } if payload.starts_with(ICC) => {
                if let [which, _, part @ ..] = &payload[ICC.len()..] {
                    profile.push((*which, part));
                }
            }
            Part::Segment { marker: SOS, .. } => scans += 1,
            Part::Segment { marker, .. } if is_frame(marker) => frames += 1,
            Part::Segment { .. } | Part::Entropy(_) => {}
            Part::End => break,
        }
        if scans > SCANS_MAX {
            return Err(Refusal::Unsupported { what: "JPEG of too many scans" });
        }
    }
    // A second frame could be larger than the one that was measured.
    if frames != 1 || scans == 0 {
        return Err(Refusal::Broken);
    }
    profile.sort_by_key(|&(which, _)| which);
    let length: usize = profile.iter().map(|(_, part)| part.len()).sum();
    if (1..=PROFILE_BYTES_MAX).contains(&length) {
        found.profile = Some(profile.into_iter().flat_map(|(_, part)| part).copied().collect());
    }
    Ok(found)
}
