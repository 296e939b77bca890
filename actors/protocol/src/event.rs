//! Events: what stands in a room's log, or in a user's inbox, for ever and in one order.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::content::{HistoryFor, Mention, MessageKind, Role, RoomKind};
use crate::envelope::{Raw, ServerEnvelope};
use crate::error_code::{ErrorCode, ErrorData};
use crate::ids::{Cid, LogId, Millis, PhotoId, RoomId, Seq, UserId};
use crate::photo::PhotoRole;

mod photos;

pub use photos::*;

/// One entry of a log, as a client sees it, live or in a page of history.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where it stands.
    pub room: LogId,
    /// Its position there.
    pub seq: Seq,
    /// When it was committed; never smaller than that of the event before.
    pub at: Millis,
    /// What happened.
    pub data: EventData,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut frame = serializer.serialize_struct("Event", 5)?;
        frame.serialize_field("type", self.data.name())?;
        frame.serialize_field("room", &self.room)?;
        frame.serialize_field("seq", &self.seq)?;
        frame.serialize_field("at", &self.at)?;
        frame.serialize_field("data", &self.data)?;
        frame.end()
    }
}

impl Event {
    /// Reads an event from the envelope of a frame. For clients.
    pub fn decode(envelope: &ServerEnvelope<'_>) -> Result<Event, ErrorData> {
        let missing = |field| ErrorData::field(field, "is missing");
        Ok(Event {
            room: envelope.room.ok_or_else(|| missing("room"))?,
            seq: envelope.seq.ok_or_else(|| missing("seq"))?,
            at: envelope.at.ok_or_else(|| missing("at"))?,
            data: EventData::from_raw(&envelope.kind, envelope.data)?,
        })
    }

    /// Reads an event out of a list, such as `history` answers. For clients.
    pub fn from_value(value: &Value) -> Result<Event, ErrorData> {
        let text = value.to_string();
        let envelope = ServerEnvelope::decode(crate::Encoding::Json, text.as_bytes())?;
        Event::decode(&envelope)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Event::from_value(&value).map_err(|error| serde::de::Error::custom(error.message))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Event {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "one entry of a log: the same as the frame of that type",
            "required": ["type", "room", "seq", "at", "data"],
            "properties": {
                "type": { "type": "string", "enum": EventData::NAMES },
                "room": { "type": "string", "description": "a room's id, or \"inbox\"" },
                "seq": { "type": "integer", "minimum": 1 },
                "at": { "type": "integer", "description": "epoch milliseconds" },
                "data": { "type": "object" },
            },
        })
    }
}

macro_rules! events {
    ($($(#[doc = $doc:literal])* $name:literal $variant:ident($data:ty);)*) => {
        /// What happened.
        #[derive(Clone, Debug, PartialEq)]
        pub enum EventData {
            $($(#[doc = $doc])* $variant($data),)*
        }

        impl EventData {
            /// All event types.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The frame type.
            pub const fn name(&self) -> &'static str {
                match self { $(EventData::$variant(_) => $name,)* }
            }

            /// Decodes the data of an event of type `kind`.
            pub fn from_raw(kind: &str, data: Raw<'_>) -> Result<EventData, ErrorData> {
                match kind {
                    $($name => data.decode().map(EventData::$variant),)*
                    _ => Err(ErrorData::new(ErrorCode::UnknownType, "not an event")),
                }
            }
        }

        impl Serialize for EventData {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(EventData::$variant(data) => data.serialize(serializer),)* }
            }
        }

        #[cfg(feature = "schema")]
        pub(crate) fn schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<crate::schema::PushSchema> {
            vec![$(crate::schema::PushSchema {
                name: $name,
                about: concat!($($doc),*),
                data: generator.subschema_for::<$data>(),
            }),*]
        }
    };
}

events! {
    /// In a room, always `seq` 1: the room began. In an inbox: one was made its member then.
    "room_created" RoomCreated(RoomCreated);
    /// In a room: somebody came, went, or changed his role or voice.
    "member_changed" MemberChanged(MemberChanged);
    /// In a room: its own properties changed.
    "room_updated" RoomUpdated(RoomUpdated);
    /// In a room: a message.
    "new_message" NewMessage(NewMessage);
    /// In a room: a message was taken back.
    "message_recalled" MessageRecalled(MessageRecalled);
    /// In a room: a message has a new text.
    "message_edited" MessageEdited(MessageEdited);
    /// In a room: somebody reacted to a message, or no longer does.
    "reaction" Reaction(Reaction);
    /// In a photo session: viewers see a photo from now on.
    "new_photo" NewPhoto(NewPhoto);
    /// In a photo session: a photo waits for an editor.
    "photo_pending" PhotoPending(PhotoPending);
    /// In a photo session: the processing of a photo has ended.
    "photo_status_updated" PhotoStatusUpdated(PhotoStatusUpdated);
    /// In a photo session: photos have other titles, tags or places.
    "photos_updated" PhotosUpdated(PhotosUpdated);
    /// In a photo session: photos are not shown any more.
    "photo_deleted" PhotoDeleted(PhotoDeleted);
    /// In a photo session: its own properties changed.
    "session_updated" SessionUpdated(SessionUpdated);
    /// In a photo session: it has ended.
    "session_closed" SessionClosed(SessionClosed);

    /// In an inbox: one became a member of a room.
    "room_joined" RoomJoined(RoomJoined);
    /// In an inbox: one is no longer a member of a room.
    "room_removed" RoomRemoved(RoomRemoved);
    /// In an inbox: one may enter a room with `join_room {room}`.
    "room_invited" RoomInvited(RoomInvited);
    /// In an inbox: one changed a conversation's settings on some device.
    "conversation_updated" ConversationUpdated(ConversationUpdated);
    /// In an inbox: somebody asks to be friends.
    "friend_requested" FriendRequested(FriendRequested);
    /// In an inbox: two are friends now.
    "friend_accepted" FriendAccepted(OneFriend);
    /// In an inbox: two are no longer friends.
    "friend_removed" FriendRemoved(OneFriend);
    /// In an inbox: one changed a friend's remark, or blocked somebody, on some device.
    "friend_updated" FriendUpdated(FriendUpdated);
}

/// Data of `room_created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomCreated {
    /// In an inbox: which room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name; a direct room has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who made it.
    pub by: UserId,
    /// In a room of up to 100 first members: who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<UserId>>,
    /// In a larger room: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// In a room: what later members may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryFor>,
}

/// What changed about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemberAction {
    /// He came: by invitation, link or by himself.
    Joined,
    /// He went.
    Left,
    /// He was put out.
    Kicked,
    /// He has a new role, in `role`.
    Role,
    /// He may not write until `until`.
    Muted,
    /// He may write again.
    Unmuted,
}

/// Data of `member_changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberChanged {
    /// The member.
    pub user: UserId,
    /// What changed.
    pub action: MemberAction,
    /// Who did it.
    pub by: UserId,
    /// With `role`, and with `joined` when it is not `member`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// With `muted`: epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// In a photo session, with `joined` and `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_role: Option<PhotoRole>,
}

/// Data of `room_updated`: only what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomUpdated {
    /// Who did it.
    pub by: UserId,
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new announcement; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// The new pause between messages of a member; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<Millis>,
}

/// When and how often a message was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edited {
    /// Of the last edit.
    pub at: Millis,
    /// 1 for the first edit.
    pub version: u64,
}

/// How often an emoji stands on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReactionSum {
    /// The emoji.
    pub emoji: String,
    /// By how many.
    pub count: u64,
    /// Whether by the reader, too.
    pub mine: bool,
}

/// Data of `new_message`. A recalled one has only `sender`, `cid`, `kind` and `recalled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewMessage {
    /// Who wrote it.
    pub sender: UserId,
    /// The sender's name for it, by which he recognises his own.
    pub cid: Cid,
    /// Its kind.
    pub kind: MessageKind,
    /// The newest text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For `image` and `custom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// Who is named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// If it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
    /// True when it was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recalled: bool,
    /// In a photo session: the photo that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<PhotoId>,
    /// In pages and replays: the reactions so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionSum>,
}

/// Data of `message_recalled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageRecalled {
    /// The message's `seq`.
    pub target: Seq,
    /// Its sender or an admin.
    pub by: UserId,
}

/// Data of `message_edited`. In pages and replays the text is the newest one, whatever the
/// version, and there is none when the message was recalled since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageEdited {
    /// The message's `seq`.
    pub target: Seq,
    /// Its sender.
    pub by: UserId,
    /// The new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// 1 for the first edit.
    pub version: u64,
}

/// Data of `reaction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reaction {
    /// The message's `seq`.
    pub target: Seq,
    /// Who reacts.
    pub user: UserId,
    /// With what.
    pub emoji: String,
    /// False: no longer.
    pub on: bool,
}

/// Data of `room_joined`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomJoined {
    /// The room.
    pub room: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who did it.
    pub by: UserId,
}

/// Why one is no longer a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// One went, on some device.
    Left,
    /// One was put out.
    Kicked,
    /// The room is no more.
    Closed,
}

/// Data of `room_removed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomRemoved {
    /// The room.
    pub room: RoomId,
    /// Why.
    pub reason: RemovalReason,
    /// Who did it.
    pub by: UserId,
}

/// Data of `room_invited`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomInvited {
    /// The room.
    pub room: RoomId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who invites.
    pub by: UserId,
}

/// Data of `conversation_updated`: only what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConversationUpdated {
    /// The room.
    pub room: RoomId,
    /// See `conversation_update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    /// See `conversation_update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// See `conversation_update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// See `conversation_update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
}

/// Data of `friend_requested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendRequested {
    /// Who asks.
    pub user: UserId,
    /// What he says with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Data of `friend_accepted` and `friend_removed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneFriend {
    /// The other one.
    pub user: UserId,
}

/// Data of `friend_updated`: only what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendUpdated {
    /// The other one.
    pub user: UserId,
    /// The new private name; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Whether he is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
}
