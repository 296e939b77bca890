//! `busy`, `large-room` and `growth`: sockets that are in several rooms.

use salon_loadtest::oracle::Check;

use crate::catchup::stand_in;
use crate::fake::{Fake, Fault};
use crate::{all_found, breaks, clean, played, played_on};

const BUSY: &str = "busy --watchers 6 --circle 3 --rooms 4 --window 2 --messages 40 --repeat 2 \
                    --duration 20";
const LARGE_ROOM: &str =
    "large-room --members 250 --online 6 --window 3 --messages 40 --repeat 2 --duration 20";
const GROWTH: &str = "growth --sockets 3,6 --rooms 1,8 --clients 6 --room-size 3 --window 2 \
                      --messages 40 --rate 2000 --settle 0.01 --duration 20";

#[test]
fn a_correct_server_passes_busy() {
    for encoding in ["json", "msgpack"] {
        let report = played(Fault::None, &format!("{BUSY} --encoding {encoding}"));
        clean(&report);
        let totals = report.verdict.unwrap().totals;
        assert_eq!((totals.acked, totals.deliveries), (160, 480));
    }
}

#[test]
fn a_correct_server_passes_large_room() {
    let report = played(Fault::None, LARGE_ROOM);
    clean(&report);
    let totals = report.verdict.unwrap().totals;
    assert_eq!((totals.acked, totals.deliveries), (160, 960));
}

#[test]
fn every_fault_is_found_in_many_rooms() {
    let cases = [
        (Fault::LoseDelivery, Check::Missed),
        (Fault::DoubleDelivery, Check::Repeated),
        (Fault::SwapDeliveries, Check::Reordered),
        (Fault::Phantom, Check::Phantom),
        (Fault::LoseMessage, Check::Lost),
        (Fault::DoubleMessage, Check::Doubled),
        (Fault::OtherText, Check::Phantom),
        (Fault::GapInHistory, Check::Gap),
    ];
    all_found(&cases, BUSY);
}

#[test]
fn whoever_gets_what_is_of_another_circle_is_told() {
    breaks(&played(Fault::Leak, BUSY), "a room that is not its own");
}

#[test]
fn growth_has_a_row_and_a_dot_for_each_size() {
    let (fake, folder) = (Fake::start(Fault::None), tempfile::tempdir().unwrap());
    let server = stand_in(folder.path(), &fake.url());
    let chart = folder.path().join("growth.svg");
    let report = played_on(&server, &format!("{GROWTH} --chart {}", chart.display()));
    clean(&report);
    assert_eq!(report.verdict.as_ref().unwrap().totals.acked, 160);
    let rows: Vec<_> = report.tables.iter().flat_map(|table| &table.rows).collect();
    assert_eq!(rows.iter().map(|row| &*row[0]).collect::<Vec<_>>(), ["3", "6", "1", "8"]);
    assert_eq!(report.parts.len(), 4);
    let svg = std::fs::read_to_string(chart).unwrap();
    assert_eq!(svg.matches("<circle").count(), 12);
}
