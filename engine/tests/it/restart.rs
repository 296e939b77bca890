//! The plug is pulled, and put in again.

use serde_json::json;

use crate::client::{Client, Encoding, group, text};
use crate::server::Server;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut acknowledged = Vec::new();
    let mut room = json!(null);
    for round in 0..3 {
        let mut at_ann = Client::json(&server, &ann);
        if room.is_null() {
            room = group(&mut at_ann, "kept", &[&bob]);
        }
        let asked: Vec<_> = (0..100)
            .map(|number| {
                let words = format!("{round}-{number}");
                (at_ann.send("send_message", text(&room, &words)), words)
            })
            .collect();
        // The plug is pulled while half of them are still under way.
        for (reference, words) in asked.into_iter().take(50) {
            let answer = at_ann.answer(reference);
            assert_eq!(answer["type"], "ok", "{answer}");
            acknowledged.push((answer["data"]["seq"].as_u64().unwrap(), words));
        }
        server.kill();
        server.start_again();
    }
    let mut at_bob = Client::connect(&server, &bob, Encoding::MessagePack);
    let mut events = Vec::new();
    loop {
        let after = events.len();
        let page = at_bob.ok("history", json!({ "room": room, "after": after, "limit": 200 }));
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        if page["more"] == false {
            break;
        }
    }
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], number as u64 + 1, "a hole");
    }
    for (seq, words) in &acknowledged {
        assert_eq!(events[*seq as usize - 1]["data"]["text"], *words);
    }
    let mut texts: Vec<_> =
        events.iter().filter_map(|event| event["data"]["text"].as_str()).collect();
    texts.sort_unstable();
    let all = texts.len();
    texts.dedup();
    assert_eq!(texts.len(), all, "something is there twice");
}

#[test]
fn a_stop_says_good_bye_and_ends_in_order() {
    let mut server = Server::start();
    let ann = server.register("ann");
    let mut at_ann = Client::json(&server, &ann);
    let room = group(&mut at_ann, "kept", &[]);
    let sent = at_ann.ok("send_message", text(&room, "last words"));
    server.signal(rustix::process::Signal::TERM);
    let bye = at_ann.expect("bye");
    assert!(bye["data"]["retry_after_ms"].is_u64(), "{bye}");
    assert_eq!(at_ann.closed().0, 4200);
    assert!(server.terminate().success());

    // The session lives on, on the same device with the same token.
    server.start_again();
    let position = sent["seq"].as_u64().unwrap() - 1;
    let positions = json!({
        "rooms": { room.as_str().unwrap(): position },
        "epoch": at_ann.welcome["epoch"],
    });
    let mut back = Client::resume(&server, &ann, Encoding::Json, positions);
    assert_eq!(back.expect("new_message")["data"]["text"], "last words");
    back.nothing_else();
}
