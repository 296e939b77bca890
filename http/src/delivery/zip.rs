//! The bytes of a ZIP, as they are written one after the other.
//!
//! Owns      the format: files as they are (pictures do not shrink), names in UTF-8, sizes before each file and its
//!           checksum behind it, and numbers of 64 bits where those of 32 do not suffice.
//!           <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
//! Promises  memory per file is its name and 40 bytes.
//! Does not  read, send, or take files of 4 GiB.

use bytes::Bytes;
use salon_protocol::Millis;

/// Sum behind the file (bit 3), and names in UTF-8 (bit 11).
const FLAGS: u16 = 0x0808;
const STORED: u16 = 0;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Made on Unix, so that the rights of files mean something.
const MADE_BY: u16 = 3 << 8 | VERSION_64;
const RIGHTS: u32 = 0o100_644 << 16;
/// The list at the end goes out in pieces of about so many bytes.
const LIST_PIECE_BYTES: usize = 32 * 1024;

#[derive(Debug)]
struct Entry {
    name: Box<str>,
    size: u32,
    sum: u32,
    offset: u64,
    modified: (u16, u16),
}

/// A ZIP that is being written.
#[derive(Debug, Default)]
pub(super) struct Zip {
    entries: Vec<Entry>,
    offset: u64,
}

impl Zip {
    /// What comes before a file's bytes.
    pub(super) fn begin(&mut self, name: &str, size: u32, modified: Millis) -> Bytes {
        let entry = Entry {
            name: name.into(),
            size,
            sum: 0,
            offset: self.offset,
            modified: dos_time(modified),
        };
        let mut out = Vec::with_capacity(30 + name.len());
        put32(&mut out, 0x0403_4b50);
        put16(&mut out, VERSION);
        entry.describe(&mut out);
        put16(&mut out, 0);
        out.extend(name.as_bytes());
        self.offset += out.len() as u64 + u64::from(size);
        self.entries.push(entry);
        out.into()
    }

    /// What comes behind them: `sum` is their CRC-32.
    pub(super) fn end(&mut self, sum: u32) -> Bytes {
        let mut out = Vec::with_capacity(16);
        if let Some(entry) = self.entries.last_mut() {
            entry.sum = sum;
            put32(&mut out, 0x0807_4b50);
            put32(&mut out, sum);
            put32(&mut out, entry.size);
            put32(&mut out, entry.size);
        }
        self.offset += out.len() as u64;
        out.into()
    }

    /// The list of all files, in pieces.
    pub(super) fn finish(self) -> impl Iterator<Item = Bytes> {
        let (start, count) = (self.offset, self.entries.len() as u64);
        let mut entries = self.entries.into_iter();
        let (mut written, mut is_over) = (0, false);
        std::iter::from_fn(move || {
            let mut out = Vec::new();
            while out.len() < LIST_PIECE_BYTES && !is_over {
                match entries.next() {
                    Some(entry) => entry.list(&mut out),
                    None => {
                        is_over = true;
                        let length = written + out.len() as u64;
                        put_end(&mut out, start, length, count);
                    }
                }
            }
            written += out.len() as u64;
            (!out.is_empty()).then(|| out.into())
        })
    }
}

impl Entry {
    /// What stands before the file and in the list alike.
    fn describe(&self, out: &mut Vec<u8>) {
        put16(out, FLAGS);
        put16(out, STORED);
        put16(out, self.modified.1);
        put16(out, self.modified.0);
        put32(out, self.sum);
        put32(out, self.size);
        put32(out, self.size);
        put16(out, u16::try_from(self.name.len()).unwrap_or(u16::MAX));
    }

    fn list(&self, out: &mut Vec<u8>) {
        let near = u32::try_from(self.offset).ok().filter(|offset| *offset != u32::MAX);
        put32(out, 0x0201_4b50);
        put16(out, MADE_BY);
        put16(out, if near.is_some() { VERSION } else { VERSION_64 });
        self.describe(out);
        put16(out, if near.is_some() { 0 } else { 12 });
        // No comment, the first disk, no inner attributes.
        out.extend([0; 6]);
        put32(out, RIGHTS);
        put32(out, near.unwrap_or(u32::MAX));
        out.extend(self.name.as_bytes());
        if near.is_none() {
            put16(out, 1);
            put16(out, 8);
            put64(out, self.offset);
        }
    }
}

/// Where the list began, how long it is, and of how many files.
fn put_end(out: &mut Vec<u8>, start: u64, length: u64, count: u64) {
    let fits = count < u64::from(u16::MAX) && start + length < u64::from(u32::MAX);
    if !fits {
        put32(out, 0x0606_4b50);
        put64(out, 44);
        put16(out, MADE_BY);
        put16(out, VERSION_64);
        put64(out, 0);
        put64(out, count);
        put64(out, count);
        put64(out, length);
        put64(out, start);
        put32(out, 0x0706_4b50);
        put32(out, 0);
        put64(out, start + length);
        put32(out, 1);
    }
    put32(out, 0x0605_4b50);
    put32(out, 0);
    let files = u16::try_from(count).unwrap_or(u16::MAX);
    put16(out, files);
    put16(out, files);
    put32(out, u32::try_from(length).unwrap_or(u32::MAX));
    put32(out, u32::try_from(start).unwrap_or(u32::MAX));
    put16(out, 0);
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

/// Date and time as MS-DOS had them: in UTC, from 1980 to 2107, every second one.
fn dos_time(at: Millis) -> (u16, u16) {
    let seconds = at.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years begin in March here, so that the odd day is at their end. 719,468 days are from
    // 0000-03-01 to 1970-01-01; 146,097 are four centuries.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1980..=2107).contains(&year) {
        return (1 << 5 | 1, 0);
    }
    let date = (year - 1980) << 9 | month << 5 | day_of_month;
    let time = ((second / 3600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2);
    (date as u16, time as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let at = |date: (u16, u16)| {
            let (date, time) = date;
            let day = (1980 + (date >> 9), date >> 5 & 15, date & 31);
            (day, (time >> 11, time >> 5 & 63, (time & 31) * 2))
        };
        assert_eq!(at(dos_time(1_767_225_600_000)), ((2026, 1, 1), (0, 0, 0)));
        assert_eq!(at(dos_time(1_709_211_599_000)), ((2024, 2, 29), (12, 59, 58)));
        assert_eq!(at(dos_time(0)), ((1980, 1, 1), (0, 0, 0)));
    }

    #[test]
    fn a_zip_has_its_parts_where_its_end_says() {
        let mut zip = Zip::default();
        let mut out = Vec::new();
        for (name, bytes) in [("a.jpg", &b"first"[..]), ("婚礼.jpg", b"second")] {
            out.extend(zip.begin(name, bytes.len() as u32, 1_767_225_600_000));
            out.extend(bytes);
            out.extend(zip.end(crc32fast::hash(bytes)));
        }
        let list = out.len();
        zip.finish().for_each(|piece| out.extend(piece));
        let end = &out[out.len() - 22..];
        assert_eq!(end[..4], [0x50, 0x4b, 5, 6]);
        assert_eq!(u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize, list);
        let length = u32::from_le_bytes(end[12..16].try_into().unwrap()) as usize;
        assert_eq!(list + length + 22, out.len());
        assert_eq!(out[list..list + 4], [0x50, 0x4b, 1, 2]);
    }

    #[test]
    fn a_long_zip_has_numbers_of_64_bits() {
        let mut zip = Zip::default();
        for number in 0..70_000 {
            zip.begin(&format!("{number:05}.jpg"), 100_000, 0);
            zip.end(7);
        }
        let start = zip.offset;
        assert!(start > u64::from(u32::MAX));
        let pieces: Vec<Bytes> = zip.finish().collect();
        assert!(pieces.iter().all(|piece| piece.len() < LIST_PIECE_BYTES + 1024));
        let out = pieces.concat();
        let tail = &out[out.len() - 22 - 20 - 56..];
        assert_eq!(tail[..4], [0x50, 0x4b, 6, 6]);
        let at = |place: usize| u64::from_le_bytes(tail[place..place + 8].try_into().unwrap());
        assert_eq!((at(24), at(32)), (70_000, 70_000));
        assert_eq!((at(40), at(48)), (out.len() as u64 - 98, start));
        assert_eq!((tail[56..60].to_vec(), at(64)), (vec![0x50, 0x4b, 6, 7], start + at(40)));
        assert!(tail[76..].starts_with(&[0x50, 0x4b, 5, 6, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
    }
}
