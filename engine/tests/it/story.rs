//! The story of a message, as `engine/ARCHITECTURE.md` tells it: from one person to another, who
//! speaks another encoding, is away for a while, and comes back.

use serde_json::json;

use crate::client::{Client, Encoding, cid, text};
use crate::server::Server;

#[test]
fn a_message_from_ann_to_bob() {
    let server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::connect(&server, &ann, Encoding::Json);
    let mut at_bob = Client::connect(&server, &bob, Encoding::MessagePack);

    // They become friends, which opens a direct room.
    at_ann.ok("friend_request", json!({ "user": bob.id, "message": "it's me" }));
    assert_eq!(at_bob.expect("friend_requested")["data"]["user"], ann.id);
    at_bob.ok("friend_accept", json!({ "user": ann.id }));
    at_ann.expect("friend_accepted");
    let room = at_ann.ok("open_direct", json!({ "user": bob.id }))["room"].take();
    at_bob.expect("room_created");

    // One message, two encodings, the same everywhere.
    let hello = text(&room, "hello 你好");
    let sent = at_ann.ok("send_message", hello.clone());
    let seen = at_bob.expect("new_message");
    assert_eq!((&seen["room"], &seen["seq"]), (&room, &sent["seq"]));
    assert_eq!(seen["data"]["text"], "hello 你好");
    assert_eq!(seen["data"]["sender"], ann.id);
    assert_eq!(at_ann.expect("new_message")["data"], seen["data"]);

    // The answer was lost on the way, for all that ann knows: she sends it again.
    let again = at_ann.ok("send_message", hello);
    assert_eq!(
        again,
        json!({ "room": room, "seq": sent["seq"], "at": sent["at"], "duplicate": true })
    );

    // Bob reads it; ann sees that he has.
    at_bob.ok("message_read", json!({ "room": room, "seq": sent["seq"] }));
    let read = at_ann.expect("message_read");
    assert_eq!(read["data"], json!({ "user": bob.id, "seq": sent["seq"] }));

    // Bob is away. Ann recalls one of her messages, and mends another.
    let (positions, epoch) =
        (json!({ room.as_str().unwrap(): seen["seq"] }), &at_bob.welcome["epoch"]);
    let positions = json!({ "rooms": positions, "epoch": epoch });
    drop(at_bob);
    let secret = at_ann.ok("send_message", text(&room, "the password is swordfish"));
    let recalled = at_ann.ok("message_recall", json!({ "room": room, "seq": secret["seq"] }));
    let plan = at_ann.ok("send_message", text(&room, "lunch at noon"));
    let edit = json!({ "room": room, "seq": plan["seq"], "cid": cid(), "text": "lunch at one" });
    at_ann.ok("message_edit", edit);

    // He comes back, gets what he missed in order, and never sees what was recalled.
    let mut at_bob = Client::resume(&server, &bob, Encoding::MessagePack, positions);
    assert_eq!(at_bob.welcome["stale"], json!([]));
    let missed = at_bob.events(4);
    let first = secret["seq"].as_u64().unwrap();
    let seqs: Vec<_> = missed.iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    assert_eq!(seqs, (first..first + 4).collect::<Vec<_>>(), "{missed:?}");
    assert_eq!(missed[0]["data"]["recalled"], true);
    assert_eq!(missed[1]["type"], "message_recalled");
    assert_eq!(missed[1]["seq"], recalled["seq"]);
    assert_eq!(missed[2]["data"]["text"], "lunch at one");
    let history = at_bob.ok("history", json!({ "room": room, "after": 0 }));
    let found = at_bob.ok("search_messages", json!({ "q": "swordfish" }));
    assert_eq!(found["items"], json!([]));
    assert!(!format!("{missed:?}{history}{found}").contains("swordfish"));

    // What stands, he finds; and his list of conversations counts what he has not read.
    let found = at_bob
        .ok_when("search_messages", &json!({ "q": "lunch" }), |found| found["items"] != json!([]));
    assert_eq!(found["items"][0]["seq"], plan["seq"]);
    // (How far he has read is written up to a second later.)
    at_bob.ok_when("conversations", &json!({}), |list| {
        let first = &list["items"][0];
        first["room"] == room && first["unread"] == 1
    });
}

#[test]
fn a_recall_right_behind_the_message_works() {
    let server = Server::start();
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::json(&server, &ann);
    let room = crate::client::group(&mut at_ann, "quick", &[&bob]);
    for round in 0..50 {
        let sent = at_ann.ok("send_message", text(&room, &format!("slip {round}")));
        at_ann.ok("message_recall", json!({ "room": room, "seq": sent["seq"] }));
    }
    let mut at_bob = Client::json(&server, &bob);
    let page = at_bob.ok("history", json!({ "room": room, "after": 0, "limit": 200 }));
    let events = page["events"].as_array().unwrap();
    let of = |kind| events.iter().filter(move |event| event["type"] == kind);
    assert_eq!(of("message_recalled").count(), 50);
    assert_eq!(of("new_message").filter(|event| event["data"]["recalled"] == true).count(), 50);
    assert!(!page.to_string().contains("slip"));
    assert_eq!(at_bob.ok("search_messages", json!({ "q": "slip" }))["items"], json!([]));
}

#[test]
fn all_that_a_group_can_do() {
    let server = Server::start();
    let [ann, bob, cem] = ["ann", "bob", "cem"].map(|name| server.register(name));
    let mut at_ann = Client::json(&server, &ann);
    let mut at_bob = Client::connect(&server, &bob, Encoding::MessagePack);
    let room = crate::client::group(&mut at_ann, "hikers", &[&bob]);
    at_bob.expect("room_created");

    // Who is not in it cannot tell it from one that does not exist.
    let mut at_cem = Client::json(&server, &cem);
    let nowhere = json!("01920000-0000-7000-8000-000000000000");
    for place in [&room, &nowhere] {
        assert_eq!(at_cem.refused("send_message", text(place, "let me in")), "forbidden");
        assert_eq!(at_cem.refused("history", json!({ "room": place })), "forbidden");
    }

    // Invited, he can; and a reply with a mention finds its way.
    at_ann.ok("invite", json!({ "room": room, "users": [cem.id] }));
    at_cem.expect("room_joined");
    let sent = at_ann.ok("send_message", text(&room, "where to?"));
    at_cem.expect("new_message");
    let mut reply = text(&room, "up");
    reply["reply_to"] = sent["seq"].clone();
    reply["mentions"] = json!([ann.id]);
    at_cem.ok("send_message", reply);
    let seen = loop {
        let seen = at_ann.expect("new_message");
        if seen["data"]["sender"] == cem.id {
            break seen;
        }
    };
    assert_eq!(
        (&seen["data"]["reply_to"], &seen["data"]["mentions"][0]),
        (&sent["seq"], &json!(ann.id))
    );

    // A reaction counts once, however often it is sent.
    for _ in 0..2 {
        let react = json!({ "room": room, "seq": sent["seq"], "emoji": "👍", "on": true });
        at_bob.ok("react", react);
    }
    assert_eq!(at_ann.expect("reaction")["data"]["emoji"], "👍");
    let history = at_ann.ok("history", json!({ "room": room, "types": ["new_message"] }));
    let message = &history["events"].as_array().unwrap()[0];
    assert_eq!(message["data"]["reactions"], json!([{ "emoji": "👍", "count": 1, "mine": false }]));

    // Typing is a signal and stands nowhere.
    at_bob.ok("typing", json!({ "room": room }));
    assert_eq!(at_ann.expect("typing")["data"]["user"], bob.id);

    // Roles: a member cannot, an admin can.
    let kick = json!({ "room": room, "user": cem.id });
    assert_eq!(at_bob.refused("kick", kick.clone()), "forbidden");
    at_ann.ok("set_role", json!({ "room": room, "user": bob.id, "role": "admin" }));
    at_bob.ok("kick", kick);
    assert_eq!(at_cem.expect("room_removed")["data"]["reason"], "kicked");
    assert_eq!(at_cem.refused("send_message", text(&room, "hey")), "forbidden");

    // A blocked friend cannot write to one directly.
    at_bob.ok("friend_request", json!({ "user": ann.id }));
    at_ann.ok("friend_accept", json!({ "user": bob.id }));
    let direct = at_bob.ok("open_direct", json!({ "user": ann.id }))["room"].take();
    at_ann.ok("friend_block", json!({ "user": bob.id }));
    assert_eq!(at_bob.refused("send_message", text(&direct, "hello?")), "forbidden");
}
