//! The bus of a node that has no peers.
//!
//! Promises  nothing is kept for anybody who could listen.

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::contract::{Bell, Bus, BusHealth, Topic};

/// See the module.
#[derive(Debug)]
pub struct AloneBus {
    /// Closed with the bus; nothing else ever happens to it.
    open: Semaphore,
}

impl Default for AloneBus {
    fn default() -> Self {
        AloneBus { open: Semaphore::new(0) }
    }
}

impl Bus for AloneBus {
    fn has_peers(&self) -> bool {
        false
    }

    fn ring(&self, _: Bell) {}

    fn listen(&self, _: Topic) {}

    fn ignore(&self, _: Topic) {}

    fn next(&self) -> BoxFuture<'_, Option<Bell>> {
        Box::pin(async {
            // Never granted, only closed.
            let _ = self.open.acquire().await;
            None
        })
    }

    fn health(&self) -> BusHealth {
        BusHealth::Connected
    }

    fn close(&self) {
        self.open.close();
    }
}
