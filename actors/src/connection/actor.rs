//! How a worker's connections act: between the socket layer, which calls, and the actors, which
//! send.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Context, StreamHandler};
use bytes::Bytes;
use salon_protocol::{
    CloseCode, Encoding, ErrorData, Millis, Request, RoomId, Seq, UploadId, UserId, limits,
};
use salon_storage::model::{RoomKey, RoomRef};
use tokio::sync::mpsc;

use super::catch_up::Pace;
use super::messages::{Greeting, Incoming, LogRead, Open, ToWorker};
use super::outlet::{Count, Outlet, ReadLog};
use super::state::{Backlog, Worker};
use crate::bell::Ringing as _;
use crate::caller::{Caller, Claims, ConnId};
use crate::node::{Node, WorkerLink};
use crate::publish::Reach as _;
use crate::room::RoomRequest;
use crate::upload::UploadRequest;
use crate::user::UserInput;

/// The socket layer, as the connections see it. `slot` and `generation` name a socket.
pub trait SocketOut: std::fmt::Debug {
    /// Queues framed bytes; returns how many bytes wait for the socket now (0 when it is gone).
    fn send(&self, slot: u32, generation: u32, frame: Bytes) -> usize;

    /// Closes behind what is queued.
    fn close(&self, slot: u32, generation: u32, code: CloseCode);

    /// Has [`Connections::deadline`] called after so many running seconds.
    fn set_deadline(&self, slot: u32, generation: u32, seconds: u32);

    /// Above so many waiting bytes a socket is slow, until [`Connections::drained`].
    fn high_bytes(&self) -> usize;
}

/// The connections of one worker thread: what the socket layer calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections {
    inner: Rc<RefCell<Inner>>,
}

#[derive(Debug)]
struct Inner {
    worker: Worker,
    world: World,
    link: Arc<WorkerLink>,
}

/// The real world.
#[derive(Debug)]
struct World {
    node: Arc<Node>,
    out: Rc<dyn SocketOut>,
    number: u16,
    encodings: EncodingsSeen,
    writes_waiting: usize,
}

/// Which encodings sockets of this worker have spoken; told to the node once each.
#[derive(Debug, Default)]
struct EncodingsSeen([bool; 2]);

impl Connections {
    /// Starts the connections of the current thread, which must be an arbiter.
    pub fn start(node: &Arc<Node>, out: Rc<dyn SocketOut>) -> Self {
        let (link, queue) = node.add_worker();
        let backlog = Backlog { high_bytes: out.high_bytes() };
        let worker = Worker::new(link.number, backlog, Pace::default(), node.config().rates());
        let number = link.number;
        let (node, encodings) = (node.clone(), EncodingsSeen::default());
        let world = World { node, out, number, encodings, writes_waiting: 0 };
        let inner = Rc::new(RefCell::new(Inner { worker, world, link }));
        ConnectionActor { inner: inner.clone(), queue: Some(queue) }.start();
        Connections { inner }
    }

    /// A socket has opened.
    pub fn opened(&self, slot: u32, generation: u32, greeting: Greeting) {
        self.with(slot, generation, |worker, world, id| {
            worker.opened(id, greeting);
            world.await_auth(id);
        });
    }

    /// A frame has come.
    pub fn frame(&self, slot: u32, generation: u32, frame: Incoming<'_>) {
        self.with(slot, generation, |worker, world, id| {
            world.encodings.see(frame.encoding(), &world.node);
            worker.frame(id, frame, world);
        });
    }

    /// The backlog of a slow socket is small again.
    pub fn drained(&self, slot: u32, generation: u32) {
        self.with(slot, generation, |worker, world, id| worker.drained(id, world));
    }

    /// The deadline has come.
    pub fn deadline(&self, slot: u32, generation: u32) {
        self.with(slot, generation, |worker, world, id| worker.deadline(id, world));
    }

    /// A socket is gone.
    pub fn closed(&self, slot: u32, generation: u32) {
        self.with(slot, generation, |worker, world, id| worker.closed(id, world));
    }

    /// So many sockets wait to be written to.
    pub fn writes_waiting(&self, sockets: usize) {
        let Inner { world, .. } = &mut *self.inner.borrow_mut();
        let before = std::mem::replace(&mut world.writes_waiting, sockets);
        world.node.writing().changed(before, sockets);
    }

    /// A running second has passed.
    pub fn tick(&self) {
        let Inner { worker, world, link } = &mut *self.inner.borrow_mut();
        worker.tick(world);
        if link.overflowed.swap(false, Ordering::AcqRel) {
            // Something that was meant for this worker found its queue full.
            worker.audit(world);
        }
    }

    fn with(&self, slot: u32, generation: u32, work: impl FnOnce(&mut Worker, &mut World, ConnId)) {
        let Inner { worker, world, .. } = &mut *self.inner.borrow_mut();
        let id = ConnId { worker: world.number, slot, generation };
        work(worker, world, id);
    }
}

impl EncodingsSeen {
    fn see(&mut self, encoding: Encoding, node: &Arc<Node>) {
        if !std::mem::replace(&mut self.0[encoding.index()], true) {
            node.speaks(encoding);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.node.writing().changed(self.writes_waiting, 0);
    }
}

/// Takes in what other actors tell, as much as there is at once.
struct ConnectionActor {
    inner: Rc<RefCell<Inner>>,
    queue: Option<mpsc::Receiver<ToWorker>>,
}

/// What is taken out of the queue in one go.
const TAKE_MAX: usize = 1_024;

impl Actor for ConnectionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Some(queue) = self.queue.take() {
            let batches = futures_util::stream::unfold(queue, async |mut queue| {
                let mut batch = Vec::new();
                let taken = queue.recv_many(&mut batch, TAKE_MAX).await;
                (taken > 0).then_some((batch, queue))
            });
            Self::add_stream(batches, context);
        }
    }
}

impl StreamHandler<Vec<ToWorker>> for ConnectionActor {
    fn handle(&mut self, batch: Vec<ToWorker>, _: &mut Self::Context) {
        let Inner { worker, world, link } = &mut *self.inner.borrow_mut();
        if link.lost.swap(false, Ordering::AcqRel) {
            tracing::error!("a worker's queue is full; its sockets begin anew");
            worker.begin_anew(world);
        }
        for message in batch {
            let outcome = crate::contain::contained(|| worker.told(message, world));
            if let Err(panic) = outcome {
                // One message is lost: the logs are looked at with the next tick, and requests
                // whose answers it held are answered in time.
                tracing::error!(panic, "connections panicked");
                world.node.metrics().restarts.inc();
                link.overflowed.store(true, Ordering::Release);
            }
        }
    }
}

impl Outlet for World {
    fn now(&self) -> Millis {
        self.node.now()
    }

    fn send(&mut self, conn: ConnId, frame: Bytes) -> usize {
        self.out.send(conn.slot, conn.generation, frame)
    }

    fn close(&mut self, conn: ConnId, code: CloseCode) {
        self.out.close(conn.slot, conn.generation, code);
    }

    fn await_auth(&mut self, conn: ConnId) {
        // The deadline fires up to a second late; `auth` must have come within the time.
        let seconds = u32::try_from(limits::AUTH_WITHIN_MS / 1_000 - 1).unwrap_or(1);
        self.out.set_deadline(conn.slot, conn.generation, seconds);
    }

    fn verify(&mut self, token: &str) -> Option<Claims> {
        self.node.verify(token)
    }

    fn open(&mut self, open: Open) -> Result<(), ErrorData> {
        let (user, worker) = (open.claims.user, open.conn.worker);
        self.node.ask_user(user, UserInput::Open(Box::new(open)), worker)
    }

    fn ask_room(
        &mut self,
        room: RoomId,
        caller: Caller,
        request: RoomRequest,
    ) -> Result<(), ErrorData> {
        self.node.ask_room(room, caller, request)
    }

    fn ask_user(&mut self, caller: Caller, request: Request) -> Result<(), ErrorData> {
        let input = UserInput::Request(caller, Box::new(request));
        self.node.ask_user(caller.user.id, input, caller.conn.worker)
    }

    fn ask_upload(
        &mut self,
        upload: UploadId,
        caller: Caller,
        request: UploadRequest,
    ) -> Result<(), ErrorData> {
        self.node.ask_upload(upload, caller, request)
    }

    fn viewer(&mut self, session: RoomId, log: RoomKey, came: bool) {
        self.node.viewers().changed(&self.node, RoomRef { key: log, id: session }, came);
    }

    fn report(&mut self, user: UserId, conn: ConnId) {
        let found = UserInput::Found { conn };
        if let Err(error) = self.node.ask_user(user, found, conn.worker) {
            tracing::warn!(error = error.message, "a user's socket was not reported");
        }
    }

    fn closed(&mut self, user: UserId, conn: ConnId) {
        self.node.tell_user(user, UserInput::Closed(conn));
    }

    fn register(&mut self, log: RoomKey) -> Seq {
        self.node.follow(log, self.number)
    }

    fn unregister(&mut self, log: RoomKey) {
        self.node.unfollow(log, self.number);
    }

    fn head(&self, log: RoomKey) -> Seq {
        self.node.directory().head(log)
    }

    fn read_log(&mut self, read: ReadLog) {
        let (node, worker) = (self.node.clone(), self.number);
        actix::spawn(async move {
            let number = read.number;
            let page = node.read_log(read).await;
            node.to_worker_waiting(worker, ToWorker::LogRead(LogRead { number, page })).await;
        });
    }

    fn count(&mut self, what: Count, number: u64) {
        let metrics = self.node.metrics();
        match what {
            Count::Opened => drop(metrics.connections.inc()),
            Count::Closed => drop(metrics.connections.dec()),
            Count::Request => drop(metrics.requests.inc_by(number)),
            Count::RequestError => drop(metrics.request_errors.inc_by(number)),
            Count::Delivery => drop(metrics.deliveries.inc_by(number)),
            Count::SignalDropped => drop(metrics.signals_dropped.inc_by(number)),
            Count::CatchUp => drop(metrics.catch_ups.inc_by(number)),
            Count::LostAnswer => drop(metrics.lost_answers.inc_by(number)),
        }
    }
}
