//! What is told from the first bytes.

use salon_pictures::{Claim, Excess, Inspection, Kind, Limits, Refusal, inspect};

use crate::make::{jpeg, jpeg_insert, png, png_raw, quarters, webp};

fn total(bytes_total: u64) -> Claim<'static> {
    Claim { mime: None, bytes_total }
}

fn known(bytes: &[u8]) -> (Kind, u32, u32) {
    match inspect(bytes, &Claim::default(), &Limits::default()) {
        Ok(Inspection::Known(header)) => (header.kind, header.width, header.height),
        other => panic!("{other:?}"),
    }
}

#[test]
fn kinds_and_sizes() {
    let picture = quarters(37, 21);
    assert_eq!(known(&jpeg(&picture)), (Kind::Jpeg, 37, 21));
    assert_eq!(known(&png(&picture)), (Kind::Png, 37, 21));
    assert_eq!(known(&webp(&picture)), (Kind::Webp, 37, 21));
}

#[test]
fn every_beginning_is_more_or_known_and_the_same() {
    let picture = quarters(37, 21);
    for file in [jpeg(&picture), png(&picture), webp(&picture)] {
        let mut was_known = false;
        for length in 1..file.len() {
            let found = inspect(&file[..length], &total(file.len() as u64), &Limits::default());
            match found.unwrap() {
                Inspection::More => assert!(!was_known),
                Inspection::Known(header) => {
                    was_known = true;
                    assert_eq!((header.width, header.height), (37, 21));
                }
            }
        }
        assert!(was_known);
    }
}

#[test]
fn a_size_behind_much_else_needs_more() {
    let mut file = jpeg(&quarters(8, 8));
    for _ in 0..4 {
        file = jpeg_insert(&file, 0xe5, &vec![7; 65_000]);
    }
    let claim = total(file.len() as u64);
    assert_eq!(inspect(&file[..65_536], &claim, &Limits::default()), Ok(Inspection::More));
    assert_eq!(known(&file), (Kind::Jpeg, 8, 8));
    // All there is, and no size in it.
    let cut = inspect(&file[..65_536], &Claim::default(), &Limits::default());
    assert_eq!(cut, Err(Refusal::Truncated));
}

#[test]
fn bounds_are_exact() {
    let limits = Limits { side_max: 100, pixels_max: 5_000, bytes_max: 2_000, ..Limits::default() };
    let file = |width, height| png_raw(width, height, [8, 2, 0], &[]);
    let check = |width, height| inspect(&file(width, height), &total(100), &limits);
    assert!(check(100, 50).is_ok());
    let refused = |result: Result<Inspection, Refusal>| match result {
        Err(Refusal::TooLarge { what, value, max }) => (what, value, max),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(check(101, 1)), (Excess::Side, 101, 100));
    assert_eq!(refused(check(72, 70)), (Excess::Pixels, 5_040, 5_000));
    let bytes = inspect(&file(1, 1), &total(2_001), &limits);
    assert_eq!(refused(bytes), (Excess::Bytes, 2_001, 2_000));
    assert_eq!(check(0, 1), Err(Refusal::Broken));
}

#[test]
fn memory_is_known_before() {
    let header = |bytes: &[u8]| match inspect(bytes, &Claim::default(), &Limits::default()) {
        Ok(Inspection::Known(header)) => header,
        other => panic!("{other:?}"),
    };
    let megapixels = header(&png_raw(4000, 3000, [16, 6, 1], &[])).memory_bytes / 12_000_000;
    assert!((4..=12).contains(&megapixels), "{megapixels}");
    let limits = Limits { memory_bytes_max: 10_000_000, ..Limits::default() };
    let found = inspect(&png_raw(4000, 3000, [8, 2, 0], &[]), &Claim::default(), &limits);
    assert!(matches!(found, Err(Refusal::TooLarge { what: Excess::Memory, .. })));
}

#[test]
fn claims_are_compared() {
    let file = jpeg(&quarters(8, 8));
    let check = |mime| {
        let claim = Claim { mime: Some(mime), bytes_total: 0 };
        inspect(&file, &claim, &Limits::default())
    };
    for mime in ["image/jpeg", "IMAGE/JPEG; q=1", "image/jpg"] {
        assert!(check(mime).is_ok(), "{mime}");
    }
    let refused = check("image/png").unwrap_err();
    assert_eq!(refused.to_string(), "This is a JPEG, not the image/png it is said to be.");
}
