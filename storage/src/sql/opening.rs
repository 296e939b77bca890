//! What sessions need to open, for many at once.

use std::collections::HashMap;

use salon_protocol::{Millis, RoomId, Seq, SessionId, UserId};

use super::accounts::{account_columns, account_from};
use super::conn::{Arg, Conn, Row, Sql, hex, int_list, sql};
use super::event_row::{self, seq_of};
use super::rooms::{kind_from, role_from};
use super::tail::Tail;
use super::tx::Head;
use crate::error::Result;
use crate::model::{
    Account, AccountStatus, Membership, OpenOutcome, Opening, RoomKey, RoomRef, UserKey,
};

/// A session that is to be opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenSession {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    /// When it was asked for.
    pub(crate) now: Millis,
}

/// The rooms of users with their heads. SQLite looks for the last row of a room's range of keys.
pub(super) const MEMBERSHIPS: Sql = sql!(
    "SELECT m.room_key, r.id, r.kind, r.name, m.role, m.read, m.delivered,
            CASE r.history WHEN 1 THEN 1 ELSE m.joined_seq END,
            m.muted, m.pinned, m.hidden_seq, m.draft, "
    [sqlite "e.event_key & 4294967295, e.at" postgres "r.head, r.head_at"]
    ", m.user_key FROM members m JOIN rooms r ON r.room_key = m.room_key "
    [sqlite "JOIN events e ON e.event_key = (
                 SELECT event_key FROM events
                 WHERE event_key > m.room_key << 32 AND event_key < (m.room_key + 1) << 32
                 ORDER BY event_key DESC LIMIT 1)"
     postgres ""]
    " WHERE m.user_key IN " [ints "$1"] " AND m.role >= 0"
);

/// From the columns of [`MEMBERSHIPS`].
/// `heads` were those of the tail before the question.
pub(super) fn membership_from(row: &Row, heads: &HashMap<RoomKey, Head>) -> Result<Membership> {
    let key = RoomKey(row.int(0)?);
    let folded = Head { seq: row.number(12)?, at: row.int(13)? };
    let head = heads.get(&key).copied().filter(|head| head.seq > folded.seq).unwrap_or(folded);
    Ok(Membership {
        room: RoomRef { key, id: RoomId::from_bytes(row.id(1)?) },
        kind: kind_from(row.int(2)?)?,
        name: row.opt_text(3)?,
        role: role_from(row.int(4)?)?,
        read: row.number(5)?,
        delivered: row.number(6)?,
        first_seq: row.number(7)?,
        head: head.seq,
        head_at: head.at,
    })
}

/// Friends of users without a block either way.
pub(super) const WATCHERS: Sql = sql!(
    "SELECT f.user_key, u.id FROM friends f
     JOIN friends g ON g.user_key = f.peer_key AND g.peer_key = f.user_key
     JOIN users u ON u.user_key = f.peer_key
     WHERE f.user_key IN " [ints "$1"] " AND f.state = 3 AND f.blocked = 0 AND g.blocked = 0"
);

/// Everything for all of these sessions.
pub(super) async fn open(
    conn: &mut Conn<'_>,
    tail: &Tail,
    sessions: &[OpenSession],
) -> Result<Vec<OpenOutcome>> {
    let accounts = accounts(conn, sessions).await?;
    let active: HashMap<UserKey, RoomKey> = accounts
        .values()
        .filter(|(account, _)| account.status == AccountStatus::Active)
        .map(|(account, _)| (account.user.key, account.inbox))
        .collect();
    let users = || int_list(active.keys().map(|user| user.0));
    let mut rooms: HashMap<UserKey, Vec<Membership>> = HashMap::new();
    let mut friends: HashMap<UserKey, Vec<UserId>> = HashMap::new();
    let mut inboxes = HashMap::new();
    if !active.is_empty() {
        inboxes = inbox_ends(conn, active.values().map(|inbox| inbox.0)).await?;
        let heads = tail.heads();
        for row in conn.all(MEMBERSHIPS, vec![users()]).await? {
            rooms.entry(UserKey(row.int(14)?)).or_default().push(membership_from(&row, &heads)?);
        }
        for row in conn.all(WATCHERS, vec![users()]).await? {
            let friend = UserId::from_bytes(row.id(1)?);
            friends.entry(UserKey(row.int(0)?)).or_default().push(friend);
        }
    }
    for rooms in rooms.values_mut() {
        rooms.sort_unstable_by_key(|room| std::cmp::Reverse((room.head_at, room.room.key)));
    }
    let outcome = |place: usize| {
        let Some((account, device)) = accounts.get(&place).cloned() else {
            return OpenOutcome::Ended;
        };
        if account.status != AccountStatus::Active {
            return OpenOutcome::Disabled;
        }
        let key = account.user.key;
        let (inbox_first, inbox_head) = inboxes.get(&account.inbox).copied().unwrap_or((1, 0));
        let rooms = rooms.get(&key).cloned().unwrap_or_default();
        let friends = friends.get(&key).cloned().unwrap_or_default();
        let opening = Opening { account, device, inbox_head, inbox_first, rooms, friends };
        OpenOutcome::Open(Box::new(opening))
    };
    Ok((0..sessions.len()).map(outcome).collect())
}

/// Whose sessions they are, and on which device, by their places; those that have ended are missing.
async fn accounts(
    conn: &mut Conn<'_>,
    sessions: &[OpenSession],
) -> Result<HashMap<usize, (Account, String)>> {
    let query = Sql {
        sqlite: concat!(
            "SELECT ",
            account_columns!(),
            ", s.device, j.key FROM json_each($1) j
             JOIN users u ON u.id = unhex(j.value->>0)
             JOIN sessions s ON s.id = unhex(j.value->>1)
             WHERE s.user_key = u.user_key AND s.ended_at IS NULL AND s.expires_at > j.value->>2"
        ),
        postgres: concat!(
            "SELECT ",
            account_columns!(),
            ", s.device, j.n - 1 FROM json_array_elements($1::json) WITH ORDINALITY AS j (value, n)
             JOIN users u ON u.id = decode(j.value->>0, 'hex')
             JOIN sessions s ON s.id = decode(j.value->>1, 'hex')
             WHERE s.user_key = u.user_key AND s.ended_at IS NULL
               AND s.expires_at > (j.value->>2)::bigint"
        ),
    };
    let list: Vec<(String, String, Millis)> = sessions
        .iter()
        .map(|open| (hex(open.user.as_bytes()), hex(open.session.as_bytes()), open.now))
        .collect();
    let mut found = HashMap::with_capacity(sessions.len());
    for row in conn.all(query, vec![Arg::Text(event_row::to_json(&list))]).await? {
        let place = usize::try_from(row.int(14)?).unwrap_or(usize::MAX);
        found.insert(place, (account_from(&row)?, row.text(13)?));
    }
    Ok(found)
}

/// The first and the last positions of logs; empty ones are missing.
async fn inbox_ends(
    conn: &mut Conn<'_>,
    inboxes: impl Iterator<Item = i64>,
) -> Result<HashMap<RoomKey, (Seq, Seq)>> {
    let query = sql!(
        "SELECT j.room_key, (SELECT min(event_key) FROM events
                             WHERE event_key > j.room_key << 32
                               AND event_key < (j.room_key + 1) << 32),
                            (SELECT max(event_key) FROM events
                             WHERE event_key > j.room_key << 32
                               AND event_key < (j.room_key + 1) << 32)
         FROM "
        [sqlite "(SELECT value AS room_key FROM json_each($1)) j"
         postgres "(SELECT value::bigint AS room_key
                    FROM json_array_elements_text($1::json)) j"]
    );
    let mut ends = HashMap::new();
    for row in conn.all(query, vec![int_list(inboxes)]).await? {
        if let (Some(first), Some(last)) = (row.opt_int(1)?, row.opt_int(2)?) {
            ends.insert(RoomKey(row.int(0)?), (seq_of(first), seq_of(last)));
        }
    }
    Ok(ends)
}
