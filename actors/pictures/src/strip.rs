//! Originals for viewers.
//!
//! Owns: what of a file stays when a viewer may download it: pixels, colours, and how to hold it.
//! Promises: the compressed pixels are copied bit by bit; only listed segments and chunks stay, so that
//! no unknown one can tell anything; nothing behind the picture's end stays (cameras put previews with their own GPS
//! there). Of EXIF only the orientation is written again. An animated PNG becomes its first picture.
//! Does not: decode.

use crate::Refusal;
use crate::header::{self, Claim, Inspection, Kind, inspect, jpeg, webp};
use crate::limits::Limits;
use crate::metadata;
use crate::orientation::Orientation;

/// Of a file that [`crate::process`] takes.
///
/// # Errors
/// [`Refusal::Truncated`] or [`Refusal::Broken`] when its segments or chunks cannot be walked; all of
/// [`inspect`], with the default limits but for the size of the file.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let limits = Limits { bytes_max: u64::MAX, memory_bytes_max: u64::MAX, ..Limits::default() };
    let Inspection::Known(header) = inspect(bytes, &Claim::default(), &limits)? else {
        return Err(Refusal::Truncated);
    };
    crate::contain::contain(|| match header.kind {
        Kind::Jpeg => strip_jpeg(bytes),
        Kind::Png => strip_png(bytes),
        Kind::Webp => strip_webp(bytes),
    })
}

/// A TIFF with nothing but the orientation. `None`: there is nothing to say.
fn exif(block: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let orientation = metadata::read(block).metadata.orientation;
    (orientation != Orientation::Upright).then(|| {
        let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        tiff.extend([orientation as u8, 0, 0, 0, 0, 0, 0]);
        tiff
    })
}

fn strip_jpeg(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(bytes.len());
    out.extend(b"\xff\xd8");
    let mut exif = exif(jpeg::contents(bytes)?.exif);
    let mut walk = jpeg::Walk::new(bytes);
    loop {
        match walk.next()? {
            jpeg::Part::Segment { marker, payload, whole } => {
                if is_kept(marker, payload) {
                    // JFIF wants to be the first segment; EXIF comes behind it.
                    if marker != jpeg::APP0 {
                        put_exif(&mut out, exif.take());
                    }
                    out.extend(if marker == jpeg::APP0 {
                        without_preview(whole)
                    } else {
                        whole.to_vec()
                    });
                }
            }
            jpeg::Part::Entropy(data) => out.extend(data),
            jpeg::Part::End => break,
        }
    }
    out.extend([0xff, jpeg::EOI]);
    Ok(out)
}

fn put_exif(out: &mut Vec<u8>, exif: Option<Vec<u8>>) {
    let Some(exif) = exif else { return };
    let length = u16::try_from(2 + jpeg::EXIF.len() + exif.len()).unwrap_or(u16::MAX);
    out.extend([0xff, jpeg::APP1]);
    out.extend(length.to_be_bytes());
    out.extend(jpeg::EXIF);
    out.extend(exif);
}

/// Of the application segments only what decoders need: JFIF, colour profiles, and Adobe's transform.
fn is_kept(marker: u8, payload: &[u8]) -> bool {
    match marker {
        jpeg::APP0 => payload.starts_with(b"JFIF\0") && payload.len() >= 14,
        jpeg::APP2 => payload.starts_with(jpeg::ICC),
        jpeg::APP14 => payload.starts_with(b"Adobe") && payload.len() == 12,
        jpeg::APP0..=jpeg::APP15 | jpeg::COM => false,
        // JPGn, which nobody uses, and tables, frames and scans.
        0xf0..=0xfd => false,
        _ => true,
    }
}

/// A JFIF segment may carry a small picture of its own.
fn without_preview(segment: &[u8]) -> Vec<u8> {
    let Some(payload) = segment.iter().position(|&byte| byte == b'J') else { return Vec::new() };
    let mut out = vec![0xff, jpeg::APP0, 0, 16];
    out.extend(&segment[payload..payload + 12]);
    out.extend([0, 0]);
    out
}

fn strip_png(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    const KEPT: [&[u8; 4]; 14] = [
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP",
        b"sBIT", b"bKGD", b"pHYs", b"mDCV",
    ];
    header::png::check(bytes)?;
    let walk = || header::png::Walk::new(bytes).into_iter().flatten().flatten();
    let block = walk().find(|chunk| &chunk.name == b"eXIf").map(|chunk| chunk.data.to_vec());
    let mut exif = exif(block);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend(&bytes[..8]);
    for chunk in walk().filter(|chunk| KEPT.contains(&&chunk.name)) {
        if &chunk.name == b"IDAT"
            && let Some(exif) = exif.take()
        {
            put_png_chunk(&mut out, *b"eXIf", &exif);
        }
        out.extend(chunk.whole);
    }
    Ok(out)
}

fn put_png_chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = out.len();
    out.extend(name);
    out.extend(data);
    let sum = crc32fast::hash(&out[start..]);
    out.extend(sum.to_be_bytes());
}

fn strip_webp(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    const KEPT: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"];
    const HAS_EXIF: u8 = 0b1000;
    const HAS_XMP: u8 = 0b100;
    let chunks = webp::Walk::of_file(bytes)?.collect::<Result<Vec<_>, _>>()?;
    let block = chunks.iter().find(|chunk| &chunk.name == b"EXIF").map(|chunk| chunk.data.to_vec());
    let is_extended = chunks.first().is_some_and(|chunk| &chunk.name == b"VP8X");
    // Only the extended format has room for it, and without that nobody reads it.
    let exif = exif(block).filter(|_| is_extended);
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    for chunk in chunks.iter().filter(|chunk| KEPT.contains(&&chunk.name)) {
        let start = out.len();
        out.extend(chunk.whole);
        if out.len() % 2 == 1 {
            out.push(0);
        }
        if &chunk.name == b"VP8X" && !chunk.data.is_empty() {
            let flags = &mut out[start + 8];
            *flags &= !(HAS_EXIF | HAS_XMP);
            *flags |= if exif.is_some() { HAS_EXIF } else { 0 };
        }
    }
    if let Some(mut exif) = exif {
        out.extend(b"EXIF");
        out.extend(u32::try_from(exif.len()).unwrap_or(u32::MAX).to_le_bytes());
        if exif.len() % 2 == 1 {
            exif.push(0);
        }
        out.extend(exif);
    }
    let length = u32::try_from(out.len() - 8).map_err(|_| Refusal::Broken)?;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(out)
}
