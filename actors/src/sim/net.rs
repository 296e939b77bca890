//! Sockets: bytes on their way, in both directions.
//!
//! Owns      what the socket layer and the network hold of each socket.
//! Promises  bytes arrive in order or not at all; a socket reports its backlog, and when it has
//!           drained.
//! Does not  read frames.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::agenda::Agenda;
use super::happening::{Happening, NodeLife};
use crate::caller::ConnId;

/// Above it a socket is slow.
pub(super) const HIGH_BYTES: usize = 4_096;
/// Below it, it has drained.
const LOW_BYTES: usize = 1_024;

/// What the network does wrong, to show that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noise {
    None,
    /// Some frames come twice.
    Doubles,
    /// Some frames overtake others.
    Swaps,
    /// Some frames never come.
    Swallows,
}

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) device: usize,
    pub(super) node: NodeLife,
    pub(super) conn: ConnId,
    /// From the server, not read yet.
    pub(super) outbound: VecDeque<Bytes>,
    pub(super) outbound_bytes: usize,
    reading: bool,
    /// From the client, not arrived yet.
    pub(super) inbound: VecDeque<Vec<u8>>,
    arriving: bool,
    /// How slowly the client reads: at most so many microseconds between two looks.
    pace_us: u64,
    slow: bool,
    /// The server closes behind what is queued.
    pub(super) closing: bool,
    /// The client is not there any more.
    pub(super) dropped: bool,
    /// The server has heard of the end.
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Net {
    pub(super) sockets: Vec<Socket>,
    places: BTreeMap<(usize, u32, ConnId), usize>,
    /// By node, worker: the generation of each slot, and whether it is taken.
    slots: BTreeMap<(usize, u16), Vec<(u32, bool)>>,
    pub(super) noise: Noise,
}

/// What a client gets when it looks at its socket.
pub(super) struct Look {
    pub(super) frames: Vec<Bytes>,
    pub(super) drained: bool,
    /// The server has closed, and all was read.
    pub(super) closed: bool,
}

impl Net {
    pub(super) fn new(noise: Noise) -> Self {
        Net { sockets: Vec::new(), places: BTreeMap::new(), slots: BTreeMap::new(), noise }
    }

    /// A socket from a device to a worker.
    pub(super) fn connect(
        &mut self,
        device: usize,
        node: NodeLife,
        worker: u16,
        pace_us: u64,
    ) -> usize {
        let slots = self.slots.entry((node.node, worker)).or_default();
        let free = slots.iter().position(|(_, taken)| !taken).unwrap_or_else(|| {
            slots.push((0, false));
            slots.len() - 1
        });
        let (generation, taken) = &mut slots[free];
        (*generation, *taken) = (*generation + 1, true);
        let conn = ConnId { worker, slot: free as u32, generation: *generation };
        self.places.insert((node.node, node.life, conn), self.sockets.len());
        self.sockets.push(Socket {
            device,
            node,
            conn,
            outbound: VecDeque::new(),
            outbound_bytes: 0,
            reading: false,
            inbound: VecDeque::new(),
            arriving: false,
            pace_us,
            slow: false,
            closing: false,
            dropped: false,
            ended: false,
        });
        self.sockets.len() - 1
    }

    pub(super) fn of(&self, node: NodeLife, conn: ConnId) -> Option<usize> {
        self.places.get(&(node.node, node.life, conn)).copied()
    }

    /// The server has let go of a socket; its slot is free.
    pub(super) fn end(&mut self, socket: usize) {
        let socket = &mut self.sockets[socket];
        socket.ended = true;
        let slots = self.slots.entry((socket.node.node, socket.conn.worker)).or_default();
        if let Some((_, taken)) = slots.get_mut(socket.conn.slot as usize) {
            *taken = false;
        }
    }

    /// The server queues a frame; how many bytes wait now.
    pub(super) fn send(
        &mut self,
        node: NodeLife,
        conn: ConnId,
        frame: Bytes,
        agenda: &mut Agenda,
    ) -> usize {
        let Some(number) = self.of(node, conn) else { return 0 };
        let socket = &mut self.sockets[number];
        if socket.ended || socket.closing {
            return 0;
        }
        socket.outbound_bytes += frame.len();
        socket.outbound.push_back(frame);
        socket.slow |= socket.outbound_bytes > HIGH_BYTES;
        Self::look_later(socket, number, agenda);
        socket.outbound_bytes
    }

    /// The server closes behind what is queued.
    pub(super) fn close(&mut self, node: NodeLife, conn: ConnId, agenda: &mut Agenda) {
        let Some(number) = self.of(node, conn) else { return };
        let socket = &mut self.sockets[number];
        socket.closing = true;
        Self::look_later(socket, number, agenda);
    }

    fn look_later(socket: &mut Socket, number: usize, agenda: &mut Agenda) {
        if !std::mem::replace(&mut socket.reading, true) {
            agenda.between_us(20, socket.pace_us, Happening::Outbound(number));
        }
    }

    /// A client writes a frame.
    pub(super) fn write(&mut self, number: usize, frame: Vec<u8>, agenda: &mut Agenda) {
        let socket = &mut self.sockets[number];
        socket.inbound.push_back(frame);
        if !std::mem::replace(&mut socket.arriving, true) {
            agenda.between_us(20, 2_000, Happening::Inbound(number));
        }
    }

    /// The next frame of a client.
    pub(super) fn arrive(&mut self, number: usize, agenda: &mut Agenda) -> Option<Vec<u8>> {
        let socket = &mut self.sockets[number];
        socket.arriving = false;
        let frame = socket.inbound.pop_front();
        if !socket.inbound.is_empty() {
            socket.arriving = true;
            agenda.between_us(1, 500, Happening::Inbound(number));
        }
        frame.filter(|_| !socket.ended)
    }

    /// A client reads what has come, or part of it.
    pub(super) fn look(&mut self, number: usize, agenda: &mut Agenda) -> Look {
        let noise = self.noise;
        let socket = &mut self.sockets[number];
        socket.reading = false;
        let mut frames = Vec::new();
        let count = agenda.random.between(1, 6).min(socket.outbound.len() as u64);
        for frame in socket.outbound.drain(..count as usize) {
            socket.outbound_bytes -= frame.len();
            frames.push(frame);
        }
        if noise != Noise::None && !frames.is_empty() && agenda.random.chance(3) {
            match noise {
                Noise::None => {}
                Noise::Doubles => frames.extend(frames.last().cloned()),
                Noise::Swaps => frames.reverse(),
                Noise::Swallows => drop(frames.pop()),
            }
        }
        let drained = socket.slow && socket.outbound_bytes < LOW_BYTES;
        socket.slow &= !drained;
        if !socket.outbound.is_empty() {
            Self::look_later(socket, number, agenda);
        }
        let closed = socket.closing && socket.outbound.is_empty();
        Look { frames, drained: drained && !socket.ended, closed }
    }
}
