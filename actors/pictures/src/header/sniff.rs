//! What the first bytes look like.
//!
//! Owns: magic numbers, and words for what people send by mistake. Does not: look further than a few
//! bytes; a file that begins like a JPEG and also is a script is read as a JPEG, or not at all.

use super::Kind;
use crate::Refusal;

/// Enough to tell everything below.
const MAGIC_BYTES: usize = 16;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// `None`: too few bytes to tell.
pub(super) fn kind(first: &[u8]) -> Result<Option<Kind>, Refusal> {
    if first.starts_with(b"\xff\xd8\xff") {
        return Ok(Some(Kind::Jpeg));
    }
    if first.starts_with(PNG) {
        return Ok(Some(Kind::Png));
    }
    if first.len() >= 12 && first.starts_with(b"RIFF") && &first[8..12] == b"WEBP" {
        return Ok(Some(Kind::Webp));
    }
    let begins = |magic: &[u8]| first.len() < magic.len() && magic.starts_with(first);
    let webp = first.len() < 12 && (begins(b"RIFF") || first.starts_with(b"RIFF"));
    if begins(b"\xff\xd8\xff") || begins(PNG) || webp {
        return Ok(None);
    }
    Err(Refusal::NotAPicture { found: other(&first[..first.len().min(512)]) })
}

fn other(first: &[u8]) -> &'static str {
    let brand = first.get(4..MAGIC_BYTES.min(first.len())).unwrap_or_default();
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    if first.is_empty() {
        "an empty file"
    } else if first.starts_with(b"GIF8") {
        "a GIF"
    } else if text.starts_with(b"<") {
        if text.windows(4).any(|word| word.eq_ignore_ascii_case(b"<svg")) {
            "an SVG drawing"
        } else {
            "a text with markup"
        }
    } else if brand.starts_with(b"ftyp") {
        match brand.get(4..8) {
            Some(b"avif" | b"avis") => "an AVIF",
            Some(b"crx ") => "a raw camera file",
            Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"hevc") => "a HEIC",
            _ => "a film",
        }
    } else if first.starts_with(b"II*\0") || first.starts_with(b"MM\0*") {
        "a TIFF or a raw camera file"
    } else if first.starts_with(b"BM") {
        "a BMP"
    } else if first.starts_with(b"%PDF") {
        "a PDF"
    } else if first.starts_with(b"8BPS") {
        "a Photoshop file"
    } else if first.starts_with(b"PK") {
        "a ZIP archive"
    } else {
        "a file of an unknown type"
    }
}
