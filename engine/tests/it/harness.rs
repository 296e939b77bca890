//! The harness against the real server: short, and judged by its oracle alone, never by time.

use clap::Parser as _;
use salon_loadtest::report::Report;
use salon_loadtest::{Arguments, Interrupt};

use crate::server::SALON;

/// Plays a scenario; nothing may be lost, doubled, reordered, made up or shown after its recall.
fn play(words: &[&str]) -> Report {
    let common = ["--server", SALON, "--quiet", "--patience", "60"];
    let line = ["loadtest"].iter().chain(words).chain(&common);
    let arguments = Arguments::try_parse_from(line).unwrap();
    let interrupt = Interrupt::on_signals().unwrap();
    let report = salon_loadtest::play(&arguments.scenario, words.join(" "), interrupt);
    let report = report.unwrap().unwrap();
    let verdict = report.verdict.as_ref().unwrap();
    assert!(verdict.is_clean(), "{verdict}");
    assert!(verdict.totals.acked > 0, "{verdict}");
    let panics: Vec<_> = report.broken.iter().filter(|what| what.contains("panic")).collect();
    assert!(panics.is_empty(), "{panics:?}");
    report
}

#[test]
fn many_people_in_many_rooms() {
    let words = ["chat", "--clients", "40", "--rooms", "8", "--messages", "2000"];
    let report = play(&words);
    assert_eq!(report.verdict.unwrap().totals.acked, 2_000);
}

#[test]
fn many_sockets_in_one_room() {
    play(&["fanout", "--sockets", "100", "--messages", "200", "--repeat", "1", "--no-floor"]);
}

#[test]
fn many_busy_rooms_on_each_socket() {
    let words = ["busy", "--watchers", "20", "--rooms", "10", "--messages", "300", "--repeat", "2"];
    let report = play(&words);
    let told = report.figures.iter().find(|figure| figure.name == "deliveries_per_write");
    assert!(told.is_some_and(|figure| figure.value >= 1.0), "{told:?}");
    // Each with but one other.
    play(&[&words[..], &["--circle", "2"]].concat());
}

#[test]
fn few_of_many_members_are_there() {
    let members = ["large-room", "--members", "450", "--online", "20"];
    play(&[&members[..], &["--messages", "200", "--repeat", "2"]].concat());
}

#[test]
fn more_and_more_sockets_and_rooms() {
    let sizes = ["growth", "--sockets", "5,20", "--rooms", "1,40", "--clients", "20"];
    let report = play(&[&sizes[..], &["--messages", "200", "--settle", "0.1"]].concat());
    assert_eq!(report.parts.len(), 4);
}

#[test]
fn everybody_catches_up_after_a_restart() {
    let crowd = ["catchup", "--users", "40", "--rooms", "5", "--room-size", "10", "--missed", "8"];
    let group = ["--group", "3", "--rate", "100", "--before", "0.1", "--repeat", "2"];
    let report = play(&[&crowd[..], &group].concat());
    let deliveries = report.tables[0].rows.iter().map(|row| row[2].as_str());
    assert_eq!(deliveries.collect::<Vec<_>>(), ["1,600"; 2]);
    assert!(report.is_clean(), "{:?}", report.broken);
}

#[test]
fn photos_are_uploaded_shown_taken_back_and_gone() {
    let session = ["photos", "--photos", "8", "--viewers", "5", "--megapixels", "0.3"];
    let between = ["--retract", "2", "--drop", "1", "--at-once", "2"];
    let report = play(&[&session[..], &between].concat());
    assert!(report.is_clean(), "{:?}", report.broken);
    let totals = report.verdict.unwrap().totals;
    assert_eq!((totals.acked, totals.recalls), (8, 2));
}

#[test]
fn uploads_go_on_where_they_were_when_the_server_was_killed() {
    let session = ["photos", "--photos", "9", "--viewers", "5", "--megapixels", "0.3"];
    let report = play(&[&session[..], &["--bytes", "300000", "--kill=2"]].concat());
    assert!(report.is_clean(), "{:?}", report.broken);
    assert_eq!(report.verdict.unwrap().totals.acked, 9);
}

#[test]
fn killed_while_it_works_and_while_it_recovers() {
    play(&["soak", "--rounds", "4", "--kill=0.5", "--rate", "100"]);
}

#[test]
fn the_disk_is_full_for_a_while() {
    play(&["soak", "--rounds", "1", "--disk-full=0.5", "--disk-full-for", "1", "--rate", "100"]);
}

#[test]
fn stopped_cut_off_and_stormed() {
    let storm = ["--storm=0.5", "--storm-sockets", "100"];
    let words = ["soak", "--rounds", "4", "--term=1", "--cut=0.2", "--rate", "100"];
    play(&[&words[..], &storm].concat());
}
