//! The bus between nodes: a bell that says "look at the log", with the event in it.

use bytes::Bytes;
use salon_protocol::UserId;

use crate::model::RoomKey;

/// What a bell is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A log: of a room or an inbox.
    Log(RoomKey),
    /// A user: his logins, his friends.
    User(UserId),
}

/// A bell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bell {
    /// What it is about.
    pub topic: Topic,
    /// What happened, in the ringer's own encoding.
    pub payload: Bytes,
}

/// How the bus does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// Bells arrive.
    Connected,
    /// Bells may be lost; who relies on them must look at the log by himself.
    Degraded,
}

/// One node's end of the bus.
///
/// Bells are delivered at most once, and never to the node that rang. Bells of one node about one
/// topic arrive in the order in which they were rung, with holes where some were lost. What was
/// rung before [`Bus::listen`] returned is not delivered. The log is the truth: nothing may be
/// known only to the bus.
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Whether there is anybody to ring for; lets the caller save the encoding.
    fn has_peers(&self) -> bool;

    /// Rings, without waiting. A full queue drops the bell and is counted as degraded.
    fn ring(&self, bell: Bell);

    /// Begins to receive bells of a topic. Listening twice is listening once.
    fn listen(&self, topic: Topic);

    /// Ends it.
    fn ignore(&self, topic: Topic);

    /// The next bell, in order of arrival; `None` after [`Bus::close`]. One caller at a time.
    fn next(&self) -> futures_util::future::BoxFuture<'_, Option<Bell>>;

    /// How it does.
    fn health(&self) -> BusHealth;

    /// Leaves the bus.
    fn close(&self);
}
