//! The harness against servers that are right and servers that are broken on purpose.
//!
//! Owns      a small server in this process, with one fault or none.
//! Promises  a server without a fault passes every scenario; each fault is found by the scenario that
//!           can see it. Ports are chosen by the system; nothing is left running.
//! Does not  start the real server: that is the engine's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod catchup;
mod command;
mod compare;
mod fake;
mod measuring;
mod rooms;
mod soak;

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use salon_loadtest::oracle::Check;
use salon_loadtest::report::Report;
use salon_loadtest::{Arguments, Interrupt, play};

use fake::{Fake, Fault};

/// Plays a scenario against a server with this fault.
fn played(fault: Fault, words: &str) -> Report {
    let fake = Fake::start(fault);
    let report = played_with(&["--url", &fake.url()], words);
    assert_eq!(fake.has_struck(), fault != Fault::None, "{fault:?} had no chance");
    report
}

/// Plays a scenario with a server that it starts itself.
fn played_on(server: &Path, words: &str) -> Report {
    played_with(&["--server", server.to_str().unwrap()], words)
}

fn played_with(server: &[&str], words: &str) -> Report {
    let common = ["--quiet", "--patience", "2"].iter().chain(server);
    let words = std::iter::once("loadtest").chain(words.split_whitespace());
    let words = words.chain(common.copied()).map(OsString::from);
    let arguments = Arguments::try_parse_from(words).unwrap();
    play(&arguments.scenario, String::new(), Interrupt::default()).unwrap().unwrap()
}

/// Plays a scenario with every fault, all at once: most of their time is waiting.
fn all_found(cases: &[(Fault, Check)], words: &str) {
    std::thread::scope(|scope| {
        for (fault, check) in cases {
            scope.spawn(|| finds(&played(*fault, words), *check));
        }
    });
}

/// The same for what the oracle does not see.
fn all_broken(cases: &[(Fault, &str)], words: &str) {
    std::thread::scope(|scope| {
        for (fault, broken) in cases {
            scope.spawn(|| breaks(&played(*fault, words), broken));
        }
    });
}

#[track_caller]
fn clean(report: &Report) {
    let verdict = report.verdict.as_ref().unwrap();
    assert!(report.is_clean(), "{verdict}\n{:?}", report.broken);
    let totals = verdict.totals;
    assert_eq!((totals.rooms_unread, totals.messages), (0, totals.acked));
}

#[track_caller]
fn finds(report: &Report, check: Check) {
    let verdict = report.verdict.as_ref().unwrap();
    assert!(verdict.count(check) > 0, "{check} is missing in {verdict}\n{:?}", report.broken);
}

#[track_caller]
fn breaks(report: &Report, words: &str) {
    let found = report.broken.iter().any(|broken| broken.contains(words));
    assert!(found, "{words:?} is not in {:?}", report.broken);
}
