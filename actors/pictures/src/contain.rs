//! Panics of decoders stay here.
//!
//! Owns: the boundary. Promises: a panic inside becomes [`Refusal::Broken`]. Does not: catch aborts
//! (an allocation that fails, a stack overflow); bounds from the header are what keeps these away.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Refusal;

/// Everything that `work` borrows mutably is dropped, or not looked at again, when it panics.
pub(crate) fn contain<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Refusal::Broken))
}
