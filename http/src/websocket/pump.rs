//! The one other task of a worker: it flushes, tells the application, and keeps the clock.
//!
//! Owns      the order of things within a wake-up.
//! Promises  runs behind the tasks that were runnable when something was sent, so that whatever
//!           they send to a socket leaves in one write; between ticks it sleeps unless woken.
//! Does not  read sockets.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{Application, hub::Notice, worker::Worker};

/// Sockets flushed, and notices given, before the other tasks of the thread get a turn. A write
/// takes some 5 µs, so this is about a millisecond; what readers send meanwhile joins what has not
/// been flushed yet.
const PER_TURN: usize = 256;

pub(super) struct Pump<A> {
    worker: Rc<Worker<A>>,
    ticks: Interval,
}

impl<A: Application> Pump<A> {
    pub(super) fn new(worker: Rc<Worker<A>>) -> Self {
        let tick = worker.hub.config.tick;
        let mut ticks = interval_at(Instant::now() + tick, tick);
        // A process that stood still has not been running: it owes one tick, not all of them.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pump { worker, ticks }
    }

    fn notify(&self) {
        let hub = &self.worker.hub;
        for _ in 0..PER_TURN {
            let Some(notice) = hub.next_notice() else { break };
            match notice {
                Notice::Closed(id) => self.worker.tell(id, |app| app.closed(id)),
                // The others are of no interest once the socket is closed.
                Notice::Drained(id) | Notice::Deadline(id) if hub.get_open(id).is_none() => {}
                Notice::Drained(id) => self.worker.tell(id, |app| app.drained(id)),
                Notice::Deadline(id) => self.worker.tell(id, |app| app.deadline(id)),
            }
        }
    }

    fn flush(&self) {
        let hub = &self.worker.hub;
        for _ in 0..PER_TURN {
            let Some(id) = hub.next_dirty() else { break };
            if let Some(socket) = hub.get(id) {
                socket.dirty.set(false);
                hub.flush(&socket);
            }
        }
    }
}

impl<A: Application> Future for Pump<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let hub = this.worker.hub.clone();
        hub.pump_begins(cx.waker());
        while this.ticks.poll_tick(cx).is_ready() {
            hub.tick();
            this.worker.ask(Application::tick);
        }
        this.notify();
        this.flush();
        if let Some(sockets) = hub.dirty_changed() {
            this.worker.ask(|app| app.writes_waiting(sockets));
        }
        hub.pump_ends();
        Poll::Pending
    }
}
