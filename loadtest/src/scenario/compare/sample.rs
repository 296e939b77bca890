//! What one part has brought, and all of them together.
//!
//! Owns      who is compared, in what, and the figures of every part.
//! Promises  a figure that was not measured is absent, never 0; medians over the turns.
//! Does not  print.

use serde_json::{Value, json};

use crate::measure::Latency;
use crate::oracle::Verdict;
use crate::peers::Peer;
use crate::scenario::median;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Salon,
    Floor,
    Peer(Peer),
}

impl Who {
    pub(super) fn name(self) -> String {
        match self {
            Who::Salon => "Salon".to_owned(),
            Who::Floor => "floor".to_owned(),
            Who::Peer(peer) => peer.name(),
        }
    }

    /// The floor knows no rooms.
    pub(super) fn can(self, what: What) -> bool {
        self != Who::Floor || what != What::Chat
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Fanout,
    Chat,
    Connect,
    Idle,
}

impl What {
    pub(super) const ALL: [What; 4] = [What::Fanout, What::Chat, What::Connect, What::Idle];

    pub(super) const fn name(self) -> &'static str {
        match self {
            What::Fanout => "fan-out",
            What::Chat => "chat",
            What::Connect => "connect",
            What::Idle => "idle",
        }
    }
}

/// A number of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// Deliveries, or connections, per second.
    PerSecond,
    /// Processor time of the server for each of them, in microseconds.
    CpuUs,
    /// Latency of each of them, in ms.
    P50Ms,
    P99Ms,
    /// Memory of the server for each socket, in bytes.
    SocketBytes,
}

impl Figure {
    const ALL: [Figure; 5] =
        [Figure::PerSecond, Figure::CpuUs, Figure::P50Ms, Figure::P99Ms, Figure::SocketBytes];

    const fn name(self) -> &'static str {
        match self {
            Figure::PerSecond => "per_s",
            Figure::CpuUs => "server_cpu_us_each",
            Figure::P50Ms => "p50_ms",
            Figure::P99Ms => "p99_ms",
            Figure::SocketBytes => "rss_bytes_per_socket",
        }
    }
}

/// One part.
#[derive(Debug, Default)]
pub(super) struct Sample {
    figures: [Option<f64>; Figure::ALL.len()],
    pub(super) verdict: Verdict,
    pub(super) troubles: Vec<String>,
}

impl Sample {
    pub(super) fn set(&mut self, figure: Figure, value: f64) {
        self.figures[figure as usize] = Some(value);
    }

    pub(super) fn set_latency(&mut self, latency: &Latency) {
        self.set(Figure::P50Ms, latency.quantile_ms(0.5));
        self.set(Figure::P99Ms, latency.quantile_ms(0.99));
    }

    pub(super) fn get(&self, figure: Figure) -> Option<f64> {
        self.figures[figure as usize]
    }

    /// What was not right, in words that name the culprit.
    pub(super) fn broken(&self, who: Who, what: What) -> Vec<String> {
        let place = format!("{}, {}", what.name(), who.name());
        let found = (!self.verdict.is_clean()).then(|| format!("{place}: {}", self.verdict));
        let troubles = self.troubles.iter().map(|trouble| format!("{place}: {trouble}"));
        found.into_iter().chain(troubles).collect()
    }
}

/// All parts, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Samples {
    all: Vec<(Who, What, Sample)>,
}

impl Samples {
    pub(super) fn add(&mut self, who: Who, what: What, sample: Sample) {
        self.all.push((who, what, sample));
    }

    /// Everybody who was measured in this, in the order of their first turn.
    pub(super) fn who(&self, what: What) -> Vec<Who> {
        let mut found = Vec::new();
        for (who, of, _) in &self.all {
            if *of == what && !found.contains(who) {
                found.push(*who);
            }
        }
        found
    }

    /// A figure of every turn.
    pub(super) fn values(&self, who: Who, what: What, figure: Figure) -> Vec<f64> {
        let of = self.all.iter().filter(|part| (part.0, part.1) == (who, what));
        of.filter_map(|(_, _, sample)| sample.get(figure)).collect()
    }

    pub(super) fn median(&self, who: Who, what: What, figure: Figure) -> Option<f64> {
        let values = self.values(who, what, figure);
        (!values.is_empty()).then(|| median(values))
    }

    /// What the oracle says about all of them.
    pub(super) fn verdict(&self) -> Verdict {
        let mut sum = Verdict::default();
        self.all.iter().for_each(|(_, _, sample)| sum.absorb(sample.verdict.clone()));
        sum
    }

    /// Every part by itself, unrounded.
    pub(super) fn to_json(&self) -> Vec<Value> {
        let part = |(who, what, sample): &(Who, What, Sample)| {
            let mut part = json!({ "scenario": what.name(), "server": who.name() });
            for figure in Figure::ALL {
                part[figure.name()] = json!(sample.get(figure));
            }
            part
        };
        self.all.iter().map(part).collect()
    }
}
