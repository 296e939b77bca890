//! What the threads of a simulated node share.
//!
//! Owns      the real directory, the queues to the workers, this node's end of the bus.
//! Promises  what [`Node`](crate::node::Node) promises of its workers' queues: what can be dropped
//!           is dropped when little room is left, and the flags say so.
//! Does not  move anything by itself.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use salon_protocol::{Encoding, RoomId, UserId};
use salon_storage::contract::{Bell, Bus, BusHealth, Topic};

use crate::connection::ToWorker;
use crate::directory::Directory;
use crate::metrics::NodeMetrics;
use crate::publish::Reach;
use crate::room::RoomInput;

#[derive(Debug)]
pub(super) struct Hall {
    directory: Directory,
    metrics: NodeMetrics,
    pub(super) bus: Wire,
    spoken: Cell<[bool; 2]>,
    pub(super) links: Vec<Link>,
    /// For rooms' actors, to be put into their mailboxes.
    pub(super) for_rooms: RefCell<Vec<(RoomId, RoomInput)>>,
    pub(super) users_here: RefCell<BTreeSet<UserId>>,
    /// Messages that wait for one worker.
    queue_max: usize,
}

/// The way to a worker.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) queue: RefCell<VecDeque<ToWorker>>,
    pub(super) overflowed: Cell<bool>,
    pub(super) lost: Cell<bool>,
    /// It is about to look.
    pub(super) awake: Cell<bool>,
}

impl Hall {
    pub(super) fn new(workers: usize, peers: bool, queue_max: usize) -> Self {
        Hall {
            directory: Directory::default(),
            metrics: NodeMetrics::default(),
            bus: Wire { peers, topics: Mutex::default(), rung: Mutex::default() },
            spoken: Cell::new([false; 2]),
            links: (0..workers).map(|_| Link::default()).collect(),
            for_rooms: RefCell::default(),
            users_here: RefCell::default(),
            queue_max,
        }
    }

    pub(super) fn speaks(&self, encoding: Encoding) {
        let mut spoken = self.spoken.get();
        spoken[encoding.index()] = true;
        self.spoken.set(spoken);
    }
}

impl Reach for Hall {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn bus(&self) -> &dyn Bus {
        &self.bus
    }

    fn metrics(&self) -> &NodeMetrics {
        &self.metrics
    }

    fn is_spoken(&self, encoding: Encoding) -> bool {
        self.spoken.get()[encoding.index()]
    }

    fn workers_count(&self) -> usize {
        self.links.len()
    }

    fn to_worker(&self, number: u16, message: ToWorker) {
        let Some(link) = self.links.get(usize::from(number)) else { return };
        let mut queue = link.queue.borrow_mut();
        if message.can_be_dropped() && queue.len() >= self.queue_max / 2 {
            link.overflowed.set(true);
        } else if queue.len() >= self.queue_max {
            link.lost.set(true);
        } else {
            queue.push_back(message);
        }
    }

    fn user_is_here(&self, user: UserId) -> bool {
        self.users_here.borrow().contains(&user)
    }

    fn tell_room(&self, room: RoomId, input: RoomInput) {
        self.for_rooms.borrow_mut().push((room, input));
    }
}

/// One node's end of the bus: what it rang, and what it listens for.
#[derive(Debug)]
pub(super) struct Wire {
    peers: bool,
    topics: Mutex<HashSet<Topic>>,
    rung: Mutex<Vec<Bell>>,
}

impl Wire {
    pub(super) fn take(&self) -> Vec<Bell> {
        std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn listens(&self, topic: Topic) -> bool {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).contains(&topic)
    }
}

impl Bus for Wire {
    fn has_peers(&self) -> bool {
        self.peers
    }

    fn ring(&self, bell: Bell) {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).push(bell);
    }

    fn listen(&self, topic: Topic) {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).insert(topic);
    }

    fn ignore(&self, topic: Topic) {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).remove(&topic);
    }

    fn next(&self) -> BoxFuture<'_, Option<Bell>> {
        Box::pin(std::future::ready(None))
    }

    fn health(&self) -> BusHealth {
        BusHealth::Connected
    }

    fn close(&self) {}
}
