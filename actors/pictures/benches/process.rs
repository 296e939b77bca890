//! What a picture costs.
//!
//! Owns: a 12-megapixel JPEG like a camera's (made here, the same each time), and the processor time of
//! each step. `sharp.mjs` beside it does the same work with Sharp. Does not: read a picture from disk, unless it is told to.
//!
//! `cargo bench -p salon-pictures --bench process -- --write /tmp/picture.jpg`

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rustix::time::{ClockId, clock_gettime};
use salon_pictures::{Deadline, Options, SIDES, process};

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// How often; the median is printed.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Where to put the picture, for sharp.mjs.
    #[arg(long)]
    write: Option<PathBuf>,
    /// A picture to take instead.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let bytes = match &arguments.file {
        Some(path) => fs::read(path)?,
        None => camera_jpeg(4032, 3024)?,
    };
    if let Some(path) = &arguments.write {
        fs::write(path, &bytes)?;
    }
    println!("{} bytes, {} runs, processor time in ms", bytes.len(), arguments.runs);
    let mut glances = Vec::new();
    let mut variants = vec![Vec::new(); SIDES.len()];
    let mut all = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..arguments.runs {
        let start = processor_ms();
        let outcome = process(&bytes, &Options::default(), &Deadline::none())?;
        let mut last = processor_ms();
        glances.push(last - start);
        sizes.clear();
        for (variant, times) in outcome.variants.zip(&mut variants) {
            sizes.push(variant?.jpeg.len());
            let now = processor_ms();
            times.push(now - last);
            last = now;
        }
        all.push(last - start);
    }
    print("glance", &mut glances);
    for ((side, times), size) in SIDES.iter().zip(&mut variants).zip(&sizes) {
        print(&format!("{side} ({size} bytes)"), times);
    }
    print("in all", &mut all);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("memory at the peak, with the making of the picture: {peak}");
    }
    Ok(())
}

fn print(what: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    println!("{what:>24}  {:7.1}  (least {:.1})", times[times.len() / 2], times[0]);
}

fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Clouds of all sizes, as landscapes and faces are, with a sensor's noise: about as many bytes as a
/// camera's picture has.
fn camera_jpeg(width: u16, height: u16) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            let light: f32 = (2..=10)
                .map(|scale| cloud(x, y, scale, scale) * f32::powf(2.0, scale as f32 * 0.75) * 0.9)
                .sum();
            let noise = (hash(x, y, 77) + hash(x, y, 80) + hash(x, y, 81)) * 14.0;
            let red =
                cloud(x, y, 9, 50) * 90.0 + cloud(x, y, 6, 51) * 25.0 + cloud(x, y, 4, 53) * 8.0;
            let blue = cloud(x, y, 9, 60) * 90.0 + cloud(x, y, 5, 61) * 20.0;
            let green = -0.3 * red - 0.2 * blue + hash(x, y, 78) * 3.0;
            let blue = blue + hash(x, y, 79) * 3.0;
            pixels.extend([red, green, blue].map(|colour| (128.0 + light + noise + colour) as u8));
        }
    }
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 92);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&pixels, width, height, ColorType::Rgb)?;
    Ok(jpeg)
}

/// Smooth between points that are `1 << scale` pixels apart.
fn cloud(x: u32, y: u32, scale: u32, seed: u32) -> f32 {
    let step = |at: u32| {
        let part = (at & ((1 << scale) - 1)) as f32 / (1_u32 << scale) as f32;
        part * part * (3.0 - 2.0 * part)
    };
    let (left, top, right, down) = (x >> scale, y >> scale, step(x), step(y));
    let row = |y| hash(left, y, seed) * (1.0 - right) + hash(left + 1, y, seed) * right;
    row(top) * (1.0 - down) + row(top + 1) * down
}

/// From -0.5 to 0.5, without order.
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mut mixed =
        x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    (mixed ^ (mixed >> 15)) as f32 / u32::MAX as f32 - 0.5
}
