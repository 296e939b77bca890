//! A house to test in: a store in a temporary folder, a node on it, sockets that are lists.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use bytes::Bytes;
use salon_actors::{
    Claims, Connections, Greeting, Incoming, Node, NodeConfig, NodeMetrics, NodeParts, SessionKeys,
    SocketOut, Tokens,
};
use salon_protocol::{CloseCode, Millis, RoomId, SessionId, UserId};
use salon_storage::blob::ObjectBlobs;
use salon_storage::bus::{AloneBus, LocalBus};
use salon_storage::conformance::{START, TestClock, World};
use salon_storage::contract::{Bus, Clock, NewSession};
use salon_storage::model::UserRef;
use salon_storage::sql::{Database, OpenOptions, SqlStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The longest that anything may take; only a failure takes as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time for the living part. Can be made to panic at the n-th time that a thread asks.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    clock: TestClock,
    left: AtomicI64,
    thread: std::sync::Mutex<Option<ThreadId>>,
}

impl Fuse {
    /// The `n`-th look at the clock on `thread` panics.
    pub(crate) fn light(&self, thread: ThreadId, n: i64) {
        *self.thread.lock().unwrap() = Some(thread);
        self.left.store(n, Ordering::SeqCst);
    }

    /// Puts it out; tells whether it was still burning.
    pub(crate) fn put_out(&self) -> bool {
        self.left.swap(0, Ordering::SeqCst) > 0
    }

    pub(crate) fn advance(&self, ms: Millis) {
        self.clock.advance(ms);
    }
}

impl Clock for Fuse {
    fn now(&self) -> Millis {
        let of_thread = *self.thread.lock().unwrap() == Some(std::thread::current().id());
        if of_thread && self.left.load(Ordering::SeqCst) > 0 {
            assert!(self.left.fetch_sub(1, Ordering::SeqCst) != 1, "the fuse has burnt down");
        }
        self.clock.now()
    }
}

/// A token is `<user>/<session>`.
#[derive(Debug)]
struct PlainTokens;

impl Tokens for PlainTokens {
    fn verify(&self, token: &str, _: Millis) -> Option<Claims> {
        let (user, session) = token.split_once('/')?;
        let (user, session) = (user.parse().ok()?, session.parse().ok()?);
        let (user, session) = (UserId::new(user), SessionId::new(session));
        Some(Claims { user, session, expires_at: START + 3_600_000 })
    }
}

/// The store and what belongs to it.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) fuse: Arc<Fuse>,
    pub(crate) bus: LocalBus,
    folder: TempDir,
}

/// Sockets of one worker.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    sockets: RefCell<HashMap<u32, mpsc::Sender<Value>>>,
}

impl SocketOut for Hub {
    fn send(&self, slot: u32, _: u32, frame: Bytes) -> usize {
        if let Some(socket) = self.sockets.borrow().get(&slot) {
            for value in unframed(&frame) {
                socket.try_send(value).unwrap();
            }
        }
        0
    }

    fn close(&self, slot: u32, _: u32, _: CloseCode) {
        self.sockets.borrow_mut().remove(&slot);
    }

    fn set_deadline(&self, _: u32, _: u32, _: u32) {}

    fn high_bytes(&self) -> usize {
        1_000_000
    }
}

/// All messages in framed bytes.
fn unframed(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let [first, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
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

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let database = Database::Sqlite(folder.path().into());
        let options = OpenOptions { clock: clock.clone(), ..OpenOptions::new(database) };
        let store = Arc::new(SqlStore::open(options).await.unwrap());
        let world = World { store, clock };
        House { world, fuse: Arc::default(), bus: LocalBus::first(), folder }
    }

    /// A node that is alone, and the sockets of its first worker: this thread.
    pub(crate) fn node(&self, config: NodeConfig) -> Door {
        self.node_on(Arc::new(AloneBus::default()), config)
    }

    pub(crate) fn node_on(&self, bus: Arc<dyn Bus>, config: NodeConfig) -> Door {
        let node = Node::start(NodeParts {
            store: self.world.store.clone(),
            bus,
            clock: self.fuse.clone(),
            tokens: Arc::new(PlainTokens),
            blobs: Arc::new(ObjectBlobs::local(&self.folder.path().join("blobs")).unwrap()),
            keys: SessionKeys::new(b"a secret of tests"),
            uploads: self.folder.path().join("uploads"),
            config,
            metrics: NodeMetrics::default(),
        });
        let hub = Rc::new(Hub::default());
        let connections = Connections::start(&node, hub.clone());
        Door { node, hub, connections, next_slot: 0 }
    }

    /// Somebody with an account and a login.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let user = self.world.user(name).await;
        let session = SessionId::new(Uuid::now_v7());
        self.login(user, session, name).await;
        Person { user, session }
    }

    pub(crate) async fn login(&self, user: UserRef, session: SessionId, device: &str) {
        let new = NewSession {
            id: session,
            user: user.id,
            device: device.into(),
            refresh_hash: [0; 32],
            expires_at: START + 3_600_000,
        };
        self.world.store.start_session(new).await.unwrap();
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserRef,
    pub(crate) session: SessionId,
}

impl Person {
    pub(crate) fn id(&self) -> UserId {
        self.user.id
    }

    fn token(&self) -> String {
        format!("{}/{}", self.user.id, self.session)
    }
}

/// The way into a node.
pub(crate) struct Door {
    pub(crate) node: Arc<Node>,
    pub(crate) hub: Rc<Hub>,
    pub(crate) connections: Connections,
    next_slot: u32,
}

impl Door {
    /// A socket that has said nothing yet.
    pub(crate) fn connect(&mut self) -> Client {
        let slot = self.next_slot;
        self.next_slot += 1;
        let (sender, frames) = mpsc::channel(100_000);
        self.hub.sockets.borrow_mut().insert(slot, sender);
        self.connections.opened(slot, 0, Greeting::default());
        let connections = self.connections.clone();
        Client { slot, connections, frames, reference: 0, kept: VecDeque::new() }
    }

    /// A socket with an open session; `auth` holds what the frame says beside the token.
    pub(crate) async fn open(&mut self, person: &Person, mut auth: Value) -> (Client, Value) {
        auth["token"] = person.token().into();
        let mut client = self.connect();
        let answer = client.ask("auth", auth).await;
        assert_eq!(answer["type"], "ok", "{answer}");
        (client, answer["data"].clone())
    }

    pub(crate) async fn enter(&mut self, person: &Person) -> Client {
        self.open(person, json!({})).await.0
    }

    /// Waits until no room and no user is awake.
    pub(crate) async fn all_asleep(&self) {
        let node = self.node.clone();
        let asleep = async move {
            while node.actors_alive() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, asleep).await.expect("somebody does not sleep");
    }
}

/// A client on its socket.
pub(crate) struct Client {
    slot: u32,
    connections: Connections,
    frames: mpsc::Receiver<Value>,
    reference: u64,
    /// What came while something else was waited for.
    kept: VecDeque<Value>,
}

impl Client {
    /// Sends a request and does not wait; returns its number.
    pub(crate) fn send(&mut self, kind: &str, data: Value) -> u64 {
        self.reference += 1;
        let frame = json!({"type": kind, "ref": self.reference, "data": data}).to_string();
        self.connections.frame(self.slot, 0, Incoming::Text(&frame));
        self.reference
    }

    /// The next frame; `None` when the socket was closed.
    async fn frame(&mut self) -> Option<Value> {
        let frame = tokio::time::timeout(PATIENCE, self.frames.recv()).await;
        frame.unwrap_or_else(|_| panic!("nothing comes; kept: {:?}", self.kept))
    }

    /// The first frame, kept or to come, for which this holds.
    async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.kept.iter().position(&wanted) {
            return self.kept.remove(place).unwrap();
        }
        loop {
            let frame = self.frame().await.expect("the socket is closed");
            if wanted(&frame) {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    pub(crate) async fn answer(&mut self, reference: u64) -> Value {
        self.find(|frame| frame["ref"] == reference).await
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, kind: &str, data: Value) -> Value {
        let reference = self.send(kind, data);
        self.answer(reference).await
    }

    /// The same for a request that must succeed; its data.
    pub(crate) async fn done(&mut self, kind: &str, data: Value) -> Value {
        let answer = self.ask(kind, data).await;
        assert_eq!(answer["type"], "ok", "{kind}: {answer}");
        answer["data"].clone()
    }

    /// The same for a request that must be refused; the code.
    pub(crate) async fn refused(&mut self, kind: &str, data: Value) -> String {
        let answer = self.ask(kind, data).await;
        assert_eq!(answer["type"], "error", "{kind}: {answer}");
        answer["data"]["code"].as_str().unwrap().to_owned()
    }

    /// The next push of this kind.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// All events of a room up to `last`, in the order in which they came.
    pub(crate) async fn events_up_to(&mut self, room: &str, last: u64) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.last() != Some(&last) {
            let of_room = |frame: &Value| frame["room"] == room && frame["seq"].is_u64();
            seqs.push(self.find(of_room).await["seq"].as_u64().unwrap());
        }
        seqs
    }

    /// Waits for the end; returns the code of the `bye`.
    pub(crate) async fn closed(&mut self) -> u64 {
        let bye = self.event("bye").await;
        while let Some(frame) = self.frame().await {
            self.kept.push_back(frame);
        }
        bye["data"]["code"].as_u64().unwrap()
    }

    /// Everything that has come so far and was not asked for.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        while let Ok(frame) = self.frames.try_recv() {
            self.kept.push_back(frame);
        }
        self.kept.drain(..).collect()
    }

    /// The socket breaks.
    pub(crate) fn cut(self) {
        self.connections.closed(self.slot, 0);
    }

    /// A new group.
    pub(crate) async fn group(&mut self, members: &[&Person]) -> String {
        let members: Vec<UserId> = members.iter().map(|person| person.id()).collect();
        let data = json!({"cid": cid(), "name": "tea", "members": members});
        self.done("create_room", data).await["room"].as_str().unwrap().to_owned()
    }

    /// Says something; its position.
    pub(crate) async fn say(&mut self, room: &str, text: &str) -> u64 {
        self.done("send_message", message(room, text)).await["seq"].as_u64().unwrap()
    }
}

pub(crate) fn cid() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn message(room: &str, text: &str) -> Value {
    json!({"room": room, "cid": cid(), "kind": "text", "text": text})
}

pub(crate) fn room_id(room: &str) -> RoomId {
    RoomId::new(room.parse().unwrap())
}

/// Without rates, and asleep as soon as nothing is to do.
pub(crate) fn quiet() -> NodeConfig {
    NodeConfig { rate_limits: false, ..NodeConfig::default() }
}
