//! One run: nodes, store, network and devices, and the loop that lets things happen.
//!
//! Owns      everything of a run.
//! Promises  one thing happens at a time; what it causes happens later.
//! Does not  think: the pure states do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use salon_loadtest::oracle::{Oracle, Texts};
use salon_protocol::{Millis, RoomId, UserId};
use salon_storage::contract::Topic;

use super::actors::{Kind, Rooms, Users};
use super::agenda::Agenda;
use super::device::Device;
use super::fate::Fate;
use super::hall::Hall;
use super::happening::{Happening, NodeLife};
use super::net::Net;
use super::outside::Outside;
use super::store::Store;
use super::{PRESENCE_GRACE_MS, ROOM_MAILBOX_MAX, USER_MAILBOX_MAX};
use crate::connection::{Backlog, Worker};
use crate::presence::State as Presence;
use crate::rate::RateLimits;

pub(super) struct Node {
    pub(super) life: u32,
    pub(super) up: bool,
    pub(super) hall: Hall,
    pub(super) rooms: Rooms,
    pub(super) users: Users,
    pub(super) workers: Vec<Worker>,
    pub(super) presence: Presence,
    pub(super) presence_timer: Option<Millis>,
}

pub(super) struct World {
    pub(super) agenda: Agenda,
    pub(super) fate: Fate,
    pub(super) store: Store,
    pub(super) net: Net,
    pub(super) nodes: Vec<Node>,
    pub(super) devices: Vec<Device>,
    pub(super) oracle: Oracle,
    /// Rooms that were ever made, as far as some client knows.
    pub(super) rooms: Vec<RoomId>,
    /// When the last bell about a topic arrives, by who rang and who hears.
    pub(super) bells: HashMap<(usize, usize, Topic), u64>,
    /// Who has joined a room without that anybody was told of it.
    pub(super) untold: BTreeSet<(UserId, RoomId)>,
    /// Names that were given.
    pub(super) messages: u64,
}

impl World {
    pub(super) fn new(seed: u64, loud: bool, fate: impl FnOnce(&mut Agenda) -> Fate) -> Self {
        let mut agenda = Agenda::new(seed, loud);
        let fate = fate(&mut agenda);
        let store = Store::new(fate.users, fate.lie);
        let net = Net::new(fate.noise);
        let nodes = (0..fate.nodes).map(|_| new_node(&fate, 0)).collect();
        let mut world = World {
            agenda,
            store,
            net,
            nodes,
            devices: Vec::new(),
            oracle: Oracle::new(Texts::Whole),
            rooms: Vec::new(),
            bells: HashMap::new(),
            untold: BTreeSet::new(),
            messages: 0,
            fate,
        };
        world.found();
        world
    }

    pub(super) fn node_life(&self, node: usize) -> NodeLife {
        NodeLife { node, life: self.nodes[node].life }
    }

    pub(super) fn node_at(&mut self, at: NodeLife) -> Option<&mut Node> {
        self.nodes.get_mut(at.node).filter(|node| node.up && node.life == at.life)
    }

    /// Lets the next thing happen; false when there is none.
    pub(super) fn step(&mut self) -> bool {
        let Some(what) = self.agenda.next() else { return false };
        match what {
            Happening::Worker(node, worker) => self.worker_takes(node, worker),
            Happening::Tick(node) => self.tick(node),
            Happening::Deadline(socket) => self.deadline(socket),
            Happening::Room(node, life) => self.room_wakes(node, life),
            Happening::RoomTimer(node, life) => self.room_timer(node, life),
            Happening::User(node, life) => self.user_wakes(node, life),
            Happening::UserTimer(node, life) => self.user_timer(node, life),
            Happening::PresenceTimer(node) => self.presence_timer(node),
            Happening::Obituary(node, dead) => self.obituary(node, dead),
            Happening::Asked(question) => self.asked(*question),
            Happening::Answered(question, said) => self.answered(*question, *said),
            Happening::Bell(node, bell) => self.bell(node, &bell),
            Happening::Inbound(socket) => self.inbound(socket),
            Happening::Outbound(socket) => self.outbound(socket),
            Happening::Gone(socket) => self.gone(socket),
            Happening::Act(device) => self.act(device),
            Happening::Retry(device) => self.retry(device),
            Happening::Connect(device) => self.connect(device),
            Happening::Fault => self.fault(),
            Happening::Start(node) => self.start(node),
        }
        self.settle();
        true
    }

    /// Wakes whoever has something to take, and sends bells on their way.
    fn settle(&mut self) {
        for number in 0..self.nodes.len() {
            let at = self.node_life(number);
            let Node { hall, rooms, users, .. } = &mut self.nodes[number];
            for (room, input) in hall.for_rooms.take() {
                rooms.tell(room, input);
            }
            for (worker, link) in (0..).zip(&hall.links) {
                if !link.queue.borrow().is_empty() && !link.awake.replace(true) {
                    let lag = self.fate.lag_us;
                    self.agenda.between_us(5, lag, Happening::Worker(at, worker));
                }
            }
            let waiting =
                rooms.lives.iter_mut().filter(|(_, one)| !one.awake && !one.mail.is_empty());
            for (life, one) in waiting {
                one.awake = true;
                self.agenda.between_us(5, self.fate.lag_us, Happening::Room(at, *life));
            }
            let waiting =
                users.lives.iter_mut().filter(|(_, one)| !one.awake && !one.mail.is_empty());
            for (life, one) in waiting {
                one.awake = true;
                self.agenda.between_us(5, self.fate.lag_us, Happening::User(at, *life));
            }
            self.carry_bells(number);
        }
    }

    fn carry_bells(&mut self, from: usize) {
        for bell in self.nodes[from].hall.bus.take() {
            for to in 0..self.nodes.len() {
                let hears = self.nodes[to].up && self.nodes[to].hall.bus.listens(bell.topic);
                if to == from || !hears || self.fate.loses_bell(&bell, &mut self.agenda) {
                    continue;
                }
                // Bells about one topic do not overtake each other.
                let last = self.bells.entry((from, to, bell.topic)).or_default();
                let us = self.agenda.random.between(50, self.fate.bell_us);
                let at_us = (self.agenda.now_us() + us).max(*last + 1);
                *last = at_us;
                let at = NodeLife { node: to, life: self.nodes[to].life };
                let us = at_us - self.agenda.now_us();
                self.agenda.after_us(us, Happening::Bell(at, bell.clone()));
            }
        }
    }

    /// A worker and its world.
    pub(super) fn with_worker(
        &mut self,
        at: NodeLife,
        worker: u16,
        work: impl FnOnce(&mut Worker, &mut Outside<'_>),
    ) {
        let World { agenda, net, nodes, .. } = self;
        let Some(node) = nodes.get_mut(at.node).filter(|node| node.up && node.life == at.life)
        else {
            return;
        };
        let Node { hall, rooms, users, workers, .. } = node;
        let Some(state) = workers.get_mut(usize::from(worker)) else { return };
        let mut outside = Outside { node: at, number: worker, hall, rooms, users, net, agenda };
        work(state, &mut outside);
    }
}

pub(super) fn new_node(fate: &Fate, life: u32) -> Node {
    let workers = (0..fate.workers).map(|number| {
        let backlog = Backlog { high_bytes: super::net::HIGH_BYTES };
        Worker::new(number as u16, backlog, fate.pace, RateLimits { on: false })
    });
    Node {
        life,
        up: true,
        hall: Hall::new(fate.workers, fate.nodes > 1, fate.queue_max),
        rooms: Kind::new(ROOM_MAILBOX_MAX),
        users: Kind::new(USER_MAILBOX_MAX),
        workers: workers.collect(),
        presence: Presence::new(PRESENCE_GRACE_MS),
        presence_timer: None,
    }
}

/// What a run has come to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) trace: u64,
    pub(super) happenings: u64,
    pub(super) messages: u64,
    pub(super) deliveries: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
}
