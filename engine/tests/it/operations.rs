//! What whoever runs a server does with it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::client::{Client, Encoding, group, text};
use crate::server::{Server, salon};

#[test]
fn metrics_count_what_happens() {
    let server = Server::start();
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::json(&server, &ann);
    let mut at_bob = Client::json(&server, &bob);
    let room = group(&mut at_ann, "counted", &[&bob]);
    at_ann.ok("send_message", text(&room, "one"));
    at_bob.expect("new_message");
    let (status, metrics) = server.get("/metrics", "");
    assert_eq!(status, 200);
    let metrics = metrics.as_str().unwrap().to_owned();
    for (name, value) in [("salon_connections", "2"), ("salon_users", "2"), ("salon_rooms", "1")] {
        assert!(metrics.lines().any(|line| line == format!("{name} {value}")), "{name}: {metrics}");
    }
    for name in [
        "salon_messages",
        "salon_deliveries",
        "commit",
        "mailbox_depth",
        "backlog_bytes",
        "dropped",
        "slow",
        "restarts",
    ] {
        assert!(metrics.contains(name), "{name} is not measured:\n{metrics}");
    }
    // Nobody's name, number or text.
    assert!(!metrics.contains(&ann.id));
}

#[test]
fn an_administrator_beside_a_running_server() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut at_ann = Client::json(&server, &ann);

    let mut create = salon(server.folder(), &["admin", "create", "root"]);
    let create = create.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = create.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    assert!(child.wait().unwrap().success());
    let root = server.login("root");
    assert_eq!(server.get("/api/users/me", &root.token).1["role"], "admin");
    let (done, said) = server.run(&["admin", "set-role", "root", "user"]);
    assert!(done, "{said}");
    assert_eq!(server.get("/api/users/me", &root.token).1["role"], "user");

    let (done, said) = server.run(&["admin", "disable", "ann"]);
    assert!(done, "{said}");
    assert_eq!(at_ann.closed().0, 4003);
    let body = json!({ "username": "ann", "password": crate::server::PASSWORD });
    assert_eq!(server.post("/api/auth/login", "", &body).0, 403);
    assert!(server.run(&["admin", "enable", "ann"]).0);
    server.login("ann");
    let (done, said) = server.run(&["admin", "disable", "nobody"]);
    assert!(!done && said.contains("nobody"), "{said}");
}

#[test]
fn a_backup_of_a_running_server_restores_elsewhere() {
    let mut server = Server::start();
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::json(&server, &ann);
    let room = group(&mut at_ann, "kept", &[&bob]);
    let sent = at_ann.ok("send_message", text(&room, "before the backup"));
    let backup = server.folder().join("backup");
    let (done, said) = server.run(&["backup", backup.to_str().unwrap()]);
    assert!(done, "{said}");
    at_ann.ok("send_message", text(&room, "after the backup"));
    let epoch = at_ann.welcome["epoch"].clone();
    let (done, said) = server.run(&["restore", backup.to_str().unwrap()]);
    assert!(!done, "a running server must not be overwritten: {said}");

    // Another place, the same people and rooms; positions of the old store are void.
    drop(at_ann);
    server.terminate();
    std::fs::rename(server.folder().join("data"), server.folder().join("old")).unwrap();
    let (done, said) = server.run(&["restore", backup.to_str().unwrap()]);
    assert!(done, "{said}");
    server.start_again();
    let bob = server.login("bob");
    let last = sent["seq"].as_u64().unwrap() + 1;
    let positions = json!({ "epoch": epoch, "rooms": { room.as_str().unwrap(): last } });
    let mut at_bob = Client::resume(&server, &bob, Encoding::Json, positions);
    assert_ne!(at_bob.welcome["epoch"], epoch);
    assert!(at_bob.welcome["stale"].as_array().unwrap().contains(&room), "{}", at_bob.welcome);
    let history = at_bob.ok("history", json!({ "room": room, "after": 0 })).to_string();
    assert!(history.contains("before the backup") && !history.contains("after the backup"));
}
