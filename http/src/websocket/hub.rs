//! All sockets of one worker thread.
//!
//! Owns      the table of sockets, the list of those with something to flush, what the application
//!           has to be told, and the clock.
//! Promises  nothing in here calls the application: what it has to know is queued for the pump, so a
//!           callback may use every method of [`Sockets`](super::Sockets). Nothing is shared with
//!           other threads but the counters.
//! Does not  read. Writing is in `backlog`, ending in `closing`, both on this type.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    mem,
    rc::Rc,
    sync::Arc,
    task::Waker,
};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{
    SocketConfig, SocketId, SocketMetrics, close,
    outbox::Segments,
    slots::Slots,
    socket::{Phase, Seat, Socket},
    timers::Due,
    wheel::Wheel,
};

/// An empty ping. It is answered by an empty pong, which counts as life like any other byte.
const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// What the application has to be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    Closed(SocketId),
    Drained(SocketId),
    Deadline(SocketId),
}

pub(super) struct Hub {
    pub(super) config: SocketConfig,
    pub(super) metrics: Arc<SocketMetrics>,
    pub(super) segments: RefCell<Segments>,
    /// Where small segments are gathered for one write.
    pub(super) gather: RefCell<Vec<u8>>,
    /// Bytes that wait on this worker, and what of it the metrics have been told.
    pub(super) backlog_bytes: Cell<u64>,
    backlog_bytes_told: Cell<u64>,
    /// Of the sockets to be flushed: what the application has been told.
    dirty_told: Cell<usize>,
    sockets: RefCell<Slots<Rc<Socket>>>,
    dirty: RefCell<VecDeque<SocketId>>,
    notices: RefCell<VecDeque<Notice>>,
    wheel: RefCell<Wheel>,
    pump: RefCell<Option<Waker>>,
    pump_is_woken: Cell<bool>,
}

impl Hub {
    pub(super) fn new(config: SocketConfig, metrics: Arc<SocketMetrics>) -> Self {
        Hub {
            config,
            metrics,
            segments: RefCell::new(Segments::new()),
            gather: RefCell::default(),
            backlog_bytes: Cell::new(0),
            backlog_bytes_told: Cell::new(0),
            dirty_told: Cell::new(0),
            sockets: RefCell::new(Slots::new()),
            dirty: RefCell::default(),
            notices: RefCell::default(),
            wheel: RefCell::new(Wheel::new()),
            pump: RefCell::default(),
            pump_is_woken: Cell::new(false),
        }
    }

    /// Takes a stream in. `unwritten`: what of the handshake's answer the kernel did not take.
    pub(super) fn open(
        &self,
        stream: TcpStream,
        seat: Seat,
        unwritten: Bytes,
    ) -> Option<Rc<Socket>> {
        let now = self.now();
        let make = |id| Rc::new(Socket::new(id, stream, now, seat));
        let id = self.sockets.borrow_mut().insert_with(make)?;
        let socket = self.get(id)?;
        self.metrics.accepted.add(1);
        self.schedule(&socket);
        self.append(&socket, unwritten);
        let mut outbox = socket.outbox.get();
        outbox.mark_begun();
        socket.outbox.set(outbox);
        Some(socket)
    }

    pub(super) fn get(&self, id: SocketId) -> Option<Rc<Socket>> {
        self.sockets.borrow().get(id).cloned()
    }

    /// The socket, if messages still go to it.
    pub(super) fn get_open(&self, id: SocketId) -> Option<Rc<Socket>> {
        self.get(id).filter(|socket| socket.is_open())
    }

    pub(super) fn count(&self) -> usize {
        self.sockets.borrow().len()
    }

    /// Forgets a socket whose task has ended.
    pub(super) fn remove(&self, socket: &Socket) {
        self.go_on(socket, Phase::Dead);
        self.drop_backlog(socket);
        let removed = self.sockets.borrow_mut().remove(socket.id);
        drop(removed);
    }

    pub(super) fn now(&self) -> u32 {
        self.wheel.borrow().now()
    }

    /// Makes sure that the wheel calls no later than something can be due.
    pub(super) fn schedule(&self, socket: &Socket) {
        socket.with_timers(|timers| {
            let next = timers.next(socket.id.slot(), &self.config);
            if timers.called_at == 0 || next < timers.called_at {
                timers.called_at = self.wheel.borrow_mut().call_at(next, socket.id);
            }
        });
    }

    /// Goes on by one tick.
    pub(super) fn tick(&self) {
        let called = self.wheel.borrow_mut().advance();
        let now = self.now();
        for id in called {
            let Some(socket) = self.get(id) else { continue };
            if socket.timers.get().called_at != now {
                continue;
            }
            socket.with_timers(|timers| timers.called_at = 0);
            let due = || socket.with_timers(|timers| timers.due(now, id.slot(), &self.config));
            while let Some(due) = due() {
                self.act(&socket, due);
                if socket.phase.get() == Phase::Dead {
                    break;
                }
            }
            self.schedule(&socket);
        }
        self.segments.borrow_mut().shrink();
    }

    fn act(&self, socket: &Socket, due: Due) {
        match due {
            Due::Ping => self.append(socket, PING),
            Due::Deadline => self.notify(Notice::Deadline(socket.id)),
            Due::Silent => {
                self.metrics.silent_closes.add(1);
                self.close(socket, close::GONE_AWAY, "no answer to ping");
            }
            Due::Slow => self.close_slow(socket),
            Due::Abort => self.give_up(socket),
        }
    }

    pub(super) fn notify(&self, notice: Notice) {
        self.notices.borrow_mut().push_back(notice);
        self.wake_pump();
    }

    pub(super) fn next_notice(&self) -> Option<Notice> {
        self.notices.borrow_mut().pop_front()
    }

    /// Has the socket flushed at the end of this wake-up.
    pub(super) fn mark_dirty(&self, socket: &Socket) {
        if !socket.dirty.replace(true) {
            self.dirty.borrow_mut().push_back(socket.id);
            self.wake_pump();
        }
    }

    pub(super) fn next_dirty(&self) -> Option<SocketId> {
        self.dirty.borrow_mut().pop_front()
    }

    /// How many sockets are to be flushed, if that has changed since it was asked last.
    pub(super) fn dirty_changed(&self) -> Option<usize> {
        let dirty = self.dirty.borrow().len();
        (self.dirty_told.replace(dirty) != dirty).then_some(dirty)
    }

    /// The pump begins a turn: whatever is queued from now on needs another one.
    pub(super) fn pump_begins(&self, waker: &Waker) {
        self.pump_is_woken.set(false);
        let mut pump = self.pump.borrow_mut();
        if !pump.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *pump = Some(waker.clone());
        }
    }

    /// Ends a turn: what is left over takes another one.
    pub(super) fn pump_ends(&self) {
        let now = self.backlog_bytes.get();
        let told = self.backlog_bytes_told.replace(now);
        self.metrics.backlog_bytes.shift(told, now);
        if !self.dirty.borrow().is_empty() || !self.notices.borrow().is_empty() {
            self.wake_pump();
        }
    }

    /// The pump runs behind everything that is runnable now, so what those tasks send is flushed
    /// with this.
    fn wake_pump(&self) {
        if self.pump_is_woken.replace(true) {
            return;
        }
        if let Some(pump) = &*self.pump.borrow() {
            pump.wake_by_ref();
        }
    }
}

impl Drop for Hub {
    /// A worker that ends takes its share of the gauge along.
    fn drop(&mut self) {
        let told = mem::take(self.backlog_bytes_told.get_mut());
        self.metrics.backlog_bytes.shift(told, 0);
    }
}
