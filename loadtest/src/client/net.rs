//! The event loop.
//!
//! Owns      the poll, all connections of a thread, and the one scratch buffer that reads go through.
//! Promises  every readiness is read to its end; a callback may connect, send and cut as it likes,
//!           even the connection that it is told about; after [`Handler::closed`] (or
//!           [`Net::cut`]) nothing more is told about a connection.
//! Does not  block except in [`Net::turn`], nor ever wait for one connection.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use salon_protocol::Encoding;
use salon_protocol::framing::Opcode;
use serde::Serialize;
use slab::Slab;

use super::dialect::Dialect;
use super::frame::{self, Parsed};
use super::handshake::{self, Answer};
use super::http::{self, Request};
use super::socket::{Closed, Kind, Peer, Phase, Socket, SocketId};

/// What one read can take; grown when a longer frame comes.
const SCRATCH_BYTES: usize = 256 * 1024;
/// Events of one turn.
const EVENTS_MAX: usize = 1024;
/// Connections from one source address to one server; beyond it the next loopback address is used,
/// because an address has but 28,000 ports to come from, and the kernel looks long for a free one when half of
/// them are taken: 14,000 sockets opened at 10,000 a second, and the next ones at 800.
const CONNECTIONS_PER_SOURCE: usize = 10_000;

/// What is told about connections.
pub trait Handler {
    /// A WebSocket is open, or an HTTP connection is established.
    fn opened(&mut self, net: &mut Net, peer: Peer);

    /// One read brought something from this connection, and what it brought is told next. The place
    /// to look at the clock: once per read, not once per message.
    fn reading(&mut self, peer: Peer) {
        let _ = peer;
    }

    /// A message came over a WebSocket.
    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        let _ = (net, peer, encoding, payload);
    }

    /// A response came over an HTTP connection; responses come in the order of the requests.
    fn response(&mut self, net: &mut Net, peer: Peer, status: u16, body: &[u8]) {
        let _ = (net, peer, status, body);
    }

    /// A connection has ended, not by [`Net::cut`] or [`Net::leave`].
    fn closed(&mut self, net: &mut Net, peer: Peer, why: Closed);
}

/// What the loop has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read.
    pub bytes_in: u64,
    /// Calls of `read` that brought something.
    pub reads: u64,
    /// Pings that were answered.
    pub pings: u64,
}

/// See the module.
pub struct Net {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    dialect: Dialect,
    upgrade: Vec<u8>,
    sockets: Slab<Socket>,
    next_serial: u32,
    scratch: Vec<u8>,
    outgoing: Vec<u8>,
    /// Connections whose write failed; told about at the next turn.
    broken: Vec<(SocketId, io::Error)>,
    /// Counters.
    pub traffic: Traffic,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Net").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Net {
    /// A loop without connections, for the server at `address`.
    pub fn new(address: SocketAddr) -> io::Result<Net> {
        Net::speaking(address, Dialect::Plain)
    }

    /// The same for a server that speaks otherwise.
    pub fn speaking(address: SocketAddr, dialect: Dialect) -> io::Result<Net> {
        Ok(Net {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            address,
            dialect,
            upgrade: handshake::request(address, dialect.path()),
            sockets: Slab::new(),
            next_serial: 0,
            scratch: vec![0; SCRATCH_BYTES],
            outgoing: Vec::new(),
            broken: Vec::new(),
            traffic: Traffic::default(),
        })
    }

    /// Connections that are not closed.
    pub fn count(&self) -> usize {
        self.sockets.len()
    }

    /// Begins a connection. `tag` is what the handler calls it.
    pub fn connect(&mut self, kind: Kind, tag: u32) -> io::Result<SocketId> {
        let stream = self.begin_connect()?;
        stream.set_nodelay(true)?;
        self.next_serial = self.next_serial.wrapping_add(1);
        let serial = self.next_serial;
        let slot = self.sockets.insert(Socket::new(stream, serial, tag, kind));
        let registry = self.poll.registry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = registry.register(&mut self.sockets[slot].stream, Token(slot), interest)
        {
            self.sockets.remove(slot);
            return Err(error);
        }
        Ok(SocketId { slot: slot as u32, serial })
    }

    fn begin_connect(&self) -> io::Result<TcpStream> {
        let source = self.sockets.len() / CONNECTIONS_PER_SOURCE;
        if source == 0 || !self.address.ip().is_loopback() || !self.address.is_ipv4() {
            return TcpStream::connect(self.address);
        }
        use rustix::net::{AddressFamily, SocketFlags, SocketType};
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        let from = Ipv4Addr::new(127, 0, 1, source as u8);
        rustix::net::bind(&socket, &SocketAddr::V4(SocketAddrV4::new(from, 0)))?;
        match rustix::net::connect(&socket, &self.address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(TcpStream::from_std(socket.into()))
    }

    /// Sends a request over a WebSocket. Nothing happens when it is closed.
    pub fn request<T: Serialize>(
        &mut self,
        id: SocketId,
        encoding: Encoding,
        kind: &str,
        reference: u64,
        data: &T,
    ) {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        outgoing.clear();
        self.dialect.request(&mut outgoing, encoding, kind, reference, data);
        self.write(id, &outgoing);
        self.outgoing = outgoing;
    }

    /// Sends a text frame.
    pub fn text(&mut self, id: SocketId, payload: &[u8]) {
        let mut bytes = Vec::with_capacity(payload.len() + 14);
        frame::push(&mut bytes, Opcode::Text, payload);
        self.write(id, &bytes);
    }

    /// Sends an HTTP request.
    pub fn http(&mut self, id: SocketId, request: Request<'_>) {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        outgoing.clear();
        request.push(&mut outgoing, self.address);
        self.write(id, &outgoing);
        self.outgoing = outgoing;
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, id: SocketId, bytes: &[u8]) {
        let Some(socket) = self.open_mut(id) else { return };
        if let Err(error) = socket.write(bytes) {
            self.broken.push((id, error));
        }
    }

    /// Ends a connection at once; the server sees a reset.
    pub fn cut(&mut self, id: SocketId) {
        if let Some(socket) = self.open_mut(id) {
            // Without effect on a connection that is broken already.
            let _ = rustix::net::sockopt::set_socket_linger(&socket.stream, Some(Duration::ZERO));
            self.sockets.remove(id.slot as usize);
        }
    }

    /// Says goodbye and ends a connection.
    pub fn leave(&mut self, id: SocketId) {
        if let Some(socket) = self.open_mut(id) {
            if socket.kind == Kind::WebSocket {
                let mut bytes = Vec::new();
                frame::close(&mut bytes, 1000);
                // Whether it arrives or not, we are gone.
                let _ = socket.write(&bytes);
            }
            self.sockets.remove(id.slot as usize);
        }
    }

    fn open_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.sockets.get_mut(id.slot as usize).filter(|socket| socket.serial == id.serial)
    }

    #[inline]
    fn is_open(&self, id: SocketId) -> bool {
        self.sockets.get(id.slot as usize).is_some_and(|socket| socket.serial == id.serial)
    }

    /// Waits for something to happen, at most for `wait`, and tells `handler`. Returns how many
    /// connections something happened to.
    pub fn turn<H: Handler>(&mut self, handler: &mut H, wait: Duration) -> io::Result<usize> {
        let wait = if self.broken.is_empty() { wait } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => return Err(error),
        }
        for (id, error) in std::mem::take(&mut self.broken) {
            self.end(handler, id, Closed::Lost(error));
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let mut count = 0;
        for event in &events {
            count += 1;
            let Some(id) = self.id_of(event.token().0) else { continue };
            if event.is_writable() {
                self.writable(handler, id);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.readable(handler, id, event.is_read_closed() || event.is_error());
            }
        }
        self.events = events;
        Ok(count)
    }

    fn id_of(&self, slot: usize) -> Option<SocketId> {
        let socket = self.sockets.get(slot)?;
        Some(SocketId { slot: slot as u32, serial: socket.serial })
    }

    /// Removes a connection and tells why.
    fn end<H: Handler>(&mut self, handler: &mut H, id: SocketId, why: Closed) {
        let Some(socket) = self.open_mut(id) else { return };
        let tag = socket.tag;
        self.sockets.remove(id.slot as usize);
        handler.closed(self, Peer { id, tag }, why);
    }

    fn writable<H: Handler>(&mut self, handler: &mut H, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(id.slot as usize) else { return };
        if socket.phase != Phase::Connecting {
            if !socket.pending.is_empty()
                && let Err(error) = socket.flush()
            {
                self.end(handler, id, Closed::Lost(error));
            }
            return;
        }
        match connected(&socket.stream) {
            Ok(false) => {}
            Err(error) => self.end(handler, id, Closed::Unreachable(error)),
            Ok(true) => {
                let (kind, peer) = (socket.kind, Peer { id, tag: socket.tag });
                let begun = match kind {
                    Kind::Http => {
                        socket.phase = Phase::Open;
                        socket.flush()
                    }
                    Kind::WebSocket => {
                        socket.phase = Phase::Upgrading;
                        socket.write(&self.upgrade)
                    }
                };
                match begun {
                    Err(error) => self.end(handler, id, Closed::Lost(error)),
                    Ok(()) if kind == Kind::Http => handler.opened(self, peer),
                    Ok(()) => {}
                }
            }
        }
    }

    fn readable<H: Handler>(&mut self, handler: &mut H, id: SocketId, ending: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read_all(handler, id, &mut scratch, ending);
        self.scratch = scratch;
        if let Err(why) = outcome {
            self.end(handler, id, why);
        }
    }

    /// Reads what there is. `ending`: the peer's end is known to come, so a short read is not the
    /// last one.
    fn read_all<H: Handler>(
        &mut self,
        handler: &mut H,
        id: SocketId,
        scratch: &mut Vec<u8>,
        ending: bool,
    ) -> Result<(), Closed> {
        loop {
            let Some(socket) = self.open_mut(id).filter(|s| s.phase != Phase::Connecting) else {
                return Ok(());
            };
            let kept = socket.partial.len();
            if scratch.len() < kept + SCRATCH_BYTES / 2 {
                scratch.resize(kept + SCRATCH_BYTES, 0);
            }
            scratch[..kept].copy_from_slice(&socket.partial);
            let read = match socket.stream.read(&mut scratch[kept..]) {
                Ok(0) => return Err(Closed::Lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Closed::Lost(error)),
            };
            socket.partial = Vec::new();
            self.traffic.bytes_in += read as u64;
            self.traffic.reads += 1;
            let (have, is_full) = (kept + read, kept + read == scratch.len());
            let used = self.take_in(handler, id, &scratch[..have])?;
            if used < have
                && let Some(socket) = self.open_mut(id)
            {
                socket.partial = scratch[used..have].to_vec();
            }
            if !is_full && !ending {
                return Ok(());
            }
        }
    }

    /// Hands out what is whole and returns how many bytes that was.
    fn take_in<H: Handler>(
        &mut self,
        handler: &mut H,
        id: SocketId,
        bytes: &[u8],
    ) -> Result<usize, Closed> {
        let Some(socket) = self.open_mut(id) else { return Ok(bytes.len()) };
        let peer = Peer { id, tag: socket.tag };
        handler.reading(peer);
        match (socket.kind, socket.phase) {
            (Kind::Http, _) => self.take_responses(handler, peer, bytes),
            (Kind::WebSocket, Phase::Upgrading) => match handshake::read(bytes) {
                Answer::Part => Ok(0),
                Answer::Refused { status, words } => Err(Closed::Refused { status, words }),
                Answer::Granted(len) => {
                    socket.phase = Phase::Open;
                    handler.opened(self, peer);
                    Ok(len + self.take_frames(handler, peer, &bytes[len..])?)
                }
            },
            (Kind::WebSocket, _) => self.take_frames(handler, peer, bytes),
        }
    }

    fn take_frames<H: Handler>(
        &mut self,
        handler: &mut H,
        peer: Peer,
        bytes: &[u8],
    ) -> Result<usize, Closed> {
        let mut used = 0;
        while self.is_open(peer.id) {
            match frame::parse(&bytes[used..]) {
                Parsed::Part(_) => return Ok(used),
                Parsed::Bad(what) => return Err(Closed::Protocol(what)),
                Parsed::Frame { opcode, payload, len } => {
                    used += len;
                    match opcode {
                        1 if let Some(pong) = self.dialect.pong(payload) => {
                            self.traffic.pings += 1;
                            self.text(peer.id, pong);
                        }
                        1 => handler.message(self, peer, Encoding::Json, payload),
                        2 => handler.message(self, peer, Encoding::MessagePack, payload),
                        _ => self.control(peer.id, opcode, payload)?,
                    }
                }
            }
        }
        Ok(bytes.len())
    }

    fn control(&mut self, id: SocketId, opcode: u8, payload: &[u8]) -> Result<(), Closed> {
        let mut answer = Vec::new();
        match opcode {
            8 => {
                let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                frame::close(&mut answer, code.unwrap_or(1000));
                self.write(id, &answer);
                return Err(Closed::Closed(code.unwrap_or(1005)));
            }
            9 => {
                frame::push(&mut answer, Opcode::Pong, payload);
                self.traffic.pings += 1;
                self.write(id, &answer);
            }
            10 => {}
            _ => return Err(Closed::Protocol("an unknown kind of frame")),
        }
        Ok(())
    }

    fn take_responses<H: Handler>(
        &mut self,
        handler: &mut H,
        peer: Peer,
        bytes: &[u8],
    ) -> Result<usize, Closed> {
        let mut used = 0;
        while used < bytes.len() && self.is_open(peer.id) {
            match http::parse(&bytes[used..]).map_err(Closed::Protocol)? {
                None => return Ok(used),
                Some(response) => {
                    used += response.len;
                    handler.response(self, peer, response.status, &response.body);
                }
            }
        }
        Ok(bytes.len())
    }
}

/// Whether a connection that was begun has come about.
fn connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}
