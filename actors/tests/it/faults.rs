//! What must hold when something breaks inside.

use std::rc::Rc;

use actix::Arbiter;
use salon_actors::{Connections, NodeConfig};
use serde_json::json;

use crate::house::{Client, House, Hub, message, quiet, room_id};

/// What a request came to while something broke.
#[derive(Debug, Default)]
struct Outcomes {
    ok: usize,
    /// The handler panicked: one answer is the price.
    internal: usize,
    /// The actor died.
    unavailable: usize,
}

/// Sends with the same `cid` until it is acknowledged, waiting as long as it is told.
async fn persist(a: &mut Client, house: &House, room: &str, outcomes: &mut Outcomes) -> u64 {
    let message = message(room, "once");
    loop {
        let answer = a.ask("send_message", message.clone()).await;
        if answer["type"] == "ok" {
            outcomes.ok += 1;
            return answer["data"]["seq"].as_u64().unwrap();
        }
        house.fuse.put_out();
        match answer["data"]["code"].as_str() {
            Some("internal") => outcomes.internal += 1,
            Some("unavailable") => outcomes.unavailable += 1,
            _ => panic!("{answer}"),
        }
        house.fuse.advance(answer["data"]["retry_after_ms"].as_i64().unwrap_or(0));
    }
}

#[actix_rt::test]
async fn a_panic_costs_one_answer_and_not_the_room() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    // A second thread, on which the room is going to live; sockets are on this one.
    let arbiter = Arbiter::new();
    let (sender, thread) = std::sync::mpsc::channel();
    let node = door.node.clone();
    arbiter.spawn_fn(move || {
        let connections = Connections::start(&node, Rc::new(Hub::default()));
        sender.send(std::thread::current().id()).unwrap();
        std::mem::forget(connections);
    });
    let thread = thread.recv().unwrap();
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (door.enter(&ann).await, door.enter(&bob).await);
    let room = loop {
        let room = a.group(&[&bob]).await;
        if room_id(&room).as_bytes()[15] % 2 == 1 {
            break room;
        }
    };
    let mut outcomes = Outcomes::default();
    let mut last = a.say(&room, "awake").await;
    // The clock is looked at so often for one message; each of the looks panics once.
    for look in 1.. {
        house.fuse.light(thread, look);
        let seq = persist(&mut a, &house, &room, &mut outcomes).await;
        let unburnt = house.fuse.put_out();
        assert_eq!(seq, last + 1, "look {look}");
        last = seq;
        if unburnt {
            break;
        }
    }
    assert!(outcomes.internal > 0 && outcomes.unavailable > 0, "{outcomes:?}");
    last = a.say(&room, "and on it goes").await;
    assert_eq!(b.events_up_to(&room, last).await, (1..=last).collect::<Vec<_>>());
    let restarts = (outcomes.internal + outcomes.unavailable) as u64;
    assert!(door.node.metrics().restarts.get() >= restarts);
    arbiter.stop();
}

#[actix_rt::test]
async fn an_actor_that_sleeps_loses_nothing() {
    let house = House::new().await;
    let config = NodeConfig { room_idle_ms: 0, user_idle_ms: 0, ..quiet() };
    let mut door = house.node(config);
    let ann = house.person("ann").await;
    let mut a = door.enter(&ann).await;
    let room = a.group(&[]).await;
    for round in 0..40 {
        // Messages that meet the room while it is awake, on its way to sleep, and asleep.
        let sent: Vec<u64> =
            (0..10).map(|n| a.send("send_message", message(&room, &n.to_string()))).collect();
        for (place, reference) in (0..).zip(sent) {
            let answer = a.answer(reference).await;
            assert_eq!(answer["data"]["seq"], 2 + round * 10 + place, "{answer}");
        }
        house.fuse.advance(10);
    }
    assert_eq!(a.events_up_to(&room, 401).await, (1..=401).collect::<Vec<_>>());
    a.cut();
    house.fuse.advance(10);
    door.all_asleep().await;
    let (mut a, opened) = door.open(&ann, json!({"rooms": {room.clone(): 400}})).await;
    assert_eq!(opened["rooms"][0]["seq"], 401);
    assert_eq!(a.events_up_to(&room, 401).await, [401]);
}

#[actix_rt::test]
async fn a_closed_store_is_an_error_and_no_silence() {
    let house = House::new().await;
    let mut door = house.node(quiet());
    let ann = house.person("ann").await;
    let mut a = door.enter(&ann).await;
    let room = a.group(&[]).await;
    a.say(&room, "before").await;
    house.world.store.close().await;
    assert_eq!(a.refused("send_message", message(&room, "after")).await, "unavailable");
    assert_eq!(a.refused("history", json!({"room": room})).await, "unavailable");
    let mut late = door.connect();
    let token = format!("{}/{}", ann.id(), ann.session);
    assert_eq!(late.refused("auth", json!({"token": token})).await, "unavailable");
}
