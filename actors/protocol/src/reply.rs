//! The `data` of `ok` answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::{HistoryFor, Role, RoomKind};
use crate::event::Event;
use crate::ids::{Millis, RoomId, Seq, SessionId, UserId};

macro_rules! reply {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }
    };
}

mod photos;

pub use photos::*;

/// Nothing more to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Empty {}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
    /// Names the next page; absent on the last one. Opaque, valid for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

reply! {
    /// To `ping`.
    Pong {
        /// The server's clock.
        server_time: Millis,
    }
}

reply! {
    /// To `auth`.
    AuthOk {
        /// Who one is.
        user: Profile,
        /// The login that this socket belongs to.
        session: SessionId,
        /// Names the store; positions of another epoch mean nothing.
        epoch: String,
        /// How often the server sends WebSocket pings.
        heartbeat_ms: Millis,
        /// The server's clock.
        server_time: Millis,
        /// When the access token ends. The socket lives on with its login.
        expires_at: Millis,
        /// Bounds to keep.
        limits: Limits,
        /// Head of the inbox.
        inbox: Seq,
        /// The rooms named in the request and the 200 newest.
        rooms: Vec<RoomHead>,
        /// True when there are more; `conversations` lists them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more_rooms: bool,
        /// Rooms (or `inbox`) of which nothing is replayed: read them with `history`.
        stale: Vec<String>,
    }
}

reply! {
    /// To a second `auth` on the same socket.
    AuthRenewed {
        /// When the new access token ends.
        expires_at: Millis,
    }
}

reply! {
    /// Bounds of this server.
    Limits {
        /// Bytes of one frame.
        frame: usize,
        /// Characters of a text message.
        text: usize,
        /// Events of a page of history.
        page: usize,
        /// Events that are replayed into one room.
        replay_room: u64,
        /// Events that are replayed in all.
        replay_total: u64,
        /// Rooms that one may be a member of.
        rooms: u64,
        /// Users in one `create_room` or `invite`.
        members_call: usize,
        /// Requests that may wait for their answer.
        inflight: usize,
        /// How long a message can be recalled.
        recall_ms: Millis,
        /// Bytes of an uploaded file.
        upload: u64,
        /// Bytes of a chunk of it.
        chunk: usize,
        /// By class of request, as `[count, per_ms]`; absent when there are no rate limits.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        rate: BTreeMap<String, (u32, Millis)>,
    }
}

reply! {
    /// Where the other one in a direct room is.
    Peer {
        /// The other one.
        user: UserId,
        /// His read cursor.
        read: Seq,
        /// His delivered cursor.
        delivered: Seq,
    }
}

reply! {
    /// A room in the answer to `auth`.
    RoomHead {
        /// The room.
        id: RoomId,
        /// Its kind.
        kind: RoomKind,
        /// Its name; a direct room has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The newest event.
        seq: Seq,
        /// The first event that one may read.
        first_seq: Seq,
        /// One's read cursor.
        read: Seq,
        /// One's delivered cursor.
        delivered: Seq,
        /// Messages of others above the read cursor, up to 999.
        unread: u64,
        /// True when there are more than 999.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unread_more: bool,
        /// One's role.
        role: Role,
        /// In a direct room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<Peer>,
    }
}

reply! {
    /// A user as he sees himself. Also the body of `GET /api/users/me`.
    Profile {
        /// The user.
        id: UserId,
        /// If he has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// If he has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<String>,
        /// What others call him.
        nickname: String,
        /// The address of a picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar: Option<String>,
        /// About himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bio: Option<String>,
        /// A language tag, such as `en` or `zh-CN`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// `user`, `admin` or `guest`.
        role: String,
        /// Since when.
        created_at: Millis,
    }
}

reply! {
    /// A user as others see him.
    PublicProfile {
        /// The user.
        id: UserId,
        /// What others call him.
        nickname: String,
        /// The address of a picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar: Option<String>,
        /// About himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bio: Option<String>,
        /// True when the account is gone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        deleted: bool,
    }
}

reply! {
    /// To `create_room` and `open_direct`.
    RoomMade {
        /// The room.
        room: RoomId,
        /// True when this is the answer to a repetition.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
}

reply! {
    /// To `join_room`.
    Joined {
        /// The room.
        room: RoomId,
        /// The event of the joining.
        seq: Seq,
    }
}

reply! {
    /// To changing requests: where their event stands.
    Done {
        /// The event, or for `message_read` the cursor.
        seq: Seq,
        /// True when this is the answer to a repetition with a `cid`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
}

reply! {
    /// To `send_message`.
    Sent {
        /// The room.
        room: RoomId,
        /// The message's position: with the room its identity.
        seq: Seq,
        /// When it was committed.
        at: Millis,
        /// True when this is the answer to a repetition.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    }
}

reply! {
    /// To `room_link`.
    Link {
        /// What `join_room` takes; absent when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    }
}

reply! {
    /// To `room_get`.
    RoomInfo {
        /// The room.
        id: RoomId,
        /// Its kind.
        kind: RoomKind,
        /// Its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its announcement.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        announcement: Option<String>,
        /// What later members may read.
        history: HistoryFor,
        /// The pause between messages of a member; 0: none.
        slow_mode_ms: Millis,
        /// How many members.
        members: u64,
        /// How many of them are there now.
        online: u64,
        /// One's role.
        role: Role,
        /// Until when one may not write.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted_until: Option<Millis>,
        /// The link by which it is entered; only admins see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
        /// Since when.
        created_at: Millis,
        /// The newest event.
        seq: Seq,
    }
}

reply! {
    /// An item of `room_members`.
    MemberItem {
        /// The member.
        user: PublicProfile,
        /// His role.
        role: Role,
        /// The event of his joining.
        joined_seq: Seq,
        /// Until when he may not write.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted_until: Option<Millis>,
    }
}

reply! {
    /// To `read_by`. Up to 100 members: who; up to 500: how many; above: nothing.
    ReadBy {
        /// How many members besides the sender.
        members: u64,
        /// Who has read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read: Option<Vec<UserId>>,
        /// Who has got it and not read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivered: Option<Vec<UserId>>,
        /// How many have read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_count: Option<u64>,
        /// How many have got it, read or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivered_count: Option<u64>,
    }
}

reply! {
    /// To `history`.
    History {
        /// Ascending by `seq`.
        events: Vec<Event>,
        /// Whether there are more in the direction that was asked for.
        more: bool,
    }
}

reply! {
    /// To `conversations`.
    Conversations {
        /// The items.
        items: Vec<ConversationItem>,
        /// Names the next page; absent on the last one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// On the first page: unread messages in all rooms that are not muted, each counted up
        /// to 999.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total_unread: Option<u64>,
    }
}

reply! {
    /// An item of `conversations`.
    ConversationItem {
        /// The room.
        room: RoomId,
        /// Its kind.
        kind: RoomKind,
        /// Its name; of a direct room the friend's remark or nickname.
        name: String,
        /// In a direct room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<Peer>,
        /// The newest event.
        seq: Seq,
        /// The newest message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<Event>,
        /// Messages of others above the read cursor, up to 999.
        unread: u64,
        /// True when there are more than 999.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unread_more: bool,
        /// One's read cursor.
        read: Seq,
        /// No notifications.
        muted: bool,
        /// Above all others.
        pinned: bool,
        /// What is written but not sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draft: Option<String>,
    }
}

/// How two users stand to each other, seen from one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FriendState {
    /// Nothing.
    None,
    /// One has asked the other.
    Requested,
    /// The other has asked.
    Asked,
    /// Friends.
    Friends,
}

reply! {
    /// To the `friend_…` requests.
    Friendship {
        /// How it stands now.
        state: FriendState,
        /// Whether one blocks the other.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        blocked: bool,
    }
}

reply! {
    /// An item of `friends`.
    FriendItem {
        /// The friend.
        user: PublicProfile,
        /// One's private name for him.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<String>,
        /// Whether he is there now.
        online: bool,
        /// When he was last there, if he is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<Millis>,
        /// Since when they are friends, or he is blocked.
        since: Millis,
    }
}

reply! {
    /// An item of `friend_requests`.
    FriendRequestItem {
        /// The other one.
        user: PublicProfile,
        /// What was said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// When.
        at: Millis,
    }
}
