//! Messages at full speed: the engine of `fanout` and `chat`.
//!
//! Clients sit in rooms; some of them send; everybody checks what comes. The next message goes when
//! the last one is done ([`Rule`]), or by a schedule.
//!
//! Owns      the clients of one thread, what is under way, and the latencies.
//! Promises  every delivery passes the oracle. A delivery whose bytes are the same as those that
//!           another client got is compared and not parsed: that is the hot path.
//! Does not  open sockets, nor start servers.

mod phases;
mod receive;
mod recent;
mod send;
mod verify;

use std::collections::BTreeMap;

use salon_protocol::{Cid, RoomId, Seq, UserId};

use crate::client::SocketId;
use crate::crowd::Target;
use crate::measure::{Counts, Latency};
use crate::names::Cids;
use crate::oracle::{DeviceIndex, Oracle, RoomIndex, Start, Texts};
use crate::pace::Window;

pub use phases::{Measured, Plan};

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
struct Client {
    id: SocketId,
    user: UserId,
    device: DeviceIndex,
    room: u32,
    /// The seq that comes next.
    next: Seq,
    window: Window,
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

#[derive(Clone, Copy, Debug)]
struct Sent {
    cid: Cid,
    /// When it was to be sent.
    at_ns: u64,
    client: u32,
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
    /// Indices of clients that send.
    senders: Vec<u32>,
    /// By number.
    sent: Vec<Sent>,
    /// Clients that may send one more.
    ready: Vec<u32>,
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
            senders: Vec::new(),
            sent: Vec::new(),
            ready: Vec::new(),
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

    /// Adds a room. Rooms have numbers in the order of adding.
    pub fn add_room(&mut self, id: RoomId, under_way_max: u32) {
        let index = self.oracle.room(id);
        let recent = Recent::new(under_way_max);
        self.rooms.push(Room { id, index, members: 0, head: 0, recent });
    }

    /// Adds a client in room number `room` whose newest event is `head`. The socket's tag must be the
    /// number of the client, which counts in the order of adding.
    pub fn add_client(&mut self, id: SocketId, user: UserId, room: usize, head: Seq, sends: bool) {
        let number = self.clients.len() as u32;
        let device = self.oracle.device(user, &format!("client {number}"));
        let asked = self.oracle.moment();
        let place = &mut self.rooms[room];
        place.members += 1;
        place.head = place.head.max(head);
        self.oracle.session_opened(device, asked, &[(place.index, Start::After(head))]);
        let window = Window::new(self.style.window);
        self.clients.push(Client { id, user, device, room: room as u32, next: head + 1, window });
        if sends {
            self.senders.push(number);
        }
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
