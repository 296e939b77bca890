//! The result for programs.
//!
//! Owns      the shape of the JSON file.
//! Promises  every number's name has its unit.
//! Does not  round.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Report;
use crate::clock::utc;
use crate::failure::Failure;
use crate::oracle::{Check, Verdict};

/// Writes the report to `path`.
pub fn write_json(report: &Report, path: &Path) -> Result<(), Failure> {
    let text = format!("{:#}\n", to_json(report));
    fs::write(path, text).map_err(Failure::system(format!("--json {}", path.display())))
}

/// The report as JSON.
pub fn to_json(report: &Report) -> Value {
    let settings: Map<_, _> =
        report.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let figures: Map<_, _> =
        report.figures.iter().map(|figure| (figure.name.to_owned(), json!(figure.value))).collect();
    let latencies: Map<_, _> = report
        .distributions
        .iter()
        .map(|distribution| (distribution.name.to_owned(), distribution.summary.to_json()))
        .collect();
    let tables: Vec<_> = report
        .tables
        .iter()
        .map(|table| json!({ "title": table.title, "columns": table.columns, "rows": table.rows }))
        .collect();
    json!({
        "scenario": report.scenario,
        "about": report.about,
        "command": report.command,
        "begun_utc": utc(report.begun_epoch_ms),
        "machine": report.machine,
        "settings": settings,
        "results": figures,
        "latencies": latencies,
        "tables": tables,
        "notes": report.notes,
        "parts": report.parts,
        "timeline": report.timeline.to_json(),
        "oracle": report.verdict.as_ref().map(verdict),
        "not_kept": report.broken,
        "clean": report.is_clean(),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let counts: Map<_, _> = Check::ALL
        .iter()
        .map(|check| (check.name().to_owned(), verdict.count(*check).into()))
        .collect();
    let examples: Vec<_> = verdict
        .examples()
        .iter()
        .map(|finding| json!({ "check": finding.check.name(), "words": finding.words }))
        .collect();
    let totals = verdict.totals;
    json!({
        "clean": verdict.is_clean(),
        "findings": counts,
        "examples": examples,
        "messages": totals.messages,
        "acked": totals.acked,
        "refused": totals.refused,
        "deliveries": totals.deliveries,
        "history_events": totals.history_events,
        "events_read": totals.events_read,
        "sessions": totals.sessions,
        "recalls": totals.recalls,
        "rooms_unread": totals.rooms_unread,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape() {
        let value = to_json(&super::super::tests::example());
        assert_eq!(value["results"]["deliveries_per_s"], 1_234_567.0);
        assert_eq!(value["oracle"]["findings"]["LOST"], 0);
        assert_eq!(value["latencies"]["ack"]["count"], 199);
        assert_eq!(value["timeline"]["second"].as_array().map(Vec::len), Some(5));
        assert_eq!(value["notes"][0], "not durable");
        assert_eq!(value["clean"], true);
    }
}
