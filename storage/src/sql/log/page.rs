//! Reading logs: rows become events, with the newest text of edits and the sums of reactions.

use std::collections::HashMap;
use std::sync::Arc;

use salon_protocol::event::ReactionSum;
use salon_protocol::reply::History;
use salon_protocol::{
    Cid, ErrorData, Event, EventData, LogId, Millis, Seq, UserId, limits, request,
};

use crate::error::Result;
use crate::model::{RoomKey, UserRef};
use crate::sql::conn::{Arg, Conn, Row, args, int_list, sql};
use crate::sql::event_row::{self, EDITED, MESSAGE, StoredMessage, key, seq_of};
use crate::sql::tail::{Said, Tail};

/// Bytes of bodies that one page may hold; at least one event is always in it.
const PAGE_BYTES_MAX: usize = 256 * 1024;

/// The log that a client names, and the first event in it that he may see. Refused with
/// `forbidden` when he may see none.
pub(crate) async fn log_of(
    conn: &mut Conn<'_>,
    viewer: UserRef,
    log: LogId,
) -> Result<(RoomKey, Seq)> {
    let row = match log {
        LogId::Inbox => {
            let query = "SELECT inbox_key, 1 FROM users WHERE user_key = $1";
            conn.first(query, args![viewer.key]).await?
        }
        LogId::Room(room) => {
            conn.first(
                "SELECT r.room_key, CASE r.history WHEN 1 THEN 1 ELSE m.joined_seq END
                 FROM rooms r JOIN members m ON m.room_key = r.room_key
                 WHERE r.id = $2 AND m.user_key = $1 AND m.role >= 0",
                args![viewer.key, room.as_bytes()],
            )
            .await?
        }
    };
    let row = row.ok_or_else(ErrorData::forbidden_room)?;
    Ok((RoomKey(row.int(0)?), row.number(1)?))
}

/// A page for a client.
pub(crate) async fn history(
    conn: &mut Conn<'_>,
    tail: &Tail,
    viewer: UserRef,
    page: request::History,
) -> Result<History> {
    let (room, first) = log_of(conn, viewer, page.room).await?;
    let limit = page.limit.unwrap_or(limits::PAGE_EVENTS_DEFAULT);
    let ascending = page.after.is_some();
    let (after, before) = match (page.after, page.before) {
        (Some(after), _) => (after.max(first - 1), Seq::MAX),
        (None, Some(before)) => (first - 1, before),
        (None, None) => (first - 1, Seq::MAX),
    };
    let kinds = page
        .types
        .map(|types| types.iter().flat_map(|name| event_row::kinds_of(name)).collect::<Vec<i64>>());
    let range = Range { room, after, before, ascending, limit: limit + 1, kinds };
    let mut rows = rows(conn, tail, range).await?;
    let mut more = rows.len() > limit;
    rows.truncate(limit);
    let kept = fitting(&rows);
    if kept < rows.len() {
        more = true;
        rows.truncate(kept);
    }
    if !ascending {
        rows.reverse();
    }
    Ok(History { events: assemble(conn, viewer, page.room, rows).await?, more })
}

/// Events above `after` up to `until`, ascending, as many as fit a page.
pub(crate) async fn events_between(
    conn: &mut Conn<'_>,
    tail: &Tail,
    viewer: UserRef,
    (room, log): (RoomKey, LogId),
    after: Seq,
    until: Seq,
    limit: usize,
) -> Result<Vec<Event>> {
    let before = until.saturating_add(1);
    let range = Range { room, after, before, ascending: true, limit, kinds: None };
    let mut rows = rows(conn, tail, range).await?;
    rows.truncate(fitting(&rows));
    assemble(conn, viewer, log, rows).await
}

/// How many of the rows, from the first one on, fit a page.
fn fitting(rows: &[PageRow]) -> usize {
    let mut bytes = 0;
    for (count, row) in rows.iter().enumerate() {
        bytes += row.body.len();
        if bytes > PAGE_BYTES_MAX && count > 0 {
            return count;
        }
    }
    rows.len()
}

/// A part of a room's log; both ends are exclusive.
struct Range {
    room: RoomKey,
    after: Seq,
    before: Seq,
    ascending: bool,
    limit: usize,
    kinds: Option<Vec<i64>>,
}

/// An event as it is stored.
struct PageRow {
    key: i64,
    at: Millis,
    kind: i64,
    sender: UserId,
    cid: Option<Cid>,
    body: String,
}

impl PageRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(PageRow {
            key: row.int(0)?,
            at: row.int(1)?,
            kind: row.int(2)?,
            sender: UserId::from_bytes(row.id(3)?),
            cid: row.opt_id(4)?.map(Cid::from_bytes),
            body: row.text(5)?,
        })
    }

    fn from_said(said: &Said) -> Self {
        let Said { row, by } = said;
        PageRow {
            key: row.key,
            at: row.at,
            kind: row.kind,
            sender: *by,
            cid: row.request.map(|request| request.cid),
            body: row.body.clone(),
        }
    }
}

macro_rules! page_sql {
    ([$($filter:tt)*] $order:literal) => {
        sql!(
            "SELECT e.event_key, e.at, e.kind, u.id, e.cid, e.body
             FROM events e JOIN users u ON u.user_key = e.sender_key
             WHERE e.event_key > $1 AND e.event_key < $2"
            $($filter)* $order
        )
    };
}

/// From the tail and the table.
async fn rows(conn: &mut Conn<'_>, tail: &Tail, range: Range) -> Result<Vec<PageRow>> {
    const SEQ_MAX: Seq = u32::MAX as Seq;
    let Range { room, after, before, ascending, limit, kinds } = range;
    // The end of the room's range is the beginning of the next room's.
    let low = key(room, after.min(SEQ_MAX));
    let high = if before > SEQ_MAX { key(RoomKey(room.0 + 1), 0) } else { key(room, before) };
    let (said, first) = tail.between(low, high, ascending, limit);
    let wanted = |said: &&Arc<Said>| kinds.as_ref().is_none_or(|k| k.contains(&said.row.kind));
    let said = said.iter().filter(wanted).map(|said| PageRow::from_said(said));
    let high = first.map_or(high, |first| first.min(high));
    let mut rows = Vec::new();
    if !ascending {
        rows.extend(said);
        let stored = stored(conn, (low, high), ascending, limit - rows.len(), kinds).await?;
        rows.extend(stored);
    } else {
        let said: Vec<PageRow> = said.collect();
        rows.extend(stored(conn, (low, high), ascending, limit, kinds).await?);
        rows.extend(said);
        rows.truncate(limit);
    }
    Ok(rows)
}

/// From the table.
async fn stored(
    conn: &mut Conn<'_>,
    (low, high): (i64, i64),
    ascending: bool,
    limit: usize,
    kinds: Option<Vec<i64>>,
) -> Result<Vec<PageRow>> {
    if limit == 0 || low + 1 >= high {
        return Ok(Vec::new());
    }
    let mut params: Vec<Arg> = args![low, high, limit];
    let query = match (&kinds, ascending) {
        (None, true) => page_sql!([] " ORDER BY e.event_key LIMIT $3"),
        (None, false) => page_sql!([] " ORDER BY e.event_key DESC LIMIT $3"),
        (Some(_), true) => {
            page_sql!([" AND e.kind IN " [ints "$4"]] " ORDER BY e.event_key LIMIT $3")
        }
        (Some(_), false) => {
            page_sql!([" AND e.kind IN " [ints "$4"]] " ORDER BY e.event_key DESC LIMIT $3")
        }
    };
    params.extend(kinds.map(int_list));
    conn.all(query, params).await?.iter().map(PageRow::from_row).collect()
}

async fn assemble(
    conn: &mut Conn<'_>,
    viewer: UserRef,
    log: LogId,
    rows: Vec<PageRow>,
) -> Result<Vec<Event>> {
    let mut events = Vec::with_capacity(rows.len());
    let mut messages = false;
    let mut edited: Vec<i64> = Vec::new();
    for row in &rows {
        let data = event_row::event_data(row.kind, row.sender, row.cid, &row.body)?;
        messages |= row.kind == MESSAGE;
        if let (EDITED, EventData::MessageEdited(edit)) = (row.kind, &data) {
            edited.push(key(event_row::room_of(row.key), edit.target));
        }
        events.push(Event { room: log, seq: seq_of(row.key), at: row.at, data });
    }
    if messages && let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        add_reactions(conn, viewer, first.key, last.key, &mut events).await?;
    }
    if !edited.is_empty() {
        add_edited_texts(conn, edited, &mut events).await?;
    }
    Ok(events)
}

async fn add_reactions(
    conn: &mut Conn<'_>,
    viewer: UserRef,
    first: i64,
    last: i64,
    events: &mut [Event],
) -> Result<()> {
    let rows = conn
        .all(
            "SELECT event_key, emoji, count(*), max(CASE WHEN user_key = $3 THEN 1 ELSE 0 END)
             FROM reactions WHERE event_key >= $1 AND event_key <= $2 AND active = 1
             GROUP BY event_key, emoji ORDER BY event_key, min(seq)",
            args![first, last, viewer.key],
        )
        .await?;
    let mut sums: HashMap<Seq, Vec<ReactionSum>> = HashMap::new();
    for row in rows {
        let sum = ReactionSum { emoji: row.text(1)?, count: row.number(2)?, mine: row.flag(3)? };
        sums.entry(seq_of(row.int(0)?)).or_default().push(sum);
    }
    for event in events {
        if let EventData::NewMessage(message) = &mut event.data {
            message.reactions = sums.remove(&event.seq).unwrap_or_default();
        }
    }
    Ok(())
}

/// The text of an edit is that of the message now; a recalled message has none.
async fn add_edited_texts(conn: &mut Conn<'_>, keys: Vec<i64>, events: &mut [Event]) -> Result<()> {
    let query = sql!(
        "SELECT event_key, body FROM events WHERE kind = 1 AND event_key IN " [ints "$1"]
    );
    let mut texts: HashMap<Seq, Option<String>> = HashMap::new();
    for row in conn.all(query, vec![int_list(keys)]).await? {
        let message: StoredMessage = event_row::from_json(&row.text(1)?)?;
        texts.insert(seq_of(row.int(0)?), message.text);
    }
    for event in events {
        if let EventData::MessageEdited(edit) = &mut event.data {
            edit.text = texts.get(&edit.target).cloned().flatten();
        }
    }
    Ok(())
}
