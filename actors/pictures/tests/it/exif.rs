//! What a camera wrote, and what of it is believed.

use salon_pictures::{Metadata, Orientation, Place, Taken};

use crate::make::{
    developed, jpeg, jpeg_insert_exif, png, png_insert, quarters, webp_chunk, webp_extended,
};

/// A value of an EXIF field.
#[derive(Clone)]
pub(crate) enum Field {
    Text(&'static str),
    Short(u16),
    Rationals(Vec<[u32; 2]>),
    /// Of a count that is not what the bytes are.
    Raw {
        kind: u16,
        count: u32,
        data: Vec<u8>,
    },
}

impl Field {
    fn parts(&self) -> (u16, u32, Vec<u8>) {
        match self {
            Self::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat()),
            Self::Short(number) => (3, 1, number.to_be_bytes().to_vec()),
            Self::Rationals(list) => {
                let data = list.iter().flatten().flat_map(|n| n.to_be_bytes()).collect();
                (5, list.len() as u32, data)
            }
            Self::Raw { kind, count, data } => (*kind, *count, data.clone()),
        }
    }
}

/// A directory at `offset`, with what its fields point to behind it.
fn directory(fields: &[(u16, Field)], offset: usize) -> Vec<u8> {
    let mut entries = (fields.len() as u16).to_be_bytes().to_vec();
    let mut data = Vec::new();
    let behind = offset + 2 + 12 * fields.len() + 4;
    for (tag, field) in fields {
        let (kind, count, mut value) = field.parts();
        entries.extend(tag.to_be_bytes());
        entries.extend(kind.to_be_bytes());
        entries.extend(count.to_be_bytes());
        if value.len() <= 4 {
            value.resize(4, 0);
            entries.extend(value);
        } else {
            entries.extend(((behind + data.len()) as u32).to_be_bytes());
            data.extend(value);
        }
    }
    entries.extend([0; 4]);
    entries.extend(data);
    entries
}

/// A TIFF block with its three directories.
pub(crate) fn tiff(main: &[(u16, Field)], photo: &[(u16, Field)], gps: &[(u16, Field)]) -> Vec<u8> {
    let pointers = |photo: u32, gps: u32| {
        let mut fields = main.to_vec();
        for (tag, offset) in [(0x8769, photo), (0x8825, gps)] {
            fields
                .push((tag, Field::Raw { kind: 4, count: 1, data: offset.to_be_bytes().to_vec() }));
        }
        directory(&fields, 8)
    };
    let photo_at = 8 + pointers(0, 0).len();
    let photo = directory(photo, photo_at);
    let gps_at = photo_at + photo.len();
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    block.extend(pointers(photo_at as u32, gps_at as u32));
    block.extend(photo);
    block.extend(directory(gps, gps_at));
    block
}

pub(crate) fn oriented(number: u16) -> Vec<u8> {
    tiff(&[(0x0112, Field::Short(number))], &[], &[])
}

/// What a good camera writes.
pub(crate) fn full() -> Vec<u8> {
    tiff(
        &[(0x010f, Field::Text("Nikon")), (0x0110, Field::Text("Z 9")), (0x0112, Field::Short(6))],
        &[
            (0x829a, Field::Rationals(vec![[1, 250]])),
            (0x829d, Field::Rationals(vec![[28, 10]])),
            (0x8827, Field::Short(6400)),
            (0x9003, Field::Text("2026:05:01 10:20:30")),
            (0x9011, Field::Text("+08:00")),
            (0x920a, Field::Rationals(vec![[85, 1]])),
            (0x9291, Field::Text("047")),
            (0xa431, Field::Text("SN-3001234")),
            (0xa434, Field::Text("NIKKOR Z 85mm f/1.2 S")),
        ],
        &[
            (1, Field::Text("N")),
            (2, Field::Rationals(vec![[31, 1], [12, 1], [3600, 100]])),
            (3, Field::Text("E")),
            (4, Field::Rationals(vec![[121, 1], [30, 1], [0, 1]])),
            (6, Field::Rationals(vec![[45, 10]])),
        ],
    )
}

fn metadata(tiff: &[u8]) -> Metadata {
    developed(&jpeg_insert_exif(&jpeg(&quarters(16, 16)), tiff)).unwrap().0.metadata
}

#[test]
fn all_fields_are_read() {
    let read = metadata(&full());
    let taken = Taken { local_ms: 1_777_630_830_047, offset_min: Some(480) };
    let expected = Metadata {
        taken: Some(taken),
        make: Some("Nikon".into()),
        model: Some("Z 9".into()),
        serial: Some("SN-3001234".into()),
        lens: Some("NIKKOR Z 85mm f/1.2 S".into()),
        exposure_s: Some([1, 250]),
        f_number: Some(2.8),
        iso: Some(6400),
        focal_length_mm: Some(85.0),
        place: Some(Place { latitude: 31.21, longitude: 121.5, altitude_m: Some(4.5) }),
        orientation: Orientation::Rotate90,
    };
    assert_eq!(read, expected);
    assert_eq!(taken.utc_ms(0), 1_777_630_830_047 - 480 * 60_000);
    let json = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Metadata>(&json).unwrap(), expected);
}

#[test]
fn png_and_webp_have_it_too() {
    let picture = quarters(16, 8);
    let files = [
        png_insert(&png(&picture), b"eXIf", &full()),
        webp_extended(&picture, 0b1000, &[], &webp_chunk(b"EXIF", &full())),
    ];
    for file in files {
        let (glance, _) = developed(&file).unwrap();
        assert_eq!((glance.width, glance.height), (8, 16));
        assert_eq!(glance.metadata.serial.as_deref(), Some("SN-3001234"));
    }
}

#[test]
fn what_is_absurd_is_absent() {
    let absurd = tiff(
        &[(0x0112, Field::Short(77)), (0x010f, Field::Text("  \u{7}  "))],
        &[
            (0x829a, Field::Rationals(vec![[1, 0]])),
            (0x829d, Field::Rationals(vec![])),
            (0x9003, Field::Text("2026:13:41 99:20:30")),
            (0x9011, Field::Text("+99:00")),
        ],
        &[
            (1, Field::Text("N")),
            (2, Field::Rationals(vec![[400, 1], [12, 1], [0, 1]])),
            (3, Field::Text("E")),
            (4, Field::Rationals(vec![[121, 1], [30, 0], [0, 1]])),
        ],
    );
    assert_eq!(metadata(&absurd), Metadata::default());
}

#[test]
fn a_camera_without_an_offset_is_not_given_one() {
    let block = tiff(
        &[],
        &[(0x9003, Field::Text("1999:12:31 23:59:59")), (0x9291, Field::Text("5 "))],
        &[],
    );
    let taken = metadata(&block).taken.unwrap();
    assert_eq!(taken, Taken { local_ms: 946_684_799_500, offset_min: None });
    assert_eq!(taken.utc_ms(60), 946_684_799_500 - 3_600_000);
}
