//! What comes, by the million.
//!
//! Owns      the hot path and the ways out of it.
//! Promises  the hot path is a comparison of bytes, the oracle's cursor, and one histogram entry.
//! Does not  send.

use salon_protocol::{Encoding, EventData, LogId, Seq};

use super::recent::NOT_OURS;
use super::{Kind, Rule, Traffic};
use crate::client::{Closed, Handler, Heard, Net, Peer};
use crate::wire::{self, Frame, PlainMessage};

impl Handler for Traffic<'_> {
    fn opened(&mut self, _: &mut Net, _: Peer) {}

    #[inline]
    fn reading(&mut self, _: Peer) {
        self.now_ns = self.target.clock.now_ns();
    }

    #[inline]
    fn message(&mut self, _: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        let same = self.took_same(peer.tag, payload)
            || (self.clients[peer.tag as usize].is_in_many()
                && self.turned(peer.tag, encoding, payload)
                && self.took_same(peer.tag, payload));
        if !same {
            self.slow(peer.tag, encoding, payload);
        }
    }

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        self.trouble(format!("a socket was {why}"));
    }
}

impl Traffic<'_> {
    /// Takes a frame that is what the client expects next where it looks, if somebody else got the
    /// same.
    #[inline]
    fn took_same(&mut self, tag: u32, payload: &[u8]) -> bool {
        let client = &mut self.clients[tag as usize];
        let room = &self.rooms[client.room as usize];
        let seq = client.next;
        let Some(frame) = room.recent.same(seq, payload) else { return false };
        client.next = seq + 1;
        self.counts.deliveries += 1;
        self.oracle.delivered_same(client.device, room.index, seq);
        if frame.number != NOT_OURS {
            self.delivery.record_ns(self.now_ns.saturating_sub(frame.sent_ns));
            let (number, sender) = (frame.number, frame.sender);
            self.counted(tag, number, sender);
        }
        true
    }

    /// Whether the client looks now at the room that this message is of.
    fn turned(&mut self, tag: u32, encoding: Encoding, payload: &[u8]) -> bool {
        let Some(message) = wire::plain_message(encoding, payload) else { return false };
        let number = self.numbers.get(&message.room);
        number.is_some_and(|room| self.clients[tag as usize].turn_to(*room))
    }

    /// One more member has our message.
    #[inline]
    fn counted(&mut self, receiver: u32, number: u32, sender: u32) {
        let sent = &mut self.sent[number as usize];
        sent.seen += 1;
        let from = &self.senders[sender as usize];
        let done = match self.style.rule {
            Rule::Everyone => sent.seen == self.rooms[from.room as usize].members,
            Rule::Sender => receiver == from.client,
        };
        if done {
            self.completed(sender);
        }
    }

    #[cold]
    #[inline(never)]
    fn slow(&mut self, tag: u32, encoding: Encoding, heard: &[u8]) {
        let Heard::Frame(frame) = self.target.dialect.hear(heard) else {
            return self.trouble("the server says what no server says");
        };
        let payload = &*frame;
        if let Some(message) = wire::plain_message(encoding, payload) {
            return self.plain(tag, &message, heard);
        }
        if let Some(answer) = wire::acknowledged(encoding, payload) {
            return self.acknowledged(answer);
        }
        match wire::frame(encoding, payload) {
            Ok(Frame::Event(event)) => {
                let client = &mut self.clients[tag as usize];
                if let LogId::Room(id) = event.room
                    && let Some(room) = self.numbers.get(&id)
                {
                    client.turn_to(*room);
                }
                let place = &mut self.rooms[client.room as usize];
                if event.room == LogId::Room(place.id) && client.is_in_one() {
                    client.next = event.seq + 1;
                    place.head = place.head.max(event.seq);
                    self.counts.deliveries += 1;
                }
                self.oracle.delivered(client.device, &event);
                if let EventData::RoomRemoved(_) = event.data {
                    self.trouble("a client was put out of its room");
                }
            }
            Ok(Frame::Error { reference, error }) => self.answered_no(reference, &error),
            Ok(Frame::Bye(bye)) => {
                self.trouble(format!("the server says bye: {} {}", bye.code, bye.reason));
            }
            Ok(Frame::Ok { .. } | Frame::Signal(_) | Frame::Unknown(_)) => {}
            Err(error) => self.trouble(error.to_string()),
        }
    }

    /// A message that this client is the first to get, or that is not what it expects next.
    fn plain(&mut self, tag: u32, message: &PlainMessage<'_>, payload: &[u8]) {
        self.counts.deliveries += 1;
        let client = &mut self.clients[tag as usize];
        let (device, room, seq) = (client.device, client.room as usize, message.seq);
        if message.room != self.rooms[room].id || !client.is_in_one() {
            return self.trouble("a client got a message of a room that is not its own");
        }
        client.next = client.next.max(seq + 1);
        let place = &mut self.rooms[room];
        place.head = place.head.max(seq);
        self.oracle.delivered_message(device, place.index, &message.seen());
        let number = self.cids.number(message.cid).filter(|number| {
            self.sent.get(*number as usize).is_some_and(|sent| sent.cid == message.cid)
        });
        let Some(number) = number else {
            return self.rooms[room].recent.keep(seq, payload, NOT_OURS, 0, 0);
        };
        let sent = self.sent[number as usize];
        self.rooms[room].recent.keep(seq, payload, number, sent.sender, sent.at_ns);
        self.delivery.record_ns(self.now_ns.saturating_sub(sent.at_ns));
        if self.style.kind == Kind::Floor {
            self.first_seen(number, message, seq);
        }
        self.counted(tag, number, sent.sender);
    }

    /// The floor acknowledges nothing, so the first delivery does.
    fn first_seen(&mut self, number: u32, message: &PlainMessage<'_>, seq: Seq) {
        if !self.sent[number as usize].answered {
            self.answered_yes(u64::from(number), message.room, seq, message.at);
        }
    }
}
