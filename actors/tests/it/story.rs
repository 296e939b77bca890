//! What two people do all day.

use salon_actors::NodeConfig;
use serde_json::json;

use crate::house::{House, cid, message, quiet};

#[actix_rt::test]
async fn two_people_chat() {
    let house = House::new().await;
    let mut door = house.node(NodeConfig::default());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (door.enter(&ann).await, door.enter(&bob).await);
    let room = a.group(&[&bob]).await;
    assert_eq!(b.event("room_created").await["room"], "inbox");
    assert_eq!(b.event("room_created").await["room"], room);

    let sent = message(&room, "hello");
    let ok = a.done("send_message", sent.clone()).await;
    assert_eq!((&ok["seq"], &ok["duplicate"]), (&json!(2), &json!(null)));
    let again = a.done("send_message", sent.clone()).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)));
    let mut other = sent;
    other["text"] = "other".into();
    assert_eq!(a.refused("send_message", other).await, "conflict");
    assert_eq!(b.event("new_message").await["data"]["text"], "hello");
    assert_eq!(a.event("new_message").await["seq"], 2, "the sender's own, for his other devices");

    b.done("message_read", json!({"room": room, "seq": 2})).await;
    let receipt = a.event("message_read").await;
    assert_eq!(receipt["data"], json!({"user": bob.id(), "seq": 2}));
    b.done("typing", json!({"room": room})).await;
    assert_eq!(a.event("typing").await["data"]["user"], json!(bob.id()));
    let read_by = a.done("read_by", json!({"room": room, "seq": 2})).await;
    assert_eq!(read_by["read"][0], json!(bob.id()), "{read_by}");

    a.done("message_recall", json!({"room": room, "seq": 2})).await;
    assert_eq!(b.event("message_recalled").await["data"]["target"], 2);
    assert_eq!(b.refused("message_recall", json!({"room": room, "seq": 1})).await, "not_found");
}

#[actix_rt::test]
async fn who_was_away_catches_up_exactly() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, b) = (door.enter(&ann).await, door.enter(&bob).await);
    let room = a.group(&[&bob]).await;
    b.cut();
    for number in 0..450 {
        a.say(&room, &number.to_string()).await;
    }
    let secret = a.say(&room, "secret").await;
    a.done("message_recall", json!({"room": room, "seq": secret})).await;
    let (mut b, opened) = door.open(&bob, json!({"rooms": {room.clone(): 1}, "inbox": 0})).await;
    assert_eq!(opened["stale"], json!([]));
    a.say(&room, "while he reads").await;
    assert_eq!(b.events_up_to(&room, 454).await, (2..=454).collect::<Vec<_>>());
    assert_eq!(b.event("room_created").await["room"], "inbox");
    assert!(!format!("{:?}", b.rest()).contains("secret"));

    // A second device begins where the first is; the first goes on.
    let (mut second, opened) = door.open(&bob, json!({"device": "second"})).await;
    assert_eq!(opened["rooms"][0]["seq"], 454);
    a.say(&room, "for both").await;
    assert_eq!(b.event("new_message").await["seq"], 455);
    assert_eq!(second.event("new_message").await["seq"], 455);

    // The same device again takes the first one's place.
    let mut third = door.enter(&bob).await;
    assert_eq!(b.closed().await, 4004);
    a.say(&room, "for the newer").await;
    assert_eq!(third.event("new_message").await["seq"], 456);
}

#[actix_rt::test]
async fn friends_see_each_other() {
    let house = House::new().await;
    let mut door = house.node(NodeConfig::default());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (door.enter(&ann).await, door.enter(&bob).await);
    a.done("friend_request", json!({"user": bob.id(), "message": "hi"})).await;
    assert_eq!(b.event("friend_requested").await["room"], "inbox");
    b.done("friend_accept", json!({"user": ann.id()})).await;
    a.event("friend_accepted").await;
    assert_eq!(a.event("presence").await["data"]["online"], true);
    let friends = a.done("friends", json!({})).await;
    assert_eq!(friends["items"][0]["online"], true, "{friends}");

    let room = b.done("open_direct", json!({"user": ann.id()})).await["room"].clone();
    b.say(room.as_str().unwrap(), "psst").await;
    assert_eq!(a.event("new_message").await["room"], room);
    a.done("friend_block", json!({"user": bob.id(), "on": true})).await;
    let answer = b.refused("send_message", message(room.as_str().unwrap(), "hello?")).await;
    assert_eq!(answer, "forbidden");
}

#[actix_rt::test]
async fn who_is_put_out_hears_no_more_and_who_comes_hears_all_from_then() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    let (ann, bob, eve) =
        (house.person("ann").await, house.person("bob").await, house.person("eve").await);
    let (mut a, mut b, mut e) =
        (door.enter(&ann).await, door.enter(&bob).await, door.enter(&eve).await);
    let room = a.group(&[&bob]).await;
    a.say(&room, "between us").await;
    a.done("invite", json!({"room": room, "users": [eve.id()]})).await;
    a.say(&room, "welcome").await;
    a.done("kick", json!({"room": room, "user": bob.id()})).await;
    let last = a.say(&room, "he is gone").await;
    assert_eq!(e.events_up_to(&room, last).await, [3, 4, 5, 6]);
    assert_eq!(b.events_up_to(&room, 5).await, [1, 2, 3, 4, 5]);
    assert_eq!(b.refused("history", json!({"room": room})).await, "forbidden");
    b.event("room_removed").await;
    assert!(b.rest().iter().all(|frame| frame["room"] != room));
}

#[actix_rt::test]
async fn a_login_that_ends_closes_its_sockets() {
    let house = House::new().await;
    let mut door = house.node(NodeConfig::default());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (door.enter(&ann).await, door.enter(&bob).await);
    door.node.sessions_ended(ann.id(), &[ann.session]);
    assert_eq!(a.closed().await, 4002);
    door.node.account_disabled(bob.id());
    assert_eq!(b.closed().await, 4003);
}

#[actix_rt::test]
async fn a_stop_answers_what_was_asked_and_keeps_what_was_read() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (door.enter(&ann).await, door.enter(&bob).await);
    let room = a.group(&[&bob]).await;
    let seq = a.say(&room, "read this").await;
    b.done("message_read", json!({"room": room, "seq": seq})).await;
    let in_flight: Vec<u64> =
        (0..100).map(|n| a.send("send_message", message(&room, &n.to_string()))).collect();
    door.node.drain(1_000);
    for reference in in_flight {
        assert_eq!(a.answer(reference).await["type"], "ok");
    }
    assert_eq!((a.closed().await, b.closed().await), (4200, 4200));

    // A server that starts on the same store.
    let mut door = house.node(quiet());
    let (mut b, opened) = door.open(&bob, json!({"rooms": {room.clone(): seq}})).await;
    assert_eq!(
        (&opened["rooms"][0]["read"], &opened["rooms"][0]["unread"]),
        (&json!(seq), &json!(100))
    );
    assert_eq!(b.events_up_to(&room, seq + 100).await.len(), 100);
}

#[actix_rt::test]
async fn who_asks_for_what_is_not_his_learns_nothing() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    let (ann, eve) = (house.person("ann").await, house.person("eve").await);
    let (mut a, mut e) = (door.enter(&ann).await, door.enter(&eve).await);
    let room = a.group(&[]).await;
    a.say(&room, "diary").await;
    let nowhere = cid();
    for room in [room.as_str(), nowhere.as_str()] {
        for (kind, data) in [
            ("send_message", message(room, "let me in")),
            ("message_read", json!({"room": room, "seq": 1})),
            ("typing", json!({"room": room})),
            ("history", json!({"room": room})),
            ("room_get", json!({"room": room})),
            ("room_members", json!({"room": room})),
            ("read_by", json!({"room": room, "seq": 1})),
            ("message_recall", json!({"room": room, "seq": 2})),
            ("join_room", json!({"room": room})),
            ("kick", json!({"room": room, "user": ann.id()})),
        ] {
            assert_eq!(e.refused(kind, data).await, "forbidden", "{kind}");
        }
    }
    assert!(e.rest().is_empty());
}
