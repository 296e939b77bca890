//! `catchup`, with a fake server that lives on when its process is asked to end.

use std::path::{Path, PathBuf};
use std::process::Command;

use salon_loadtest::oracle::Check;
use salon_loadtest::report::Report;

use crate::compare::script;
use crate::fake::{Fake, Fault};
use crate::{clean, finds, played_on};

const SMALL: &str = "catchup --users 6 --rooms 3 --room-size 3 --missed 4 --writers 2 --group 2 \
                     --rate 100 --before 0.05 --repeat 2";

/// Says where the fake server is, and ends politely.
pub(crate) fn stand_in(folder: &Path, url: &str) -> PathBuf {
    let fifo = folder.join("never");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let lines = [
        "trap \"exit 0\" TERM".to_owned(),
        format!("exec 3<>{}", fifo.display()),
        format!("echo listening on {url}"),
        "read -r nothing <&3".to_owned(),
        "exit 0".to_owned(),
    ];
    let server = folder.join("salon");
    script(&server, &lines.join("\n"));
    server
}

fn played(fault: Fault) -> Report {
    let (fake, folder) = (Fake::start(fault), tempfile::tempdir().unwrap());
    played_on(&stand_in(folder.path(), &fake.url()), SMALL)
}

#[test]
fn everybody_catches_up_with_a_correct_server() {
    let report = played(Fault::None);
    clean(&report);
    let names: Vec<_> = report.distributions.iter().map(|found| found.name).collect();
    assert_eq!(names, ["before", "during", "caught_up"]);
    assert_eq!(report.tables[0].rows.len(), 2);
}

#[test]
fn what_a_replay_leaves_out_is_missed() {
    finds(&played(Fault::LoseReplay), Check::Missed);
}
