//! WebSockets directly on actix-http's upgrade service; usable without Salon on top.
//!
//! The way of a message in: [`server`](crate::server) accepts, `upgrade` grants or refuses (rules in
//! `handshake`, `origin`), and one `reader` task per socket takes bytes to `frame` (a pure parser
//! with `header`, `utf8`, `close`) and messages to the [`Application`].
//! The way of a message out: [`Sockets::send`] queues in `backlog` (segments in `outbox`), and the
//! one `pump` task per worker flushes every socket once per wake-up.
//! `hub` holds a worker's sockets; `timers` decides and `wheel` remembers when; `closing` ends.
//!
//! Owns      everything between TCP and whole messages.
//! Promises  the bounds of [`SocketConfig`]; about 1 kB per idle socket; one write per socket and
//!           wake-up; the close codes that RFC 6455 asks for.
//! Does not  speak permessage-deflate (it would end the sharing of framed bytes), TLS or HTTP/2: a
//!           proxy's work.

mod application;
mod backlog;
mod close;
mod closing;
mod config;
mod frame;
mod handshake;
mod header;
mod hub;
mod metrics;
mod origin;
mod outbox;
mod pump;
mod reader;
mod refusal;
mod slots;
mod socket;
mod sockets;
mod timers;
mod upgrade;
mod utf8;
mod wheel;
mod worker;

pub use application::{Application, Message};
pub use config::SocketConfig;
pub use metrics::{Counter, Gauge, SocketMetrics};
pub use refusal::{Refusal, Refused};
pub use slots::SocketId;
pub use sockets::{Sent, Sockets};

pub(crate) use handshake::Rules;
pub(crate) use upgrade::upgrade;
pub(crate) use worker::Worker;
