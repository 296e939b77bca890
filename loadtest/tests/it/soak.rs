//! `soak` without a process: what the people see.

use salon_loadtest::oracle::Check;

use crate::fake::Fault;
use crate::{all_broken, all_found, clean, played};

const SOAK: &str = "soak --users 5 --devices 2 --rooms 3 --rate 400 --duration 1.2";
/// With so many cuts that every kind of start is seen.
const CUT: &str =
    "soak --users 5 --devices 2 --rooms 3 --rate 400 --duration 2 --cut=0.03 --seed 3";

#[test]
fn a_correct_server_passes() {
    let report = played(Fault::None, SOAK);
    clean(&report);
    let totals = report.verdict.unwrap().totals;
    assert!(totals.recalls > 0 && totals.deliveries > totals.messages);
}

#[test]
fn a_correct_server_passes_though_connections_are_cut() {
    let report = played(Fault::None, &format!("{CUT} --storm=0.3 --storm-sockets 20"));
    clean(&report);
    let figure = |name| report.figures.iter().find(|it| it.name == name).unwrap().value;
    assert!(figure("cuts") > 0.0 && figure("catch_ups") > 0.0, "{:?}", report.figures);
}

#[test]
fn rounds_end_the_run() {
    let report = played(Fault::None, "soak --users 3 --rooms 1 --rate 100 --cut=0.1 --rounds 9");
    clean(&report);
    assert_eq!(report.figures[0].value, 9.0);
}

#[test]
fn every_fault_is_found() {
    let cases = [
        (Fault::LoseDelivery, Check::Missed),
        (Fault::DoubleDelivery, Check::Repeated),
        (Fault::SwapDeliveries, Check::Reordered),
        (Fault::Phantom, Check::Phantom),
        (Fault::LoseMessage, Check::Lost),
        (Fault::DoubleMessage, Check::Doubled),
        (Fault::AckElsewhere, Check::Lost),
        (Fault::OtherText, Check::Phantom),
        (Fault::ShowRecalledInHistory, Check::Unrecalled),
        (Fault::ForgetRecall, Check::Lost),
        (Fault::ForgetEdit, Check::Divergent),
    ];
    all_found(&cases, SOAK);
}

#[test]
fn what_is_replayed_wrongly_is_found() {
    let cases =
        [(Fault::ShowRecalledInReplay, Check::Unrecalled), (Fault::LoseReplay, Check::Missed)];
    all_found(&cases, CUT);
}

#[test]
fn promises_besides_the_oracles_are_kept() {
    let cases = [
        (Fault::FindRecalled, "finds the recalled message"),
        (Fault::Leak, "a room that he is not in"),
        (Fault::Refuse, "internal"),
        (Fault::Close, "closed by the server with 4101"),
    ];
    all_broken(&cases, SOAK);
}
