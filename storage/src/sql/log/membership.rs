//! Who comes and goes, who may do what, and what the room is called.

use salon_protocol::content::{Role, RoomKind};
use salon_protocol::event::{
    MemberAction, MemberChanged, RemovalReason, RoomInvited, RoomJoined, RoomRemoved, RoomUpdated,
};
use salon_protocol::{ErrorCode, ErrorData, EventData, Millis, Seq, UserId, limits};
use serde_json::json;

use super::change::Scene;
use super::send::rank;
use crate::error::Result;
use crate::model::{Change, Committed, UserRef};
use crate::sql::accounts::{users_by_id, users_json};
use crate::sql::conn::args;
use crate::sql::friends::{blocked_among, friends_among};
use crate::sql::rooms::role_from;
use crate::sql::tx::{Head, Tx};

/// Applies a change that only groups know.
pub(crate) async fn apply(
    tx: &mut Tx,
    scene: &Scene,
    head: Head,
    change: Change,
) -> Result<Committed> {
    match change {
        Change::Leave => leave(tx, scene).await,
        Change::Invite { users } => invite(tx, scene, head, users).await,
        Change::Kick { user } => kick(tx, scene, user).await,
        Change::SetRole { user, role } => set_role(tx, scene, user, role).await,
        Change::Mute { user, until } => mute(tx, scene, user, until).await,
        Change::Update { name, announcement, slow_mode_ms } => {
            update(tx, scene, head, name, announcement, slow_mode_ms).await
        }
        Change::Link { link } => set_link(tx, scene, head, link).await,
        Change::Send { .. }
        | Change::Recall { .. }
        | Change::Edit { .. }
        | Change::React { .. }
        | Change::Photos(_)
        | Change::Join { .. } => unreachable!("handled before"),
    }
}

/// Another member of the room.
struct Other {
    user: UserRef,
    rank: i64,
    changed_seq: Seq,
    muted_until: Millis,
}

async fn other(tx: &mut Tx, scene: &Scene, user: UserId) -> Result<Other> {
    if user == scene.by.id {
        return Err(ErrorData::field("user", "is yourself").into());
    }
    let row = tx
        .first(
            "SELECT u.user_key, m.role, m.changed_seq, m.muted_until
             FROM users u JOIN members m ON m.user_key = u.user_key
             WHERE u.id = $2 AND m.room_key = $1",
            args![scene.room.key, user.as_bytes()],
        )
        .await?
        .ok_or_else(not_a_member)?;
    Ok(Other {
        user: UserRef { key: crate::model::UserKey(row.int(0)?), id: user },
        rank: row.int(1)?,
        changed_seq: row.number(2)?,
        muted_until: row.int(3)?,
    })
}

fn not_a_member() -> ErrorData {
    ErrorData::new(ErrorCode::NotFound, "he is not a member of this room")
}

/// Refuses whoever does not stand above the other.
fn above(scene: &Scene, other: &Other) -> std::result::Result<(), ErrorData> {
    scene.needs(Role::Admin)?;
    if scene.rank > other.rank {
        return Ok(());
    }
    Err(ErrorData::new(ErrorCode::Forbidden, "his role in this room does not allow it"))
}

fn changed(scene: &Scene, user: UserId, action: MemberAction) -> MemberChanged {
    MemberChanged { user, action, by: scene.by.id, role: None, until: None, photo_role: None }
}

pub(super) async fn join(tx: &mut Tx, scene: &Scene, link: Option<String>) -> Result<Committed> {
    if scene.rank >= 0 {
        return Ok(Scene::already(scene.changed_seq));
    }
    let allowed = match &link {
        Some(link) => scene.link.as_ref() == Some(link),
        None => {
            let query = "SELECT 1 FROM invitations WHERE room_key = $1 AND user_key = $2";
            tx.first(query, args![scene.room.key, scene.by.key]).await?.is_some()
        }
    };
    if !allowed || !scene.is_group {
        return Err(ErrorData::forbidden_room().into());
    }
    admit(tx, scene, &[scene.by]).await
}

/// Makes users members, one event each, and tells them. Who comes again is still muted.
async fn admit(tx: &mut Tx, scene: &Scene, users: &[UserRef]) -> Result<Committed> {
    if scene.members + users.len() as u64 > limits::ROOM_MEMBERS_MAX {
        return Err(ErrorData::new(ErrorCode::LimitReached, "the room is full").into());
    }
    crate::sql::rooms::check_room_counts(tx, users).await?;
    let mut done = Committed::default();
    for user in users {
        let data = EventData::MemberChanged(changed(scene, user.id, MemberAction::Joined));
        let event = scene.append(tx, data).await?;
        tx.execute(
            "INSERT INTO members (room_key, user_key, role, joined_seq, changed_seq, read,
                                  delivered)
             VALUES ($1, $2, 0, $3, $3, $3, $3)
             ON CONFLICT (room_key, user_key) DO UPDATE SET
                 role = 0, joined_seq = $3, changed_seq = $3, read = $3, delivered = $3,
                 hidden_seq = 0",
            args![scene.room.key, user.key, event.seq],
        )
        .await?;
        // Whichever way he came: an invitation that is left over would let him in after a kick.
        tx.execute(
            "DELETE FROM invitations WHERE room_key = $1 AND user_key = $2",
            args![scene.room.key, user.key],
        )
        .await?;
        (done.seq, done.at) = (event.seq, event.at);
        done.events.push(event);
    }
    tx.execute(
        "UPDATE rooms SET members = members + $2 WHERE room_key = $1",
        args![scene.room.key, users.len()],
    )
    .await?;
    let told = EventData::RoomJoined(RoomJoined {
        room: scene.room.id,
        kind: RoomKind::Group,
        name: scene.name.clone(),
        by: scene.by.id,
    });
    done.inbox = tx.tell(users, scene.by.key, &told).await?;
    Ok(done)
}

/// Ends a membership and tells the one whose it was.
pub(crate) async fn dismiss(
    tx: &mut Tx,
    scene: &Scene,
    user: UserRef,
    action: MemberAction,
    reason: RemovalReason,
) -> Result<Committed> {
    let data = EventData::MemberChanged(changed(scene, user.id, action));
    let event = scene.append(tx, data).await?;
    tx.execute(
        "UPDATE members SET role = -1, photo_role = 0, changed_seq = $3
         WHERE room_key = $1 AND user_key = $2",
        args![scene.room.key, user.key, event.seq],
    )
    .await?;
    tx.execute("UPDATE rooms SET members = members - 1 WHERE room_key = $1", args![scene.room.key])
        .await?;
    let removed = RoomRemoved { room: scene.room.id, reason, by: scene.by.id };
    let told = EventData::RoomRemoved(removed);
    let inbox = tx.tell(&[user], scene.by.key, &told).await?;
    Ok(Committed { inbox, ..Scene::done(event) })
}

async fn leave(tx: &mut Tx, scene: &Scene) -> Result<Committed> {
    let alone = scene.members == 1;
    if scene.rank == rank(Role::Owner) && !alone {
        let text = "the owner hands the room over before leaving it";
        return Err(ErrorData::new(ErrorCode::Conflict, text).into());
    }
    let left = dismiss(tx, scene, scene.by, MemberAction::Left, RemovalReason::Left).await?;
    if alone {
        tx.execute(
            "UPDATE rooms SET closed_at = $2, link = NULL WHERE room_key = $1",
            args![scene.room.key, tx.now],
        )
        .await?;
    }
    Ok(left)
}

async fn kick(tx: &mut Tx, scene: &Scene, user: UserId) -> Result<Committed> {
    let other = other(tx, scene, user).await?;
    above(scene, &other)?;
    if other.rank < 0 {
        return Ok(Scene::already(other.changed_seq));
    }
    dismiss(tx, scene, other.user, MemberAction::Kicked, RemovalReason::Kicked).await
}

async fn set_role(tx: &mut Tx, scene: &Scene, user: UserId, role: Role) -> Result<Committed> {
    scene.needs(Role::Owner)?;
    let other = other(tx, scene, user).await?;
    if other.rank < 0 {
        return Err(not_a_member().into());
    }
    if role_from(other.rank)? == role {
        return Ok(Scene::already(other.changed_seq));
    }
    let mut done = Committed::default();
    // The room changes hands: the old owner becomes an admin first, so there is never a second.
    let steps = match role {
        Role::Owner => vec![(scene.by, Role::Admin), (other.user, Role::Owner)],
        role => vec![(other.user, role)],
    };
    for (user, role) in steps {
        let change = changed(scene, user.id, MemberAction::Role);
        let data = EventData::MemberChanged(MemberChanged { role: Some(role), ..change });
        let event = scene.append(tx, data).await?;
        tx.execute(
            "UPDATE members SET role = $3, changed_seq = $4
             WHERE room_key = $1 AND user_key = $2",
            args![scene.room.key, user.key, rank(role), event.seq],
        )
        .await?;
        (done.seq, done.at) = (event.seq, event.at);
        done.events.push(event);
    }
    Ok(done)
}

async fn mute(tx: &mut Tx, scene: &Scene, user: UserId, until: Millis) -> Result<Committed> {
    let other = other(tx, scene, user).await?;
    above(scene, &other)?;
    if other.rank < 0 {
        return Err(not_a_member().into());
    }
    let until = if until > tx.now { until } else { 0 };
    if other.muted_until == until {
        return Ok(Scene::already(other.changed_seq));
    }
    let action = if until > 0 { MemberAction::Muted } else { MemberAction::Unmuted };
    let change = changed(scene, user, action);
    let until_shown = (until > 0).then_some(until);
    let data = EventData::MemberChanged(MemberChanged { until: until_shown, ..change });
    let event = scene.append(tx, data).await?;
    tx.execute(
        "UPDATE members SET muted_until = $3, changed_seq = $4
         WHERE room_key = $1 AND user_key = $2",
        args![scene.room.key, other.user.key, until, event.seq],
    )
    .await?;
    Ok(Scene::done(event))
}

/// Friends come in directly, and everybody where the installation says so; strangers are asked.
async fn invite(tx: &mut Tx, scene: &Scene, head: Head, users: Vec<UserId>) -> Result<Committed> {
    let users = users_by_id(tx, &users).await?;
    let blocked = blocked_among(tx, scene.by, &users).await?;
    if !blocked.is_empty() {
        let error = ErrorData::new(ErrorCode::Forbidden, "some users cannot be invited");
        return Err(error.with_details(json!({ "users": users_json(&blocked) })).into());
    }
    let mut newcomers = Vec::new();
    let mut known_seq = 0;
    for user in users {
        match membership_of(tx, scene, user).await? {
            Some((rank, changed_seq)) if rank >= 0 => known_seq = known_seq.max(changed_seq),
            _ => newcomers.push(user),
        }
    }
    let mut strangers = Vec::new();
    if !tx.rules.open_membership {
        let friends = friends_among(tx, scene.by, &newcomers).await?;
        (newcomers, strangers) = newcomers.into_iter().partition(|user| friends.contains(user));
    }
    let mut done = if newcomers.is_empty() {
        Scene::already(if known_seq > 0 { known_seq } else { head.seq })
    } else {
        admit(tx, scene, &newcomers).await?
    };
    done.inbox.extend(ask(tx, scene, &strangers).await?);
    Ok(done)
}

async fn membership_of(tx: &mut Tx, scene: &Scene, user: UserRef) -> Result<Option<(i64, Seq)>> {
    let row = tx
        .first(
            "SELECT role, changed_seq FROM members WHERE room_key = $1 AND user_key = $2",
            args![scene.room.key, user.key],
        )
        .await?;
    row.map(|row| Ok((row.int(0)?, row.number(1)?))).transpose()
}

async fn ask(
    tx: &mut Tx,
    scene: &Scene,
    strangers: &[UserRef],
) -> Result<Vec<crate::model::InboxEvent>> {
    let mut new = Vec::new();
    for user in strangers {
        let inserted = tx
            .execute(
                "INSERT INTO invitations (room_key, user_key, invited_by, at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                args![scene.room.key, user.key, scene.by.key, tx.now],
            )
            .await?;
        if inserted > 0 {
            new.push(*user);
        }
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (room, name, by) = (scene.room.id, scene.name.clone(), scene.by.id);
    let told = EventData::RoomInvited(RoomInvited { room, name, by });
    tx.tell(&new, scene.by.key, &told).await
}

async fn update(
    tx: &mut Tx,
    scene: &Scene,
    head: Head,
    name: Option<String>,
    announcement: Option<String>,
    slow_mode_ms: Option<Millis>,
) -> Result<Committed> {
    scene.needs(Role::Admin)?;
    let row = tx
        .one(
            "SELECT COALESCE(announcement, ''), slow_mode_ms FROM rooms WHERE room_key = $1",
            args![scene.room.key],
        )
        .await?;
    let (old_announcement, old_slow_mode) = (row.text(0)?, row.int(1)?);
    let name = name.filter(|name| Some(name) != scene.name.as_ref());
    let announcement = announcement.filter(|text| *text != old_announcement);
    let slow_mode_ms = slow_mode_ms.filter(|pause| *pause != old_slow_mode);
    if name.is_none() && announcement.is_none() && slow_mode_ms.is_none() {
        return Ok(Scene::already(head.seq));
    }
    tx.execute(
        "UPDATE rooms SET name = COALESCE($2, name), announcement = COALESCE($3, announcement),
                          slow_mode_ms = COALESCE($4, slow_mode_ms)
         WHERE room_key = $1",
        args![scene.room.key, name.clone(), announcement.clone(), slow_mode_ms],
    )
    .await?;
    let updated = RoomUpdated { by: scene.by.id, name, announcement, slow_mode_ms };
    Ok(Scene::done(scene.append(tx, EventData::RoomUpdated(updated)).await?))
}

async fn set_link(
    tx: &mut Tx,
    scene: &Scene,
    head: Head,
    link: Option<String>,
) -> Result<Committed> {
    scene.needs(Role::Admin)?;
    tx.execute("UPDATE rooms SET link = $2 WHERE room_key = $1", args![scene.room.key, link])
        .await?;
    Ok(Scene::already(head.seq))
}
