//! Everybody comes back at once.
//!
//! Owns      the connections of clients that were away, and how long each takes until it has all.
//! Promises  every client names what it holds; what is pushed while others still connect passes the
//!           oracle like everything else.
//! Does not  try twice: a connection that fails ends the scenario.

use std::ops::Range;

use salon_protocol::Encoding;
use salon_protocol::reply::AuthOk;

use crate::client::{Closed, Handler, Kind, Net, Peer};
use crate::clock::SECOND_NS;
use crate::crowd::{AUTH_REFERENCE, Account, Job, Target, authenticate, drive};
use crate::failure::Failure;
use crate::measure::{Latency, Progress};
use crate::oracle::Moment;
use crate::scenario::DEVICE;
use crate::traffic::Traffic;
use crate::wire::{self, Frame};

/// How to come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct How<'a> {
    pub(super) target: &'a Target,
    /// By client.
    pub(super) accounts: &'a [Account],
    /// Handshakes under way at once.
    pub(super) in_flight: usize,
    pub(super) progress: &'a Progress,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Back {
    /// Until the last one had everything.
    pub(super) seconds: f64,
    pub(super) deliveries: u64,
    /// Of each client: from its first packet until it had everything.
    pub(super) each: Latency,
}

/// Brings `clients` back and waits until each has everything.
pub(super) fn come_back(
    net: &mut Net,
    traffic: &mut Traffic<'_>,
    clients: Range<usize>,
    how: How<'_>,
) -> Result<Back, Failure> {
    let (begun_ns, before) = (how.target.clock.now_ns(), traffic.deliveries());
    let mut job = Comeback {
        traffic,
        how,
        first: clients.start,
        next: clients.start,
        links: vec![Link::default(); clients.len()],
        in_flight: 0,
        done: 0,
        each: Latency::default(),
        failure: None,
    };
    drive(net, &mut job, how.target)?;
    let each = job.each;
    let seconds = (how.target.clock.now_ns() - begun_ns) as f64 / SECOND_NS as f64;
    Ok(Back { seconds, deliveries: traffic.deliveries() - before, each })
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    begun_ns: u64,
    /// Since `auth` was written and until it is answered.
    asked: Option<Moment>,
    is_done: bool,
}

struct Comeback<'a, 't> {
    traffic: &'a mut Traffic<'t>,
    how: How<'a>,
    first: usize,
    next: usize,
    links: Vec<Link>,
    in_flight: usize,
    done: usize,
    each: Latency,
    failure: Option<Failure>,
}

impl Comeback<'_, '_> {
    fn answered(&mut self, peer: Peer, asked: Moment, encoding: Encoding, payload: &[u8]) {
        let client = peer.tag as usize;
        let answer = match wire::frame(encoding, payload) {
            Ok(Frame::Ok { reference: Some(AUTH_REFERENCE), data }) => data.decode::<AuthOk>(),
            Ok(Frame::Error { error, .. }) => Err(error),
            Ok(other) => return self.fail(format!("{other:?} before the answer to auth")),
            Err(error) => return self.fail(error.to_string()),
        };
        match answer {
            Ok(answer) => {
                self.traffic.returned(client, peer.id, asked, &answer);
                self.links[client - self.first].asked = None;
                self.in_flight -= 1;
            }
            Err(error) => self.fail(format!("auth: {}", error.message)),
        }
    }

    /// Whether this was the last thing that the client was missing.
    fn look(&mut self, client: usize) {
        let link = &mut self.links[client - self.first];
        if !link.is_done && link.asked.is_none() && self.traffic.has_all(client) {
            link.is_done = true;
            self.done += 1;
            self.each.record_ns(self.how.target.clock.now_ns() - link.begun_ns);
        }
    }

    fn fail(&mut self, what: String) {
        let words = format!("a client could not come back: {what}");
        self.failure.get_or_insert(Failure::Server(words));
    }
}

impl Handler for Comeback<'_, '_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        let client = peer.tag as usize;
        let account = &self.how.accounts[client];
        let positions = (self.traffic.positions(client), None);
        let encoding = self.how.target.encoding;
        authenticate(net, peer.id, encoding, account, DEVICE, Some(positions));
        self.links[client - self.first].asked = Some(self.traffic.moment());
    }

    fn reading(&mut self, peer: Peer) {
        self.traffic.reading(peer);
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        let client = peer.tag as usize;
        match self.links[client - self.first].asked {
            Some(asked) => self.answered(peer, asked, encoding, payload),
            None => self.traffic.message(net, peer, encoding, payload),
        }
        self.look(client);
    }

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        self.fail(why.to_string());
    }
}

impl Job for Comeback<'_, '_> {
    fn begin(&mut self, net: &mut Net, _: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        while self.in_flight < self.how.in_flight && self.next < self.first + self.links.len() {
            net.connect(Kind::WebSocket, self.next as u32)
                .map_err(Failure::system("connecting"))?;
            self.links[self.next - self.first].begun_ns = self.how.target.clock.now_ns();
            self.next += 1;
            self.in_flight += 1;
        }
        self.traffic.publish(self.how.progress);
        Ok(())
    }

    fn progress(&self) -> u64 {
        self.traffic.deliveries() + self.done as u64
    }

    fn is_done(&self) -> bool {
        self.done == self.links.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} clients back with everything", self.done, self.links.len())
    }
}
