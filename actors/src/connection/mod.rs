//! The sockets of one worker thread: what each may say, and what it is told.
//!
//! Owns      every connection's phase, encoding, subscriptions with their positions, and requests
//!           that wait for their answers.
//! Does not  touch a socket: it is given frames and hands frames to [`SocketOut`]. Does not decide
//!           anything about rooms.
//! Born      one per worker thread, when the server starts.
//! Dies      with the server. A panic while it handles a frame closes that socket (the socket
//!           layer contains it).
//! Pressure  a socket with a backlog above its high mark is sent no more events (it is caught up
//!           from the log when it has drained) and only the newest signal of each kind; requests
//!           that wait for an answer are bounded.
//!
//! Conn1  events of a log reach a socket in ascending order, without hole or repetition.
//! Conn2  the first frame is `auth`; nothing is pushed before its answer.
//! Conn3  every request is answered once, if only with `unavailable`.
//! Conn4  nothing is done per recipient of an event but one comparison and one `send`.

mod actor;
mod catch_up;
mod messages;
mod outlet;
mod page;
mod requests;
mod state;
mod subscriptions;
#[cfg(test)]
mod tests;
mod viewing;

pub use actor::{Connections, SocketOut};
pub(crate) use messages::{
    Batch, Open, SignalFrame, SignalKey, SignalTo, Subscription, Target, ToWorker, Who,
};
pub use messages::{Greeting, Incoming};
pub(crate) use outlet::ReadLog;
pub(crate) use viewing::Viewed;
#[cfg(test)]
pub(crate) use {
    catch_up::Pace,
    messages::LogRead,
    outlet::{Count, Outlet},
    state::{Backlog, Worker},
};
