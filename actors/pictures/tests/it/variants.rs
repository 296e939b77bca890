//! What viewers get, by its pixels.

use std::time::Duration;

use image::{DynamicImage, GrayAlphaImage, ImageBuffer, LumaA, Rgb, Rgba, RgbaImage};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use salon_pictures::{Deadline, Options, Refusal, SIDES, process};

use crate::exif::{Field, full, oriented, tiff};
use crate::make::*;

#[test]
fn sizes_fit_and_nothing_is_made_larger() {
    let sizes = |width, height| -> Vec<(u32, u32, u32)> {
        let (glance, variants) = developed(&png(&quarters(width, height))).unwrap();
        assert_eq!((glance.width, glance.height), (width, height));
        let sizes = variants.iter().map(|variant| {
            let picture = decoded(&variant.jpeg);
            assert_eq!(picture.dimensions(), (variant.width, variant.height));
            assert_corners(&picture, [RED, GREEN, BLUE, WHITE], "size");
            (variant.side, variant.width, variant.height)
        });
        sizes.collect()
    };
    assert_eq!(sizes(3000, 2000), [(2048, 2048, 1365), (1024, 1024, 683), (400, 400, 267)]);
    assert_eq!(sizes(800, 1200), [(2048, 800, 1200), (1024, 683, 1024), (400, 267, 400)]);
    assert_eq!(sizes(90, 60), [(2048, 90, 60), (1024, 90, 60), (400, 90, 60)]);
}

#[test]
fn thin_pictures_keep_a_pixel() {
    for (width, height) in [(1, 1), (1, 30_000), (30_000, 1), (2, 5_000)] {
        let (_, variants) = developed(&png(&quarters(width, height))).unwrap();
        assert_eq!(variants.len(), SIDES.len());
        assert_eq!(variants[2].width.max(variants[2].height), width.max(height).min(400));
        assert_eq!(variants[2].width.min(variants[2].height), 1);
    }
}

#[test]
fn all_eight_orientations() {
    // What is seen when the stored quarters are red, green / blue, white.
    let expected = [
        [RED, GREEN, BLUE, WHITE],
        [GREEN, RED, WHITE, BLUE],
        [WHITE, BLUE, GREEN, RED],
        [BLUE, WHITE, RED, GREEN],
        [RED, BLUE, GREEN, WHITE],
        [BLUE, RED, WHITE, GREEN],
        [WHITE, GREEN, BLUE, RED],
        [GREEN, WHITE, RED, BLUE],
    ];
    let file = jpeg(&quarters(600, 400));
    for (number, expected) in (1_u16..).zip(expected) {
        let (glance, variants) = developed(&jpeg_insert_exif(&file, &oriented(number))).unwrap();
        let size = if number < 5 { (600, 400) } else { (400, 600) };
        assert_eq!((glance.width, glance.height), size, "{number}");
        for variant in variants {
            assert_corners(&decoded(&variant.jpeg), expected, &format!("orientation {number}"));
        }
    }
}

#[test]
fn every_kind_of_jpeg_looks_the_same() {
    let picture = quarters(200, 120);
    let rgb = picture.as_raw();
    type Set = fn(&mut jpeg_encoder::Encoder<&mut Vec<u8>>);
    let sets: [Set; 6] = [
        |_| {},
        |e| e.set_progressive(true),
        |e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2),
        |e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1),
        |e| e.set_restart_interval(3),
        |e| {
            e.set_progressive(true);
            e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_2);
        },
    ];
    for (index, set) in sets.into_iter().enumerate() {
        let (_, variants) = developed(&jpeg_with(rgb, 200, 120, ColorType::Rgb, set)).unwrap();
        let what = format!("settings {index}");
        assert_corners(&decoded(&variants[0].jpeg), [RED, GREEN, BLUE, WHITE], &what);
    }
    // Without black, ink is what is missing of light.
    let cmyk: Vec<u8> =
        picture.pixels().flat_map(|p| [255 - p.0[0], 255 - p.0[1], 255 - p.0[2], 0]).collect();
    for colour in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let (_, variants) = developed(&jpeg_with(&cmyk, 200, 120, colour, |_| {})).unwrap();
        assert_corners(
            &decoded(&variants[0].jpeg),
            [RED, GREEN, BLUE, WHITE],
            &format!("{colour:?}"),
        );
    }
    let grey = vec![90; 200 * 120];
    let (glance, variants) =
        developed(&jpeg_with(&grey, 200, 120, ColorType::Luma, |_| {})).unwrap();
    assert_corners(&decoded(&variants[0].jpeg), [[90; 3]; 4], "grey");
    assert!(is_near(glance.dominant, [90; 3], 3));
}

#[test]
fn every_kind_of_png_looks_the_same() {
    let picture = quarters(64, 48);
    let all = [RED, GREEN, BLUE, WHITE];
    let sixteen = ImageBuffer::from_fn(64, 48, |x, y| {
        Rgb(picture.get_pixel(x, y).0.map(|c| u16::from(c) * 257))
    });
    let opaque = RgbaImage::from_fn(64, 48, |x, y| {
        let Rgb([r, g, b]) = *picture.get_pixel(x, y);
        Rgba([r, g, b, 255])
    });
    for file in [DynamicImage::ImageRgb16(sixteen), DynamicImage::ImageRgba8(opaque)] {
        let (_, variants) = developed(&png_of(&file)).unwrap();
        assert_corners(&decoded(&variants[0].jpeg), all, "png");
    }
    // What is transparent is on white.
    let clear = RgbaImage::from_pixel(32, 32, Rgba([255, 0, 0, 128]));
    let (_, variants) = developed(&png_of(&DynamicImage::ImageRgba8(clear))).unwrap();
    assert_corners(&decoded(&variants[0].jpeg), [[255, 127, 127]; 4], "half red");
    let clear = GrayAlphaImage::from_pixel(32, 32, LumaA([0, 64]));
    let (_, variants) = developed(&png_of(&DynamicImage::ImageLumaA8(clear))).unwrap();
    assert_corners(&decoded(&variants[0].jpeg), [[191; 3]; 4], "a quarter black");
}

#[test]
fn an_interlaced_png_is_put_together() {
    // Adam7: seven small pictures, made of stored blocks; each row with its filter, none.
    const PASSES: [(u32, u32, u32, u32); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let picture = quarters(37, 29);
    let mut rows = Vec::new();
    for (left, top, right, down) in PASSES {
        for y in (top..29).step_by(down as usize) {
            rows.push(0);
            for x in (left..37).step_by(right as usize) {
                rows.extend(picture.get_pixel(x, y).0);
            }
        }
    }
    let chunks = [png_chunk(b"IDAT", &stored(&rows)), png_chunk(b"IEND", &[])].concat();
    let (_, variants) = developed(&png_raw(37, 29, [8, 2, 1], &chunks)).unwrap();
    assert_corners(&decoded(&variants[0].jpeg), [RED, GREEN, BLUE, WHITE], "interlaced");
}

/// A zlib stream without compression.
pub(crate) fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 1];
    let mut blocks = data.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend((block.len() as u16).to_le_bytes());
        stream.extend((!(block.len() as u16)).to_le_bytes());
        stream.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

#[test]
fn every_kind_of_webp_looks_the_same() {
    let picture = quarters(64, 48);
    for file in [webp(&picture), webp_extended(&picture, 0, &[], &[]), webp_animated(&picture)] {
        let (_, variants) = developed(&file).unwrap();
        assert_corners(&decoded(&variants[0].jpeg), [RED, GREEN, BLUE, WHITE], "webp");
    }
}

/// sRGB with red and green changed for one another.
fn swapped() -> Vec<u8> {
    let mut profile = ColorProfile::new_srgb();
    std::mem::swap(&mut profile.red_colorant, &mut profile.green_colorant);
    profile.cicp = None;
    profile.encode().unwrap()
}

#[test]
fn a_profile_is_applied() {
    let picture = quarters(64, 48);
    let turned = [[RED[1], RED[0], RED[2]], [GREEN[1], GREEN[0], GREEN[2]], BLUE, WHITE];
    let turned =
        turned.map(|[r, g, b]| if [r, g, b] == BLUE { [BLUE[1], BLUE[0], b] } else { [r, g, b] });
    let icc = webp_chunk(b"ICCP", &swapped());
    for file in [
        jpeg_insert_icc(&jpeg(&picture), &swapped()),
        webp_extended(&picture, 0b10_0000, &icc, &[]),
    ] {
        let (glance, variants) = developed(&file).unwrap();
        for variant in variants {
            assert_corners(&decoded(&variant.jpeg), turned, "swapped");
        }
        assert!(glance.dominant != RED);
    }
}

#[test]
fn a_profile_in_other_words_changes_nothing() {
    let file = jpeg(&quarters(64, 48));
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let (_, plain) = developed(&file).unwrap();
    let (_, tagged) = developed(&jpeg_insert_icc(&file, &srgb)).unwrap();
    assert_eq!(plain, tagged);
}

#[test]
fn adobe_rgb_is_known_by_its_profile_and_by_the_cameras_index() {
    let file = jpeg(&quarters(64, 48));
    let profile = ColorProfile::new_adobe_rgb().encode().unwrap();
    let (_, by_profile) = developed(&jpeg_insert_icc(&file, &profile)).unwrap();
    // The interoperability directory is pointed to from the photo's.
    let block = |offset: u32| {
        let pointer = Field::Raw { kind: 4, count: 1, data: offset.to_be_bytes().to_vec() };
        tiff(&[], &[(0xa005, pointer)], &[])
    };
    let mut exif = block(block(0).len() as u32);
    exif.extend([0, 1, 0, 1, 0, 2, 0, 0, 0, 4]);
    exif.extend(b"R03\0\0\0\0\0");
    let (_, by_index) = developed(&jpeg_insert_exif(&file, &exif)).unwrap();
    let [left, right] = [&by_profile, &by_index].map(|list| corners(&decoded(&list[0].jpeg)));
    assert!(left.iter().zip(right).all(|(&left, right)| is_near(left, right, 3)));
    assert!(!is_near(left[1], GREEN, 10), "{left:?}");
}

#[test]
fn variants_tell_nothing() {
    let mut file = jpeg_insert_exif(&jpeg(&quarters(3000, 2000)), &full());
    file = jpeg_insert_icc(&file, &swapped());
    file = jpeg_insert(&file, 0xfe, b"GPS in a comment");
    let (glance, variants) = developed(&file).unwrap();
    assert!(glance.metadata.place.is_some());
    for variant in variants {
        for word in [&b"Exif"[..], b"GPS", b"ICC_PROFILE", b"Nikon", b"adobe", b"\xff\xfe"] {
            let found = variant.jpeg.windows(word.len()).any(|window| window == word);
            assert!(!found, "{}", String::from_utf8_lossy(word));
        }
        // Nothing but JFIF of all application segments.
        let (mut at, mut markers) = (2, Vec::new());
        while variant.jpeg[at + 1] != 0xda {
            markers.push(variant.jpeg[at + 1]);
            at += 2 + usize::from(u16::from_be_bytes([variant.jpeg[at + 2], variant.jpeg[at + 3]]));
        }
        assert!(
            markers.iter().all(|marker| [0xe0, 0xdb, 0xc0, 0xc4].contains(marker)),
            "{markers:x?}"
        );
    }
}

#[test]
fn the_placeholder_looks_like_the_picture() {
    let (glance, _) = developed(&jpeg(&quarters(3000, 2000))).unwrap();
    assert!((15..=32).contains(&glance.thumbhash.len()), "{}", glance.thumbhash.len());
    let (width, height, rgba) = thumbhash::thumb_hash_to_rgba(&glance.thumbhash).unwrap();
    let at = |x: usize, y: usize| &rgba[4 * (y * width + x)..][..3];
    assert!(at(width / 4, height / 4)[0] > 150);
    assert!(at(width * 3 / 4, height / 4)[1] > 150);
    assert!(at(width / 4, height * 3 / 4)[2] > 150);
    assert!([RED, GREEN, BLUE, WHITE].iter().any(|&colour| is_near(glance.dominant, colour, 4)));
}

#[test]
fn deadlines_end_the_work() {
    let file = png(&quarters(500, 400));
    let late = Deadline::within(Duration::ZERO);
    assert_eq!(process(&file, &Options::default(), &late).unwrap_err(), Refusal::Late);
    assert!(Refusal::Late.is_transient());
    let deadline = Deadline::none();
    let mut variants = process(&file, &Options::default(), &deadline).unwrap().variants;
    assert!(variants.next().unwrap().is_ok());
    deadline.cancel();
    assert_eq!(variants.next().unwrap().unwrap_err(), Refusal::Cancelled);
    assert!(variants.next().is_none());
}
