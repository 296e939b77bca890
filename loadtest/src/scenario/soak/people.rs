//! Everybody, in one event loop.
//!
//! Owns      the devices, the oracle, and what everybody together has seen.
//! Promises  the oracle knows of a request before its bytes leave, and of everything that comes in
//!           the order in which it comes.
//! Does not  do anything to the server but talk to it.

use std::collections::{BTreeMap, HashMap};

use salon_protocol::{Encoding, Event, LogId, RoomId, Seq};

use super::device::Device;
use super::errand::{Errand, Order};
use super::figures::Seen;
use super::recent::Recent;
use super::weather::Weather;
use super::words::Words;
use super::{Scene, SoakArguments, device_name, is_member};
use crate::client::{Closed, Handler, Net, Peer, SocketId};
use crate::clock::epoch_ms;
use crate::crowd::{AUTH_REFERENCE, Target};
use crate::failure::Failure;
use crate::measure::{Counts, Latency};
use crate::names::Cids;
use crate::oracle::{Oracle, RoomIndex, Texts};
use crate::random::Random;
use crate::wire::{self, Frame};

#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) index: RoomIndex,
    /// The newest event that anybody has heard of.
    pub(super) head: Seq,
}

/// See the module.
#[derive(Debug)]
pub(super) struct People<'a> {
    pub(super) arguments: &'a SoakArguments,
    pub(super) target: &'a Target,
    pub(super) scene: &'a Scene,
    pub(super) weather: &'a Weather,
    pub(super) oracle: Oracle,
    pub(super) rooms: Vec<Room>,
    pub(super) by_id: HashMap<RoomId, u32>,
    pub(super) devices: Vec<Device>,
    pub(super) cids: Cids,
    pub(super) words: Words,
    /// Texts that were made so far.
    pub(super) numbers: u32,
    pub(super) recent: Recent,
    pub(super) random: Random,
    /// The store that all positions are of.
    pub(super) epoch: Option<String>,
    pub(super) counts: Counts,
    pub(super) told: Counts,
    /// Acknowledgements since they were last told.
    pub(super) lately: Latency,
    pub(super) seen: Seen,
    /// What is not as it has to be, with how often.
    pub(super) troubles: BTreeMap<String, u64>,
    pub(super) now_ns: u64,
}

impl<'a> People<'a> {
    /// Everybody is away yet.
    pub(super) fn new(
        arguments: &'a SoakArguments,
        target: &'a Target,
        scene: &'a Scene,
        weather: &'a Weather,
    ) -> Self {
        let salt = epoch_ms() ^ arguments.common.seed << 8;
        let mut oracle = Oracle::new(Texts::Whole);
        let room = |id: &RoomId| Room { id: *id, index: oracle.room(*id), head: 0 };
        let rooms: Vec<_> = scene.ids.iter().map(room).collect();
        let mut people = People {
            arguments,
            target,
            scene,
            weather,
            oracle,
            by_id: (0..).zip(&scene.ids).map(|(index, id)| (*id, index)).collect(),
            recent: Recent::new(arguments.users, rooms.len()),
            rooms,
            devices: Vec::new(),
            cids: Cids::new(salt),
            words: Words::new(salt),
            numbers: 0,
            random: Random::new(arguments.common.seed),
            epoch: None,
            counts: Counts::default(),
            told: Counts::default(),
            lately: Latency::default(),
            seen: Seen::default(),
            troubles: BTreeMap::new(),
            now_ns: target.clock.now_ns(),
        };
        for (number, accounts) in scene.accounts.iter().enumerate() {
            for (user, account) in accounts.iter().enumerate() {
                people.add_device(number, user, account);
            }
        }
        people
    }

    fn add_device(&mut self, number: usize, user: usize, account: &crate::crowd::Account) {
        let called = format!("{} on device {number}", account.name);
        let index = self.oracle.device(account.user, &called);
        let mut device = Device::new(account.clone(), device_name(number), user, index);
        let rooms = self.rooms.len();
        device.rooms =
            (0..rooms).filter(|r| is_member(user, *r, rooms)).map(|r| r as u32).collect();
        // Both encodings are spoken, and have to say the same.
        device.encoding = match (self.target.encoding, (user + number) % 2) {
            (chosen, 0) => chosen,
            (Encoding::Json, _) => Encoding::MessagePack,
            (Encoding::MessagePack, _) => Encoding::Json,
        };
        self.devices.push(device);
    }

    pub(super) fn trouble(&mut self, what: impl Into<String>) {
        *self.troubles.entry(what.into()).or_insert(0) += 1;
    }

    /// What `device` holds of a room.
    pub(super) fn held(&mut self, device: usize, room: u32) -> Option<Seq> {
        self.oracle.position(self.devices[device].index, self.rooms[room as usize].index)
    }

    pub(super) fn heard_of(&mut self, room: u32, seq: Seq) {
        let head = &mut self.rooms[room as usize].head;
        *head = (*head).max(seq);
    }

    /// Sends what may be sent.
    pub(super) fn pump(&mut self, net: &mut Net, device: usize) {
        while let Some((reference, order)) = self.devices[device].next_order(self.now_ns) {
            let Some(id) = self.devices[device].online() else { return };
            self.send(net, device, id, reference, order);
        }
    }

    pub(super) fn send(
        &mut self,
        net: &mut Net,
        device: usize,
        id: SocketId,
        reference: u64,
        mut order: Order,
    ) {
        order.asked = self.oracle.moment();
        order.sent_ns = self.now_ns;
        order.tries += 1;
        self.tell_oracle(device, &order.errand);
        let encoding = self.devices[device].encoding;
        let (kind, request) = (order.errand.name(), self.request(device, &order.errand));
        net.request(id, encoding, kind, reference, &request);
        if matches!(order.errand, Errand::Send { .. }) && order.tries == 1 {
            self.counts.messages += 1;
        }
        self.devices[device].sent(reference, order);
    }

    /// An event was pushed.
    fn took_event(&mut self, device: usize, event: &Event) {
        self.counts.deliveries += 1;
        if let LogId::Room(id) = event.room {
            let room = self.by_id.get(&id).copied();
            let room = room.filter(|room| self.devices[device].rooms.contains(room));
            match room {
                Some(room) => self.heard_of(room, event.seq),
                None => {
                    let name = &self.devices[device].account.name;
                    let words = format!("{name} got an event of a room that he is not in");
                    self.trouble(words);
                }
            }
        }
        self.oracle.delivered(self.devices[device].index, event);
    }
}

impl Handler for People<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        self.introduces_itself(net, peer);
    }

    fn reading(&mut self, _: Peer) {
        self.now_ns = self.target.clock.now_ns();
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        let device = peer.tag as usize;
        if encoding != self.devices[device].encoding {
            self.trouble("the server answers in an encoding that was not spoken to it");
        }
        match wire::frame(encoding, payload) {
            Ok(Frame::Event(event)) => self.took_event(device, &event),
            Ok(Frame::Ok { reference: Some(AUTH_REFERENCE), data }) => {
                self.let_in(net, peer, data);
            }
            Ok(Frame::Error { reference: Some(AUTH_REFERENCE), error }) => {
                self.kept_out(net, peer, &error);
            }
            Ok(Frame::Ok { reference: Some(reference), data }) => {
                self.answered(net, device, reference, data);
            }
            Ok(Frame::Error { reference: Some(reference), error }) => {
                self.refused(device, reference, error);
            }
            Ok(Frame::Ok { reference: None, .. }) => self.trouble("an answer without a number"),
            Ok(Frame::Error { reference: None, error }) => {
                self.trouble(format!("error {}: {}", error.code.name(), error.message));
            }
            Ok(Frame::Bye(bye)) => self.devices[device].bye_ms = bye.retry_after_ms,
            Ok(Frame::Signal(_)) => self.seen.signals += 1,
            Ok(Frame::Unknown(kind)) => self.trouble(format!("a frame of unknown type {kind:?}")),
            Err(error) => self.trouble(error.to_string()),
        }
    }

    fn closed(&mut self, _: &mut Net, peer: Peer, why: Closed) {
        self.lost(peer.tag as usize, &why);
    }
}

impl People<'_> {
    /// An error when nothing can be done any more.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.target.interrupt.check()?;
        if self.weather.is_abandoned() {
            // The other thread's failure is the one that is told.
            return Err(Failure::Server("the run was given up".to_owned()));
        }
        Ok(())
    }
}
