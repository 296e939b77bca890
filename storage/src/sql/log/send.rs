//! The hot path: messages of all rooms in one statement.

use std::collections::{HashMap, HashSet};

use salon_protocol::content::{Content, Mention, Role};
use salon_protocol::{Cid, ErrorCode, ErrorData, Event, EventData, LogId, Millis, UserId};

use crate::error::Result;
use crate::model::{Committed, OpResult, RoomKey, RoomRef, UserKey, UserRef};
use crate::sql::cids::Used;
use crate::sql::conn::{Arg, Row, blob_list, int_list, sql};
use crate::sql::event_row::{self, EventRow};
use crate::sql::members::FoundMember;
use crate::sql::tail::Said;
use crate::sql::tx::{Head, Key, Tx};

/// A message on its way into a log.
#[derive(Debug)]
pub(crate) struct PendingSend {
    /// Its job in the batch, and its room in the job.
    pub(crate) place: (usize, usize),
    room: RoomRef,
    by: UserRef,
    key: Key,
    content: Content,
    body: String,
}

impl PendingSend {
    pub(crate) fn new(
        place: (usize, usize),
        room: RoomRef,
        by: UserRef,
        cid: Cid,
        content: Content,
    ) -> Self {
        let body = event_row::to_json(&content);
        let hash = content_hash(&[room.id.as_bytes(), body.as_bytes()]);
        PendingSend { place, room, by, key: Key { cid, hash }, content, body }
    }
}

/// What is compared when a `cid` comes again.
pub(crate) fn content_hash(parts: &[&[u8]]) -> i64 {
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest().cast_signed()
}

/// What is stored about a message's sender in its room, and under its `cid`.
struct Found {
    member: Option<FoundMember>,
    earlier: Option<Used>,
}

/// Appends messages in this order, each to its room, and gives one answer for each.
pub(crate) async fn append_messages(tx: &mut Tx, sends: &[PendingSend]) -> Result<Vec<OpResult>> {
    // First the heads: in PostgreSQL this locks the rooms, and what is found below stays true.
    let heads = tx.heads(&rooms_of(sends)).await?;
    let found = find(tx, sends).await?;
    let members = mentioned_members(tx, sends).await?;
    let Decided { said, changed, results } = decide(tx.now, sends, found, heads, &members);
    if !said.is_empty() {
        tx.say(said, &changed).await?;
        if tx.conn.is_postgres() {
            tx.texts_changed.extend(changed.keys());
        }
    }
    Ok(results)
}

/// SQLite, outside of a transaction: appends messages with one statement, which is its own
/// transaction. `None`: nothing was done, and [`append_messages`] has to look closer, since one of
/// them may have been said before, or may not be said.
pub(crate) async fn append_at_once(
    tx: &mut Tx,
    sends: &[PendingSend],
) -> Result<Option<Vec<OpResult>>> {
    let requests = sends.iter().map(|send| (send.by.key, send.key.cid));
    let known: Vec<(UserKey, Cid)> = requests.filter(|request| tx.may_be_used(*request)).collect();
    if !known.is_empty() && !tx.used(&known).await?.is_empty() {
        return Ok(None);
    }
    let heads = tx.heads(&rooms_of(sends)).await?;
    know_senders(tx, sends).await?;
    let found = sends.iter().map(|send| {
        let member = tx.members.get(send.room.key, send.by.key).flatten();
        Found { member, earlier: None }
    });
    let found = found.collect();
    let members = mentioned_members(tx, sends).await?;
    let Decided { said, changed, results } = decide(tx.now, sends, found, heads, &members);
    if said.len() < sends.len() {
        return Ok(None);
    }
    tx.say(said, &changed).await?;
    Ok(Some(results))
}

fn rooms_of(sends: &[PendingSend]) -> Vec<RoomKey> {
    sends.iter().map(|send| send.room.key).collect()
}

/// What becomes of messages.
struct Decided {
    said: Vec<Said>,
    changed: HashMap<RoomKey, Head>,
    results: Vec<OpResult>,
}

fn decide(
    now: Millis,
    sends: &[PendingSend],
    found: Vec<Found>,
    mut heads: HashMap<RoomKey, Head>,
    members: &HashSet<(RoomKey, UserId)>,
) -> Decided {
    let mut said = Vec::with_capacity(sends.len());
    let mut changed = HashMap::with_capacity(heads.len());
    let mut in_batch: HashMap<(UserKey, Cid), Used> = HashMap::with_capacity(sends.len());
    let mut results: Vec<OpResult> = Vec::with_capacity(sends.len());
    for (send, found) in sends.iter().zip(found) {
        let head = heads.entry(send.room.key).or_default();
        let name = (send.by.key, send.key.cid);
        let earlier = found.earlier.or_else(|| in_batch.get(&name).copied());
        let verdict = judge(now, send, found.member.as_ref(), earlier, *head);
        results.push(match verdict {
            Err(refusal) => Err(refusal),
            Ok(Some(earlier)) => Ok(Committed {
                seq: event_row::seq_of(earlier.key),
                at: earlier.at,
                duplicate: true,
                ..Committed::default()
            }),
            Ok(None) => {
                *head = Head { seq: head.seq + 1, at: now.max(head.at) };
                changed.insert(send.room.key, *head);
                let (row, event) = place(send, *head, members);
                let used = Used { key: row.key, at: head.at, hash: send.key.hash };
                in_batch.insert(name, used);
                said.push(Said { row, by: send.by.id });
                Ok(Committed {
                    events: vec![event],
                    seq: head.seq,
                    at: head.at,
                    ..Committed::default()
                })
            }
        });
    }
    Decided { said, changed, results }
}

/// `Ok(Some)`: it was said already; `Ok(None)`: it may be said.
fn judge(
    now: Millis,
    send: &PendingSend,
    member: Option<&FoundMember>,
    earlier: Option<Used>,
    head: Head,
) -> std::result::Result<Option<Used>, ErrorData> {
    let member = member.filter(|member| member.role >= 0).ok_or_else(ErrorData::forbidden_room)?;
    if let Some(earlier) = earlier {
        return if earlier.hash == send.key.hash { Ok(Some(earlier)) } else { Err(cid_taken()) };
    }
    may_write(now, member.barred, member.muted_until)?;
    if send.content.mentions.contains(&Mention::All) && member.role < rank(Role::Admin) {
        let text = "only admins may mention all";
        return Err(ErrorData::new(ErrorCode::Forbidden, text));
    }
    match send.content.reply_to {
        Some(seq) if seq == 0 || seq > head.seq => {
            Err(ErrorData::new(ErrorCode::NotFound, "there is no message to reply to"))
        }
        _ => Ok(None),
    }
}

/// The same `cid` came with another content.
pub(crate) fn cid_taken() -> ErrorData {
    ErrorData::new(ErrorCode::Conflict, "this cid was used for something else")
}

/// Whether a member may say something now.
pub(crate) fn may_write(
    now: Millis,
    barred: bool,
    muted_until: Millis,
) -> std::result::Result<(), ErrorData> {
    if barred {
        let text = "you cannot write to this user";
        return Err(ErrorData::new(ErrorCode::Forbidden, text));
    }
    if muted_until > now {
        let error = ErrorData::new(ErrorCode::Forbidden, "you are muted in this room");
        return Err(error.with_details(serde_json::json!({ "until": muted_until })));
    }
    Ok(())
}

/// A role as a number; below 0 are those who have gone.
pub(crate) const fn rank(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    }
}

fn place(
    send: &PendingSend,
    head: Head,
    members: &HashSet<(RoomKey, UserId)>,
) -> (EventRow, Event) {
    let mut content = send.content.clone();
    let named = content.mentions.len();
    content.mentions.retain(|mention| match mention {
        Mention::User(user) => members.contains(&(send.room.key, *user)),
        Mention::All => true,
    });
    let body = if content.mentions.len() == named {
        send.body.clone()
    } else {
        event_row::to_json(&content)
    };
    let row = EventRow::message(send.room.key, head, send.by.key, send.key, body);
    let message = event_row::new_message(send.by.id, send.key.cid, content, None);
    let data = EventData::NewMessage(message);
    (row, Event { room: LogId::Room(send.room.id), seq: head.seq, at: head.at, data })
}

async fn find(tx: &mut Tx, sends: &[PendingSend]) -> Result<Vec<Found>> {
    if tx.conn.is_postgres() {
        return find_all(tx, sends).await;
    }
    know_senders(tx, sends).await?;
    let requests: Vec<(UserKey, Cid)> =
        sends.iter().map(|send| (send.by.key, send.key.cid)).collect();
    let earlier = tx.used(&requests).await?;
    let found = |send: &PendingSend| Found {
        member: tx.members.get(send.room.key, send.by.key).flatten(),
        earlier: earlier.get(&(send.by.key, send.key.cid)).copied(),
    };
    Ok(sends.iter().map(found).collect())
}

/// SQLite: makes sure that it is remembered what the senders are in their rooms.
async fn know_senders(tx: &mut Tx, sends: &[PendingSend]) -> Result<()> {
    tx.members.bound();
    let unknown = |send: &&PendingSend| tx.members.get(send.room.key, send.by.key).is_none();
    let strangers: Vec<&PendingSend> = sends.iter().filter(unknown).collect();
    if strangers.is_empty() { Ok(()) } else { learn(tx, &strangers).await }
}

/// SQLite: what the senders are in their rooms, to be remembered.
async fn learn(tx: &mut Tx, sends: &[&PendingSend]) -> Result<()> {
    let pairs: Vec<(i64, i64)> =
        sends.iter().map(|send| (send.room.key.0, send.by.key.0)).collect();
    let query = "SELECT m.role, m.muted_until, m.barred, m.room_key, m.user_key
                 FROM json_each($1) j
                 JOIN members m ON m.room_key = j.value->>0 AND m.user_key = j.value->>1";
    let rows = tx.all(query, vec![Arg::Text(event_row::to_json(&pairs))]).await?;
    for send in sends {
        tx.members.learn(send.room.key, send.by.key, None);
    }
    for row in rows {
        let member = found_member(&row, 0)?;
        tx.members.learn(RoomKey(row.int(3)?), UserKey(row.int(4)?), member);
    }
    Ok(())
}

/// PostgreSQL: both at once.
async fn find_all(tx: &mut Tx, sends: &[PendingSend]) -> Result<Vec<Found>> {
    let query = "SELECT j.n - 1, m.role, m.muted_until, m.barred, e.event_key, e.at, e.hash
                 FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
                     WITH ORDINALITY AS j (room_key, user_key, cid, n)
                 LEFT JOIN members m ON m.room_key = j.room_key AND m.user_key = j.user_key
                 LEFT JOIN events e ON e.cid = j.cid AND e.sender_key = j.user_key";
    let params = vec![
        Arg::Ints(sends.iter().map(|send| send.room.key.0).collect()),
        Arg::Ints(sends.iter().map(|send| send.by.key.0).collect()),
        Arg::OptBlobs(sends.iter().map(|send| Some(send.key.cid.as_bytes().to_vec())).collect()),
    ];
    let mut found: Vec<Found> =
        sends.iter().map(|_| Found { member: None, earlier: None }).collect();
    for row in tx.all(query, params).await? {
        let at = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
        if let Some(slot) = found.get_mut(at) {
            *slot = Found { member: found_member(&row, 1)?, earlier: earlier(&row, 4)? };
        }
    }
    Ok(found)
}

fn found_member(row: &Row, at: usize) -> Result<Option<FoundMember>> {
    let Some(role) = row.opt_int(at)? else { return Ok(None) };
    Ok(Some(FoundMember { role, muted_until: row.int(at + 1)?, barred: row.flag(at + 2)? }))
}

fn earlier(row: &Row, at: usize) -> Result<Option<Used>> {
    let Some(key) = row.opt_int(at)? else { return Ok(None) };
    Ok(Some(Used { key, at: row.int(at + 1)?, hash: row.int(at + 2)? }))
}

/// Who of those mentioned is a member; asked only when somebody is mentioned.
async fn mentioned_members(
    tx: &mut Tx,
    sends: &[PendingSend],
) -> Result<HashSet<(RoomKey, UserId)>> {
    let mut users = HashSet::new();
    let mut rooms = HashSet::new();
    for send in sends {
        for mention in &send.content.mentions {
            if let Mention::User(user) = mention {
                users.insert(*user);
                rooms.insert(send.room.key.0);
            }
        }
    }
    if users.is_empty() {
        return Ok(HashSet::new());
    }
    let query = sql!(
        "SELECT m.room_key, u.id FROM users u JOIN members m ON m.user_key = u.user_key
         WHERE m.role >= 0 AND u.id IN " [blobs "$1"] " AND m.room_key IN " [ints "$2"]
    );
    let params = vec![blob_list(users.iter().map(UserId::as_bytes)), int_list(rooms)];
    let rows = tx.all(query, params).await?;
    rows.iter().map(|row| Ok((RoomKey(row.int(0)?), UserId::from_bytes(row.id(1)?)))).collect()
}
