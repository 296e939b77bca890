//! One socket, as its own task and the worker's hub both see it.
//!
//! Owns      the TCP stream and everything that two parties have to know about it.
//! Promises  160 bytes and no buffer; every field is a cell that is never held over a call.
//! Does not  decide: reading is `reader`, writing is `backlog`, ending is `closing`.

use std::{
    cell::{Cell, OnceCell, RefCell},
    sync::Arc,
    task::Waker,
};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{SocketId, SocketMetrics, outbox::Outbox, timers::Timers};

/// How far a socket has come. It only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Messages go both ways.
    Open,
    /// Our Close is the last thing pending or sent; the peer's is awaited.
    Closing,
    /// Nothing is expected from the peer any more. What is pending goes out, then FIN.
    Finishing,
    /// FIN is sent. Whatever still arrives is read and dropped until the peer's FIN, because a
    /// close with unread bytes would reset the connection and could take our Close with it.
    Lingering,
    /// The task ends at its next turn.
    Dead,
}

pub(super) struct Socket {
    pub(super) id: SocketId,
    /// Borrowed for single calls of the stream only.
    pub(super) stream: RefCell<TcpStream>,
    pub(super) phase: Cell<Phase>,
    pub(super) outbox: Cell<Outbox>,
    pub(super) timers: Cell<Timers>,
    /// In the hub's list of sockets to be flushed.
    pub(super) dirty: Cell<bool>,
    /// The kernel takes no more; the task waits until it does.
    pub(super) blocked: Cell<bool>,
    /// The backlog has passed the high mark and not yet fallen to the low one.
    pub(super) congested: Cell<bool>,
    /// Pongs queued since the outbox was last empty.
    pub(super) pongs: Cell<u8>,
    /// The pong for the latest of more pings than are answered at once.
    pub(super) late_pong: Cell<Option<Box<Bytes>>>,
    task: OnceCell<Waker>,
    _seat: Seat,
}

// Every socket pays for every byte in here.
const _: () = assert!(size_of::<Socket>() <= 160);

impl Socket {
    pub(super) fn new(id: SocketId, stream: TcpStream, now: u32, seat: Seat) -> Self {
        Socket {
            id,
            stream: RefCell::new(stream),
            phase: Cell::new(Phase::Open),
            outbox: Cell::new(Outbox::EMPTY),
            timers: Cell::new(Timers::new(now)),
            dirty: Cell::new(false),
            blocked: Cell::new(false),
            congested: Cell::new(false),
            pongs: Cell::new(0),
            late_pong: Cell::new(None),
            task: OnceCell::new(),
            _seat: seat,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase.get() == Phase::Open
    }

    /// A task keeps its waker for life, so the first one is as good as the latest.
    pub(super) fn remember_task(&self, waker: &Waker) {
        self.task.get_or_init(|| waker.clone());
    }

    /// Has the task look at the socket again. Before its first turn it needs no waking.
    pub(super) fn wake_task(&self) {
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
    }

    pub(super) fn with_timers<T>(&self, change: impl FnOnce(&mut Timers) -> T) -> T {
        let mut timers = self.timers.get();
        let result = change(&mut timers);
        self.timers.set(timers);
        result
    }
}

/// A place among the `sockets_max` of the server, given back when it is dropped.
pub(super) struct Seat(Arc<SocketMetrics>);

impl Seat {
    /// `None` when all places are taken.
    pub(super) fn take(metrics: &Arc<SocketMetrics>, sockets_max: u64) -> Option<Seat> {
        metrics.open.try_rise(sockets_max).then(|| Seat(metrics.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fall();
    }
}
