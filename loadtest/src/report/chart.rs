//! Charts as SVG, drawn by hand so that they follow the page's colours, light and dark.
//!
//! Owns      scales, axes, lines and bars.
//! Promises  text in, no scripts, nothing from outside; a chart without data is empty text.
//! Does not  choose what is drawn.

use std::fmt::Write;

use super::readable;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;
const TICKS: usize = 4;

/// A line over time, from 0 up.
pub(super) fn line(series: &[(f64, f64)], unit: &str) -> String {
    let (Some(first), Some(last)) = (series.first(), series.last()) else { return String::new() };
    let top = nice(series.iter().map(|point| point.1).fold(0.0, f64::max));
    let span = (last.0 - first.0).max(1e-9);
    let x = |second: f64| LEFT + (second - first.0) / span * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| TOP + (1.0 - value / top) * (HEIGHT - TOP - BOTTOM);
    let mut out = begin();
    y_axis(&mut out, top, unit, &y);
    for tick in 0..=TICKS {
        let second = first.0 + span * tick as f64 / TICKS as f64;
        label(&mut out, x(second), HEIGHT - BOTTOM + 18.0, "middle", &format!("{second:.0} s"));
    }
    let points: Vec<_> =
        series.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
    let _ = write!(out, "<polyline class=\"line\" points=\"{}\"/></svg>", points.join(" "));
    out
}

/// Bars on a logarithmic scale of milliseconds: upper bounds and counts.
pub(super) fn bars(bars: &[(f64, u64)]) -> String {
    if bars.is_empty() {
        return String::new();
    }
    let most = nice(bars.iter().map(|bar| bar.1).max().unwrap_or(0) as f64);
    let y = |value: f64| TOP + (1.0 - value / most) * (HEIGHT - TOP - BOTTOM);
    let mut out = begin();
    y_axis(&mut out, most, "", &y);
    let step = (WIDTH - LEFT - RIGHT) / bars.len() as f64;
    let every = bars.len().div_ceil(8);
    for (index, (upper_ms, count)) in bars.iter().enumerate() {
        let (left, top) = (LEFT + step * index as f64, y(*count as f64));
        let (width, height) = ((step - 1.0).max(0.5), HEIGHT - BOTTOM - top);
        let _ = write!(
            out,
            "<rect class=\"bar\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>up to {} ms: {}</title></rect>",
            readable(*upper_ms),
            readable(*count as f64)
        );
        if index % every == 0 {
            let text = format!("{} ms", readable(*upper_ms));
            label(&mut out, left + step / 2.0, HEIGHT - BOTTOM + 18.0, "middle", &text);
        }
    }
    out.push_str("</svg>");
    out
}

fn begin() -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">")
}

fn y_axis(out: &mut String, top: f64, unit: &str, y: &impl Fn(f64) -> f64) {
    for tick in 0..=TICKS {
        let value = top * tick as f64 / TICKS as f64;
        let at = y(value);
        let right = WIDTH - RIGHT;
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        );
        label(out, LEFT - 6.0, at + 4.0, "end", &format!("{}{unit}", readable(value)));
    }
}

fn label(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// The next number above that divides well into ticks.
pub(super) fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    steps.iter().map(|step| step * power).find(|top| *top >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales() {
        for (value, top) in [(0.0, 1.0), (1.0, 1.0), (1.1, 2.0), (41.0, 50.0), (99.0, 100.0)] {
            assert_eq!(nice(value), top);
        }
    }

    #[test]
    fn drawings() {
        let svg = line(&[(0.0, 5.0), (1.0, 10.0)], "%");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && svg.contains("polyline"));
        assert_eq!(bars(&[(1.0, 5), (2.0, 3)]).matches("<rect").count(), 2);
        assert_eq!((line(&[], ""), bars(&[])), (String::new(), String::new()));
    }
}
