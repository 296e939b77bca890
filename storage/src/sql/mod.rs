//! The SQL store: SQLite embedded, PostgreSQL for several nodes, one implementation.
//!
//! Reading order: `conn` (what a statement is) → `open` → `writer` → `tx` (numbering) → `log/`
//! (the hot path) → one file per noun. Reads go through a pool, all writes through the writer.

mod accounts;
mod checkpoint;
mod cids;
mod conn;
mod conversations;
mod cursor;
mod dump;
mod event_row;
mod friends;
mod gathered;
mod journal;
mod log;
mod members;
mod meta;
mod open;
mod opening;
mod photos;
mod rooms;
mod search;
mod sessions;
mod tail;
mod tx;
mod writer;

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use salon_protocol::reply::History;
use salon_protocol::request;
use tokio::task::JoinHandle;

pub use dump::{BackupSummary, backup, restore};
pub use open::{Database, Durability, OpenOptions};
pub use tx::Rules;

use crate::contract::{Clock, Log};
use crate::error::{Result, StoreError};
use crate::metrics::StoreMetrics;
use crate::model::{LogPage, LogRange, OpResult, OpenOutcome, RoomOp, RoomRef, Visitor};
use checkpoint::Restart;
use conversations::{UnreadOf, UnreadRoom};
use gathered::Gathered;
use open::{PooledConn, Readers};
use opening::OpenSession;
use search::SearchIndex;
use tail::Tail;
use tx::Tx;
use writer::Writer;

/// A store on SQLite or PostgreSQL.
#[derive(Debug)]
pub struct SqlStore {
    shared: Arc<Shared>,
    /// Absent after [`Meta::close`](crate::contract::Meta::close).
    writer: std::sync::RwLock<Option<Writer>>,
    writer_ended: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    background: Vec<JoinHandle<()>>,
    openings: Gathered<OpenSession, OpenOutcome>,
    unread: Gathered<UnreadOf, Vec<UnreadRoom>>,
    pages: Gathered<LogRange, Arc<LogPage>>,
}

/// What reads need; also held by the search index's follower.
#[derive(Debug)]
pub(crate) struct Shared {
    readers: Readers,
    /// The newest messages, which are to be looked for before the table is.
    tail: Arc<Tail>,
    search: SearchIndex,
    clock: Arc<dyn Clock>,
    epoch: String,
    metrics: Arc<StoreMetrics>,
    /// SQLite: what the writer is to do so that the log begins anew.
    restart: Arc<Restart>,
    /// SQLite: see [`checkpoint::open_file`].
    file: Option<Arc<File>>,
}

impl Shared {
    async fn reader(&self) -> Result<PooledConn> {
        self.readers.get().await
    }
}

impl SqlStore {
    /// What the store counts.
    pub fn metrics(&self) -> &Arc<StoreMetrics> {
        &self.shared.metrics
    }

    /// Jobs that wait for the writer now.
    pub fn writer_waiting(&self) -> usize {
        self.writer().map_or(0, |writer| writer.waiting())
    }

    fn writer(&self) -> Result<Writer> {
        let guard = self.writer.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        guard.clone().ok_or_else(|| StoreError::Unavailable("the store is closed".into()))
    }

    async fn reader(&self) -> Result<PooledConn> {
        self.shared.reader().await
    }

    /// Does work in the writer's next transaction.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        self.writer()?.work(work).await
    }
}

impl Drop for SqlStore {
    fn drop(&mut self) {
        for task in &self.background {
            task.abort();
        }
    }
}

#[async_trait]
impl Log for SqlStore {
    async fn commit_rooms(&self, rooms: Vec<(RoomRef, Vec<RoomOp>)>) -> Result<Vec<Vec<OpResult>>> {
        self.writer()?.rooms(rooms).await
    }

    async fn read_log(&self, range: LogRange) -> Result<Arc<LogPage>> {
        self.pages.ask(range).await
    }

    async fn history(&self, viewer: Visitor, page: request::History) -> Result<History> {
        let mut reader = self.reader().await?;
        let now = self.shared.clock.now();
        log::history(&mut reader.borrow(), &self.shared.tail, viewer, page, now).await
    }
}
