//! How an SQLite store takes messages: a commit appends them, as one row, to the journal; later, many
//! at a time and in the order of rooms, they are folded into the table of events.
//!
//! A message that goes straight to its room's place in the table costs a page of the disk for each
//! room of a commit, and its rows are written one by one while everybody waits. The journal costs the
//! bytes of the messages.
//!
//! Promises  a message is in the journal, or in the table, or (between a fold of its room and the next
//!           slice) in both; the tail in memory (`tail`) has all that are not in the table. A crash
//!           loses nothing: the next start reads the journal.
//! Rule      whatever else changes a room settles it first: its messages are folded in the same
//!           transaction, so that the table is always the beginning of the log.
//! Pressure  a message is folded after [`FOLD_AFTER`], or when [`EVENTS_MAX`] wait, in slices between
//!           commits; when twice as many wait, commits wait for folding.
//! Does not  exist for PostgreSQL, whose log is not written in pages, and which other nodes write.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use salon_protocol::UserId;

use super::cids::{Cids, Entry, Name};
use super::conn::{Arg, Conn, Sql, args, int_list, sql};
use super::event_row::{self, EventRow, room_of};
use super::tail::{Said, Tail};
use super::tx::{Head, Tx};
use crate::error::{Result, StoreError};
use crate::model::{RoomKey, UserKey};

/// Messages in the journal above which folding begins at once.
pub(crate) const EVENTS_MAX: usize = 16_384;
/// How old a message gets in the journal, about.
pub(crate) const FOLD_AFTER: Duration = Duration::from_millis(250);
/// Messages that are folded in one transaction between two commits.
const SLICE_EVENTS: usize = 512;
/// Rows of one statement: each has 7 parameters, and SQLite takes 32,766.
const STATEMENT_ROWS: usize = 256;

/// A commit in the journal.
#[derive(Debug)]
struct Commit {
    place: i64,
    at: Instant,
    /// The last message of each room in it.
    rooms: Vec<(RoomKey, i64)>,
}

/// The writer's part of the journal. See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    tail: Arc<Tail>,
    /// Those of which something may not be in the table, the oldest first.
    commits: VecDeque<Commit>,
    /// Messages in the tail.
    events: usize,
    next_place: i64,
    fold_after: Duration,
    // Of the transaction in progress:
    said: Vec<Arc<Said>>,
    committing: Vec<Commit>,
    /// Rooms that were folded, up to these keys.
    folded: Vec<i64>,
    savepoint: [usize; 3],
}

impl Journal {
    pub(crate) fn new(tail: Arc<Tail>, fold_after: Duration) -> Self {
        Journal {
            tail,
            commits: VecDeque::new(),
            events: 0,
            next_place: 1,
            fold_after,
            said: Vec::new(),
            committing: Vec::new(),
            folded: Vec::new(),
            savepoint: [0; 3],
        }
    }

    /// Reads what the last process left, and notes it in `cids`.
    pub(crate) async fn load(&mut self, conn: &mut Conn<'_>, cids: &mut Cids) -> Result<()> {
        let rows = unfolded(conn).await?;
        let ids = user_ids(conn, rows.iter().map(|row| row.sender)).await?;
        let mut rooms = HashMap::new();
        for row in rows {
            cids.extend(entry(&row));
            rooms.insert(room_of(row.key), row.key);
            let missing = || StoreError::Internal(format!("user {} is not there", row.sender.0));
            let by = *ids.get(&row.sender).ok_or_else(missing)?;
            self.said.push(Arc::new(Said { row, by }));
        }
        // As if all had been one commit, the last one.
        let query = "SELECT COALESCE(max(place), 0) FROM journal";
        let place = conn.one(query, args![]).await?.int(0)?;
        self.next_place = place + 1;
        if place > 0 {
            let rooms = rooms.into_iter().collect();
            self.committing.push(Commit { place, at: Instant::now(), rooms });
        }
        self.committed();
        Ok(())
    }

    /// A message that is not in the table, also one of this transaction.
    pub(crate) fn get(&self, key: i64) -> Option<Arc<Said>> {
        let said = self.said.iter().find(|said| said.row.key == key).cloned();
        said.or_else(|| self.tail.get(key)).filter(|_| !self.is_folded(key))
    }

    /// The newest message of a room, if it is not in the table.
    pub(crate) fn head(&self, room: RoomKey) -> Option<Head> {
        let said = self.said.iter().rev().find(|said| room_of(said.row.key) == room);
        let head = said.map(|said| Head { seq: event_row::seq_of(said.row.key), at: said.row.at });
        head.or_else(|| self.tail.head(room))
    }

    fn is_folded(&self, key: i64) -> bool {
        self.folded.iter().any(|upto| room_of(*upto) == room_of(key) && key <= *upto)
    }

    /// All messages of a room that are not in the table.
    fn of_room(&self, room: RoomKey) -> Vec<Arc<Said>> {
        let mut all = self.tail.oldest(room, usize::MAX);
        all.extend(self.said.iter().filter(|said| room_of(said.row.key) == room).cloned());
        all.retain(|said| !self.is_folded(said.row.key));
        all
    }

    pub(crate) fn savepoint(&mut self) {
        self.savepoint = [self.said.len(), self.committing.len(), self.folded.len()];
    }

    pub(crate) fn undone(&mut self, to_savepoint: bool) {
        if !to_savepoint {
            self.savepoint = [0; 3];
        }
        let [said, committing, folded] = self.savepoint;
        self.said.truncate(said);
        self.committing.truncate(committing);
        self.folded.truncate(folded);
    }

    pub(crate) fn committed(&mut self) {
        self.events += self.said.len();
        self.tail.push(self.said.drain(..));
        self.events -= self.tail.remove(self.folded.drain(..));
        self.commits.extend(self.committing.drain(..));
        self.savepoint = [0; 3];
    }

    /// When folding is due; `None`: there is nothing to fold.
    pub(crate) fn due(&self) -> Option<Instant> {
        let oldest = self.commits.front()?;
        Some(if self.events >= EVENTS_MAX { oldest.at } else { oldest.at + self.fold_after })
    }

    /// Whether commits have to wait for folding.
    pub(crate) fn is_full(&self) -> bool {
        self.events >= 2 * EVENTS_MAX
    }

    /// What is to be folded next: messages, room by room, and how many commits it completes.
    fn slice(&self) -> (Vec<Arc<Said>>, usize) {
        let mut slice = Vec::new();
        // How far the table will reach.
        let mut reached: HashMap<RoomKey, i64> = HashMap::new();
        for (complete, commit) in self.commits.iter().enumerate() {
            for (room, last) in &commit.rooms {
                let reached = reached.entry(*room).or_insert_with(|| {
                    let from = slice.len();
                    slice.extend(self.tail.oldest(*room, SLICE_EVENTS - from));
                    // Nothing was taken: all is in the table, unless the slice was full already.
                    let none = if from < SLICE_EVENTS { i64::MAX } else { 0 };
                    let taken: &[Arc<Said>] = &slice[from..];
                    taken.last().map_or(none, |said| said.row.key)
                });
                if *reached < *last {
                    return (slice, complete);
                }
            }
        }
        (slice, self.commits.len())
    }
}

/// Messages in the journal that are not in the table: all but those of rooms that were settled.
pub(crate) async fn unfolded(conn: &mut Conn<'_>) -> Result<Vec<EventRow>> {
    let mut rows = Vec::new();
    for row in conn.all("SELECT events FROM journal ORDER BY place", args![]).await? {
        rows.extend(event_row::from_columns(&row.text(0)?)?);
    }
    let heads = table_heads(conn, rows.iter().map(|row| room_of(row.key))).await?;
    rows.retain(|row| heads.get(&room_of(row.key)).is_none_or(|head| row.key > *head));
    Ok(rows)
}

/// The keys of the newest events that the table has of rooms.
async fn table_heads(
    conn: &mut Conn<'_>,
    rooms: impl Iterator<Item = RoomKey>,
) -> Result<HashMap<RoomKey, i64>> {
    let rooms: HashSet<i64> = rooms.map(|room| room.0).collect();
    let query = "SELECT j.value, (SELECT max(event_key) FROM events
                     WHERE event_key > j.value << 32 AND event_key < (j.value + 1) << 32)
                 FROM json_each($1) j";
    let mut heads = HashMap::new();
    for row in conn.all(query, vec![int_list(rooms)]).await? {
        if let Some(key) = row.opt_int(1)? {
            heads.insert(RoomKey(row.int(0)?), key);
        }
    }
    Ok(heads)
}

async fn user_ids(
    conn: &mut Conn<'_>,
    users: impl Iterator<Item = UserKey>,
) -> Result<HashMap<UserKey, UserId>> {
    let users: HashSet<i64> = users.map(|user| user.0).collect();
    let query = sql!("SELECT user_key, id FROM users WHERE user_key IN " [ints "$1"]);
    let rows = conn.all(query, vec![int_list(users)]).await?;
    rows.iter().map(|row| Ok((UserKey(row.int(0)?), UserId::from_bytes(row.id(1)?)))).collect()
}

/// Inserts [`STATEMENT_ROWS`] rows. Measured beside one JSON parameter: two thirds of the time.
static INSERT_ROWS: LazyLock<String> = LazyLock::new(|| {
    let rows = vec!["(?, ?, ?, ?, ?, ?, ?)"; STATEMENT_ROWS];
    let columns = "event_key, at, kind, sender_key, cid, hash, body";
    format!("INSERT INTO events ({columns}) VALUES {}", rows.join(", "))
});

impl Tx {
    /// Reads what the last process left: its request ids and its journal.
    pub(crate) async fn load(&mut self) -> Result<()> {
        let outcome = async {
            self.raw("BEGIN IMMEDIATE").await?;
            let mut conn = self.conn.borrow();
            self.cids = Cids::default().load(&mut conn).await?;
            self.journal.load(&mut conn, &mut self.cids).await?;
            self.raw("COMMIT").await
        }
        .await;
        if outcome.is_err() {
            let _ = self.raw("ROLLBACK").await;
        }
        outcome
    }

    /// Writes messages that were numbered from [`Tx::heads`], and the heads after them.
    pub(crate) async fn say(
        &mut self,
        said: Vec<Said>,
        heads: &HashMap<RoomKey, Head>,
    ) -> Result<()> {
        if self.conn.is_postgres() {
            let rows: Vec<EventRow> = said.into_iter().map(|said| said.row).collect();
            return self.insert(&rows, heads).await;
        }
        let place = self.journal.next_place;
        let json = event_row::json(said.iter().map(|said| &said.row));
        let insert = "INSERT INTO journal (place, events) VALUES ($1, $2)";
        self.conn.borrow().execute(insert, args![place, json]).await?;
        self.journal.next_place += 1;
        let mut rooms: HashMap<RoomKey, i64> = HashMap::with_capacity(heads.len());
        for said in &said {
            rooms.insert(room_of(said.row.key), said.row.key);
            if let Some(entry) = entry(&said.row) {
                self.cids.add(entry);
            }
        }
        let rooms = rooms.into_iter().collect();
        self.journal.committing.push(Commit { place, at: Instant::now(), rooms });
        self.journal.said.extend(said.into_iter().map(Arc::new));
        self.set_heads(heads);
        Ok(())
    }

    /// Brings a room's messages into the table, so that the rest of the transaction finds all of
    /// its log there.
    pub(crate) async fn settle(&mut self, room: RoomKey) -> Result<()> {
        if self.conn.is_postgres() {
            return Ok(());
        }
        let said = self.journal.of_room(room);
        self.fold_rows(&said).await
    }

    /// Folds the oldest messages, in a transaction of its own. `false`: there are none.
    pub(crate) async fn fold(&mut self) -> Result<bool> {
        let (said, complete) = self.journal.slice();
        let tidy = self.cids.untidy();
        if said.is_empty() && complete == 0 && !tidy {
            return Ok(false);
        }
        let outcome = async {
            self.raw("BEGIN IMMEDIATE").await?;
            self.fold_rows(&said).await?;
            if complete > 0 {
                let next = self.journal.commits.get(complete).map(|commit| commit.place);
                let next = next.unwrap_or(self.journal.next_place);
                let delete = "DELETE FROM journal WHERE place < $1";
                self.conn.borrow().execute(delete, args![next]).await?;
            }
            if tidy {
                self.cids.tidy(&mut self.conn.borrow()).await?;
            }
            self.raw("COMMIT").await
        }
        .await;
        if let Err(error) = outcome {
            // SQLite may have rolled back by itself already.
            let _ = self.raw("ROLLBACK").await;
            self.undone(false);
            self.cids.start_again();
            return Err(error);
        }
        self.journal.commits.drain(..complete);
        self.committed();
        Ok(true)
    }

    /// Puts messages into the table, those of a room together and in their order.
    async fn fold_rows(&mut self, said: &[Arc<Said>]) -> Result<()> {
        let (many, rest) = said.split_at(said.len() / STATEMENT_ROWS * STATEMENT_ROWS);
        for rows in many.chunks(STATEMENT_ROWS) {
            let columns = rows.iter().flat_map(|said| columns(&said.row)).collect();
            self.conn.borrow().execute(Sql::from(INSERT_ROWS.as_str()), columns).await?;
        }
        if !rest.is_empty() {
            let json = event_row::json(rest.iter().map(|said| &said.row));
            self.conn.borrow().execute(event_row::INSERT, vec![Arg::Text(json)]).await?;
        }
        let entries: Vec<Entry> = said.iter().filter_map(|said| entry(&said.row)).collect();
        self.cids.keep(&mut self.conn.borrow(), &entries).await?;
        for (place, one) in said.iter().enumerate() {
            let room = room_of(one.row.key);
            if said.get(place + 1).is_none_or(|next| room_of(next.row.key) != room) {
                self.journal.folded.push(one.row.key);
                self.texts_changed.insert(room);
            }
        }
        Ok(())
    }
}

/// The name of the request that made an event.
pub(crate) fn entry(row: &EventRow) -> Option<Entry> {
    row.request.map(|request| (Name::new(request.cid, row.sender), row.key))
}

fn columns(row: &EventRow) -> [Arg; 7] {
    [
        Arg::Int(row.key),
        Arg::Int(row.at),
        Arg::Int(row.kind),
        Arg::Int(row.sender.0),
        Arg::OptBlob(row.request.map(|request| request.cid.as_bytes().to_vec())),
        Arg::OptInt(row.request.map(|request| request.hash)),
        Arg::Text(row.body.clone()),
    ]
}
