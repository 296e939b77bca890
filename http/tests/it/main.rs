//! The socket layer over loopback: a real server in this process, raw TCP clients against it.

// Helpers of tests are tests to us, but not to clippy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backlog;
mod client;
mod handshake;
mod heartbeat;
mod lifecycle;
mod puppet;
mod rfc6455;
mod server;
mod wakeup;
