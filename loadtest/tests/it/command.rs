//! The binary: exit status, files, and the floor, which is the binary itself.

use std::process::{Command, Output};

use crate::fake::{Fake, Fault};

fn loadtest(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(words.split(' ')).arg("--quiet").output().unwrap()
}

#[track_caller]
pub(crate) fn ends_with(output: &Output, status: i32, words: &str) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(text.contains(words), "{words:?} is not in {text}");
}

const CHAT: &str = "chat --clients 4 --rooms 2 --messages 40 --patience 3";

#[test]
fn the_status_says_what_was_found() {
    let fake = Fake::start(Fault::None);
    let output = loadtest(&format!("{CHAT} --url {}", fake.url()));
    ends_with(&output, 0, "oracle: clean: 40 messages, 40 acknowledged");
    let fake = Fake::start(Fault::LoseMessage);
    let output = loadtest(&format!("{CHAT} --url {}", fake.url()));
    ends_with(&output, 1, "LOST");
}

#[test]
fn what_cannot_be_done_has_a_status_of_its_own() {
    let fake = Fake::start(Fault::None);
    for (words, reason) in [
        ("soak --kill", "--kill needs a server that is started here"),
        ("soak --rounds 3", "name a nemesis"),
        ("chat --clients 2 --rooms 3", "cannot fill 3 rooms"),
    ] {
        ends_with(&loadtest(&format!("{words} --url {}", fake.url())), 2, reason);
    }
    ends_with(&loadtest("chat --server /no/such/salon"), 2, "there is no server at");
}

#[test]
fn the_floor_and_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let (json, html) = (dir.path().join("floor.json"), dir.path().join("floor.html"));
    let output = loadtest(&format!(
        "floor-bench --sockets 5 --windows 1,4 --duration 0.1 --repeat 1 --json {} --html {}",
        json.display(),
        html.display()
    ));
    ends_with(&output, 0, "floor-coalesce");
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(value["clean"], true);
    let tables = value["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    for table in tables {
        assert_eq!(table["rows"].as_array().map(Vec::len), Some(2), "{table}");
    }
    assert!(std::fs::read_to_string(&html).unwrap().contains("window 4"));
}
