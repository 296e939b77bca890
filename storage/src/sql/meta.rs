//! The store's identity, secrets and health.

use async_trait::async_trait;

use super::SqlStore;
use super::conn::{Conn, args};
use crate::contract::Meta;
use crate::error::{Result, StoreError};

#[async_trait]
impl Meta for SqlStore {
    fn epoch(&self) -> String {
        self.shared.epoch.clone()
    }

    async fn secret(&self, name: &str, fresh: String) -> Result<String> {
        let name = format!("secret.{name}");
        self.write(move |tx| {
            Box::pin(async move { put_if_absent(&mut tx.conn.borrow(), &name, &fresh).await })
        })
        .await
    }

    async fn probe(&self) -> Result<()> {
        let now = self.shared.clock.now();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO meta (name, value) VALUES ('probe', $1)
                     ON CONFLICT (name) DO UPDATE SET value = $1",
                    args![now.to_string()],
                )
                .await
                .map(|_| ())
            })
        })
        .await?;
        let mut reader = self.reader().await?;
        let row =
            reader.borrow().one("SELECT value FROM meta WHERE name = 'probe'", args![]).await?;
        if row.text(0)?.is_empty() {
            return Err(StoreError::Internal("the probe was not read back".into()));
        }
        Ok(())
    }

    async fn close(&self) {
        let writer = {
            let mut guard = self.writer.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            guard.take()
        };
        drop(writer);
        // Jobs that were accepted hold a writer of their own, so this waits for all of them.
        if let Some(ended) = self.writer_ended.lock().await.take() {
            let _ = ended.await;
        }
        self.shared.readers.close().await;
    }
}

/// The value under a name; `fresh` becomes it if there is none.
pub(super) async fn put_if_absent(conn: &mut Conn<'_>, name: &str, fresh: &str) -> Result<String> {
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        args![name, fresh],
    )
    .await?;
    let query = "SELECT value FROM meta WHERE name = $1";
    conn.one(query, args![name]).await?.text(0)
}
