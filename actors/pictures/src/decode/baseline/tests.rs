//! Compared with the general decoder, for all that cameras write.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::decode;
use crate::deadline::Deadline;
use crate::decode::jpeg;
use crate::header::{Claim, Header, Inspection, inspect};
use crate::limits::Limits;
use crate::pixels::Pixels;
use crate::refusal::Refusal;
use crate::ycc::Ycc;

const SAMPLINGS: [SamplingFactor; 4] =
    [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2];

/// Waves and edges, in colours.
fn picture(width: u16, height: u16, sampling: SamplingFactor, restart: u16) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..f32::from(height) as usize {
        for x in 0..f32::from(width) as usize {
            let (x, y) = (x as f32, y as f32);
            let wave = (x / 9.0).sin() * 50.0 + (y / 13.0).cos() * 50.0;
            let edge =
                if (x as usize / 40 + y as usize / 30).is_multiple_of(2) { 30.0 } else { 0.0 };
            let slow = (x / 70.0).cos() * 40.0;
            pixels.extend([120.0 + wave + edge, 110.0 + slow, 100.0 - slow].map(|c| c as u8));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart);
    encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
    bytes
}

fn header(bytes: &[u8]) -> Header {
    match inspect(bytes, &Claim::default(), &Limits::default()).unwrap() {
        Inspection::Known(header) => header,
        Inspection::More => panic!("more"),
    }
}

fn baseline(bytes: &[u8], side: u32) -> Option<Ycc> {
    decode(bytes, &header(bytes), side, &Deadline::none()).unwrap()
}

fn reference(bytes: &[u8], side: u32) -> Ycc {
    let pixels = jpeg::decode(bytes, &header(bytes)).unwrap();
    let full = Ycc::from_rgb(&pixels);
    full.shrink(side).unwrap().unwrap_or(full)
}

/// The mean and the largest difference.
fn difference(left: &Pixels, right: &Pixels) -> (f64, u8) {
    assert_eq!((left.width, left.height), (right.width, right.height));
    let all = left.data.iter().zip(&right.data).map(|(&left, &right)| left.abs_diff(right));
    let sum: u64 = all.clone().map(u64::from).sum();
    (sum as f64 / left.data.len() as f64, all.max().unwrap())
}

#[test]
fn the_same_pixels_in_full_size() {
    for sampling in SAMPLINGS {
        for (width, height, restart) in
            [(64, 64, 0), (37, 29, 0), (201, 133, 3), (1, 1, 0), (8, 90, 1)]
        {
            let bytes = picture(width, height, sampling, restart);
            let (ours, theirs) = (baseline(&bytes, 4096).unwrap(), reference(&bytes, 4096));
            let what = format!("{sampling:?} {width} {height} {restart}");
            let (mean, most) = difference(&ours.y, &theirs.y);
            assert!(mean < 0.8 && most <= 3, "{what}: {mean} {most}");
            // Theirs were made larger and smaller again.
            for (ours, theirs) in [(&ours.cb, &theirs.cb), (&ours.cr, &theirs.cr)] {
                let (mean, _) = difference(ours, theirs);
                assert!(mean < 3.0, "{what}: {mean}");
            }
        }
    }
}

#[test]
fn the_same_picture_in_every_scale() {
    for sampling in SAMPLINGS {
        let bytes = picture(801, 603, sampling, 0);
        // From an eighth to seven, and a side that is itself a scale.
        for side in [60, 100, 150, 200, 260, 300, 350, 401, 470, 540, 600, 690, 790] {
            let (ours, theirs) = (baseline(&bytes, side).unwrap(), reference(&bytes, side));
            let planes = [(&ours.y, &theirs.y), (&ours.cb, &theirs.cb), (&ours.cr, &theirs.cr)];
            for (plane, (ours, theirs)) in planes.into_iter().enumerate() {
                let (mean, _) = difference(ours, theirs);
                // A block's mean is not what a filter with negative weights makes of its edges.
                let mean_max = if side <= 100 { 4.0 } else { 2.5 };
                assert!(mean < mean_max, "{sampling:?}, {side}, plane {plane}: {mean}");
            }
        }
    }
}

#[test]
fn what_is_unusual_is_left_to_others() {
    let bytes = picture(64, 48, SamplingFactor::F_2_2, 2);
    assert!(baseline(&bytes, 400).is_some());
    let scan = bytes.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
    let restart = scan + bytes[scan..].windows(2).position(|pair| pair == b"\xff\xd0").unwrap();
    // A restart marker that is not where it should be.
    let mut moved = bytes.clone();
    moved.drain(restart..restart + 2);
    assert!(baseline(&moved, 400).is_none());
    // Data that end too early.
    let mut short = bytes.clone();
    short.drain(scan + 40..bytes.len() - 2);
    assert!(baseline(&short, 400).is_none());
    // Adobe's mark of RGB.
    let mut rgb = bytes;
    rgb.splice(2..2, *b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0");
    assert!(baseline(&rgb, 400).is_none());
}

#[test]
fn the_deadline_is_looked_at_within() {
    let bytes = picture(640, 480, SamplingFactor::F_2_2, 0);
    let deadline = Deadline::none();
    deadline.cancel();
    let result = decode(&bytes, &header(&bytes), 400, &deadline);
    assert_eq!(result.map(|_| ()), Err(Refusal::Cancelled));
}
