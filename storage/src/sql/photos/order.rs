//! The order of photos: when they were taken, unless somebody has moved them.

use std::collections::HashMap;

use salon_protocol::event::PhotosUpdated;
use salon_protocol::photo::Cameras;
use salon_protocol::{Event, EventData, Millis, PhotoId, limits};

use super::changes::Actor;
use super::rows::missing;
use crate::error::Result;
use crate::sql::conn::{Arg, args, sql};
use crate::sql::event_row::{from_json, to_json};
use crate::sql::tx::Tx;

/// Places in a millisecond, so that photos can be put between others. A place stays below 2^53 until the
/// year 2245.
const PLACES_PER_MS: i64 = 1_024;
/// What a camera may say: a clock that is off must not make places that JavaScript cannot hold.
const TAKEN_MS_MAX: Millis = 8_700_000_000_000;

/// Where a photo stands.
pub(super) fn place(
    cameras: &Cameras,
    taken_at: Option<Millis>,
    camera: &[String],
    now: Millis,
) -> i64 {
    let at = taken_at.map(|at| at.saturating_add(offset(cameras, camera)));
    at.unwrap_or(now).clamp(0, TAKEN_MS_MAX) * PLACES_PER_MS
}

fn offset(cameras: &Cameras, camera: &[String]) -> Millis {
    camera.iter().find_map(|name| cameras.get(name)).copied().unwrap_or_default()
}

/// A photo's new place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) key: i64,
    pub(super) photo: PhotoId,
    pub(super) place: i64,
}

async fn write(tx: &mut Tx, moved: &[Moved]) -> Result<()> {
    let rows: Vec<(i64, i64)> = moved.iter().map(|moved| (moved.key, moved.place)).collect();
    let query = sql!(
        "UPDATE photos SET sort = "
        [sqlite "j.value->>1 FROM json_each($1) j WHERE photo_key = j.value->>0"
         postgres "(j->>1)::bigint FROM json_array_elements($1::json) j
                   WHERE photo_key = (j->>0)::bigint"]
    );
    tx.execute(query, vec![Arg::Text(to_json(&rows))]).await?;
    Ok(())
}

/// Events that tell new places.
async fn tell(tx: &mut Tx, actor: &Actor, moved: &[Moved]) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for moved in moved.chunks(limits::PHOTOS_PER_CALL_MAX) {
        let data = PhotosUpdated {
            photos: moved.iter().map(|moved| moved.photo).collect(),
            by: actor.scene.by.id,
            title: None,
            tags: None,
            pinned: None,
            order: Some(moved.iter().map(|moved| moved.place).collect()),
        };
        events.push(actor.scene.append(tx, EventData::PhotosUpdated(data)).await?);
    }
    Ok(events)
}

/// The clocks of cameras are set: their photos that nobody has moved get other places.
pub(super) async fn sort_by_clocks(
    tx: &mut Tx,
    actor: &Actor,
    cameras: &Cameras,
) -> Result<Vec<Event>> {
    let rows = tx
        .all(
            "SELECT photo_key, id, taken_at, camera, sort FROM photos
             WHERE room_key = $1 AND state >= 0 AND moved = 0 AND taken_at IS NOT NULL
             ORDER BY photo_key",
            args![actor.scene.room.key],
        )
        .await?;
    let mut moved = Vec::new();
    for row in rows {
        let camera: Vec<String> = from_json(&row.text(3)?)?;
        let place = place(cameras, row.opt_int(2)?, &camera, tx.now);
        if place != row.int(4)? {
            let photo = PhotoId::from_bytes(row.id(1)?);
            moved.push(Moved { key: row.int(0)?, photo, place });
        }
    }
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    write(tx, &moved).await?;
    tell(tx, actor, &moved).await
}

/// Puts photos, in this order, behind another one. Gives the places that became others, and the events of
/// photos that had to make room.
pub(super) async fn put_behind(
    tx: &mut Tx,
    actor: &Actor,
    photos: &[(i64, PhotoId)],
    behind: PhotoId,
) -> Result<(HashMap<PhotoId, i64>, Vec<Event>)> {
    let query = "SELECT sort, id FROM photos WHERE id = $1 AND room_key = $2 AND state >= 0";
    let params = args![behind.as_bytes(), actor.scene.room.key];
    let row = tx.first(query, params).await?.ok_or_else(missing)?;
    let low = row.int(0)?;
    let rows = tx
        .all(
            "SELECT photo_key, id, sort FROM photos
             WHERE room_key = $1 AND state >= 0 AND (sort, id) > ($2, $3) ORDER BY sort, id",
            args![actor.scene.room.key, low, behind.as_bytes()],
        )
        .await?;
    let mut following = Vec::with_capacity(rows.len());
    for row in rows {
        let (key, photo) = (row.int(0)?, PhotoId::from_bytes(row.id(1)?));
        if !photos.iter().any(|(moving, _)| *moving == key) {
            following.push(Moved { key, photo, place: row.int(2)? });
        }
    }
    let (places, making_room) = spread(low, photos, following);
    let keys = crate::sql::conn::int_list(photos.iter().map(|(key, _)| *key));
    tx.execute(sql!("UPDATE photos SET moved = 1 WHERE photo_key IN " [ints "$1"]), vec![keys])
        .await?;
    let both: Vec<Moved> = places.iter().chain(&making_room).copied().collect();
    write(tx, &both).await?;
    let events = tell(tx, actor, &making_room).await?;
    Ok((places.iter().map(|moved| (moved.photo, moved.place)).collect(), events))
}

/// Places for photos above `low`, and for those of the following ones that have to make room.
fn spread(low: i64, photos: &[(i64, PhotoId)], following: Vec<Moved>) -> (Vec<Moved>, Vec<Moved>) {
    let count = |photos: usize| i64::try_from(photos).unwrap_or(i64::MAX);
    // How many of the following have to move, and the place that ends the room for all of them.
    let end = following
        .iter()
        .enumerate()
        .find(|(making_room, next)| next.place - low > count(photos.len() + making_room))
        .map(|(making_room, next)| (making_room, next.place));
    let (making_room, step) = match end {
        Some((making_room, high)) => {
            let step = (high - low) / (count(photos.len() + making_room) + 1);
            (making_room, step.clamp(1, PLACES_PER_MS))
        }
        None => (following.len(), PLACES_PER_MS),
    };
    let mut places = (1..).map(|number: i64| low.saturating_add(number.saturating_mul(step)));
    let mut next = || places.next().unwrap_or(i64::MAX);
    let moved = photos.iter().map(|&(key, photo)| Moved { key, photo, place: next() }).collect();
    let others =
        following.into_iter().take(making_room).map(|one| Moved { place: next(), ..one }).collect();
    (moved, others)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn photo(key: i64) -> PhotoId {
        PhotoId::new(Uuid::from_u128(key.unsigned_abs().into()))
    }

    fn places(low: i64, count: i64, following: &[i64]) -> (Vec<i64>, Vec<i64>) {
        let photos: Vec<(i64, PhotoId)> = (0..count).map(|key| (key, photo(key))).collect();
        let following = (100..).zip(following);
        let following =
            following.map(|(key, &place)| Moved { key, photo: photo(key), place }).collect();
        let (moved, others) = spread(low, &photos, following);
        let places = |moved: Vec<Moved>| moved.iter().map(|moved| moved.place).collect();
        (places(moved), places(others))
    }

    #[test]
    fn photos_go_between_others_and_those_make_room() {
        assert_eq!(places(1_000, 2, &[1_030]), (vec![1_010, 1_020], vec![]));
        assert_eq!(places(1_000, 2, &[]), (vec![2_024, 3_048], vec![]));
        assert_eq!(places(1_000, 1, &[9_000]), (vec![2_024], vec![]));
        assert_eq!(places(1_000, 2, &[1_003]), (vec![1_001, 1_002], vec![]));
        // No room: the one that was there goes on, up to where there is some.
        assert_eq!(places(1_000, 2, &[1_002, 1_008]), (vec![1_002, 1_004], vec![1_006]));
        // A burst, all in one second, to the end.
        assert_eq!(places(0, 1, &[0, 0]), (vec![1_024], vec![2_048, 3_072]));
    }
}
