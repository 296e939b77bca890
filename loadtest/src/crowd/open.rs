//! Sockets, opened and greeted.
//!
//! Owns      a bounded number of handshakes at once, and how long each takes.
//! Promises  a socket that cannot be opened is counted with its reason, and the others go on.
//! Does not  name positions: who opens in this way follows every room from where it is now.

use salon_protocol::reply::AuthOk;
use salon_protocol::{Encoding, RoomId, Seq, UserId};
use serde::Serialize;

use super::{AUTH_REFERENCE, Account, Job, Target, authenticate, drive};
use crate::client::{Closed, Handler, Heard, Kind, Net, Peer, SocketId};
use crate::failure::Failure;
use crate::measure::{Counts, Latency, Progress};
use crate::wire::{self, Frame};

/// What is said first.
#[derive(Clone, Copy, Debug)]
pub enum Greeting<'a> {
    /// Nothing: the floor knows no greeting.
    Nothing,
    /// `auth`.
    Auth,
    /// `join` with the room of each account: a peer, who believes whoever comes.
    Join(&'a [RoomId]),
}

#[derive(Serialize)]
struct Join {
    room: RoomId,
    user: UserId,
}

/// How to open.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// One socket each; the socket's tag is the account's index.
    pub accounts: &'a [Account],
    /// The device that each calls himself.
    pub device: &'a str,
    /// Handshakes under way at once.
    pub in_flight: usize,
    /// Whether the heads of the rooms are of interest; decoding them costs.
    pub heads: bool,
    /// A socket is open when this is answered.
    pub greeting: Greeting<'a>,
    /// Where to count.
    pub progress: &'a Progress,
}

/// A socket that is open.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// `None`: it could not be opened.
    pub id: Option<SocketId>,
    /// The rooms of the user and their newest events.
    pub heads: Vec<(RoomId, Seq)>,
}

/// What opening has brought.
#[derive(Debug, Default)]
pub struct Report {
    /// By account.
    pub sockets: Vec<Opened>,
    /// From the first packet to the answer to `auth`.
    pub handshake: Latency,
    /// Sockets that could not be opened.
    pub errors: u64,
    /// Why the first of them could not.
    pub first_error: Option<String>,
}

/// Opens a socket for every account.
pub fn open(net: &mut Net, target: &Target, how: Opening<'_>) -> Result<Report, Failure> {
    let mut job = OpeningJob {
        how,
        target,
        next: 0,
        in_flight: 0,
        begun_ns: vec![0; how.accounts.len()],
        report: Report {
            sockets: vec![Opened::default(); how.accounts.len()],
            ..Report::default()
        },
        done: 0,
        counts: Counts::default(),
        told: Counts::default(),
    };
    drive(net, &mut job, target)?;
    Ok(job.report)
}

struct OpeningJob<'a> {
    how: Opening<'a>,
    target: &'a Target,
    next: usize,
    in_flight: usize,
    begun_ns: Vec<u64>,
    report: Report,
    done: usize,
    counts: Counts,
    told: Counts,
}

impl OpeningJob<'_> {
    fn opened_fully(&mut self, peer: Peer, heads: Vec<(RoomId, Seq)>) {
        let index = peer.tag as usize;
        let taken_ns = self.target.clock.now_ns() - self.begun_ns[index];
        self.report.handshake.record_ns(taken_ns);
        self.report.sockets[index] = Opened { id: Some(peer.id), heads };
        self.counts.connections += 1;
        self.finish();
    }

    fn failed(&mut self, why: String) {
        self.report.errors += 1;
        self.report.first_error.get_or_insert(why);
        self.counts.errors += 1;
        self.finish();
    }

    fn finish(&mut self) {
        self.done += 1;
        self.in_flight -= 1;
    }

    fn is_waiting(&self, tag: u32) -> bool {
        self.begun_ns[tag as usize] != 0 && self.report.sockets[tag as usize].id.is_none()
    }

    fn greet(&mut self, net: &mut Net, peer: Peer) {
        let (index, encoding) = (peer.tag as usize, self.target.encoding);
        let account = &self.how.accounts[index];
        match self.how.greeting {
            Greeting::Nothing => self.opened_fully(peer, Vec::new()),
            Greeting::Auth => authenticate(net, peer.id, encoding, account, self.how.device, None),
            Greeting::Join(rooms) => {
                let join = Join { room: rooms[index], user: account.user };
                net.request(peer.id, encoding, "join", AUTH_REFERENCE, &join);
            }
        }
    }

    fn answered(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        if let Greeting::Join(_) = self.how.greeting
            && let Some(answer) = wire::acknowledged(encoding, payload)
        {
            return self.opened_fully(peer, vec![(answer.room, answer.seq)]);
        }
        match wire::frame(encoding, payload) {
            Ok(Frame::Ok { reference: Some(AUTH_REFERENCE), data }) => {
                if !self.how.heads {
                    return self.opened_fully(peer, Vec::new());
                }
                match data.decode::<AuthOk>() {
                    Ok(answer) => {
                        let heads = answer.rooms.iter().map(|room| (room.id, room.seq)).collect();
                        self.opened_fully(peer, heads);
                    }
                    Err(error) => {
                        net.cut(peer.id);
                        self.failed(format!("the answer to auth: {}", error.message));
                    }
                }
            }
            Ok(Frame::Error { reference: Some(AUTH_REFERENCE), error }) => {
                net.cut(peer.id);
                self.failed(format!("auth was refused: {}", error.message));
            }
            Ok(_) => {}
            Err(error) => {
                net.cut(peer.id);
                self.failed(error.to_string());
            }
        }
    }
}

impl Handler for OpeningJob<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        if self.target.dialect.is_ready_when_open() {
            self.greet(net, peer);
        }
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        if !self.is_waiting(peer.tag) {
            return;
        }
        match self.target.dialect.hear(payload) {
            Heard::Frame(frame) => self.answered(net, peer, encoding, &frame),
            Heard::Answer(answer) => net.text(peer.id, answer),
            Heard::Ready => self.greet(net, peer),
            Heard::Nonsense => {
                net.cut(peer.id);
                self.failed(format!("not welcome: {}", String::from_utf8_lossy(payload)));
            }
        }
    }

    fn closed(&mut self, _: &mut Net, peer: Peer, why: Closed) {
        let index = peer.tag as usize;
        if self.is_waiting(peer.tag) {
            self.failed(why.to_string());
        } else {
            // It was open, and is lost while others are being opened.
            self.report.sockets[index].id = None;
            self.report.errors += 1;
            self.report.first_error.get_or_insert(why.to_string());
        }
    }
}

impl Job for OpeningJob<'_> {
    fn begin(&mut self, net: &mut Net, _: u64) -> Result<(), Failure> {
        while self.in_flight < self.how.in_flight && self.next < self.how.accounts.len() {
            let tag = self.next;
            self.begun_ns[tag] = self.target.clock.now_ns().max(1);
            self.next += 1;
            self.in_flight += 1;
            if let Err(error) = net.connect(Kind::WebSocket, tag as u32) {
                self.failed(format!("cannot connect: {error}"));
            }
        }
        self.how.progress.publish(self.counts, &mut self.told);
        Ok(())
    }

    fn progress(&self) -> u64 {
        self.done as u64
    }

    fn is_done(&self) -> bool {
        self.done == self.how.accounts.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} sockets opened", self.done, self.how.accounts.len())
    }
}
