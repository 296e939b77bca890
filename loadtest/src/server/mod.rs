//! The server under test, as a process.
//!
//! Owns      starting it, waiting until it is ready, and everything that is done to it from outside.
//! Promises  whatever was started is killed and waited for when its owner goes, by a panic too;
//!           signals go only to the process that was started here.
//! Does not  know what the server does.

mod counters;
mod output;
mod pin;
mod probe;
mod process;
mod storage;

pub use counters::Counters;
pub use pin::{HARNESS_CORE, SERVER_CORE, pin_this_thread, spawn_on};
pub use probe::{parse_url, status_of};
pub use process::{Exit, Launch, Server};
pub use storage::full_at_bytes;
