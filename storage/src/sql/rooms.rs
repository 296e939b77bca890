//! Rooms and members.

use std::collections::HashMap;

use async_trait::async_trait;
use salon_protocol::content::{HistoryFor, Role, RoomKind};
use salon_protocol::event::RoomCreated;
use salon_protocol::reply::{Items, MemberItem, ReadBy, RoomInfo};
use salon_protocol::{ErrorCode, ErrorData, EventData, LogId, RoomId, Seq, UserId, limits};
use serde_json::json;

use super::accounts::{public_columns, public_from, users_by_id, users_json};
use super::conn::{Arg, Conn, Row, args, int_list, sql};
use super::cursor::Cursor;
use super::friends::{blocked_among, friends_among};
use super::log::{cid_taken, content_hash, log_of};
use super::tail::Tail;
use super::tx::{Key, Tx};
use super::{SqlStore, event_row};
use crate::contract::Rooms;
use crate::error::{Result, StoreError};
use crate::model::{
    CursorUpdate, Made, Member, NewGroup, RoomKey, RoomRef, RoomSnapshot, UserKey, UserRef,
};

pub(super) const INBOX: i64 = 0;
pub(super) const DIRECT: i64 = 1;
pub(super) const GROUP: i64 = 2;
pub(super) const PHOTO_SESSION: i64 = 3;

/// The kind of a room that has members.
pub(super) fn kind_from(number: i64) -> Result<RoomKind> {
    match number {
        DIRECT => Ok(RoomKind::Direct),
        GROUP => Ok(RoomKind::Group),
        PHOTO_SESSION => Ok(RoomKind::PhotoSession),
        other => Err(StoreError::Internal(format!("room kind {other}"))),
    }
}

/// A member's role.
pub(super) fn role_from(number: i64) -> Result<Role> {
    match number {
        0 => Ok(Role::Member),
        1 => Ok(Role::Admin),
        2 => Ok(Role::Owner),
        other => Err(StoreError::Internal(format!("role {other}"))),
    }
}

/// Refuses when a user is in too many rooms already.
pub(super) async fn check_room_counts(tx: &mut Tx, users: &[UserRef]) -> Result<()> {
    let query = sql!(
        "SELECT user_key FROM members WHERE role >= 0 AND user_key IN " [ints "$1"]
        " GROUP BY user_key HAVING count(*) >= $2"
    );
    let list = int_list(users.iter().map(|user| user.key.0));
    let limit = super::conn::Arg::from(limits::ROOMS_PER_USER_MAX);
    let full = tx.all(query, vec![list, limit]).await?;
    if full.is_empty() {
        return Ok(());
    }
    let full: Vec<i64> = full.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    let full: Vec<UserId> =
        users.iter().filter(|user| full.contains(&user.key.0)).map(|user| user.id).collect();
    let error = ErrorData::new(ErrorCode::LimitReached, "some users are in too many rooms");
    Err(error.with_details(json!({ "users": full })).into())
}

#[async_trait]
impl Rooms for SqlStore {
    async fn create_group(&self, by: UserRef, new: NewGroup) -> Result<Made> {
        self.write(move |tx| Box::pin(create_group(tx, by, new))).await
    }

    async fn open_direct(&self, by: UserRef, peer: UserId, id: RoomId) -> Result<Made> {
        self.write(move |tx| Box::pin(open_direct(tx, by, peer, id))).await
    }

    async fn room(&self, id: RoomId) -> Result<Option<RoomSnapshot>> {
        let mut reader = self.reader().await?;
        snapshot(&mut reader.borrow(), &self.shared.tail, id).await
    }

    async fn room_by_link(&self, link: &str) -> Result<Option<RoomId>> {
        let mut reader = self.reader().await?;
        let row =
            reader.borrow().first("SELECT id FROM rooms WHERE link = $1", args![link]).await?;
        row.map(|row| Ok(RoomId::from_bytes(row.id(0)?))).transpose()
    }

    async fn member(&self, room: RoomKey, user: UserId) -> Result<Option<Member>> {
        let mut reader = self.reader().await?;
        let query = concat!(
            "SELECT ",
            member_columns!(),
            " FROM members m JOIN users u ON u.user_key = m.user_key
              WHERE m.room_key = $1 AND u.id = $2 AND m.role >= 0"
        );
        let row = reader.borrow().first(query, args![room, user.as_bytes()]).await?;
        row.map(|row| member_from(&row)).transpose()
    }

    async fn save_cursors(&self, updates: Vec<CursorUpdate>) -> Result<()> {
        self.write(move |tx| Box::pin(save_cursors(tx, updates))).await
    }

    async fn room_info(&self, viewer: UserRef, room: RoomId) -> Result<RoomInfo> {
        let mut reader = self.reader().await?;
        room_info(&mut reader.borrow(), &self.shared.tail, viewer, room).await
    }

    async fn room_members(
        &self,
        viewer: UserRef,
        room: RoomId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<MemberItem>> {
        let after = Cursor::<3>::parse(cursor)?.unwrap_or([i64::MIN; 3]);
        let mut reader = self.reader().await?;
        let mut conn = reader.borrow();
        let (room, _) = log_of(&mut conn, viewer, LogId::Room(room)).await?;
        let query = concat!(
            "SELECT ",
            public_columns!(),
            ", m.role, m.joined_seq, m.muted_until, m.user_key
              FROM members m JOIN users u ON u.user_key = m.user_key
              WHERE m.room_key = $1 AND m.role >= 0
                AND (-m.role, m.joined_seq, m.user_key) > ($2, $3, $4)
              ORDER BY -m.role, m.joined_seq, m.user_key LIMIT $5"
        );
        let params = args![room, after[0], after[1], after[2], limit + 1];
        let mut rows = conn.all(query, params).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let cursor = match rows.last() {
            Some(last) if more => Some(Cursor::write([-last.int(5)?, last.int(6)?, last.int(8)?])),
            _ => None,
        };
        let items = rows
            .iter()
            .map(|row| {
                Ok(MemberItem {
                    user: public_from(row, 0)?,
                    role: role_from(row.int(5)?)?,
                    joined_seq: row.number(6)?,
                    muted_until: Some(row.int(7)?).filter(|until| *until > self.shared.clock.now()),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Items { items, cursor })
    }

    async fn read_by(&self, viewer: UserRef, room: RoomId, seq: Seq) -> Result<ReadBy> {
        let mut reader = self.reader().await?;
        read_by(&mut reader.borrow(), &self.shared.tail, viewer, room, seq).await
    }
}

macro_rules! member_columns {
    () => {
        "u.user_key, u.id, m.role, m.joined_seq, m.read, m.delivered, m.barred"
    };
}
use member_columns;

fn member_from(row: &Row) -> Result<Member> {
    Ok(Member {
        user: UserRef { key: UserKey(row.int(0)?), id: UserId::from_bytes(row.id(1)?) },
        role: role_from(row.int(2)?)?,
        joined_seq: row.number(3)?,
        read: row.number(4)?,
        delivered: row.number(5)?,
        barred: row.flag(6)?,
    })
}

/// The key of a room.
pub(super) async fn room_key(conn: &mut Conn<'_>, id: RoomId) -> Result<Option<RoomKey>> {
    let query = "SELECT room_key FROM rooms WHERE id = $1";
    let row = conn.first(query, args![id.as_bytes()]).await?;
    row.map(|row| Ok(RoomKey(row.int(0)?))).transpose()
}

/// The newest position of a room, if its message is in the tail.
async fn tail_head(conn: &mut Conn<'_>, tail: &Tail, id: RoomId) -> Result<Seq> {
    let head = room_key(conn, id).await?.and_then(|room| tail.head(room));
    Ok(head.map_or(0, |head| head.seq))
}

async fn snapshot(conn: &mut Conn<'_>, tail: &Tail, id: RoomId) -> Result<Option<RoomSnapshot>> {
    let head = tail_head(conn, tail, id).await?;
    let query = sql!(
        "SELECT r.room_key, r.kind, r.members, r.slow_mode_ms, "
        [sqlite "COALESCE((SELECT event_key & 4294967295 FROM events
                  WHERE event_key > r.room_key << 32 AND event_key < (r.room_key + 1) << 32
                  ORDER BY event_key DESC LIMIT 1), 0)"
         postgres "r.head"]
        " FROM rooms r WHERE r.id = $1 AND r.kind <> 0 AND r.closed_at IS NULL"
    );
    let Some(row) = conn.first(query, args![id.as_bytes()]).await? else { return Ok(None) };
    let room = RoomRef { key: RoomKey(row.int(0)?), id };
    let members_count = row.number(2)?;
    let members = if members_count <= limits::RECEIPTS_MEMBERS_MAX {
        let query = concat!(
            "SELECT ",
            member_columns!(),
            " FROM members m JOIN users u ON u.user_key = m.user_key
              WHERE m.room_key = $1 AND m.role >= 0 ORDER BY m.user_key"
        );
        let rows = conn.all(query, args![room.key]).await?;
        Some(rows.iter().map(member_from).collect::<Result<_>>()?)
    } else {
        None
    };
    Ok(Some(RoomSnapshot {
        room,
        kind: kind_from(row.int(1)?)?,
        head: row.number(4)?.max(head),
        members_count,
        slow_mode_ms: row.int(3)?,
        members,
    }))
}

async fn save_cursors(tx: &mut Tx, updates: Vec<CursorUpdate>) -> Result<()> {
    // Each member once: a row that is updated from several takes any of them.
    let mut furthest: HashMap<(i64, i64), (Seq, Seq)> = HashMap::new();
    for CursorUpdate { room, user, read, delivered } in updates {
        let cursors = furthest.entry((room.0, user.0)).or_default();
        *cursors = (cursors.0.max(read), cursors.1.max(delivered));
    }
    let rows: Vec<(i64, i64, Seq, Seq)> = furthest
        .into_iter()
        .map(|((room, user), (read, delivered))| (room, user, read, delivered))
        .collect();
    let query = sql!(
        "UPDATE members SET "
        [sqlite "read = max(read, c.value->>2), delivered = max(delivered, c.value->>3)
                 FROM json_each($1) c
                 WHERE room_key = c.value->>0 AND user_key = c.value->>1"
         postgres "read = greatest(read, (c->>2)::bigint),
                   delivered = greatest(delivered, (c->>3)::bigint)
                   FROM json_array_elements($1::json) c
                   WHERE room_key = (c->>0)::bigint AND user_key = (c->>1)::bigint"]
    );
    tx.move_cursors(query, vec![Arg::Text(event_row::to_json(&rows))]).await?;
    Ok(())
}

async fn room_info(
    conn: &mut Conn<'_>,
    tail: &Tail,
    viewer: UserRef,
    id: RoomId,
) -> Result<RoomInfo> {
    let head = tail_head(conn, tail, id).await?;
    let query = sql!(
        "SELECT r.kind, r.name, r.announcement, r.history, r.slow_mode_ms, r.members, m.role,
                m.muted_until, r.link, r.created_at, "
        [sqlite "COALESCE((SELECT event_key & 4294967295 FROM events
                  WHERE event_key > r.room_key << 32 AND event_key < (r.room_key + 1) << 32
                  ORDER BY event_key DESC LIMIT 1), 0)"
         postgres "r.head"]
        " FROM rooms r JOIN members m ON m.room_key = r.room_key
          WHERE r.id = $1 AND m.user_key = $2 AND m.role >= 0"
    );
    let row = conn.first(query, args![id.as_bytes(), viewer.key]).await?;
    let row = row.ok_or_else(ErrorData::forbidden_room)?;
    let role = role_from(row.int(6)?)?;
    Ok(RoomInfo {
        id,
        kind: kind_from(row.int(0)?)?,
        name: row.opt_text(1)?,
        announcement: row.opt_text(2)?.filter(|text| !text.is_empty()),
        history: if row.flag(3)? { HistoryFor::All } else { HistoryFor::SinceJoin },
        slow_mode_ms: row.int(4)?,
        members: row.number(5)?,
        online: 0,
        role,
        muted_until: Some(row.int(7)?).filter(|until| *until > 0),
        link: row.opt_text(8)?.filter(|_| role >= Role::Admin),
        created_at: row.int(9)?,
        seq: row.number(10)?.max(head),
    })
}

async fn read_by(
    conn: &mut Conn<'_>,
    tail: &Tail,
    viewer: UserRef,
    id: RoomId,
    seq: Seq,
) -> Result<ReadBy> {
    let (room, first) = log_of(conn, viewer, LogId::Room(id)).await?;
    let missing = || ErrorData::new(ErrorCode::NotFound, "there is no such message");
    let key = event_row::key(room, seq.min(u64::from(u32::MAX)));
    let said = tail.get(key);
    let query = "SELECT members, (SELECT sender_key FROM events
                                  WHERE event_key = $1 AND kind IN (1, 2))
                 FROM rooms WHERE room_key = $2";
    let row = conn.one(query, args![key, room]).await?;
    let sender = said.map(|said| said.row.sender.0).or(row.opt_int(1)?).filter(|_| seq >= first);
    let (sender, count) = (sender.ok_or_else(missing)?, row.number(0)?);
    let mut answer = ReadBy {
        members: count.saturating_sub(1),
        read: None,
        delivered: None,
        read_count: None,
        delivered_count: None,
    };
    if count > limits::READ_COUNTS_MEMBERS_MAX {
        return Ok(answer);
    }
    let rows = conn
        .all(
            "SELECT u.id, m.read, m.delivered FROM members m
             JOIN users u ON u.user_key = m.user_key
             WHERE m.room_key = $1 AND m.role >= 0 AND m.user_key <> $2 AND m.delivered >= $3
               AND m.barred = 0
             ORDER BY m.user_key",
            args![room, sender, seq],
        )
        .await?;
    let (mut read, mut delivered) = (Vec::new(), Vec::new());
    for row in rows {
        let list = if row.number(1)? >= seq { &mut read } else { &mut delivered };
        list.push(UserId::from_bytes(row.id(0)?));
    }
    answer.read_count = Some(read.len() as u64);
    answer.delivered_count = Some((read.len() + delivered.len()) as u64);
    if count <= limits::RECEIPTS_MEMBERS_MAX {
        (answer.read, answer.delivered) = (Some(read), Some(delivered));
    }
    Ok(answer)
}

async fn create_group(tx: &mut Tx, by: UserRef, new: NewGroup) -> Result<Made> {
    let hash = group_hash(&new);
    let request = (by.key, new.cid);
    if let Some(used) = tx.used(&[request]).await?.get(&request) {
        if used.hash != hash {
            return Err(cid_taken().into());
        }
        let room = event_row::room_of(used.key);
        let row = tx.one("SELECT id FROM rooms WHERE room_key = $1", args![room]).await?;
        let room = RoomRef { key: room, id: RoomId::from_bytes(row.id(0)?) };
        return Ok(Made { room, duplicate: true, joined: Vec::new(), inbox: Vec::new() });
    }
    let mut members = users_by_id(tx, &new.members).await?;
    members.retain(|member| member.key != by.key);
    let blocked = blocked_among(tx, by, &members).await?;
    if !blocked.is_empty() {
        let error = ErrorData::new(ErrorCode::Forbidden, "some users cannot be invited");
        return Err(error.with_details(json!({ "users": users_json(&blocked) })).into());
    }
    let mut strangers = Vec::new();
    if !tx.rules.open_membership {
        let friends = friends_among(tx, by, &members).await?;
        (members, strangers) = members.into_iter().partition(|user| friends.contains(user));
    }
    members.insert(0, by);
    check_room_counts(tx, &members).await?;
    let history = i64::from(new.history == HistoryFor::All);
    let row = tx
        .one(
            "INSERT INTO rooms (id, kind, name, history, members, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING room_key",
            args![new.id.as_bytes(), GROUP, new.name.as_str(), history, members.len(), tx.now],
        )
        .await?;
    let room = RoomRef { key: RoomKey(row.int(0)?), id: new.id };
    let created = RoomCreated {
        room: None,
        kind: RoomKind::Group,
        name: Some(new.name),
        by: by.id,
        members: None,
        count: None,
        history: Some(new.history),
    };
    let key = Some(Key { cid: new.cid, hash });
    let mut made = begin(tx, room, by, &members, key, created.clone()).await?;
    made.inbox.extend(invite_strangers(tx, room, by, &strangers, created.name).await?);
    Ok(made)
}

fn group_hash(new: &NewGroup) -> i64 {
    let mut parts: Vec<&[u8]> = vec![b"create_room", new.name.as_bytes()];
    let history: &[u8] = if new.history == HistoryFor::All { b"all" } else { b"since_join" };
    parts.push(history);
    let mut members: Vec<&[u8]> = new.members.iter().map(|user| &user.as_bytes()[..]).collect();
    members.sort_unstable();
    parts.extend(members);
    content_hash(&parts)
}

async fn invite_strangers(
    tx: &mut Tx,
    room: RoomRef,
    by: UserRef,
    strangers: &[UserRef],
    name: Option<String>,
) -> Result<Vec<crate::model::InboxEvent>> {
    if strangers.is_empty() {
        return Ok(Vec::new());
    }
    for user in strangers {
        tx.execute(
            "INSERT INTO invitations (room_key, user_key, invited_by, at) VALUES ($1, $2, $3, $4)",
            args![room.key, user.key, by.key, tx.now],
        )
        .await?;
    }
    let invited = salon_protocol::event::RoomInvited { room: room.id, name, by: by.id };
    tx.tell(strangers, by.key, &EventData::RoomInvited(invited)).await
}

/// Writes the first event of a room, its members (the first is the owner of a group or of a photo
/// session), and tells them.
pub(super) async fn begin(
    tx: &mut Tx,
    room: RoomRef,
    by: UserRef,
    members: &[UserRef],
    key: Option<Key>,
    created: RoomCreated,
) -> Result<Made> {
    let in_room = if members.len() <= limits::MEMBERS_LISTED_MAX {
        let members = members.iter().map(|member| member.id).collect();
        RoomCreated { members: Some(members), ..created.clone() }
    } else {
        RoomCreated { count: Some(members.len() as u64), ..created.clone() }
    };
    let log = (room.key, LogId::Room(room.id));
    let event = tx.append(log, by.key, key, EventData::RoomCreated(in_room)).await?;
    for member in members {
        let owner = created.kind != RoomKind::Direct && member.key == by.key;
        let role = if owner { Role::Owner } else { Role::Member };
        tx.execute(
            "INSERT INTO members (room_key, user_key, role, joined_seq, changed_seq, read,
                                  delivered)
             VALUES ($1, $2, $3, $4, $4, $4, $4)",
            args![room.key, member.key, super::log::rank(role), event.seq],
        )
        .await?;
    }
    let in_inbox = RoomCreated { room: Some(room.id), history: None, ..created };
    let inbox = tx.tell(members, by.key, &EventData::RoomCreated(in_inbox)).await?;
    let joined = members.iter().map(|member| member.id).collect();
    Ok(Made { room, duplicate: false, joined, inbox })
}

async fn open_direct(tx: &mut Tx, by: UserRef, peer: UserId, id: RoomId) -> Result<Made> {
    if peer == by.id {
        return Err(ErrorData::field("user", "is yourself").into());
    }
    let strangers = || ErrorData::new(ErrorCode::Forbidden, "you are not friends");
    let peer = users_by_id(tx, &[peer]).await.map_err(|error| match error {
        StoreError::Refused(_) => StoreError::from(strangers()),
        error => error,
    })?;
    let [peer] = peer[..] else { return Err(strangers().into()) };
    let (low, high) = (by.key.min(peer.key), by.key.max(peer.key));
    let query = "SELECT room_key, id FROM rooms WHERE low_key = $1 AND high_key = $2";
    if let Some(row) = tx.first(query, args![low, high]).await? {
        // It stays readable whatever has become of the two; writing is decided per message.
        let room = RoomRef { key: RoomKey(row.int(0)?), id: RoomId::from_bytes(row.id(1)?) };
        let allowed = may_open(tx, by, peer).await?;
        if !allowed {
            return Err(strangers().into());
        }
        return Ok(Made { room, duplicate: false, joined: Vec::new(), inbox: Vec::new() });
    }
    if !may_open(tx, by, peer).await? {
        return Err(strangers().into());
    }
    let pair = [by, peer];
    check_room_counts(tx, &pair).await?;
    let row = tx
        .one(
            "INSERT INTO rooms (id, kind, members, low_key, high_key, created_at)
             VALUES ($1, $2, 2, $3, $4, $5) RETURNING room_key",
            args![id.as_bytes(), DIRECT, low, high, tx.now],
        )
        .await?;
    let room = RoomRef { key: RoomKey(row.int(0)?), id };
    let created = RoomCreated {
        room: None,
        kind: RoomKind::Direct,
        name: None,
        by: by.id,
        members: None,
        count: None,
        history: None,
    };
    begin(tx, room, by, &pair, None, created).await
}

async fn may_open(tx: &mut Tx, by: UserRef, peer: UserRef) -> Result<bool> {
    if !blocked_among(tx, by, &[peer]).await?.is_empty() {
        return Ok(false);
    }
    if !friends_among(tx, by, &[peer]).await?.is_empty() {
        return Ok(true);
    }
    if !tx.rules.direct_strangers {
        return Ok(false);
    }
    let shared = tx
        .first(
            "SELECT 1 FROM members a JOIN members b ON b.room_key = a.room_key
             WHERE a.user_key = $1 AND b.user_key = $2 AND a.role >= 0 AND b.role >= 0 LIMIT 1",
            args![by.key, peer.key],
        )
        .await?;
    Ok(shared.is_some())
}

/// Notes whether two users may write in their direct room now; returns it when that changed.
pub(super) async fn refresh_direct(
    tx: &mut Tx,
    one: UserRef,
    other: UserRef,
) -> Result<Option<RoomId>> {
    let (low, high) = (one.key.min(other.key), one.key.max(other.key));
    let query = "SELECT room_key, id FROM rooms WHERE low_key = $1 AND high_key = $2";
    let Some(row) = tx.first(query, args![low, high]).await? else { return Ok(None) };
    let barred = !may_open(tx, one, other).await?;
    let changed = tx
        .execute(
            "UPDATE members SET barred = $2 WHERE room_key = $1 AND barred <> $2",
            args![row.int(0)?, barred],
        )
        .await?;
    Ok(if changed > 0 { Some(RoomId::from_bytes(row.id(1)?)) } else { None })
}

/// The two members of each of several direct rooms, as the other one sees them. Those who may not
/// write to each other do not learn either what the other has read.
pub(super) async fn direct_members(
    conn: &mut Conn<'_>,
    rooms: &[RoomKey],
) -> Result<HashMap<RoomKey, Vec<(UserKey, salon_protocol::reply::Peer)>>> {
    let mut members: HashMap<RoomKey, Vec<_>> = HashMap::new();
    if rooms.is_empty() {
        return Ok(members);
    }
    let query = sql!(
        "SELECT m.room_key, m.user_key, u.id, CASE m.barred WHEN 0 THEN m.read ELSE 0 END,
                CASE m.barred WHEN 0 THEN m.delivered ELSE 0 END
         FROM members m JOIN users u ON u.user_key = m.user_key
         WHERE m.room_key IN " [ints "$1"]
    );
    for row in conn.all(query, vec![int_list(rooms.iter().map(|room| room.0))]).await? {
        let user = UserId::from_bytes(row.id(2)?);
        let (read, delivered) = (row.number(3)?, row.number(4)?);
        let peer = salon_protocol::reply::Peer { user, read, delivered };
        members.entry(RoomKey(row.int(0)?)).or_default().push((UserKey(row.int(1)?), peer));
    }
    Ok(members)
}
