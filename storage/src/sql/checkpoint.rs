//! Checkpoints of an SQLite store: what commits have appended to its log goes into its file.
//!
//! Promises  no commit waits for a checkpoint, or for a reader. Most of the work is done on a
//!           connection of its own; the log begins anew when the writer, between two commits, does the
//!           little that has come meanwhile (SQLite does not restart a log to which somebody appends).
//! Pressure  a log that cannot begin anew, because somebody reads for so long, grows; above
//!           [`LOG_BYTES_MAX`], commits wait for him, at most [`super::open::BUSY_TIMEOUT`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::Shared;
use super::conn::{Conn, OwnedConn, args};
use super::open::Opener;
use crate::error::{Result, StoreError};

/// How often the log is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Above this size it is to begin anew.
const LOG_BYTES: u64 = 64 * 1024 * 1024;
/// Above this size commits wait until it does.
const LOG_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// SQLite's default.
const PAGE_BYTES: u64 = 4_096;

/// Opens the file of a store, for [`File::sync_data`].
///
/// The system's locks of a process on a file end when it closes the file anywhere, and SQLite relies
/// on them: so this one stays open as long as the store is.
pub(crate) fn open_file(folder: &Path) -> Result<Arc<File>> {
    let path = folder.join("salon.db");
    let file = File::open(&path);
    let unavailable = |error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    file.map(Arc::new).map_err(unavailable)
}

/// Does a part of a checkpoint without waiting for anybody. Gives the size of the log, and how much
/// of it is in the file.
pub(crate) async fn passive(conn: &mut Conn<'_>) -> Result<[u64; 2]> {
    checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)").await
}

async fn checkpoint(conn: &mut Conn<'_>, pragma: &'static str) -> Result<[u64; 2]> {
    let row = conn.one(pragma, args![]).await?;
    // -1: another connection is at it.
    let bytes =
        |column| -> Result<u64> { Ok(u64::try_from(row.int(column)?).unwrap_or(0) * PAGE_BYTES) };
    Ok([bytes(1)?, bytes(2)?])
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    opener: Opener,
    log: PathBuf,
    file: Option<Arc<File>>,
    restart_log: Arc<AtomicBool>,
}

impl Checkpoints {
    pub(crate) fn new(opener: Opener, folder: &Path, shared: &Shared) -> Self {
        let (file, restart_log) = (shared.file.clone(), shared.restart_log.clone());
        Checkpoints { opener, log: folder.join("salon.db-wal"), file, restart_log }
    }

    pub(crate) async fn run(self) {
        let mut conn = None;
        let mut done = None;
        loop {
            tokio::time::sleep(EVERY).await;
            let state = self.state();
            // A log that was not written to since all of it was in the file needs nothing.
            if state.is_none() || state == done {
                continue;
            }
            if conn.is_none() {
                conn = self.opener.connect().await.ok();
            }
            let Some(open) = &mut conn else { continue };
            match self.advance(open).await {
                Ok(complete) => done = state.filter(|_| complete),
                Err(error) => {
                    tracing::warn!(error = %error, "checkpoint failed");
                    conn = None;
                }
            }
        }
    }

    fn state(&self) -> Option<(u64, SystemTime)> {
        let log = std::fs::metadata(&self.log).ok().filter(|log| log.len() > 0)?;
        Some((log.len(), log.modified().ok()?))
    }

    /// `true`: all of the log is in the file.
    async fn advance(&self, conn: &mut OwnedConn) -> Result<bool> {
        let [log, copied] = passive(&mut conn.borrow()).await?;
        if log == copied || log < LOG_BYTES {
            return Ok(log == copied);
        }
        // What was copied has to be on the disk before the log begins anew. SQLite would see to it while
        // commits wait.
        if let Some(file) = self.file.clone() {
            let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
            let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
            synced.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        }
        if log > LOG_BYTES_MAX {
            let [log, copied] =
                checkpoint(&mut conn.borrow(), "PRAGMA wal_checkpoint(TRUNCATE)").await?;
            return Ok(log == copied);
        }
        passive(&mut conn.borrow()).await?;
        self.restart_log.store(true, Ordering::Relaxed);
        Ok(false)
    }
}
