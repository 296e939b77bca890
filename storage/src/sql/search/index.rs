//! The index itself: for SQLite a file of its own with FTS5, for PostgreSQL a table.
//!
//! Each message is one row under its event key. The room is a word of the row, so that a search in
//! one's own rooms reads no others.

use std::collections::HashMap;
use std::path::Path;

use async_trait::async_trait;
use salon_protocol::{Millis, Seq};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::Mutex;

use super::words::{QueryWord, of_text};
use crate::error::{Result, StoreError};
use crate::model::RoomKey;
use crate::sql::Shared;
use crate::sql::conn::{Arg, Conn, Row, args, int_list, sql, store_error};
use crate::sql::event_row::{self, MESSAGE, StoredMessage, key, room_of, seq_of};

/// A message whose words have changed; no words: it is gone.
#[derive(Debug)]
pub(crate) struct Document {
    key: i64,
    at: Millis,
    words: Vec<String>,
    /// The index has never seen it.
    new: bool,
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
    /// How far the logs of rooms are in the index; those that it does not know are missing.
    async fn heads(&self, conn: &mut Conn<'_>, rooms: &[RoomKey]) -> Result<HashMap<RoomKey, Seq>>;

    /// Takes in documents and moves heads, all or none.
    async fn store(
        &self,
        conn: &mut Conn<'_>,
        heads: &HashMap<RoomKey, Seq>,
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

/// Rows that are cut into words before others on the same thread, such as the writer, have a turn.
const ROWS_PER_TURN: usize = 32;

/// Follows one slice of the logs of rooms, and gives those of which there may be more, the one that
/// filled the slice last.
pub(crate) async fn follow_rooms(
    shared: &Shared,
    rooms: &[RoomKey],
    limit: usize,
) -> Result<Vec<RoomKey>> {
    let mut reader = shared.reader().await?;
    let mut conn = reader.borrow();
    let before = shared.search.heads(&mut conn, rooms).await?;
    let head_of = |room: RoomKey| before.get(&room).copied().unwrap_or(0);
    // SQLite goes through a CROSS JOIN as it is written: asked for this order, it would read all of
    // the logs that are behind and sort them, for each slice.
    let query = sql!(
        "SELECT e.event_key, e.kind, e.body, e.at "
        [sqlite "FROM json_each($1) j CROSS JOIN events e
                 ON e.event_key > j.value->>0 AND e.event_key < j.value->>1 LIMIT $2"
         postgres "FROM json_array_elements($1::json) WITH ORDINALITY AS j (range, n)
                   CROSS JOIN LATERAL (
                       SELECT * FROM events
                       WHERE event_key > (j.range->>0)::bigint AND event_key < (j.range->>1)::bigint
                       ORDER BY event_key LIMIT $2) e
                   ORDER BY j.n, e.event_key LIMIT $2"]
    );
    let ranges: Vec<[i64; 2]> = rooms
        .iter()
        .map(|room| [key(*room, head_of(*room)), key(RoomKey(room.0 + 1), 0)])
        .collect();
    let rows = conn.all(query, args![event_row::to_json(&ranges), limit]).await?;
    let mut heads = HashMap::new();
    let mut documents = Vec::with_capacity(rows.len());
    let mut changed: Vec<i64> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if place % ROWS_PER_TURN == 0 {
            tokio::task::yield_now().await;
        }
        let (key, kind) = (row.int(0)?, row.int(1)?);
        heads.insert(room_of(key), seq_of(key));
        match kind {
            MESSAGE => documents.push(document(row, true)?),
            event_row::RECALLED | event_row::EDITED => {
                let target: TargetOnly = event_row::from_json(&row.text(2)?)?;
                // One that is new was read as it is now.
                if target.target <= head_of(room_of(key)) {
                    changed.push(event_row::key(room_of(key), target.target));
                }
            }
            _ => {}
        }
    }
    if !changed.is_empty() {
        changed.sort_unstable();
        changed.dedup();
        let query = sql!(
            "SELECT event_key, kind, body, at FROM events WHERE event_key IN " [ints "$1"]
        );
        for row in conn.all(query, vec![int_list(changed)]).await? {
            documents.push(document(&row, false)?);
        }
    }
    if !heads.is_empty() {
        shared.search.store(&mut conn, &heads, documents).await?;
    }
    if rows.len() < limit {
        return Ok(Vec::new());
    }
    let last = rows.last().map_or(Ok(0), |row| row.int(0)).map(room_of)?;
    let after_last = rooms.iter().skip_while(|room| **room != last).skip(1);
    Ok(after_last.copied().chain([last]).collect())
}

#[derive(serde::Deserialize)]
struct TargetOnly {
    target: Seq,
}

/// The words that a message has now, from its key, kind, body and time.
fn document(row: &Row, new: bool) -> Result<Document> {
    let words = if row.int(1)? == MESSAGE {
        let message: StoredMessage = event_row::from_json(&row.text(2)?)?;
        of_text(message.text.as_deref().unwrap_or_default())
    } else {
        Vec::new()
    };
    Ok(Document { key: row.int(0)?, at: row.int(3)?, words, new })
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
            .pragma("cache_size", "-8000")
            .thread_name(|_| "salon-search".into());
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

/// Bits of a place below its millisecond: those of the room, and below them those of the position,
/// so that the messages of a room stay in their order and hardly any two want one place.
const PLACE_BITS: [u32; 2] = [10, 10];

/// Where a message wants to stand in the order of time.
fn wanted(document: &Document) -> i64 {
    let [room_bits, seq_bits] = PLACE_BITS;
    let low = |value: i64, bits: u32| value & ((1 << bits) - 1);
    document.at << (room_bits + seq_bits)
        | low(room_of(document.key).0, room_bits) << seq_bits
        | low(document.key, seq_bits)
}

/// The places of messages, in the order of the documents; new ones are given theirs. Whoever finds
/// one taken finds out by whom: perhaps somebody else has followed the log meanwhile.
async fn places(conn: &mut Conn<'_>, documents: &mut [Document]) -> Result<Vec<i64>> {
    let new: Vec<[i64; 2]> = documents
        .iter()
        .filter(|document| document.new)
        .map(|document| [wanted(document), document.key])
        .collect();
    let insert = "INSERT INTO places SELECT value->>0, value->>1 FROM json_each($1) WHERE true
                  ON CONFLICT DO NOTHING";
    let given = conn.execute(insert, args![event_row::to_json(&new)]).await?;
    if given == documents.len() as u64 {
        return Ok(documents.iter().map(wanted).collect());
    }
    let mut places = Vec::with_capacity(documents.len());
    for document in documents {
        document.new = false;
        places.push(place(conn, document).await?);
    }
    Ok(places)
}

/// The place of one message: that which it has, or else the first free one from that which it wants.
async fn place(conn: &mut Conn<'_>, document: &Document) -> Result<i64> {
    let query = "SELECT place FROM places WHERE event_key = $1";
    if let Some(row) = conn.first(query, args![document.key]).await? {
        return row.int(0);
    }
    let insert = "INSERT INTO places
                  SELECT coalesce(
                      (SELECT p.place + 1 FROM places p
                       WHERE p.place >= $1 AND EXISTS (SELECT 1 FROM places WHERE place = $1)
                         AND NOT EXISTS (SELECT 1 FROM places n WHERE n.place = p.place + 1)
                       ORDER BY p.place LIMIT 1), $1), $2
                  RETURNING place";
    conn.one(insert, args![wanted(document), document.key]).await?.int(0)
}

fn heads_of(rows: &[Row]) -> Result<HashMap<RoomKey, Seq>> {
    rows.iter().map(|row| Ok((RoomKey(row.int(0)?), row.number(1)?))).collect()
}

/// A list of rooms and heads.
fn heads_json(heads: &HashMap<RoomKey, Seq>) -> String {
    let heads: Vec<(i64, Seq)> = heads.iter().map(|(room, seq)| (room.0, *seq)).collect();
    event_row::to_json(&heads)
}

/// What FTS5 reads of a message.
fn text(document: &Document) -> String {
    format!("{} {}", room_word(room_of(document.key)), document.words.join(" "))
}

/// The word that stands for a room; no text contains it, since words have letters and digits only.
fn room_word(room: RoomKey) -> String {
    format!("\u{E000}{}", room.0)
}

#[async_trait]
impl Index for SqliteIndex {
    async fn heads(&self, _: &mut Conn<'_>, rooms: &[RoomKey]) -> Result<HashMap<RoomKey, Seq>> {
        let mut guard = self.conn.lock().await;
        let query = "SELECT room_key, seq FROM heads
                     WHERE room_key IN (SELECT value FROM json_each($1))";
        let rooms = int_list(rooms.iter().map(|room| room.0));
        heads_of(&Conn::Sqlite(&mut guard).all(query, vec![rooms]).await?)
    }

    async fn store(
        &self,
        _: &mut Conn<'_>,
        heads: &HashMap<RoomKey, Seq>,
        mut documents: Vec<Document>,
    ) -> Result<()> {
        let mut guard = self.conn.lock().await;
        let mut conn = Conn::Sqlite(&mut guard);
        conn.raw("BEGIN IMMEDIATE").await?;
        let outcome = async {
            let mut placed: Vec<(i64, Document)> =
                places(&mut conn, &mut documents).await?.into_iter().zip(documents).collect();
            let old = placed.iter().filter(|(_, document)| !document.new).map(|(place, _)| *place);
            let old = int_list(old);
            conn.execute(
                "DELETE FROM texts WHERE rowid IN (SELECT value FROM json_each($1))",
                vec![old],
            )
            .await?;
            // FTS5 writes out what it has gathered whenever a row comes before an earlier one.
            placed.sort_unstable_by_key(|(place, _)| *place);
            let texts: Vec<(i64, String)> = placed
                .into_iter()
                .filter(|(_, document)| !document.words.is_empty())
                .map(|(place, document)| (place, text(&document)))
                .collect();
            conn.execute(
                "INSERT INTO texts (rowid, words)
                 SELECT value->>0, value->>1 FROM json_each($1)",
                args![event_row::to_json(&texts)],
            )
            .await?;
            conn.execute(
                "INSERT INTO heads SELECT value->>0, value->>1 FROM json_each($1) WHERE true
                 ON CONFLICT (room_key) DO UPDATE SET seq = max(seq, excluded.seq)",
                args![heads_json(heads)],
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
    async fn heads(&self, conn: &mut Conn<'_>, rooms: &[RoomKey]) -> Result<HashMap<RoomKey, Seq>> {
        let query = "SELECT room_key, seq FROM search_heads WHERE room_key IN
                     (SELECT value::bigint FROM json_array_elements_text($1::json))";
        let rooms = int_list(rooms.iter().map(|room| room.0));
        heads_of(&conn.all(query, vec![rooms]).await?)
    }

    async fn store(
        &self,
        conn: &mut Conn<'_>,
        heads: &HashMap<RoomKey, Seq>,
        documents: Vec<Document>,
    ) -> Result<()> {
        let (there, gone): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| !document.words.is_empty());
        let there: Vec<(i64, i64, Millis, Vec<String>)> = there
            .into_iter()
            .map(|Document { key, at, words, .. }| (key, room_of(key).0, at, words))
            .collect();
        conn.raw("BEGIN").await?;
        let outcome = async {
            conn.execute(
                "DELETE FROM search WHERE event_key IN
                     (SELECT value::bigint FROM json_array_elements_text($1::json))",
                vec![int_list(gone.iter().map(|document| document.key))],
            )
            .await?;
            // Other nodes follow the same logs: in one order, so that none waits for another that
            // waits for it.
            conn.execute(
                "INSERT INTO search (event_key, room_key, at, words)
                 SELECT (d->>0)::bigint, (d->>1)::bigint, (d->>2)::bigint,
                        array_to_tsvector(ARRAY(SELECT json_array_elements_text(d->3)))
                 FROM json_array_elements($1::json) d ORDER BY 1
                 ON CONFLICT (event_key) DO UPDATE SET words = excluded.words",
                args![event_row::to_json(&there)],
            )
            .await?;
            conn.execute(
                "INSERT INTO search_heads
                 SELECT (h->>0)::bigint, (h->>1)::bigint
                 FROM json_array_elements($1::json) h ORDER BY 1
                 ON CONFLICT (room_key)
                 DO UPDATE SET seq = greatest(search_heads.seq, excluded.seq)",
                args![heads_json(heads)],
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
