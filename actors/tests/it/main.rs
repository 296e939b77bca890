//! The living part on a real store: sockets are played, everything else is real.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod faults;
mod house;
mod nodes;
mod story;
