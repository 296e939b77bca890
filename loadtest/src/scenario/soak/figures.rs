//! What a soak reports.
//!
//! Owns      the names and units of its figures.
//! Promises  every trouble becomes a promise that was not kept.
//! Does not  judge.

use std::collections::BTreeMap;

use serde_json::json;

use super::SoakArguments;
use super::nemesis::Nemesis;
use super::toll::Toll;
use crate::measure::Latency;
use crate::oracle::Verdict;
use crate::report::{Report, Table, readable};
use crate::scenario::in_words;
use crate::stage::Stage;

/// What the people have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How long they wrote.
    pub(super) seconds: f64,
    pub(super) verdict: Verdict,
    pub(super) troubles: BTreeMap<String, u64>,
    /// Requests that were done, by frame type.
    pub(super) done: BTreeMap<&'static str, u64>,
    /// Refusals, by frame type and code.
    pub(super) errors: BTreeMap<String, u64>,
    /// Ends of connections, by reason.
    pub(super) closes: BTreeMap<String, u64>,
    /// From when a message was to be sent to its acknowledgement.
    pub(super) ack: Latency,
    /// From the loss of a connection to the next session.
    pub(super) reconnect: Latency,
    /// From when the server was back until everybody was.
    pub(super) all_back: Latency,
    /// Rooms that were too far behind to be replayed.
    pub(super) catch_ups: u64,
    /// Events that were read for them.
    pub(super) caught_up: u64,
    pub(super) signals: u64,
    /// Connections that were cut here.
    pub(super) cuts: u64,
    pub(super) searches: u64,
    /// From the rest of everything until a message is found.
    pub(super) index_lag: Latency,
}

pub(super) fn report(arguments: &SoakArguments, stage: &Stage, seen: Seen, toll: Toll) -> Report {
    let SoakArguments { users, devices, rooms, rate, .. } = arguments;
    let nemeses: Vec<_> = arguments.nemeses().map(Nemesis::name).collect();
    let what = if nemeses.is_empty() { "nothing".to_owned() } else { nemeses.join(", ") };
    let about = format!(
        "{users} people on {devices} devices each in {rooms} rooms, {rate} messages/s, disturbed by {what}"
    );
    let mut report = stage.report("soak", about);
    report.settings.extend([
        ("users", json!(users)),
        ("devices", json!(devices)),
        ("rooms", json!(rooms)),
        ("rate_per_s", json!(rate)),
        ("nemeses", json!(nemeses)),
    ]);
    add_figures(&mut report, &seen, &toll);
    for (name, label, latency) in [
        ("ack", "due to acknowledgement", &seen.ack),
        ("reconnect", "connection lost to session open", &seen.reconnect),
        ("all_back", "server back to everybody back", &seen.all_back),
        ("ready", "start of the server to ready", &toll.ready),
        ("first_ack", "ready to first acknowledgement", &toll.first_ack),
        ("exit", "SIGTERM to the server's end", &toll.exit),
        ("heal", "disk emptied to first acknowledgement", &toll.heal),
        ("storm", "a whole storm in", &toll.storm),
    ] {
        report.distribution(name, label, latency.summary());
    }
    let rounds = Nemesis::ALL.iter().zip(toll.rounds).map(|(it, count)| (it.name(), count));
    let errors = seen.errors.iter().map(|(what, count)| (what.as_str(), *count));
    let closes = seen.closes.iter().map(|(what, count)| (what.as_str(), *count));
    let done = seen.done.iter().map(|(what, count)| (*what, *count));
    report.tables.extend(table("what was done to the server", rounds));
    report.tables.extend(table("requests that were done", done));
    report.tables.extend(table("requests that were refused", errors));
    report.tables.extend(table("connections that ended", closes));
    report.verdict = Some(seen.verdict);
    report.broken = in_words(&seen.troubles);
    report.broken.extend(toll.broken);
    report
}

fn add_figures(report: &mut Report, seen: &Seen, toll: &Toll) {
    let totals = seen.verdict.totals;
    let rounds: u64 = toll.rounds.iter().sum();
    let per_s = totals.acked as f64 / seen.seconds.max(1e-9);
    report.figure("rounds", "rounds", rounds as f64);
    report.figure("acked_messages", "acknowledged messages", totals.acked as f64);
    report.figure("acked_messages_per_s", "acknowledged messages/s", per_s);
    report.figure("deliveries", "deliveries", totals.deliveries as f64);
    report.figure("recalls", "recalls", totals.recalls as f64);
    report.figure("sessions", "sessions", totals.sessions as f64);
    report.figure("catch_ups", "rooms caught up by pages", seen.catch_ups as f64);
    report.figure("caught_up_events", "  events of these pages", seen.caught_up as f64);
    report.figure("signals", "signals", seen.signals as f64);
    report.figure("cuts", "connections cut", seen.cuts as f64);
    report.figure("searches", "searches", seen.searches as f64);
    let errors: u64 = seen.errors.values().sum();
    report.figure("errors", "errors", errors as f64);
    for (name, label, latency) in [
        ("index_lag_max_ms", "longest until a message was found, ms", &seen.index_lag),
        ("ready_max_ms", "longest start until ready, ms", &toll.ready),
        ("first_ack_max_ms", "longest from ready to first ok, ms", &toll.first_ack),
        ("all_back_max_ms", "longest until everybody was back, ms", &seen.all_back),
        ("exit_max_ms", "longest end after SIGTERM, ms", &toll.exit),
        ("heal_max_ms", "longest healing of a full disk, ms", &toll.heal),
        ("storm_max_ms", "longest storm, ms", &toll.storm),
    ] {
        if latency.count() > 0 {
            report.figure(name, label, latency.quantile_ms(1.0));
        }
    }
}

/// What happened how often; nothing when nothing did.
fn table<'a>(title: &'static str, rows: impl Iterator<Item = (&'a str, u64)>) -> Option<Table> {
    let rows: Vec<_> = rows
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| vec![what.to_owned(), readable(count as f64)])
        .collect();
    (!rows.is_empty()).then(|| Table { title: String::new(), columns: vec![title, "times"], rows })
}
