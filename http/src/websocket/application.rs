//! What a worker's sockets are for.
//!
//! Owns      the trait between this layer and whatever is built on it.
//! Promises  all callbacks of one value come from one thread, one after the other. For one socket:
//!           `opened`, then messages, then `closed` exactly once, and nothing after it. A panic in
//!           a callback about a socket closes that socket with 1011 and harms no other. A worker
//!           that is stopped drops its sockets without a callback.
//! Does not  know Salon.

use std::net::SocketAddr;

use actix_http::RequestHead;

use super::{Refusal, Refused, SocketId};

/// A message from a client, valid for the time of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message; UTF-8 has been checked.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// One per worker thread; made there, and never leaves it.
///
/// Every callback may use every method of [`Sockets`](super::Sockets). Whatever an application
/// changes has to be behind a `Cell` or `RefCell`; a callback is never called inside another.
pub trait Application: 'static {
    /// What `admit` has found out and `opened` wants to know.
    type Admission;

    /// Decides about an upgrade that is in order otherwise. It must not wait. An admission whose
    /// connection dies before it opens is dropped.
    fn admit(
        &self,
        head: &RequestHead,
        peer: Option<SocketAddr>,
    ) -> Result<Self::Admission, Refusal>;

    /// The handshake is done.
    fn opened(&self, id: SocketId, admission: Self::Admission);

    /// A whole message has arrived.
    fn message(&self, id: SocketId, message: Message<'_>);

    /// The backlog had passed `backlog_high_bytes` and is down to `backlog_low_bytes`.
    fn drained(&self, id: SocketId) {
        let _ = id;
    }

    /// The time set with [`Sockets::set_deadline`](super::Sockets::set_deadline) has come.
    fn deadline(&self, id: SocketId) {
        let _ = id;
    }

    /// Nothing more will be heard from this socket and nothing more can be sent to it, whoever ended
    /// it. What was pending when it was closed in order may still be on its way.
    fn closed(&self, id: SocketId);

    /// So many sockets wait to be written to, after some were.
    fn writes_waiting(&self, sockets: usize) {
        let _ = sockets;
    }

    /// A tick of running time has passed.
    fn tick(&self) {}

    /// Dresses a refusal of the layer's own, for instance with a request id; `plain` has the status,
    /// the headers that it demands and a JSON body `{code, message}`.
    fn refusal(&self, reason: Refused, plain: Refusal) -> Refusal {
        let _ = reason;
        plain
    }
}
