//! What a camera wrote about a picture.
//!
//! Owns: reading EXIF (CIPA DC-008) into a few fields. Promises: whatever is absurd is absent; nothing in
//! EXIF makes a picture refused. Does not: read XMP, IPTC or maker's notes.

use exif::{Exif, In, Rational, Tag, Value};
use serde::{Deserialize, Serialize};

use crate::contain::contain;
use crate::limits::EXIF_BYTES_MAX;
use crate::{Orientation, Refusal};

/// For the owner; viewers get none of it, but what the owner's session shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of the camera's body: tells two cameras of one model apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// In seconds, as numerator and denominator: 1/250 s is `[1, 250]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_s: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f_number: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iso: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_length_mm: Option<f64>,
    /// Never for viewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Already applied in all variants.
    pub orientation: Orientation,
}

/// When the shutter was released, by the camera's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Milliseconds since 1970, of the camera's local time as if it were UTC. Pictures of one camera are in
    /// order by it.
    pub local_ms: i64,
    /// What local time is ahead of UTC, when the camera knew; then UTC is `local_ms - 60_000 * offset_min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_min: Option<i16>,
}

impl Taken {
    /// Milliseconds since 1970 in UTC; the given offset is used when the camera did not know its own.
    #[must_use]
    pub fn utc_ms(self, offset_min: i16) -> i64 {
        self.local_ms - 60_000 * i64::from(self.offset_min.unwrap_or(offset_min))
    }
}

/// Where, in degrees (WGS 84) and metres above the sea.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
}

/// What EXIF says, and what only this crate wants to know.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) metadata: Metadata,
    /// Colours of Adobe RGB without a profile: the camera's "option file" of DCF.
    pub(crate) is_adobe_rgb: bool,
}

/// `block` begins with the TIFF header.
pub(crate) fn read(block: Option<Vec<u8>>) -> Read {
    let Some(mut block) = block.filter(|block| block.len() <= EXIF_BYTES_MAX) else {
        return Read::default();
    };
    // WebP and PNG writers sometimes keep JPEG's prefix.
    if block.starts_with(crate::header::jpeg::EXIF) {
        block.drain(..crate::header::jpeg::EXIF.len());
    }
    contain(|| {
        let exif = exif::Reader::new()
            .continue_on_error(true)
            .read_raw(block)
            .or_else(|error| error.distill_partial_result(|_| {}))
            .map_err(|_| Refusal::Broken)?;
        Ok(Read { metadata: metadata(&exif), is_adobe_rgb: is_adobe_rgb(&exif) })
    })
    .unwrap_or_default()
}

fn metadata(exif: &Exif) -> Metadata {
    let orientation = number(exif, Tag::Orientation).unwrap_or(1);
    Metadata {
        taken: taken(exif),
        make: text(exif, Tag::Make),
        model: text(exif, Tag::Model),
        serial: text(exif, Tag::BodySerialNumber),
        lens: text(exif, Tag::LensModel),
        exposure_s: rational(exif, Tag::ExposureTime, 0).map(|r| [r.num, r.denom]),
        f_number: rational(exif, Tag::FNumber, 0).map(|r| r.to_f64()),
        iso: number(exif, Tag::PhotographicSensitivity),
        focal_length_mm: rational(exif, Tag::FocalLength, 0).map(|r| r.to_f64()),
        place: place(exif),
        orientation: Orientation::from_exif(orientation),
    }
}

/// Characters kept of a text of the file.
const TEXT_CHARS_MAX: usize = 120;

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        _ => None,
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let text = String::from_utf8_lossy(ascii(exif, tag)?);
    let clean = text.trim().chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX);
    Some(clean.collect::<String>()).filter(|text| !text.is_empty())
}

fn number(exif: &Exif, tag: Tag) -> Option<u32> {
    exif.get_field(tag, In::PRIMARY)?.value.get_uint(0)
}

/// Only what has a meaning as a number.
fn rational(exif: &Exif, tag: Tag, index: usize) -> Option<Rational> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(list) => list.get(index).copied().filter(|r| r.denom != 0),
        _ => None,
    }
}

fn taken(exif: &Exif) -> Option<Taken> {
    let original = ascii(exif, Tag::DateTimeOriginal).and_then(moment_ms);
    let (local_ms, sub_second, offset) = match original {
        Some(ms) => (ms, Tag::SubSecTimeOriginal, Tag::OffsetTimeOriginal),
        None => {
            let digitized = ascii(exif, Tag::DateTimeDigitized).and_then(moment_ms);
            (digitized?, Tag::SubSecTimeDigitized, Tag::OffsetTimeDigitized)
        }
    };
    let offset = ascii(exif, offset).or_else(|| ascii(exif, Tag::OffsetTime));
    Some(Taken {
        local_ms: local_ms + ascii(exif, sub_second).map_or(0, milliseconds),
        offset_min: offset.and_then(offset_min),
    })
}

/// `2026:05:01 10:20:30`.
fn moment_ms(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut parts = text.split([':', ' ', '-', '/', '.', 'T']).map(str::parse::<i64>);
    let mut next =
        |low: i64, high: i64| parts.next()?.ok().filter(|number| (low..=high).contains(number));
    let (year, month, day) = (next(1900, 9999)?, next(1, 12)?, next(1, 31)?);
    let (hour, minute, second) = (next(0, 23)?, next(0, 59)?, next(0, 60)?);
    Some((((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

/// Days since 1970-01-01 in the Gregorian calendar; the year is taken to begin in March.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Digits behind the decimal point.
fn milliseconds(digits: &[u8]) -> i64 {
    let digits =
        digits.iter().map_while(|byte| byte.is_ascii_digit().then(|| i64::from(byte - b'0')));
    digits.chain(std::iter::repeat(0)).take(3).fold(0, |sum, digit| 10 * sum + digit)
}

/// `+08:00`.
fn offset_min(text: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i16>().ok()?, minutes.parse::<i16>().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then(|| sign * (60 * hours + minutes))
}

fn place(exif: &Exif) -> Option<Place> {
    let degrees = |tag, reference, negative: u8, max: f64| {
        let part = |index| rational(exif, tag, index).map(|r| r.to_f64());
        let sum = part(0)? + part(1).unwrap_or(0.0) / 60.0 + part(2).unwrap_or(0.0) / 3600.0;
        let is_negative = ascii(exif, reference)?.first() == Some(&negative);
        (sum <= max).then_some(if is_negative { -sum } else { sum })
    };
    let below = exif
        .get_field(Tag::GPSAltitudeRef, In::PRIMARY)
        .is_some_and(|field| matches!(&field.value, Value::Byte(list) if list.first() == Some(&1)));
    let altitude_m = rational(exif, Tag::GPSAltitude, 0).map(|r| r.to_f64());
    Some(Place {
        latitude: degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?,
        longitude: degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?,
        altitude_m: altitude_m.map(|metres| if below { -metres } else { metres }),
    })
}

fn is_adobe_rgb(exif: &Exif) -> bool {
    ascii(exif, Tag::InteroperabilityIndex).is_some_and(|index| index.starts_with(b"R03"))
}
