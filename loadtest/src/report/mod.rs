//! What a run says: one model, shown in four ways.
//!
//! `table` prints it, `json` and `html` write it to files, `live` shows it while it happens; `panels`
//! draws what has more than one size.
//!
//! Owns      the model.
//! Promises  every way shows the same figures; names of figures carry their unit.
//! Does not  measure or judge.

mod chart;
mod html;
mod json;
mod live;
mod panels;
mod table;

use serde_json::Value;

use crate::measure::{Machine, Summary, Timeline};
use crate::oracle::Verdict;

pub use html::write_html;
pub use json::{to_json, write_json};
pub use live::Live;
pub use panels::{Panel, write_panels};
pub use table::print;

/// A number of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// In JSON; ends with its unit.
    pub name: &'static str,
    /// For people, with its unit.
    pub label: &'static str,
    /// In that unit.
    pub value: f64,
}

/// Several results beside each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Above it.
    pub title: String,
    /// Names of the columns, with units.
    pub columns: Vec<&'static str>,
    /// Values as they are shown.
    pub rows: Vec<Vec<String>>,
}

/// A distribution with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// In JSON.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// The distribution.
    pub summary: Summary,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Which scenario.
    pub scenario: &'static str,
    /// What it does, in a sentence.
    pub about: String,
    /// The command line that repeats it.
    pub command: String,
    /// When it began, in ms since the epoch.
    pub begun_epoch_ms: u64,
    /// Where it ran.
    pub machine: Option<Machine>,
    /// What was chosen.
    pub settings: Vec<(&'static str, Value)>,
    /// The numbers.
    pub figures: Vec<Figure>,
    /// Comparisons.
    pub tables: Vec<Table>,
    /// What a reader of the tables must know; nothing is wrong with it.
    pub notes: Vec<String>,
    /// What was measured one by one, for programs.
    pub parts: Vec<Value>,
    /// Latencies.
    pub distributions: Vec<Distribution>,
    /// Second by second.
    pub timeline: Timeline,
    /// What the oracle says, where it watched.
    pub verdict: Option<Verdict>,
    /// Promises besides the oracle's that were not kept, in words.
    pub broken: Vec<String>,
}

impl Report {
    /// Adds a number.
    pub fn figure(&mut self, name: &'static str, label: &'static str, value: f64) {
        self.figures.push(Figure { name, label, value });
    }

    /// Adds a distribution, if there is anything in it.
    pub fn distribution(&mut self, name: &'static str, label: &'static str, summary: Summary) {
        if summary.count > 0 {
            self.distributions.push(Distribution { name, label, summary });
        }
    }

    /// Whether everything was right.
    pub fn is_clean(&self) -> bool {
        self.broken.is_empty() && self.verdict.as_ref().is_none_or(Verdict::is_clean)
    }
}

/// A number as people read it: thousands apart, and as many decimals as tell something.
pub fn readable(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report with something of everything.
    pub(crate) fn example() -> Report {
        let mut latency = crate::measure::Latency::default();
        for ms in 1..200 {
            latency.record_ns(ms * 1_000_000);
        }
        let mut report = Report {
            scenario: "chat",
            about: "an example with <angles> & \"quotes\"".to_owned(),
            command: "loadtest chat".to_owned(),
            machine: Some(Machine::look()),
            settings: vec![("clients", 5.into())],
            verdict: Some(Verdict::default()),
            ..Report::default()
        };
        report.figure("deliveries_per_s", "deliveries/s", 1_234_567.0);
        report.distribution("ack", "send to acknowledgement", latency.summary());
        report.tables.push(Table {
            title: "compared".to_owned(),
            columns: vec!["who", "deliveries/s"],
            rows: vec![vec!["server".to_owned(), "1".to_owned()]],
        });
        report.notes.push("not durable".to_owned());
        report.timeline = Timeline::new(&["deliveries_per_s", "server_cpu_percent"]);
        for second in 0..5 {
            report.timeline.push(f64::from(second), vec![1e6, 50.0]);
        }
        report
    }

    #[test]
    fn numbers() {
        for (value, text) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (9.876, "9.88"),
            (45.67, "45.7"),
            (123.4, "123"),
            (1_234.5, "1,234"),
            (-1_234_567.0, "-1,234,567"),
        ] {
            assert_eq!(readable(value), text);
        }
    }

    #[test]
    fn a_broken_promise_or_a_finding_is_not_clean() {
        let mut report = example();
        assert!(report.is_clean());
        report.broken.push("too late".to_owned());
        assert!(!report.is_clean());
    }
}
