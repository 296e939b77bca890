//! What a worker's connections need from the world: sockets, actors, the log, the directory.

use bytes::Bytes;
use salon_protocol::{CloseCode, ErrorData, LogId, Millis, Request, RoomId, Seq, UploadId, UserId};
use salon_storage::model::{RoomKey, UserKey};

use super::messages::Open;
use crate::caller::{Caller, Claims, ConnId};
use crate::room::RoomRequest;
use crate::upload::UploadRequest;

/// Reading on in a log, for sockets of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadLog {
    /// The worker's number for it.
    pub(crate) number: u16,
    pub(crate) log: RoomKey,
    pub(crate) id: LogId,
    pub(crate) after: Seq,
    pub(crate) until: Seq,
    pub(crate) viewers: Vec<UserKey>,
}

/// The world as a worker's connections see it. The actor gives the real one, tests and the
/// simulator give others.
pub(crate) trait Outlet {
    /// The time.
    fn now(&self) -> Millis;

    /// Queues a frame; returns how many bytes wait for the socket now.
    fn send(&mut self, conn: ConnId, frame: Bytes) -> usize;

    /// Closes a socket behind what is queued.
    fn close(&mut self, conn: ConnId, code: CloseCode);

    /// Has [`Worker::deadline`](super::state::Worker::deadline) called when the time for `auth` is
    /// over.
    fn await_auth(&mut self, conn: ConnId);

    /// What a token says, if it is valid now.
    fn verify(&mut self, token: &str) -> Option<Claims>;

    /// Asks the user's actor to open a session.
    fn open(&mut self, open: Open) -> Result<(), ErrorData>;

    /// Asks a room.
    fn ask_room(
        &mut self,
        room: RoomId,
        caller: Caller,
        request: RoomRequest,
    ) -> Result<(), ErrorData>;

    /// Asks the user's own actor.
    fn ask_user(&mut self, caller: Caller, request: Request) -> Result<(), ErrorData>;

    /// Asks an upload.
    fn ask_upload(
        &mut self,
        upload: UploadId,
        caller: Caller,
        request: UploadRequest,
    ) -> Result<(), ErrorData>;

    /// A socket views a photo session from now on, or no longer.
    fn viewer(&mut self, session: RoomId, log: RoomKey, came: bool);

    /// Tells a user's actor of a socket of his that is open.
    fn report(&mut self, user: UserId, conn: ConnId);

    /// Tells a user's actor that a socket is gone.
    fn closed(&mut self, user: UserId, conn: ConnId);

    /// See [`Directory::register`](crate::directory::Directory::register).
    fn register(&mut self, log: RoomKey) -> Seq;

    /// See [`Directory::unregister`](crate::directory::Directory::unregister).
    fn unregister(&mut self, log: RoomKey);

    /// See [`Directory::head`](crate::directory::Directory::head).
    fn head(&self, log: RoomKey) -> Seq;

    /// Reads a page of a log; the answer comes as
    /// [`LogRead`](super::messages::ToWorker::LogRead).
    fn read_log(&mut self, read: ReadLog);

    /// Counts.
    fn count(&mut self, what: Count, number: u64);
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Opened,
    Closed,
    Request,
    RequestError,
    Delivery,
    SignalDropped,
    CatchUp,
    LostAnswer,
}
