//! Bells between nodes: what was committed on one is told on the others.
//!
//! A bell may be lost. Whoever follows a log notices by the next one, since positions have no
//! holes; nothing is known only to the bus.

use std::sync::Weak;

use bytes::Bytes;
use salon_protocol::{Event, LogId, Seq};
use salon_storage::contract::{Bell, Topic};
use salon_storage::model::RoomKey;

use crate::node::Node;
use crate::room::RoomInput;

impl Node {
    /// A worker's first socket wants a log: this node listens for it.
    pub(crate) fn follow(&self, log: RoomKey, worker: u16) -> Seq {
        let (head, first) = self.directory().register(log, worker);
        if first {
            self.bus().listen(Topic::Log(log));
        }
        head
    }

    pub(crate) fn unfollow(&self, log: RoomKey, worker: u16) {
        if self.directory().unregister(log, worker) {
            self.bus().ignore(Topic::Log(log));
        }
    }

    /// Tells other nodes of events that were committed here.
    pub(crate) fn ring_log(&self, log: RoomKey, events: &[Event]) {
        if !self.bus().has_peers() {
            return;
        }
        match serde_json::to_vec(events) {
            Ok(payload) => {
                self.bus().ring(Bell { topic: Topic::Log(log), payload: Bytes::from(payload) });
            }
            Err(error) => tracing::error!(error = %error, "events do not encode"),
        }
    }

    /// Another node has committed events.
    fn rung(&self, bell: &Bell) {
        let Topic::Log(log) = bell.topic else { return };
        let events: Vec<Event> = match serde_json::from_slice(&bell.payload) {
            Ok(events) => events,
            Err(error) => return tracing::error!(error = %error, "a bell does not decode"),
        };
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

/// Listens for as long as the node lives.
pub(crate) async fn listen(node: Weak<Node>) {
    while let Some(bus) = node.upgrade().map(|node| node.bus().clone()) {
        let Some(bell) = bus.next().await else { return };
        let Some(node) = node.upgrade() else { return };
        node.rung(&bell);
    }
}
