//! Bells between nodes: what was committed on one is told on the others.
//!
//! A bell may be lost. Whoever follows a log notices by the next one, since positions have no
//! holes; nothing is known only to the bus.

use std::sync::Weak;

use bytes::Bytes;
use salon_protocol::{Event, LogId, RoomId, Seq, UserId};
use salon_storage::contract::{Bell, Bus, Topic};
use salon_storage::model::RoomKey;
use serde::{Deserialize, Serialize};

use crate::connection::Subscription;
use crate::node::Node;
use crate::publish::{Publish as _, Reach};
use crate::room::RoomInput;

/// What a bell says.
#[derive(Debug, Serialize, Deserialize)]
enum Ring {
    /// These events are committed.
    Events(Vec<Event>),
    /// The user follows a room from behind `after` on.
    Follow { key: i64, room: RoomId, after: Seq, head: Seq },
    /// The user gets a room up to `last`.
    Unfollow { key: i64, last: Seq },
}

/// Ringing, and what is done when another node rings.
pub(crate) trait Ringing: Reach {
    /// A worker's first socket wants a log: this node listens for it.
    fn follow(&self, log: RoomKey, worker: u16) -> Seq {
        let (head, first) = self.directory().register(log, worker);
        if first {
            self.bus().listen(Topic::Log(log));
        }
        head
    }

    fn unfollow(&self, log: RoomKey, worker: u16) {
        if self.directory().unregister(log, worker) {
            self.bus().ignore(Topic::Log(log));
        }
    }

    /// Tells other nodes of events that were committed here.
    fn ring_log(&self, log: RoomKey, events: &[Event]) {
        if self.bus().has_peers() {
            ring(self.bus(), Topic::Log(log), &Ring::Events(events.to_vec()));
        }
    }

    /// Tells the nodes where a user is that he follows a room.
    fn ring_follow(&self, user: UserId, log: Subscription) {
        if let (true, LogId::Room(room)) = (self.bus().has_peers(), log.id) {
            let Subscription { log, after, head, .. } = log;
            ring(self.bus(), Topic::User(user), &Ring::Follow { key: log.0, room, after, head });
        }
    }

    /// Tells the nodes where a user is that he no longer follows a room.
    fn ring_unfollow(&self, user: UserId, log: RoomKey, last: Seq) {
        if self.bus().has_peers() {
            ring(self.bus(), Topic::User(user), &Ring::Unfollow { key: log.0, last });
        }
    }

    /// Another node has rung.
    fn rung(&self, bell: &Bell) {
        let ring: Ring = match serde_json::from_slice(&bell.payload) {
            Ok(ring) => ring,
            Err(error) => return tracing::error!(error = %error, "a bell does not decode"),
        };
        match (bell.topic, ring) {
            (Topic::Log(log), Ring::Events(events)) => self.rung_events(log, events),
            (Topic::User(user), Ring::Follow { key, room, after, head }) => {
                let (log, id) = (RoomKey(key), LogId::Room(room));
                self.subscribe(user, Subscription { log, id, after, head });
            }
            (Topic::User(user), Ring::Unfollow { key, last }) => {
                self.unsubscribe(user, RoomKey(key), last);
            }
            (topic, ring) => tracing::error!(?topic, ?ring, "a bell of another topic"),
        }
    }

    fn rung_events(&self, log: RoomKey, events: Vec<Event>) {
        let Some(first) = events.first() else { return };
        match first.room {
            LogId::Room(room) => {
                self.tell_room_events(log, room, &events);
                self.tell_room(room, RoomInput::Told(events));
            }
            LogId::Inbox => self.tell_events(log, &events),
        }
    }
}

impl<T: Reach + ?Sized> Ringing for T {}

fn ring(bus: &dyn Bus, topic: Topic, ring: &Ring) {
    match serde_json::to_vec(ring) {
        Ok(payload) => bus.ring(Bell { topic, payload: Bytes::from(payload) }),
        Err(error) => tracing::error!(error = %error, "a bell does not encode"),
    }
}

/// Listens for as long as the node lives.
pub(crate) async fn listen(node: Weak<Node>) {
    while let Some(bus) = node.upgrade().map(|node| node.bus().clone()) {
        let Some(bell) = bus.next().await else { return };
        let Some(node) = node.upgrade() else { return };
        node.rung(&bell);
    }
}
