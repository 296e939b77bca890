//! Photos: from a row to what a client sees, in lists and in pages of the log.

use std::collections::HashMap;

use salon_protocol::photo::{Photo, PhotoRole, PhotoState, PhotoStatus};
use salon_protocol::reply::{Items, PhotoInfo};
use salon_protocol::{ErrorCode, ErrorData, Millis, PhotoId, UserId, limits, request};

use super::sessions::{self, Viewer, not_allowed};
use super::{HIDDEN, LIVE, PENDING};
use crate::error::{Result, StoreError};
use crate::model::{UserKey, Visitor};
use crate::sql::conn::{Arg, Conn, Row, Sql, args, blob_list, int_list, sql};
use crate::sql::cursor::Cursor;
use crate::sql::event_row::from_json;
use crate::sql::tx::Tx;

/// The columns that [`photo_from`] reads, of `photos p` and `users u`.
macro_rules! photo_columns {
    () => {
        "p.id, u.id, p.name, p.title, p.tags, p.width, p.height, p.thumbhash, p.colour, \
         p.taken_at, p.sort, p.unpinned, p.status, p.variants"
    };
}

fn status_from(number: i64) -> Result<PhotoStatus> {
    match number {
        0 => Ok(PhotoStatus::Processing),
        1 => Ok(PhotoStatus::Ready),
        2 => Ok(PhotoStatus::Failed),
        other => Err(StoreError::Internal(format!("photo status {other}"))),
    }
}

pub(super) const fn state_number(state: PhotoState) -> i64 {
    match state {
        PhotoState::Pending => PENDING,
        PhotoState::Live => LIVE,
        PhotoState::Hidden => HIDDEN,
    }
}

/// `None`: it was deleted.
pub(super) const fn state_from(number: i64) -> Option<PhotoState> {
    match number {
        PENDING => Some(PhotoState::Pending),
        LIVE => Some(PhotoState::Live),
        HIDDEN => Some(PhotoState::Hidden),
        _ => None,
    }
}

fn pixels(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| StoreError::Internal(format!("{number} pixels")))
}

/// What everybody sees of a photo.
pub(super) fn photo_from(row: &Row) -> Result<Photo> {
    Ok(Photo {
        photo: PhotoId::from_bytes(row.id(0)?),
        by: UserId::from_bytes(row.id(1)?),
        name: row.text(2)?,
        title: row.opt_text(3)?,
        tags: from_json(&row.text(4)?)?,
        width: pixels(row.int(5)?)?,
        height: pixels(row.int(6)?)?,
        thumbhash: row.text(7)?,
        colour: row.text(8)?,
        taken_at: row.opt_int(9)?,
        order: row.int(10)?,
        pinned: !row.flag(11)?,
        status: status_from(row.int(12)?)?,
        variants: from_json(&row.text(13)?)?,
        state: None,
        seq: None,
        likes: None,
        comments: None,
        selected: None,
        liked: false,
        lists: Vec::new(),
    })
}

/// Photos that viewers see, for pages of logs.
pub(crate) async fn shown(
    conn: &mut Conn<'_>,
    photos: &[PhotoId],
) -> Result<HashMap<PhotoId, Photo>> {
    const QUERY: Sql = sql!(
        "SELECT p.id, u.id, p.name, p.title, p.tags, p.width, p.height, p.thumbhash, p.colour,
                p.taken_at, p.sort, p.unpinned, p.status, p.variants
         FROM photos p JOIN users u ON u.user_key = p.user_key
         WHERE p.state = 1 AND p.id IN " [blobs "$1"]
    );
    let rows = conn.all(QUERY, vec![blob_list(photos.iter().map(PhotoId::as_bytes))]).await?;
    let photo = |row: &Row| {
        let photo = photo_from(row)?;
        Ok((photo.photo, photo))
    };
    rows.iter().map(photo).collect()
}

/// The same for one, in a transaction.
pub(super) async fn shown_now(tx: &mut Tx, photo: PhotoId) -> Result<Photo> {
    let lost = || StoreError::Internal("a photo that must be there is not".into());
    shown(&mut tx.conn.borrow(), &[photo]).await?.remove(&photo).ok_or_else(lost)
}

/// There is none, or not for him.
pub(super) fn missing() -> ErrorData {
    ErrorData::new(ErrorCode::NotFound, "there is no such photo")
}

macro_rules! list_sql {
    ($compare:literal, $order:literal) => {
        concat!(
            "SELECT ",
            photo_columns!(),
            ", p.state, p.shown_seq, p.likes, p.comments, p.selected, p.photo_key
             FROM photos p JOIN users u ON u.user_key = p.user_key
             WHERE p.room_key = $1 AND p.unpinned = $2 AND (p.sort, p.id) ",
            $compare,
            " ($3, $4) AND p.state >= 0 AND p.state >= $5 AND p.state <= $6
               AND (CAST($7 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM photo_marks k
                    WHERE k.photo_key = p.photo_key AND k.user_key = $8 AND k.list = $7))"
        )
    };
}

macro_rules! tagged_sql {
    ($compare:literal, $order:literal) => {
        Sql {
            sqlite: concat!(
                list_sql!($compare, $order),
                " AND (CAST($9 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM json_each(p.tags) t
                       WHERE t.value = $9)) ",
                $order,
                " LIMIT $10"
            ),
            postgres: concat!(
                list_sql!($compare, $order),
                " AND (CAST($9 AS TEXT) IS NULL OR EXISTS (
                       SELECT 1 FROM json_array_elements_text(p.tags::json) t
                       WHERE t.value = $9)) ",
                $order,
                " LIMIT $10"
            ),
        }
    };
}

/// Both go along the index `photos_order` without sorting.
const OLDEST_FIRST: Sql = tagged_sql!(">", "ORDER BY p.sort, p.id");
const NEWEST_FIRST: Sql = tagged_sql!("<", "ORDER BY p.sort DESC, p.id DESC");

/// A place in a list: pinned ones first, and in each part by order and id.
type Place = (i64, i64, [u8; 16]);

fn place_from(cursor: [i64; 4]) -> Place {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&cursor[2].to_be_bytes());
    id[8..].copy_from_slice(&cursor[3].to_be_bytes());
    (cursor[0], cursor[1], id)
}

fn cursor_after(row: &Row) -> Result<String> {
    let id = row.id(0)?;
    let (mut high, mut low) = ([0; 8], [0; 8]);
    high.copy_from_slice(&id[..8]);
    low.copy_from_slice(&id[8..]);
    let (high, low) = (i64::from_be_bytes(high), i64::from_be_bytes(low));
    Ok(Cursor::write([row.int(11)?, row.int(10)?, high, low]))
}

pub(super) async fn list(
    conn: &mut Conn<'_>,
    who: Visitor,
    list: request::PhotoList,
    now: Millis,
) -> Result<Items<Photo>> {
    let viewer = sessions::viewer(conn, who, list.session, now).await?;
    let (mut low, mut high) = viewer.sees();
    if let Some(state) = list.state {
        let state = state_number(state);
        if !(low..=high).contains(&state) {
            return Err(not_allowed().into());
        }
        (low, high) = (state, state);
    }
    let limit = list.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    let after = Cursor::<4>::parse(list.cursor.as_deref())?.map(place_from);
    if after.is_some_and(|after| !(0..=1).contains(&after.0)) {
        return Err(ErrorData::field("cursor", "is not a cursor of this list").into());
    }
    let (query, beginning) = if list.newest_first {
        (NEWEST_FIRST, (i64::MAX, [u8::MAX; 16]))
    } else {
        (OLDEST_FIRST, (i64::MIN, [0; 16]))
    };
    let mut rows = Vec::new();
    for unpinned in after.map_or(0, |after| after.0)..=1 {
        let begin = after.filter(|after| after.0 == unpinned).map(|after| (after.1, after.2));
        let (sort, id) = begin.unwrap_or(beginning);
        let wanted = limit + 1 - rows.len();
        let mut params: Vec<Arg> = args![viewer.session.room.key, unpinned, sort, &id, low, high];
        params.extend(args![list.list.clone(), viewer.user.key, list.tag.clone(), wanted]);
        rows.extend(conn.all(query, params).await?);
        if rows.len() > limit {
            break;
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let cursor = match rows.last() {
        Some(last) if more => Some(cursor_after(last)?),
        _ => None,
    };
    Ok(Items { items: listed(conn, &viewer, &rows).await?, cursor })
}

/// With counts, and with what the viewer has put on them.
async fn listed(conn: &mut Conn<'_>, viewer: &Viewer, rows: &[Row]) -> Result<Vec<Photo>> {
    let keys: Vec<i64> = rows.iter().map(|row| row.int(19)).collect::<Result<_>>()?;
    let (liked, mut lists) = own_marks(conn, viewer.user.key, &keys).await?;
    let staff = viewer.role.is_staff();
    let photo = |row: &Row| {
        let key = row.int(19)?;
        Ok(Photo {
            state: state_from(row.int(14)?).filter(|state| *state != PhotoState::Live),
            seq: Some(row.number(15)?).filter(|seq| *seq > 0),
            likes: Some(row.number(16)?),
            comments: Some(row.number(17)?),
            selected: if staff { Some(row.number(18)?) } else { None },
            liked: liked.contains(&key),
            lists: lists.remove(&key).unwrap_or_default(),
            ..photo_from(row)?
        })
    };
    rows.iter().map(photo).collect()
}

/// What a user likes, and what is in which of his lists.
async fn own_marks(
    conn: &mut Conn<'_>,
    user: UserKey,
    photos: &[i64],
) -> Result<(Vec<i64>, HashMap<i64, Vec<String>>)> {
    if photos.is_empty() {
        return Ok(Default::default());
    }
    let query = sql!(
        "SELECT photo_key FROM photo_likes WHERE user_key = $2 AND photo_key IN " [ints "$1"]
    );
    let params = || vec![int_list(photos.iter().copied()), user.into()];
    let rows = conn.all(query, params()).await?;
    let liked = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    let query = sql!(
        "SELECT photo_key, list FROM photo_marks
         WHERE user_key = $2 AND photo_key IN " [ints "$1"] " ORDER BY list"
    );
    let mut lists: HashMap<i64, Vec<String>> = HashMap::new();
    for row in conn.all(query, params()).await? {
        lists.entry(row.int(0)?).or_default().push(row.text(1)?);
    }
    Ok((liked, lists))
}

pub(super) async fn one(
    conn: &mut Conn<'_>,
    who: Visitor,
    photo: request::OnePhoto,
    now: Millis,
) -> Result<PhotoInfo> {
    let viewer = sessions::viewer(conn, who, photo.session, now).await?;
    let (low, high) = viewer.sees();
    let query = concat!(
        "SELECT ",
        photo_columns!(),
        ", p.state, p.shown_seq, p.likes, p.comments, p.selected, p.photo_key, p.bytes, p.mime,
           d.metadata, p.downloads, p.failed
         FROM photos p JOIN users u ON u.user_key = p.user_key
         LEFT JOIN photo_metadata d ON d.photo_key = p.photo_key
         WHERE p.id = $1 AND p.room_key = $2 AND p.state >= $3 AND p.state <= $4"
    );
    let params = args![photo.photo.as_bytes(), viewer.session.room.key, low, high];
    let row = conn.first(query, params).await?.ok_or_else(missing)?;
    let staff = viewer.role >= PhotoRole::Photographer;
    let metadata = row.opt_text(22)?.filter(|_| staff);
    let (bytes, mime, downloads) = (row.number(20)?, row.text(21)?, row.number(23)?);
    let failed = row.opt_text(24)?;
    let photo = listed(conn, &viewer, &[row]).await?.pop().ok_or_else(missing)?;
    Ok(PhotoInfo {
        photo,
        bytes,
        mime,
        metadata: metadata.map(|text| from_json(&text)).transpose()?,
        downloads: staff.then_some(downloads),
        failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::open::{Database, OpenOptions, Opener, migrate};

    #[tokio::test]
    async fn lists_and_lookups_go_along_their_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new(Database::Sqlite(folder.path().into()));
        let mut conn = Opener::new(&options).unwrap().connect().await.unwrap();
        migrate(&mut conn, true).await.unwrap();
        let mut plan = async |query: &str, params: Vec<Arg>| {
            let query = Sql::from(&*format!("EXPLAIN QUERY PLAN {query}").leak());
            let rows = conn.borrow().all(query, params).await.unwrap();
            rows.iter().map(|row| row.text(3).unwrap()).collect::<Vec<_>>().join("\n")
        };
        for list in [OLDEST_FIRST, NEWEST_FIRST] {
            let mut params = args![1_i64, 1_i64, 0_i64, &[0; 16], 0_i64, 2_i64];
            params.extend(args![None::<String>, 1_i64, None::<String>, 50_i64]);
            let plan = plan(list.sqlite, params).await;
            assert!(plan.contains("photos_order"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let same = "SELECT id FROM photos WHERE room_key = $1 AND sha256 = $2 AND state >= 0";
        let plan = plan(same, args![1_i64, &[0; 32]]).await;
        assert!(plan.contains("photos_content"), "{plan}");
        conn.close().await;
    }
}
