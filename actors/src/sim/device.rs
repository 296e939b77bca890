//! A device of a user: it connects, names its positions, reads what comes, and remembers.
//!
//! Owns      positions, wishes that are not answered yet, stale rooms that are not read yet.
//! Promises  what the protocol asks of a client: a wish is repeated with the same `cid` until it has
//!           an answer; a position is named only when all before it was read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use salon_loadtest::oracle::{DeviceIndex, Moment, RoomIndex};
use salon_protocol::request::{Auth, Positions};
use salon_protocol::{Encoding, LogId, Request, RoomId, Seq, UserId, codec};

use super::happening::{Happening, NodeLife};
use super::world::World;
use crate::connection::Greeting;

#[derive(Debug)]
pub(super) struct Device {
    pub(super) user: UserId,
    pub(super) name: String,
    pub(super) encoding: Encoding,
    pub(super) known: DeviceIndex,
    /// How slowly it reads, at most.
    pub(super) pace_us: u64,
    pub(super) socket: Option<usize>,
    pub(super) is_open: bool,
    pub(super) auth: Option<Hello>,
    pub(super) positions: BTreeMap<RoomId, Seq>,
    pub(super) inbox: Option<Seq>,
    /// Rooms that it believes to be a member of.
    pub(super) rooms: BTreeSet<RoomId>,
    pub(super) wishes: Vec<Wish>,
    pub(super) reads: BTreeMap<u64, Read>,
    /// Stale logs: what is read by pages, up to where.
    pub(super) pages: VecDeque<(LogId, Seq, Seq)>,
    references: u64,
    /// Messages of its own that were acknowledged.
    pub(super) mine: Vec<(RoomId, Seq)>,
    pub(super) acts_left: u64,
    /// It does not come back.
    pub(super) is_away: bool,
}

/// `auth`, as it was said.
#[derive(Debug)]
pub(super) struct Hello {
    pub(super) reference: u64,
    pub(super) asked: Moment,
    pub(super) named: BTreeMap<RoomId, Seq>,
    pub(super) inbox: Option<Seq>,
}

/// Something that is to be done, however often it has to be asked for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) request: Request,
    /// Its number in this session; `None`: it is to be asked for again.
    pub(super) reference: Option<u64>,
    /// It may have been done already.
    pub(super) doubt: bool,
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) asked: Moment,
    pub(super) log: LogId,
    /// It fills a stale log.
    pub(super) fills: bool,
}

impl Device {
    pub(super) fn new(user: UserId, name: String, encoding: Encoding, known: DeviceIndex) -> Self {
        Device {
            user,
            name,
            encoding,
            known,
            pace_us: 2_000,
            socket: None,
            is_open: false,
            auth: None,
            positions: BTreeMap::new(),
            inbox: Some(0),
            rooms: BTreeSet::new(),
            wishes: Vec::new(),
            reads: BTreeMap::new(),
            pages: VecDeque::new(),
            references: 0,
            mine: Vec::new(),
            acts_left: 0,
            is_away: false,
        }
    }

    /// It has nothing left to ask or to read.
    pub(super) fn is_content(&self) -> bool {
        self.is_open && self.wishes.is_empty() && self.reads.is_empty() && self.pages.is_empty()
    }
}

impl World {
    pub(super) fn connect(&mut self, number: usize) {
        if self.devices[number].socket.is_some() || self.devices[number].is_away {
            return;
        }
        let up: Vec<usize> = (0..self.nodes.len()).filter(|node| self.nodes[*node].up).collect();
        let Some(node) = self.agenda.random.pick(&up).copied() else {
            return self.agenda.after_us(200_000, Happening::Connect(number));
        };
        let at: NodeLife = self.node_life(node);
        let worker = self.agenda.random.index(self.nodes[node].workers.len()) as u16;
        let pace_us = self.devices[number].pace_us;
        let socket = self.net.connect(number, at, worker, pace_us);
        let conn = self.net.sockets[socket].conn;
        self.with_worker(at, worker, |worker, outside| {
            use crate::connection::Outlet as _;
            worker.opened(conn, Greeting::default());
            outside.await_auth(conn);
        });
        self.devices[number].socket = Some(socket);
        self.say_hello(number);
    }

    pub(super) fn say_hello(&mut self, number: usize) {
        let asked = self.oracle.moment();
        let device = &mut self.devices[number];
        let (named, inbox) = (device.positions.clone(), device.inbox);
        // As after a restore from a backup: all positions are void.
        let strange = self.agenda.random.chance(6);
        let epoch = if strange { "another" } else { super::EPOCH };
        let auth = Auth {
            token: Some(device.user_number().to_string()),
            device: Some(device.name.clone()),
            rooms: Some(Positions(named.iter().map(|(room, seq)| (*room, *seq)).collect())),
            inbox,
            epoch: Some(epoch.to_owned()),
        };
        let reference = device.next_reference();
        device.auth = Some(Hello { reference, asked, named, inbox });
        self.write(number, reference, &Request::Auth(auth));
    }

    pub(super) fn write(&mut self, number: usize, reference: u64, request: &Request) {
        let device = &self.devices[number];
        let Some(socket) = device.socket else { return };
        let name = request.name();
        self.agenda.say(|| format!("    {} asks {reference}: {request:?}", device.name));
        let frame = codec::request(device.encoding, name, Some(reference), request);
        self.net.write(socket, frame, &mut self.agenda);
    }

    /// The socket is gone, on the device's side.
    pub(super) fn lose_socket(&mut self, socket: usize) {
        let number = self.net.sockets[socket].device;
        let was_dropped = std::mem::replace(&mut self.net.sockets[socket].dropped, true);
        if !was_dropped {
            self.agenda.between_us(50, 30_000, Happening::Gone(socket));
        }
        if self.devices[number].socket != Some(socket) {
            return;
        }
        let rooms: Vec<RoomId> = self.rooms.clone();
        for room in rooms {
            if let Some(seq) = self.position(number, LogId::Room(room)) {
                self.devices[number].positions.insert(room, seq);
            }
        }
        self.devices[number].inbox =
            self.position(number, LogId::Inbox).or(self.devices[number].inbox);
        let device = &mut self.devices[number];
        (device.socket, device.is_open, device.auth) = (None, false, None);
        device.reads.clear();
        device.pages.clear();
        for wish in &mut device.wishes {
            wish.doubt |= wish.reference.take().is_some();
        }
        let device = &self.devices[number];
        self.agenda.say(|| format!("    {} has lost its socket", device.name));
        self.agenda.between_us(1_000, 600_000, Happening::Connect(number));
    }

    /// How far a device has got in this session, if it follows.
    pub(super) fn position(&mut self, number: usize, log: LogId) -> Option<Seq> {
        let device = &self.devices[number];
        if !device.is_open {
            return None;
        }
        if let LogId::Room(room) = log
            && !device.rooms.contains(&room)
        {
            return None;
        }
        let index = self.log_index(number, log);
        self.oracle.position(self.devices[number].known, index)
    }

    pub(super) fn log_index(&mut self, number: usize, log: LogId) -> RoomIndex {
        match log {
            LogId::Room(room) => self.oracle.room(room),
            LogId::Inbox => self.oracle.inbox(self.devices[number].user),
        }
    }
}

impl Device {
    pub(super) fn next_reference(&mut self) -> u64 {
        self.references += 1;
        self.references
    }

    fn user_number(&self) -> u128 {
        u128::from_be_bytes(*self.user.as_bytes())
    }
}
