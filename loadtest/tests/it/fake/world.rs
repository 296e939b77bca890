//! What the fake server knows, and how it tells.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;

use salon_protocol::close_code::{Bye, CloseCode};
use salon_protocol::content::MessageKind;
use salon_protocol::event::NewMessage;
use salon_protocol::framing::{self, Opcode};
use salon_protocol::{
    Cid, Encoding, ErrorCode, ErrorData, Event, EventData, LogId, RoomId, UserId, codec,
};
use serde::Serialize;

use super::fault::{Chance, Fault};
use super::log::Log;

/// A socket.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    pub(super) encoding: Encoding,
    /// Who it is, once it has said so.
    pub(super) user: Option<UserId>,
    /// An event that comes behind the next one of its room.
    held: Option<(RoomId, Vec<u8>)>,
}

pub(super) struct World {
    pub(super) chance: Chance,
    users: Vec<String>,
    pub(super) logs: Vec<Log>,
    pub(super) peers: BTreeMap<u64, Peer>,
}

impl World {
    pub(super) fn new(fault: Fault) -> World {
        let chance = Chance::new(fault);
        World { chance, users: Vec::new(), logs: Vec::new(), peers: BTreeMap::new() }
    }

    pub(super) fn has_struck(&self) -> bool {
        self.chance.has_struck
    }

    /// Registers and logs in. The access token is the name.
    pub(super) fn answer_http(&mut self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let name = body["username"].as_str().unwrap_or_default();
        let status = match (path, self.user(name)) {
            ("/ready", _) => return (200, Vec::new()),
            ("/api/auth/register", None) => {
                self.users.push(name.to_owned());
                201
            }
            ("/api/auth/register", Some(_)) => return (409, b"{}".to_vec()),
            ("/api/auth/login", Some(_)) => 200,
            _ => return (404, b"{}".to_vec()),
        };
        let id = self.user(name).map(|id| id.to_string());
        let answer = serde_json::json!({ "user": { "id": id }, "access_token": name });
        (status, answer.to_string().into_bytes())
    }

    pub(super) fn user(&self, name: &str) -> Option<UserId> {
        let index = self.users.iter().position(|known| known == name)?;
        Some(UserId::from_bytes((index as u128 + 1).to_be_bytes()))
    }

    pub(super) fn new_room_id(&self) -> RoomId {
        RoomId::from_bytes((self.logs.len() as u128 + 1_000).to_be_bytes())
    }

    /// A room in which `user` is.
    pub(super) fn log(&mut self, room: RoomId, user: UserId) -> Result<&mut Log, ErrorData> {
        let mut logs = self.logs.iter_mut();
        logs.find(|log| log.id == room && log.members.contains(&user))
            .ok_or_else(ErrorData::forbidden_room)
    }

    pub(super) fn connected(&mut self, number: u64, stream: TcpStream) {
        let peer = Peer { stream, encoding: Encoding::Json, user: None, held: None };
        self.peers.insert(number, peer);
    }

    pub(super) fn disconnected(&mut self, number: u64) {
        self.peers.remove(&number);
    }

    pub(super) fn say(&mut self, number: u64, bytes: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&number) {
            // Whoever is gone is noticed by the thread that reads.
            let _ = peer.stream.write_all(bytes);
        }
    }

    pub(super) fn ok<T: Serialize>(&mut self, number: u64, reference: Option<u64>, data: &T) {
        let Some(peer) = self.peers.get(&number) else { return };
        let bytes = codec::ok(peer.encoding, reference, data);
        self.say(number, &bytes);
    }

    pub(super) fn error(&mut self, number: u64, reference: Option<u64>, error: &ErrorData) {
        let Some(peer) = self.peers.get(&number) else { return };
        let bytes = codec::error(peer.encoding, reference, error);
        self.say(number, &bytes);
    }

    /// Pushes an event to the members' sockets.
    pub(super) fn publish(&mut self, room: RoomId, event: &Event) {
        if self.chance.strikes(Fault::Phantom) {
            let phantom = Event { data: invented(), ..event.clone() };
            self.tell(room, &phantom);
        }
        self.tell(room, event);
    }

    fn tell(&mut self, room: RoomId, event: &Event) {
        let Some(log) = self.logs.iter().find(|log| log.id == room) else { return };
        let members = &log.members;
        for peer in self.peers.values_mut() {
            let Some(user) = peer.user else { continue };
            let bytes = codec::event(peer.encoding, event);
            if members.contains(&user) {
                peer.push(room, &bytes, &mut self.chance);
            } else if self.chance.strikes(Fault::Leak) {
                let _ = peer.stream.write_all(&bytes);
            }
        }
    }

    /// Tells a socket to go.
    pub(super) fn close(&mut self, number: u64) {
        let Some(peer) = self.peers.get(&number) else { return };
        let code = CloseCode::SlowConsumer;
        let bye = codec::bye(peer.encoding, &Bye::from(code));
        let close = framing::frame(Opcode::Close, &code.code().to_be_bytes());
        self.say(number, &[&bye[..], &close[..]].concat());
    }
}

impl Peer {
    fn push(&mut self, room: RoomId, bytes: &[u8], chance: &mut Chance) {
        if chance.strikes(Fault::LoseDelivery) {
            return;
        }
        if chance.strikes(Fault::SwapDeliveries) {
            self.held = Some((room, bytes.to_vec()));
            return;
        }
        let _ = self.stream.write_all(bytes);
        if chance.strikes(Fault::DoubleDelivery) {
            let _ = self.stream.write_all(bytes);
        }
        if let Some((_, held)) = self.held.take_if(|(of, _)| *of == room) {
            let _ = self.stream.write_all(&held);
        }
    }
}

/// A message that nobody sent.
fn invented() -> EventData {
    let sender = UserId::from_bytes([9; 16]);
    EventData::NewMessage(text_message(sender, Cid::from_bytes([9; 16]), Some("boo".to_owned())))
}

pub(super) fn text_message(sender: UserId, cid: Cid, text: Option<String>) -> NewMessage {
    NewMessage {
        sender,
        cid,
        kind: MessageKind::Text,
        text,
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        edited: None,
        recalled: false,
        photo: None,
        reactions: Vec::new(),
    }
}

/// The answer to what contradicts the log.
pub(super) fn conflict() -> ErrorData {
    ErrorData::new(ErrorCode::Conflict, "the message was recalled")
}

/// The room of a log.
pub(super) fn room_of(log: LogId) -> Result<RoomId, ErrorData> {
    match log {
        LogId::Room(room) => Ok(room),
        LogId::Inbox => Err(ErrorData::forbidden_room()),
    }
}
