//! Reading logs: rows become events, with the newest text of edits and the sums of reactions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use salon_protocol::event::{NewPhoto, ReactionSum};
use salon_protocol::reply::History;
use salon_protocol::{
    Cid, ErrorData, Event, EventData, LogId, Millis, PhotoId, Seq, UserId, limits, request,
};

use crate::error::{Result, StoreError};
use crate::model::{LogPage, LogRange, RoomKey, UserKey, UserRef, Visitor};
use crate::sql::conn::{Arg, Conn, Row, args, int_list, sql};
use crate::sql::event_row::{self, EDITED, MESSAGE, NEW_PHOTO, StoredMessage, key, seq_of};
use crate::sql::tail::{Said, Tail};

/// Bytes of bodies that one page may hold; at least one event is always in it.
const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of bodies that are read at once, for however many pages.
const READ_BYTES_MAX: usize = 1024 * 1024;

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
    who: Visitor,
    page: request::History,
    now: Millis,
) -> Result<History> {
    let viewer = who.user;
    let (room, first) = match (page.room, who.pass) {
        // By his pass, unless he is a member all the same.
        (LogId::Room(room), Some(_)) => {
            let viewer = crate::sql::photos::viewer(conn, who, room, now).await?;
            (viewer.session.room.key, 1)
        }
        (log, _) => log_of(conn, viewer, log).await?,
    };
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
    Ok(History { events: seen_by(conn, viewer, page.room, rows).await?, more })
}

/// One event, as a user sees it.
pub(crate) async fn event_at(
    conn: &mut Conn<'_>,
    tail: &Tail,
    viewer: UserRef,
    (room, log): (RoomKey, LogId),
    seq: Seq,
) -> Result<Option<Event>> {
    let (after, before) = (seq - 1, seq + 1);
    let range = Range { room, after, before, ascending: true, limit: 1, kinds: None };
    let rows = rows(conn, tail, range).await?;
    Ok(seen_by(conn, viewer, log, rows).await?.pop())
}

/// Pages of logs for many who read on; or only the first of them, when that is as much as one read
/// brings. Equal ranges are read once.
pub(crate) async fn pages(
    conn: &mut Conn<'_>,
    tail: &Tail,
    ranges: &[LogRange],
) -> Result<Vec<Arc<LogPage>>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut known = HashMap::new();
    let mut places = Vec::with_capacity(ranges.len());
    for range in ranges {
        let same = (range.log, range.after, range.until, range.limit);
        let place = *known.entry(same).or_insert_with(|| {
            parts.push(Part::begin(tail, range));
            parts.len() - 1
        });
        parts[place].viewers.extend(&range.viewers);
        places.push(place);
    }
    let read = read_parts(conn, &mut parts).await?;
    parts.truncate(read);
    let parts = parts.into_iter().map(Part::finish).collect();
    let pages: Vec<_> = assemble(conn, parts).await?.into_iter().map(Arc::new).collect();
    Ok(places.iter().map_while(|place| pages.get(*place).cloned()).collect())
}

/// A range that is being read.
struct Part {
    id: LogId,
    viewers: Vec<UserKey>,
    /// What may be in the table: above the one and below the other.
    low: i64,
    high: i64,
    limit: usize,
    rows: Vec<PageRow>,
    /// What the tail had, which comes behind the table's.
    said: Vec<Arc<Said>>,
}

impl Part {
    fn begin(tail: &Tail, range: &LogRange) -> Self {
        let (low, high) = keys(range.log, range.after, range.until.saturating_add(1));
        let (said, first) = tail.between(low, high, true, range.limit);
        let high = first.map_or(high, |first| first.min(high));
        let (id, limit) = (range.id, range.limit);
        Part { id, viewers: Vec::new(), low, high, limit, rows: Vec::new(), said }
    }

    fn finish(self) -> Rows {
        let Part { id, viewers, mut rows, limit, said, .. } = self;
        rows.extend(said.iter().map(|said| PageRow::from_said(said)));
        rows.truncate(limit);
        rows.truncate(fitting(&rows));
        Rows { log: id, viewers, rows }
    }
}

/// Reads from the table what belongs to the parts, and says how many of them it has got to.
async fn read_parts(conn: &mut Conn<'_>, parts: &mut [Part]) -> Result<usize> {
    // SQLite goes through a CROSS JOIN as it is written; asked for an order, it would sort the rows
    // of all ranges, bodies and all.
    let query = sql!(
        "SELECT " [sqlite "j.value->>0" postgres "(j.range->>0)::bigint"]
        ", e.event_key, e.at, e.kind, u.id, e.cid, e.body "
        [sqlite "FROM json_each($1) j
                 CROSS JOIN events e ON e.event_key IN (
                     SELECT event_key FROM events
                     WHERE event_key > j.value->>1 AND event_key < j.value->>2
                     ORDER BY event_key LIMIT $2)
                 CROSS JOIN users u ON u.user_key = e.sender_key"
         postgres "FROM json_array_elements($1::json) WITH ORDINALITY AS j (range, n)
                   CROSS JOIN LATERAL (
                       SELECT * FROM events
                       WHERE event_key > (j.range->>1)::bigint AND event_key < (j.range->>2)::bigint
                       ORDER BY event_key LIMIT $2) e
                   JOIN users u ON u.user_key = e.sender_key
                   ORDER BY j.n, e.event_key"]
    );
    let in_table: Vec<(usize, i64, i64)> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.low + 1 < part.high)
        .map(|(place, part)| (place, part.low, part.high))
        .collect();
    if in_table.is_empty() {
        return Ok(parts.len());
    }
    let limit = parts.iter().map(|part| part.limit).max().unwrap_or_default();
    let (mut bytes, mut last) = (0, 0);
    conn.each(query, args![event_row::to_json(&in_table), limit], |row| {
        last = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
        let lost = || StoreError::Internal("a row of no range".into());
        let row = PageRow::from_row(row, 1)?;
        bytes += row.body.len();
        parts.get_mut(last).ok_or_else(lost)?.rows.push(row);
        Ok(bytes < READ_BYTES_MAX)
    })
    .await?;
    if bytes < READ_BYTES_MAX {
        return Ok(parts.len());
    }
    // There may be more in the table before what the tail had.
    parts[last].said.clear();
    Ok(last + 1)
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
    /// From columns that begin at this place.
    fn from_row(row: &Row, first: usize) -> Result<Self> {
        Ok(PageRow {
            key: row.int(first)?,
            at: row.int(first + 1)?,
            kind: row.int(first + 2)?,
            sender: UserId::from_bytes(row.id(first + 3)?),
            cid: row.opt_id(first + 4)?.map(Cid::from_bytes),
            body: row.text(first + 5)?,
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

/// The keys between which a part of a log lies.
fn keys(room: RoomKey, after: Seq, before: Seq) -> (i64, i64) {
    const SEQ_MAX: Seq = u32::MAX as Seq;
    let low = key(room, after.min(SEQ_MAX));
    // The end of the room's range is the beginning of the next room's.
    let high = if before > SEQ_MAX { key(RoomKey(room.0 + 1), 0) } else { key(room, before) };
    (low, high)
}

/// From the tail and the table.
async fn rows(conn: &mut Conn<'_>, tail: &Tail, range: Range) -> Result<Vec<PageRow>> {
    let Range { room, after, before, ascending, limit, kinds } = range;
    let (low, high) = keys(room, after, before);
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
    conn.all(query, params).await?.iter().map(|row| PageRow::from_row(row, 0)).collect()
}

/// Rows that become one page.
struct Rows {
    log: LogId,
    viewers: Vec<UserKey>,
    rows: Vec<PageRow>,
}

/// The events of one page, as a user sees them.
async fn seen_by(
    conn: &mut Conn<'_>,
    viewer: UserRef,
    log: LogId,
    rows: Vec<PageRow>,
) -> Result<Vec<Event>> {
    let rows = Rows { log, viewers: vec![viewer.key], rows };
    let page = assemble(conn, vec![rows]).await?.pop().unwrap_or_default();
    Ok(page.seen_by(viewer.key).unwrap_or(page.events))
}

/// Events by their keys, ascending, as a user sees them; of rooms that are settled.
pub(crate) async fn events_at(
    conn: &mut Conn<'_>,
    viewer: UserRef,
    log: LogId,
    keys: Vec<i64>,
) -> Result<Vec<Event>> {
    let query = sql!(
        "SELECT e.event_key, e.at, e.kind, u.id, e.cid, e.body
         FROM events e JOIN users u ON u.user_key = e.sender_key
         WHERE e.event_key IN " [ints "$1"] " ORDER BY e.event_key"
    );
    let rows = conn.all(query, vec![int_list(keys)]).await?;
    let rows = rows.iter().map(|row| PageRow::from_row(row, 0)).collect::<Result<_>>()?;
    seen_by(conn, viewer, log, rows).await
}

async fn assemble(conn: &mut Conn<'_>, all: Vec<Rows>) -> Result<Vec<LogPage>> {
    let mut pages = Vec::with_capacity(all.len());
    // Pages with messages, and between which keys these are.
    let mut with_messages: Vec<(usize, i64, i64)> = Vec::new();
    let mut edited: Vec<i64> = Vec::new();
    let mut photos: Vec<PhotoId> = Vec::new();
    for (place, Rows { log, rows, .. }) in all.iter().enumerate() {
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let data = event_row::event_data(row.kind, row.sender, row.cid, &row.body)?;
            if let (EDITED, EventData::MessageEdited(edit)) = (row.kind, &data) {
                edited.push(key(event_row::room_of(row.key), edit.target));
            }
            match (row.kind, &data) {
                (NEW_PHOTO, EventData::NewPhoto(NewPhoto::Retracted(shell))) => {
                    photos.push(shell.photo);
                }
                (_, EventData::PhotosUpdated(update)) => photos.extend(&update.photos),
                _ => {}
            }
            events.push(Event { room: *log, seq: seq_of(row.key), at: row.at, data });
        }
        if rows.iter().any(|row| row.kind == MESSAGE)
            && let (Some(first), Some(last)) = (rows.first(), rows.last())
        {
            with_messages.push((place, first.key, last.key));
        }
        pages.push(LogPage { events, own: HashMap::new() });
    }
    if !with_messages.is_empty() {
        add_reactions(conn, &with_messages, &all, &mut pages).await?;
    }
    if !edited.is_empty() {
        let texts = edited_texts(conn, edited).await?;
        for (rows, page) in all.iter().zip(&mut pages) {
            for (row, event) in rows.rows.iter().zip(&mut page.events) {
                let EventData::MessageEdited(edit) = &mut event.data else { continue };
                let target = key(event_row::room_of(row.key), edit.target);
                edit.text = texts.get(&target).cloned().flatten();
            }
        }
    }
    if !photos.is_empty() {
        show_photos(conn, photos, &all, &mut pages).await?;
    }
    Ok(pages)
}

/// Photos as they are now; of those that viewers do not see, nothing is told.
async fn show_photos(
    conn: &mut Conn<'_>,
    mut photos: Vec<PhotoId>,
    all: &[Rows],
    pages: &mut [LogPage],
) -> Result<()> {
    photos.sort_unstable();
    photos.dedup();
    let photos = crate::sql::photos::shown(conn, &photos).await?;
    for (rows, page) in all.iter().zip(pages) {
        for (row, event) in rows.rows.iter().zip(&mut page.events) {
            match &mut event.data {
                EventData::NewPhoto(photo) if row.kind == NEW_PHOTO => {
                    if let NewPhoto::Retracted(shell) = photo
                        && let Some(shown) = photos.get(&shell.photo)
                    {
                        *photo = NewPhoto::Shown(Box::new(shown.clone()));
                    }
                }
                EventData::PhotosUpdated(update)
                    if !update.photos.iter().any(|photo| photos.contains_key(photo)) =>
                {
                    (update.title, update.tags) = (None, None);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The sums first, for all pages at once; and whose they are, of the pages that have any.
async fn add_reactions(
    conn: &mut Conn<'_>,
    with_messages: &[(usize, i64, i64)],
    all: &[Rows],
    pages: &mut [LogPage],
) -> Result<()> {
    let query = sql!(
        "SELECT " [sqlite "j.value->>0" postgres "(j.range->>0)::bigint"]
        " AS place, r.event_key, r.emoji, count(*) "
        [sqlite "FROM json_each($1) j
                 CROSS JOIN reactions r
                 ON r.event_key >= j.value->>1 AND r.event_key <= j.value->>2"
         postgres "FROM json_array_elements($1::json) j (range)
                   JOIN reactions r ON r.event_key >= (j.range->>1)::bigint
                                   AND r.event_key <= (j.range->>2)::bigint"]
        " WHERE r.active = 1 GROUP BY 1, 2, 3 ORDER BY 1, 2, min(r.seq)"
    );
    let mut sums: HashMap<(usize, Seq), Vec<ReactionSum>> = HashMap::new();
    let mut reacted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for row in conn.all(query, args![event_row::to_json(&with_messages)]).await? {
        let place = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
        let key = row.int(1)?;
        let sum = ReactionSum { emoji: row.text(2)?, count: row.number(3)?, mine: false };
        sums.entry((place, seq_of(key))).or_default().push(sum);
        reacted.entry(place).or_default().push(key);
    }
    for (place, keys) in reacted {
        let (Some(page), Some(rows)) = (pages.get_mut(place), all.get(place)) else { continue };
        for event in &mut page.events {
            if let EventData::NewMessage(message) = &mut event.data {
                message.reactions = sums.remove(&(place, event.seq)).unwrap_or_default();
            }
        }
        page.own = own_reactions(conn, keys, &rows.viewers).await?;
    }
    Ok(())
}

/// Which of the reactions on these events are whose.
async fn own_reactions(
    conn: &mut Conn<'_>,
    mut keys: Vec<i64>,
    viewers: &[UserKey],
) -> Result<HashMap<UserKey, Vec<(Seq, String)>>> {
    keys.dedup();
    let query = sql!(
        "SELECT user_key, event_key, emoji FROM reactions
         WHERE event_key IN " [ints "$1"] " AND user_key IN " [ints "$2"] " AND active = 1"
    );
    let viewers = int_list(viewers.iter().map(|viewer| viewer.0));
    let mut own: HashMap<UserKey, Vec<(Seq, String)>> = HashMap::new();
    for row in conn.all(query, vec![int_list(keys), viewers]).await? {
        let reaction = (seq_of(row.int(1)?), row.text(2)?);
        own.entry(UserKey(row.int(0)?)).or_default().push(reaction);
    }
    Ok(own)
}

/// The text of an edit is that of the message now; a recalled message has none.
async fn edited_texts(conn: &mut Conn<'_>, keys: Vec<i64>) -> Result<HashMap<i64, Option<String>>> {
    let query = sql!(
        "SELECT event_key, body FROM events WHERE kind = 1 AND event_key IN " [ints "$1"]
    );
    let mut texts = HashMap::new();
    for row in conn.all(query, vec![int_list(keys)]).await? {
        let message: StoredMessage = event_row::from_json(&row.text(1)?)?;
        texts.insert(row.int(0)?, message.text);
    }
    Ok(texts)
}
