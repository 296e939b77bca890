//! Buses: within one process, and later over Redis.

mod alone;
mod local;

pub use alone::AloneBus;
pub use local::LocalBus;
