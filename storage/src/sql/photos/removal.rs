//! The end of sessions: which have expired, which are forgotten, and what becomes of them.

use salon_protocol::event::{RemovalReason, RoomRemoved};
use salon_protocol::{ErrorCode, ErrorData, EventData, Millis, RoomId, UserId};

use super::settings::{DELETED as WHY_DELETED, EXPIRED};
use super::{DELETED, edit, sessions::not_allowed};
use crate::contract::DeletedSession;
use crate::error::Result;
use crate::model::{RoomKey, RoomRef, UserKey, UserRef};
use crate::sql::SqlStore;
use crate::sql::conn::{Conn, args};
use crate::sql::event_row;
use crate::sql::tx::Tx;

/// Rows of one table that one transaction removes: others wait for it.
const SLICE_ROWS: usize = 1_000;
/// A session that its owner deletes is his to delete for so long; then the server does what is left.
const LEFT_OVER_MS: Millis = 3_600_000;

pub(super) async fn expired(conn: &mut Conn<'_>, now: Millis) -> Result<Vec<(RoomId, UserRef)>> {
    let rows = conn
        .all(
            "SELECT r.id, u.user_key, u.id FROM photo_sessions s
             JOIN rooms r ON r.room_key = s.room_key JOIN users u ON u.user_key = s.owner_key
             WHERE s.closed_at IS NULL AND s.expires_at > 0 AND s.expires_at <= $1
             ORDER BY s.expires_at LIMIT 1000",
            args![now],
        )
        .await?;
    let session = |row: &crate::sql::conn::Row| {
        let owner = UserRef { key: UserKey(row.int(1)?), id: UserId::from_bytes(row.id(2)?) };
        Ok((RoomId::from_bytes(row.id(0)?), owner))
    };
    rows.iter().map(session).collect()
}

/// Also those that somebody began to delete, and that were left in the middle.
pub(super) async fn forgotten(
    conn: &mut Conn<'_>,
    closed_before: Millis,
    now: Millis,
) -> Result<Vec<RoomId>> {
    let rows = conn
        .all(
            "SELECT r.id FROM photo_sessions s JOIN rooms r ON r.room_key = s.room_key
             WHERE s.closed_at IS NOT NULL
               AND ((s.closed_why = $1 AND s.closed_at < $2)
                    OR (s.closed_why = $3 AND s.closed_at < $4))
             ORDER BY s.closed_at LIMIT 1000",
            args![EXPIRED, closed_before, WHY_DELETED, now - LEFT_OVER_MS],
        )
        .await?;
    rows.iter().map(|row| Ok(RoomId::from_bytes(row.id(0)?))).collect()
}

/// The first transaction makes it invisible, the others remove it piece by piece, the last one forgets it.
pub(super) async fn delete(
    store: &SqlStore,
    by: Option<UserRef>,
    session: RoomId,
) -> Result<DeletedSession> {
    let (key, deleted) = store.write(move |tx| Box::pin(make_invisible(tx, by, session))).await?;
    if let Some(room) = key {
        while store.write(move |tx| Box::pin(remove_slice(tx, room))).await? {}
    }
    Ok(deleted)
}

async fn make_invisible(
    tx: &mut Tx,
    by: Option<UserRef>,
    session: RoomId,
) -> Result<(Option<RoomKey>, DeletedSession)> {
    let row = tx
        .first(
            "SELECT r.room_key, s.closed_at, u.user_key, u.id, r.closed_at FROM rooms r
             JOIN photo_sessions s ON s.room_key = r.room_key
             JOIN users u ON u.user_key = s.owner_key WHERE r.id = $1",
            args![session.as_bytes()],
        )
        .await?;
    let Some(row) = row else {
        if by.is_some() {
            return Err(ErrorData::forbidden_room().into());
        }
        return Ok((None, DeletedSession::default()));
    };
    let room = RoomRef { key: RoomKey(row.int(0)?), id: session };
    let owner = UserRef { key: UserKey(row.int(2)?), id: UserId::from_bytes(row.id(3)?) };
    if by.is_some_and(|by| by.key != owner.key) {
        let query = "SELECT 1 FROM members WHERE room_key = $1 AND user_key = $2 AND role >= 0";
        let key = by.map_or(owner.key, |by| by.key);
        let member = tx.first(query, args![room.key, key]).await?.is_some();
        return Err(if member { not_allowed() } else { ErrorData::forbidden_room() }.into());
    }
    if row.opt_int(1)?.is_none() {
        let text = "the session is open; close it first";
        return Err(ErrorData::new(ErrorCode::Conflict, text).into());
    }
    if row.opt_int(4)?.is_some() {
        return Ok((Some(room.key), DeletedSession::default()));
    }
    tx.head(room.key).await?;
    tx.settle(room.key).await?;
    let inbox = dismiss_all(tx, room, owner).await?;
    Ok((Some(room.key), DeletedSession { inbox, room: Some(room) }))
}

async fn dismiss_all(
    tx: &mut Tx,
    room: RoomRef,
    owner: UserRef,
) -> Result<Vec<crate::model::InboxEvent>> {
    let rows = tx
        .all(
            "SELECT u.user_key, u.id FROM members m JOIN users u ON u.user_key = m.user_key
             WHERE m.room_key = $1 AND m.role >= 0 ORDER BY m.user_key",
            args![room.key],
        )
        .await?;
    let member = |row: &crate::sql::conn::Row| {
        Ok(UserRef { key: UserKey(row.int(0)?), id: UserId::from_bytes(row.id(1)?) })
    };
    let members: Vec<UserRef> = rows.iter().map(member).collect::<Result<_>>()?;
    let removed = RoomRemoved { room: room.id, reason: RemovalReason::Closed, by: owner.id };
    let inbox = tx.tell(&members, owner.key, &EventData::RoomRemoved(removed)).await?;
    tx.execute("DELETE FROM members WHERE room_key = $1", args![room.key]).await?;
    tx.execute(
        "UPDATE rooms SET closed_at = $2, name = NULL, members = 0 WHERE room_key = $1",
        args![room.key, tx.now],
    )
    .await?;
    tx.execute(
        "UPDATE photo_sessions SET closed_why = $2, media_version = media_version + 1
         WHERE room_key = $1",
        args![room.key, WHY_DELETED],
    )
    .await?;
    Ok(inbox)
}

/// `false`: there was nothing left.
async fn remove_slice(tx: &mut Tx, room: RoomKey) -> Result<bool> {
    let query = "SELECT photo_key FROM photos WHERE room_key = $1 AND state > $2 LIMIT $3";
    let rows = tx.all(query, args![room, DELETED, SLICE_ROWS]).await?;
    if !rows.is_empty() {
        let keys: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
        edit::empty(tx, &keys).await?;
        return Ok(true);
    }
    let (low, high) = (event_row::key(room, 0), event_row::key(RoomKey(room.0 + 1), 0));
    let query = "SELECT max(event_key) FROM (SELECT event_key FROM events
                     WHERE event_key > $1 AND event_key < $2 ORDER BY event_key LIMIT $3) e";
    if let Some(last) = tx.one(query, args![low, high, SLICE_ROWS]).await?.opt_int(0)? {
        let query = "DELETE FROM reactions WHERE event_key > $1 AND event_key <= $2";
        tx.execute(query, args![low, last]).await?;
        let query = "DELETE FROM events WHERE event_key > $1 AND event_key <= $2";
        tx.execute(query, args![low, last]).await?;
        tx.texts_changed.insert(room);
        return Ok(true);
    }
    let query = "UPDATE uploads SET gone = 1 WHERE room_key = $1 AND purpose = 1
                 AND photo IS NOT NULL";
    tx.execute(query, args![room]).await?;
    tx.execute("DELETE FROM photo_sessions WHERE room_key = $1", args![room]).await?;
    Ok(false)
}
