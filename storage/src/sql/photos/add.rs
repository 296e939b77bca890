//! An upload becomes a photo, and its processing ends.

use salon_protocol::event::{NewPhoto as PhotoShown, PhotoPending, PhotoStatusUpdated};
use salon_protocol::photo::{Photo, PhotoRole, PhotoStatus};
use salon_protocol::{EventData, PhotoId, UploadId};

use super::changes::Actor;
use super::{LIVE, PENDING, order, uploads};
use crate::error::Result;
use crate::model::{Committed, NewPhoto, Upload, UploadDone};
use crate::sql::conn::args;
use crate::sql::event_row::to_json;
use crate::sql::log::Scene;
use crate::sql::tx::Tx;

pub(super) async fn add(tx: &mut Tx, actor: &Actor, new: NewPhoto) -> Result<Committed> {
    actor.needs(PhotoRole::Photographer)?;
    let by = actor.scene.by;
    let upload = uploads::find(&mut tx.conn.borrow(), by, new.upload).await?;
    if let Some(done) = upload.done {
        return repeated(tx, done).await;
    }
    actor.open()?;
    uploads::is_for(&upload, actor.scene.room.id)?;
    let sha256 = uploads::checksum(&upload.request)?;
    if let Some((done, at)) = uploads::same(tx, &actor.viewer, &sha256).await? {
        become_photo(tx, new.upload, done).await?;
        return Ok(first_event(done, at));
    }
    let live = !actor.viewer.session.gate;
    let place = order::place(&actor.viewer.session.cameras, new.taken_at, &new.camera, tx.now);
    let data = if live {
        let shown = shown(&upload, &new, actor, place);
        EventData::NewPhoto(PhotoShown::Shown(Box::new(shown)))
    } else {
        EventData::PhotoPending(PhotoPending { photo: new.photo, by: by.id })
    };
    let event = actor.scene.append(tx, data).await?;
    let row = tx
        .one(
            "INSERT INTO photos (id, room_key, user_key, upload, cid, name, state, width, height,
                                 bytes, mime, upload_mime, sha256, thumbhash, colour, taken_at,
                                 camera, sort, claimed_until, added_seq, added_at, shown_seq)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     $18, $19, $20, $21, $22)
             RETURNING photo_key",
            args![
                new.photo.as_bytes(),
                actor.scene.room.key,
                by.key,
                new.upload.as_bytes(),
                upload.request.cid.as_bytes(),
                upload.request.name.as_str(),
                if live { LIVE } else { PENDING },
                i64::from(new.width),
                i64::from(new.height),
                upload.request.size,
                new.mime.as_str(),
                upload.request.mime.as_str(),
                &sha256[..],
                new.thumbhash.as_str(),
                new.colour.as_str(),
                new.taken_at,
                to_json(&new.camera),
                place,
                new.claimed_until,
                event.seq,
                event.at,
                if live { event.seq } else { 0 },
            ],
        )
        .await?;
    tx.execute(
        "INSERT INTO photo_metadata (photo_key, metadata) VALUES ($1, $2)",
        args![row.int(0)?, new.metadata],
    )
    .await?;
    let done = UploadDone { photo: new.photo, seq: event.seq, had: false };
    become_photo(tx, new.upload, done).await?;
    Ok(Committed { photo: Some(new.photo), ..Scene::done(event) })
}

fn shown(upload: &Upload, new: &NewPhoto, actor: &Actor, place: i64) -> Photo {
    Photo {
        photo: new.photo,
        by: actor.scene.by.id,
        name: upload.request.name.clone(),
        title: None,
        tags: Vec::new(),
        width: new.width,
        height: new.height,
        thumbhash: new.thumbhash.clone(),
        colour: new.colour.clone(),
        taken_at: new.taken_at,
        order: place,
        pinned: false,
        status: PhotoStatus::Processing,
        variants: Vec::new(),
        state: None,
        seq: None,
        likes: None,
        comments: None,
        selected: None,
        liked: false,
        lists: Vec::new(),
    }
}

async fn become_photo(tx: &mut Tx, upload: UploadId, done: UploadDone) -> Result<()> {
    tx.execute(
        "UPDATE uploads SET photo = $2, seq = $3, had = $4 WHERE id = $1",
        args![upload.as_bytes(), done.photo.as_bytes(), done.seq, done.had],
    )
    .await?;
    Ok(())
}

/// The answer to a repetition, and to bytes that the session has.
fn first_event(done: UploadDone, at: i64) -> Committed {
    Committed {
        seq: done.seq,
        at,
        duplicate: true,
        photo: Some(done.photo),
        ..Committed::default()
    }
}

async fn repeated(tx: &mut Tx, done: UploadDone) -> Result<Committed> {
    let query = "SELECT added_at FROM photos WHERE id = $1";
    let row = tx.first(query, args![done.photo.as_bytes()]).await?;
    let at = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
    Ok(first_event(done, at))
}

/// Only the server itself says so; whoever added the photo may be gone meanwhile, and the session closed.
pub(super) async fn processed(
    tx: &mut Tx,
    scene: &Scene,
    photo: PhotoId,
    variants: &[u32],
    failed: Option<String>,
) -> Result<Committed> {
    let status = if failed.is_some() { PhotoStatus::Failed } else { PhotoStatus::Ready };
    let changed = tx
        .execute(
            "UPDATE photos SET status = $3, variants = $4, failed = $5, claimed_until = 0
             WHERE id = $1 AND room_key = $2 AND state >= 0 AND status = 0",
            args![
                photo.as_bytes(),
                scene.room.key,
                if failed.is_some() { 2 } else { 1_i64 },
                to_json(&variants),
                failed.clone(),
            ],
        )
        .await?;
    if changed == 0 {
        // It was deleted, or two nodes have done it.
        return Ok(Committed::default());
    }
    let variants = variants.to_vec();
    let data = PhotoStatusUpdated { photo, status, variants, reason: failed };
    Ok(Scene::done(scene.append(tx, EventData::PhotoStatusUpdated(data)).await?))
}
