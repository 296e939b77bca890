//! The workers of a node: what their glue does in [`Connections`](crate::Connections).

use salon_protocol::codec::Encoding;

use super::happening::{Happening, NodeLife};
use super::world::World;
use crate::bell::Ringing as _;
use crate::caller::ConnId;
use crate::connection::{Incoming, ToWorker};

/// What is taken out of the queue in one go.
const TAKE_MAX: u64 = 12;

impl World {
    pub(super) fn worker_takes(&mut self, at: NodeLife, worker: u16) {
        let count = self.agenda.random.between(1, TAKE_MAX) as usize;
        let Some(node) = self.node_at(at) else { return };
        let link = &node.hall.links[usize::from(worker)];
        link.awake.set(false);
        let lost = link.lost.take();
        let mut queue = link.queue.borrow_mut();
        let count = count.min(queue.len());
        let batch: Vec<ToWorker> = queue.drain(..count).collect();
        drop(queue);
        if lost {
            self.fate.note("sockets of a worker begin anew");
            self.with_worker(at, worker, |worker, outside| worker.begin_anew(outside));
        }
        for message in batch {
            if self.fate.worker_panics(&mut self.agenda) && message.can_be_dropped() {
                if let Some(node) = self.node_at(at) {
                    node.hall.links[usize::from(worker)].overflowed.set(true);
                }
                continue;
            }
            self.with_worker(at, worker, |worker, outside| worker.told(message, outside));
        }
    }

    pub(super) fn tick(&mut self, at: NodeLife) {
        let Some(node) = self.node_at(at) else { return };
        for worker in 0..node.workers.len() as u16 {
            self.with_worker(at, worker, |worker, outside| worker.tick(outside));
            let Some(node) = self.node_at(at) else { return };
            if node.hall.links[usize::from(worker)].overflowed.take() {
                self.fate.note("audits");
                self.with_worker(at, worker, |worker, outside| worker.audit(outside));
            }
        }
        self.agenda.after_us(1_000_000, Happening::Tick(at));
    }

    pub(super) fn deadline(&mut self, socket: usize) {
        let (at, conn) = self.ends_of(socket);
        self.with_worker(at, conn.worker, |worker, outside| worker.deadline(conn, outside));
    }

    fn ends_of(&self, socket: usize) -> (NodeLife, ConnId) {
        let socket = &self.net.sockets[socket];
        (socket.node, socket.conn)
    }

    /// A frame of a client arrives.
    pub(super) fn inbound(&mut self, socket: usize) {
        let Some(frame) = self.net.arrive(socket, &mut self.agenda) else { return };
        let (at, conn) = self.ends_of(socket);
        let encoding = self.devices[self.net.sockets[socket].device].encoding;
        let Some(node) = self.node_at(at) else { return };
        node.hall.speaks(encoding);
        self.with_worker(at, conn.worker, |worker, outside| {
            let frame = match encoding {
                Encoding::Json => Incoming::Text(std::str::from_utf8(&frame).unwrap()),
                Encoding::MessagePack => Incoming::Binary(&frame),
            };
            worker.frame(conn, frame, outside);
        });
    }

    /// A client looks at its socket.
    pub(super) fn outbound(&mut self, socket: usize) {
        let look = self.net.look(socket, &mut self.agenda);
        let (at, conn) = self.ends_of(socket);
        if look.drained {
            self.fate.note("slow sockets have drained");
            self.with_worker(at, conn.worker, |worker, outside| worker.drained(conn, outside));
        }
        if !self.net.sockets[socket].dropped {
            let device = self.net.sockets[socket].device;
            for frame in look.frames {
                self.agenda.saw(&frame);
                self.client_gets(device, socket, &frame);
            }
        }
        if look.closed {
            self.lose_socket(socket);
        }
    }

    /// The server learns that a socket is gone.
    pub(super) fn gone(&mut self, socket: usize) {
        let (at, conn) = self.ends_of(socket);
        if self.net.sockets[socket].ended {
            return;
        }
        self.net.end(socket);
        self.with_worker(at, conn.worker, |worker, outside| worker.closed(conn, outside));
    }

    pub(super) fn bell(&mut self, at: NodeLife, bell: &salon_storage::contract::Bell) {
        if let Some(node) = self.node_at(at) {
            node.hall.rung(bell);
        }
    }
}
