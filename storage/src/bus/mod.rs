//! Buses: within one process, and later over Redis.

mod local;

pub use local::LocalBus;
