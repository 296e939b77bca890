//! Pictures for the tests, made here: nothing is read from disk, nothing is random.

use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use salon_pictures::{Deadline, Glance, Options, Outcome, Refusal, Variant, process};

pub(crate) const RED: [u8; 3] = [220, 30, 30];
pub(crate) const GREEN: [u8; 3] = [30, 200, 40];
pub(crate) const BLUE: [u8; 3] = [30, 40, 210];
pub(crate) const WHITE: [u8; 3] = [245, 245, 245];

/// Four quarters: red, green / blue, white.
pub(crate) fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

pub(crate) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    jpeg_with(picture.as_raw(), picture.width(), picture.height(), ColorType::Rgb, |_| {})
}

pub(crate) fn jpeg_with(
    data: &[u8],
    width: u32,
    height: u32,
    colour: ColorType,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    set(&mut encoder);
    encoder.encode(data, width as u16, height as u16, colour).unwrap();
    bytes
}

pub(crate) fn png(picture: &RgbImage) -> Vec<u8> {
    png_of(&DynamicImage::ImageRgb8(picture.clone()))
}

pub(crate) fn png_of(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

pub(crate) fn webp(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// A lossless WebP in the extended format, with more chunks.
pub(crate) fn webp_extended(picture: &RgbImage, flags: u8, before: &[u8], after: &[u8]) -> Vec<u8> {
    let plain = webp(picture);
    let mut body = webp_chunk(b"VP8X", &webp_canvas(flags, picture.width(), picture.height()));
    body.extend(before);
    body.extend(&plain[12..]);
    body.extend(after);
    riff(&body)
}

pub(crate) fn webp_canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut data = vec![flags, 0, 0, 0];
    data.extend(&(width - 1).to_le_bytes()[..3]);
    data.extend(&(height - 1).to_le_bytes()[..3]);
    data
}

pub(crate) fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    chunk.extend(vec![0; data.len() % 2]);
    chunk
}

pub(crate) fn riff(body: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32 + 4).to_le_bytes());
    file.extend(b"WEBP");
    file.extend(body);
    file
}

/// An animation of the same picture twice.
pub(crate) fn webp_animated(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut frame = vec![0; 6];
    frame.extend(&(width - 1).to_le_bytes()[..3]);
    frame.extend(&(height - 1).to_le_bytes()[..3]);
    frame.extend([50, 0, 0, 0]);
    frame.extend(&webp(picture)[12..]);
    let mut body = webp_chunk(b"VP8X", &webp_canvas(0b10, width, height));
    body.extend(webp_chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]));
    body.extend(webp_chunk(b"ANMF", &frame));
    body.extend(webp_chunk(b"ANMF", &frame));
    riff(&body)
}

pub(crate) fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(data);
    let sum = crc32fast::hash(&chunk[4..]);
    chunk.extend(sum.to_be_bytes());
    chunk
}

/// A PNG of these chunks, after IHDR.
pub(crate) fn png_raw(
    width: u32,
    height: u32,
    depth_colour_interlace: [u8; 3],
    chunks: &[u8],
) -> Vec<u8> {
    let [depth, colour, interlace] = depth_colour_interlace;
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([depth, colour, 0, 0, interlace]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png_chunk(b"IHDR", &header));
    file.extend(chunks);
    file
}

/// With a chunk behind IHDR.
pub(crate) fn png_insert(png: &[u8], name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut file = png[..33].to_vec();
    file.extend(png_chunk(name, data));
    file.extend(&png[33..]);
    file
}

/// With a segment behind SOI.
pub(crate) fn jpeg_insert(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let mut file = jpeg[..2].to_vec();
    file.extend([0xff, marker]);
    file.extend((payload.len() as u16 + 2).to_be_bytes());
    file.extend(payload);
    file.extend(&jpeg[2..]);
    file
}

pub(crate) fn jpeg_insert_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    jpeg_insert(jpeg, 0xe1, &[b"Exif\0\0", tiff].concat())
}

pub(crate) fn jpeg_insert_icc(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    jpeg_insert(jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

/// All that there is of a picture.
pub(crate) fn developed(bytes: &[u8]) -> Result<(Glance, Vec<Variant>), Refusal> {
    developed_with(bytes, &Options::default())
}

pub(crate) fn developed_with(
    bytes: &[u8],
    options: &Options,
) -> Result<(Glance, Vec<Variant>), Refusal> {
    let Outcome { glance, variants } = process(bytes, options, &Deadline::none())?;
    let variants = variants.collect::<Result<Vec<_>, _>>()?;
    Ok((glance, variants))
}

pub(crate) fn decoded(jpeg: &[u8]) -> RgbImage {
    let reader = image::ImageReader::with_format(Cursor::new(jpeg), image::ImageFormat::Jpeg);
    reader.decode().unwrap().into_rgb8()
}

/// Whether every sample is within `by`.
pub(crate) fn is_near(left: [u8; 3], right: [u8; 3], by: u8) -> bool {
    left.iter().zip(right).all(|(&left, right)| left.abs_diff(right) <= by)
}

/// The colours in the middle of the four quarters.
pub(crate) fn corners(picture: &RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = picture.dimensions();
    let at = |x: u32, y: u32| picture.get_pixel(width * x / 4, height * y / 4).0;
    [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]
}

pub(crate) fn assert_corners(picture: &RgbImage, expected: [[u8; 3]; 4], what: &str) {
    let found = corners(picture);
    let same = found.iter().zip(expected).all(|(&found, expected)| is_near(found, expected, 14));
    assert!(same, "{what}: {found:?}, expected {expected:?}");
}
