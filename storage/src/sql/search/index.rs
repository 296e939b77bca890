//! The index itself: for SQLite a file of its own with FTS5, for PostgreSQL a table.
//!
//! Each message is one row under its event key. The room is a word of the row, so that a search in
//! one's own rooms reads no others.

use std::path::Path;

use async_trait::async_trait;
use salon_protocol::Millis;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::Mutex;

use super::words::{QueryWord, of_text};
use crate::error::{Result, StoreError};
use crate::model::RoomKey;
use crate::sql::Shared;
use crate::sql::conn::{Arg, Conn, args, int_list, store_error};
use crate::sql::event_row::{self, MESSAGE, StoredMessage, key, seq_of};

/// A message whose words have changed; no words: it is gone.
#[derive(Debug)]
pub(crate) struct Document {
    key: i64,
    at: Millis,
    words: Vec<String>,
}

/// A message that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Its place in the order of time; what a cursor is made of.
    pub(crate) place: [i64; 2],
    /// Its event key.
    pub(crate) key: i64,
}

/// Where words are looked up.
#[async_trait]
pub(crate) trait Index: Send + Sync + std::fmt::Debug {
    /// How far a room's log is in the index.
    async fn head(&self, conn: &mut Conn<'_>, room: RoomKey) -> Result<u64>;

    /// Takes in documents and moves the room's head, both or none.
    async fn store(
        &self,
        conn: &mut Conn<'_>,
        room: RoomKey,
        head: u64,
        documents: Vec<Document>,
    ) -> Result<()>;

    /// Messages in these rooms with all words, before a place, the newest first.
    async fn hits(
        &self,
        conn: &mut Conn<'_>,
        words: &[QueryWord],
        rooms: &[RoomKey],
        before: [i64; 2],
        limit: usize,
    ) -> Result<Vec<Hit>>;
}

/// The index of a store.
pub(crate) type SearchIndex = Box<dyn Index>;

/// Follows one slice of a room's log. True when there may be more.
pub(crate) async fn follow_room(shared: &Shared, room: RoomKey, limit: usize) -> Result<bool> {
    let mut reader = shared.reader().await?;
    let mut conn = reader.borrow();
    let head = shared.search.head(&mut conn, room).await?;
    let rows = conn
        .all(
            "SELECT event_key, kind, body FROM events
             WHERE event_key > $1 AND event_key < $2 ORDER BY event_key LIMIT $3",
            args![key(room, head), key(RoomKey(room.0 + 1), 0), limit],
        )
        .await?;
    let Some(last) = rows.last() else { return Ok(false) };
    let new_head = seq_of(last.int(0)?);
    let more = rows.len() == limit;
    let mut changed: Vec<i64> = Vec::new();
    for row in &rows {
        match row.int(1)? {
            MESSAGE => changed.push(row.int(0)?),
            event_row::RECALLED | event_row::EDITED => {
                let target: TargetOnly = event_row::from_json(&row.text(2)?)?;
                changed.push(key(room, target.target));
            }
            _ => {}
        }
    }
    changed.sort_unstable();
    changed.dedup();
    let documents = documents(&mut conn, changed).await?;
    shared.search.store(&mut conn, room, new_head, documents).await?;
    Ok(more)
}

#[derive(serde::Deserialize)]
struct TargetOnly {
    target: u64,
}

/// The words that messages have now.
async fn documents(conn: &mut Conn<'_>, keys: Vec<i64>) -> Result<Vec<Document>> {
    let query = crate::sql::conn::sql!(
        "SELECT event_key, kind, body, at FROM events WHERE event_key IN " [ints "$1"]
    );
    let rows = conn.all(query, vec![int_list(keys)]).await?;
    rows.iter()
        .map(|row| {
            let words = if row.int(1)? == MESSAGE {
                let message: StoredMessage = event_row::from_json(&row.text(2)?)?;
                of_text(message.text.as_deref().unwrap_or_default())
            } else {
                Vec::new()
            };
            Ok(Document { key: row.int(0)?, at: row.int(3)?, words })
        })
        .collect()
}

/// FTS5 in a file of its own: it has its own writer, and its commits do not wait for the disk.
#[derive(Debug)]
pub(crate) struct SqliteIndex {
    conn: Mutex<SqliteConnection>,
}

/// A changed version builds the index anew.
const VERSION: i64 = 2;

impl SqliteIndex {
    /// Opens the index of a store with this epoch; one of another store is thrown away.
    pub(crate) async fn open(path: &Path, epoch: &str) -> Result<Self> {
        match Self::attempt(path, epoch).await {
            Ok(Some(index)) => Ok(index),
            outcome => {
                if let Err(error) = outcome {
                    tracing::warn!(error = %error, "search index is unusable and built anew");
                }
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    // What is not there need not go.
                    let _ = std::fs::remove_file(name);
                }
                let again = Self::attempt(path, epoch).await?;
                again.ok_or_else(|| StoreError::Internal("search index has another epoch".into()))
            }
        }
    }

    async fn attempt(path: &Path, epoch: &str) -> Result<Option<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // It can be built again, so it need not survive a power cut.
            .synchronous(SqliteSynchronous::Off)
            .pragma("cache_size", "-8000");
        let mut conn = options.connect().await.map_err(|error| store_error(&error))?;
        let mut c = Conn::Sqlite(&mut conn);
        c.raw(
            "CREATE TABLE IF NOT EXISTS identity (epoch TEXT, version INTEGER);
             CREATE TABLE IF NOT EXISTS heads (room_key INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS places (
                 place INTEGER PRIMARY KEY, event_key INTEGER NOT NULL UNIQUE);
             CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5 (
                 words, content='', contentless_delete=1,
                 tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* M* Co'\");",
        )
        .await?;
        let row = c.first("SELECT epoch, version FROM identity", args![]).await?;
        match row {
            Some(row) if row.text(0)? == epoch && row.int(1)? == VERSION => {}
            Some(_) => return Ok(None),
            None => {
                c.execute("INSERT INTO identity VALUES ($1, $2)", args![epoch, VERSION]).await?;
            }
        }
        Ok(Some(SqliteIndex { conn: Mutex::new(conn) }))
    }
}

/// Where a message stands in the order of time: its millisecond, and in it a place that is free.
async fn place(conn: &mut Conn<'_>, document: &Document) -> Result<i64> {
    const PLACES_PER_MS_BITS: u32 = 20;
    let query = "SELECT place FROM places WHERE event_key = $1";
    if let Some(row) = conn.first(query, args![document.key]).await? {
        return row.int(0);
    }
    // Beginning with the key, so that an index that is built again gives the same places.
    let wanted =
        document.at << PLACES_PER_MS_BITS | (document.key & ((1 << PLACES_PER_MS_BITS) - 1));
    // The first free one from there: itself, or the one behind a row of taken ones.
    let insert = "INSERT INTO places
                  SELECT coalesce(
                      (SELECT p.place + 1 FROM places p
                       WHERE p.place >= $1 AND EXISTS (SELECT 1 FROM places WHERE place = $1)
                         AND NOT EXISTS (SELECT 1 FROM places n WHERE n.place = p.place + 1)
                       ORDER BY p.place LIMIT 1), $1), $2
                  RETURNING place";
    conn.one(insert, args![wanted, document.key]).await?.int(0)
}

/// The word that stands for a room; no text contains it, since words have letters and digits only.
fn room_word(room: RoomKey) -> String {
    format!("\u{E000}{}", room.0)
}

#[async_trait]
impl Index for SqliteIndex {
    async fn head(&self, _: &mut Conn<'_>, room: RoomKey) -> Result<u64> {
        let mut guard = self.conn.lock().await;
        let query = "SELECT seq FROM heads WHERE room_key = $1";
        let row = Conn::Sqlite(&mut guard).first(query, args![room]).await?;
        row.map_or(Ok(0), |row| row.number(0))
    }

    async fn store(
        &self,
        _: &mut Conn<'_>,
        room: RoomKey,
        head: u64,
        documents: Vec<Document>,
    ) -> Result<()> {
        let mut guard = self.conn.lock().await;
        let mut conn = Conn::Sqlite(&mut guard);
        conn.raw("BEGIN IMMEDIATE").await?;
        let outcome = async {
            for document in documents {
                let place = place(&mut conn, &document).await?;
                conn.execute("DELETE FROM texts WHERE rowid = $1", args![place]).await?;
                if !document.words.is_empty() {
                    let text = format!("{} {}", room_word(room), document.words.join(" "));
                    let insert = "INSERT INTO texts (rowid, words) VALUES ($1, $2)";
                    conn.execute(insert, args![place, text]).await?;
                }
            }
            conn.execute(
                "INSERT INTO heads VALUES ($1, $2)
                 ON CONFLICT (room_key) DO UPDATE SET seq = $2",
                args![room, head],
            )
            .await?;
            conn.raw("COMMIT").await
        }
        .await;
        if outcome.is_err() {
            let _ = conn.raw("ROLLBACK").await;
        }
        outcome
    }

    async fn hits(
        &self,
        _: &mut Conn<'_>,
        words: &[QueryWord],
        rooms: &[RoomKey],
        before: [i64; 2],
        limit: usize,
    ) -> Result<Vec<Hit>> {
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let quoted =
            |word: &QueryWord| format!("\"{}\"{}", word.word, if word.prefix { " *" } else { "" });
        let mut all: Vec<String> = words.iter().map(quoted).collect();
        let rooms: Vec<String> =
            rooms.iter().map(|room| format!("\"{}\"", room_word(*room))).collect();
        all.push(format!("({})", rooms.join(" OR ")));
        let mut guard = self.conn.lock().await;
        let rows = Conn::Sqlite(&mut guard)
            .all(
                "SELECT t.rowid, p.event_key FROM texts t JOIN places p ON p.place = t.rowid
                 WHERE t.words MATCH $1 AND t.rowid < $2 ORDER BY t.rowid DESC LIMIT $3",
                args![all.join(" AND "), before[0], limit],
            )
            .await?;
        rows.iter().map(|row| Ok(Hit { place: [row.int(0)?, 0], key: row.int(1)? })).collect()
    }
}

/// A table beside the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostgresIndex;

#[async_trait]
impl Index for PostgresIndex {
    async fn head(&self, conn: &mut Conn<'_>, room: RoomKey) -> Result<u64> {
        let query = "SELECT seq FROM search_heads WHERE room_key = $1";
        let row = conn.first(query, args![room]).await?;
        row.map_or(Ok(0), |row| row.number(0))
    }

    async fn store(
        &self,
        conn: &mut Conn<'_>,
        room: RoomKey,
        head: u64,
        documents: Vec<Document>,
    ) -> Result<()> {
        conn.raw("BEGIN").await?;
        let outcome = async {
            for document in documents {
                conn.execute("DELETE FROM search WHERE event_key = $1", args![document.key])
                    .await?;
                if document.words.is_empty() {
                    continue;
                }
                conn.execute(
                    "INSERT INTO search (event_key, room_key, at, words)
                     VALUES ($1, $2, $3, array_to_tsvector($4::text[]))
                     ON CONFLICT (event_key) DO UPDATE SET words = excluded.words",
                    vec![
                        document.key.into(),
                        room.into(),
                        document.at.into(),
                        Arg::Texts(document.words),
                    ],
                )
                .await?;
            }
            conn.execute(
                "INSERT INTO search_heads VALUES ($1, $2)
                 ON CONFLICT (room_key)
                 DO UPDATE SET seq = greatest(search_heads.seq, excluded.seq)",
                args![room, head],
            )
            .await?;
            conn.raw("COMMIT").await
        }
        .await;
        if outcome.is_err() {
            let _ = conn.raw("ROLLBACK").await;
        }
        outcome
    }

    async fn hits(
        &self,
        conn: &mut Conn<'_>,
        words: &[QueryWord],
        rooms: &[RoomKey],
        before: [i64; 2],
        limit: usize,
    ) -> Result<Vec<Hit>> {
        // Words are letters and digits only, so quoting them is all the escaping there is.
        let quoted =
            |word: &QueryWord| format!("'{}'{}", word.word, if word.prefix { ":*" } else { "" });
        let all: Vec<String> = words.iter().map(quoted).collect();
        let rows = conn
            .all(
                "SELECT at, event_key FROM search
                 WHERE words @@ $1::tsquery AND (at, event_key) < ($2, $3) AND room_key IN
                     (SELECT value::bigint FROM json_array_elements_text($4::json))
                 ORDER BY at DESC, event_key DESC LIMIT $5",
                vec![
                    Arg::Text(all.join(" & ")),
                    before[0].into(),
                    before[1].into(),
                    int_list(rooms.iter().map(|room| room.0)),
                    limit.into(),
                ],
            )
            .await?;
        rows.iter()
            .map(|row| Ok(Hit { place: [row.int(0)?, row.int(1)?], key: row.int(1)? }))
            .collect()
    }
}
