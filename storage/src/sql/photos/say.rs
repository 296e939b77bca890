//! What is said in a session, about a photo or not, also by those who are no members.

use std::collections::HashMap;

use salon_protocol::content::{Content, Mention, Role};
use salon_protocol::reply::History;
use salon_protocol::{
    Cid, ErrorCode, ErrorData, Event, EventData, LogId, Millis, PhotoId, Seq, UserId, limits,
    request,
};

use super::changes::Actor;
use super::rows::missing;
use super::sessions;
use crate::error::Result;
use crate::model::{Committed, Visitor};
use crate::sql::conn::{Conn, args, blob_list, sql};
use crate::sql::event_row::{self, EventRow};
use crate::sql::log::{self, Scene, content_hash, may_write, rank};
use crate::sql::tx::{Head, Key, Tx};

pub(super) async fn say(
    tx: &mut Tx,
    actor: &Actor,
    cid: Cid,
    mut content: Content,
) -> Result<Committed> {
    actor.may_comment()?;
    let scene = &actor.scene;
    let body = event_row::to_json(&content);
    // The same as of a message that comes by the other way.
    let hash = content_hash(&[scene.room.id.as_bytes(), body.as_bytes()]);
    let key = Key { cid, hash };
    if let Some(earlier) = log::repeated(tx, scene.by, key).await? {
        return Ok(earlier);
    }
    may_write(tx.now, false, actor.viewer.muted_until)?;
    let photo = match content.photo {
        Some(photo) => Some(commented(tx, actor, photo).await?),
        None => None,
    };
    if content.reply_to.is_some_and(|seq| seq == 0 || seq > actor.head.seq) {
        let text = "there is no message to reply to";
        return Err(ErrorData::new(ErrorCode::NotFound, text).into());
    }
    keep_mentions(tx, actor, &mut content).await?;
    let head = Head { seq: actor.head.seq + 1, at: tx.now.max(actor.head.at) };
    let body = event_row::to_json(&content);
    let row = EventRow::message(scene.room.key, head, scene.by.key, key, body);
    let event_key = row.key;
    tx.insert(&[row], &HashMap::from([(scene.room.key, head)])).await?;
    tx.texts_changed.insert(scene.room.key);
    if let Some(photo_key) = photo {
        tx.execute(
            "INSERT INTO photo_comments (photo_key, event_key) VALUES ($1, $2)",
            args![photo_key, event_key],
        )
        .await?;
        let count = "UPDATE photos SET comments = comments + 1 WHERE photo_key = $1";
        tx.execute(count, args![photo_key]).await?;
    }
    let message = event_row::new_message(scene.by.id, cid, content, None);
    let data = EventData::NewMessage(message);
    let room = LogId::Room(scene.room.id);
    Ok(Scene::done(Event { room, seq: head.seq, at: head.at, data }))
}

/// The photo that somebody comments. All who follow the session hear it, so all have to see the photo.
async fn commented(tx: &mut Tx, actor: &Actor, photo: PhotoId) -> Result<i64> {
    let (low, high) = (super::LIVE, super::LIVE);
    let row = tx
        .first(
            "SELECT photo_key FROM photos
             WHERE id = $1 AND room_key = $2 AND state >= $3 AND state <= $4",
            args![photo.as_bytes(), actor.scene.room.key, low, high],
        )
        .await?;
    row.ok_or_else(missing)?.int(0)
}

/// Only members can be named, and all only by who may.
async fn keep_mentions(tx: &mut Tx, actor: &Actor, content: &mut Content) -> Result<()> {
    if content.mentions.is_empty() {
        return Ok(());
    }
    let may_all = actor.viewer.is_member && actor.scene.rank >= rank(Role::Admin);
    if content.mentions.contains(&Mention::All) && !may_all {
        let text = "only admins may mention all";
        return Err(ErrorData::new(ErrorCode::Forbidden, text).into());
    }
    let users: Vec<UserId> = content
        .mentions
        .iter()
        .filter_map(|mention| match mention {
            Mention::User(user) => Some(*user),
            Mention::All => None,
        })
        .collect();
    let query = sql!(
        "SELECT u.id FROM users u JOIN members m ON m.user_key = u.user_key
         WHERE m.role >= 0 AND m.room_key = $2 AND u.id IN " [blobs "$1"]
    );
    let list = blob_list(users.iter().map(UserId::as_bytes));
    let rows = tx.all(query, vec![list, actor.scene.room.key.into()]).await?;
    let members: Vec<UserId> =
        rows.iter().map(|row| Ok(UserId::from_bytes(row.id(0)?))).collect::<Result<_>>()?;
    content.mentions.retain(|mention| match mention {
        Mention::User(user) => members.contains(user),
        Mention::All => true,
    });
    Ok(())
}

/// A comment was recalled.
pub(crate) async fn forget_comment(tx: &mut Tx, photo: PhotoId, event_key: i64) -> Result<()> {
    let query = "DELETE FROM photo_comments WHERE event_key = $2
                 AND photo_key = (SELECT photo_key FROM photos WHERE id = $1)";
    if tx.execute(query, args![photo.as_bytes(), event_key]).await? > 0 {
        let count = "UPDATE photos SET comments = comments - 1 WHERE id = $1";
        tx.execute(count, args![photo.as_bytes()]).await?;
    }
    Ok(())
}

pub(super) async fn comments(
    conn: &mut Conn<'_>,
    who: Visitor,
    page: request::PhotoComments,
    now: Millis,
) -> Result<History> {
    let viewer = sessions::viewer(conn, who, page.session, now).await?;
    let (low, high) = viewer.sees();
    let room = viewer.session.room.key;
    let query = "SELECT photo_key FROM photos
                 WHERE id = $1 AND room_key = $2 AND state >= $3 AND state <= $4";
    let row = conn.first(query, args![page.photo.as_bytes(), room, low, high]).await?;
    let photo_key = row.ok_or_else(missing)?.int(0)?;
    let limit = page.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    const SEQ_MAX: Seq = u32::MAX as Seq;
    let before = page.before.filter(|before| *before <= SEQ_MAX);
    let before = before.map_or(i64::MAX, |before| event_row::key(room, before));
    let rows = conn
        .all(
            "SELECT event_key FROM photo_comments WHERE photo_key = $1 AND event_key < $2
             ORDER BY event_key DESC LIMIT $3",
            args![photo_key, before, limit + 1],
        )
        .await?;
    let more = rows.len() > limit;
    let keys: Vec<i64> = rows.iter().take(limit).map(|row| row.int(0)).collect::<Result<_>>()?;
    let log = LogId::Room(viewer.session.room.id);
    Ok(History { events: log::events_at(conn, who.user, log, keys).await?, more })
}
