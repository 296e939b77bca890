//! Every answer: the `ok` of each request, the error of each code, the goodbyes.

use std::collections::BTreeMap;

use salon_protocol::close_code::Bye;
use salon_protocol::content::{HistoryFor, MessageKind, Role, RoomKind};
use salon_protocol::event::{Edited, MessageRecalled, NewMessage, ReactionSum};
use salon_protocol::reply::*;
use salon_protocol::{CloseCode, ErrorCode, ErrorData, Event, EventData, limits};
use serde_json::json;

use crate::book::{Vector, bye, error, ok};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = session();
    all.extend(rooms());
    all.extend(messages());
    all.extend(reading());
    all.extend(friends());
    all.extend(errors());
    all.extend(byes());
    all
}

fn profile() -> Profile {
    Profile {
        id: ann(),
        username: Some("ann".into()),
        phone: None,
        nickname: "Ann".into(),
        avatar: None,
        bio: None,
        language: Some("en".into()),
        role: "user".into(),
        created_at: AT,
    }
}

pub(crate) fn bobs_profile() -> PublicProfile {
    PublicProfile { id: bob(), nickname: "Bob".into(), avatar: None, bio: None, deleted: false }
}

fn eves_profile() -> PublicProfile {
    PublicProfile { id: eve(), nickname: String::new(), avatar: None, bio: None, deleted: true }
}

fn announced() -> Limits {
    Limits {
        frame: limits::FRAME_BYTES_MAX,
        text: limits::TEXT_CHARS_MAX,
        page: limits::PAGE_EVENTS_MAX,
        replay_room: limits::REPLAY_ROOM_EVENTS_MAX,
        replay_total: limits::REPLAY_TOTAL_EVENTS_MAX,
        rooms: limits::ROOMS_PER_USER_MAX,
        members_call: limits::MEMBERS_PER_CALL_MAX,
        inflight: limits::INFLIGHT_MAX,
        recall_ms: limits::RECALL_WINDOW_MS,
        upload: limits::UPLOAD_BYTES_MAX,
        chunk: limits::UPLOAD_CHUNK_BYTES,
        rate: BTreeMap::new(),
    }
}

fn session() -> Vec<Vector> {
    let fresh = AuthOk {
        user: profile(),
        session: login(),
        epoch: "b3f1c2d4".into(),
        heartbeat_ms: limits::HEARTBEAT_MS,
        server_time: AT + 1,
        expires_at: AT + 900_000,
        limits: Limits {
            rate: BTreeMap::from([
                ("send".to_owned(), (100, 10_000)),
                ("typing".to_owned(), (10, 10_000)),
            ]),
            ..announced()
        },
        inbox: 0,
        rooms: Vec::new(),
        more_rooms: false,
        stale: Vec::new(),
    };
    let group = RoomHead {
        id: club(),
        kind: RoomKind::Group,
        name: Some("Club".into()),
        seq: 43,
        first_seq: 1,
        read: 41,
        delivered: 41,
        unread: 2,
        unread_more: false,
        role: Role::Owner,
        peer: None,
    };
    let direct = RoomHead {
        id: pair(),
        kind: RoomKind::Direct,
        name: None,
        seq: 2_500,
        read: 0,
        delivered: 0,
        unread: limits::UNREAD_MAX,
        unread_more: true,
        role: Role::Member,
        peer: Some(Peer { user: bob(), read: 2_499, delivered: 2_500 }),
        ..group.clone()
    };
    let resumed = AuthOk {
        inbox: 9,
        rooms: vec![group, direct],
        more_rooms: true,
        stale: vec![pair().to_string()],
        limits: announced(),
        ..fresh.clone()
    };
    vec![
        ok("auth", "auth_ok", "The session is open; there is nothing yet.", Some(1), fresh),
        ok(
            "auth",
            "auth_ok_resumed",
            "Two rooms, one of them too far behind; a server without rate limits.",
            Some(1),
            resumed,
        ),
        ok(
            "auth",
            "auth_ok_renewed",
            "To a second `auth` on the same socket.",
            Some(45),
            AuthRenewed { expires_at: AT + 1_800_000 },
        ),
        ok("ping", "ping_ok", "The server's clock.", Some(2), Pong { server_time: AT }),
        ok(
            "ping",
            "ping_ok_without_ref",
            "To a request without `ref`.",
            None,
            Pong { server_time: AT },
        ),
    ]
}

fn rooms() -> Vec<Vector> {
    let made = |duplicate| RoomMade { room: club(), duplicate };
    let done = |seq| Done { seq, duplicate: false };
    let info = RoomInfo {
        id: club(),
        kind: RoomKind::Group,
        name: Some("Club".into()),
        announcement: Some("Sundays at eight".into()),
        history: HistoryFor::SinceJoin,
        slow_mode_ms: 5_000,
        members: 2,
        online: 1,
        role: Role::Owner,
        muted_until: None,
        link: Some("5f3a6c0d9b1e4f27a8c3d2e1f0b9a876".into()),
        created_at: AT,
        seq: 43,
    };
    let member = MemberItem {
        user: bobs_profile(),
        role: Role::Member,
        joined_seq: 1,
        muted_until: Some(AT + 3_600_000),
    };
    let members = Items { items: vec![member], cursor: Some("AAAAAAAAAAEAAAAAAAAAAQ".into()) };
    let link = Link { link: Some("5f3a6c0d9b1e4f27a8c3d2e1f0b9a876".into()) };
    vec![
        ok("create_room", "create_room_ok", "The new room.", Some(3), made(false)),
        ok("create_room", "create_room_ok_again", "To a repetition.", Some(3), made(true)),
        ok(
            "open_direct",
            "open_direct_ok",
            "The room of two.",
            Some(4),
            RoomMade { room: pair(), duplicate: false },
        ),
        ok(
            "join_room",
            "join_room_ok",
            "Where one's own history begins.",
            Some(5),
            Joined { room: club(), seq: 44 },
        ),
        ok("leave_room", "leave_room_ok", "Gone.", Some(6), done(45)),
        ok("invite", "invite_ok", "The event of the last one who came.", Some(7), done(46)),
        ok("kick", "kick_ok", "He is out.", Some(8), done(47)),
        ok("set_role", "set_role_ok", "He has the role.", Some(9), done(48)),
        ok("mute", "mute_ok", "He is silent.", Some(10), done(49)),
        ok("room_update", "room_update_ok", "It is changed.", Some(12), done(50)),
        ok("room_link", "room_link_ok", "The link.", Some(13), link),
        ok(
            "room_link",
            "room_link_ok_none",
            "There is none any more.",
            Some(13),
            Link { link: None },
        ),
        ok("room_get", "room_get_ok", "As an admin sees it.", Some(14), info),
        ok("room_members", "room_members_ok", "A page; there are more.", Some(15), members),
    ]
}

pub(crate) fn sent(duplicate: bool) -> Sent {
    Sent { room: club(), seq: 42, at: AT, duplicate }
}

fn messages() -> Vec<Vector> {
    let done = |seq| Done { seq, duplicate: false };
    let small = ReadBy {
        members: 2,
        read: Some(vec![bob()]),
        delivered: Some(vec![eve()]),
        read_count: Some(1),
        delivered_count: Some(2),
    };
    let large = ReadBy { members: 300, read: None, delivered: None, ..small.clone() };
    let huge = ReadBy { members: 5_000, read_count: None, delivered_count: None, ..large.clone() };
    vec![
        ok("send_message", "send_message_ok", "It is committed.", Some(16), sent(false)),
        ok(
            "send_message",
            "send_message_ok_again",
            "The first answer again.",
            Some(16),
            sent(true),
        ),
        ok("message_recall", "message_recall_ok", "The event of the recall.", Some(20), done(51)),
        ok("message_edit", "message_edit_ok", "The event of the edit.", Some(21), done(52)),
        ok(
            "message_edit",
            "message_edit_ok_again",
            "The first answer again.",
            Some(21),
            Done { seq: 52, duplicate: true },
        ),
        ok("react", "react_ok", "The event of the reaction.", Some(22), done(53)),
        ok("message_read", "message_read_ok", "The cursor now.", Some(24), done(42)),
        ok("message_delivered", "message_delivered_ok", "Taken.", Some(25), Empty {}),
        ok("read_by", "read_by_ok", "Up to 100 members: who.", Some(26), small),
        ok("read_by", "read_by_ok_large", "Up to 500 members: how many.", Some(26), large),
        ok("read_by", "read_by_ok_huge", "Above: nothing.", Some(26), huge),
        ok("typing", "typing_ok", "Without `ref`, like its request.", None, Empty {}),
    ]
}

fn message() -> NewMessage {
    NewMessage {
        sender: bob(),
        cid: cid(2),
        kind: MessageKind::Text,
        text: Some("hello!".into()),
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        edited: Some(Edited { at: AT + 5_000, version: 1 }),
        recalled: false,
        photo: None,
        reactions: vec![ReactionSum { emoji: "👍".into(), count: 3, mine: true }],
    }
}

/// A recalled message, as it stands at its own `seq`.
pub(crate) fn tombstone() -> NewMessage {
    NewMessage { text: None, edited: None, recalled: true, reactions: Vec::new(), ..message() }
}

fn reading() -> Vec<Vector> {
    let event = |seq, data| Event { room: in_club(), seq, at: AT, data };
    let recalled = MessageRecalled { target: 41, by: bob() };
    let page = History {
        events: vec![
            event(41, EventData::NewMessage(tombstone())),
            event(42, EventData::NewMessage(message())),
            event(43, EventData::MessageRecalled(recalled)),
        ],
        more: true,
    };
    let found = Items { items: vec![event(42, EventData::NewMessage(message()))], cursor: None };
    let group = ConversationItem {
        room: club(),
        kind: RoomKind::Group,
        name: "Club".into(),
        peer: None,
        seq: 43,
        last: Some(event(42, EventData::NewMessage(message()))),
        unread: 2,
        unread_more: false,
        read: 40,
        muted: false,
        pinned: true,
        draft: Some("I thi".into()),
    };
    let direct = ConversationItem {
        room: pair(),
        kind: RoomKind::Direct,
        name: "Bobby".into(),
        peer: Some(Peer { user: bob(), read: 0, delivered: 1 }),
        seq: 1,
        last: None,
        unread: 0,
        pinned: false,
        draft: None,
        ..group.clone()
    };
    let conversations = Conversations {
        items: vec![group, direct],
        cursor: Some("AAABm3wqAAAAAAAAAAAAKg".into()),
        total_unread: Some(2),
    };
    vec![
        ok(
            "history",
            "history_ok",
            "A page with a recalled message and an edited one; there are more.",
            Some(28),
            page,
        ),
        ok(
            "history",
            "history_ok_empty",
            "Nothing there.",
            Some(27),
            History { events: vec![], more: false },
        ),
        ok("search_messages", "search_messages_ok", "The hits.", Some(31), found),
        ok("conversations", "conversations_ok", "A first page.", Some(32), conversations),
        ok("conversation_update", "conversation_update_ok", "Changed.", Some(33), Empty {}),
    ]
}

fn friends() -> Vec<Vector> {
    let state = |state| Friendship { state, blocked: false };
    let friend = FriendItem {
        user: bobs_profile(),
        remark: Some("Bobby".into()),
        online: false,
        last_seen: Some(AT),
        since: AT,
    };
    let gone = FriendItem { user: eves_profile(), remark: None, last_seen: None, ..friend.clone() };
    let asked = FriendRequestItem { user: bobs_profile(), message: None, at: AT };
    let two = || Items { items: vec![bobs_profile(), eves_profile()], cursor: None };
    vec![
        ok(
            "friend_request",
            "friend_request_ok",
            "He is asked.",
            Some(34),
            state(FriendState::Requested),
        ),
        ok("friend_accept", "friend_accept_ok", "Friends.", Some(35), state(FriendState::Friends)),
        ok("friend_reject", "friend_reject_ok", "Turned down.", Some(36), state(FriendState::None)),
        ok(
            "friend_remove",
            "friend_remove_ok",
            "No longer friends.",
            Some(37),
            state(FriendState::None),
        ),
        ok("friend_remark", "friend_remark_ok", "Named.", Some(38), state(FriendState::Friends)),
        ok(
            "friend_block",
            "friend_block_ok",
            "Blocked, while he has asked.",
            Some(39),
            Friendship { state: FriendState::Asked, blocked: true },
        ),
        ok(
            "friends",
            "friends_ok",
            "All of them.",
            Some(40),
            Items { items: vec![friend, gone], cursor: None },
        ),
        ok(
            "friend_requests",
            "friend_requests_ok",
            "One.",
            Some(42),
            Items { items: vec![asked], cursor: None },
        ),
        ok("search_users", "search_users_ok", "Those found.", Some(43), two()),
        ok("users_get", "users_get_ok", "One of them has gone.", Some(44), two()),
    ]
}

fn errors() -> Vec<Vector> {
    let new = |code, message: &str| ErrorData::new(code, message);
    vec![
        error(
            "error_bad_frame",
            "Of no frame the `ref` is known.",
            None,
            new(ErrorCode::BadFrame, "there are bytes behind the frame"),
        ),
        error(
            "error_bad_request",
            "The field is named.",
            Some(16),
            ErrorData::field("seq", "is missing"),
        ),
        error(
            "error_unauthorized",
            "A `bye` and the close follow.",
            Some(1),
            new(ErrorCode::Unauthorized, "the token is not valid"),
        ),
        error(
            "error_forbidden",
            "No such room and a foreign room look the same.",
            Some(16),
            ErrorData::forbidden_room(),
        ),
        error(
            "error_forbidden_until",
            "Muted: until when.",
            Some(16),
            new(ErrorCode::Forbidden, "you are muted in this room")
                .with_details(json!({ "until": AT })),
        ),
        error(
            "error_forbidden_users",
            "Who cannot be invited.",
            Some(7),
            new(ErrorCode::Forbidden, "some users cannot be invited")
                .with_details(json!({ "users": [eve()] })),
        ),
        error(
            "error_not_found",
            "Inside a room that one may see.",
            Some(20),
            new(ErrorCode::NotFound, "there is no such message"),
        ),
        error(
            "error_conflict",
            "The `cid` is taken.",
            Some(16),
            new(ErrorCode::Conflict, "this cid was used for something else"),
        ),
        error(
            "error_conflict_offset",
            "A chunk at a wrong place: where to go on.",
            Some(61),
            new(ErrorCode::Conflict, "the upload goes on elsewhere")
                .with_details(json!({ "offset": 131_072 })),
        ),
        error(
            "error_too_large",
            "A field is too long.",
            Some(16),
            ErrorData::too_large("text", "at most 10000 characters"),
        ),
        error(
            "error_unknown_type",
            "A newer client at an older server.",
            Some(9_007_199_254_740_991),
            new(ErrorCode::UnknownType, "this server does not know such a frame"),
        ),
        error(
            "error_rate_limited",
            "When to try again.",
            Some(16),
            new(ErrorCode::RateLimited, "too many requests of the class send").retry_after(800),
        ),
        error(
            "error_unavailable",
            "Perhaps done: repeat it with the same `cid`.",
            Some(16),
            new(ErrorCode::Unavailable, "the store is unavailable; try again with the same cid")
                .retry_after(1_000),
        ),
        error(
            "error_overloaded",
            "Not done.",
            Some(16),
            new(ErrorCode::Overloaded, "the room is too busy").retry_after(500),
        ),
        error(
            "error_gone",
            "Too late to recall.",
            Some(20),
            new(ErrorCode::Gone, "the time to recall it is over")
                .with_details(json!({ "window_ms": limits::RECALL_WINDOW_MS })),
        ),
        error(
            "error_limit_reached",
            "A count is at its maximum.",
            Some(7),
            new(ErrorCode::LimitReached, "the room is full"),
        ),
        error(
            "error_internal",
            "A fault of the server.",
            Some(16),
            new(ErrorCode::Internal, "internal error"),
        ),
    ]
}

fn byes() -> Vec<Vector> {
    let later =
        |code, retry_after_ms| Bye { retry_after_ms: Some(retry_after_ms), ..Bye::from(code) };
    vec![
        bye("bye_unauthorized", "Log in or refresh first.", CloseCode::Unauthorized.into()),
        bye("bye_session_ended", "Log in again.", CloseCode::SessionEnded.into()),
        bye("bye_disabled", "There is nothing to be done.", CloseCode::Disabled.into()),
        bye("bye_replaced", "Another socket of this device is newer.", CloseCode::Replaced.into()),
        bye("bye_flood", "The client has a fault.", CloseCode::Flood.into()),
        bye("bye_shutdown", "Come back in 3.2 s.", later(CloseCode::Shutdown, 3_200)),
        bye("bye_overloaded", "Come back in 0.7 s.", later(CloseCode::Overloaded, 700)),
    ]
}
