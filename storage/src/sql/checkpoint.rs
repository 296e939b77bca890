//! Checkpoints of an SQLite store: what commits have appended to its log goes into its file.
//!
//! Promises  no commit waits for a checkpoint, or for a reader. Most of the work is done on a
//!           connection of its own; the log begins anew when the writer, between two commits, does the
//!           little that has come meanwhile (SQLite does not restart a log to which somebody appends).
//! Pressure  a log that cannot begin anew, because somebody reads for so long, or because the disk is so
//!           slow, grows; above [`LOG_BYTES_MAX`], the writer waits for that between two commits, for
//!           readers at most [`super::open::BUSY_TIMEOUT`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use super::Shared;
use super::conn::{Conn, OwnedConn, args};
use super::open::Opener;
use crate::error::{Result, StoreError};

/// How often the log is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Above this size it is to begin anew.
const LOG_BYTES: u64 = 64 * 1024 * 1024;
/// Above this size the writer waits until it does.
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
async fn passive(conn: &mut Conn<'_>) -> Result<[u64; 2]> {
    checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)").await
}

/// What the writer is to do between two commits.
#[derive(Debug, Default)]
pub(crate) struct Restart(AtomicU8);

const NOTHING: u8 = 0;
const FINISH: u8 = 1;
const WAIT: u8 = 2;

impl Restart {
    fn ask(&self, what: u8) {
        self.0.fetch_max(what, Ordering::Relaxed);
    }

    /// On the writer's connection, outside of a transaction: the next commit begins the log anew.
    pub(crate) async fn serve(&self, conn: &mut Conn<'_>) -> Result<()> {
        match self.0.swap(NOTHING, Ordering::Relaxed) {
            NOTHING => {}
            WAIT => drop(checkpoint(conn, "PRAGMA wal_checkpoint(TRUNCATE)").await?),
            _ => drop(passive(conn).await?),
        }
        Ok(())
    }
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
    /// [`LOG_BYTES`], or less in a test.
    log_bytes: u64,
    file: Option<Arc<File>>,
    restart: Arc<Restart>,
}

impl Checkpoints {
    pub(crate) fn new(opener: Opener, folder: &Path, shared: &Shared) -> Self {
        let (file, restart) = (shared.file.clone(), shared.restart.clone());
        let log = folder.join("salon.db-wal");
        Checkpoints { opener, log, log_bytes: LOG_BYTES, file, restart }
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

    /// `true`: all of the log is in the file, and it is small.
    async fn advance(&self, conn: &mut OwnedConn) -> Result<bool> {
        let [log, copied] = passive(&mut conn.borrow()).await?;
        if log < self.log_bytes {
            return Ok(log == copied);
        }
        // What was copied has to be on the disk before the log begins anew. SQLite would see to it while
        // commits wait.
        if let Some(file) = self.file.clone() {
            let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
            let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
            synced.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        }
        passive(&mut conn.borrow()).await?;
        self.restart.ask(if log > LOG_BYTES_MAX { WAIT } else { FINISH });
        Ok(log == copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::conn::Arg;
    use crate::sql::open::{Database, OpenOptions};

    const LOG_BYTES: u64 = 64 * PAGE_BYTES;

    /// A commit of some pages.
    async fn commit(conn: &mut Conn<'_>) {
        let insert = "INSERT INTO meta (name, value) VALUES (hex(randomblob(8)), $1)";
        conn.execute(insert, vec![Arg::Text("x".repeat(20_000))]).await.unwrap();
    }

    #[tokio::test]
    async fn a_log_to_which_somebody_always_appends_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let opener =
            Opener::new(&OpenOptions::new(Database::Sqlite(folder.path().into()))).unwrap();
        let mut writer = opener.connect().await.unwrap();
        crate::sql::open::migrate(&mut writer, true).await.unwrap();
        let (mut beside, mut reader) =
            (opener.connect().await.unwrap(), opener.connect().await.unwrap());
        let checkpoints = Checkpoints {
            opener,
            log: folder.path().join("salon.db-wal"),
            log_bytes: LOG_BYTES,
            file: Some(open_file(folder.path()).unwrap()),
            restart: Arc::default(),
        };
        let mut writer = writer.borrow();
        let mut sizes = Vec::new();
        for round in 0..60 {
            commit(&mut writer).await;
            checkpoints.advance(&mut beside).await.unwrap();
            // What comes between, nobody but the writer can finish.
            commit(&mut writer).await;
            checkpoints.restart.serve(&mut writer).await.unwrap();
            commit(&mut writer).await;
            // Somebody who reads keeps the log for as long, and holds up nobody.
            match round {
                20 => reader.borrow().raw("BEGIN; SELECT count(*) FROM meta").await.unwrap(),
                40 => reader.borrow().raw("COMMIT").await.unwrap(),
                _ => {}
            }
            sizes.push(passive(&mut beside.borrow()).await.unwrap()[0]);
        }
        let largest = |rounds: &[u64]| rounds.iter().copied().max().unwrap_or_default();
        assert!(largest(&sizes[..20]) < 2 * LOG_BYTES, "{sizes:?}");
        assert!(largest(&sizes[21..41]) > 2 * LOG_BYTES, "{sizes:?}");
        assert!(largest(&sizes[45..]) < 2 * LOG_BYTES, "{sizes:?}");
        // When it is far too large, the writer waits until it is empty.
        commit(&mut writer).await;
        checkpoints.restart.ask(WAIT);
        checkpoints.restart.serve(&mut writer).await.unwrap();
        assert_eq!(checkpoints.state(), None, "the file is empty");
    }
}
