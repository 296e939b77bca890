//! One transaction of the writer: numbers events and appends them.

use std::collections::{HashMap, HashSet};

use salon_protocol::{Cid, Event, EventData, LogId, Millis, Seq};

use super::cids::{Cids, Entry};
use super::conn::{Arg, OwnedConn, Row, Sql, args, int_list, sql};
use super::event_row::{self, EventRow};
use super::journal::{self, Journal};
use super::members::Members;
use crate::error::Result;
use crate::model::{InboxEvent, RoomKey, RoomRef, UserKey, UserRef};

/// What an operator may decide about rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long after its commit a message can be recalled by its sender.
    pub recall_window_ms: Millis,
    /// Whether anybody can be brought into a group without being asked; otherwise only friends.
    pub open_membership: bool,
    /// Whether two who share a room may open a direct room without being friends.
    pub direct_strangers: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            recall_window_ms: salon_protocol::limits::RECALL_WINDOW_MS,
            open_membership: true,
            direct_strangers: false,
        }
    }
}

/// The newest event of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: Seq,
    pub(crate) at: Millis,
}

/// Heads that the single writer of an SQLite store remembers, so that numbering reads nothing.
/// PostgreSQL keeps them in `rooms`, where all nodes see them.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    known: HashMap<RoomKey, Head>,
    /// Changed since the last commit.
    touched: Vec<RoomKey>,
    /// How many of them were changed before the savepoint.
    savepoint: usize,
}

/// Above this, all are forgotten: reading one again is a single seek.
const HEADS_MAX: usize = 100_000;

impl Heads {
    fn set(&mut self, room: RoomKey, head: Head) {
        self.touched.push(room);
        self.known.insert(room, head);
    }

    /// What was changed holds.
    fn committed(&mut self) {
        self.touched.clear();
        if self.known.len() > HEADS_MAX {
            self.known.clear();
        }
    }

    /// What was changed was undone.
    fn rolled_back(&mut self) {
        self.savepoint = 0;
        self.rolled_back_to_savepoint();
    }

    /// What is changed from here on may be undone by itself.
    fn savepoint(&mut self) {
        self.savepoint = self.touched.len();
    }

    /// What was changed since the savepoint was undone. Such heads are read again.
    fn rolled_back_to_savepoint(&mut self) {
        for room in self.touched.drain(self.savepoint..) {
            self.known.remove(&room);
        }
    }
}

/// The content of a request under its `cid`, to recognise a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) cid: Cid,
    pub(crate) hash: i64,
}

/// The writer's connection, with a transaction in progress.
#[derive(Debug)]
pub(crate) struct Tx {
    pub(crate) conn: OwnedConn,
    pub(crate) heads: Heads,
    pub(crate) members: Members,
    pub(crate) journal: Journal,
    pub(crate) cids: Cids,
    /// The time of this commit.
    pub(crate) now: Millis,
    pub(crate) rules: Rules,
    /// Rooms whose searchable text this commit changes.
    pub(crate) texts_changed: HashSet<RoomKey>,
}

impl Tx {
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<u64> {
        let sql = sql.into();
        self.members.note(&sql);
        self.conn.borrow().execute(sql, args).await
    }

    /// Moves cursors of members: nothing that is remembered of them.
    pub(crate) async fn move_cursors(&mut self, sql: Sql, args: Vec<Arg>) -> Result<u64> {
        self.conn.borrow().execute(sql, args).await
    }

    /// What was done holds.
    pub(crate) fn committed(&mut self) {
        self.heads.committed();
        self.cids.committed();
        self.journal.committed();
    }

    /// What is done from here on may be undone by itself.
    pub(crate) fn savepoint(&mut self) {
        self.heads.savepoint();
        self.cids.savepoint();
        self.journal.savepoint();
    }

    /// What was done since the savepoint, or since the beginning, was undone.
    pub(crate) fn undone(&mut self, to_savepoint: bool) {
        self.members.forget_all();
        self.cids.undone(to_savepoint);
        self.journal.undone(to_savepoint);
        if !to_savepoint {
            self.texts_changed.clear();
        }
        if to_savepoint {
            self.heads.rolled_back_to_savepoint();
        } else {
            self.heads.rolled_back();
        }
    }

    pub(crate) async fn all(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Vec<Row>> {
        let sql = sql.into();
        self.members.note(&sql);
        self.conn.borrow().all(sql, args).await
    }

    pub(crate) async fn raw(&mut self, sql: impl Into<Sql>) -> Result<()> {
        self.conn.borrow().raw(sql).await
    }

    pub(crate) async fn first(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        let sql = sql.into();
        self.members.note(&sql);
        self.conn.borrow().first(sql, args).await
    }

    pub(crate) async fn one(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Row> {
        let sql = sql.into();
        self.members.note(&sql);
        self.conn.borrow().one(sql, args).await
    }

    /// The heads of logs. In PostgreSQL their rows are locked, in the order of their keys, until
    /// the transaction ends.
    pub(crate) async fn heads(&mut self, rooms: &[RoomKey]) -> Result<HashMap<RoomKey, Head>> {
        let mut heads = HashMap::with_capacity(rooms.len());
        let mut unknown = Vec::new();
        for &room in rooms {
            match self.heads.known.get(&room) {
                Some(head) if !self.conn.is_postgres() => {
                    heads.insert(room, *head);
                }
                _ => unknown.push(room),
            }
        }
        if unknown.is_empty() {
            return Ok(heads);
        }
        unknown.sort_unstable();
        unknown.dedup();
        // SQLite: the last row of the room's range of keys.
        let query = sql!(
            [sqlite "SELECT j.value, COALESCE(e.event_key & 4294967295, 0), COALESCE(e.at, 0)
                     FROM json_each($1) j
                     LEFT JOIN events e ON e.event_key = (
                         SELECT event_key FROM events
                         WHERE event_key > j.value << 32 AND event_key < (j.value + 1) << 32
                         ORDER BY event_key DESC LIMIT 1)"
             postgres "SELECT room_key, head, head_at FROM rooms WHERE room_key IN
                       (SELECT value::bigint FROM json_array_elements_text($1::json))
                       ORDER BY room_key FOR UPDATE"]
        );
        let list = int_list(unknown.iter().map(|room| room.0));
        for row in self.all(query, vec![list]).await? {
            let head = Head { seq: row.number(1)?, at: row.int(2)? };
            let room = RoomKey(row.int(0)?);
            heads.insert(room, self.journal.head(room).unwrap_or(head));
        }
        Ok(heads)
    }

    /// SQLite: remembers heads.
    pub(crate) fn set_heads(&mut self, heads: &HashMap<RoomKey, Head>) {
        for (room, head) in heads {
            self.heads.set(*room, *head);
        }
    }

    /// The head of one log.
    pub(crate) async fn head(&mut self, room: RoomKey) -> Result<Head> {
        Ok(self.heads(&[room]).await?.get(&room).copied().unwrap_or_default())
    }

    /// Writes rows that were numbered from [`Tx::heads`], and the heads after them, into the table.
    pub(crate) async fn insert(
        &mut self,
        rows: &[EventRow],
        heads: &HashMap<RoomKey, Head>,
    ) -> Result<()> {
        if self.conn.is_postgres() {
            let (rooms, ends): (Vec<i64>, Vec<Head>) =
                heads.iter().map(|(room, head)| (room.0, *head)).unzip();
            let seqs = ends.iter().map(|head| head.seq.cast_signed()).collect();
            let times = ends.iter().map(|head| head.at).collect();
            self.execute(
                "UPDATE rooms SET head = n.seq, head_at = n.at
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (room_key, seq, at)
                 WHERE rooms.room_key = n.room_key",
                vec![Arg::Ints(rooms), Arg::Ints(seqs), Arg::Ints(times)],
            )
            .await?;
            self.execute(event_row::INSERT, event_row::columns(rows)).await?;
        } else {
            for room in heads.keys() {
                self.settle(*room).await?;
            }
            self.execute(event_row::INSERT, vec![Arg::Text(event_row::json(rows.iter()))]).await?;
            let entries: Vec<Entry> = rows.iter().filter_map(journal::entry).collect();
            self.cids.keep(&mut self.conn.borrow(), &entries).await?;
            entries.into_iter().for_each(|entry| self.cids.add(entry));
            self.set_heads(heads);
        }
        Ok(())
    }

    /// Appends one event to a log.
    pub(crate) async fn append(
        &mut self,
        log: (RoomKey, LogId),
        sender: UserKey,
        key: Option<Key>,
        data: EventData,
    ) -> Result<Event> {
        let (room, id) = log;
        let before = self.head(room).await?;
        let head = Head { seq: before.seq + 1, at: self.now.max(before.at) };
        let row = EventRow::new(room, head, sender, key, &data);
        self.insert(&[row], &HashMap::from([(room, head)])).await?;
        Ok(Event { room: id, seq: head.seq, at: head.at, data })
    }

    /// Appends one event to a room.
    pub(crate) async fn append_to_room(
        &mut self,
        room: RoomRef,
        sender: UserKey,
        data: EventData,
    ) -> Result<Event> {
        self.append((room.key, LogId::Room(room.id)), sender, None, data).await
    }

    /// Appends one event to the inbox of each user.
    pub(crate) async fn tell(
        &mut self,
        users: &[UserRef],
        sender: UserKey,
        data: &EventData,
    ) -> Result<Vec<InboxEvent>> {
        let inboxes = self.inboxes(users).await?;
        let rooms: Vec<RoomKey> = inboxes.values().copied().collect();
        let mut heads = self.heads(&rooms).await?;
        let mut rows = Vec::with_capacity(users.len());
        let mut told = Vec::with_capacity(users.len());
        for user in users {
            let Some(&inbox) = inboxes.get(&user.key) else { continue };
            let head = heads.entry(inbox).or_default();
            *head = Head { seq: head.seq + 1, at: self.now.max(head.at) };
            rows.push(EventRow::new(inbox, *head, sender, None, data));
            let event =
                Event { room: LogId::Inbox, seq: head.seq, at: head.at, data: data.clone() };
            told.push(InboxEvent { user: user.id, inbox, event });
        }
        self.insert(&rows, &heads).await?;
        self.trim_inboxes(&heads).await?;
        Ok(told)
    }

    async fn inboxes(&mut self, users: &[UserRef]) -> Result<HashMap<UserKey, RoomKey>> {
        let query = sql!(
            "SELECT user_key, inbox_key FROM users WHERE user_key IN " [ints "$1"]
        );
        let rows = self.all(query, vec![int_list(users.iter().map(|user| user.key.0))]).await?;
        rows.iter().map(|row| Ok((UserKey(row.int(0)?), RoomKey(row.int(1)?)))).collect()
    }

    /// Now and then forgets what an inbox need not keep.
    async fn trim_inboxes(&mut self, heads: &HashMap<RoomKey, Head>) -> Result<()> {
        use salon_protocol::limits::{INBOX_AGE_MS_KEPT, INBOX_EVENTS_KEPT};
        const EVERY: u64 = 256;
        for (room, head) in heads {
            if head.seq % EVERY == 0 && head.seq > INBOX_EVENTS_KEPT {
                let last = event_row::key(*room, head.seq - INBOX_EVENTS_KEPT);
                let old = self.now - INBOX_AGE_MS_KEPT;
                self.execute(
                    "DELETE FROM events WHERE event_key > $1 AND event_key <= $2 AND at < $3",
                    args![event_row::key(*room, 0), last, old],
                )
                .await?;
            }
        }
        Ok(())
    }
}
