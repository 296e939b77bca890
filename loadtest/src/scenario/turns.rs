//! Parts that are measured in turn on the same sockets.
//!
//! Owns      A B, A B, so that a noisy machine hits all alike; the medians, and the table.
//! Promises  in each part only its own senders send; deliveries per write are the server's own
//!           count, over the whole part with its warming up.
//! Does not  choose what is compared.

use std::ops::Range;

use super::median;
use crate::client::Net;
use crate::crowd::Target;
use crate::failure::Failure;
use crate::measure::{CpuMeter, Latency, Progress};
use crate::report::{Live, Table, readable};
use crate::server::Counters;
use crate::traffic::{Measured, Plan, Traffic};

/// A part: its name, and the senders that send in it.
pub(super) type Part = (&'static str, Range<usize>);

/// How to measure.
pub(super) struct How<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: Plan,
    pub(super) repeat: usize,
    pub(super) pid: Option<u32>,
    pub(super) progress: &'a Progress,
    pub(super) live: &'a Live,
}

/// What one part has brought once.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) measured: Measured,
    /// 0: the server does not tell.
    pub(super) deliveries_per_write: f64,
}

/// What all parts have brought.
#[derive(Debug, Default)]
pub(super) struct Turns {
    parts: Vec<(&'static str, Counted)>,
}

/// Runs, and asks the server before and after what it has written.
pub(super) fn run_counted(
    net: &mut Net,
    traffic: &mut Traffic<'_>,
    how: &How<'_>,
) -> Result<Counted, Failure> {
    let before = Counters::ask(how.target.address);
    let measured = traffic.run(net, how.plan, how.pid.map(CpuMeter::new), how.progress)?;
    let after = before.and_then(|_| Counters::ask(how.target.address));
    let deliveries_per_write = match (before, after) {
        (Some(before), Some(after)) => after.deliveries_per_write(&before),
        _ => 0.0,
    };
    Ok(Counted { measured, deliveries_per_write })
}

impl Turns {
    /// Measures every part, as often as it was asked for; ends early when something is wrong.
    pub(super) fn play(
        net: &mut Net,
        traffic: &mut Traffic<'_>,
        parts: &[Part],
        how: &How<'_>,
    ) -> Result<Turns, Failure> {
        let mut turns = Turns::default();
        let repeat = how.repeat.max(1);
        for turn in 1..=repeat {
            for (name, senders) in parts {
                how.live.phase(format!("{name}, {turn} of {repeat}"));
                traffic.only(senders.clone());
                turns.parts.push((name, run_counted(net, traffic, how)?));
                if !traffic.troubles().is_empty() {
                    return Ok(turns);
                }
            }
        }
        Ok(turns)
    }

    /// The median of a part's figure.
    pub(super) fn median(&self, part: &str, figure: impl Fn(&Counted) -> f64) -> f64 {
        median(self.of(part).map(figure).collect())
    }

    /// A part's median divided by another part's.
    pub(super) fn ratio(&self, part: &str, other: &str, figure: impl Fn(&Counted) -> f64) -> f64 {
        self.median(part, &figure) / self.median(other, &figure).max(1e-9)
    }

    /// All latencies of a part.
    pub(super) fn delivery(&self, part: &str) -> Latency {
        let mut latency = Latency::default();
        self.of(part).for_each(|counted| latency.absorb(&counted.measured.delivery));
        latency
    }

    /// The parts beside each other, in this order.
    pub(super) fn table(&self, title: &str, parts: &[&str]) -> Table {
        let columns = vec![
            "median of repetitions",
            "deliveries/s",
            "min",
            "max",
            "CPU µs/delivery",
            "CPU µs/message",
            "deliveries/write",
            "p50 ms",
            "p99 ms",
        ];
        let rows = parts.iter().map(|name| {
            let rates = || self.of(name).map(|counted| counted.measured.deliveries_per_s());
            let latency = self.delivery(name);
            let cells = [
                median(rates().collect()),
                rates().fold(f64::INFINITY, f64::min),
                rates().fold(0.0, f64::max),
                self.median(name, Counted::cpu_us_per_delivery),
                self.median(name, Counted::cpu_us_per_message),
                self.median(name, |counted| counted.deliveries_per_write),
                latency.quantile_ms(0.5),
                latency.quantile_ms(0.99),
            ];
            std::iter::once((*name).to_owned()).chain(cells.into_iter().map(readable)).collect()
        });
        Table { title: title.to_owned(), columns, rows: rows.collect() }
    }

    fn of(&self, part: &str) -> impl Iterator<Item = &Counted> {
        self.parts.iter().filter(move |(name, _)| *name == part).map(|(_, counted)| counted)
    }
}

impl Counted {
    pub(super) fn deliveries_per_s(&self) -> f64 {
        self.measured.deliveries_per_s()
    }

    pub(super) fn cpu_us_per_delivery(&self) -> f64 {
        self.measured.cpu_us_per_delivery()
    }

    pub(super) fn cpu_us_per_message(&self) -> f64 {
        self.measured.server_cpu_ns as f64 / 1e3 / (self.measured.counts.acks as f64).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_ratios_and_rows_are_of_their_part() {
        let part = |name, deliveries_per_write| {
            let counted = Counted { deliveries_per_write, ..Counted::default() };
            (name, counted)
        };
        let parts = vec![part("a", 1.0), part("b", 8.0), part("a", 3.0), part("a", 2.0)];
        let turns = Turns { parts };
        let per_write = |counted: &Counted| counted.deliveries_per_write;
        assert_eq!(turns.median("a", per_write), 2.0);
        assert_eq!(turns.ratio("b", "a", per_write), 4.0);
        let table = turns.table("both", &["a", "b"]);
        assert_eq!(
            table.rows.iter().map(|row| row[6].as_str()).collect::<Vec<_>>(),
            ["2.00", "8.00"]
        );
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    }
}
