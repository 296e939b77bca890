//! Everything that must survive a restart, and the bus between nodes.
//!
//! Reading order: `model` (the nouns) → `contract/` (what may be asked) → `sql/` (SQLite and
//! PostgreSQL) → `bus/`, `blob/`. The suite that every implementation must pass is
//! `conformance/` (feature `conformance`).
//!
//! Does not  know actors, sockets or frames beyond the types of the protocol.

pub mod blob;
pub mod bus;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod contract;
mod error;
mod metrics;
pub mod model;
pub mod sql;

pub use error::{Result, StoreError};
pub use metrics::StoreMetrics;
