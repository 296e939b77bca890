//! Everything that a client can ask: one variant, one frame type.
//!
//! Decoding also checks what can be checked without knowing anything else, so that a request that
//! reaches an actor is well-formed.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::content::{
    Content, HistoryFor, Mention, MessageKind, Role, check_content, check_text, check_words,
};
use crate::decode::{or_default, or_yes, word, word_or_default};
use crate::envelope::{Raw, RequestEnvelope};
use crate::error_code::{ErrorCode, ErrorData};
use crate::event::EventData;
use crate::ids::{Cid, INTEGER_MAX, LogId, Millis, RoomId, Seq, UserId};
use crate::limits;
#[cfg(feature = "schema")]
use crate::reply;

mod photos;

pub use photos::*;

/// What a request's data promises by itself.
trait Check {
    fn check(&self) -> Result<(), ErrorData> {
        Ok(())
    }
}

macro_rules! requests {
    ($($(#[doc = $doc:literal])* $name:literal $variant:ident($data:ty) -> $reply:ty;)*) => {
        /// A request of a client, decoded and well-formed.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[doc = $doc])* $variant($data),)*
        }

        impl Request {
            /// All frame types.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The frame type.
            pub const fn name(&self) -> &'static str {
                match self { $(Request::$variant(_) => $name,)* }
            }

            /// Decodes and checks the data of a frame of type `kind`.
            pub fn from_raw(kind: &str, data: Raw<'_>) -> Result<Request, ErrorData> {
                match kind {
                    $($name => {
                        let data: $data = data.decode()?;
                        data.check()?;
                        Ok(Request::$variant(data))
                    })*
                    _ => {
                        let code = ErrorCode::UnknownType;
                        Err(ErrorData::new(code, "this server does not know such a frame"))
                    }
                }
            }
        }

        /// Encodes like the data of its frame.
        impl Serialize for Request {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Request::$variant(data) => data.serialize(serializer),)* }
            }
        }

        #[cfg(feature = "schema")]
        pub(crate) fn schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<crate::schema::RequestSchema> {
            vec![$(crate::schema::RequestSchema {
                name: $name,
                about: concat!($($doc),*),
                data: generator.subschema_for::<$data>(),
                reply: generator.subschema_for::<$reply>(),
            }),*]
        }
    };
}

requests! {
    /// Opens the session of this socket, once; again only to renew it with a newer token.
    "auth" Auth(Auth) -> reply::AuthOk;
    /// Asks for a sign of life and the server's time.
    "ping" Ping(TypeOnly) -> reply::Pong;

    /// Makes a group room with its first members; the asker is its owner.
    "create_room" CreateRoom(CreateRoom) -> reply::RoomMade;
    /// Finds or makes the room of two people.
    "open_direct" OpenDirect(OneUser) -> reply::RoomMade;
    /// Enters a room by its link, or after an invitation by its id.
    "join_room" JoinRoom(JoinRoom) -> reply::Joined;
    /// Leaves a group room.
    "leave_room" LeaveRoom(OneRoom) -> reply::Done;
    /// Brings users into a group room.
    "invite" Invite(Invite) -> reply::Done;
    /// Puts a member out of a group room.
    "kick" Kick(OneMember) -> reply::Done;
    /// Gives a member a role; `owner` hands the room over.
    "set_role" SetRole(SetRole) -> reply::Done;
    /// Silences a member of a group room for a while.
    "mute" Mute(Mute) -> reply::Done;
    /// Changes name, announcement or slow mode of a group room.
    "room_update" RoomUpdate(RoomUpdate) -> reply::Done;
    /// Makes, renews or withdraws the link by which a group room is entered.
    "room_link" RoomLink(RoomLink) -> reply::Link;
    /// Tells what a room is and how many are in it.
    "room_get" RoomGet(OneRoom) -> reply::RoomInfo;
    /// Lists the members of a room.
    "room_members" RoomMembers(RoomMembers) -> reply::Items<reply::MemberItem>;

    /// Says something in a room.
    "send_message" SendMessage(SendMessage) -> reply::Sent;
    /// Takes a message back: its content disappears for everybody.
    "message_recall" MessageRecall(OneMessage) -> reply::Done;
    /// Replaces the text of one's own message.
    "message_edit" MessageEdit(MessageEdit) -> reply::Done;
    /// Adds or removes one's reaction to a message.
    "react" React(React) -> reply::Done;
    /// Moves one's read cursor up to a message.
    "message_read" MessageRead(MessageRead) -> reply::Done;
    /// Moves one's delivered cursors.
    "message_delivered" MessageDelivered(MessageDelivered) -> reply::Empty;
    /// Asks who has read a message.
    "read_by" ReadBy(OneMessage) -> reply::ReadBy;
    /// Tells the room that one is typing.
    "typing" Typing(OneRoom) -> reply::Empty;
    /// Reads a page of a room's log, or of the inbox.
    "history" History(History) -> reply::History;
    /// Searches the text of messages in one's rooms.
    "search_messages" SearchMessages(SearchMessages) -> reply::Items<crate::Event>;

    /// Lists one's conversations, the newest first, pinned ones before all.
    "conversations" Conversations(Page) -> reply::Conversations;
    /// Changes what only oneself sees of a conversation.
    "conversation_update" ConversationUpdate(ConversationUpdate) -> reply::Empty;

    /// Asks somebody to be friends; if he has asked already, you are friends at once.
    "friend_request" FriendRequest(FriendRequest) -> reply::Friendship;
    /// Accepts a request.
    "friend_accept" FriendAccept(OneUser) -> reply::Friendship;
    /// Turns a request down; the asker is not told.
    "friend_reject" FriendReject(OneUser) -> reply::Friendship;
    /// Ends a friendship.
    "friend_remove" FriendRemove(OneUser) -> reply::Friendship;
    /// Gives a friend a private name.
    "friend_remark" FriendRemark(FriendRemark) -> reply::Friendship;
    /// Blocks a user, or lets him in again.
    "friend_block" FriendBlock(FriendBlock) -> reply::Friendship;
    /// Lists friends with their presence, or those whom one blocks.
    "friends" Friends(Friends) -> reply::Items<reply::FriendItem>;
    /// Lists open requests, incoming or outgoing.
    "friend_requests" FriendRequests(FriendRequests) -> reply::Items<reply::FriendRequestItem>;
    /// Finds users by exact phone number, exact username or beginning of the nickname.
    "search_users" SearchUsers(SearchUsers) -> reply::Items<reply::PublicProfile>;
    /// Reads public profiles.
    "users_get" UsersGet(UsersGet) -> reply::Items<reply::PublicProfile>;

    /// Makes a live photo session; the asker is its owner.
    "photo_session_create" PhotoSessionCreate(PhotoSessionCreate) -> reply::SessionMade;
    /// Lists the sessions that one is a member of, the newest first.
    "photo_session_list" PhotoSessionList(Page) -> reply::Items<reply::SessionInfo>;
    /// Tells what a session is.
    "photo_session_get" PhotoSessionGet(OneSession) -> reply::SessionInfo;
    /// Changes a session.
    "photo_session_update" PhotoSessionUpdate(PhotoSessionUpdate) -> reply::SessionChanged;
    /// Ends a session: viewers go, its members keep it.
    "photo_session_close" PhotoSessionClose(OneSession) -> reply::Done;
    /// Removes a session with all its photos, for ever.
    "photo_session_delete" PhotoSessionDelete(OneSession) -> reply::Empty;
    /// Gives somebody a role in a session, or puts him out.
    "photo_session_member" PhotoSessionMember(PhotoSessionMember) -> reply::Done;
    /// Enters a session as a viewer, on this socket.
    "join_session" JoinSession(JoinSession) -> reply::SessionInfo;
    /// Leaves a session that one views.
    "leave_session" LeaveSession(OneSession) -> reply::Empty;
    /// Asks for what opens the pictures of a session.
    "session_media" SessionMedia(OneSession) -> reply::Media;

    /// Begins an upload, or goes on with it.
    "photo_upload_begin" PhotoUploadBegin(PhotoUploadBegin) -> reply::UploadBegun;
    /// Sends a piece of a file.
    "photo_upload_chunk" PhotoUploadChunk(PhotoUploadChunk) -> reply::UploadAt;
    /// Says that the file is complete: it becomes a photo.
    "photo_upload_commit" PhotoUploadCommit(OneUpload) -> reply::PhotoMade;
    /// Gives an upload up.
    "photo_upload_abort" PhotoUploadAbort(OneUpload) -> reply::Empty;

    /// Lists photos, pinned ones first, in their order.
    "photo_list" PhotoList(PhotoList) -> reply::Items<crate::photo::Photo>;
    /// Tells everything about a photo.
    "photo_get" PhotoGet(OnePhoto) -> reply::PhotoInfo;
    /// Changes photos: shows or hides them, titles, tags, order.
    "photo_update" PhotoUpdate(PhotoUpdate) -> reply::Done;
    /// Removes photos, for ever.
    "photo_delete" PhotoDelete(Photos) -> reply::Done;
    /// Likes photos, or puts them into a list.
    "photo_mark" PhotoMark(PhotoMark) -> reply::Empty;
    /// Lists the lists of a session: one's own, or for those who work on it everybody's.
    "photo_selections" PhotoSelections(OneSession) -> reply::Items<reply::SelectionItem>;
    /// Writes a list as a text for other programs.
    "photo_selection_export" PhotoSelectionExport(PhotoSelectionExport) -> reply::Export;
    /// Says something about a photo.
    "photo_comment" PhotoComment(PhotoComment) -> reply::Sent;
    /// Reads what was said about a photo.
    "photo_comments" PhotoComments(PhotoComments) -> reply::History;
    /// Asks for a ZIP of photos.
    "photo_download" PhotoDownload(PhotoDownload) -> reply::DownloadReady;
}

impl Request {
    /// Decodes the data behind an envelope.
    pub fn decode(envelope: &RequestEnvelope<'_>) -> Result<Request, ErrorData> {
        Request::from_raw(&envelope.kind, envelope.data)
    }
}

/// Refuses a position that not every client can hold.
fn check_seq(field: &str, seq: impl Into<Option<Seq>>) -> Result<(), ErrorData> {
    match seq.into() {
        Some(seq) if seq > INTEGER_MAX => Err(ErrorData::field(field, "expected 0 to 2^53-1")),
        _ => Ok(()),
    }
}

/// No data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypeOnly {}
impl Check for TypeOnly {}

/// Room ids with the last `seq` that the client holds of each; 0 means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(pub Vec<(RoomId, Seq)>);

impl Positions {
    fn check(&self) -> Result<(), ErrorData> {
        self.0.iter().try_for_each(|(_, seq)| check_seq("rooms", *seq))
    }
}

impl Serialize for Positions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(room, seq)| (room, seq)))
    }
}

impl<'de> Deserialize<'de> for Positions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Positions;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a map from room ids to positions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Positions, A::Error> {
                let mut positions = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    positions.push(entry);
                }
                Ok(Positions(positions))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Positions {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Positions".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "room ids and the last seq that the client holds of each",
            "additionalProperties": { "type": "integer", "minimum": 0 },
        })
    }
}

/// Data of `auth`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Auth {
    /// The access token; absent when it came in the header of the upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The installation's own name, 1 to 64 of `[A-Za-z0-9._-]`; absent: that of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where to go on in rooms; a room that is not here gets no replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Positions>,
    /// Where to go on in the inbox; absent: from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<Seq>,
    /// The store that the positions are of; absent: trust them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}
impl Check for Auth {
    fn check(&self) -> Result<(), ErrorData> {
        self.device.as_deref().map_or(Ok(()), check_device)?;
        self.rooms.as_ref().map_or(Ok(()), Positions::check)?;
        check_seq("inbox", self.inbox)
    }
}

/// A device id: 1 to 64 characters of `[A-Za-z0-9._-]`.
pub fn check_device(device: &str) -> Result<(), ErrorData> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=limits::DEVICE_CHARS_MAX).contains(&device.len()) && device.bytes().all(allowed) {
        Ok(())
    } else {
        Err(ErrorData::field("device", "expected 1 to 64 characters of [A-Za-z0-9._-]"))
    }
}

/// Names a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneRoom {
    /// The room.
    pub room: RoomId,
}
impl Check for OneRoom {}

/// Names a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneUser {
    /// The user.
    pub user: UserId,
}
impl Check for OneUser {}

/// Names a member of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneMember {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
}
impl Check for OneMember {}

/// Names a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OneMessage {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub seq: Seq,
}
impl Check for OneMessage {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("seq", self.seq)
    }
}

/// Data of `message_read`.
pub type MessageRead = OneMessage;

/// Data of `create_room`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateRoom {
    /// See [`Cid`].
    pub cid: Cid,
    /// 1 to 100 characters.
    pub name: String,
    /// Up to 200 first members; the owner is one by himself.
    #[serde(default, deserialize_with = "or_default")]
    pub members: Vec<UserId>,
    /// Only `group` can be made in this way.
    #[serde(default, deserialize_with = "word_or_default")]
    pub kind: GroupOnly,
    /// What later members may read; `since_join` if absent.
    #[serde(default, deserialize_with = "word_or_default")]
    pub history: HistoryFor,
}

/// The kinds of room that `create_room` makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupOnly {
    /// A group.
    #[default]
    Group,
}

impl Check for CreateRoom {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("name", &self.name, limits::ROOM_NAME_CHARS_MAX)?;
        check_users("members", &self.members)
    }
}

fn check_users(field: &str, users: &[UserId]) -> Result<(), ErrorData> {
    if users.len() > limits::MEMBERS_PER_CALL_MAX {
        let reason = format!("at most {} users", limits::MEMBERS_PER_CALL_MAX);
        return Err(ErrorData::too_large(field, reason));
    }
    Ok(())
}

/// Data of `join_room`: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinRoom {
    /// A room that one was invited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// A link that `room_link` made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}
impl Check for JoinRoom {
    fn check(&self) -> Result<(), ErrorData> {
        match (&self.room, &self.link) {
            (Some(_), None) => Ok(()),
            (None, Some(link)) if (1..=64).contains(&link.len()) => Ok(()),
            (None, Some(_)) => Err(ErrorData::field("link", "is not a link")),
            _ => Err(ErrorData::field("room", "either \"room\" or \"link\" is needed")),
        }
    }
}

/// Data of `invite`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invite {
    /// The room.
    pub room: RoomId,
    /// Up to 200 users.
    pub users: Vec<UserId>,
}
impl Check for Invite {
    fn check(&self) -> Result<(), ErrorData> {
        if self.users.is_empty() {
            return Err(ErrorData::field("users", "is empty"));
        }
        check_users("users", &self.users)
    }
}

/// Data of `set_role`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetRole {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
    /// His new role.
    #[serde(deserialize_with = "word")]
    pub role: Role,
}
impl Check for SetRole {}

/// Data of `mute`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mute {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
    /// Until when, in epoch milliseconds; absent or 0: he may write again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}
impl Check for Mute {
    fn check(&self) -> Result<(), ErrorData> {
        let fits = self.until.is_none_or(|until| (0..=INTEGER_MAX as i64).contains(&until));
        if fits { Ok(()) } else { Err(ErrorData::field("until", "is not a time")) }
    }
}

/// Data of `room_update`; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomUpdate {
    /// The room.
    pub room: RoomId,
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 0 to 2,000 characters; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// The pause between two messages of a member, in milliseconds up to one hour; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<Millis>,
}
impl Check for RoomUpdate {
    fn check(&self) -> Result<(), ErrorData> {
        if let Some(name) = &self.name {
            check_text("name", name, limits::ROOM_NAME_CHARS_MAX)?;
        }
        if let Some(text) = &self.announcement {
            check_words("announcement", text, limits::ANNOUNCEMENT_CHARS_MAX)?;
        }
        match self.slow_mode_ms {
            Some(pause) if !(0..=limits::SLOW_MODE_MS_MAX).contains(&pause) => {
                Err(ErrorData::field("slow_mode_ms", "expected 0 to 3600000"))
            }
            _ => Ok(()),
        }
    }
}

/// Data of `room_link`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomLink {
    /// The room.
    pub room: RoomId,
    /// True makes a new link, which replaces an older one; false withdraws it.
    pub enabled: bool,
}
impl Check for RoomLink {}

/// Data of `room_members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomMembers {
    /// The room.
    pub room: RoomId,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for RoomMembers {
    fn check(&self) -> Result<(), ErrorData> {
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

fn check_limit(limit: Option<usize>, max: usize) -> Result<(), ErrorData> {
    match limit {
        Some(limit) if !(1..=max).contains(&limit) => {
            Err(ErrorData::field("limit", format!("expected 1 to {max}")))
        }
        _ => Ok(()),
    }
}

/// Data of `send_message`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendMessage {
    /// The room.
    pub room: RoomId,
    /// See [`Cid`].
    pub cid: Cid,
    /// What kind of message.
    #[serde(deserialize_with = "word")]
    pub kind: MessageKind,
    /// 1 to 10,000 characters, kept byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For `image` and `custom`: at most 8 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// Members, or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Vec<Mention>>,
}

impl SendMessage {
    /// The message's own content, without where it goes.
    pub fn into_content(self) -> (RoomId, Cid, Content) {
        let SendMessage { room, cid, kind, text, body, reply_to, mentions } = self;
        let mentions = mentions.unwrap_or_default();
        (room, cid, Content { kind, text, body, reply_to, mentions, photo: None })
    }
}

impl Check for SendMessage {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("reply_to", self.reply_to)?;
        let mentions = self.mentions.as_deref().unwrap_or_default();
        check_content(self.kind, self.text.as_deref(), self.body.as_ref(), mentions)
    }
}

/// Data of `message_edit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageEdit {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub seq: Seq,
    /// Optional here: without it, a repetition is another edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<Cid>,
    /// The new text.
    pub text: String,
}
impl Check for MessageEdit {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("seq", self.seq)?;
        check_text("text", &self.text, limits::TEXT_CHARS_MAX)
    }
}

/// Data of `react`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct React {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub seq: Seq,
    /// 1 to 64 bytes without white space.
    pub emoji: String,
    /// True adds, false removes.
    pub on: bool,
}
impl Check for React {
    fn check(&self) -> Result<(), ErrorData> {
        check_seq("seq", self.seq)?;
        let fits = (1..=limits::EMOJI_BYTES_MAX).contains(&self.emoji.len());
        if fits && !self.emoji.chars().any(|c| c.is_whitespace() || c.is_control()) {
            Ok(())
        } else {
            Err(ErrorData::field("emoji", "expected 1 to 64 bytes without white space"))
        }
    }
}

/// Data of `message_delivered`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageDelivered {
    /// Up to where the device has got each of up to 200 rooms; rooms of others are ignored.
    pub rooms: Positions,
}
impl Check for MessageDelivered {
    fn check(&self) -> Result<(), ErrorData> {
        if self.rooms.0.len() > limits::ROOMS_NEWEST_MAX {
            return Err(ErrorData::too_large("rooms", "at most 200 rooms"));
        }
        self.rooms.check()
    }
}

/// Data of `history`; `before` and `after` are exclusive, none of them: the newest page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History {
    /// A room, or `inbox`.
    pub room: LogId,
    /// Only events below this `seq`, the nearest first chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// Only events above this `seq`, the nearest first chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
    /// Only events of these types; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// 1 to 200, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for History {
    fn check(&self) -> Result<(), ErrorData> {
        if self.before.is_some() && self.after.is_some() {
            return Err(ErrorData::field("after", "\"before\" and \"after\" exclude each other"));
        }
        check_seq("before", self.before)?;
        check_seq("after", self.after)?;
        // Each once is all there is.
        if self.types.iter().flatten().count() > EventData::NAMES.len() {
            let reason = format!("at most {} types", EventData::NAMES.len());
            return Err(ErrorData::too_large("types", reason));
        }
        let known = |kind: &String| EventData::NAMES.contains(&kind.as_str());
        if !self.types.iter().flatten().all(known) {
            return Err(ErrorData::field("types", "there is no such event"));
        }
        check_limit(self.limit, limits::PAGE_EVENTS_MAX)
    }
}

/// Data of `search_messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchMessages {
    /// All words must be there; the last one may be a beginning.
    pub q: String,
    /// Only in this room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Only by this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for SearchMessages {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("q", &self.q, limits::QUERY_CHARS_MAX)?;
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Data of lists that need nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for Page {
    fn check(&self) -> Result<(), ErrorData> {
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Data of `conversation_update`; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConversationUpdate {
    /// The room.
    pub room: RoomId,
    /// No notifications; events come all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    /// Above all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Not in the list until the next message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// What is written but not sent; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
}
impl Check for ConversationUpdate {
    fn check(&self) -> Result<(), ErrorData> {
        let draft = self.draft.as_deref();
        draft.map_or(Ok(()), |draft| check_words("draft", draft, limits::DRAFT_CHARS_MAX))
    }
}

/// Data of `friend_request`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendRequest {
    /// Who is asked.
    pub user: UserId,
    /// What is said with it, up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
impl Check for FriendRequest {
    fn check(&self) -> Result<(), ErrorData> {
        let message = self.message.as_deref();
        message
            .map_or(Ok(()), |text| check_words("message", text, limits::FRIEND_MESSAGE_CHARS_MAX))
    }
}

/// Data of `friend_remark`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendRemark {
    /// The friend.
    pub user: UserId,
    /// Up to 64 characters; empty: none.
    pub remark: String,
}
impl Check for FriendRemark {
    fn check(&self) -> Result<(), ErrorData> {
        check_words("remark", &self.remark, limits::REMARK_CHARS_MAX)
    }
}

/// Data of `friend_block`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendBlock {
    /// The user.
    pub user: UserId,
    /// True if absent.
    #[serde(default = "yes", deserialize_with = "or_yes")]
    pub on: bool,
}
impl Check for FriendBlock {}

fn yes() -> bool {
    true
}

/// Data of `friends`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Friends {
    /// True: those whom one blocks, instead of friends.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for Friends {
    fn check(&self) -> Result<(), ErrorData> {
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Which way a friend request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To oneself.
    #[default]
    Incoming,
    /// From oneself.
    Outgoing,
}

/// Data of `friend_requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FriendRequests {
    /// `incoming` if absent.
    #[serde(default, deserialize_with = "word_or_default")]
    pub direction: Direction,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for FriendRequests {
    fn check(&self) -> Result<(), ErrorData> {
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Data of `search_users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchUsers {
    /// A phone number, a username, or the beginning of a nickname.
    pub q: String,
    /// 1 to 100, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
impl Check for SearchUsers {
    fn check(&self) -> Result<(), ErrorData> {
        check_text("q", &self.q, limits::NICKNAME_CHARS_MAX)?;
        check_limit(self.limit, limits::LIST_ITEMS_MAX)
    }
}

/// Data of `users_get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsersGet {
    /// Up to 200.
    pub ids: Vec<UserId>,
}
impl Check for UsersGet {
    fn check(&self) -> Result<(), ErrorData> {
        if self.ids.len() > limits::USERS_PER_CALL_MAX {
            return Err(ErrorData::too_large("ids", "at most 200 users"));
        }
        Ok(())
    }
}
