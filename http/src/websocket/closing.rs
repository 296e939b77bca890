//! How a socket ends.
//!
//! Owns      the ways from open to dead, and that the application is told once.
//! Promises  a Close frame never tears another frame; a peer that does not go along is cut off after
//!           `close_timeout_ticks` without progress, with everything that was kept for it freed.
//! Does not  wait: what takes time is the socket's task's and the wheel's.

use super::{
    close,
    frame::Failure,
    hub::{Hub, Notice},
    socket::{Phase, Socket},
};

impl Hub {
    /// Says Close behind what is pending, and waits for the peer's.
    pub(super) fn close(&self, socket: &Socket, code: u16, reason: &str) {
        if socket.is_open() {
            self.append(socket, close::build(Some(code), reason));
            self.go_on(socket, Phase::Closing);
        }
    }

    /// The peer has said Close: it is answered with its own code, unless we said it first.
    pub(super) fn peer_closed(&self, socket: &Socket, code: Option<u16>) {
        if socket.is_open() {
            self.append(socket, close::build(code, ""));
        }
        self.go_on(socket, Phase::Finishing);
    }

    /// The peer has broken the protocol: it is told how, and nothing more is read from it.
    pub(super) fn fail(&self, socket: &Socket, failure: Failure) {
        if socket.is_open() {
            self.metrics.protocol_errors.add(1);
            self.append(socket, close::build(Some(failure.code()), failure.reason()));
        }
        self.go_on(socket, Phase::Finishing);
    }

    /// The peer does not take what is sent to it. It loses what is pending (the logs have it), and
    /// finds the Close if it reads on soon.
    pub(super) fn close_slow(&self, socket: &Socket) {
        if socket.is_open() {
            self.metrics.slow_closes.add(1);
            self.drop_unbegun_backlog(socket);
            self.append(socket, close::build(Some(self.config.slow_close_code), "slow consumer"));
            self.go_on(socket, Phase::Finishing);
        }
    }

    /// Ends the connection now. The peer sees a reset.
    pub(super) fn abort(&self, socket: &Socket) {
        // Without it the kernel would keep trying to deliver what it has, for minutes.
        let _ = socket.stream.borrow().set_zero_linger();
        self.lose(socket);
    }

    /// The closing took too long.
    pub(super) fn give_up(&self, socket: &Socket) {
        if socket.outbox.get().is_empty() { self.lose(socket) } else { self.abort(socket) }
    }

    /// The connection is of no more use.
    pub(super) fn lose(&self, socket: &Socket) {
        self.drop_backlog(socket);
        self.go_on(socket, Phase::Dead);
    }

    /// Goes on to a later phase; leaving the first one is what the application is told.
    pub(super) fn go_on(&self, socket: &Socket, phase: Phase) {
        if socket.phase.get() >= phase {
            return;
        }
        if socket.phase.replace(phase) == Phase::Open {
            self.notify(Notice::Closed(socket.id));
        }
        if phase < Phase::Dead {
            let now = self.now();
            socket.with_timers(|timers| timers.closing(now));
            self.schedule(socket);
        }
        socket.wake_task();
    }
}
