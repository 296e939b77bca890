//! The harness's own client: one thread, one epoll, tens of thousands of sockets.
//!
//! A [`Net`] owns the connections to one server and tells a [`Handler`] what arrives. WebSockets and
//! plain HTTP connections live in the same loop. A thread has one `Net`; several threads have several.
//!
//! Owns      connections, the opening handshake, frames, pings, HTTP responses.
//! Promises  an idle WebSocket costs about a hundred bytes: what is read goes through one scratch
//!           buffer, only an unfinished frame is kept. Whole messages are handed out where they lie.
//! Does not  know what a message means, and keeps no timers: whoever drives the loop does.

mod dialect;
mod frame;
mod handshake;
mod http;
mod net;
mod socket;
mod socketio;

pub use dialect::{Dialect, Heard};
pub use frame::{close, request};
pub(crate) use http::whole_response;
pub use http::{Request, json_body};
pub use net::{Handler, Net, Traffic};
pub use socket::{Closed, Kind, Peer, SocketId};
