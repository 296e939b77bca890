//! Whole histories, read by pages.
//!
//! Owns      the sockets that read, the pages, and patience with a server that asks for it.
//! Promises  every room from its first event to its last, in order; several rooms at once.
//! Does not  judge what it reads.

use salon_protocol::limits::PAGE_EVENTS_MAX;
use salon_protocol::request::History;
use salon_protocol::{Encoding, LogId, RoomId, Seq};

use super::{AUTH_REFERENCE, Account, Job, Target, authenticate, drive};
use crate::client::{Closed, Handler, Kind, Net, Peer, SocketId};
use crate::clock::MILLISECOND_NS;
use crate::failure::Failure;
use crate::wire::{self, Frame, Page};

/// Rooms that are read at once.
const IN_FLIGHT_MAX: usize = 16;
/// How long to wait when the server names no time.
const RETRY_MS: u64 = 200;

/// A room that is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Which one.
    pub room: RoomId,
    /// A member of it.
    pub reader: &'a Account,
}

/// Reads every room and hands each page, with the index of its reading, to `sink`. Returns the last
/// seq of each room.
pub fn read(
    target: &Target,
    readings: &[Reading<'_>],
    sink: &mut dyn FnMut(usize, Page<'_>),
) -> Result<Vec<Seq>, Failure> {
    let mut net = target.net()?;
    let mut job = ReadingJob {
        target,
        readings,
        sink,
        next: 0,
        in_flight: 0,
        after: vec![0; readings.len()],
        retries: Vec::new(),
        done: 0,
        pages: 0,
        failure: None,
    };
    drive(&mut net, &mut job, target)?;
    Ok(job.after)
}

struct ReadingJob<'a, 's> {
    target: &'a Target,
    readings: &'a [Reading<'a>],
    sink: &'s mut dyn FnMut(usize, Page<'_>),
    next: usize,
    in_flight: usize,
    after: Vec<Seq>,
    /// When to ask again, on which socket.
    retries: Vec<(u64, SocketId, u32)>,
    done: usize,
    pages: u64,
    failure: Option<Failure>,
}

impl ReadingJob<'_, '_> {
    fn ask(&mut self, net: &mut Net, id: SocketId, tag: u32) {
        let index = tag as usize;
        let request = History {
            room: LogId::Room(self.readings[index].room),
            before: None,
            after: Some(self.after[index]),
            types: None,
            limit: Some(PAGE_EVENTS_MAX),
        };
        let reference = AUTH_REFERENCE + 1;
        net.request(id, self.target.encoding, "history", reference, &request);
    }

    fn took_page(&mut self, net: &mut Net, peer: Peer, page: Page<'_>, more: bool) {
        let index = peer.tag as usize;
        let last = match &page {
            Page::Plain(messages) => messages.last().map(|message| message.seq),
            Page::Mixed(events) => events.last().map(|event| event.seq),
        };
        self.pages += 1;
        (self.sink)(index, page);
        match last {
            Some(last) if more && last > self.after[index] => {
                self.after[index] = last;
                self.ask(net, peer.id, peer.tag);
            }
            _ if more => {
                self.fail("a page of history says that there is more, and does not go on".into());
            }
            last => {
                self.after[index] = last.unwrap_or(self.after[index]);
                net.leave(peer.id);
                self.done += 1;
                self.in_flight -= 1;
            }
        }
    }

    fn took(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        match wire::frame(encoding, payload) {
            Ok(Frame::Ok { reference: Some(AUTH_REFERENCE), .. }) => {
                self.ask(net, peer.id, peer.tag);
            }
            Ok(Frame::Ok { .. }) => match wire::page(encoding, payload) {
                Ok((page, more)) => self.took_page(net, peer, page, more),
                Err(error) => self.fail(error.to_string()),
            },
            Ok(Frame::Error { error, .. }) => match error.retry_after_ms {
                Some(ms) => {
                    let due = self.target.clock.now_ns() + ms.max(RETRY_MS) * MILLISECOND_NS;
                    self.retries.push((due, peer.id, peer.tag));
                }
                None => self.fail(format!("history cannot be read: {}", error.message)),
            },
            Ok(_) => {}
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Server(what));
    }
}

impl Handler for ReadingJob<'_, '_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        let reader = self.readings[peer.tag as usize].reader;
        // A device of its own, so that two readings by one user do not replace each other.
        let device = format!("reader-{}", peer.tag);
        authenticate(net, peer.id, self.target.encoding, reader, &device, None);
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        // The fast way first: almost everything that comes is a page.
        match wire::plain_page(encoding, payload) {
            Some((messages, more)) => self.took_page(net, peer, Page::Plain(messages), more),
            None => self.took(net, peer, encoding, payload),
        }
    }

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        self.fail(format!("a socket that reads history was {why}"));
    }
}

impl Job for ReadingJob<'_, '_> {
    fn begin(&mut self, net: &mut Net, now_ns: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        while self.in_flight < IN_FLIGHT_MAX && self.next < self.readings.len() {
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
        self.pages
    }

    fn is_done(&self) -> bool {
        self.done == self.readings.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} histories read", self.done, self.readings.len())
    }
}
