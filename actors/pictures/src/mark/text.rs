//! A line of text as a stamp.
//!
//! Owns: glyphs from a font, side by side, as coverage. Promises: every character has a glyph, or the text
//! is refused. Does not: join letters, reorder or break lines.

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::raw::FileRef;
use skrifa::{FontRef, GlyphId, MetadataProvider};

use super::stamp::Stamp;
use crate::refusal::Refusal;

/// Characters of a mark.
const CHARS_MAX: usize = 100;
/// Characters that a refusal names.
const MISSING_MAX: usize = 8;
/// How far a tiled text goes upwards: sine and cosine of 30 degrees.
const SLOPE: (f32, f32) = (0.5, 0.866_025_4);
/// Of 255: how dark the shadow is, below the text that is white.
const SHADOW: f32 = 150.0;

/// A font and what is to be written, checked.
pub(super) struct Face {
    font: Vec<u8>,
    glyphs: Vec<GlyphId>,
}

impl Face {
    pub(super) fn new(text: &str, font: Vec<u8>) -> Result<Self, Refusal> {
        let text = text.trim();
        let characters = text.chars().count();
        if characters == 0 || characters > CHARS_MAX {
            let missing = text.chars().take(MISSING_MAX).collect();
            return Err(Refusal::BadText { missing });
        }
        let map = open(&font)?.charmap();
        let mut missing = String::new();
        let mut glyphs = Vec::with_capacity(characters);
        for character in text.chars() {
            match map.map(character).filter(|glyph| glyph.to_u32() != 0) {
                Some(glyph) => glyphs.push(glyph),
                None if missing.chars().count() < MISSING_MAX => missing.push(character),
                None => {}
            }
        }
        if missing.is_empty() {
            Ok(Self { font, glyphs })
        } else {
            Err(Refusal::BadText { missing })
        }
    }

    /// `side` pixels wide (the text itself, when it is sloped).
    pub(super) fn render(&self, side: u32, sloped: bool) -> Result<Stamp, Refusal> {
        let font = open(&self.font)?;
        let unscaled = font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let width: f32 =
            self.glyphs.iter().filter_map(|&glyph| unscaled.advance_width(glyph)).sum();
        let metrics = font.metrics(Size::unscaled(), LocationRef::default());
        let line = metrics.ascent - metrics.descent;
        if width < 1.0 || line < 1.0 {
            return Err(Refusal::BadFont);
        }
        // A short text would become very high.
        let scale = (side as f32 / width).min(side as f32 / 2.0 / line);
        let size = Size::new(scale * f32::from(metrics.units_per_em));
        let (sine, cosine) = if sloped { SLOPE } else { (0.0, 1.0) };
        let (width, line, shadow) = (width * scale, line * scale, (line * scale / 24.0).max(0.7));
        let canvas_width = (width * cosine + line * sine + shadow).ceil() + 1.0;
        let canvas_height = (width * sine + line * cosine + shadow).ceil() + 1.0;
        // Where the text's baseline begins.
        let ascent = metrics.ascent * scale;
        let origin = point(ascent * sine, width * sine + ascent * cosine);
        let mut pen = Pen {
            rasterizer: Rasterizer::new(canvas_width as usize, canvas_height as usize),
            origin,
            slope: (sine, cosine),
            advance: 0.0,
            last: origin,
            start: origin,
        };
        let outlines = font.outline_glyphs();
        for &glyph in &self.glyphs {
            if let Some(outline) = outlines.get(glyph) {
                let settings = DrawSettings::unhinted(size, LocationRef::default());
                outline.draw(settings, &mut pen).map_err(|_| Refusal::BadFont)?;
            }
            pen.advance += unscaled.advance_width(glyph).unwrap_or(0.0) * scale;
        }
        Ok(colour(&pen.rasterizer, shadow))
    }
}

fn open(font: &[u8]) -> Result<FontRef<'_>, Refusal> {
    match FileRef::new(font).map_err(|_| Refusal::BadFont)? {
        FileRef::Font(font) => Ok(font),
        FileRef::Collection(fonts) => fonts.get(0).map_err(|_| Refusal::BadFont),
    }
}

/// White, with a shadow down to the right that keeps it legible on white.
fn colour(rasterizer: &Rasterizer, shadow: f32) -> Stamp {
    let (width, height) = rasterizer.dimensions();
    let mut coverage = vec![0.0_f32; width * height];
    rasterizer.for_each_pixel(|index, covered| coverage[index] = covered.clamp(0.0, 1.0));
    let shift = (shadow.round() as usize).max(1);
    let mut rgba = Vec::with_capacity(4 * coverage.len());
    for y in 0..height {
        for x in 0..width {
            let text = coverage[y * width + x];
            let below = match (y.checked_sub(shift), x.checked_sub(shift)) {
                (Some(y), Some(x)) => coverage[y * width + x] * SHADOW / 255.0,
                _ => 0.0,
            };
            let alpha = text + below * (1.0 - text);
            let white = if alpha > 0.0 { (255.0 * text / alpha).round() as u8 } else { 0 };
            rgba.extend([white, white, white, (255.0 * alpha).round() as u8]);
        }
    }
    Stamp {
        width: u32::try_from(width).unwrap_or(0),
        height: u32::try_from(height).unwrap_or(0),
        rgba,
    }
}

/// Draws outlines, with the y axis upwards, onto the canvas, where it goes down.
struct Pen {
    rasterizer: Rasterizer,
    origin: Point,
    slope: (f32, f32),
    advance: f32,
    last: Point,
    start: Point,
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> Point {
        let (sine, cosine) = self.slope;
        let x = x + self.advance;
        point(self.origin.x + x * cosine - y * sine, self.origin.y - x * sine - y * cosine)
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.place(x, y);
        self.start = self.last;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.rasterizer.draw_line(self.last, to);
        self.last = to;
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let (control, to) = (self.place(cx, cy), self.place(x, y));
        self.rasterizer.draw_quad(self.last, control, to);
        self.last = to;
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (first, second) = (self.place(cx0, cy0), self.place(cx1, cy1));
        let to = self.place(x, y);
        self.rasterizer.draw_cubic(self.last, first, second, to);
        self.last = to;
    }

    fn close(&mut self) {
        self.rasterizer.draw_line(self.last, self.start);
        self.last = self.start;
    }
}
