//! What is sent, until the kernel has taken it.
//!
//! Owns      queueing, the one write per socket and wake-up, and the bounds of the backlog.
//! Promises  queueing never writes; a socket holds at most `backlog_bytes_max`; who does not take
//!           his bytes is closed as slow and never slows down others.
//! Does not  know what the bytes mean.

use std::io::{self, IoSlice};

use bytes::Bytes;
use salon_protocol::framing::{Opcode, frame};
use tokio::net::TcpStream;

use super::{
    Sent, SocketId,
    hub::{Hub, Notice},
    outbox::{Outbox, SEGMENTS_MAX, Segments},
    socket::{Phase, Socket},
};

/// Bytes gathered for one write.
const GATHER_BYTES_MAX: usize = 64 * 1024;
/// Segments of this size on average are written from where they lie; copying costs more than the
/// kernel's work on a list of them.
const VECTORED_SEGMENT_BYTES_MIN: usize = 4 * 1024;
/// Segments in one such write.
const VECTORED_SEGMENTS_MAX: usize = 32;
/// Pongs that may wait for one socket. The RFC allows to answer only the latest of several pings.
const PONGS_MAX: u8 = 16;

/// One write: what was offered to the kernel and what it took.
struct Write {
    offered_bytes: usize,
    taken_bytes: usize,
}

impl Hub {
    /// Queues whole frames for a socket.
    pub(super) fn send(&self, id: SocketId, frames: Bytes) -> Sent {
        let Some(socket) = self.get_open(id) else { return Sent::Gone };
        let outbox = socket.outbox.get();
        let backlog_bytes = outbox.bytes() + frames.len();
        if backlog_bytes > self.config.backlog_bytes_max || outbox.segments() >= SEGMENTS_MAX {
            self.close_slow(&socket);
            return Sent::Gone;
        }
        self.append(&socket, frames);
        Sent::Queued { backlog_bytes }
    }

    /// Whether nothing may be read because too much waits to be written.
    pub(super) fn is_paused(&self, socket: &Socket) -> bool {
        socket.is_open() && socket.outbox.get().bytes() > self.config.backlog_high_bytes
    }

    /// Answers a ping, or remembers to, so that a flood of pings does not grow the backlog.
    pub(super) fn pong(&self, socket: &Socket, payload: &[u8]) {
        let pong = frame(Opcode::Pong, payload);
        if socket.pongs.get() < PONGS_MAX {
            socket.pongs.set(socket.pongs.get() + 1);
            self.append(socket, pong);
        } else {
            socket.late_pong.set(Some(Box::new(pong)));
        }
    }

    /// Queues without asking whether there is room: for the few bytes that the layer itself says.
    pub(super) fn append(&self, socket: &Socket, bytes: Bytes) {
        self.change_outbox(socket, |segments, outbox| segments.push(outbox, bytes));
        if self.is_paused(socket) && !socket.timers.get().is_full() {
            socket.congested.set(true);
            let now = self.now();
            socket.with_timers(|timers| timers.full(now));
            self.schedule(socket);
        }
        // A blocked socket is flushed by its own task, as soon as there is room.
        if !socket.blocked.get() && !socket.outbox.get().is_empty() {
            self.mark_dirty(socket);
        }
    }

    /// Drops what can be dropped without tearing a frame.
    pub(super) fn drop_unbegun_backlog(&self, socket: &Socket) {
        socket.late_pong.take();
        self.change_outbox(socket, Segments::clear_unbegun);
    }

    /// Drops all that is pending. Nothing may be written afterwards.
    pub(super) fn drop_backlog(&self, socket: &Socket) {
        socket.late_pong.take();
        self.change_outbox(socket, Segments::clear);
    }

    /// Writes what is pending until the kernel takes no more.
    pub(super) fn flush(&self, socket: &Socket) {
        if socket.blocked.get() {
            return;
        }
        loop {
            let outbox = socket.outbox.get();
            if outbox.is_empty() {
                break;
            }
            let written = {
                let stream = socket.stream.borrow();
                let mut gather = self.gather.borrow_mut();
                write(&stream, &self.segments.borrow(), &outbox, &mut gather)
            };
            match written {
                Ok(Write { offered_bytes, taken_bytes }) => {
                    self.metrics.writes.add(1);
                    self.metrics.bytes_out.add(taken_bytes as u64);
                    self.change_outbox(socket, |segments, outbox| {
                        segments.advance(outbox, taken_bytes);
                    });
                    // Less than offered means that the kernel's buffer is full: asking again for
                    // the rest would be a system call to hear just that.
                    socket.blocked.set(taken_bytes < offered_bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.blocked.set(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.lose(socket),
            }
            if socket.blocked.get() {
                break;
            }
        }
        self.flushed(socket);
    }

    /// There is room again: the peer has taken something, which it can only do alive.
    pub(super) fn flush_unblocked(&self, socket: &Socket) {
        socket.blocked.set(false);
        let now = self.now();
        socket.with_timers(|timers| {
            timers.heard(now);
            if socket.phase.get() != Phase::Open {
                timers.closing(now);
            }
        });
        self.flush(socket);
    }

    /// Draws the consequences of a flush.
    fn flushed(&self, socket: &Socket) {
        let pending = socket.outbox.get();
        if socket.timers.get().is_full() && pending.bytes() <= self.config.backlog_high_bytes {
            let now = self.now();
            socket.with_timers(|timers| timers.relieved(now));
            self.schedule(socket);
            socket.wake_task();
        }
        if socket.congested.get() && pending.bytes() <= self.config.backlog_low_bytes {
            socket.congested.set(false);
            self.notify(Notice::Drained(socket.id));
        }
        if pending.is_empty() {
            socket.pongs.set(0);
            if let Some(pong) = socket.late_pong.take() {
                socket.pongs.set(1);
                self.append(socket, *pong);
            }
        }
        if socket.blocked.get() || (pending.is_empty() && !socket.is_open()) {
            socket.wake_task();
        }
    }

    fn change_outbox(&self, socket: &Socket, change: impl FnOnce(&mut Segments, &mut Outbox)) {
        let mut outbox = socket.outbox.get();
        let before = outbox.bytes() as u64;
        change(&mut self.segments.borrow_mut(), &mut outbox);
        socket.outbox.set(outbox);
        self.backlog_bytes.set(self.backlog_bytes.get() + outbox.bytes() as u64 - before);
    }
}

/// One system call for as much as is reasonable.
fn write(
    stream: &TcpStream,
    segments: &Segments,
    outbox: &Outbox,
    gather: &mut Vec<u8>,
) -> io::Result<Write> {
    let mut pending = segments.iter(outbox);
    let first = pending.next().map_or(&[][..], |first| first);
    if outbox.segments() == 1 || first.len() >= GATHER_BYTES_MAX {
        return stream
            .try_write(first)
            .map(|taken_bytes| Write { offered_bytes: first.len(), taken_bytes });
    }
    if outbox.bytes() / outbox.segments() as usize >= VECTORED_SEGMENT_BYTES_MIN {
        let mut slices = [IoSlice::new(&[]); VECTORED_SEGMENTS_MAX];
        let (mut used, mut offered_bytes) = (0, 0);
        for (slice, segment) in slices.iter_mut().zip(segments.iter(outbox)) {
            *slice = IoSlice::new(segment);
            used += 1;
            offered_bytes += segment.len();
        }
        let taken_bytes = stream.try_write_vectored(&slices[..used])?;
        return Ok(Write { offered_bytes, taken_bytes });
    }
    gather.clear();
    for segment in segments.iter(outbox) {
        if gather.len() + segment.len() > GATHER_BYTES_MAX {
            break;
        }
        gather.extend_from_slice(segment);
    }
    let taken_bytes = stream.try_write(gather)?;
    Ok(Write { offered_bytes: gather.len(), taken_bytes })
}
