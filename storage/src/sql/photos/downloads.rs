//! Downloads of many photos at once, and how often photos were downloaded.

use std::collections::BTreeMap;

use salon_protocol::request::PhotoDownload;
use salon_protocol::{Cid, ErrorCode, ErrorData, PhotoId, limits};
use serde::{Deserialize, Serialize};

use super::files::file_from;
use super::marks::may_download;
use super::sessions::{self, Viewer, not_allowed};
use super::{HIDDEN, LIVE, PENDING};
use crate::error::Result;
use crate::model::{Download, PhotoFile, Visitor};
use crate::sql::conn::{Arg, args, blob_list, int_list, sql};
use crate::sql::event_row::{from_json, to_json};
use crate::sql::tx::Tx;

/// What a download is to have.
#[derive(Serialize, Deserialize)]
struct Stored {
    room: i64,
    /// It is good as long as the signatures of its time are.
    media_version: u32,
    original: bool,
    /// With what viewers do not see.
    staff: bool,
    photos: Vec<i64>,
}

pub(super) async fn begin(
    tx: &mut Tx,
    who: Visitor,
    wanted: PhotoDownload,
    name: Cid,
) -> Result<Download> {
    let now = tx.now;
    let viewer = sessions::viewer(&mut tx.conn.borrow(), who, wanted.session, now).await?;
    if !may_download(&viewer, wanted.original) {
        return Err(not_allowed().into());
    }
    let photos = wanted_photos(tx, &viewer, &wanted).await?;
    let stored = Stored {
        room: viewer.session.room.key.0,
        media_version: viewer.session.media_version,
        original: wanted.original,
        staff: viewer.role.is_staff(),
        photos,
    };
    let files = files(tx, &stored).await?;
    if files.is_empty() {
        return Err(ErrorData::new(ErrorCode::NotFound, "there is nothing to download").into());
    }
    tx.execute("DELETE FROM downloads WHERE expires_at <= $1", args![tx.now]).await?;
    tx.execute(
        "INSERT INTO downloads (name, body, expires_at) VALUES ($1, $2, $3)",
        args![name.as_bytes(), to_json(&stored), tx.now + limits::MEDIA_LIFE_MS],
    )
    .await?;
    Ok(Download { title: viewer.session.title, original: wanted.original, files })
}

async fn wanted_photos(tx: &mut Tx, viewer: &Viewer, wanted: &PhotoDownload) -> Result<Vec<i64>> {
    let (low, high) = viewer.sees();
    let chosen = wanted.photos.as_ref();
    let chosen = chosen.map(|photos| blob_list(photos.iter().map(PhotoId::as_bytes)));
    let chosen = match chosen {
        Some(Arg::Text(list)) => Some(list),
        _ => None,
    };
    let query = sql!(
        "SELECT p.photo_key FROM photos p
         WHERE p.room_key = $1 AND p.state >= $2 AND p.state <= $3
           AND (CAST($4 AS TEXT) IS NULL OR p.id IN " [blobs "$4"] ")
           AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM photo_marks k
                WHERE k.photo_key = p.photo_key AND k.user_key = $6 AND k.list = $5))"
    );
    let room = viewer.session.room.key;
    let params = args![room, low, high, chosen, wanted.list.clone(), viewer.user.key];
    tx.all(query, params).await?.iter().map(|row| row.int(0)).collect()
}

/// What is there of it now.
async fn files(tx: &mut Tx, stored: &Stored) -> Result<Vec<PhotoFile>> {
    const QUERY: crate::sql::conn::Sql = sql!(
        "SELECT p.id, r.id, COALESCE(s.media_version, 0), p.state, p.name, p.mime, p.bytes,
                p.variants
         FROM photos p JOIN rooms r ON r.room_key = p.room_key
         JOIN photo_sessions s ON s.room_key = p.room_key
         WHERE p.state >= $2 AND p.state <= $3 AND p.photo_key IN " [ints "$1"]
        " ORDER BY p.unpinned, p.sort, p.id"
    );
    let (low, high) = if stored.staff { (PENDING, HIDDEN) } else { (LIVE, LIVE) };
    let mut params = vec![int_list(stored.photos.iter().copied())];
    params.extend(args![low, high]);
    let mut files: Vec<PhotoFile> =
        tx.all(QUERY, params).await?.iter().map(file_from).collect::<Result<_>>()?;
    // One that is not processed has no variant yet.
    files.retain(|file| stored.original || !file.variants.is_empty());
    Ok(files)
}

pub(super) async fn go_on(tx: &mut Tx, name: Cid) -> Result<Option<Download>> {
    let query = "SELECT body FROM downloads WHERE name = $1 AND expires_at > $2";
    let Some(row) = tx.first(query, args![name.as_bytes(), tx.now]).await? else {
        return Ok(None);
    };
    let stored: Stored = from_json(&row.text(0)?)?;
    let query = "SELECT r.name FROM photo_sessions s JOIN rooms r ON r.room_key = s.room_key
                 WHERE s.room_key = $1 AND s.media_version = $2 AND r.closed_at IS NULL";
    let params = args![stored.room, i64::from(stored.media_version)];
    let Some(row) = tx.first(query, params).await? else { return Ok(None) };
    let files = files(tx, &stored).await?;
    if files.is_empty() {
        return Ok(None);
    }
    count(tx, files.iter().map(|file| file.photo).collect()).await?;
    let title = row.opt_text(0)?.unwrap_or_default();
    Ok(Some(Download { title, original: stored.original, files }))
}

pub(super) async fn count(tx: &mut Tx, photos: Vec<PhotoId>) -> Result<()> {
    let mut times: BTreeMap<PhotoId, i64> = BTreeMap::new();
    for photo in photos {
        *times.entry(photo).or_default() += 1;
    }
    // Nearly always all of them once.
    let mut by_times: BTreeMap<i64, Vec<PhotoId>> = BTreeMap::new();
    for (photo, times) in times {
        by_times.entry(times).or_default().push(photo);
    }
    for (times, photos) in by_times {
        let params = || vec![blob_list(photos.iter().map(PhotoId::as_bytes)), times.into()];
        let query = sql!(
            "UPDATE photos SET downloads = downloads + $2 WHERE state >= 0 AND id IN " [blobs "$1"]
        );
        tx.execute(query, params()).await?;
        let query = sql!(
            "UPDATE photo_sessions SET downloads = downloads + $2 * (
                 SELECT count(*) FROM photos p WHERE p.room_key = photo_sessions.room_key
                 AND p.state >= 0 AND p.id IN " [blobs "$1"] ")
             WHERE room_key IN (SELECT room_key FROM photos WHERE id IN " [blobs "$1"] ")"
        );
        tx.execute(query, params()).await?;
    }
    Ok(())
}
