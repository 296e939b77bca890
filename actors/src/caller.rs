//! Who asks: the socket, the request on it, the user behind it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use salon_protocol::{Encoding, ErrorData, Millis, SessionId, UserId, codec};
use salon_storage::StoreError;
use salon_storage::model::{Pass, UserRef, Visitor};
use serde::Serialize;

use crate::rate::{Buckets, Class, RateLimits};

/// A socket of this node: its worker thread and the worker's own name for it, which is never given
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Which worker thread.
    pub worker: u16,
    /// The place in the worker's table.
    pub slot: u32,
    /// Tells one holder of the place from the next.
    pub generation: u32,
}

/// What a valid access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose.
    pub user: UserId,
    /// Of which login.
    pub session: SessionId,
    /// Until when.
    pub expires_at: Millis,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) conn: ConnId,
    /// The connection's own number for the request.
    pub(crate) ticket: u32,
    /// The client's number for it.
    pub(crate) reference: Option<u64>,
    pub(crate) encoding: Encoding,
    pub(crate) user: UserRef,
    /// How he came into the photo session that it is about, if he is no member.
    pub(crate) pass: Option<Pass>,
    /// See [`UserShared::guest`].
    pub(crate) guest: bool,
}

/// In place of a worker's number: the server asks itself.
const INSIDE: u16 = u16::MAX;

/// An encoded answer on its way to its socket.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) conn: ConnId,
    pub(crate) ticket: u32,
    pub(crate) frame: Bytes,
}

impl Caller {
    /// The server itself wants something for a user, and is answered by
    /// [`Inside`](crate::inside::Inside).
    pub(crate) fn inside(ticket: u32, user: UserRef, pass: Option<Pass>) -> Self {
        let conn = ConnId { worker: INSIDE, slot: 0, generation: 0 };
        Caller { conn, ticket, reference: None, encoding: Encoding::Json, user, pass, guest: false }
    }

    /// Whether it is the server itself.
    pub(crate) fn is_inside(&self) -> bool {
        self.conn.worker == INSIDE
    }

    /// Who asks something of a photo session.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { user: self.user, pass: self.pass }
    }

    /// Encodes the answer.
    pub(crate) fn answer<T: Serialize>(&self, result: &Result<T, ErrorData>) -> Answer {
        let frame = match result {
            Ok(data) => codec::ok(self.encoding, self.reference, data),
            Err(error) => codec::error(self.encoding, self.reference, error),
        };
        Answer { conn: self.conn, ticket: self.ticket, frame }
    }
}

/// The answer to a request that the store has answered. A fault stands in the log, and the client is told that there
/// is one.
pub(crate) fn done<T: Serialize>(caller: Caller, result: salon_storage::Result<T>) -> Answer {
    if let Err(StoreError::Internal(text)) = &result {
        tracing::error!(error = text, "request failed");
    }
    caller.answer(&result.map_err(|error| error.to_error_data()))
}

/// What all sockets of a user share, on whatever thread they live.
#[derive(Debug)]
pub(crate) struct UserShared {
    pub(crate) user: UserRef,
    /// He has no account of his own: he may only view photo sessions.
    pub(crate) guest: bool,
    buckets: Mutex<Buckets>,
}

impl UserShared {
    pub(crate) fn new(user: UserRef, guest: bool) -> Arc<Self> {
        Arc::new(UserShared { user, guest, buckets: Mutex::default() })
    }

    /// Takes one request of a class; an error says after how many milliseconds there is room for
    /// it.
    pub(crate) fn admit(
        &self,
        limits: &RateLimits,
        class: Class,
        now: Millis,
    ) -> Result<(), Millis> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).take(limits, class, now)
    }
}
