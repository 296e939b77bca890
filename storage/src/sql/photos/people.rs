//! Members of a session.

use salon_protocol::content::{Role, RoomKind};
use salon_protocol::event::{MemberAction, MemberChanged, RemovalReason, RoomJoined};
use salon_protocol::ids::INTEGER_MAX;
use salon_protocol::photo::{PermissionsByRole, PhotoRole};
use salon_protocol::{ErrorCode, ErrorData, EventData, Millis, Seq, UserId, limits};
use serde_json::json;

use super::changes::{Actor, lower};
use super::sessions::{role_from, role_number};
use crate::error::Result;
use crate::model::{Change, Committed, RoomKey, UserRef};
use crate::sql::accounts::{users_by_id, users_json};
use crate::sql::conn::args;
use crate::sql::friends::{blocked_among, friends_among};
use crate::sql::log::{self, Scene, rank};
use crate::sql::rooms::check_room_counts;
use crate::sql::tx::Tx;

/// Clients of a session in which they may not comment are muted until then: so the way of messages, which
/// knows nothing of sessions, keeps the rule.
const ALWAYS: Millis = INTEGER_MAX.cast_signed();

/// What a member may do in the room.
const fn room_role(role: PhotoRole) -> Role {
    match role {
        PhotoRole::Owner => Role::Owner,
        PhotoRole::Editor => Role::Admin,
        PhotoRole::Photographer | PhotoRole::Client | PhotoRole::Guest => Role::Member,
    }
}

/// Somebody goes, or is put out.
pub(super) async fn remove(tx: &mut Tx, actor: &Actor, change: Change) -> Result<Committed> {
    if !actor.viewer.is_member {
        return Err(ErrorData::forbidden_room().into());
    }
    if actor.viewer.role == PhotoRole::Owner && change == Change::Leave {
        let text = "the owner deletes the session, and does not leave it";
        return Err(ErrorData::new(ErrorCode::Conflict, text).into());
    }
    let done = log::apply_to_members(tx, &actor.scene, actor.head, change).await?;
    if !done.events.is_empty() {
        lower(tx, &actor.scene).await?;
    }
    Ok(done)
}

pub(super) async fn mute(
    tx: &mut Tx,
    actor: &Actor,
    user: UserId,
    until: Millis,
) -> Result<Committed> {
    let silenced = !actor.viewer.session.permissions.client.comment;
    if silenced
        && let Some(other) = find(tx, actor.scene.room.key, user).await?
        && other.role == Some(PhotoRole::Client)
    {
        let text = "clients may not write in this session";
        return Err(ErrorData::new(ErrorCode::Conflict, text).into());
    }
    let change = Change::Mute { user, until };
    log::apply_to_members(tx, &actor.scene, actor.head, change).await
}

/// Somebody who is or was a member.
struct Other {
    user: UserRef,
    /// `None`: no longer.
    role: Option<PhotoRole>,
    changed_seq: Seq,
}

async fn find(tx: &mut Tx, room: RoomKey, user: UserId) -> Result<Option<Other>> {
    let row = tx
        .first(
            "SELECT u.user_key, m.role, m.photo_role, m.changed_seq
             FROM users u JOIN members m ON m.user_key = u.user_key
             WHERE u.id = $2 AND m.room_key = $1",
            args![room, user.as_bytes()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let role = if row.int(1)? >= 0 { Some(role_from(row.int(2)?)?) } else { None };
    let user = UserRef { key: crate::model::UserKey(row.int(0)?), id: user };
    Ok(Some(Other { user, role, changed_seq: row.number(3)? }))
}

/// Gives a role, or takes it.
pub(super) async fn member(
    tx: &mut Tx,
    actor: &Actor,
    user: UserId,
    role: Option<PhotoRole>,
) -> Result<Committed> {
    actor.needs(PhotoRole::Owner)?;
    if user == actor.viewer.session.owner.id {
        return Err(ErrorData::field("user", "is the owner").into());
    }
    if matches!(role, Some(PhotoRole::Owner | PhotoRole::Guest)) {
        let reason = "expected client, photographer or editor";
        return Err(ErrorData::field("role", reason).into());
    }
    let other = find(tx, actor.scene.room.key, user).await?;
    match (other, role) {
        (None, None) => {
            let text = "he is not a member of this session";
            Err(ErrorData::new(ErrorCode::NotFound, text).into())
        }
        (Some(Other { role: None, changed_seq, .. }), None) => Ok(Scene::already(changed_seq)),
        (Some(other), None) => {
            let (action, reason) = (MemberAction::Kicked, RemovalReason::Kicked);
            let done = log::dismiss(tx, &actor.scene, other.user, action, reason).await?;
            lower(tx, &actor.scene).await?;
            Ok(done)
        }
        (Some(Other { role: Some(before), changed_seq, .. }), Some(role)) if before == role => {
            Ok(Scene::already(changed_seq))
        }
        (Some(other @ Other { role: Some(_), .. }), Some(role)) => {
            change_role(tx, actor, &other, role).await
        }
        (_, Some(role)) => admit(tx, actor, user, role).await,
    }
}

fn changed(actor: &Actor, user: UserId, action: MemberAction, role: PhotoRole) -> EventData {
    let room_role = room_role(role);
    let shown = action == MemberAction::Role || room_role > Role::Member;
    EventData::MemberChanged(MemberChanged {
        user,
        action,
        by: actor.scene.by.id,
        role: shown.then_some(room_role),
        until: None,
        photo_role: Some(role),
    })
}

async fn change_role(
    tx: &mut Tx,
    actor: &Actor,
    other: &Other,
    role: PhotoRole,
) -> Result<Committed> {
    let (room, user) = (actor.scene.room.key, other.user);
    let event = actor.scene.append(tx, changed(actor, user.id, MemberAction::Role, role)).await?;
    tx.execute(
        "UPDATE members SET role = $3, photo_role = $4, changed_seq = $5
         WHERE room_key = $1 AND user_key = $2",
        args![room, user.key, rank(room_role(role)), role_number(role), event.seq],
    )
    .await?;
    silence_clients(tx, room, &actor.viewer.session.permissions).await?;
    if Some(role) < other.role {
        lower(tx, &actor.scene).await?;
    }
    Ok(Scene::done(event))
}

async fn admit(tx: &mut Tx, actor: &Actor, user: UserId, role: PhotoRole) -> Result<Committed> {
    let (scene, room) = (&actor.scene, actor.scene.room.key);
    let users = users_by_id(tx, &[user]).await?;
    let strangers = if tx.rules.open_membership {
        blocked_among(tx, scene.by, &users).await?
    } else {
        let friends = friends_among(tx, scene.by, &users).await?;
        users.iter().copied().filter(|user| !friends.contains(user)).collect()
    };
    if !strangers.is_empty() {
        let error = ErrorData::new(ErrorCode::Forbidden, "some users cannot be invited");
        return Err(error.with_details(json!({ "users": users_json(&strangers) })).into());
    }
    if scene.members >= limits::SESSION_MEMBERS_MAX {
        return Err(ErrorData::new(ErrorCode::LimitReached, "the session is full").into());
    }
    check_room_counts(tx, &users).await?;
    let event = scene.append(tx, changed(actor, user, MemberAction::Joined, role)).await?;
    for user in &users {
        tx.execute(
            "INSERT INTO members (room_key, user_key, role, photo_role, joined_seq, changed_seq,
                                  read, delivered)
             VALUES ($1, $2, $3, $4, $5, $5, $5, $5)
             ON CONFLICT (room_key, user_key) DO UPDATE SET
                 role = $3, photo_role = $4, joined_seq = $5, changed_seq = $5, read = $5,
                 delivered = $5, hidden_seq = 0",
            args![room, user.key, rank(room_role(role)), role_number(role), event.seq],
        )
        .await?;
    }
    tx.execute("UPDATE rooms SET members = members + 1 WHERE room_key = $1", args![room]).await?;
    silence_clients(tx, room, &actor.viewer.session.permissions).await?;
    let told = EventData::RoomJoined(RoomJoined {
        room: scene.room.id,
        kind: RoomKind::PhotoSession,
        name: scene.name.clone(),
        by: scene.by.id,
    });
    let inbox = tx.tell(&users, scene.by.key, &told).await?;
    Ok(Committed { inbox, ..Scene::done(event) })
}

/// See [`ALWAYS`]. A mute that a client had before is forgotten with it.
pub(super) async fn silence_clients(
    tx: &mut Tx,
    room: RoomKey,
    permissions: &PermissionsByRole,
) -> Result<()> {
    let silent = !permissions.client.comment;
    tx.execute(
        "UPDATE members SET muted_until = CASE WHEN photo_role = 1 AND $3 = 1 THEN $2 ELSE 0 END
         WHERE room_key = $1
           AND ((photo_role = 1 AND $3 = 1 AND muted_until <> $2)
                OR ((photo_role <> 1 OR $3 = 0) AND muted_until = $2))",
        args![room, ALWAYS, silent],
    )
    .await?;
    Ok(())
}
