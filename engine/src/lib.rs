//! The binary: configuration, wiring, life cycle, command line.
//!
//! Reading order: `cli` (what can be said) → `config` (every setting) → `wiring` (the only place
//! that names implementations) → `run` (start, wait, drain) → `commands` (everything but `serve`).
//!
//! Does not  decide anything: it puts the parts together.

mod bucket;
pub mod cli;
mod commands;
mod config;
mod folder;
mod run;
mod telemetry;
mod wiring;

pub use config::{Config, Settings};
