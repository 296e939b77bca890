//! Recall, edit and reaction; and the way to the changes of membership.

use salon_protocol::content::{MessageKind, Role};
use salon_protocol::event::{Edited, MessageEdited, MessageRecalled, Reaction};
use salon_protocol::{
    Cid, ErrorCode, ErrorData, Event, EventData, LogId, Millis, Seq, UserId, limits,
};

use super::membership;
use super::send::{cid_taken, content_hash, may_write, rank};
use crate::error::Result;
use crate::model::{Change, Committed, Pass, RoomRef, UserRef};
use crate::sql::conn::args;
use crate::sql::event_row::{self, MESSAGE, StoredMessage, TOMBSTONE, Tombstone};
use crate::sql::photos;
use crate::sql::rooms::{GROUP, PHOTO_SESSION};
use crate::sql::tx::{Key, Tx};

/// The room and the one who wants something of it, as they are in this transaction.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) room: RoomRef,
    pub(crate) by: UserRef,
    pub(super) is_group: bool,
    is_session: bool,
    pub(crate) name: Option<String>,
    pub(crate) members: u64,
    pub(super) link: Option<String>,
    /// -1: no member.
    pub(crate) rank: i64,
    pub(super) changed_seq: Seq,
    first_seq: Seq,
    muted_until: Millis,
    barred: bool,
}

/// Applies anything but a message.
pub(crate) async fn apply(
    tx: &mut Tx,
    room: RoomRef,
    by: UserRef,
    pass: Option<Pass>,
    change: Change,
) -> Result<Committed> {
    // In PostgreSQL this locks the room, and what is read below stays true.
    let head = tx.head(room.key).await?;
    tx.settle(room.key).await?;
    let scene = scene(tx, room, by).await?;
    if scene.is_session {
        return photos::apply(tx, scene, head, pass, change).await;
    }
    if let Change::Join { link } = change {
        return membership::join(tx, &scene, link).await;
    }
    if scene.rank < 0 {
        return Err(ErrorData::forbidden_room().into());
    }
    match change {
        Change::Recall { .. } | Change::Edit { .. } | Change::React { .. } => {
            message(tx, &scene, change).await
        }
        change => {
            if !scene.is_group || matches!(change, Change::Photos(_)) {
                let text = "a room of this kind has no such thing";
                return Err(ErrorData::new(ErrorCode::Forbidden, text).into());
            }
            membership::apply(tx, &scene, head, change).await
        }
    }
}

/// Changes a message.
pub(crate) async fn message(tx: &mut Tx, scene: &Scene, change: Change) -> Result<Committed> {
    match change {
        Change::Recall { seq } => recall(tx, scene, seq).await,
        Change::Edit { seq, cid, text } => edit(tx, scene, seq, cid, text).await,
        Change::React { seq, emoji, on } => react(tx, scene, seq, emoji, on).await,
        _ => unreachable!("changes no message"),
    }
}

async fn scene(tx: &mut Tx, room: RoomRef, by: UserRef) -> Result<Scene> {
    let row = tx
        .first(
            "SELECT r.kind, r.name, r.members, r.link, r.history,
                    COALESCE(m.role, -1), COALESCE(m.changed_seq, 0), COALESCE(m.joined_seq, 0),
                    COALESCE(m.muted_until, 0), COALESCE(m.barred, 0)
             FROM rooms r LEFT JOIN members m ON m.room_key = r.room_key AND m.user_key = $2
             WHERE r.room_key = $1 AND r.closed_at IS NULL",
            args![room.key, by.key],
        )
        .await?
        .ok_or_else(ErrorData::forbidden_room)?;
    let all_history = row.flag(4)?;
    Ok(Scene {
        room,
        by,
        is_group: row.int(0)? == GROUP,
        is_session: row.int(0)? == PHOTO_SESSION,
        name: row.opt_text(1)?,
        members: row.number(2)?,
        link: row.opt_text(3)?,
        rank: row.int(5)?,
        changed_seq: row.number(6)?,
        first_seq: if all_history { 1 } else { row.number(7)? },
        muted_until: row.int(8)?,
        barred: row.flag(9)?,
    })
}

impl Scene {
    /// Refuses whoever has not at least this role.
    pub(super) fn needs(&self, role: Role) -> std::result::Result<(), ErrorData> {
        if self.rank >= rank(role) {
            return Ok(());
        }
        Err(ErrorData::new(ErrorCode::Forbidden, "your role in this room does not allow it"))
    }

    /// The answer when everything is so already: the event that made it so.
    pub(crate) fn already(seq: Seq) -> Committed {
        Committed { seq, ..Committed::default() }
    }

    /// Appends an event to the room.
    pub(crate) async fn append(&self, tx: &mut Tx, data: EventData) -> Result<Event> {
        tx.append_to_room(self.room, self.by.key, data).await
    }

    /// The answer with one event.
    pub(crate) fn done(event: Event) -> Committed {
        Committed { seq: event.seq, at: event.at, events: vec![event], ..Committed::default() }
    }
}

/// A message in the log.
struct Target {
    key: i64,
    kind: i64,
    sender: i64,
    at: Millis,
    body: String,
}

async fn target(tx: &mut Tx, scene: &Scene, seq: Seq) -> Result<Target> {
    let missing = || ErrorData::new(ErrorCode::NotFound, "there is no such message");
    if seq < scene.first_seq || seq > u64::from(u32::MAX) {
        return Err(missing().into());
    }
    let key = event_row::key(scene.room.key, seq);
    let row = tx
        .first("SELECT kind, sender_key, at, body FROM events WHERE event_key = $1", args![key])
        .await?
        .ok_or_else(missing)?;
    let kind = row.int(0)?;
    if kind != MESSAGE && kind != TOMBSTONE {
        return Err(missing().into());
    }
    Ok(Target { key, kind, sender: row.int(1)?, at: row.int(2)?, body: row.text(3)? })
}

/// One transaction replaces the content by a tombstone and tells the room. The search index
/// follows by itself; a hit is checked against the log.
async fn recall(tx: &mut Tx, scene: &Scene, seq: Seq) -> Result<Committed> {
    let target = target(tx, scene, seq).await?;
    let own = target.sender == scene.by.key.0;
    if target.kind == TOMBSTONE {
        if !own {
            scene.needs(Role::Admin)?;
        }
        return Ok(Scene::already(event_row::from_json::<Tombstone>(&target.body)?.recall));
    }
    if scene.rank < rank(Role::Admin) {
        if !own {
            let text = "only its sender and admins can recall a message";
            return Err(ErrorData::new(ErrorCode::Forbidden, text).into());
        }
        let window_ms = tx.rules.recall_window_ms;
        if tx.now - target.at > window_ms + limits::RECALL_FLIGHT_MS {
            let error = ErrorData::new(ErrorCode::Gone, "the time to recall it is over");
            return Err(error.with_details(serde_json::json!({ "window_ms": window_ms })).into());
        }
    }
    let data = EventData::MessageRecalled(MessageRecalled { target: seq, by: scene.by.id });
    let event = scene.append(tx, data).await?;
    let StoredMessage { kind, photo, .. } = event_row::from_json(&target.body)?;
    let tombstone = event_row::to_json(&Tombstone { kind, recall: event.seq });
    tx.execute(
        "UPDATE events SET kind = $2, body = $3 WHERE event_key = $1",
        args![target.key, TOMBSTONE, tombstone],
    )
    .await?;
    tx.execute("DELETE FROM reactions WHERE event_key = $1", args![target.key]).await?;
    if let Some(photo) = photo {
        photos::forget_comment(tx, photo, target.key).await?;
    }
    tx.texts_changed.insert(scene.room.key);
    Ok(Scene::done(event))
}

async fn edit(
    tx: &mut Tx,
    scene: &Scene,
    seq: Seq,
    cid: Option<Cid>,
    text: String,
) -> Result<Committed> {
    let hash = content_hash(&[
        scene.room.id.as_bytes(),
        b"message_edit",
        &seq.to_le_bytes(),
        text.as_bytes(),
    ]);
    let key = cid.map(|cid| Key { cid, hash });
    if let Some(key) = key
        && let Some(earlier) = repeated(tx, scene.by, key).await?
    {
        return Ok(earlier);
    }
    let target = target(tx, scene, seq).await?;
    if target.sender != scene.by.key.0 {
        let text = "only its sender can edit a message";
        return Err(ErrorData::new(ErrorCode::Forbidden, text).into());
    }
    if target.kind == TOMBSTONE {
        return Err(ErrorData::new(ErrorCode::Conflict, "the message was recalled").into());
    }
    may_write(tx.now, scene.barred, scene.muted_until)?;
    if tx.now - target.at > limits::EDIT_WINDOW_MS {
        let error = ErrorData::new(ErrorCode::Gone, "the time to edit it is over");
        let details = serde_json::json!({ "window_ms": limits::EDIT_WINDOW_MS });
        return Err(error.with_details(details).into());
    }
    let mut message: StoredMessage = event_row::from_json(&target.body)?;
    if message.kind != MessageKind::Text {
        return Err(ErrorData::field("seq", "only text messages can be edited").into());
    }
    let version = message.edited.map_or(1, |edited| edited.version + 1);
    let data = EventData::MessageEdited(MessageEdited {
        target: seq,
        by: scene.by.id,
        text: Some(text.clone()),
        version,
    });
    let log = (scene.room.key, LogId::Room(scene.room.id));
    let event = tx.append(log, scene.by.key, key, data).await?;
    message.text = Some(text);
    message.edited = Some(Edited { at: event.at, version });
    tx.execute(
        "UPDATE events SET body = $2 WHERE event_key = $1",
        args![target.key, event_row::to_json(&message)],
    )
    .await?;
    tx.texts_changed.insert(scene.room.key);
    Ok(Scene::done(event))
}

/// The first answer, when the `cid` was used already.
pub(crate) async fn repeated(tx: &mut Tx, by: UserRef, key: Key) -> Result<Option<Committed>> {
    let request = (by.key, key.cid);
    let Some(used) = tx.used(&[request]).await?.remove(&request) else { return Ok(None) };
    if used.hash != key.hash {
        return Err(cid_taken().into());
    }
    Ok(Some(Committed {
        seq: event_row::seq_of(used.key),
        at: used.at,
        duplicate: true,
        ..Committed::default()
    }))
}

async fn react(tx: &mut Tx, scene: &Scene, seq: Seq, emoji: String, on: bool) -> Result<Committed> {
    let target = target(tx, scene, seq).await?;
    if target.kind == TOMBSTONE {
        return Err(ErrorData::new(ErrorCode::Conflict, "the message was recalled").into());
    }
    if scene.barred {
        may_write(tx.now, true, 0)?;
    }
    let mine = tx
        .first(
            "SELECT active, seq FROM reactions
             WHERE event_key = $1 AND user_key = $2 AND emoji = $3",
            args![target.key, scene.by.key, emoji.as_str()],
        )
        .await?;
    match &mine {
        Some(row) if row.flag(0)? == on => return Ok(Scene::already(row.number(1)?)),
        None if !on => {
            return Err(ErrorData::new(ErrorCode::NotFound, "there is no such reaction").into());
        }
        _ => {}
    }
    if on {
        room_for_emoji(tx, target.key, &emoji).await?;
    }
    let user: UserId = scene.by.id;
    let data = EventData::Reaction(Reaction { target: seq, user, emoji: emoji.clone(), on });
    let event = scene.append(tx, data).await?;
    tx.execute(
        "INSERT INTO reactions (event_key, user_key, emoji, seq, active)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (event_key, user_key, emoji)
         DO UPDATE SET seq = excluded.seq, active = excluded.active",
        args![target.key, scene.by.key, emoji, event.seq, on],
    )
    .await?;
    Ok(Scene::done(event))
}

async fn room_for_emoji(tx: &mut Tx, key: i64, emoji: &str) -> Result<()> {
    let row = tx
        .one(
            "SELECT count(DISTINCT emoji) FROM reactions
             WHERE event_key = $1 AND active = 1 AND emoji <> $2",
            args![key, emoji],
        )
        .await?;
    if row.number(0)? >= limits::REACTION_KINDS_MAX as u64 {
        let text = "there are too many different reactions on this message";
        return Err(ErrorData::new(ErrorCode::LimitReached, text).into());
    }
    Ok(())
}
