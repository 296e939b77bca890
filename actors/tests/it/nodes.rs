//! Two nodes on one store and one bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use salon_storage::bus::LocalBus;
use salon_storage::contract::{Bell, Bus, BusHealth, Topic};
use serde_json::json;

use crate::house::{House, message, quiet};

#[actix_rt::test]
async fn people_on_two_nodes_are_in_one_room() {
    let house = House::new().await;
    let mut one = house.node_on(Arc::new(house.bus.join()), quiet());
    let mut two = house.node_on(Arc::new(house.bus.join()), quiet());
    let (ann, bob, eve) =
        (house.person("ann").await, house.person("bob").await, house.person("eve").await);
    let (mut a, mut b, mut e) =
        (one.enter(&ann).await, two.enter(&bob).await, two.enter(&eve).await);
    let room = a.group(&[&bob]).await;
    a.say(&room, "on one").await;
    b.say(&room, "on two").await;
    let (from_a, from_b): (Vec<u64>, Vec<u64>) = (0..50)
        .map(|n| {
            let text = n.to_string();
            let one = a.send("send_message", message(&room, &text));
            (one, b.send("send_message", message(&room, &text)))
        })
        .unzip();
    for (of_a, of_b) in from_a.into_iter().zip(from_b) {
        assert_eq!(a.answer(of_a).await["type"], "ok");
        assert_eq!(b.answer(of_b).await["type"], "ok");
    }
    a.done("invite", json!({"room": room, "users": [eve.id()]})).await;
    a.done("kick", json!({"room": room, "user": bob.id()})).await;
    let last = a.say(&room, "the end").await;
    assert_eq!(last, 106);
    assert_eq!(a.events_up_to(&room, last).await, (1..=last).collect::<Vec<_>>());
    assert_eq!(b.events_up_to(&room, last - 1).await, (1..last).collect::<Vec<_>>());
    assert_eq!(e.events_up_to(&room, last).await, [104, 105, 106]);
}

#[actix_rt::test]
async fn lost_bells_are_made_good_by_the_next_one() {
    let house = House::new().await;
    let lossy = Arc::new(Lossy::new(house.bus.join()));
    let mut one = house.node_on(lossy.clone(), quiet());
    let mut two = house.node_on(Arc::new(house.bus.join()), quiet());
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (mut a, mut b) = (one.enter(&ann).await, two.enter(&bob).await);
    let room = a.group(&[&bob]).await;
    b.events_up_to(&room, 1).await;
    lossy.losing.store(true, Ordering::SeqCst);
    for number in 0..100 {
        a.say(&room, &number.to_string()).await;
    }
    assert!(lossy.lost.load(Ordering::SeqCst) >= 50);
    lossy.losing.store(false, Ordering::SeqCst);
    let last = a.say(&room, "the next").await;
    assert_eq!(b.events_up_to(&room, last).await, (2..=last).collect::<Vec<_>>());
}

/// A bus that loses two of three bells about logs.
#[derive(Debug)]
struct Lossy {
    bus: LocalBus,
    losing: AtomicBool,
    rung: AtomicUsize,
    lost: AtomicUsize,
}

impl Lossy {
    fn new(bus: LocalBus) -> Self {
        let (rung, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Lossy { bus, losing: AtomicBool::new(false), rung, lost }
    }
}

impl Bus for Lossy {
    fn has_peers(&self) -> bool {
        self.bus.has_peers()
    }

    fn ring(&self, bell: Bell) {
        let passes = self.rung.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
        if passes || !self.losing.load(Ordering::SeqCst) {
            self.bus.ring(bell);
        } else {
            self.lost.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn listen(&self, topic: Topic) {
        self.bus.listen(topic);
    }

    fn ignore(&self, topic: Topic) {
        self.bus.ignore(topic);
    }

    fn next(&self) -> BoxFuture<'_, Option<Bell>> {
        self.bus.next()
    }

    fn health(&self) -> BusHealth {
        self.bus.health()
    }

    fn close(&self) {
        self.bus.close();
    }
}
