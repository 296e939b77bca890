//! The bare loop.
//!
//! Owns      the listener, the peers and the log of frames that not everybody has yet.
//! Promises  [`Mode::Coalesce`]: one write per socket and turn; [`Mode::Plain`]: one per socket and
//!           frame, as soon as the frame is there. A socket whose buffer is full gets the rest later.
//! Does not  bound what waits for a slow socket: the harness reads as fast as it can.

use std::io::{self, Write};
use std::net::SocketAddr;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use salon_protocol::content::MessageKind;
use salon_protocol::envelope::RequestEnvelope;
use salon_protocol::event::NewMessage;
use salon_protocol::request::SendMessage;
use salon_protocol::{Encoding, Event, EventData, LogId, UserId, codec};
use slab::Slab;

use super::Mode;
use super::peer::{FloorPeer, Taken};
use crate::clock::epoch_ms;

const LISTENER: Token = Token(usize::MAX);
/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 4096;

const GRANT: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The sender that the floor names: it knows nobody.
pub const NOBODY: UserId = UserId::from_bytes([0; 16]);

struct Floor {
    mode: Mode,
    poll: Poll,
    listener: TcpListener,
    peers: Slab<FloorPeer>,
    /// Frames that are not written to everybody yet.
    log: Vec<u8>,
    /// Bytes of the log that were thrown away.
    dropped: u64,
    seq: u64,
}

/// Serves until the process is killed. Says where it listens, as a server does.
pub fn serve(mode: Mode) -> io::Result<()> {
    let mut floor = Floor::bind(mode)?;
    writeln!(io::stdout(), "listening on http://{}", floor.listener.local_addr()?)?;
    let mut events = Events::with_capacity(1024);
    let mut scratch = Vec::new();
    loop {
        floor.poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                floor.accept()?;
                continue;
            }
            let key = event.token().0;
            if event.is_writable()
                && let Some(peer) = floor.peers.get_mut(key)
            {
                peer.blocked = false;
            }
            if event.is_readable() {
                floor.read(key, &mut scratch);
            }
        }
        floor.flush();
    }
}

impl Floor {
    fn bind(mode: Mode) -> io::Result<Floor> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType};
        // Not `std`, which keeps 128 connections and no more.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
        rustix::net::listen(&socket, BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (peers, log) = (Slab::new(), Vec::new());
        Ok(Floor { mode, poll, listener, peers, log, dropped: 0, seq: 0 })
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.peers.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(entry.key()), interest)?;
            entry.insert(FloorPeer::new(stream, self.dropped + self.log.len() as u64));
        }
    }

    fn read(&mut self, key: usize, scratch: &mut Vec<u8>) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if !peer.read(scratch) {
            self.peers.remove(key);
            return;
        }
        let mut used = 0;
        while let Some(peer) = self.peers.get_mut(key) {
            match peer.parse(&scratch[used..]) {
                Taken::Part => {
                    peer.partial.extend_from_slice(&scratch[used..]);
                    return;
                }
                Taken::Head(len) => {
                    used += len;
                    peer.upgraded = true;
                    if peer.stream.write_all(GRANT).is_err() {
                        self.peers.remove(key);
                    }
                }
                Taken::Frame { opcode, start, end } => {
                    let payload = used + start..used + end;
                    used += end;
                    self.publish(opcode, &scratch[payload]);
                }
            }
        }
    }

    /// A message becomes an event for everybody.
    fn publish(&mut self, opcode: u8, payload: &[u8]) {
        let encoding = if opcode == 1 { Encoding::Json } else { Encoding::MessagePack };
        let envelope = match encoding {
            Encoding::Json => {
                let text = std::str::from_utf8(payload).unwrap_or_default();
                RequestEnvelope::from_json(text)
            }
            Encoding::MessagePack => RequestEnvelope::from_messagepack(payload),
        };
        let Some(message) = envelope.ok().and_then(|it| it.data.decode::<SendMessage>().ok())
        else {
            return;
        };
        self.seq += 1;
        let data = EventData::NewMessage(NewMessage {
            sender: NOBODY,
            cid: message.cid,
            kind: MessageKind::Text,
            text: message.text,
            body: None,
            reply_to: None,
            mentions: Vec::new(),
            edited: None,
            recalled: false,
            photo: None,
            reactions: Vec::new(),
        });
        let at = epoch_ms() as i64;
        let event = Event { room: LogId::Room(message.room), seq: self.seq, at, data };
        self.log.extend_from_slice(&codec::event(encoding, &event));
        if self.mode == Mode::Plain {
            self.write_pending();
        }
    }

    /// Writes to everybody what he has not got, and forgets what everybody has.
    fn flush(&mut self) {
        if self.log.is_empty() {
            return;
        }
        self.write_pending();
        let end = self.dropped + self.log.len() as u64;
        let first = self.peers.iter().map(|(_, peer)| peer.written).min().unwrap_or(end);
        if first == end {
            self.log.clear();
        } else if first - self.dropped > (1 << 20) {
            self.log.drain(..(first - self.dropped) as usize);
        } else {
            return;
        }
        self.dropped = first;
    }

    fn write_pending(&mut self) {
        let (log, dropped) = (&self.log, self.dropped);
        let end = dropped + log.len() as u64;
        self.peers.retain(|_, peer| {
            if peer.blocked || peer.written >= end {
                return true;
            }
            peer.write(&log[(peer.written - dropped) as usize..])
        });
    }
}
