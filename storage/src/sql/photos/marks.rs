//! Likes and lists: what viewers put on photos.

use salon_protocol::photo::Download;
use salon_protocol::reply::{Export, Items, SelectionItem};
use salon_protocol::request::{ExportFormat, FAVOURITES, Mark, PhotoMark, PhotoSelectionExport};
use salon_protocol::signal::{PhotoCount, PhotoSelection};
use salon_protocol::{ErrorCode, ErrorData, Millis, PhotoId, RoomId, UserId, limits};

use super::sessions::{self, Viewer, not_allowed};
use crate::error::Result;
use crate::model::{Marked, Visitor};
use crate::sql::accounts::{public_columns, public_from};
use crate::sql::conn::{Arg, Conn, Row, args, blob_list, int_list, sql};
use crate::sql::tx::Tx;

/// Lists that are shown at once, those that changed last.
const SELECTIONS_MAX: usize = 1_000;

pub(super) async fn mark(tx: &mut Tx, who: Visitor, mark: PhotoMark) -> Result<Marked> {
    let now = tx.now;
    let viewer = sessions::viewer(&mut tx.conn.borrow(), who, mark.session, now).await?;
    let allowed = match mark.mark {
        Mark::Like => viewer.permissions.like,
        Mark::Select => viewer.permissions.select,
    };
    if !allowed {
        return Err(not_allowed().into());
    }
    let room = viewer.session.room;
    // In PostgreSQL this locks the session: marks of several nodes come one after the other.
    tx.head(room.key).await?;
    let mut marked = Marked { log: Some(room), ..Marked::default() };
    match mark.mark {
        Mark::Like => marked.counts = like(tx, &viewer, &mark).await?,
        Mark::Select => {
            let list = mark.list.clone().unwrap_or_else(|| FAVOURITES.into());
            let changed = select(tx, &viewer, &mark, &list).await?;
            let count = count(&mut tx.conn.borrow(), &viewer, &list).await?;
            marked.selection = Some(PhotoSelection { user: who.user.id, list, count });
            if changed {
                marked.staff = sessions::staff(&mut tx.conn.borrow(), room.key).await?;
            }
        }
    }
    Ok(marked)
}

/// Those of the photos that he sees.
async fn seen(tx: &mut Tx, viewer: &Viewer, photos: &[PhotoId]) -> Result<Vec<i64>> {
    let (low, high) = viewer.sees();
    let query = sql!(
        "SELECT photo_key FROM photos
         WHERE room_key = $2 AND state >= $3 AND state <= $4 AND id IN " [blobs "$1"]
    );
    let mut params = vec![blob_list(photos.iter().map(PhotoId::as_bytes))];
    params.extend(args![viewer.session.room.key, low, high]);
    tx.all(query, params).await?.iter().map(|row| row.int(0)).collect()
}

fn first_ints(rows: &[Row]) -> Result<Vec<i64>> {
    rows.iter().map(|row| row.int(0)).collect()
}

async fn like(tx: &mut Tx, viewer: &Viewer, mark: &PhotoMark) -> Result<Vec<PhotoCount>> {
    let photos = int_list(seen(tx, viewer, &mark.photos).await?);
    let (query, step) = if mark.on {
        let query = sql!(
            "INSERT INTO photo_likes (photo_key, user_key)
             SELECT photo_key, $2 FROM photos WHERE photo_key IN " [ints "$1"]
            " ON CONFLICT DO NOTHING RETURNING photo_key"
        );
        (query, 1_i64)
    } else {
        let query = sql!(
            "DELETE FROM photo_likes WHERE user_key = $2 AND photo_key IN " [ints "$1"]
            " RETURNING photo_key"
        );
        (query, -1)
    };
    let changed = first_ints(&tx.all(query, vec![photos, viewer.user.key.into()]).await?)?;
    let query = sql!(
        "UPDATE photos SET likes = likes + $2 WHERE photo_key IN " [ints "$1"]
        " RETURNING id, likes, comments"
    );
    let count = |row: &Row| {
        let photo = PhotoId::from_bytes(row.id(0)?);
        Ok(PhotoCount { photo, likes: row.number(1)?, comments: row.number(2)? })
    };
    tx.all(query, vec![int_list(changed), step.into()]).await?.iter().map(count).collect()
}

/// Whether anything changed.
async fn select(tx: &mut Tx, viewer: &Viewer, mark: &PhotoMark, list: &str) -> Result<bool> {
    let (user, room) = (viewer.user.key, viewer.session.room.key);
    if mark.on && list != FAVOURITES {
        let query = "SELECT count(DISTINCT list) FROM photo_marks
                     WHERE room_key = $1 AND user_key = $2 AND list <> $3 AND list <> $4";
        let lists = tx.one(query, args![room, user, list, FAVOURITES]).await?.number(0)?;
        if lists >= limits::LISTS_PER_USER_MAX as u64 {
            let text = "there are too many lists";
            return Err(ErrorData::new(ErrorCode::LimitReached, text).into());
        }
    }
    let mut params = vec![int_list(seen(tx, viewer, &mark.photos).await?)];
    params.extend(args![user, list]);
    let changed = if mark.on {
        params.extend(args![room, tx.now]);
        let query = sql!(
            "INSERT INTO photo_marks (photo_key, user_key, list, room_key, at)
             SELECT photo_key, $2, $3, $4, $5 FROM photos WHERE photo_key IN " [ints "$1"]
            " ON CONFLICT DO NOTHING RETURNING photo_key"
        );
        tx.all(query, params).await?
    } else {
        let query = sql!(
            "DELETE FROM photo_marks WHERE user_key = $2 AND list = $3 AND photo_key IN " [ints "$1"]
            " RETURNING photo_key"
        );
        tx.all(query, params).await?
    };
    if changed.is_empty() {
        return Ok(false);
    }
    // By how many it is in a list: he is one of them, however many of his lists it is in.
    let query = sql!(
        "UPDATE photos SET selected = selected + $2
         WHERE photo_key IN " [ints "$1"]
        " AND (SELECT count(*) FROM photo_marks k
               WHERE k.photo_key = photos.photo_key AND k.user_key = $3) = $4"
    );
    let (step, left) = if mark.on { (1_i64, 1_i64) } else { (-1, 0) };
    let mut params = vec![int_list(first_ints(&changed)?)];
    params.extend(args![step, user, left]);
    tx.execute(query, params).await?;
    Ok(true)
}

/// Photos in a list of one's own.
async fn count(conn: &mut Conn<'_>, viewer: &Viewer, list: &str) -> Result<u64> {
    let (low, high) = viewer.sees();
    let query = "SELECT count(*) FROM photo_marks k JOIN photos p ON p.photo_key = k.photo_key
                 WHERE k.room_key = $1 AND k.user_key = $2 AND k.list = $3
                   AND p.state >= $4 AND p.state <= $5";
    let params = args![viewer.session.room.key, viewer.user.key, list, low, high];
    conn.one(query, params).await?.number(0)
}

pub(super) async fn selections(
    conn: &mut Conn<'_>,
    who: Visitor,
    session: RoomId,
    now: Millis,
) -> Result<Items<SelectionItem>> {
    let viewer = sessions::viewer(conn, who, session, now).await?;
    let (low, high) = viewer.sees();
    let query = concat!(
        "SELECT ",
        public_columns!(),
        ", l.list, l.count, l.at FROM (
             SELECT k.user_key, k.list, count(*) AS count, max(k.at) AS at
             FROM photo_marks k JOIN photos p ON p.photo_key = k.photo_key
             WHERE k.room_key = $1 AND ($2 = 1 OR k.user_key = $3)
               AND p.state >= $4 AND p.state <= $5
             GROUP BY k.user_key, k.list) l
         JOIN users u ON u.user_key = l.user_key
         ORDER BY l.at DESC, l.user_key, l.list LIMIT $6"
    );
    let all = viewer.role.is_staff();
    let room = viewer.session.room.key;
    let rows = conn.all(query, args![room, all, who.user.key, low, high, SELECTIONS_MAX]).await?;
    let item = |row: &Row| {
        Ok(SelectionItem {
            user: public_from(row, 0)?,
            list: row.text(5)?,
            count: row.number(6)?,
            at: row.int(7)?,
        })
    };
    Ok(Items { items: rows.iter().map(item).collect::<Result<_>>()?, cursor: None })
}

/// A line of an export.
struct Line {
    photo: PhotoId,
    name: String,
    title: String,
    taken_at: Option<Millis>,
    likes: u64,
}

pub(super) async fn export(
    conn: &mut Conn<'_>,
    who: Visitor,
    export: PhotoSelectionExport,
    now: Millis,
) -> Result<Export> {
    let viewer = sessions::viewer(conn, who, export.session, now).await?;
    let whose: UserId = export.user.unwrap_or(who.user.id);
    if whose != who.user.id && !viewer.role.is_staff() {
        return Err(not_allowed().into());
    }
    let list = export.list.unwrap_or_else(|| FAVOURITES.into());
    let (low, high) = viewer.sees();
    let query = "SELECT p.id, p.name, COALESCE(p.title, ''), p.taken_at, p.likes
                 FROM photo_marks k JOIN photos p ON p.photo_key = k.photo_key
                 JOIN users u ON u.user_key = k.user_key
                 WHERE k.room_key = $1 AND u.id = $2 AND k.list = $3
                   AND p.state >= $4 AND p.state <= $5
                 ORDER BY p.unpinned, p.sort, p.id";
    let params: Vec<Arg> =
        args![viewer.session.room.key, whose.as_bytes(), list.as_str(), low, high];
    let rows = conn.all(query, params).await?;
    let line = |row: &Row| {
        Ok(Line {
            photo: PhotoId::from_bytes(row.id(0)?),
            name: row.text(1)?,
            title: row.text(2)?,
            taken_at: row.opt_int(3)?,
            likes: row.number(4)?,
        })
    };
    let lines: Vec<Line> = rows.iter().map(line).collect::<Result<_>>()?;
    let ending = if export.format == ExportFormat::Csv { "csv" } else { "txt" };
    Ok(Export {
        text: written(export.format, &lines),
        name: file_name(&format!("{} - {list}", viewer.session.title), ending),
        count: lines.len() as u64,
    })
}

fn written(format: ExportFormat, lines: &[Line]) -> String {
    // The camera's raw file has another ending than the picture that was uploaded.
    let stem = |line: &Line| match line.name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => line.name.clone(),
    };
    let joined = |between| lines.iter().map(stem).collect::<Vec<_>>().join(between);
    match format {
        ExportFormat::Lightroom => joined(", "),
        ExportFormat::Finder => joined(" OR "),
        ExportFormat::CaptureOne => joined(" "),
        ExportFormat::Csv => {
            let mut text = "photo,name,title,taken_at,likes\r\n".to_owned();
            for line in lines {
                let taken_at = line.taken_at.map(|at| at.to_string()).unwrap_or_default();
                let (name, title) = (cell(&line.name), cell(&line.title));
                text += &format!("{},{name},{title},{taken_at},{}\r\n", line.photo, line.likes);
            }
            text
        }
    }
}

/// A cell by RFC 4180. What a spreadsheet would take for a formula gets an apostrophe, see
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A name that every file system takes.
fn file_name(name: &str, ending: &str) -> String {
    let fits = |letter: char| {
        if letter.is_control() || r#"/\:*?"<>|"#.contains(letter) { '_' } else { letter }
    };
    format!("{}.{ending}", name.chars().map(fits).collect::<String>())
}

/// Whether he may download this.
pub(super) fn may_download(viewer: &Viewer, original: bool) -> bool {
    let needed = if original { Download::Original } else { Download::Preview };
    viewer.permissions.download >= needed
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn lists_are_written_for_each_program() {
        let line = |name: &str, title: &str| Line {
            photo: PhotoId::new(Uuid::nil()),
            name: name.into(),
            title: title.into(),
            taken_at: Some(7),
            likes: 2,
        };
        let lines = [line("DSC_1.JPG", "=1+1"), line(".x", "a \"b\", c")];
        assert_eq!(written(ExportFormat::Lightroom, &lines), "DSC_1, .x");
        assert_eq!(written(ExportFormat::Finder, &lines), "DSC_1 OR .x");
        assert_eq!(written(ExportFormat::CaptureOne, &lines), "DSC_1 .x");
        let nil = Uuid::nil();
        let expected = format!(
            "photo,name,title,taken_at,likes\r\n{nil},DSC_1.JPG,'=1+1,7,2\r\n\
             {nil},.x,\"a \"\"b\"\", c\",7,2\r\n"
        );
        assert_eq!(written(ExportFormat::Csv, &lines), expected);
        assert_eq!(file_name("a/b: \"c\"", "csv"), "a_b_ _c_.csv");
    }
}
