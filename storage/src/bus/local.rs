//! The bus within one process, for several nodes in one test.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::contract::{Bell, Bus, BusHealth, Topic};

/// Bells that wait for one node.
const QUEUE_BELLS_MAX: usize = 4_096;

/// One node's end of a bus in memory.
#[derive(Debug)]
pub struct LocalBus {
    number: u64,
    wire: Arc<Wire>,
    bells: tokio::sync::Mutex<mpsc::Receiver<Bell>>,
}

#[derive(Debug, Default)]
struct Wire {
    ends: Mutex<HashMap<u64, End>>,
}

#[derive(Debug)]
struct End {
    topics: HashSet<Topic>,
    queue: mpsc::Sender<Bell>,
    /// Bells were lost because the node did not keep up.
    lossy: bool,
}

impl LocalBus {
    /// A new bus with one node, which others may [join](Self::join).
    pub fn first() -> Self {
        Self::on(Arc::default())
    }

    /// Another node on the same bus.
    pub fn join(&self) -> Self {
        Self::on(self.wire.clone())
    }

    fn on(wire: Arc<Wire>) -> Self {
        let (queue, bells) = mpsc::channel(QUEUE_BELLS_MAX);
        let mut ends = wire.lock();
        let number = ends.keys().max().map_or(0, |last| last + 1);
        ends.insert(number, End { topics: HashSet::new(), queue, lossy: false });
        drop(ends);
        LocalBus { number, wire, bells: tokio::sync::Mutex::new(bells) }
    }

    fn with_end(&self, change: impl FnOnce(&mut End)) {
        if let Some(end) = self.wire.lock().get_mut(&self.number) {
            change(end);
        }
    }
}

impl Wire {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LocalBus {
    fn has_peers(&self) -> bool {
        Arc::strong_count(&self.wire) > 1 && self.wire.lock().len() > 1
    }

    fn ring(&self, bell: Bell) {
        for (number, end) in self.wire.lock().iter_mut() {
            if *number != self.number
                && end.topics.contains(&bell.topic)
                && end.queue.try_send(bell.clone()).is_err()
            {
                end.lossy = true;
            }
        }
    }

    fn listen(&self, topic: Topic) {
        self.with_end(|end| {
            end.topics.insert(topic);
        });
    }

    fn ignore(&self, topic: Topic) {
        self.with_end(|end| {
            end.topics.remove(&topic);
        });
    }

    fn next(&self) -> BoxFuture<'_, Option<Bell>> {
        Box::pin(async { self.bells.lock().await.recv().await })
    }

    fn health(&self) -> BusHealth {
        let ends = self.wire.lock();
        match ends.get(&self.number) {
            Some(end) if !end.lossy => BusHealth::Connected,
            _ => BusHealth::Degraded,
        }
    }

    fn close(&self) {
        self.wire.lock().remove(&self.number);
    }
}

impl Drop for LocalBus {
    fn drop(&mut self) {
        self.close();
    }
}
