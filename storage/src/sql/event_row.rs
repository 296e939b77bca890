//! An event as a row: its key, its kind as a number, its content as JSON.

use salon_protocol::content::{Content, Mention, MessageKind};
use salon_protocol::envelope::Raw;
use salon_protocol::event::{Edited, NewMessage, NewPhoto, RetractedPhoto};
use salon_protocol::{Cid, EventData, Millis, PhotoId, Seq, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::conn::{Arg, Sql, hex, sql};
use super::tx::{Head, Key};
use crate::error::{Result, StoreError};
use crate::model::{RoomKey, UserKey};

/// The key of an event: rooms one after the other, in each the events in order.
pub(crate) const fn key(room: RoomKey, seq: Seq) -> i64 {
    // A room has fewer than 2^32 events, and there are fewer than 2^31 rooms.
    room.0 << 32 | (seq & 0xFFFF_FFFF).cast_signed()
}

/// The position in a key.
pub(crate) const fn seq_of(key: i64) -> Seq {
    (key & 0xFFFF_FFFF).cast_unsigned()
}

/// The room in a key.
pub(crate) const fn room_of(key: i64) -> RoomKey {
    RoomKey(key >> 32)
}

/// A message that can be read.
pub(crate) const MESSAGE: i64 = 1;
/// What is left of a message that was recalled.
pub(crate) const TOMBSTONE: i64 = 2;
/// See [`EventData::MessageRecalled`].
pub(crate) const RECALLED: i64 = 6;
/// See [`EventData::MessageEdited`]: its text is that of the message, never a copy.
pub(crate) const EDITED: i64 = 7;

/// See [`EventData::NewPhoto`]: it names the photo, which is looked up in its table.
pub(crate) const NEW_PHOTO: i64 = 9;
/// What is left of the event that showed a photo, when it is not shown any more.
pub(crate) const RETRACTED_PHOTO: i64 = 16;

/// Kinds besides those of messages, by frame type. Numbers are never used again.
const KINDS: &[(i64, &str)] = &[
    (3, "room_created"),
    (4, "member_changed"),
    (5, "room_updated"),
    (RECALLED, "message_recalled"),
    (EDITED, "message_edited"),
    (8, "reaction"),
    (NEW_PHOTO, "new_photo"),
    (10, "photo_pending"),
    (11, "photo_status_updated"),
    (12, "photos_updated"),
    (13, "photo_deleted"),
    (14, "session_updated"),
    (15, "session_closed"),
    (RETRACTED_PHOTO, "new_photo"),
    (20, "room_joined"),
    (21, "room_removed"),
    (22, "room_invited"),
    (23, "conversation_updated"),
    (24, "friend_requested"),
    (25, "friend_accepted"),
    (26, "friend_removed"),
    (27, "friend_updated"),
];

/// The numbers of the kinds that a frame type is stored as.
pub(crate) fn kinds_of(name: &str) -> Vec<i64> {
    if name == "new_message" {
        return vec![MESSAGE, TOMBSTONE];
    }
    KINDS.iter().filter(|(_, kind)| *kind == name).map(|(number, _)| *number).collect()
}

/// What is kept of a message beside its columns: its [`Content`], and `edited` if it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredMessage {
    pub(crate) kind: MessageKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mentions: Vec<Mention>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) photo: Option<PhotoId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edited: Option<Edited>,
}

/// What is kept of a message that was recalled.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) kind: MessageKind,
    /// The event of the recall: the answer to a second one.
    pub(crate) recall: Seq,
}

/// What is kept of an event that shows a photo.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct StoredPhoto {
    pub(crate) photo: PhotoId,
}

/// A row to be written.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) key: i64,
    pub(crate) at: Millis,
    pub(crate) kind: i64,
    pub(crate) sender: UserKey,
    pub(crate) request: Option<Key>,
    pub(crate) body: String,
}

impl EventRow {
    /// Any event but a message.
    pub(crate) fn new(
        room: RoomKey,
        head: Head,
        sender: UserKey,
        request: Option<Key>,
        data: &EventData,
    ) -> Self {
        let kind = kinds_of(data.name()).first().copied().unwrap_or_default();
        let body = match data {
            // The text stays with the message.
            EventData::MessageEdited(edit) => {
                let mut edit = edit.clone();
                edit.text = None;
                to_json(&edit)
            }
            // The photo stays in its table.
            EventData::NewPhoto(NewPhoto::Shown(photo)) => {
                to_json(&StoredPhoto { photo: photo.photo })
            }
            data => to_json(data),
        };
        EventRow { key: key(room, head.seq), at: head.at, kind, sender, request, body }
    }

    /// A message.
    pub(crate) fn message(
        room: RoomKey,
        head: Head,
        sender: UserKey,
        request: Key,
        body: String,
    ) -> Self {
        let key = key(room, head.seq);
        EventRow { key, at: head.at, kind: MESSAGE, sender, request: Some(request), body }
    }
}

/// Our own types always encode.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a body that we wrote.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Internal(format!("the body of an event: {error}")))
}

/// Inserts many rows: for SQLite from one JSON parameter, for PostgreSQL from arrays.
pub(crate) const INSERT: Sql = sql!(
    "INSERT INTO events (event_key, at, kind, sender_key, cid, hash, body) "
    [sqlite "SELECT value->>0, value->>1, value->>2, value->>3, unhex(value->>4), value->>5,
             value->>6 FROM json_each($1)"
     postgres "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
               $5::bytea[], $6::bigint[], $7::text[])"]
);

/// A row in JSON; the cid is hexadecimal.
type Columns<T> = (i64, Millis, i64, i64, Option<String>, Option<i64>, T);

/// The parameter of [`INSERT`] for SQLite.
pub(crate) fn json<'a>(rows: impl Iterator<Item = &'a EventRow>) -> String {
    let columns: Vec<Columns<&str>> = rows
        .map(|row| {
            let cid = row.request.map(|request| hex(request.cid.as_bytes()));
            let hash = row.request.map(|request| request.hash);
            (row.key, row.at, row.kind, row.sender.0, cid, hash, row.body.as_str())
        })
        .collect();
    to_json(&columns)
}

/// Reads what [`json`] wrote.
pub(crate) fn from_columns(json: &str) -> Result<Vec<EventRow>> {
    let columns: Vec<Columns<String>> = from_json(json)?;
    let row = |(key, at, kind, sender, cid, hash, body): Columns<String>| {
        let cid = cid.map(|cid| Uuid::try_parse(&cid).map(Cid::new)).transpose();
        let cid =
            cid.map_err(|error| StoreError::Internal(format!("the cid of an event: {error}")))?;
        let request = cid.zip(hash).map(|(cid, hash)| Key { cid, hash });
        Ok(EventRow { key, at, kind, sender: UserKey(sender), request, body })
    };
    columns.into_iter().map(row).collect()
}

/// The parameters of [`INSERT`] for PostgreSQL.
pub(crate) fn columns(rows: &[EventRow]) -> Vec<Arg> {
    let cid = |row: &EventRow| row.request.map(|request| request.cid.as_bytes().to_vec());
    vec![
        Arg::Ints(rows.iter().map(|row| row.key).collect()),
        Arg::Ints(rows.iter().map(|row| row.at).collect()),
        Arg::Ints(rows.iter().map(|row| row.kind).collect()),
        Arg::Ints(rows.iter().map(|row| row.sender.0).collect()),
        Arg::OptBlobs(rows.iter().map(cid).collect()),
        Arg::OptInts(rows.iter().map(|row| row.request.map(|request| request.hash)).collect()),
        Arg::Texts(rows.iter().map(|row| row.body.clone()).collect()),
    ]
}

/// From a row to what a client sees, without reactions, without the texts of edits and without photos:
/// those are shells.
pub(crate) fn event_data(
    kind: i64,
    sender: UserId,
    cid: Option<Cid>,
    body: &str,
) -> Result<EventData> {
    let no_cid = || StoreError::Internal("a message without cid".into());
    match kind {
        MESSAGE => {
            let StoredMessage { kind, text, body, reply_to, mentions, photo, edited } =
                from_json(body)?;
            let content = Content { kind, text, body, reply_to, mentions, photo };
            Ok(EventData::NewMessage(new_message(sender, cid.ok_or_else(no_cid)?, content, edited)))
        }
        TOMBSTONE => {
            let Tombstone { kind, .. } = from_json(body)?;
            let cid = cid.ok_or_else(no_cid)?;
            Ok(EventData::NewMessage(NewMessage {
                recalled: true,
                ..new_message(sender, cid, Content::empty(kind), None)
            }))
        }
        NEW_PHOTO | RETRACTED_PHOTO => {
            let StoredPhoto { photo } = from_json(body)?;
            let shell = RetractedPhoto { photo, retracted: true };
            Ok(EventData::NewPhoto(NewPhoto::Retracted(shell)))
        }
        kind => {
            let name = KINDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name);
            let name = name.ok_or_else(|| StoreError::Internal(format!("event kind {kind}")))?;
            EventData::from_raw(name, Raw::Json(body))
                .map_err(|error| StoreError::Internal(format!("event {name}: {}", error.message)))
        }
    }
}

/// A message as a client sees it.
pub(crate) fn new_message(
    sender: UserId,
    cid: Cid,
    content: Content,
    edited: Option<Edited>,
) -> NewMessage {
    let Content { kind, text, body, reply_to, mentions, photo } = content;
    NewMessage {
        sender,
        cid,
        kind,
        text,
        body,
        reply_to,
        mentions,
        edited,
        recalled: false,
        photo,
        reactions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_kind_of_its_own() {
        let mut numbers: Vec<i64> = Vec::new();
        for name in EventData::NAMES {
            let kinds = kinds_of(name);
            assert!(!kinds.is_empty(), "{name}");
            numbers.extend(kinds);
        }
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
    }

    #[test]
    fn keys_take_apart() {
        let packed = key(RoomKey(7), 4_000_000_000);
        assert_eq!((room_of(packed), seq_of(packed)), (RoomKey(7), 4_000_000_000));
        assert!(key(RoomKey(7), u64::from(u32::MAX)) < key(RoomKey(8), 0));
    }
}
