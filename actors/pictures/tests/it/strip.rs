//! Originals without what they tell.

use salon_pictures::{Orientation, Refusal, strip};

use crate::exif::{full, oriented};
use crate::make::{
    decoded, developed, jpeg, jpeg_insert, jpeg_insert_exif, jpeg_insert_icc, jpeg_with, png,
    png_insert, quarters, webp_chunk, webp_extended,
};

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// What must be nowhere.
fn assert_silent(bytes: &[u8]) {
    for word in
        [&b"SN-3001234"[..], b"Nikon", b"GPS", b"adobe.com", b"Photoshop", b"secret", b"2026:"]
    {
        assert!(!contains(bytes, word), "{}", String::from_utf8_lossy(word));
    }
}

#[test]
fn a_jpeg_keeps_its_pixels_profile_and_orientation_only() {
    let picture = quarters(32, 16);
    let plain = jpeg(&picture);
    let mut file = jpeg_insert(&plain, 0xfe, b"secret comment");
    file = jpeg_insert(&file, 0xed, b"Photoshop 3.0\0secret IPTC");
    file = jpeg_insert(&file, 0xe1, b"http://ns.adobe.com/xap/1.0/\0secret");
    file = jpeg_insert_icc(&file, b"a profile, as it was");
    file = jpeg_insert_exif(&file, &full());
    // Cameras put a preview behind the end, with its own EXIF.
    file.extend(jpeg_insert_exif(&plain, &full()));
    let stripped = strip(&file).unwrap();
    assert_silent(&stripped);
    assert!(contains(&stripped, b"a profile, as it was"));
    assert_eq!(decoded(&stripped), decoded(&plain));
    let (glance, _) = developed(&stripped).unwrap();
    assert_eq!(glance.metadata.orientation, Orientation::Rotate90);
    assert_eq!((glance.width, glance.height), (16, 32));
    assert_eq!(strip(&stripped).unwrap(), stripped);
}

#[test]
fn an_upright_jpeg_has_no_exif_left() {
    let stripped = strip(&jpeg_insert_exif(&jpeg(&quarters(16, 16)), &oriented(1))).unwrap();
    assert!(!contains(&stripped, b"Exif"));
}

#[test]
fn a_progressive_jpeg_keeps_all_scans() {
    let picture = quarters(48, 40);
    let colour = jpeg_encoder::ColorType::Rgb;
    let plain = jpeg_with(picture.as_raw(), 48, 40, colour, |e| e.set_progressive(true));
    let stripped = strip(&jpeg_insert_exif(&plain, &full())).unwrap();
    assert_silent(&stripped);
    assert_eq!(decoded(&stripped), decoded(&plain));
}

#[test]
fn a_png_keeps_what_it_looks_like() {
    let plain = png(&quarters(16, 8));
    let mut file = png_insert(&plain, b"tEXt", b"Comment\0secret");
    file = png_insert(&file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0secret");
    file = png_insert(&file, b"eXIf", &full());
    file = png_insert(&file, b"sRGB", &[0]);
    file.extend(b"secret trailer");
    let stripped = strip(&file).unwrap();
    assert_silent(&stripped);
    assert!(contains(&stripped, b"sRGB"));
    let (glance, _) = developed(&stripped).unwrap();
    assert_eq!(glance.metadata.orientation, Orientation::Rotate90);
    assert_eq!(strip(&stripped).unwrap(), stripped);
}

#[test]
fn a_webp_keeps_its_pixels_and_orientation() {
    let picture = quarters(16, 8);
    let after = [webp_chunk(b"EXIF", &full()), webp_chunk(b"XMP ", b"secret")].concat();
    let file = webp_extended(&picture, 0b1100, &[], &after);
    let stripped = strip(&file).unwrap();
    assert_silent(&stripped);
    assert!(!contains(&stripped, b"XMP "));
    let (glance, _) = developed(&stripped).unwrap();
    assert_eq!(glance.metadata.orientation, Orientation::Rotate90);
    assert_eq!((glance.width, glance.height), (8, 16));
    assert_eq!(strip(&stripped).unwrap(), stripped);
}

#[test]
fn what_is_cut_off_is_refused() {
    let file = jpeg(&quarters(16, 16));
    assert_eq!(strip(&file[..file.len() - 2]), Err(Refusal::Truncated));
    assert!(matches!(strip(b"GIF89a..."), Err(Refusal::NotAPicture { .. })));
}
