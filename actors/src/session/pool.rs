//! The threads on which pictures are decoded.
//!
//! Owns      how many pictures are worked on at once, and in which order: a first look at a new picture goes
//!           before the variants of others, so that everybody sees it at once.
//! Promises  the memory that pictures take together is bounded, except that one which needs more than all is worked
//!           on alone; waiting is bounded by number. A panic costs its own picture only.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What all pictures may take together.
const MEMORY_BYTES_MAX: u64 = 288 << 20;
/// In which steps it is counted.
const STEP_BYTES: u64 = 1 << 20;
/// Pieces of work that wait.
const WAITING_MAX: usize = 1_024;

/// How many steps so much memory is: of the most, however much it is.
pub(crate) fn steps(bytes: u64) -> usize {
    let steps = bytes.min(MEMORY_BYTES_MAX).div_ceil(STEP_BYTES).max(1);
    usize::try_from(steps).unwrap_or(1)
}

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Nobody has seen the picture yet.
    First,
    /// Variants.
    Then,
}

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// Too much waits.
    Full,
    /// It panicked.
    Panicked,
}

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    first: VecDeque<Work>,
    then: VecDeque<Work>,
    threads: usize,
    closed: bool,
}

impl Queue {
    fn len(&self) -> usize {
        self.first.len() + self.then.len()
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

/// See the module. The threads start with the first picture and end with the pool.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    memory: Arc<Semaphore>,
    threads: usize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Default for Pool {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let memory = Arc::new(Semaphore::new(steps(MEMORY_BYTES_MAX)));
        Pool { shared: Arc::default(), memory, threads }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.closed = true;
        self.shared.more.notify_all();
    }
}

impl Pool {
    /// Waits until so much memory may be taken.
    pub(crate) async fn memory(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let steps = u32::try_from(steps(bytes)).unwrap_or(1);
        self.memory.clone().acquire_many_owned(steps).await.ok()
    }

    /// Does work on one of the threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(work)).map_err(|_| NotDone::Panicked);
            // Whoever asked may have gone.
            let _ = reply.send(outcome);
        });
        self.push(urgency, work)?;
        answer.await.unwrap_or(Err(NotDone::Panicked))
    }

    fn push(&self, urgency: Urgency, work: Work) -> Result<(), NotDone> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= WAITING_MAX {
            return Err(NotDone::Full);
        }
        match urgency {
            Urgency::First => queue.first.push_back(work),
            Urgency::Then => queue.then.push_back(work),
        }
        while queue.threads < self.threads {
            let shared = self.shared.clone();
            let name = format!("salon-photo-{}", queue.threads);
            match std::thread::Builder::new().name(name).spawn(move || run(&shared)) {
                Ok(_) => queue.threads += 1,
                // With those that are there it goes on; without any it does not.
                Err(_) if queue.threads > 0 => break,
                Err(_) => return Err(NotDone::Full),
            }
        }
        drop(queue);
        self.shared.more.notify_one();
        Ok(())
    }
}

fn run(shared: &Shared) {
    loop {
        let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let work = loop {
            if let Some(work) = queue.first.pop_front().or_else(|| queue.then.pop_front()) {
                break work;
            }
            if queue.closed {
                return;
            }
            queue = shared.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        };
        drop(queue);
        work();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_nobody_has_seen_goes_first_and_a_panic_costs_itself_only() {
        let mut pool = Pool::default();
        pool.threads = 1;
        let (gate, closed) = mpsc::channel::<()>();
        let (order, seen) = mpsc::channel();
        let held = pool.run(Urgency::Then, move || closed.recv());
        let mark = |name: &'static str| {
            let order = order.clone();
            move || order.send(name)
        };
        let late = pool.run(Urgency::Then, mark("variant"));
        let early = pool.run(Urgency::First, mark("look"));
        let panics = pool.run(Urgency::First, || panic!("on purpose"));
        let open = async { drop(gate) };
        let (_, late, early, panics, ()) = tokio::join!(held, late, early, panics, open);
        assert!(late.is_ok() && early.is_ok());
        assert_eq!(panics, Err(NotDone::Panicked));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["look", "variant"]);
    }

    #[tokio::test]
    async fn memory_is_waited_for_and_a_giant_goes_alone() {
        let pool = Pool::default();
        let giant = pool.memory(u64::MAX).await.unwrap();
        let small = pool.memory(1);
        tokio::pin!(small);
        assert!(futures_util::poll!(&mut small).is_pending());
        drop(giant);
        assert!(small.await.is_some());
    }
}
