//! The files of photos: who may ask for them, who processes them, and which are to be deleted.

use salon_protocol::{Millis, PhotoId, RoomId, UserId};

use super::rows::state_from;
use crate::error::{Result, StoreError};
use crate::model::{PhotoFile, PhotoJob, UserKey, UserRef};
use crate::sql::conn::{Conn, Row, Sql, args, blob_list, int_list, sql};
use crate::sql::event_row::from_json;
use crate::sql::tx::Tx;

/// From these columns of `photos p`, of its room and of its session: `p.id, r.id,
/// COALESCE(s.media_version, 0), p.state, p.name, p.mime, p.bytes, p.variants`.
pub(super) fn file_from(row: &Row) -> Result<PhotoFile> {
    let version = row.int(2)?;
    Ok(PhotoFile {
        photo: PhotoId::from_bytes(row.id(0)?),
        session: RoomId::from_bytes(row.id(1)?),
        media_version: u32::try_from(version)
            .map_err(|_| StoreError::Internal(format!("{version} is no version")))?,
        state: state_from(row.int(3)?),
        name: row.text(4)?,
        mime: row.text(5)?,
        bytes: row.number(6)?,
        variants: from_json(&row.text(7)?)?,
    })
}

pub(super) async fn of_photo(conn: &mut Conn<'_>, photo: PhotoId) -> Result<Option<PhotoFile>> {
    let query = "SELECT p.id, r.id, COALESCE(s.media_version, 0), p.state, p.name, p.mime, p.bytes,
                        p.variants
                 FROM photos p JOIN rooms r ON r.room_key = p.room_key
                 LEFT JOIN photo_sessions s ON s.room_key = p.room_key WHERE p.id = $1";
    let row = conn.first(query, args![photo.as_bytes()]).await?;
    row.map(|row| file_from(&row)).transpose()
}

pub(super) async fn claim(
    tx: &mut Tx,
    until: Millis,
    all: bool,
    limit: usize,
) -> Result<Vec<PhotoJob>> {
    const CLAIM: Sql = sql!(
        "UPDATE photos SET claimed_until = $1 WHERE photo_key IN (
             SELECT photo_key FROM photos
             WHERE status = 0 AND state >= 0 AND claimed_until < $2
             ORDER BY claimed_until, photo_key LIMIT $3"
        [sqlite "" postgres " FOR UPDATE SKIP LOCKED"]
        ") RETURNING photo_key"
    );
    // With `all` what was claimed by this very call is left out, so that a repetition gets the next ones.
    let free_before = if all { until } else { tx.now + 1 };
    let rows = tx.all(CLAIM, args![until, free_before, limit]).await?;
    let keys: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    let query = sql!(
        "SELECT p.id, r.id, u.user_key, u.id, s.watermark FROM photos p
         JOIN rooms r ON r.room_key = p.room_key JOIN users u ON u.user_key = p.user_key
         JOIN photo_sessions s ON s.room_key = p.room_key
         WHERE p.photo_key IN " [ints "$1"] " ORDER BY p.photo_key"
    );
    let job = |row: &Row| {
        Ok(PhotoJob {
            photo: PhotoId::from_bytes(row.id(0)?),
            session: RoomId::from_bytes(row.id(1)?),
            by: UserRef { key: UserKey(row.int(2)?), id: UserId::from_bytes(row.id(3)?) },
            watermark: from_json(&row.text(4)?)?,
        })
    };
    tx.all(query, vec![int_list(keys)]).await?.iter().map(job).collect()
}

/// Of photos, and of watermarks whose session is no more.
pub(super) async fn to_delete(conn: &mut Conn<'_>, limit: usize) -> Result<Vec<PhotoId>> {
    let query = "SELECT id FROM photos WHERE state = -1 AND files = 1 ORDER BY photo_key LIMIT $1";
    let mut rows = conn.all(query, args![limit]).await?;
    let rest = limit - rows.len().min(limit);
    let query = "SELECT photo FROM uploads WHERE purpose = 1 AND gone = 1 LIMIT $1";
    rows.extend(conn.all(query, args![rest]).await?);
    rows.iter().map(|row| Ok(PhotoId::from_bytes(row.id(0)?))).collect()
}

pub(super) async fn deleted(tx: &mut Tx, photos: Vec<PhotoId>) -> Result<()> {
    let list = || vec![blob_list(photos.iter().map(PhotoId::as_bytes))];
    let query = sql!("UPDATE photos SET files = 0 WHERE state = -1 AND id IN " [blobs "$1"]);
    tx.execute(query, list()).await?;
    let query =
        sql!("DELETE FROM uploads WHERE purpose = 1 AND gone = 1 AND photo IN " [blobs "$1"]);
    tx.execute(query, list()).await?;
    Ok(())
}
