//! Which core does what.
//!
//! Owns      the placing of threads and children.
//! Promises  without `unsafe`: a child inherits the core of the thread that starts it, so the thread
//!           goes there for a moment and comes back.
//! Does not  pin anything unasked.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where `--pin` puts the server.
pub const SERVER_CORE: usize = 0;
/// Where `--pin` puts the harness.
pub const HARNESS_CORE: usize = 1;

/// Keeps this thread, and every thread and child that it starts, on one core.
pub fn pin_this_thread(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Starts something on a core, if one is given.
pub fn spawn_on<T>(core: Option<usize>, spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(core) = core else { return spawn() };
    let before = sched_getaffinity(None)?;
    pin_this_thread(core)?;
    let spawned = spawn();
    sched_setaffinity(None, &before)?;
    spawned
}
