//! Messages at full speed: the engine of `fanout` and `chat`.
//!
//! Clients sit in one room or in many; some of them send; everybody checks what comes. The next
//! message goes when the last one is done ([`Rule`]), or by a schedule.
//!
//! Owns      the clients of one thread, what is under way, and the latencies.
//! Promises  every delivery passes the oracle. A delivery whose bytes are the same as those that
//!           another client got is compared and not parsed: that is the hot path.
//! Does not  open sockets, nor start servers.

mod client;
mod phases;
mod receive;
mod recent;
mod returning;
mod send;
mod verify;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use foldhash::fast::FixedState;
use salon_protocol::{Cid, RoomId, Seq, UserId};

use crate::client::SocketId;
use crate::crowd::Target;
use crate::measure::{Counts, Latency};
use crate::names::Cids;
use crate::oracle::{Oracle, RoomIndex, Start, Texts};
use crate::pace::Window;

pub use phases::{Measured, Plan};

use client::Client;
use recent::Recent;

/// When a message is done, so that its sender may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// When all members have it.
    Everyone,
    /// When its sender has it.
    Sender,
}

/// What kind of server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that acknowledges.
    Server,
    /// The floor, where the first delivery counts as acknowledgement.
    Floor,
}

/// How traffic is to be.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Who answers.
    pub kind: Kind,
    /// When a message is done.
    pub rule: Rule,
    /// Messages that one sender may have under way.
    pub window: u32,
    /// Length of a message's text.
    pub text_bytes: usize,
    /// What no other run and thread has.
    pub salt: u64,
}

#[derive(Debug)]
struct Room {
    id: RoomId,
    index: RoomIndex,
    members: u32,
    /// The newest seq that anybody has seen or been told of.
    head: Seq,
    recent: Recent,
}

/// A client in one of its rooms, and what it may send there.
#[derive(Debug)]
struct Sender {
    client: u32,
    room: u32,
    window: Window,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    cid: Cid,
    /// When it was to be sent.
    at_ns: u64,
    /// Index of its sender.
    sender: u32,
    /// Members that have it.
    seen: u32,
    /// Answered, with yes or no.
    answered: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Traffic<'a> {
    target: &'a Target,
    style: Style,
    cids: Cids,
    clients: Vec<Client>,
    rooms: Vec<Room>,
    numbers: HashMap<RoomId, u32, FixedState>,
    senders: Vec<Sender>,
    /// Those who send in the next run.
    active: Range<usize>,
    /// By number.
    sent: Vec<Sent>,
    /// Indices of senders that may send one more.
    ready: Vec<u32>,
    /// Ends a run when it is set.
    over: Option<&'a AtomicBool>,
    oracle: Oracle,
    counts: Counts,
    told: Counts,
    answered: u64,
    now_ns: u64,
    delivery: Latency,
    ack: Latency,
    /// Acknowledgements since this was last told.
    lately: Latency,
    lately_ns: u64,
    /// What went wrong besides, with how often.
    troubles: BTreeMap<String, u64>,
    text: String,
}

impl<'a> Traffic<'a> {
    /// Nobody is there yet.
    pub fn new(target: &'a Target, style: Style) -> Self {
        Traffic {
            target,
            style,
            cids: Cids::new(style.salt),
            clients: Vec::new(),
            rooms: Vec::new(),
            numbers: HashMap::default(),
            senders: Vec::new(),
            active: 0..0,
            sent: Vec::new(),
            ready: Vec::new(),
            over: None,
            oracle: Oracle::new(Texts::Fingerprints),
            counts: Counts::default(),
            told: Counts::default(),
            answered: 0,
            now_ns: 0,
            delivery: Latency::default(),
            ack: Latency::default(),
            lately: Latency::default(),
            lately_ns: 0,
            troubles: BTreeMap::new(),
            text: String::new(),
        }
    }

    /// Every run ends when this is set, if it has not ended yet.
    pub fn ends_with(&mut self, over: &'a AtomicBool) {
        self.over = Some(over);
    }

    /// Adds a room. Rooms have numbers in the order of adding.
    pub fn add_room(&mut self, id: RoomId, under_way_max: u32) {
        let index = self.oracle.room(id);
        let recent = Recent::new(under_way_max);
        self.numbers.insert(id, self.rooms.len() as u32);
        self.rooms.push(Room { id, index, members: 0, head: 0, recent });
    }

    /// Adds a client in room number `room` whose newest event is `head`. The socket's tag must be the
    /// number of the client, which counts in the order of adding.
    pub fn add_client(&mut self, id: SocketId, user: UserId, room: usize, head: Seq, sends: bool) {
        let number = self.add_guest(id, user, &[(room, head)]);
        if sends {
            self.add_sender(number, room);
        }
    }

    /// The same for a client in several rooms, who sends nothing by himself; returns its number.
    pub fn add_guest(&mut self, id: SocketId, user: UserId, rooms: &[(usize, Seq)]) -> usize {
        let number = self.clients.len();
        let device = self.oracle.device(user, &format!("client {number}"));
        let asked = self.oracle.moment();
        let mut starts = Vec::with_capacity(rooms.len());
        for (room, head) in rooms {
            let place = &mut self.rooms[*room];
            place.members += 1;
            place.head = place.head.max(*head);
            starts.push((place.index, Start::After(*head)));
        }
        self.oracle.session_opened(device, asked, &starts);
        self.clients.push(Client::new(id, user, device, rooms));
        number
    }

    /// Client number `client` sends to one of its rooms, with a window of its own. Schedules go
    /// through the senders in the order of adding.
    pub fn add_sender(&mut self, client: usize, room: usize) {
        let window = Window::new(self.style.window);
        self.senders.push(Sender { client: client as u32, room: room as u32, window });
        self.active = 0..self.senders.len();
    }

    /// In the next run only these send; they count in the order of adding.
    pub fn only(&mut self, senders: Range<usize>) {
        self.active = senders;
    }

    /// What went wrong besides the oracle's findings.
    pub fn troubles(&self) -> &BTreeMap<String, u64> {
        &self.troubles
    }

    fn trouble(&mut self, what: impl Into<String>) {
        self.counts.errors += 1;
        *self.troubles.entry(what.into()).or_insert(0) += 1;
    }
}
