//! When to give up.
//!
//! Owns: the moment and the flag. Promises: whoever holds a clone can cancel. Does not interrupt:
//! the work looks here between steps and rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Refusal;

/// A deadline and a way to cancel, shared by clones.
#[derive(Debug, Clone, Default)]
pub struct Deadline {
    at: Option<Instant>,
    cancelled: Arc<AtomicBool>,
}

impl Deadline {
    /// Never by itself.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// From now. A time beyond what the clock can say is never.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self { at: Instant::now().checked_add(time), ..Self::default() }
    }

    /// Makes all work that holds a clone of this end at its next look.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`Refusal::Cancelled`] or [`Refusal::Late`].
    pub fn check(&self) -> Result<(), Refusal> {
        if self.cancelled.load(Ordering::Relaxed) {
            Err(Refusal::Cancelled)
        } else if self.at.is_some_and(|at| Instant::now() >= at) {
            Err(Refusal::Late)
        } else {
            Ok(())
        }
    }
}
