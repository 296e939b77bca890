//! What devices do of their own accord, and what they tell the oracle of it.

use salon_loadtest::oracle::{Ack, Change};
use salon_protocol::content::{HistoryFor, MessageKind};
use salon_protocol::envelope::ServerEnvelope;
use salon_protocol::reply::{Done, RoomMade, Sent};
use salon_protocol::request::{
    self, CreateRoom, GroupOnly, Invite, MessageDelivered, MessageEdit, MessageRead, OneMember,
    OneMessage, OneRoom, Positions, React, SendMessage,
};
use salon_protocol::{Cid, LogId, Request, RoomId, Seq, UserId};
use uuid::Uuid;

use super::happening::Happening;
use super::world::World;

impl World {
    /// A device does something, and goes on to the next thing after a while.
    pub(super) fn act(&mut self, number: usize) {
        let device = &mut self.devices[number];
        if device.acts_left == 0 {
            return;
        }
        device.acts_left -= 1;
        self.agenda.between_us(1_000, 900_000, Happening::Act(number));
        if self.agenda.random.chance(self.fate.drops) {
            if let Some(socket) = self.devices[number].socket {
                self.fate.note("drops");
                self.drop_socket(socket);
            }
            return;
        }
        let rooms: Vec<RoomId> = self.devices[number].rooms.iter().copied().collect();
        let Some(room) = self.agenda.random.pick(&rooms).copied() else { return };
        let log = LogId::Room(room);
        let head = self.position(number, log).unwrap_or(1);
        match self.agenda.random.below(100) {
            0..45 => {
                for _ in 0..self.agenda.random.between(1, 4) {
                    self.send(number, room);
                }
            }
            45..57 => self.change_mine(number),
            57..62 => {
                let seq = self.agenda.random.between(1, head.max(1));
                self.react(number, room, seq);
            }
            62..68 => self.wish(number, Request::MessageRead(MessageRead { room, seq: head })),
            68..72 => {
                let rooms = Positions(vec![(room, head)]);
                self.wish(number, Request::MessageDelivered(MessageDelivered { rooms }));
            }
            72..75 => self.wish(number, Request::Typing(OneRoom { room })),
            75..78 => self.wish(number, Request::ReadBy(OneMessage { room, seq: head })),
            78..84 if self.devices[number].is_open => {
                let before = self.agenda.random.chance(50).then_some(head);
                let limit = Some(self.agenda.random.between(1, 30) as usize);
                let page = request::History { room: log, before, after: None, types: None, limit };
                self.read(number, page, false);
            }
            84..89 => {
                let user = self.somebody();
                self.wish(number, Request::Invite(Invite { room, users: vec![user] }));
            }
            89..92 => {
                let user = self.somebody();
                if user != self.devices[number].user {
                    self.wish(number, Request::Kick(OneMember { room, user }));
                }
            }
            92..94 => self.wish(number, Request::LeaveRoom(OneRoom { room })),
            94 => self.create_room(number),
            _ => {}
        }
    }

    fn somebody(&mut self) -> UserId {
        let number = self.agenda.random.between(1, self.fate.users as u64);
        UserId::new(Uuid::from_u128(u128::from(number)))
    }

    fn fresh_cid(&mut self) -> Cid {
        self.messages += 1;
        Cid::new(Uuid::from_u128((7 << 64) + u128::from(self.messages)))
    }

    /// A socket breaks; what was on its way to the server may or may not arrive.
    pub(super) fn drop_socket(&mut self, socket: usize) {
        if self.agenda.random.chance(50) {
            self.net.sockets[socket].inbound.clear();
        }
        self.lose_socket(socket);
    }

    pub(super) fn send(&mut self, number: usize, room: RoomId) {
        let cid = self.fresh_cid();
        let padding = self.agenda.random.index(200);
        let text = format!("message {} {}", self.messages, "x".repeat(padding));
        self.wish(
            number,
            Request::SendMessage(SendMessage {
                room,
                cid,
                kind: MessageKind::Text,
                text: Some(text),
                body: None,
                reply_to: None,
                mentions: None,
            }),
        );
    }

    /// A room with everybody in it, which all hear of in their inboxes.
    pub(super) fn create_room_for_all(&mut self) {
        let members = self.store.people.keys().copied().collect();
        self.create_room_of(0, members);
    }

    pub(super) fn create_room(&mut self, number: usize) {
        let mut members = Vec::new();
        for _ in 0..self.agenda.random.between(1, self.fate.users as u64) {
            members.push(self.somebody());
        }
        members.sort_unstable();
        members.dedup();
        self.create_room_of(number, members);
    }

    fn create_room_of(&mut self, number: usize, members: Vec<UserId>) {
        let cid = self.fresh_cid();
        let history = match self.agenda.random.chance(50) {
            true => HistoryFor::All,
            false => HistoryFor::SinceJoin,
        };
        let (name, kind) = ("a room".to_owned(), GroupOnly::Group);
        self.wish(number, Request::CreateRoom(CreateRoom { cid, name, members, kind, history }));
    }

    /// Recalls or edits one of its own messages, mostly a new one.
    fn change_mine(&mut self, number: usize) {
        let mine = &self.devices[number].mine;
        let back = self.agenda.random.index(mine.len().min(4));
        let Some((room, seq)) = mine.iter().rev().nth(back).copied() else { return };
        if self.agenda.random.chance(50) {
            return self.wish(number, Request::MessageRecall(OneMessage { room, seq }));
        }
        let cid = self.fresh_cid();
        let text = format!("edit {}", self.messages);
        self.wish(number, Request::MessageEdit(MessageEdit { room, seq, cid: Some(cid), text }));
    }

    fn react(&mut self, number: usize, room: RoomId, seq: Seq) {
        let (emoji, on) = ("🙂".to_owned(), self.agenda.random.chance(70));
        self.wish(number, Request::React(React { room, seq, emoji, on }));
    }

    /// The oracle hears of what is written to a socket.
    pub(super) fn report_wish(&mut self, number: usize, request: &Request) {
        let known = self.devices[number].known;
        match request {
            Request::SendMessage(send) => {
                let room = self.oracle.room(send.room);
                let text = send.text.as_deref().unwrap_or_default();
                self.oracle.sent(known, room, send.cid, text);
            }
            Request::MessageEdit(edit) => {
                let room = self.oracle.room(edit.room);
                self.oracle.edit_sent(room, edit.seq, &edit.text);
            }
            Request::MessageRecall(recall) => {
                let room = self.oracle.room(recall.room);
                self.oracle.recall_sent(room, recall.seq);
            }
            _ => {}
        }
    }

    /// A wish is granted.
    pub(super) fn granted(&mut self, number: usize, request: &Request, frame: &ServerEnvelope<'_>) {
        let user = self.devices[number].user;
        let done = || frame.data.decode::<Done>().unwrap().seq;
        match request {
            Request::SendMessage(send) => {
                let sent: Sent = frame.data.decode().unwrap();
                self.oracle.acked(user, send.cid, Ack { seq: sent.seq, at: sent.at });
                self.devices[number].mine.push((send.room, sent.seq));
                if self.agenda.random.chance(6) {
                    // At once, while the message is still on its way to others.
                    let recall = OneMessage { room: send.room, seq: sent.seq };
                    self.wish(number, Request::MessageRecall(recall));
                }
            }
            Request::MessageRecall(recall) => {
                let (room, target) = (self.oracle.room(recall.room), recall.seq);
                self.oracle.recall_acked(room, target);
                self.oracle.change_acked(room, done(), Change::Recall { target });
            }
            Request::MessageEdit(edit) => {
                let room = self.oracle.room(edit.room);
                self.oracle.change_acked(room, done(), Change::Edit { target: edit.seq });
            }
            Request::React(react) => {
                let room = self.oracle.room(react.room);
                self.oracle.change_acked(room, done(), Change::Reaction { target: react.seq });
            }
            Request::CreateRoom(_) => {
                let made: RoomMade = frame.data.decode().unwrap();
                if !self.rooms.contains(&made.room) {
                    self.rooms.push(made.room);
                }
            }
            _ => {}
        }
    }
}
