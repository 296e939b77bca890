//! Files that want to harm: each is refused, or made harmless, within its bound.

use std::time::{Duration, Instant};

use jpeg_encoder::ColorType;
use salon_pictures::{Claim, Deadline, Limits, Options, Refusal, inspect, process, strip};

use crate::exif::{Field, full, tiff};
use crate::make::*;
use crate::variants::stored;

/// For each file; the issue allows ten seconds on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Expect {
    /// From the header, before anything is decoded.
    AtOnce,
    /// When it is decoded, at the latest.
    Refused,
    /// Either refused, or a picture whose variants tell nothing.
    Harmless,
}
use Expect::{AtOnce, Harmless, Refused};

type Case = (String, Vec<u8>, Expect);

fn case(name: &str, bytes: impl Into<Vec<u8>>, expect: Expect) -> Case {
    (name.into(), bytes.into(), expect)
}

fn not_pictures() -> Vec<Case> {
    vec![
        case("empty", "", AtOnce),
        case("gif", &b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0"[..], AtOnce),
        case("svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", AtOnce),
        case("svg behind a declaration", "<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg/>", AtOnce),
        case("html", "<!doctype html><script>alert(1)</script>", AtOnce),
        case("html behind white space", "\u{feff}  \n <html>", AtOnce),
        case("php", "<?php system($_GET['c']); ?>", AtOnce),
        case("gif with a jpeg in it", [b"GIF89a/*", &*jpeg(&quarters(8, 8))].concat(), AtOnce),
        case("script before a jpeg", [b"alert(1);//", &*jpeg(&quarters(8, 8))].concat(), AtOnce),
        case("zip", "PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaa", AtOnce),
        case("pdf", "%PDF-1.7 aaaaaaaaaaaaaaaaaaaaaaaaaaaa", AtOnce),
        case("tiff", &b"II*\0\x08\0\0\0aaaaaaaaaaaaaaaaaa"[..], AtOnce),
        case("heic", &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], AtOnce),
        case("avif", &b"\0\0\0\x18ftypavif\0\0\0\0mif1avif"[..], AtOnce),
        case("bmp", "BMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", AtOnce),
        case("elf", &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"[..], AtOnce),
        case("RIFF that is a sound", &b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"[..], AtOnce),
        case("magic of a jpeg, then html", &b"\xff\xd8\xff<html><script>alert(1)</script>"[..], AtOnce),
        case("magic of a png, then html", &b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script></html>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[..], AtOnce),
        case("zeros", vec![0; 4096], AtOnce),
        case("ones", vec![0xff; 4096], AtOnce),
    ]
}

/// A JPEG of a few bytes that says it has this size.
fn jpeg_sized(width: u16, height: u16, marker: u8, components: u8) -> Vec<u8> {
    let mut frame = vec![8];
    frame.extend(height.to_be_bytes());
    frame.extend(width.to_be_bytes());
    frame.push(components);
    for id in 1..=components {
        frame.extend([id, 0x11, 0]);
    }
    let mut file = jpeg_insert(b"\xff\xd8", marker, &frame);
    file.extend(b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x55\x55\xff\xd9");
    file
}

/// Changes what the frame header of a real JPEG says.
fn jpeg_resized(width: u16, height: u16) -> Vec<u8> {
    let mut file = jpeg(&quarters(64, 64));
    let at = file.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

fn bombs_by_header() -> Vec<Case> {
    let lossy = |width: u16, height: u16| {
        let mut data = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a];
        data.extend(width.to_le_bytes());
        data.extend(height.to_le_bytes());
        data.extend([0; 64]);
        webp_chunk(b"VP8 ", &data)
    };
    let lossless = |bits: u32| {
        let mut data = vec![0x2f];
        data.extend(bits.to_le_bytes());
        data.extend([0; 64]);
        webp_chunk(b"VP8L", &data)
    };
    let extended = |width, height, inner: &[u8]| {
        riff(&[&*webp_chunk(b"VP8X", &webp_canvas(0, width, height)), inner].concat())
    };
    let hidden_frame = {
        let mut frame = vec![0; 16];
        frame.extend(lossy(16_383, 16_383));
        let body = [
            webp_chunk(b"VP8X", &webp_canvas(2, 8, 8)),
            webp_chunk(b"ANIM", &[0; 6]),
            webp_chunk(b"ANMF", &frame),
        ];
        riff(&body.concat())
    };
    vec![
        case("jpeg 50000 x 50000", jpeg_sized(50_000, 50_000, 0xc0, 3), AtOnce),
        case("jpeg 65535 x 65535", jpeg_sized(65_535, 65_535, 0xc2, 3), AtOnce),
        case("jpeg 20000 x 20000", jpeg_resized(20_000, 20_000), AtOnce),
        case("jpeg of 0 width", jpeg_sized(0, 100, 0xc0, 3), AtOnce),
        case("jpeg of 0 height", jpeg_resized(64, 0), AtOnce),
        case("jpeg 9000 x 9000 in a thousand bytes", jpeg_resized(9_000, 9_000), Harmless),
        case("progressive 9900 x 9900 full of nothing", jpeg_sized(9_900, 9_900, 0xc2, 3), AtOnce),
        case("jpeg, lossless", jpeg_sized(10, 10, 0xc3, 3), AtOnce),
        case("jpeg, arithmetic", jpeg_sized(10, 10, 0xc9, 3), AtOnce),
        case("jpeg of two components", jpeg_sized(10, 10, 0xc0, 2), AtOnce),
        case("jpeg of 200 components", jpeg_sized(10, 10, 0xc0, 200), AtOnce),
        case("png 50000 x 50000", png_raw(50_000, 50_000, [8, 2, 0], &[]), AtOnce),
        case("png 4294967295 x 1", png_raw(u32::MAX, 1, [8, 2, 0], &[]), AtOnce),
        case(
            "png 2147483647 x 2147483647",
            png_raw(i32::MAX as u32, i32::MAX as u32, [16, 6, 0], &[]),
            AtOnce,
        ),
        case("png of 0 x 0", png_raw(0, 0, [8, 2, 0], &[]), AtOnce),
        case("png of depth 3", png_raw(5, 5, [3, 0, 0], &[]), AtOnce),
        case("png of colour 5", png_raw(5, 5, [8, 5, 0], &[]), AtOnce),
        case("webp 16383 x 16383, lossy", riff(&lossy(16_383, 16_383)), AtOnce),
        case("webp 16384 x 16384, lossless", riff(&lossless(0x0fff_ffff)), AtOnce),
        case("webp 16777216 x 16777216", extended(1 << 24, 1 << 24, &[]), AtOnce),
        case(
            "webp of a small canvas, large inside",
            extended(8, 8, &lossy(16_383, 16_383)),
            Refused,
        ),
        case("webp of a small canvas, large frame", hidden_frame, Refused),
        case("webp of nothing", riff(&webp_chunk(b"VP8X", &webp_canvas(0, 8, 8))), Refused),
        case(
            "webp, length of everything",
            b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\0\0\0\0\x07\0\0\x07\0\0".to_vec(),
            Refused,
        ),
    ]
}

/// Data that say nothing, at great length.
fn bombs_by_data() -> Vec<Case> {
    let end = png_chunk(b"IEND", &[]);
    let zeros = stored(&vec![0; 4 << 20]);
    let long = [png_chunk(b"IDAT", &zeros), end.clone()].concat();
    let picture = png(&quarters(8, 8));
    let text = [b"Comment\0\0".as_slice(), &zeros].concat();
    let profile = [b"name\0\0".as_slice(), &stored(&vec![0; 16 << 20])].concat();
    let scans = {
        // One scan, a few thousand times.
        let colour = ColorType::Rgb;
        let file =
            jpeg_with(quarters(512, 512).as_raw(), 512, 512, colour, |e| e.set_progressive(true));
        let start = file.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
        let stop =
            start + 2 + file[start + 2..].windows(2).position(|pair| pair == b"\xff\xda").unwrap();
        let mut many = file[..start].to_vec();
        for _ in 0..3000 {
            many.extend(&file[start..stop]);
        }
        many.extend(&file[start..]);
        many
    };
    let segments = {
        let mut file = jpeg(&quarters(8, 8));
        let many = b"\xff\xfe\0\x02".repeat(200_000);
        file.splice(2..2, many);
        file
    };
    let chunks = png_insert(&picture, b"IDAT", &[]);
    let many_chunks =
        [&picture[..33], &*png_chunk(b"teSt", &[]).repeat(100_000), &picture[33..]].concat();
    vec![
        case("png, more data than pixels", png_raw(10, 10, [8, 2, 0], &long), Harmless),
        case("png, fewer data than pixels", png_raw(9_000, 9_000, [8, 2, 0], &long), Refused),
        case("png, text of zeros", png_insert(&picture, b"zTXt", &text), Harmless),
        case("png, profile of zeros", png_insert(&picture, b"iCCP", &profile), Harmless),
        case("png, an empty part first", chunks, Harmless),
        case("png, many chunks", many_chunks, Harmless),
        case("png, without pixels", png_raw(5, 5, [8, 2, 0], &end), Refused),
        case("png, palette without colours", png_raw(5, 5, [8, 3, 0], &long), Refused),
        case("png, two headers", png_insert(&picture, b"IHDR", &picture[16..29]), Harmless),
        case("jpeg of 3000 scans", scans, Refused),
        case("jpeg of 200000 comments", segments, Harmless),
    ]
}

fn twisted() -> Vec<Case> {
    let plain = jpeg(&quarters(64, 64));
    let exif = |block: &[u8]| jpeg_insert_exif(&plain, block);
    let raw = |kind, count, data: &[u8]| Field::Raw { kind, count, data: data.to_vec() };
    let loop_ = b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08".to_vec();
    let far = tiff(&[(0x010f, raw(2, u32::MAX, &[0xff; 4]))], &[], &[]);
    let far_gps = tiff(&[(0x8825, raw(4, 1, &u32::MAX.to_be_bytes()))], &[], &[]);
    let wrong_type =
        tiff(&[(0x0112, Field::Text("upside down"))], &[(0x9003, Field::Short(1))], &[]);
    let two_frames = {
        let frame = plain.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
        let mut second = plain[frame..frame + 19].to_vec();
        second[5..9].copy_from_slice(&[0xff; 4]);
        let mut file = plain.clone();
        file.splice(frame + 19..frame + 19, second);
        file
    };
    let no_tables = {
        let mut file = plain.clone();
        while let Some(at) = file.windows(2).position(|pair| pair == b"\xff\xc4") {
            let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
            file.drain(at..at + 2 + length);
        }
        file
    };
    let flipped = |step: usize| {
        let mut file = plain.clone();
        for at in (600..file.len() - 2).step_by(step) {
            file[at] ^= 0x55;
        }
        file
    };
    let mut bad_profile = moxcms::ColorProfile::new_srgb().encode().unwrap();
    bad_profile[128..132].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut offsets = moxcms::ColorProfile::new_srgb().encode().unwrap();
    for at in (132..180).step_by(12) {
        offsets[at + 4..at + 12].copy_from_slice(&[0xff; 8]);
    }
    vec![
        case("jpeg with gps", exif(&full()), Harmless),
        case("exif that points to itself", exif(&loop_), Harmless),
        case("exif with a text of 4 GB", exif(&far), Harmless),
        case("exif with gps behind the end", exif(&far_gps), Harmless),
        case("exif of wrong types", exif(&wrong_type), Harmless),
        case("exif of noise", exif(&[0xa5; 5000]), Harmless),
        case("exif without content", exif(&[]), Harmless),
        case("profile with 4 G tags", jpeg_insert_icc(&plain, &bad_profile), Harmless),
        case("profile with tags behind the end", jpeg_insert_icc(&plain, &offsets), Harmless),
        case("profile of noise", jpeg_insert_icc(&plain, &[0x5a; 9000]), Harmless),
        case("profile, part 0 of 0", jpeg_insert(&plain, 0xe2, b"ICC_PROFILE\0\0\0abc"), Harmless),
        case("two frames, the second larger", two_frames, Refused),
        case("no tables", no_tables, Harmless),
        case("every 3rd byte wrong", flipped(3), Harmless),
        case("every 50th byte wrong", flipped(50), Harmless),
        case("a segment of length 0", [&b"\xff\xd8\xff\xe0\0\0"[..], &plain[2..]].concat(), AtOnce),
        case("zip behind the end", [&plain[..], b"PK\x03\x04secret GPS"].concat(), Harmless),
        case(
            "html in a comment",
            jpeg_insert(&plain, 0xfe, b"<script>alert(1)</script>"),
            Harmless,
        ),
    ]
}

fn truncated() -> Vec<Case> {
    let picture = quarters(64, 64);
    let files = [("jpeg", jpeg(&picture)), ("png", png(&picture)), ("webp", webp(&picture))];
    let mut cases = Vec::new();
    for (name, file) in files {
        let length = file.len();
        for at in [3, 13, 30, length / 4, length / 2, length * 3 / 4, length - 13, length - 1] {
            cases.push(case(&format!("{name} of {at} bytes"), &file[..at], Refused));
        }
    }
    cases
}

fn assert_harmless(name: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let (_, variants) = developed(bytes)?;
    for variant in variants {
        decoded(&variant.jpeg);
        for word in [&b"GPS"[..], b"Exif", b"PK\x03\x04", b"<script", b"ICC_PROFILE"] {
            assert!(!variant.jpeg.windows(word.len()).any(|window| window == word), "{name}");
        }
    }
    Ok(())
}

#[test]
fn hostile_files_are_refused_or_made_harmless() {
    let cases: Vec<Case> =
        [not_pictures(), bombs_by_header(), bombs_by_data(), twisted(), truncated()].concat();
    assert!(cases.len() >= 69, "{}", cases.len());
    for (name, bytes, expect) in &cases {
        let start = Instant::now();
        let at_once = inspect(bytes, &Claim::default(), &Limits::default());
        let result = assert_harmless(name, bytes);
        match expect {
            AtOnce => assert!(at_once.is_err(), "{name}: {at_once:?}"),
            Refused => assert!(result.is_err(), "{name}"),
            Harmless => {}
        }
        if let Ok(stripped) = strip(bytes) {
            assert!(!stripped.windows(4).any(|word| word == b"PK\x03\x04"), "{name}");
        }
        assert!(start.elapsed() < TIME_MAX, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn no_cut_and_no_flipped_bit_harms() {
    let picture = quarters(40, 24);
    let progressive =
        jpeg_with(picture.as_raw(), 40, 24, ColorType::Rgb, |e| e.set_progressive(true));
    let full = jpeg_insert_exif(&jpeg(&picture), &full());
    let animated = webp_animated(&picture);
    for file in [full, progressive, png(&picture), webp(&picture), animated] {
        for at in 0..file.len() {
            let cut = process(&file[..at], &Options::default(), &Deadline::none());
            assert!(cut.is_err(), "{at} of {}", file.len());
            let mut flipped = file.clone();
            flipped[at] ^= 1 << (at % 8);
            let _ = strip(&flipped);
            // A header that now says much more is refused, or costs a little.
            let limits = Limits { pixels_max: 100_000, ..Limits::default() };
            let options = Options { limits, ..Options::default() };
            let _ = developed_with(&flipped, &options);
        }
    }
}

#[test]
fn a_deadline_ends_a_long_picture() {
    // 16 megapixels of nothing, read row by row.
    let rows = stored(&vec![0; 4000 * (1 + 4000)]);
    let chunks = [png_chunk(b"IDAT", &rows), png_chunk(b"IEND", &[])].concat();
    let file = png_raw(4000, 4000, [8, 0, 0], &chunks);
    let deadline = Deadline::within(Duration::from_millis(2));
    assert_eq!(process(&file, &Options::default(), &deadline).unwrap_err(), Refusal::Late);
}
