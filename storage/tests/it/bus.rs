//! The contract of the bus, on the bus in memory.

use bytes::Bytes;
use salon_protocol::UserId;
use salon_storage::bus::LocalBus;
use salon_storage::contract::{Bell, Bus, BusHealth, Topic};
use salon_storage::model::RoomKey;
use uuid::Uuid;

fn bell(topic: Topic, number: u8) -> Bell {
    Bell { topic, payload: Bytes::copy_from_slice(&[number]) }
}

#[tokio::test]
async fn bells_reach_those_who_listen_and_not_the_ringer() {
    let one = LocalBus::first();
    assert!(!one.has_peers());
    let (two, three) = (one.join(), one.join());
    assert!(one.has_peers());
    let room = Topic::Log(RoomKey(7));
    let user = Topic::User(UserId::new(Uuid::now_v7()));
    one.listen(room);
    two.listen(room);
    two.listen(room);
    three.listen(user);
    one.ring(bell(room, 1));
    one.ring(bell(room, 2));
    one.ring(bell(user, 3));
    two.ignore(room);
    one.ring(bell(room, 4));
    two.ring(bell(room, 5));
    assert_eq!(two.next().await, Some(bell(room, 1)));
    assert_eq!(two.next().await, Some(bell(room, 2)));
    assert_eq!(three.next().await, Some(bell(user, 3)));
    assert_eq!(one.next().await, Some(bell(room, 5)));
    for node in [&one, &two, &three] {
        node.close();
        assert_eq!(node.next().await, None, "nothing is delivered twice, or late");
    }
}

#[tokio::test]
async fn a_node_that_does_not_keep_up_loses_bells_and_knows_it() {
    let (one, two) = {
        let one = LocalBus::first();
        let two = one.join();
        (one, two)
    };
    let room = Topic::Log(RoomKey(1));
    two.listen(room);
    assert_eq!(two.health(), BusHealth::Connected);
    for _ in 0..10_000 {
        one.ring(bell(room, 0));
    }
    assert_eq!(two.health(), BusHealth::Degraded);
    assert_eq!(one.health(), BusHealth::Connected);
    two.close();
    let mut received = 0;
    while two.next().await.is_some() {
        received += 1;
    }
    assert!((1..10_000).contains(&received), "{received}");
}
