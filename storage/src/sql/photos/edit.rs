//! Changes of photos, many at once: one broadcast for what many have in common.

use std::collections::HashMap;

use salon_protocol::event::{NewPhoto, PhotoDeleted, PhotosUpdated};
use salon_protocol::photo::{PhotoRole, PhotoState};
use salon_protocol::request::PhotoUpdate;
use salon_protocol::{Event, EventData, PhotoId, Seq};

use super::changes::Actor;
use super::rows::{missing, shown_now};
use super::sessions::not_allowed;
use super::{DELETED, HIDDEN, LIVE, order};
use crate::error::Result;
use crate::model::Committed;
use crate::sql::conn::{args, blob_list, int_list, sql};
use crate::sql::event_row::{self, RETRACTED_PHOTO, to_json};
use crate::sql::tx::Tx;

/// A photo that is to be changed.
struct Target {
    key: i64,
    photo: PhotoId,
    own: bool,
    state: i64,
    shown_seq: Seq,
    title: Option<String>,
    tags: String,
    pinned: bool,
    place: i64,
}

/// Those that are there, in the order of the request, each once. Refused with `not_found` when none is.
async fn targets(tx: &mut Tx, actor: &Actor, photos: &[PhotoId]) -> Result<Vec<Target>> {
    let query = sql!(
        "SELECT photo_key, id, user_key, state, shown_seq, title, tags, unpinned, sort FROM photos
         WHERE room_key = $2 AND state >= 0 AND id IN " [blobs "$1"]
    );
    let list = blob_list(photos.iter().map(PhotoId::as_bytes));
    let mut found = HashMap::with_capacity(photos.len());
    for row in tx.all(query, vec![list, actor.scene.room.key.into()]).await? {
        let photo = PhotoId::from_bytes(row.id(1)?);
        let target = Target {
            key: row.int(0)?,
            photo,
            own: row.int(2)? == actor.scene.by.key.0,
            state: row.int(3)?,
            shown_seq: row.number(4)?,
            title: row.opt_text(5)?,
            tags: row.text(6)?,
            pinned: !row.flag(7)?,
            place: row.int(8)?,
        };
        found.insert(photo, target);
    }
    if found.is_empty() {
        return Err(missing().into());
    }
    Ok(photos.iter().filter_map(|photo| found.remove(photo)).collect())
}

/// Refuses whoever may change only what he has added himself, if there is anything else.
fn own_or_editor(actor: &Actor, targets: &[Target]) -> Result<()> {
    actor.needs(PhotoRole::Photographer)?;
    if actor.viewer.role >= PhotoRole::Editor || targets.iter().all(|target| target.own) {
        return Ok(());
    }
    Err(not_allowed().into())
}

pub(super) async fn edit(tx: &mut Tx, actor: &Actor, update: PhotoUpdate) -> Result<Committed> {
    actor.needs(PhotoRole::Photographer)?;
    actor.open()?;
    if update.state.is_some() || update.pinned.is_some() || update.behind.is_some() {
        actor.needs(PhotoRole::Editor)?;
    }
    let mut targets = targets(tx, actor, &update.photos).await?;
    own_or_editor(actor, &targets)?;
    let mut events = change_fields(tx, actor, &mut targets, &update).await?;
    match update.state {
        Some(PhotoState::Live) => events.extend(show(tx, actor, &targets).await?),
        Some(PhotoState::Hidden) => events.extend(hide(tx, actor, &targets).await?),
        Some(PhotoState::Pending) | None => {}
    }
    let Some(last) = events.last() else { return Ok(actor.already()) };
    let (seq, at) = (last.seq, last.at);
    Ok(Committed { events, seq, at, ..Committed::default() })
}

/// Titles, tags, pins and places.
async fn change_fields(
    tx: &mut Tx,
    actor: &Actor,
    targets: &mut [Target],
    update: &PhotoUpdate,
) -> Result<Vec<Event>> {
    let (mut events, mut places) = (Vec::new(), HashMap::new());
    if let Some(behind) = update.behind {
        let photos: Vec<(i64, PhotoId)> =
            targets.iter().map(|target| (target.key, target.photo)).collect();
        (places, events) = order::put_behind(tx, actor, &photos, behind).await?;
    }
    let tags = update.tags.as_ref().map(to_json);
    let differs = |target: &Target| {
        let title = target.title.as_deref().unwrap_or_default();
        update.title.as_deref().is_some_and(|new| new != title)
            || tags.as_ref().is_some_and(|new| *new != target.tags)
            || update.pinned.is_some_and(|new| new != target.pinned)
            || places.get(&target.photo).is_some_and(|new| *new != target.place)
    };
    let changed: Vec<&Target> = targets.iter().filter(|target| differs(target)).collect();
    if changed.is_empty() {
        return Ok(events);
    }
    let title = update.title.clone();
    let query = sql!(
        "UPDATE photos SET title = CASE WHEN CAST($2 AS TEXT) IS NULL THEN title
                                        ELSE NULLIF($2, '') END,
                           tags = COALESCE($3, tags), unpinned = COALESCE($4, unpinned)
         WHERE photo_key IN " [ints "$1"]
    );
    let list = int_list(changed.iter().map(|target| target.key));
    let mut params = vec![list];
    params.extend(args![title, tags.clone(), update.pinned.map(|pinned| i64::from(!pinned))]);
    tx.execute(query, params).await?;
    // Those that viewers do not see are named apart, and nothing of them is told.
    let (live, waiting): (Vec<&Target>, Vec<&Target>) =
        changed.into_iter().partition(|target| target.state == LIVE);
    for (targets, told) in [(live, true), (waiting, false)] {
        if targets.is_empty() {
            continue;
        }
        let photos: Vec<PhotoId> = targets.iter().map(|target| target.photo).collect();
        let place = |photo: &PhotoId| places.get(photo).copied();
        let data = PhotosUpdated {
            by: actor.scene.by.id,
            title: update.title.clone().filter(|_| told),
            tags: update.tags.clone().filter(|_| told),
            pinned: update.pinned.filter(|_| told),
            order: photos.iter().map(place).collect::<Option<_>>().filter(|_| told),
            photos,
        };
        events.push(actor.scene.append(tx, EventData::PhotosUpdated(data)).await?);
    }
    Ok(events)
}

async fn show(tx: &mut Tx, actor: &Actor, targets: &[Target]) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for target in targets.iter().filter(|target| target.state != LIVE) {
        tx.execute("UPDATE photos SET state = $2 WHERE photo_key = $1", args![target.key, LIVE])
            .await?;
        let photo = shown_now(tx, target.photo).await?;
        let data = EventData::NewPhoto(NewPhoto::Shown(Box::new(photo)));
        let event = actor.scene.append(tx, data).await?;
        tx.execute(
            "UPDATE photos SET shown_seq = $2 WHERE photo_key = $1",
            args![target.key, event.seq],
        )
        .await?;
        events.push(event);
    }
    Ok(events)
}

async fn hide(tx: &mut Tx, actor: &Actor, targets: &[Target]) -> Result<Option<Event>> {
    let hidden: Vec<&Target> = targets.iter().filter(|target| target.state != HIDDEN).collect();
    if hidden.is_empty() {
        return Ok(None);
    }
    let query = sql!(
        "UPDATE photos SET state = $2, shown_seq = 0 WHERE photo_key IN " [ints "$1"]
    );
    let list = int_list(hidden.iter().map(|target| target.key));
    tx.execute(query, vec![list, HIDDEN.into()]).await?;
    Ok(Some(retract(tx, actor, &hidden, true).await?))
}

/// Tells that photos are not shown any more, and leaves shells of the events that showed them.
async fn retract(tx: &mut Tx, actor: &Actor, photos: &[&Target], hidden: bool) -> Result<Event> {
    let targets: Vec<Seq> =
        photos.iter().map(|target| target.shown_seq).filter(|seq| *seq > 0).collect();
    let room = actor.scene.room.key;
    let query = sql!("UPDATE events SET kind = $2 WHERE event_key IN " [ints "$1"]);
    let keys = int_list(targets.iter().map(|seq| event_row::key(room, *seq)));
    tx.execute(query, vec![keys, RETRACTED_PHOTO.into()]).await?;
    let photos = photos.iter().map(|target| target.photo).collect();
    let data = PhotoDeleted { photos, targets, by: actor.scene.by.id, hidden };
    actor.scene.append(tx, EventData::PhotoDeleted(data)).await
}

pub(super) async fn delete(tx: &mut Tx, actor: &Actor, photos: Vec<PhotoId>) -> Result<Committed> {
    actor.needs(PhotoRole::Photographer)?;
    actor.open()?;
    let targets = targets(tx, actor, &photos).await?;
    own_or_editor(actor, &targets)?;
    let keys: Vec<i64> = targets.iter().map(|target| target.key).collect();
    empty(tx, &keys).await?;
    let query = sql!(
        "UPDATE photo_sessions SET cover_key = NULL
         WHERE room_key = $2 AND cover_key IN " [ints "$1"]
    );
    let list = int_list(keys);
    tx.execute(query, vec![list, actor.scene.room.key.into()]).await?;
    let event = retract(tx, actor, &targets.iter().collect::<Vec<_>>(), false).await?;
    Ok(crate::sql::log::Scene::done(event))
}

/// Leaves of photos only what says that there were such.
pub(super) async fn empty(tx: &mut Tx, photos: &[i64]) -> Result<()> {
    let list = || int_list(photos.iter().copied());
    for query in [
        sql!("DELETE FROM photo_metadata WHERE photo_key IN " [ints "$1"]),
        sql!("DELETE FROM photo_likes WHERE photo_key IN " [ints "$1"]),
        sql!("DELETE FROM photo_marks WHERE photo_key IN " [ints "$1"]),
        sql!("DELETE FROM photo_comments WHERE photo_key IN " [ints "$1"]),
    ] {
        tx.execute(query, vec![list()]).await?;
    }
    let query = sql!(
        "UPDATE photos SET state = $2, shown_seq = 0, name = '', title = NULL, tags = '[]',
                           thumbhash = '', camera = '[]', taken_at = NULL, likes = 0, comments = 0,
                           selected = 0
         WHERE photo_key IN " [ints "$1"]
    );
    tx.execute(query, vec![list(), DELETED.into()]).await?;
    Ok(())
}
