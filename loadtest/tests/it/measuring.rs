//! `chat`, `fanout`, `connect` and `idle`.

use salon_loadtest::oracle::Check;

use crate::fake::Fault;
use crate::{all_broken, all_found, breaks, clean, played};

const CHAT: &str = "chat --clients 6 --rooms 2 --messages 80 --duration 20";
const FANOUT: &str =
    "fanout --sockets 5 --window 3 --messages 40 --repeat 2 --no-floor --duration 20";

#[test]
fn a_correct_server_passes_chat() {
    for encoding in ["json", "msgpack"] {
        let report = played(Fault::None, &format!("{CHAT} --encoding {encoding} --threads 2"));
        clean(&report);
        assert_eq!(report.verdict.unwrap().totals.acked, 80);
    }
}

#[test]
fn a_correct_server_passes_chat_by_schedule() {
    clean(&played(Fault::None, &format!("{CHAT} --rate 2000")));
}

#[test]
fn a_correct_server_passes_fanout() {
    let report = played(Fault::None, FANOUT);
    clean(&report);
    let totals = report.verdict.unwrap().totals;
    assert_eq!((totals.acked, totals.deliveries), (80, 400));
}

#[test]
fn a_correct_server_passes_connect_and_idle() {
    let report = played(Fault::None, "connect --sockets 9 --in-flight 4 --threads 2");
    assert!(report.is_clean(), "{:?}", report.broken);
    let idle = "idle --sockets 9 --threads 2 --duration 0.1 --settle 0.01";
    let report = played(Fault::None, idle);
    assert!(report.is_clean(), "{:?}", report.broken);
}

#[test]
fn every_fault_is_found_by_chat() {
    let cases = [
        (Fault::LoseDelivery, Check::Missed),
        (Fault::DoubleDelivery, Check::Repeated),
        (Fault::SwapDeliveries, Check::Reordered),
        (Fault::Phantom, Check::Phantom),
        (Fault::LoseMessage, Check::Lost),
        (Fault::DoubleMessage, Check::Doubled),
        (Fault::AckElsewhere, Check::Lost),
        (Fault::OtherText, Check::Phantom),
        (Fault::NoText, Check::Phantom),
        (Fault::GapInHistory, Check::Gap),
    ];
    all_found(&cases, CHAT);
}

#[test]
fn every_fault_is_found_by_fanout() {
    let cases = [
        (Fault::LoseDelivery, Check::Missed),
        (Fault::DoubleDelivery, Check::Repeated),
        (Fault::SwapDeliveries, Check::Reordered),
        (Fault::Phantom, Check::Phantom),
        (Fault::LoseMessage, Check::Lost),
        (Fault::DoubleMessage, Check::Doubled),
        (Fault::OtherText, Check::Phantom),
    ];
    all_found(&cases, FANOUT);
}

#[test]
fn whoever_gets_what_is_not_his_is_told() {
    breaks(&played(Fault::Leak, CHAT), "a room that is not its own");
}

#[test]
fn a_server_that_does_not_answer_is_told() {
    let cases = [
        (Fault::NoAnswer, "messages without an answer"),
        (Fault::Refuse, "error internal"),
        (Fault::Close, "closed by the server with 4101"),
    ];
    all_broken(&cases, CHAT);
}
