//! A session is made.

use salon_protocol::content::{HistoryFor, RoomKind};
use salon_protocol::event::RoomCreated;
use salon_protocol::photo::PhotoRole;
use salon_protocol::{ErrorCode, ErrorData, RoomId, limits, request};

use super::sessions::role_number;
use crate::error::Result;
use crate::model::{Made, NewPhotoSession, RoomKey, RoomRef, UserRef};
use crate::sql::conn::args;
use crate::sql::event_row::{room_of, to_json};
use crate::sql::log::{cid_taken, content_hash};
use crate::sql::rooms::{self, PHOTO_SESSION};
use crate::sql::tx::{Key, Tx};

/// Refuses a code that another session has: there are 30^8, and the caller takes the next one.
pub(super) async fn code_is_free(tx: &mut Tx, code_hash: &[u8; 32]) -> Result<()> {
    let query = "SELECT 1 FROM photo_sessions WHERE code_hash = $1";
    if tx.first(query, args![code_hash]).await?.is_none() {
        return Ok(());
    }
    let error = ErrorData::new(ErrorCode::Unavailable, "this code is taken; try another one");
    Err(error.retry_after(0).into())
}

pub(super) async fn create(tx: &mut Tx, by: UserRef, new: NewPhotoSession) -> Result<Made> {
    let NewPhotoSession { id, code_version, code_hash, request } = new;
    let hash = content_hash(&[b"photo_session_create", to_json(&request).as_bytes()]);
    let used = (by.key, request.cid);
    if let Some(used) = tx.used(&[used]).await?.get(&used) {
        if used.hash != hash {
            return Err(cid_taken().into());
        }
        let key = room_of(used.key);
        let row = tx.one("SELECT id FROM rooms WHERE room_key = $1", args![key]).await?;
        let room = RoomRef { key, id: RoomId::from_bytes(row.id(0)?) };
        return Ok(Made { room, duplicate: true, joined: Vec::new(), inbox: Vec::new() });
    }
    let settings = request.settings;
    if settings.watermark.as_ref().is_some_and(|watermark| watermark.image.is_some()) {
        return Err(ErrorData::field("watermark.image", "nothing is uploaded yet").into());
    }
    rooms::check_room_counts(tx, &[by]).await?;
    code_is_free(tx, &code_hash).await?;
    let row = tx
        .one(
            "INSERT INTO rooms (id, kind, name, history, members, created_at)
             VALUES ($1, $2, $3, 1, 1, $4) RETURNING room_key",
            args![id.as_bytes(), PHOTO_SESSION, request.title.as_str(), tx.now],
        )
        .await?;
    let room = RoomRef { key: RoomKey(row.int(0)?), id };
    insert(tx, room.key, by, code_version, &code_hash, settings).await?;
    let created = RoomCreated {
        room: None,
        kind: RoomKind::PhotoSession,
        name: Some(request.title),
        by: by.id,
        members: None,
        count: None,
        history: Some(HistoryFor::All),
    };
    let key = Some(Key { cid: request.cid, hash });
    let made = rooms::begin(tx, room, by, &[by], key, created).await?;
    tx.execute(
        "UPDATE members SET photo_role = $3 WHERE room_key = $1 AND user_key = $2",
        args![room.key, by.key, role_number(PhotoRole::Owner)],
    )
    .await?;
    Ok(made)
}

async fn insert(
    tx: &mut Tx,
    room: RoomKey,
    owner: UserRef,
    code_version: u32,
    code_hash: &[u8; 32],
    settings: request::SessionSettings,
) -> Result<()> {
    tx.execute(
        "INSERT INTO photo_sessions (room_key, owner_key, code_version, code_hash, gate, guests,
                                     viewers_max, expires_at, permissions, watermark, cameras)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            room,
            owner.key,
            i64::from(code_version),
            code_hash,
            settings.gate.unwrap_or(false),
            settings.guests.unwrap_or(true),
            settings.viewers_max.unwrap_or(limits::SESSION_VIEWERS_MAX),
            settings.expires_at.unwrap_or(0),
            to_json(&settings.permissions.unwrap_or_default()),
            to_json(&settings.watermark.unwrap_or_default()),
            to_json(&settings.cameras.unwrap_or_default()),
        ],
    )
    .await?;
    Ok(())
}
