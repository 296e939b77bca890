//! How busy the workers are with writing to sockets.
//!
//! A room that has told a thousand sockets of its last commit would begin the next one at once with
//! the few messages that have come meanwhile, and the same sockets would be written to for those,
//! and then for the others. It waits until most is written: what comes meanwhile goes with the next
//! commit, and every socket gets it with one write. On a quiet node nothing waits.
//!
//! Promises  waiting ends within a bound, however busy the workers are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// With this many sockets to be written to, nobody waits: it is a fraction of a millisecond.
const FEW_SOCKETS: usize = 64;
/// Longer is not waited.
const WAIT_MAX: Duration = Duration::from_millis(10);

/// Sockets of all workers that are to be written to.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    sockets: AtomicUsize,
    few: Notify,
}

impl Writing {
    /// A worker's share has changed.
    pub(crate) fn changed(&self, before: usize, now: usize) {
        let difference = now.wrapping_sub(before);
        let total = self.sockets.fetch_add(difference, Ordering::AcqRel).wrapping_add(difference);
        if total <= FEW_SOCKETS {
            self.few.notify_waiters();
        }
    }

    /// Waits until the workers have told and written most of what they have to.
    pub(crate) async fn settle(&self) {
        // Behind everything that is runnable now: who has something to write has begun to.
        tokio::task::yield_now().await;
        let few = self.few.notified();
        if self.sockets.load(Ordering::Acquire) <= FEW_SOCKETS {
            return;
        }
        // The bound is no failure.
        let _ = tokio::time::timeout(WAIT_MAX, few).await;
        // Whoever has got it may have answered already.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_waited_for() {
        let writing = Writing::default();
        writing.settle().await;
        writing.changed(0, 1_000);
        writing.changed(0, FEW_SOCKETS);
        let written = async {
            writing.changed(1_000, 500);
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            writing.changed(500, 0);
        };
        let began = tokio::time::Instant::now();
        tokio::join!(writing.settle(), written);
        assert_eq!(began.elapsed(), Duration::ZERO);
        writing.changed(0, 1_000);
        writing.settle().await;
        assert!(began.elapsed() >= WAIT_MAX, "not for ever");
    }
}
