//! Uploads, from their beginning to what they become.

use salon_protocol::photo::PhotoRole;
use salon_protocol::request::{PhotoUploadBegin, Purpose};
use salon_protocol::{Cid, ErrorCode, ErrorData, Millis, PhotoId, RoomId, UploadId, limits};

use super::sessions::{self, Viewer};
use crate::error::{Result, StoreError};
use crate::model::{NewUpload, Upload, UploadDone, UserRef};
use crate::sql::conn::{Conn, Row, args, hex};
use crate::sql::event_row::{from_json, to_json};
use crate::sql::log::cid_taken;
use crate::sql::tx::Tx;

const PHOTO: i64 = 0;
const WATERMARK: i64 = 1;

macro_rules! upload_columns {
    () => {
        "SELECT id, request, photo, seq, had FROM uploads "
    };
}

fn upload_from(row: &Row) -> Result<Upload> {
    let photo = row.opt_id(2)?.map(PhotoId::from_bytes);
    let (seq, had) = (row.number(3)?, row.flag(4)?);
    Ok(Upload {
        id: UploadId::from_bytes(row.id(0)?),
        request: from_json(&row.text(1)?)?,
        done: photo.map(|photo| UploadDone { photo, seq, had }),
    })
}

fn missing() -> ErrorData {
    ErrorData::new(ErrorCode::NotFound, "there is no such upload")
}

pub(super) async fn find(conn: &mut Conn<'_>, by: UserRef, upload: UploadId) -> Result<Upload> {
    let query = concat!(upload_columns!(), "WHERE id = $1 AND user_key = $2");
    if let Some(row) = conn.first(query, args![upload.as_bytes(), by.key]).await? {
        return upload_from(&row);
    }
    let query = concat!(photo_as_upload!(), "WHERE p.upload = $1 AND p.user_key = $2");
    let row = conn.first(query, args![upload.as_bytes(), by.key]).await?;
    row.map_or_else(|| Err(missing().into()), |row| upload_of_photo(&row))
}

/// What is known of an upload from its photo.
macro_rules! photo_as_upload {
    () => {
        "SELECT p.upload, p.cid, r.id, p.name, p.bytes, p.upload_mime, p.sha256, p.id, p.added_seq
         FROM photos p JOIN rooms r ON r.room_key = p.room_key "
    };
}
use photo_as_upload;

fn upload_of_photo(row: &Row) -> Result<Upload> {
    let request = PhotoUploadBegin {
        session: RoomId::from_bytes(row.id(2)?),
        cid: Cid::from_bytes(row.id(1)?),
        name: row.text(3)?,
        size: row.number(4)?,
        mime: row.text(5)?,
        sha256: hex(&row.blob(6)?),
        purpose: Purpose::Photo,
    };
    let (photo, seq) = (PhotoId::from_bytes(row.id(7)?), row.number(8)?);
    let done = Some(UploadDone { photo, seq, had: false });
    Ok(Upload { id: UploadId::from_bytes(row.id(0)?), request, done })
}

/// The bytes of a checksum.
pub(super) fn checksum(request: &PhotoUploadBegin) -> Result<Vec<u8>> {
    let wrong = || StoreError::from(ErrorData::field("sha256", "expected 64 hexadecimal digits"));
    let digits = request.sha256.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).map_err(|_| wrong())?;
        u8::from_str_radix(text, 16).map_err(|_| wrong())
    };
    digits.map(byte).collect()
}

/// The photo of a session that has these bytes, and its first event.
pub(super) async fn same(
    tx: &mut Tx,
    viewer: &Viewer,
    sha256: &[u8],
) -> Result<Option<(UploadDone, Millis)>> {
    let query = "SELECT id, added_seq, added_at FROM photos
                 WHERE room_key = $1 AND sha256 = $2 AND state >= 0";
    let row = tx.first(query, args![viewer.session.room.key, sha256]).await?;
    let done = |row: Row| {
        let photo = PhotoId::from_bytes(row.id(0)?);
        Ok((UploadDone { photo, seq: row.number(1)?, had: true }, row.int(2)?))
    };
    row.map(done).transpose()
}

/// The upload that had this `cid` already.
async fn earlier(tx: &mut Tx, by: UserRef, request: &PhotoUploadBegin) -> Result<Option<Upload>> {
    let params = || args![request.cid.as_bytes(), by.key];
    let query = concat!(upload_columns!(), "WHERE cid = $1 AND user_key = $2");
    let earlier = match tx.first(query, params()).await? {
        Some(row) => Some(upload_from(&row)?),
        None => {
            let query = concat!(photo_as_upload!(), "WHERE p.cid = $1 AND p.user_key = $2");
            tx.first(query, params()).await?.map(|row| upload_of_photo(&row)).transpose()?
        }
    };
    if earlier.as_ref().is_some_and(|earlier| earlier.request != *request) {
        return Err(cid_taken().into());
    }
    Ok(earlier)
}

pub(super) async fn begin(tx: &mut Tx, by: UserRef, new: NewUpload) -> Result<Upload> {
    let NewUpload { id, mut request } = new;
    request.sha256.make_ascii_lowercase();
    let (now, session) = (tx.now, request.session);
    let viewer = sessions::viewer(&mut tx.conn.borrow(), by.into(), session, now).await?;
    let watermark = request.purpose == Purpose::Watermark;
    viewer.needs(if watermark { PhotoRole::Owner } else { PhotoRole::Photographer })?;
    let room = viewer.session.room.key;
    // In PostgreSQL this locks the session: two uploads of the same bytes begin one after the other.
    tx.head(room).await?;
    if let Some(earlier) = earlier(tx, by, &request).await? {
        return Ok(earlier);
    }
    viewer.session.open()?;
    let sha256 = checksum(&request)?;
    let had = if watermark { None } else { same(tx, &viewer, &sha256).await? };
    let done = had.map(|(done, _)| done);
    if done.is_none() {
        check_counts(tx, &viewer, watermark).await?;
    }
    tx.execute(
        "INSERT INTO uploads (id, user_key, cid, room_key, request, purpose, begun_at, photo, seq,
                              had)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            id.as_bytes(),
            by.key,
            request.cid.as_bytes(),
            room,
            to_json(&request),
            if watermark { WATERMARK } else { PHOTO },
            tx.now,
            done.map(|done| done.photo.as_bytes().to_vec()),
            done.map_or(0, |done| done.seq),
            done.is_some(),
        ],
    )
    .await?;
    Ok(Upload { id, request, done })
}

async fn check_counts(tx: &mut Tx, viewer: &Viewer, watermark: bool) -> Result<()> {
    let full = |text: &str| StoreError::from(ErrorData::new(ErrorCode::LimitReached, text));
    let query = "SELECT count(*) FROM uploads
                 WHERE user_key = $1 AND photo IS NULL AND begun_at > $2";
    let params = args![viewer.user.key, tx.now - limits::UPLOAD_LIFE_MS];
    let going = tx.one(query, params).await?.number(0)?;
    if going >= limits::UPLOADS_PER_USER_MAX as u64 {
        return Err(full("too many uploads at once"));
    }
    if watermark {
        return Ok(());
    }
    let query = "SELECT count(*) FROM photos WHERE room_key = $1 AND state >= 0";
    let photos = tx.one(query, args![viewer.session.room.key]).await?.number(0)?;
    if photos >= limits::PHOTOS_PER_SESSION_MAX {
        return Err(full("there are too many photos in this session"));
    }
    Ok(())
}

pub(super) async fn abort(tx: &mut Tx, by: UserRef, upload: UploadId) -> Result<()> {
    let query = "DELETE FROM uploads WHERE id = $1 AND user_key = $2 AND photo IS NULL";
    tx.execute(query, args![upload.as_bytes(), by.key]).await?;
    Ok(())
}

pub(super) async fn finish_watermark(
    tx: &mut Tx,
    by: UserRef,
    upload: UploadId,
    image: PhotoId,
) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE uploads SET photo = COALESCE(photo, $3)
             WHERE id = $1 AND user_key = $2 AND purpose = 1",
            args![upload.as_bytes(), by.key, image.as_bytes()],
        )
        .await?;
    if changed == 0 { Err(missing().into()) } else { Ok(()) }
}

/// Watermarks stay: their rows say whose the images are.
pub(super) async fn remove_old(tx: &mut Tx, before: Millis) -> Result<Vec<UploadId>> {
    let rows = tx
        .all(
            "DELETE FROM uploads WHERE begun_at < $1 AND (purpose = 0 OR photo IS NULL)
             RETURNING id",
            args![before],
        )
        .await?;
    rows.iter().map(|row| Ok(UploadId::from_bytes(row.id(0)?))).collect()
}

/// Refuses an upload of another session, or one that becomes no photo.
pub(super) fn is_for(upload: &Upload, session: RoomId) -> std::result::Result<(), ErrorData> {
    let fits = upload.request.session == session && upload.request.purpose == Purpose::Photo;
    if fits { Ok(()) } else { Err(missing()) }
}
