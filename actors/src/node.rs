//! One node: what all its threads share, and the verbs that the rest of the house may use.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use actix::{Arbiter, ArbiterHandle};
use salon_protocol::{
    CloseCode, Encoding, ErrorCode, ErrorData, Millis, RoomId, SessionId, UploadId, UserId, limits,
};
use salon_storage::contract::{Blobs, Bus, Clock, Store};
use salon_storage::model::{LogPage, LogRange};
use tokio::sync::mpsc;

use crate::caller::{Caller, Claims};
use crate::committing::Committing;
use crate::config::NodeConfig;
use crate::connection::{ReadLog, Target, ToWorker, Who};
use crate::directory::Directory;
use crate::inside::Inside;
use crate::metrics::NodeMetrics;
use crate::presence::Presence;
use crate::publish::{Publish as _, Reach};
use crate::registry::{Generation, Refused, Registry};
use crate::room::{RoomActor, RoomInput, RoomMessage, RoomRequest};
use crate::session::{Guesses, SessionKeys, Studio, Viewers};
use crate::upload::{UploadActor, UploadInput, UploadMessage, UploadRequest};
use crate::user::{UserActor, UserInput, UserMessage};
use crate::writing::Writing;

/// Says who a token belongs to.
pub trait Tokens: Send + Sync + std::fmt::Debug {
    /// The claims of a token that is genuine, not expired and not revoked.
    fn verify(&self, token: &str, now: Millis) -> Option<Claims>;
}

/// What a node is made of.
#[derive(Debug)]
pub struct NodeParts {
    /// What survives.
    pub store: Arc<dyn Store>,
    /// The bus to other nodes.
    pub bus: Arc<dyn Bus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who comes.
    pub tokens: Arc<dyn Tokens>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// What opens photo sessions.
    pub keys: SessionKeys,
    /// The folder of uploads that go on.
    pub uploads: PathBuf,
    /// What the operator decided.
    pub config: NodeConfig,
    /// Counters.
    pub metrics: NodeMetrics,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    parts: NodeParts,
    rooms: Registry<RoomActor>,
    users: Registry<UserActor>,
    going_on: Registry<UploadActor>,
    directory: Directory,
    presence: Presence,
    workers: RwLock<Vec<Arc<WorkerLink>>>,
    /// Where actors live while there are no workers.
    home: ArbiterHandle,
    /// Encodings that some socket has spoken.
    spoken: [AtomicBool; 2],
    draining: AtomicBool,
    writing: Writing,
    committing: Arc<Committing>,
    inside: Inside,
    studio: Studio,
    viewers: Viewers,
    guesses: Arc<Guesses>,
}

/// The way to a worker's connections.
#[derive(Debug)]
pub(crate) struct WorkerLink {
    pub(crate) number: u16,
    queue: mpsc::Sender<ToWorker>,
    arbiter: ArbiterHandle,
    /// Events or signals did not fit the queue: the worker has to look at its logs.
    pub(crate) overflowed: AtomicBool,
    /// Something did not fit that nothing makes good: the worker's sockets have to begin anew.
    pub(crate) lost: AtomicBool,
}

/// Messages that wait for one worker.
const WORKER_QUEUE_MAX: usize = 16_384;
/// Of these: kept free for what is not made good by the next event.
const WORKER_QUEUE_RESERVE: usize = 8_192;

impl Node {
    /// Starts a node on the current arbiter. Workers add themselves
    /// ([`Connections::start`](crate::Connections::start)).
    pub fn start(parts: NodeParts) -> Arc<Node> {
        let node = Arc::new_cyclic(|node: &Weak<Node>| Node {
            presence: Presence::start(node.clone(), parts.config.presence_grace_ms),
            guesses: Guesses::new(parts.config.rate_limits),
            studio: Studio::new(parts.config.watermark_font.clone()),
            parts,
            rooms: Registry::default(),
            users: Registry::default(),
            going_on: Registry::default(),
            directory: Directory::default(),
            workers: RwLock::default(),
            home: Arbiter::current(),
            spoken: Default::default(),
            draining: AtomicBool::new(false),
            writing: Writing::default(),
            committing: Arc::default(),
            inside: Inside::default(),
            viewers: Viewers::default(),
        });
        actix::spawn(crate::bell::listen(Arc::downgrade(&node)));
        actix::spawn(crate::session::keep_house(Arc::downgrade(&node)));
        node
    }

    /// What survives.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// Files.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.parts.blobs
    }

    /// What opens photo sessions.
    pub fn keys(&self) -> &SessionKeys {
        &self.parts.keys
    }

    /// Wrong codes and grants of photo sessions.
    pub fn guesses(&self) -> &Arc<Guesses> {
        &self.guesses
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.parts.clock.now()
    }

    /// Counters.
    pub fn metrics(&self) -> &NodeMetrics {
        &self.parts.metrics
    }

    /// Whether a token is good.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        self.parts.tokens.verify(token, self.now())
    }

    /// Whether the server is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Logins have ended: their sockets on this node close.
    pub fn sessions_ended(&self, user: UserId, sessions: &[SessionId]) {
        for session in sessions {
            let who = Who::Session(user, *session);
            self.to_all_workers(|| ToWorker::Close { who, code: CloseCode::SessionEnded });
        }
    }

    /// An account may not be used any more: its sockets on this node close.
    pub fn account_disabled(&self, user: UserId) {
        let who = Who::User(user);
        self.to_all_workers(|| ToWorker::Close { who, code: CloseCode::Disabled });
    }

    /// The server stops: everybody is told to come back within `spread_ms`, each at another time,
    /// and what is not written yet is written.
    pub fn drain(&self, spread_ms: u64) {
        self.draining.store(true, Ordering::Release);
        self.to_all_workers(|| ToWorker::Shutdown { spread_ms });
        self.presence.drain();
        for room in self.rooms.keys() {
            self.tell_room(room, RoomInput::Drain);
        }
    }

    /// Rooms and users that are alive.
    pub fn actors_alive(&self) -> usize {
        self.rooms.len() + self.users.len()
    }

    /// Messages that wait for workers.
    pub fn workers_waiting(&self) -> u64 {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        let waiting = |link: &Arc<WorkerLink>| link.queue.max_capacity() - link.queue.capacity();
        workers.iter().map(waiting).sum::<usize>() as u64
    }

    pub(crate) fn config(&self) -> &NodeConfig {
        &self.parts.config
    }

    pub(crate) fn writing(&self) -> &Writing {
        &self.writing
    }

    pub(crate) fn committing(&self) -> &Arc<Committing> {
        &self.committing
    }

    /// The folder of uploads that go on.
    pub(crate) fn uploads(&self) -> &Path {
        &self.parts.uploads
    }

    pub(crate) fn studio(&self) -> &Studio {
        &self.studio
    }

    pub(crate) fn viewers(&self) -> &Viewers {
        &self.viewers
    }

    pub(crate) fn inside(&self) -> &Inside {
        &self.inside
    }

    pub(crate) fn bus(&self) -> &Arc<dyn Bus> {
        &self.parts.bus
    }

    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// A socket speaks this encoding: from now on everything is encoded in it, too.
    pub(crate) fn speaks(&self, encoding: Encoding) {
        self.spoken[encoding.index()].store(true, Ordering::Release);
    }
}

/// Workers.
impl Node {
    /// Adds the current thread as a worker.
    pub(crate) fn add_worker(&self) -> (Arc<WorkerLink>, mpsc::Receiver<ToWorker>) {
        let (queue, receiver) = mpsc::channel(WORKER_QUEUE_MAX);
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        let link = Arc::new(WorkerLink {
            number: workers.len() as u16,
            queue,
            arbiter: Arbiter::current(),
            overflowed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        });
        workers.push(link.clone());
        (link, receiver)
    }

    fn worker(&self, number: u16) -> Option<Arc<WorkerLink>> {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        workers.get(usize::from(number)).cloned()
    }

    /// Tells a worker, and waits while its queue is full.
    pub(crate) async fn to_worker_waiting(&self, number: u16, message: ToWorker) {
        if let Some(worker) = self.worker(number) {
            // A worker that has ended needs no message.
            let _ = worker.queue.send(message).await;
        }
    }

    /// The thread of a worker; without workers the one on which the node was started.
    fn arbiter(&self, number: usize) -> ArbiterHandle {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        let count = workers.len().max(1);
        workers.get(number % count).map_or_else(|| self.home.clone(), |link| link.arbiter.clone())
    }
}

/// Rooms and users.
impl Node {
    /// Asks a room; starts its actor if need be.
    pub(crate) fn ask_room(
        self: &Arc<Self>,
        room: RoomId,
        caller: Caller,
        request: RoomRequest,
    ) -> Result<(), ErrorData> {
        let message = RoomMessage(RoomInput::Request(caller, request));
        // The last bytes of a UUID v7 are random: rooms spread evenly over threads.
        let place = usize::from(room.as_bytes()[15]);
        let node = self.clone();
        let make = move |generation| RoomActor::new(node, room, generation);
        let sent = self.rooms.send(room, message, self.now(), &self.arbiter(place), make);
        self.sent(sent)
    }

    /// Asks a user's actor; starts it on the asking worker's thread if need be.
    pub(crate) fn ask_user(
        self: &Arc<Self>,
        user: UserId,
        input: UserInput,
        worker: u16,
    ) -> Result<(), ErrorData> {
        let node = self.clone();
        let make = move |generation| UserActor::new(node, user, generation);
        let arbiter = self.arbiter(usize::from(worker));
        let sent = self.users.send(user, UserMessage(input), self.now(), &arbiter, make);
        self.sent(sent)
    }

    /// Asks an upload; starts its actor if need be.
    pub(crate) fn ask_upload(
        self: &Arc<Self>,
        upload: UploadId,
        caller: Caller,
        request: UploadRequest,
    ) -> Result<(), ErrorData> {
        let message = UploadMessage(UploadInput::Request(caller, request));
        let node = self.clone();
        let make = move |generation| UploadActor::new(node, upload, generation);
        let arbiter = self.arbiter(usize::from(caller.conn.worker));
        let sent = self.going_on.send(upload, message, self.now(), &arbiter, make);
        self.sent(sent)
    }

    pub(crate) fn retire_upload(&self, upload: UploadId, generation: Generation) {
        self.metrics().mailbox_depth.inc();
        self.going_on.retire(upload, generation, UploadMessage(UploadInput::Last));
    }

    /// An upload's actor is gone; when it had not retired, what was asked of it is lost.
    pub(crate) fn upload_died(&self, upload: UploadId, generation: Generation) {
        if self.going_on.died(upload, generation, self.now()) {
            self.mourn("upload", &upload);
            self.to_all_workers(|| ToWorker::Lost(Target::Upload(upload)));
        }
    }

    fn sent<M>(&self, sent: Result<(), Refused<M>>) -> Result<(), ErrorData> {
        match sent {
            Ok(()) => {
                self.metrics().mailbox_depth.inc();
                Ok(())
            }
            Err(Refused::Full(_)) => {
                self.metrics().mailbox_full.inc();
                let error = ErrorData::new(ErrorCode::Overloaded, "too many requests wait there");
                Err(error.retry_after(500))
            }
            Err(Refused::Broken(_, wait_ms)) => {
                let error = ErrorData::new(ErrorCode::Unavailable, "it is being started again");
                Err(error.retry_after(wait_ms.max(100)))
            }
        }
    }

    /// Tells a user's actor, if there is one.
    pub(crate) fn tell_user(&self, user: UserId, input: UserInput) {
        if self.users.tell(user, UserMessage(input)).is_ok() {
            self.metrics().mailbox_depth.inc();
        }
    }

    /// Something outside of a room's log has changed.
    pub(crate) fn refresh_room(&self, room: RoomId) {
        self.tell_room(room, RoomInput::Refresh);
    }

    pub(crate) fn retire_room(&self, room: RoomId, generation: Generation) {
        self.metrics().mailbox_depth.inc();
        self.rooms.retire(room, generation, RoomMessage(RoomInput::Last));
    }

    pub(crate) fn retire_user(&self, user: UserId, generation: Generation) {
        self.metrics().mailbox_depth.inc();
        self.users.retire(user, generation, UserMessage(UserInput::Last));
    }

    /// A room's actor is gone; when it had not retired, what was asked of it is lost.
    pub(crate) fn room_died(&self, room: RoomId, generation: Generation) {
        if self.rooms.died(room, generation, self.now()) {
            self.mourn("room", &room);
            self.to_all_workers(|| ToWorker::Lost(Target::Room(room)));
        }
    }

    /// The same for a user's actor.
    pub(crate) fn user_died(&self, user: UserId, generation: Generation) {
        if self.users.died(user, generation, self.now()) {
            self.mourn("user", &user);
            self.user_begins_anew(user);
        }
    }

    fn mourn(&self, actor: &str, id: &dyn std::fmt::Display) {
        // At the end of the node its actors end with their threads, which is in order.
        if !self.is_draining() {
            tracing::error!(actor, %id, "actor died");
            self.metrics().restarts.inc();
        }
    }

    /// A user's actor has forgotten everything: what was asked of it is lost, and his sockets are
    /// looked for.
    pub(crate) fn user_begins_anew(&self, user: UserId) {
        self.to_all_workers(|| ToWorker::Lost(Target::User(user)));
        self.to_all_workers(|| ToWorker::Report(user));
    }

    /// Reads on in a log. Workers bound how much of that they do at once.
    pub(crate) async fn read_log(&self, read: ReadLog) -> salon_storage::Result<Arc<LogPage>> {
        let ReadLog { log, id, after, until, viewers, .. } = read;
        let limit = limits::PAGE_EVENTS_MAX;
        self.store().read_log(LogRange { log, id, after, until, limit, viewers }).await
    }
}

impl Reach for Node {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn bus(&self) -> &dyn Bus {
        &*self.parts.bus
    }

    fn metrics(&self) -> &NodeMetrics {
        &self.parts.metrics
    }

    fn is_spoken(&self, encoding: Encoding) -> bool {
        self.spoken[encoding.index()].load(Ordering::Acquire)
    }

    fn workers_count(&self) -> usize {
        self.workers.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Tells a worker. When its queue is nearly full, events and signals are dropped, and the
    /// worker looks at all its logs within a second. When it is full to the brim, the worker closes
    /// all its sockets before it hears anything that is told later: they come back to what is true.
    fn to_worker(&self, number: u16, message: ToWorker) {
        let Some(worker) = self.worker(number) else { return };
        let flag = if message.can_be_dropped() { &worker.overflowed } else { &worker.lost };
        let full = message.can_be_dropped() && worker.queue.capacity() <= WORKER_QUEUE_RESERVE;
        let told = if full { Err(()) } else { worker.queue.try_send(message).map_err(|_| ()) };
        if told.is_err() {
            flag.store(true, Ordering::Release);
            self.metrics().mailbox_full.inc();
        }
    }

    fn user_is_here(&self, user: UserId) -> bool {
        self.users.is_alive(user)
    }

    fn tell_room(&self, room: RoomId, input: RoomInput) {
        if self.rooms.tell(room, RoomMessage(input)).is_ok() {
            self.metrics().mailbox_depth.inc();
        }
    }
}
