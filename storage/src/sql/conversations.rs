//! What a user sees of his rooms.

use std::collections::HashMap;

use async_trait::async_trait;
use salon_protocol::content::RoomKind;
use salon_protocol::event::ConversationUpdated;
use salon_protocol::reply::{ConversationItem, Conversations as ConversationPage, Items, Peer};
use salon_protocol::{
    ErrorData, Event, EventData, LogId, RoomId, Seq, SessionId, UserId, limits, request,
};

use super::SqlStore;
use super::conn::{Arg, Conn, Sql, args, int_list, sql};
use super::cursor::Cursor;
use super::event_row::{self, MESSAGE, key, seq_of};
use super::log::{event_at, log_of};
use super::opening::{MEMBERSHIPS, OpenSession, membership_from};
use super::rooms::direct_members;
use super::tail::Tail;
use super::tx::Tx;
use crate::contract::Conversations;
use crate::error::Result;
use crate::model::{InboxEvent, Membership, OpenOutcome, RoomKey, Unread, UserKey, UserRef};

#[async_trait]
impl Conversations for SqlStore {
    async fn open(&self, user: UserId, session: SessionId) -> Result<OpenOutcome> {
        self.openings.ask(OpenSession { user, session, now: self.shared.clock.now() }).await
    }

    async fn unread(
        &self,
        user: UserKey,
        rooms: &[Membership],
    ) -> Result<Vec<(Unread, Option<Peer>)>> {
        self.unread.ask(UnreadOf { user, rooms: rooms.to_vec() }).await
    }

    async fn conversations(&self, user: UserRef, page: request::Page) -> Result<ConversationPage> {
        let mut reader = self.reader().await?;
        conversations(&mut reader.borrow(), &self.shared.tail, user, page).await
    }

    async fn update_conversation(
        &self,
        user: UserRef,
        change: request::ConversationUpdate,
    ) -> Result<Vec<InboxEvent>> {
        self.write(move |tx| Box::pin(update(tx, user, change))).await
    }

    async fn search_messages(
        &self,
        user: UserRef,
        query: request::SearchMessages,
    ) -> Result<Items<Event>> {
        super::search::find(self, user, query).await
    }

    async fn search_settled(&self, rooms: &[RoomId]) -> Result<()> {
        super::search::settled(self, rooms).await
    }
}

/// Messages of others above the read cursor, counted no further than shown.
const UNREAD: Sql = sql!(
    "SELECT j.place, j.room_key, (SELECT count(*) FROM (
         SELECT 1 FROM events e
         WHERE e.event_key > j.low AND e.event_key < j.high
           AND e.kind = 1 AND e.sender_key <> j.user_key LIMIT $2) AS found)
     FROM "
    [sqlite "(SELECT value->>0 AS place, value->>1 AS user_key, value->>2 AS room_key,
                     value->>3 AS low, value->>4 AS high
              FROM json_each($1)) AS j"
     postgres "(SELECT (value->>0)::bigint AS place, (value->>1)::bigint AS user_key,
                       (value->>2)::bigint AS room_key, (value->>3)::bigint AS low,
                       (value->>4)::bigint AS high
                FROM json_array_elements($1::json)) AS j"]
);
/// Rooms that are counted at once, unless one user has more.
const UNREAD_ROOMS_MAX: usize = 500;

/// Rooms of a user, of each of which he wants to know how much in it is unread.
#[derive(Clone, Debug)]
pub(super) struct UnreadOf {
    pub(super) user: UserKey,
    pub(super) rooms: Vec<Membership>,
}

/// What is shown of a room to one of its members.
pub(super) type UnreadRoom = (Unread, Option<Peer>);

/// For several users; or for the first of them, when the others have too many rooms.
pub(super) async fn unread_of(
    conn: &mut Conn<'_>,
    tail: &Tail,
    asked: &[UnreadOf],
) -> Result<Vec<Vec<UnreadRoom>>> {
    let mut rooms = 0;
    let fits = asked.iter().take_while(|one| {
        rooms += one.rooms.len();
        rooms <= UNREAD_ROOMS_MAX
    });
    let asked = &asked[..fits.count().clamp(1, asked.len())];
    let mut counts: HashMap<(usize, RoomKey), u64> = HashMap::new();
    let mut behind: Vec<(usize, i64, i64, i64, i64)> = Vec::new();
    let mut direct: Vec<RoomKey> = Vec::new();
    for (place, UnreadOf { user, rooms }) in asked.iter().enumerate() {
        for room in rooms {
            let key_of_room = room.room.key;
            if room.kind == RoomKind::Direct {
                direct.push(key_of_room);
            }
            if room.read >= room.head || room.kind == RoomKind::PhotoSession {
                continue;
            }
            let low = key(key_of_room, room.read.max(room.first_seq.saturating_sub(1)));
            let (count, first) = tail.unread(low, *user);
            counts.insert((place, key_of_room), count);
            let end = first.unwrap_or_else(|| key(RoomKey(key_of_room.0 + 1), 0));
            if low + 1 < end {
                behind.push((place, user.0, key_of_room.0, low, end));
            }
        }
    }
    if !behind.is_empty() {
        let list = Arg::Text(event_row::to_json(&behind));
        for row in conn.all(UNREAD, vec![list, Arg::from(limits::UNREAD_MAX + 1)]).await? {
            let place = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            *counts.entry((place, RoomKey(row.int(1)?))).or_default() += row.number(2)?;
        }
    }
    let members = direct_members(conn, &direct).await?;
    let shown = |place: usize, user: UserKey, room: &Membership| {
        let count = counts.get(&(place, room.room.key)).copied().unwrap_or_default();
        let more = count > limits::UNREAD_MAX;
        let count = count.min(limits::UNREAD_MAX);
        let both = members.get(&room.room.key).into_iter().flatten();
        let peer = both.filter(|(member, _)| *member != user).map(|(_, peer)| peer.clone()).next();
        (Unread { count, more }, peer)
    };
    let of = |(place, one): (usize, &UnreadOf)| {
        one.rooms.iter().map(|room| shown(place, one.user, room)).collect()
    };
    Ok(asked.iter().enumerate().map(of).collect())
}

async fn unread(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserKey,
    rooms: &[Membership],
) -> Result<Vec<UnreadRoom>> {
    let asked = [UnreadOf { user, rooms: rooms.to_vec() }];
    Ok(unread_of(conn, tail, &asked).await?.pop().unwrap_or_default())
}

/// A room and what only its member sees of it.
struct Conversation {
    membership: Membership,
    muted: bool,
    pinned: bool,
    hidden_seq: Seq,
    draft: Option<String>,
}

impl Conversation {
    /// Later ones are smaller: pinned, then the newest.
    fn sort_key(&self) -> [i64; 3] {
        [i64::from(self.pinned), self.membership.head_at, self.membership.room.key.0]
    }
}

async fn conversations(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    page: request::Page,
) -> Result<ConversationPage> {
    let before = Cursor::<3>::parse(page.cursor.as_deref())?;
    let limit = page.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    let mut all = Vec::new();
    let heads = tail.heads();
    for row in conn.all(MEMBERSHIPS, vec![int_list([user.key.0])]).await? {
        let membership = membership_from(&row, &heads)?;
        if membership.kind == RoomKind::PhotoSession {
            continue;
        }
        all.push(Conversation {
            membership,
            muted: row.flag(8)?,
            pinned: row.flag(9)?,
            hidden_seq: row.number(10)?,
            draft: row.opt_text(11)?,
        });
    }
    all.sort_unstable_by_key(|room| std::cmp::Reverse(room.sort_key()));
    let total_unread = match before {
        None => Some(total_unread(conn, tail, user, &all).await?),
        Some(_) => None,
    };
    let mut items = Vec::with_capacity(limit);
    let mut cursor = None;
    let mut rest = all.into_iter().filter(|room| before.is_none_or(|end| room.sort_key() < end));
    while let Some(conversation) = rest.next() {
        let sort_key = conversation.sort_key();
        let Some(item) = item(conn, tail, user, conversation).await? else { continue };
        items.push(item);
        if items.len() == limit {
            cursor = rest.next().map(|_| Cursor::write(sort_key));
            break;
        }
    }
    Ok(ConversationPage { items, cursor, total_unread })
}

async fn total_unread(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    all: &[Conversation],
) -> Result<u64> {
    let loud: Vec<Membership> =
        all.iter().filter(|room| !room.muted).map(|room| room.membership.clone()).collect();
    let counts = unread(conn, tail, user.key, &loud).await?;
    Ok(counts.iter().map(|(unread, _)| unread.count).sum())
}

/// `None`: it is hidden and nothing was said since.
async fn item(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    conversation: Conversation,
) -> Result<Option<ConversationItem>> {
    let Conversation { membership: room, muted, pinned, hidden_seq, draft } = conversation;
    let last = last_message(conn, tail, user, &room).await?;
    if hidden_seq > 0 && last.as_ref().is_none_or(|last| last.seq <= hidden_seq) {
        return Ok(None);
    }
    let mut counts = unread(conn, tail, user.key, std::slice::from_ref(&room)).await?;
    let (unread, peer) = counts.pop().unwrap_or_default();
    let name = match (&room.name, &peer) {
        (Some(name), _) => name.clone(),
        (None, Some(peer)) => name_of(conn, user, peer.user).await?,
        (None, None) => String::new(),
    };
    Ok(Some(ConversationItem {
        room: room.room.id,
        kind: room.kind,
        name,
        peer,
        seq: room.head,
        last,
        unread: unread.count,
        unread_more: unread.more,
        read: room.read,
        muted,
        pinned,
        draft,
    }))
}

async fn last_message(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    room: &Membership,
) -> Result<Option<Event>> {
    let seq = match tail.head(room.room.key) {
        Some(head) => head.seq,
        None => {
            let query = "SELECT event_key FROM events
                         WHERE event_key >= $1 AND event_key < $2 AND kind IN (1, 2)
                         ORDER BY event_key DESC LIMIT 1";
            let end = key(RoomKey(room.room.key.0 + 1), 0);
            let row = conn.first(query, args![key(room.room.key, room.first_seq), end]).await?;
            let Some(row) = row else { return Ok(None) };
            seq_of(row.int(0)?)
        }
    };
    let log = (room.room.key, LogId::Room(room.room.id));
    event_at(conn, tail, user, log, seq).await
}

/// A friend's remark, or the other one's nickname.
async fn name_of(conn: &mut Conn<'_>, user: UserRef, peer: UserId) -> Result<String> {
    let row = conn
        .one(
            "SELECT CASE WHEN u.status = 2 THEN '' ELSE COALESCE(f.remark, u.nickname) END
             FROM users u
             LEFT JOIN friends f ON f.peer_key = u.user_key AND f.user_key = $1
             WHERE u.id = $2",
            args![user.key, peer.as_bytes()],
        )
        .await?;
    row.text(0)
}

async fn update(
    tx: &mut Tx,
    user: UserRef,
    change: request::ConversationUpdate,
) -> Result<Vec<InboxEvent>> {
    let (room, _) = log_of(&mut tx.conn.borrow(), user, LogId::Room(change.room)).await?;
    let head = tx.head(room).await?;
    let row = tx
        .one(
            "SELECT muted, pinned, hidden_seq, COALESCE(draft, '') FROM members
             WHERE room_key = $1 AND user_key = $2",
            args![room, user.key],
        )
        .await?;
    let (muted, pinned, draft) = (row.flag(0)?, row.flag(1)?, row.text(3)?);
    let hidden = row.number(2)? > 0;
    let changed = ConversationUpdated {
        room: change.room,
        muted: change.muted.filter(|value| *value != muted),
        pinned: change.pinned.filter(|value| *value != pinned),
        hidden: change.hidden.filter(|value| *value != hidden || *value),
        draft: change.draft.filter(|value| *value != draft),
    };
    if (&changed.muted, &changed.pinned, &changed.hidden, &changed.draft)
        == (&None, &None, &None, &None)
    {
        return Ok(Vec::new());
    }
    let hidden_seq = changed.hidden.map(|hidden| if hidden { head.seq } else { 0 });
    tx.execute(
        "UPDATE members SET muted = COALESCE($3, muted), pinned = COALESCE($4, pinned),
                            hidden_seq = COALESCE($5, hidden_seq), draft = COALESCE($6, draft)
         WHERE room_key = $1 AND user_key = $2",
        args![
            room,
            user.key,
            changed.muted.map(i64::from),
            changed.pinned.map(i64::from),
            hidden_seq.map(u64::cast_signed),
            changed.draft.clone()
        ],
    )
    .await?;
    tx.tell(&[user], user.key, &EventData::ConversationUpdated(changed)).await
}

/// The log, the first visible event of each of a user's rooms; for search.
pub(super) async fn visible_rooms(
    conn: &mut Conn<'_>,
    user: UserRef,
    only: Option<RoomId>,
) -> Result<HashMap<RoomKey, (RoomId, Seq)>> {
    let query = "SELECT m.room_key, r.id, CASE r.history WHEN 1 THEN 1 ELSE m.joined_seq END
         FROM members m JOIN rooms r ON r.room_key = m.room_key
         WHERE m.user_key = $1 AND m.role >= 0";
    let mut rooms = HashMap::new();
    for row in conn.all(query, args![user.key]).await? {
        let id = RoomId::from_bytes(row.id(1)?);
        if only.is_none_or(|only| only == id) {
            rooms.insert(RoomKey(row.int(0)?), (id, row.number(2)?));
        }
    }
    if only.is_some() && rooms.is_empty() {
        return Err(ErrorData::forbidden_room().into());
    }
    Ok(rooms)
}

/// Messages by their keys, as a user sees them; recalled ones and others' are left out.
pub(super) async fn messages_at(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    rooms: &HashMap<RoomKey, (RoomId, Seq)>,
    keys: &[i64],
    sender: Option<UserId>,
) -> Result<HashMap<i64, Event>> {
    let query = sql!(
        "SELECT e.event_key, u.id FROM events e JOIN users u ON u.user_key = e.sender_key
         WHERE e.kind = $2 AND e.event_key IN " [ints "$1"]
    );
    let params = vec![int_list(keys.iter().copied()), Arg::Int(MESSAGE)];
    let mut found = HashMap::new();
    for row in conn.all(query, params).await? {
        let event_key = row.int(0)?;
        let (room, seq) = (event_row::room_of(event_key), seq_of(event_key));
        let by = UserId::from_bytes(row.id(1)?);
        let Some((id, first)) = rooms.get(&room) else { continue };
        if seq < *first || sender.is_some_and(|sender| sender != by) {
            continue;
        }
        let log = (room, LogId::Room(*id));
        if let Some(event) = event_at(conn, tail, user, log, seq).await? {
            found.insert(event_key, event);
        }
    }
    Ok(found)
}
