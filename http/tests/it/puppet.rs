//! The application under the tests: it echoes, does what it is told in `!` commands, and writes
//! down what happens to it.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    sync::{Arc, mpsc::Sender},
};

use actix_http::{RequestHead, StatusCode};
use bytes::Bytes;
use salon_http::websocket::{
    Application, Message, Refusal, Sent, SocketId, SocketMetrics, Sockets,
};
use salon_protocol::framing::{Opcode, frame};

/// What the application was called with. Sockets are named by their peer's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Opened(SocketAddr),
    Drained(SocketAddr),
    Deadline(SocketAddr),
    Closed(SocketAddr),
    /// A send was answered by `Gone`; the largest backlog that was reported before.
    Gone {
        backlog_bytes_max: usize,
    },
}

struct Peer {
    id: SocketId,
    address: SocketAddr,
    /// Bytes that are sent to this peer at every tick.
    flood_bytes: usize,
}

pub(crate) struct Puppet {
    sockets: Sockets,
    metrics: Arc<SocketMetrics>,
    called: Sender<Called>,
    peers: RefCell<Vec<Peer>>,
    backlog_bytes_max: Cell<usize>,
}

impl Puppet {
    pub(crate) fn new(
        sockets: Sockets,
        metrics: Arc<SocketMetrics>,
        called: Sender<Called>,
    ) -> Self {
        Puppet {
            sockets,
            metrics,
            called,
            peers: RefCell::default(),
            backlog_bytes_max: Cell::new(0),
        }
    }

    fn called(&self, what: Called) {
        // The test may be over.
        let _ = self.called.send(what);
    }

    fn address(&self, id: SocketId) -> SocketAddr {
        self.peers.borrow().iter().find(|peer| peer.id == id).unwrap().address
    }

    fn send(&self, id: SocketId, frames: Bytes) {
        match self.sockets.send(id, frames) {
            Sent::Queued { backlog_bytes } => {
                self.backlog_bytes_max.set(self.backlog_bytes_max.get().max(backlog_bytes));
            }
            Sent::Gone => {
                self.called(Called::Gone { backlog_bytes_max: self.backlog_bytes_max.get() });
            }
        }
    }

    fn text(&self, id: SocketId, text: impl AsRef<str>) {
        self.send(id, frame(Opcode::Text, text.as_ref().as_bytes()));
    }

    /// `!writes`, `!count`, `!burst COUNT BYTES`, `!flood BYTES`, `!all TEXT`, `!close CODE REASON`,
    /// `!abort`, `!deadline TICKS`, `!panic`.
    fn obey(&self, id: SocketId, command: &str) {
        let words: Vec<_> = command.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        match words[0] {
            "writes" => self.text(id, self.metrics.writes.get().to_string()),
            "count" => self.text(id, self.sockets.count().to_string()),
            "burst" => {
                for _ in 0..number(1) {
                    self.send(id, frame(Opcode::Binary, &vec![b'x'; number(2)]));
                }
            }
            "flood" => {
                let mut peers = self.peers.borrow_mut();
                let peer = peers.iter_mut().find(|peer| peer.id == id).unwrap();
                peer.flood_bytes = number(1);
            }
            "all" => {
                let ids: Vec<_> = self.peers.borrow().iter().map(|peer| peer.id).collect();
                for id in ids {
                    self.text(id, words[1]);
                }
            }
            "close" => self.sockets.close(id, number(1) as u16, words[2]),
            "abort" => self.sockets.abort(id),
            "deadline" => self.sockets.set_deadline(id, Some(number(1) as u32)),
            "panic" => panic!("told to"),
            other => panic!("no such command: {other}"),
        }
    }
}

impl Application for Puppet {
    type Admission = SocketAddr;

    fn admit(
        &self,
        head: &RequestHead,
        peer: Option<SocketAddr>,
    ) -> Result<Self::Admission, Refusal> {
        match head.uri.query() {
            Some("refuse") => {
                Err(Refusal::new(StatusCode::UNAUTHORIZED, r#"{"code":"unauthorized"}"#))
            }
            Some("panic") => panic!("told to"),
            _ => Ok(peer.unwrap()),
        }
    }

    fn opened(&self, id: SocketId, address: Self::Admission) {
        self.peers.borrow_mut().push(Peer { id, address, flood_bytes: 0 });
        self.called(Called::Opened(address));
    }

    fn message(&self, id: SocketId, message: Message<'_>) {
        match message {
            Message::Text(text) => match text.strip_prefix('!') {
                Some(command) => self.obey(id, command),
                None => self.text(id, text),
            },
            Message::Binary(bytes) => self.send(id, frame(Opcode::Binary, bytes)),
        }
    }

    fn drained(&self, id: SocketId) {
        self.called(Called::Drained(self.address(id)));
    }

    fn deadline(&self, id: SocketId) {
        self.called(Called::Deadline(self.address(id)));
    }

    fn closed(&self, id: SocketId) {
        assert_eq!(self.sockets.send(id, Bytes::from_static(b"late")), Sent::Gone);
        let address = self.address(id);
        self.peers.borrow_mut().retain(|peer| peer.id != id);
        self.called(Called::Closed(address));
    }

    fn tick(&self) {
        let floods: Vec<_> =
            self.peers.borrow().iter().map(|peer| (peer.id, peer.flood_bytes)).collect();
        for (id, flood_bytes) in floods.into_iter().filter(|(_, bytes)| *bytes > 0) {
            self.send(id, frame(Opcode::Binary, &vec![b'f'; flood_bytes]));
        }
    }
}
