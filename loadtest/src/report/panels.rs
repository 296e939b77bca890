//! Small charts beside each other in one SVG file of its own.
//!
//! Owns      the file that `--chart` names: how something grows, with a logarithmic x.
//! Promises  one file: no scripts, nothing loaded from anywhere, readable in light and dark. Every
//!           y axis begins at 0, so that what looks flat is flat.
//! Does not  choose what is drawn.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::chart::nice;
use super::readable;
use crate::failure::Failure;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
const HEAD: f64 = 40.0;
const TICKS: usize = 4;

const STYLE: &str = "
:root{--page:#fff;--ink:#1c1e21;--soft:#6a7078;--rule:#d9dde2;--mark:#2563eb}
@media(prefers-color-scheme:dark){:root{--page:#15181c;--ink:#e6e8ea;--soft:#9aa1a9;--rule:#31363c;
--mark:#7aa2ff}}
.page{fill:var(--page)}text{fill:var(--soft);font:11px system-ui,sans-serif}
.title{fill:var(--ink);font-size:15px}.name{fill:var(--ink);font-size:12px}
.grid{stroke:var(--rule)}.line{fill:none;stroke:var(--mark);stroke-width:2}.dot{fill:var(--mark)}
";

/// One chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// What y is, with its unit.
    pub title: String,
    /// What x is.
    pub x_label: &'static str,
    /// In the order of x, which is above 0.
    pub points: Vec<(f64, f64)>,
}

/// Writes the panels to `path`, so many in a row.
pub fn write_panels(
    title: &str,
    panels: &[Panel],
    in_a_row: usize,
    path: &Path,
) -> Result<(), Failure> {
    let failed = Failure::system(format!("--chart {}", path.display()));
    fs::write(path, draw(title, panels, in_a_row)).map_err(failed)
}

fn draw(title: &str, panels: &[Panel], in_a_row: usize) -> String {
    let in_a_row = in_a_row.max(1);
    let width = WIDTH * in_a_row as f64;
    let height = HEAD + HEIGHT * panels.len().div_ceil(in_a_row) as f64;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\"><title>{title}</title>\
         <style>{STYLE}</style><rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\
         <text class=\"title\" x=\"16\" y=\"26\">{title}</text>"
    );
    for (number, panel) in panels.iter().enumerate() {
        let x = WIDTH * (number % in_a_row) as f64;
        let y = HEAD + HEIGHT * (number / in_a_row) as f64;
        let _ = write!(out, "<g transform=\"translate({x} {y})\">");
        draw_panel(&mut out, panel);
        out.push_str("</g>");
    }
    out.push_str("</svg>\n");
    out
}

fn draw_panel(out: &mut String, panel: &Panel) {
    let (Some(first), Some(last)) = (panel.points.first(), panel.points.last()) else { return };
    let top = nice(panel.points.iter().map(|point| point.1).fold(0.0, f64::max));
    let (low, span) = (first.0.log10(), last.0.log10() - first.0.log10());
    let inner = WIDTH - LEFT - RIGHT;
    // A single point stands in the middle.
    let share = |value: f64| if span > 0.0 { (value.log10() - low) / span } else { 0.5 };
    let x = |value: f64| LEFT + share(value) * inner;
    let y = |value: f64| TOP + (1.0 - value.max(0.0) / top) * (HEIGHT - TOP - BOTTOM);
    let _ = write!(out, "<text class=\"name\" x=\"{LEFT}\" y=\"18\">{}</text>", panel.title);
    for tick in 0..=TICKS {
        let value = top * tick as f64 / TICKS as f64;
        let (at, right) = (y(value), WIDTH - RIGHT);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        );
        label(out, LEFT - 6.0, at + 4.0, "end", &readable(value));
    }
    for (value, _) in &panel.points {
        label(out, x(*value), HEIGHT - BOTTOM + 16.0, "middle", &whole(*value));
    }
    label(out, LEFT + inner / 2.0, HEIGHT - BOTTOM + 32.0, "middle", panel.x_label);
    let points: Vec<_> =
        panel.points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
    let _ = write!(out, "<polyline class=\"line\" points=\"{}\"/>", points.join(" "));
    for (at, value) in &panel.points {
        let (cx, cy) = (x(*at), y(*value));
        let (at, value) = (whole(*at), readable(*value));
        let _ = write!(
            out,
            "<circle class=\"dot\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3.5\">\
             <title>{value} at {at} {}</title></circle>",
            panel.x_label
        );
    }
}

/// A count has no decimals.
fn whole(value: f64) -> String {
    let text = readable(value);
    text.split_once('.').map_or(text.clone(), |(whole, _)| whole.to_owned())
}

fn label(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: &[(f64, f64)]) -> Panel {
        let points = points.to_vec();
        Panel { title: "CPU per delivery, µs".to_owned(), x_label: "sockets", points }
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart() {
        let svg = draw("growth", &[panel(&[(1.0, 1.0), (10.0, 1.0), (100.0, 1.0)])], 2);
        let dots: Vec<f64> = svg
            .split("cx=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(dots.len(), 3);
        assert!((dots[1] - dots[0] - (dots[2] - dots[1])).abs() < 0.2, "{dots:?}");
    }

    #[test]
    fn one_file_with_nothing_from_outside() {
        let svg = draw("growth", &[panel(&[(5.0, 0.0)]), panel(&[]), panel(&[(1.0, 2.0)])], 2);
        assert!(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("prefers-color-scheme:dark") && svg.contains(">sockets<"));
        for outside in ["https://", "<script", "href", "NaN", "inf"] {
            assert!(!svg.contains(outside), "{outside}");
        }
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    }
}
