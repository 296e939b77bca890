//! Ctrl-C, and the polite request to end.
//!
//! Owns      the flag that long loops look at.
//! Promises  nothing is torn down in a signal handler: whoever started a process still stops it.
//! Does not  end the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Whether the user wants to end. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// A flag that SIGINT and SIGTERM set.
    pub fn on_signals() -> io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, interrupt.flag.clone())?;
        }
        Ok(interrupt)
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// An error when it is set.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_set() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}
