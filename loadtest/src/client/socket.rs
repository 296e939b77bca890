//! One connection.
//!
//! Owns      the stream, how far it has come, and what is left over of reads and writes.
//! Promises  no buffer while it is idle.
//! Does not  read or write by itself: that is the loop's.

use std::fmt;
use std::io;

use mio::net::TcpStream;

/// Names a connection of one [`Net`](super::Net), for as long as it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SocketId {
    pub(super) slot: u32,
    /// Tells a connection from an earlier one in the same slot.
    pub(super) serial: u32,
}

/// A connection, and what its owner calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The connection.
    pub id: SocketId,
    /// The number that was given to [`Net::connect`](super::Net::connect).
    pub tag: u32,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Upgraded to a WebSocket at `/ws`.
    WebSocket,
    /// Requests and responses.
    Http,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    /// The upgrade was asked for.
    Upgrading,
    Open,
}

/// Why a connection ended.
#[derive(Debug)]
pub enum Closed {
    /// It never came about.
    Unreachable(io::Error),
    /// The upgrade was refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        words: String,
    },
    /// The server closed the WebSocket with a code; 1005 when it named none.
    Closed(u16),
    /// The connection was cut.
    Lost(io::Error),
    /// The server sent what no server may.
    Protocol(&'static str),
}

impl fmt::Display for Closed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::Unreachable(error) => write!(out, "cannot connect: {error}"),
            Closed::Refused { status, words } => write!(out, "refused with {status} {words}"),
            Closed::Closed(code) => write!(out, "closed by the server with {code}"),
            Closed::Lost(error) => write!(out, "connection lost: {error}"),
            Closed::Protocol(what) => write!(out, "the server broke the protocol: {what}"),
        }
    }
}

pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) serial: u32,
    pub(super) tag: u32,
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    /// An unfinished frame or response.
    pub(super) partial: Vec<u8>,
    /// What the kernel did not take.
    pub(super) pending: Vec<u8>,
}

// Tens of thousands of them are kept. (mio keeps more in a debug build.)
const _: () = assert!(cfg!(debug_assertions) || size_of::<Socket>() <= 72);

impl Socket {
    pub(super) fn new(stream: TcpStream, serial: u32, tag: u32, kind: Kind) -> Self {
        let (partial, pending) = (Vec::new(), Vec::new());
        Socket { stream, serial, tag, kind, phase: Phase::Connecting, partial, pending }
    }

    /// Writes now what the kernel takes, and keeps the rest.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        use io::Write;
        if !self.pending.is_empty() || self.phase == Phase::Connecting {
            self.pending.extend(bytes);
            return Ok(());
        }
        let mut left = bytes;
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => left = &left[taken..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.pending.extend(left);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes what was kept.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.write(&pending)
    }
}
