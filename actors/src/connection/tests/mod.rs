//! Scripts: what a worker's connections say and ask, frame by frame, in a world made of lists.

mod following;
mod life;
mod requests;
mod viewing;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use salon_protocol::content::MessageKind;
use salon_protocol::event::NewMessage;
use salon_protocol::{
    Cid, CloseCode, Encoding, ErrorCode, ErrorData, Event, EventData, LogId, Millis, Request,
    RoomId, Seq, SessionId, UploadId, UserId, codec,
};
use salon_storage::model::{LogPage, RoomKey, UserKey, UserRef};
use serde_json::{Value, json};
use uuid::Uuid;

use super::catch_up::Pace;
use super::messages::{Batch, Greeting, Incoming, LogRead, Open, Subscription, ToWorker};
use super::outlet::{Count, Outlet, ReadLog};
use super::state::{Backlog, Worker};
use crate::caller::{Caller, Claims, ConnId, UserShared};
use crate::rate::RateLimits;
use crate::room::RoomRequest;
use crate::upload::UploadRequest;

const NOW: Millis = 1_767_225_600_000;
const LOG: RoomKey = RoomKey(7);
const HIGH_BYTES: usize = 1_000;

/// Lists of what was asked of the world.
#[derive(Debug)]
struct World {
    now: Millis,
    frames: Vec<(u32, Bytes)>,
    closed: Vec<(u32, CloseCode)>,
    /// What `send` says of a socket; 0 unless told.
    backlog: HashMap<u32, usize>,
    opens: Vec<Open>,
    asked_rooms: Vec<(RoomId, Caller, RoomRequest)>,
    asked_users: Vec<(Caller, Request)>,
    asked_uploads: Vec<(UploadId, Caller, UploadRequest)>,
    viewers: HashMap<RoomId, i64>,
    reported: Vec<ConnId>,
    users_closed: Vec<ConnId>,
    reads: Vec<ReadLog>,
    heads: HashMap<RoomKey, Seq>,
    registered: HashMap<RoomKey, u32>,
    deadlines: usize,
    dropped_signals: u64,
    /// Rooms and users refuse what they are asked.
    full: bool,
}

/// A worker under test and its world.
struct Bench {
    worker: Worker,
    world: World,
}

fn conn(slot: u32) -> ConnId {
    ConnId { worker: 0, slot, generation: 1 }
}

fn user(number: u32) -> UserRef {
    let id = UserId::new(Uuid::from_u128(number.into()));
    UserRef { key: UserKey(number.into()), id }
}

fn session(number: u32) -> SessionId {
    SessionId::new(Uuid::from_u128(1_000 + u128::from(number)))
}

fn claims(number: u32) -> Claims {
    let expires_at = NOW + 3_600_000;
    Claims { user: user(number).id, session: session(number), expires_at }
}

fn room() -> RoomId {
    RoomId::new(Uuid::from_u128(77))
}

fn subscription(after: Seq, head: Seq) -> Subscription {
    Subscription { log: LOG, id: LogId::Room(room()), after, head }
}

fn message(seq: Seq) -> Event {
    let data = NewMessage {
        sender: user(9).id,
        cid: Cid::new(Uuid::from_u128(seq.into())),
        kind: MessageKind::Text,
        text: Some(format!("number {seq}")),
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        edited: None,
        recalled: false,
        photo: None,
        reactions: Vec::new(),
    };
    Event { room: LogId::Room(room()), seq, at: NOW, data: EventData::NewMessage(data) }
}

/// All messages in framed bytes.
fn unframed(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let [first, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => panic!("longer than any frame here"),
            len => (usize::from(*len), rest),
        };
        values.push(match first & 0x0F {
            1 => serde_json::from_slice(&rest[..len]).unwrap(),
            _ => rmp_serde::from_slice(&rest[..len]).unwrap(),
        });
        bytes = &rest[len..];
    }
    values
}

impl Bench {
    fn new() -> Self {
        let world = World {
            now: NOW,
            frames: Vec::new(),
            closed: Vec::new(),
            backlog: HashMap::new(),
            opens: Vec::new(),
            asked_rooms: Vec::new(),
            asked_users: Vec::new(),
            asked_uploads: Vec::new(),
            viewers: HashMap::new(),
            reported: Vec::new(),
            users_closed: Vec::new(),
            reads: Vec::new(),
            heads: HashMap::new(),
            registered: HashMap::new(),
            deadlines: 0,
            dropped_signals: 0,
            full: false,
        };
        let backlog = Backlog { high_bytes: HIGH_BYTES };
        Bench { worker: Worker::new(0, backlog, Pace::default(), RateLimits { on: false }), world }
    }

    fn connect(&mut self, slot: u32) {
        self.worker.opened(conn(slot), Greeting::default());
    }

    fn say(&mut self, slot: u32, frame: &Value) {
        let text = frame.to_string();
        self.worker.frame(conn(slot), Incoming::Text(&text), &mut self.world);
    }

    fn say_text(&mut self, slot: u32, text: &str) {
        self.worker.frame(conn(slot), Incoming::Text(text), &mut self.world);
    }

    fn tell(&mut self, message: ToWorker) {
        self.worker.told(message, &mut self.world);
    }

    /// The socket of a user with the number of its slot, which asks for `auth`.
    fn begin(&mut self, slot: u32) {
        self.connect(slot);
        self.say(slot, &json!({"type": "auth", "ref": 1, "data": {"token": slot.to_string()}}));
    }

    /// His actor opens the session.
    fn grant(&mut self, slot: u32, logs: Vec<Subscription>) {
        let open = self.world.opens.pop().unwrap();
        assert_eq!(open.conn, conn(slot));
        let frame = codec::ok(open.encoding, open.reference, &json!({}));
        // Whose token it was; slots and users have the same numbers, unless a user has two sockets.
        let user = (1..=9).map(user).find(|user| user.id == open.claims.user).unwrap();
        let user = UserShared::new(user, false);
        let (conn, ticket, session) = (open.conn, open.ticket, open.claims.session);
        self.tell(ToWorker::Opened { conn, ticket, frame, user, session, logs });
    }

    /// A session that follows these logs; its `ok` is taken.
    fn open(&mut self, slot: u32, logs: Vec<Subscription>) {
        self.begin(slot);
        self.grant(slot, logs);
        assert_eq!(self.kinds(slot), ["ok"]);
    }

    /// Events of the log are told, encoded in JSON.
    fn events(&mut self, seqs: std::ops::RangeInclusive<Seq>) {
        let (first, last) = (*seqs.start(), *seqs.end());
        let frames = |encoding| {
            let all = seqs.clone().flat_map(|seq| codec::event(encoding, &message(seq)));
            Some(all.collect::<Bytes>())
        };
        self.world.heads.insert(LOG, last);
        let frames = [frames(Encoding::Json), frames(Encoding::MessagePack)];
        self.tell(ToWorker::Events(Arc::new(Batch { log: LOG, first, last, frames })));
    }

    /// The one page that is being read comes.
    fn page(&mut self, seqs: std::ops::RangeInclusive<Seq>) {
        self.answer_read(Ok(seqs.map(message).collect()));
    }

    fn answer_read(&mut self, events: salon_storage::Result<Vec<Event>>) {
        let page = events.map(|events| LogPage { events, own: HashMap::new() });
        self.answer_page(page);
    }

    fn answer_page(&mut self, page: salon_storage::Result<LogPage>) {
        let number = self.world.reads.remove(0).number;
        self.tell(ToWorker::LogRead(LogRead { number, page: page.map(Arc::new) }));
    }

    /// Takes what was sent to a socket.
    fn taken(&mut self, slot: u32) -> Vec<Value> {
        let frames = std::mem::take(&mut self.world.frames);
        let (here, others): (Vec<_>, Vec<_>) = frames.into_iter().partition(|(to, _)| *to == slot);
        self.world.frames = others;
        here.iter().flat_map(|(_, bytes)| unframed(bytes)).collect()
    }

    fn kinds(&mut self, slot: u32) -> Vec<String> {
        self.taken(slot).iter().map(|frame| frame["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The codes of the errors that were sent to a socket; whatever else was is a failure.
    fn errors(&mut self, slot: u32) -> Vec<String> {
        let code = |frame: &Value| {
            assert_eq!(frame["type"], "error", "{frame}");
            frame["data"]["code"].as_str().unwrap().to_owned()
        };
        self.taken(slot).iter().map(code).collect()
    }

    /// The positions of the events that were sent to a socket.
    fn seqs(&mut self, slot: u32) -> Vec<Seq> {
        self.taken(slot).iter().map(|frame| frame["seq"].as_u64().unwrap()).collect()
    }

    fn tick(&mut self) {
        self.worker.tick(&mut self.world);
    }

    fn drain(&mut self, slot: u32) {
        self.world.backlog.remove(&slot);
        self.worker.drained(conn(slot), &mut self.world);
    }

    fn close(&mut self, slot: u32) {
        self.worker.closed(conn(slot), &mut self.world);
    }
}

fn busy() -> ErrorData {
    ErrorData::new(ErrorCode::Overloaded, "busy")
}

impl Outlet for World {
    fn now(&self) -> Millis {
        self.now
    }

    fn send(&mut self, conn: ConnId, frame: Bytes) -> usize {
        self.frames.push((conn.slot, frame));
        self.backlog.get(&conn.slot).copied().unwrap_or(0)
    }

    fn close(&mut self, conn: ConnId, code: CloseCode) {
        self.closed.push((conn.slot, code));
    }

    fn await_auth(&mut self, _: ConnId) {
        self.deadlines += 1;
    }

    fn verify(&mut self, token: &str) -> Option<Claims> {
        token.parse().ok().map(claims)
    }

    fn open(&mut self, open: Open) -> Result<(), ErrorData> {
        if self.full {
            return Err(busy());
        }
        self.opens.push(open);
        Ok(())
    }

    fn ask_room(
        &mut self,
        room: RoomId,
        caller: Caller,
        request: RoomRequest,
    ) -> Result<(), ErrorData> {
        if self.full {
            return Err(busy());
        }
        self.asked_rooms.push((room, caller, request));
        Ok(())
    }

    fn ask_user(&mut self, caller: Caller, request: Request) -> Result<(), ErrorData> {
        if self.full {
            return Err(busy());
        }
        self.asked_users.push((caller, request));
        Ok(())
    }

    fn ask_upload(
        &mut self,
        upload: UploadId,
        caller: Caller,
        request: UploadRequest,
    ) -> Result<(), ErrorData> {
        if self.full {
            return Err(busy());
        }
        self.asked_uploads.push((upload, caller, request));
        Ok(())
    }

    fn viewer(&mut self, session: RoomId, _: RoomKey, came: bool) {
        *self.viewers.entry(session).or_default() += if came { 1 } else { -1 };
    }

    fn report(&mut self, _: UserId, conn: ConnId) {
        self.reported.push(conn);
    }

    fn closed(&mut self, _: UserId, conn: ConnId) {
        self.users_closed.push(conn);
    }

    fn register(&mut self, log: RoomKey) -> Seq {
        *self.registered.entry(log).or_default() += 1;
        self.head(log)
    }

    fn unregister(&mut self, log: RoomKey) {
        *self.registered.entry(log).or_default() -= 1;
    }

    fn head(&self, log: RoomKey) -> Seq {
        self.heads.get(&log).copied().unwrap_or(0)
    }

    fn read_log(&mut self, read: ReadLog) {
        self.reads.push(read);
    }

    fn count(&mut self, what: Count, number: u64) {
        if what == Count::SignalDropped {
            self.dropped_signals += number;
        }
    }
}
