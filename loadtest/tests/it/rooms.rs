//! `busy`: sockets that are in several rooms.

use salon_loadtest::oracle::Check;

use crate::fake::Fault;
use crate::{all_found, breaks, clean, played};

const BUSY: &str = "busy --watchers 6 --circle 3 --rooms 4 --window 2 --messages 40 --repeat 2 \
                    --duration 20";

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
