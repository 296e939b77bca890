//! Searches for words in messages.
//!
//! Owns      the sockets that search, and patience with a server that asks for it.
//! Promises  the first page of hits of every search, in the order of the searches.
//! Does not  judge what is found.

use salon_protocol::reply::Items;
use salon_protocol::request::SearchMessages;
use salon_protocol::{Encoding, Event};

use super::{AUTH_REFERENCE, Account, Job, Target, authenticate, drive};
use crate::client::{Closed, Handler, Kind, Net, Peer, SocketId};
use crate::clock::MILLISECOND_NS;
use crate::failure::Failure;
use crate::wire::{self, Frame};

/// Searches under way at once.
const IN_FLIGHT_MAX: usize = 16;
/// How long to wait when the server names no time.
const RETRY_MS: u64 = 200;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// Who looks.
    pub reader: &'a Account,
    /// The words, all of which have to be there.
    pub words: String,
}

/// Makes all searches.
pub fn search(target: &Target, searches: &[Search<'_>]) -> Result<Vec<Vec<Event>>, Failure> {
    let mut net = target.net()?;
    let mut job = Searching {
        target,
        searches,
        next: 0,
        in_flight: 0,
        retries: Vec::new(),
        hits: vec![Vec::new(); searches.len()],
        done: 0,
        failure: None,
    };
    drive(&mut net, &mut job, target)?;
    Ok(job.hits)
}

struct Searching<'a> {
    target: &'a Target,
    searches: &'a [Search<'a>],
    next: usize,
    in_flight: usize,
    /// When to ask again, on which socket.
    retries: Vec<(u64, SocketId, u32)>,
    hits: Vec<Vec<Event>>,
    done: usize,
    failure: Option<Failure>,
}

impl Searching<'_> {
    fn ask(&mut self, net: &mut Net, id: SocketId, tag: u32) {
        let q = self.searches[tag as usize].words.clone();
        let request = SearchMessages { q, room: None, sender: None, cursor: None, limit: None };
        let reference = AUTH_REFERENCE + 1;
        net.request(id, self.target.encoding, "search_messages", reference, &request);
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Server(what));
    }
}

impl Handler for Searching<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        let reader = self.searches[peer.tag as usize].reader;
        // A device of its own, so that two searches by one user do not replace each other.
        let device = format!("seeker-{}", peer.tag);
        authenticate(net, peer.id, self.target.encoding, reader, &device, None);
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        match wire::frame(encoding, payload) {
            Ok(Frame::Ok { reference: Some(AUTH_REFERENCE), .. }) => {
                self.ask(net, peer.id, peer.tag);
            }
            Ok(Frame::Ok { data, .. }) => match data.decode::<Items<Event>>() {
                Ok(found) => {
                    self.hits[peer.tag as usize] = found.items;
                    net.leave(peer.id);
                    self.done += 1;
                    self.in_flight -= 1;
                }
                Err(error) => self.fail(format!("the answer to a search: {}", error.message)),
            },
            Ok(Frame::Error { error, .. }) => match error.retry_after_ms {
                Some(ms) => {
                    let due = self.target.clock.now_ns() + ms.max(RETRY_MS) * MILLISECOND_NS;
                    self.retries.push((due, peer.id, peer.tag));
                }
                None => self.fail(format!("a search was refused: {}", error.message)),
            },
            Ok(_) => {}
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        self.fail(format!("a socket that searches was {why}"));
    }
}

impl Job for Searching<'_> {
    fn begin(&mut self, net: &mut Net, now_ns: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        while self.in_flight < IN_FLIGHT_MAX && self.next < self.searches.len() {
            net.connect(Kind::WebSocket, self.next as u32)
                .map_err(Failure::system("connecting"))?;
            self.next += 1;
            self.in_flight += 1;
        }
        let due: Vec<_> = self.retries.extract_if(.., |retry| retry.0 <= now_ns).collect();
        for (_, id, tag) in due {
            self.ask(net, id, tag);
        }
        Ok(())
    }

    fn progress(&self) -> u64 {
        self.done as u64
    }

    fn is_done(&self) -> bool {
        self.done == self.searches.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} searches made", self.done, self.searches.len())
    }
}
