//! How long things take.
//!
//! Owns      one HDR histogram in microseconds, to three digits.
//! Promises  recording allocates nothing; what is longer than the range counts as its end.
//! Does not  correct for coordinated omission: the pacing avoids it.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The longest latency that is told apart: ten minutes.
const MAX_US: u64 = 600_000_000;

/// The quantiles of reports, with their names.
pub const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("max", 1.0)];

/// A distribution of latencies.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that the crate accepts")]
        let histogram = Histogram::new_with_bounds(1, MAX_US, 3).expect("bounds of the histogram");
        Latency { histogram }
    }
}

impl Latency {
    /// Adds one.
    #[inline]
    pub fn record_ns(&mut self, ns: u64) {
        self.histogram.saturating_record((ns / 1_000).max(1));
    }

    /// Adds all of another one.
    pub fn absorb(&mut self, other: &Latency) {
        // The bounds are the same, so nothing can be out of range.
        let _ = self.histogram.add(&other.histogram);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.histogram.reset();
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The latency, in ms, that a share `quantile` of all does not exceed.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// What a report shows.
    pub fn summary(&self) -> Summary {
        let quantiles = QUANTILES.map(|(_, quantile)| self.quantile_ms(quantile));
        // Logarithmic steps, five to a power of ten, are enough for a picture.
        let steps = self.histogram.iter_recorded();
        let mut bars: Vec<(f64, u64)> = Vec::new();
        for step in steps {
            let exponent = ((step.value_iterated_to() as f64).log10() * 5.0).floor();
            let upper_ms = 10_f64.powf((exponent + 1.0) / 5.0) / 1_000.0;
            match bars.last_mut() {
                Some((upper, count)) if *upper == upper_ms => *count += step.count_at_value(),
                _ => bars.push((upper_ms, step.count_at_value())),
            }
        }
        let mean_ms = self.histogram.mean() / 1_000.0;
        Summary { count: self.count(), mean_ms, quantiles_ms: quantiles, bars }
    }
}

/// A distribution, reduced to what is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// The mean, in ms.
    pub mean_ms: f64,
    /// In the order of [`QUANTILES`], in ms.
    pub quantiles_ms: [f64; QUANTILES.len()],
    /// Upper bound in ms and count of each bar.
    pub bars: Vec<(f64, u64)>,
}

impl Summary {
    /// The latency, in ms, at one of [`QUANTILES`] by its name; 0 for another name.
    pub fn quantile_ms(&self, name: &str) -> f64 {
        let place = QUANTILES.iter().position(|(known, _)| *known == name);
        place.map_or(0.0, |place| self.quantiles_ms[place])
    }

    /// As JSON, with units in the names.
    pub fn to_json(&self) -> Value {
        let mut object = json!({ "count": self.count, "mean_ms": self.mean_ms });
        for ((name, _), value) in QUANTILES.iter().zip(self.quantiles_ms) {
            object[format!("{name}_ms")] = json!(value);
        }
        object["histogram"] = self
            .bars
            .iter()
            .map(|(upper_ms, count)| json!({ "up_to_ms": upper_ms, "count": count }))
            .collect();
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_sums() {
        let mut latency = Latency::default();
        for ms in 1..=1_000 {
            latency.record_ns(ms * 1_000_000);
        }
        latency.record_ns(u64::MAX);
        let mut sum = Latency::default();
        sum.absorb(&latency);
        assert_eq!(sum.count(), 1_001);
        assert!((sum.quantile_ms(0.5) - 501.0).abs() < 1.0);
        assert!((sum.quantile_ms(1.0) - 600_000.0).abs() < 600.0);
        let summary = sum.summary();
        assert_eq!(summary.bars.iter().map(|bar| bar.1).sum::<u64>(), 1_001);
        assert!(summary.bars.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(summary.to_json()["count"], 1_001);
        sum.clear();
        assert_eq!(sum.count(), 0);
    }
}
