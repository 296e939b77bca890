//! The store itself: its identity, its secrets, its health.

use async_trait::async_trait;

use crate::error::Result;

/// The store.
#[async_trait]
pub trait Meta: Send + Sync {
    /// Names this store; another one after a restore from a backup.
    fn epoch(&self) -> String;

    /// A secret that all nodes share: the stored one, or `fresh` if there is none yet.
    async fn secret(&self, name: &str, fresh: String) -> Result<String>;

    /// Writes and reads something small; an error tells why the store does not work.
    async fn probe(&self) -> Result<()>;

    /// Finishes what was accepted and closes. Later calls are `unavailable`.
    async fn close(&self);
}
