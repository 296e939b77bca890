//! The handle by which an application uses its worker's sockets.
//!
//! Owns      [`Sockets`], [`Sent`].
//! Promises  every method may be called from every callback; a stale id is harmless; nothing blocks.
//! Does not  leave its thread: what other threads have to send comes through an actor or a channel of
//!           this one.

use std::{fmt, rc::Rc};

use bytes::Bytes;

use super::{SocketId, close, hub::Hub};

/// What became of a [`Sockets::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Queued; so many bytes wait for this socket now. Above `backlog_high_bytes` it is wise to stop
    /// until [`Application::drained`](super::Application::drained).
    Queued {
        /// Bytes, these included.
        backlog_bytes: usize,
    },
    /// There is no such socket, or no more; if its backlog was full, it was closed just now.
    Gone,
}

/// The sockets of one worker thread. Cheap to clone.
#[derive(Clone)]
pub struct Sockets(pub(super) Rc<Hub>);

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Sockets {
    /// Queues frames for a socket: one or several whole ones, framed with
    /// [`salon_protocol::framing`]. Nothing is written now; all that is sent to a socket during one
    /// wake-up of the worker goes out in one write at its end. The bytes are shared, not copied, and
    /// count with their full length towards `backlog_bytes_max`; beyond it the socket is closed with
    /// `slow_close_code`.
    pub fn send(&self, id: SocketId, frames: Bytes) -> Sent {
        self.0.send(id, frames)
    }

    /// Closes a socket: what is pending goes out, then Close with `code` and `reason` (cut at 123
    /// bytes). From now on nothing it says is heard and nothing more can be sent. TCP ends with the
    /// peer's Close, or after `close_timeout_ticks` without progress. The code must be one that may
    /// be sent: 1000–1003, 1007–1014, 3000–4999.
    pub fn close(&self, id: SocketId, code: u16, reason: &str) {
        debug_assert!(close::may_be_sent(code), "close code {code}");
        if let Some(socket) = self.0.get(id) {
            self.0.close(&socket, code, reason);
        }
    }

    /// Ends a connection at once, with a reset and without Close.
    pub fn abort(&self, id: SocketId) {
        if let Some(socket) = self.0.get(id) {
            self.0.abort(&socket);
        }
    }

    /// Has [`Application::deadline`](super::Application::deadline) called once, after at least
    /// `ticks` and less than `ticks + 1`, unless the socket closes before. A later call replaces an
    /// earlier one; `None` takes it back.
    pub fn set_deadline(&self, id: SocketId, ticks: Option<u32>) {
        if let Some(socket) = self.0.get_open(id) {
            let now = self.0.now();
            socket.with_timers(|timers| timers.set_deadline(now, ticks));
            self.0.schedule(&socket);
        }
    }

    /// Bytes that wait for this socket; `None` if it is gone.
    pub fn backlog_bytes(&self, id: SocketId) -> Option<usize> {
        self.0.get_open(id).map(|socket| socket.outbox.get().bytes())
    }

    /// Sockets of this worker whose TCP connection is still held, closing ones included.
    pub fn count(&self) -> usize {
        self.0.count()
    }
}
