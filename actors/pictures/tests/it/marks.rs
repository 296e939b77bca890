//! Watermarks, by their pixels.

use std::path::Path;
use std::sync::Arc;

use image::{DynamicImage, Rgba, RgbaImage};
use salon_pictures::{Mark, Options, Placement, Refusal};

use crate::make::{decoded, developed, developed_with, jpeg, png_of, quarters};

/// An even grey picture.
fn grey(width: u32, height: u32) -> Vec<u8> {
    jpeg(&image::RgbImage::from_pixel(width, height, image::Rgb([100, 100, 100])))
}

fn red_mark() -> Mark {
    let picture = RgbaImage::from_fn(40, 20, |x, _| {
        if x < 20 { Rgba([255, 0, 0, 255]) } else { Rgba([255, 0, 0, 0]) }
    });
    Mark::picture(&png_of(&DynamicImage::ImageRgba8(picture))).unwrap()
}

fn marked(file: &[u8], mark: Mark) -> Vec<image::RgbImage> {
    let options = Options { mark: Some(Arc::new(mark)), ..Options::default() };
    let (_, variants) = developed_with(file, &options).unwrap();
    variants.iter().map(|variant| decoded(&variant.jpeg)).collect()
}

/// The smallest rectangle with all pixels that are not grey: left, top, right, bottom, in permille.
fn changed(picture: &image::RgbImage) -> Option<[u32; 4]> {
    let places =
        picture.enumerate_pixels().filter(|(_, _, p)| p.0.iter().any(|c| c.abs_diff(100) > 24));
    let places: Vec<(u32, u32)> = places.map(|(x, y, _)| (x, y)).collect();
    let (width, height) = picture.dimensions();
    Some([
        places.iter().map(|p| p.0).min()? * 1000 / width,
        places.iter().map(|p| p.1).min()? * 1000 / height,
        places.iter().map(|p| p.0).max()? * 1000 / width,
        places.iter().map(|p| p.1).max()? * 1000 / height,
    ])
}

#[test]
fn a_picture_is_blended_in_every_corner_of_every_variant() {
    let file = grey(2400, 1600);
    let places = [
        (Placement::TopLeft, [true, true]),
        (Placement::TopRight, [false, true]),
        (Placement::BottomLeft, [true, false]),
        (Placement::BottomRight, [false, false]),
    ];
    for (placement, [left, top]) in places {
        let variants = marked(&file, red_mark().placed(placement).opaque(100).sized(20));
        assert_eq!(variants.len(), 3);
        for variant in variants {
            let [x0, y0, x1, y1] = changed(&variant).unwrap();
            assert_eq!(x1 < 500, left, "{placement:?}");
            assert_eq!(y1 < 500, top, "{placement:?}");
            // Half of the mark is transparent: a tenth of the width is red, and as much high.
            assert!((85..=115).contains(&(x1 - x0)), "{placement:?}: {x0}..{x1}");
            assert!((130..=170).contains(&(y1 - y0)), "{placement:?}: {y0}..{y1}");
        }
    }
}

#[test]
fn opacity_is_the_share_of_the_mark() {
    let mark = red_mark().placed(Placement::Centre).opaque(50).sized(100);
    let variant = marked(&grey(400, 400), mark).remove(2);
    let [r, g, b] = variant.get_pixel(100, 200).0;
    assert!(r.abs_diff(177) < 6 && g.abs_diff(50) < 6 && b.abs_diff(50) < 6, "{r} {g} {b}");
    assert!(variant.get_pixel(300, 200).0[0].abs_diff(100) < 6);
}

#[test]
fn tiles_are_everywhere() {
    let variant = marked(&grey(1200, 800), red_mark().placed(Placement::Tiled).sized(10)).remove(1);
    for y in 0..4 {
        for x in 0..4 {
            let (width, height) = (variant.width() / 4, variant.height() / 4);
            let part = image::imageops::crop_imm(&variant, x * width, y * height, width, height);
            assert!(changed(&part.to_image()).is_some(), "{x} {y}");
        }
    }
}

#[test]
fn without_a_mark_nothing_changes() {
    let file = grey(1200, 800);
    let before = file.clone();
    let _ = marked(&file, red_mark());
    assert_eq!(file, before);
    for variant in developed(&file).unwrap().1 {
        assert_eq!(changed(&decoded(&variant.jpeg)), None);
    }
}

/// Debian's, which has Latin, Greek and Cyrillic.
fn font() -> Option<Vec<u8>> {
    let path = Path::new("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
    let font = std::fs::read(path).ok();
    if font.is_none() {
        println!("skipped: DejaVu Sans is not installed");
    }
    font
}

#[test]
fn a_text_is_written_in_the_size_that_was_asked_for() {
    let Some(font) = font() else { return };
    for text in ["© Ann Example", "Фото: Анна", "Ἄννα"] {
        let mark = Mark::text(text, font.clone()).unwrap().sized(40).opaque(100);
        let variants = marked(&grey(1600, 1200), mark);
        for variant in &variants {
            let [x0, y0, x1, y1] = changed(variant).unwrap();
            assert!((250..=410).contains(&(x1 - x0)), "{text}: {x0}..{x1}");
            assert!(y0 > 700 && y1 < 990, "{text}: {y0}..{y1}");
        }
        // The letters are white, with something dark beside them.
        let whitest = variants[0].pixels().map(|p| p.0[1]).max().unwrap();
        let darkest = variants[0].pixels().map(|p| p.0[1]).min().unwrap();
        assert!(whitest > 240 && darkest < 80, "{text}: {darkest}..{whitest}");
    }
}

#[test]
fn a_tiled_text_goes_upwards() {
    let Some(font) = font() else { return };
    let mark = Mark::text("PROOF", font).unwrap().placed(Placement::Tiled).sized(20).opaque(60);
    let variant = marked(&jpeg(&quarters(1600, 1200)), mark).remove(0);
    let plain = decoded(&developed(&jpeg(&quarters(1600, 1200))).unwrap().1[0].jpeg);
    let differing = variant.pixels().zip(plain.pixels()).filter(|(left, right)| {
        left.0.iter().zip(right.0).any(|(&left, right)| left.abs_diff(right) > 24)
    });
    let share = differing.count() * 100 / (1600 * 1200);
    assert!((2..40).contains(&share), "{share} %");
}

#[test]
fn a_text_without_glyphs_is_refused() {
    let Some(font) = font() else { return };
    let refused = |text: &str| Mark::text(text, font.clone()).unwrap_err();
    assert_eq!(refused("Ann 照片"), Refusal::BadText { missing: "照片".into() });
    assert_eq!(refused("   "), Refusal::BadText { missing: String::new() });
    assert!(matches!(refused(&"a".repeat(101)), Refusal::BadText { .. }));
    for length in [0, 4, 100, 5_000, 100_000] {
        let result = Mark::text("Ann", font[..length].to_vec());
        assert!(result.is_err() || length > 5_000);
    }
    assert_eq!(Mark::text("Ann", b"not a font".to_vec()).unwrap_err(), Refusal::BadFont);
}

#[test]
fn only_a_png_is_a_mark() {
    let refused = Mark::picture(&jpeg(&quarters(8, 8))).unwrap_err();
    assert!(matches!(refused, Refusal::OtherType { .. }));
    assert!(matches!(Mark::picture(b"<svg/>"), Err(Refusal::NotAPicture { .. })));
}
