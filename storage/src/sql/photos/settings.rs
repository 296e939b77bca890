//! What an owner decides about a session, and its end.

use salon_protocol::event::{CloseReason, SessionClosed, SessionUpdated};
use salon_protocol::photo::PhotoRole;
use salon_protocol::request::PhotoSessionUpdate;
use salon_protocol::{ErrorData, Event, EventData, PhotoId};

use super::changes::{Actor, lower};
use super::rows::missing;
use super::{create, order, people};
use crate::error::Result;
use crate::model::{Committed, RoomKey};
use crate::sql::conn::args;
use crate::sql::event_row::to_json;
use crate::sql::log::Scene;
use crate::sql::tx::Tx;

/// Why a session has closed, as it is stored.
pub(super) const EXPIRED: i64 = 2;
pub(super) const DELETED: i64 = 3;

const fn reason_number(reason: CloseReason) -> i64 {
    match reason {
        CloseReason::Closed => 1,
        CloseReason::Expired => EXPIRED,
        CloseReason::Deleted => DELETED,
    }
}

type Code = Option<(u32, [u8; 32])>;

pub(super) async fn update(
    tx: &mut Tx,
    actor: &Actor,
    update: PhotoSessionUpdate,
    code: Code,
) -> Result<Committed> {
    actor.needs(PhotoRole::Editor)?;
    let settings = &update.settings;
    let for_owners = code.is_some()
        || update.renew_code
        || settings.guests.is_some()
        || settings.permissions.is_some()
        || settings.expires_at.is_some()
        || settings.viewers_max.is_some();
    if for_owners {
        actor.needs(PhotoRole::Owner)?;
    }
    actor.open()?;
    let mut change = difference(actor, update);
    let room = actor.scene.room.key;
    if let Some((_, hash)) = &code {
        create::code_is_free(tx, hash).await?;
    }
    if let Some(image) = change.settings.watermark.as_ref().and_then(|watermark| watermark.image)
        && Some(image) != actor.viewer.session.watermark.image
    {
        check_image(tx, room, image).await?;
    }
    let cover_key = match change.cover {
        Some(cover) => Some(photo_key(tx, room, cover).await?),
        None => None,
    };
    if code.is_none() && is_nothing(&change) {
        return Ok(actor.already());
    }
    write(tx, room, &change, cover_key, code).await?;
    let events = consequences(tx, actor, &mut change, code.is_some()).await?;
    tell(tx, actor, change, code.is_some(), events).await
}

/// Only what is to become other than it is.
fn difference(actor: &Actor, update: PhotoSessionUpdate) -> PhotoSessionUpdate {
    let session = &actor.viewer.session;
    let mut change = update;
    change.title = change.title.filter(|title| *title != session.title);
    change.cover = change.cover.filter(|cover| Some(*cover) != session.cover);
    let settings = &mut change.settings;
    settings.gate = settings.gate.filter(|gate| *gate != session.gate);
    settings.guests = settings.guests.filter(|guests| *guests != session.guests);
    settings.viewers_max = settings.viewers_max.filter(|max| *max != session.viewers_max);
    settings.expires_at = settings.expires_at.filter(|at| *at != session.expires_at);
    settings.permissions = settings.permissions.filter(|now| *now != session.permissions);
    settings.watermark = settings.watermark.take().filter(|mark| *mark != session.watermark);
    settings.cameras = settings.cameras.take().filter(|cameras| *cameras != session.cameras);
    change
}

fn is_nothing(change: &PhotoSessionUpdate) -> bool {
    let nothing = salon_protocol::request::SessionSettings::default();
    change.title.is_none() && change.cover.is_none() && change.settings == nothing
}

/// A watermark is an image that was uploaded to this session for it: not anybody's file.
async fn check_image(tx: &mut Tx, room: RoomKey, image: PhotoId) -> Result<()> {
    let query = "SELECT 1 FROM uploads WHERE room_key = $1 AND purpose = 1 AND photo = $2";
    if tx.first(query, args![room, image.as_bytes()]).await?.is_some() {
        return Ok(());
    }
    Err(ErrorData::field("watermark.image", "was not uploaded to this session").into())
}

async fn photo_key(tx: &mut Tx, room: RoomKey, photo: PhotoId) -> Result<i64> {
    let query = "SELECT photo_key FROM photos WHERE id = $1 AND room_key = $2 AND state >= 0";
    let row = tx.first(query, args![photo.as_bytes(), room]).await?;
    row.ok_or_else(missing)?.int(0)
}

async fn write(
    tx: &mut Tx,
    room: RoomKey,
    change: &PhotoSessionUpdate,
    cover_key: Option<i64>,
    code: Code,
) -> Result<()> {
    if let Some(title) = &change.title {
        let query = "UPDATE rooms SET name = $2 WHERE room_key = $1";
        tx.execute(query, args![room, title.as_str()]).await?;
    }
    let settings = &change.settings;
    tx.execute(
        "UPDATE photo_sessions SET
             cover_key = COALESCE($2, cover_key), code_version = COALESCE($3, code_version),
             code_hash = COALESCE($4, code_hash), gate = COALESCE($5, gate),
             guests = COALESCE($6, guests), viewers_max = COALESCE($7, viewers_max),
             expires_at = COALESCE($8, expires_at), permissions = COALESCE($9, permissions),
             watermark = COALESCE($10, watermark), cameras = COALESCE($11, cameras)
         WHERE room_key = $1",
        args![
            room,
            cover_key,
            code.map(|(version, _)| i64::from(version)),
            code.map(|(_, hash)| hash.to_vec()),
            settings.gate.map(i64::from),
            settings.guests.map(i64::from),
            settings.viewers_max.map(u64::cast_signed),
            settings.expires_at,
            settings.permissions.as_ref().map(to_json),
            settings.watermark.as_ref().map(to_json),
            settings.cameras.as_ref().map(to_json),
        ],
    )
    .await?;
    Ok(())
}

/// What a change means for signatures, for clients and for the order of photos.
async fn consequences(
    tx: &mut Tx,
    actor: &Actor,
    change: &mut PhotoSessionUpdate,
    renewed: bool,
) -> Result<Vec<Event>> {
    let settings = &mut change.settings;
    if renewed || settings.permissions.is_some() || settings.guests == Some(false) {
        lower(tx, &actor.scene).await?;
    }
    if let Some(permissions) = &settings.permissions {
        people::silence_clients(tx, actor.scene.room.key, permissions).await?;
    }
    match settings.cameras.take() {
        Some(cameras) => order::sort_by_clocks(tx, actor, &cameras).await,
        None => Ok(Vec::new()),
    }
}

async fn tell(
    tx: &mut Tx,
    actor: &Actor,
    change: PhotoSessionUpdate,
    renewed: bool,
    mut events: Vec<Event>,
) -> Result<Committed> {
    let settings = change.settings;
    // Also when it says nothing: then something changed that only the owner is told.
    let updated = SessionUpdated {
        by: actor.scene.by.id,
        title: change.title,
        cover: change.cover,
        gate: settings.gate,
        guests: settings.guests,
        expires_at: settings.expires_at,
        permissions: settings.permissions,
        code: renewed,
    };
    let event = actor.scene.append(tx, EventData::SessionUpdated(updated)).await?;
    let (seq, at) = (event.seq, event.at);
    events.push(event);
    Ok(Committed { events, seq, at, ..Committed::default() })
}

pub(super) async fn close(tx: &mut Tx, actor: &Actor, reason: CloseReason) -> Result<Committed> {
    actor.needs(PhotoRole::Owner)?;
    let room = actor.scene.room.key;
    if actor.viewer.session.closed_at.is_some() {
        if reason == CloseReason::Deleted {
            let query = "UPDATE photo_sessions SET closed_why = $2 WHERE room_key = $1";
            tx.execute(query, args![room, DELETED]).await?;
        }
        return Ok(actor.already());
    }
    tx.execute(
        "UPDATE photo_sessions SET closed_at = $2, closed_why = $3 WHERE room_key = $1",
        args![room, tx.now, reason_number(reason)],
    )
    .await?;
    lower(tx, &actor.scene).await?;
    let data = SessionClosed { by: actor.scene.by.id, reason };
    Ok(Scene::done(actor.scene.append(tx, EventData::SessionClosed(data)).await?))
}
