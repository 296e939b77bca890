//! Watermarks, made once and kept for the next photos of their session.
//!
//! Owns      the fonts that this machine has, in which order they are tried, and a few marks.
//! Does not  draw: `salon-pictures` does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use salon_pictures::{Mark, Placement as Place, Refusal};
use salon_protocol::photo::{Placement, Watermark};

/// Marks that are kept.
const KEPT_MAX: usize = 16;
/// Fonts that are tried for one text.
const FONTS_MAX: usize = 200;
/// A font is not larger; collections for Chinese have up to 20 MB.
const FONT_BYTES_MAX: u64 = 40 << 20;
/// Where Linux, macOS and people keep fonts.
const FOLDERS: &[&str] =
    &["/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts"];

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Tried before all others.
    preferred: Option<PathBuf>,
    fonts: OnceLock<Vec<PathBuf>>,
    kept: Mutex<Vec<(Watermark, Arc<Mark>)>>,
}

impl Marks {
    pub(crate) fn new(preferred: Option<PathBuf>) -> Self {
        Marks { preferred, ..Marks::default() }
    }

    /// The mark for a watermark with a text. Blocks: it reads fonts.
    pub(crate) fn text(&self, watermark: &Watermark) -> Result<Option<Arc<Mark>>, Refusal> {
        let Some(text) = &watermark.text else { return Ok(None) };
        self.kept_or(watermark, || self.written(text))
    }

    /// The mark for a watermark with a picture, of which the bytes are given.
    pub(crate) fn picture(
        &self,
        watermark: &Watermark,
        png: &[u8],
    ) -> Result<Option<Arc<Mark>>, Refusal> {
        self.kept_or(watermark, || Mark::picture(png))
    }

    /// The mark, if it was made before.
    pub(crate) fn kept(&self, watermark: &Watermark) -> Option<Arc<Mark>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == watermark).map(|(_, mark)| mark.clone())
    }

    fn kept_or(
        &self,
        watermark: &Watermark,
        make: impl FnOnce() -> Result<Mark, Refusal>,
    ) -> Result<Option<Arc<Mark>>, Refusal> {
        if let Some(mark) = self.kept(watermark) {
            return Ok(Some(mark));
        }
        let mark = make()?
            .placed(place(watermark.placement))
            .opaque(watermark.opacity)
            .sized(watermark.size);
        let mark = Arc::new(mark);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push((watermark.clone(), mark.clone()));
        Ok(Some(mark))
    }

    /// In the first font that has all its characters.
    fn written(&self, text: &str) -> Result<Mark, Refusal> {
        let mut refusal = Refusal::BadFont;
        for path in self.fonts() {
            let Ok(font) = std::fs::read(path) else { continue };
            match Mark::text(text, font) {
                Ok(mark) => return Ok(mark),
                Err(error @ Refusal::BadText { .. }) => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    fn fonts(&self) -> &[PathBuf] {
        self.fonts.get_or_init(|| {
            let mut fonts: Vec<PathBuf> = self.preferred.iter().cloned().collect();
            let mut found = Vec::new();
            for folder in FOLDERS {
                collect(Path::new(folder), 0, &mut found);
            }
            // A plain upright one of few bytes first; those that have everything are large.
            found.sort_by_key(|(path, bytes)| (!is_plain(path), *bytes, path.clone()));
            fonts.extend(found.into_iter().map(|(path, _)| path).take(FONTS_MAX));
            fonts
        })
    }
}

fn is_plain(path: &Path) -> bool {
    let name = path.file_stem().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let odd =
        ["bold", "italic", "oblique", "mono", "emoji", "symbol", "math", "serif", "condensed"];
    let sans = name.contains("sans");
    odd.iter().all(|word| !name.contains(word) || (*word == "serif" && sans))
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, u64)>) {
    const DEPTH_MAX: usize = 4;
    const FILES_MAX: usize = 2_000;
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        if meta.is_dir() && depth < DEPTH_MAX {
            collect(&path, depth + 1, found);
        }
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        let is_font =
            ending.is_some_and(|ending| ending == "ttf" || ending == "otf" || ending == "ttc");
        if is_font && meta.len() <= FONT_BYTES_MAX && found.len() < FILES_MAX {
            found.push((path, meta.len()));
        }
    }
}

const fn place(placement: Placement) -> Place {
    match placement {
        Placement::TopLeft => Place::TopLeft,
        Placement::TopRight => Place::TopRight,
        Placement::BottomLeft => Place::BottomLeft,
        Placement::BottomRight => Place::BottomRight,
        Placement::Centre => Place::Centre,
        Placement::Tiled => Place::Tiled,
    }
}
