//! Full-text search: an index that follows the logs with cursors of its own, off the commit path.
//!
//! Promises  a hit is always checked against the log, so what was recalled is never found, however
//!           late the index is; the index can be thrown away and is built again.
//! Does not  promise that a message can be found the moment it is committed; usually it takes less
//!           than a second.

mod index;
mod words;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use salon_protocol::reply::Items;
use salon_protocol::{ErrorData, Event, RoomId, limits, request};
use tokio::sync::Notify;

pub(crate) use index::{PostgresIndex, SearchIndex, SqliteIndex};

use super::SqlStore;
use super::conversations::{messages_at, visible_rooms};
use super::cursor::Cursor;
use super::rooms::room_key;
use crate::error::Result;
use crate::model::{RoomKey, UserRef};

/// Rooms that have changed since the index last looked, the longest waiting first.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    rooms: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<RoomKey>,
    known: HashSet<RoomKey>,
}

impl Dirty {
    /// Notes rooms whose texts have changed.
    pub(crate) fn mark(&self, rooms: impl IntoIterator<Item = RoomKey>) {
        let mut waiting = self.lock();
        let before = waiting.queue.len();
        for room in rooms {
            if waiting.known.insert(room) {
                waiting.queue.push_back(room);
            }
        }
        if waiting.queue.len() > before {
            self.changed.notify_one();
        }
    }

    fn take(&self, max: usize) -> Vec<RoomKey> {
        let mut waiting = self.lock();
        let count = waiting.queue.len().min(max);
        let taken: Vec<RoomKey> = waiting.queue.drain(..count).collect();
        for room in &taken {
            waiting.known.remove(room);
        }
        taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.rooms.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Events that the index takes in at once.
const SLICE_EVENTS: usize = 500;
/// Rooms that it looks at for them.
const SLICE_ROOMS: usize = 1_000;
/// After this much work the index rests, so that it never takes more than a part of a core.
const REST_AFTER_SLICE: u32 = 4;
/// Longer than this it does not rest, however long the work took: a process that was halted, or a
/// disk that stood still, made it long, and not the index.
const REST_MAX: Duration = Duration::from_millis(200);
/// How long it waits after an error.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long changes are gathered before the index looks.
const GATHER: Duration = Duration::from_millis(100);

/// Follows the logs until the store is dropped.
pub(crate) async fn follow(store: std::sync::Weak<super::Shared>, dirty: Arc<Dirty>) {
    loop {
        dirty.changed.notified().await;
        tokio::time::sleep(GATHER).await;
        loop {
            let rooms = dirty.take(SLICE_ROOMS);
            if rooms.is_empty() {
                break;
            }
            let Some(store) = store.upgrade() else { return };
            let started = std::time::Instant::now();
            match index::follow_rooms(&store, &rooms, SLICE_EVENTS).await {
                Ok(more) => dirty.mark(more),
                Err(error) => {
                    tracing::warn!(error = %error, "search index is behind");
                    dirty.mark(rooms);
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            drop(store);
            let rest = started.elapsed().saturating_mul(REST_AFTER_SLICE).min(REST_MAX);
            tokio::time::sleep(rest).await;
        }
        if store.strong_count() == 0 {
            return;
        }
    }
}

/// Hits that are read at once after the first time.
const SLICE_HITS: usize = 200;
/// Hits that one request compares with the log. Above, its page ends, however few were his to see:
/// one request must not read a log that has no end.
const HITS_MAX: usize = 2_000;

/// Messages in the user's rooms that contain all words, the newest first. A page may be shorter
/// than its limit, even empty, and have a cursor.
pub(crate) async fn find(
    store: &SqlStore,
    user: UserRef,
    query: request::SearchMessages,
) -> Result<Items<Event>> {
    let words = words::of_query(&query.q);
    if words.is_empty() {
        return Err(ErrorData::field("q", "contains no word").into());
    }
    let limit = query.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    let mut before = Cursor::<2>::parse(query.cursor.as_deref())?.unwrap_or([i64::MAX; 2]);
    let mut reader = store.reader().await?;
    let mut conn = reader.borrow();
    let rooms = visible_rooms(&mut conn, user, query.room).await?;
    let room_keys: Vec<RoomKey> = rooms.keys().copied().collect();
    let mut items = Vec::new();
    let (mut slice, mut compared) = (limit, 0);
    // Hits that the log denies leave room for further ones.
    while items.len() < limit && compared < HITS_MAX {
        let hits = store.shared.search.hits(&mut conn, &words, &room_keys, before, slice).await?;
        let keys: Vec<i64> = hits.iter().map(|hit| hit.key).collect();
        let mut found =
            messages_at(&mut conn, &store.shared.tail, user, &rooms, &keys, query.sender).await?;
        for hit in &hits {
            before = hit.place;
            if let Some(event) = found.remove(&hit.key) {
                items.push(event);
                if items.len() == limit {
                    break;
                }
            }
        }
        if hits.len() < slice {
            if items.len() < limit {
                return Ok(Items { items, cursor: None });
            }
            break;
        }
        compared += hits.len();
        slice = SLICE_HITS;
    }
    Ok(Items { items, cursor: Some(Cursor::write(before)) })
}

/// Waits until the index has followed these rooms.
pub(crate) async fn settled(store: &SqlStore, rooms: &[RoomId]) -> Result<()> {
    for id in rooms {
        let mut reader = store.reader().await?;
        let Some(room) = room_key(&mut reader.borrow(), *id).await? else { continue };
        drop(reader);
        store.write(move |tx| Box::pin(tx.settle(room))).await?;
        let mut rooms = vec![room];
        while !rooms.is_empty() {
            rooms = index::follow_rooms(&store.shared, &rooms, SLICE_EVENTS).await?;
        }
    }
    Ok(())
}
