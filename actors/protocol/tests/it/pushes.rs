//! Every event and every signal.

use salon_protocol::content::{HistoryFor, Mention, MessageKind, Role, RoomKind};
use salon_protocol::event::*;
use salon_protocol::signal::{CursorMoved, Presence, Typing};
use salon_protocol::{Event, EventData, LogId, Signal, SignalData};
use serde_json::json;

use crate::answers::tombstone;
use crate::book::{Vector, event, signal};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = in_rooms();
    all.extend(messages());
    all.extend(in_inboxes());
    all.extend(signals());
    all
}

fn of_club(name: &str, about: &str, seq: u64, data: EventData) -> Vector {
    event(name, about, Event { room: in_club(), seq, at: AT, data })
}

fn of_inbox(name: &str, about: &str, seq: u64, data: EventData) -> Vector {
    event(name, about, Event { room: LogId::Inbox, seq, at: AT, data })
}

fn created() -> RoomCreated {
    RoomCreated {
        room: None,
        kind: RoomKind::Group,
        name: Some("Club".into()),
        by: ann(),
        members: Some(vec![ann(), bob()]),
        count: None,
        history: Some(HistoryFor::SinceJoin),
    }
}

fn in_rooms() -> Vec<Vector> {
    let large = RoomCreated { members: None, count: Some(150), ..created() };
    let direct = RoomCreated { kind: RoomKind::Direct, name: None, history: None, ..created() };
    let change = |action| MemberChanged {
        user: bob(),
        action,
        by: ann(),
        role: None,
        until: None,
        photo_role: None,
    };
    let role = MemberChanged { role: Some(Role::Admin), ..change(MemberAction::Role) };
    let muted = MemberChanged { until: Some(AT + 3_600_000), ..change(MemberAction::Muted) };
    let member = |name, about, seq, data| of_club(name, about, seq, EventData::MemberChanged(data));
    let updated = RoomUpdated {
        by: ann(),
        name: Some("Book club".into()),
        announcement: Some(String::new()),
        slow_mode_ms: None,
    };
    vec![
        of_club(
            "room_created",
            "The first event of a group.",
            1,
            EventData::RoomCreated(created()),
        ),
        of_club(
            "room_created_large",
            "Of a group of more than 100.",
            1,
            EventData::RoomCreated(large),
        ),
        event(
            "room_created_direct",
            "Of a room of two.",
            Event {
                room: LogId::Room(pair()),
                seq: 1,
                at: AT,
                data: EventData::RoomCreated(direct),
            },
        ),
        member("member_changed_joined", "He came.", 44, change(MemberAction::Joined)),
        member(
            "member_changed_left",
            "He went.",
            45,
            MemberChanged { by: bob(), ..change(MemberAction::Left) },
        ),
        member(
            "member_changed_kicked",
            "He was put out; to him, the room's last event.",
            47,
            change(MemberAction::Kicked),
        ),
        member("member_changed_role", "He is an admin now.", 48, role),
        member("member_changed_muted", "He may not write.", 49, muted),
        member("member_changed_unmuted", "He may again.", 50, change(MemberAction::Unmuted)),
        of_club(
            "room_updated",
            "A new name, and no announcement any more.",
            50,
            EventData::RoomUpdated(updated),
        ),
    ]
}

fn messages() -> Vec<Vector> {
    let text = NewMessage {
        sender: ann(),
        cid: cid(2),
        kind: MessageKind::Text,
        text: Some("hello".into()),
        recalled: false,
        ..tombstone()
    };
    let reply = NewMessage {
        cid: cid(3),
        text: Some("@Bob 你好 👩‍👩‍👧 – naïve \"quotes\" \\ and a\nnew line".into()),
        reply_to: Some(42),
        mentions: vec![Mention::User(bob()), Mention::All],
        ..text.clone()
    };
    let body = json!({ "blob": picture(), "height": 1080, "size": 345_678, "width": 1920 });
    let image = NewMessage {
        cid: cid(4),
        kind: MessageKind::Image,
        text: None,
        body: Some(body),
        ..text.clone()
    };
    let body = json!({ "float": 0.5, "largest": i64::MAX, "least": i64::MIN, "null": null });
    let custom = NewMessage { kind: MessageKind::Custom, body: Some(body), ..image.clone() };
    let recalled = MessageRecalled { target: 42, by: ann() };
    let edited = MessageEdited { target: 42, by: ann(), text: Some("hello!".into()), version: 1 };
    let without = MessageEdited { text: None, ..edited.clone() };
    let reaction = Reaction { target: 42, user: bob(), emoji: "👍🏽".into(), on: true };
    let message = |name, about, seq, data| of_club(name, about, seq, EventData::NewMessage(data));
    let last = Event {
        room: in_club(),
        seq: (1 << 53) - 1,
        at: (1 << 53) - 1,
        data: EventData::NewMessage(text.clone()),
    };
    vec![
        message("new_message", "A message.", 42, text),
        message("new_message_reply", "An answer that names people.", 43, reply),
        message("new_message_image", "A picture.", 44, image),
        message("new_message_custom", "The extremes of numbers in a body.", 45, custom),
        message("new_message_recalled", "What is left of a recalled message.", 41, tombstone()),
        event("new_message_largest", "The largest position and time.", last),
        of_club(
            "message_recalled",
            "A message was taken back.",
            51,
            EventData::MessageRecalled(recalled),
        ),
        of_club(
            "message_edited",
            "A message has a new text.",
            52,
            EventData::MessageEdited(edited),
        ),
        of_club(
            "message_edited_recalled",
            "An edit of a message that was recalled since.",
            52,
            EventData::MessageEdited(without),
        ),
        of_club("reaction", "Somebody reacts.", 53, EventData::Reaction(reaction.clone())),
        of_club(
            "reaction_no_longer",
            "He does no longer.",
            54,
            EventData::Reaction(Reaction { on: false, ..reaction }),
        ),
    ]
}

fn in_inboxes() -> Vec<Vector> {
    let made = RoomCreated { room: Some(club()), members: None, history: None, ..created() };
    let joined =
        RoomJoined { room: club(), kind: RoomKind::Group, name: Some("Club".into()), by: ann() };
    let removed = |reason| EventData::RoomRemoved(RoomRemoved { room: club(), reason, by: ann() });
    let invited = RoomInvited { room: club(), name: Some("Club".into()), by: ann() };
    let updated = ConversationUpdated {
        room: club(),
        muted: Some(true),
        pinned: None,
        hidden: None,
        draft: Some(String::new()),
    };
    let asks = FriendRequested { user: ann(), message: Some("It's Ann, from the club".into()) };
    let friend = OneFriend { user: bob() };
    let remark = FriendUpdated { user: bob(), remark: Some("Bobby".into()), blocked: None };
    let blocked = FriendUpdated { user: eve(), remark: None, blocked: Some(true) };
    vec![
        of_inbox(
            "room_created_inbox",
            "One is a member of a new room.",
            1,
            EventData::RoomCreated(made),
        ),
        of_inbox("room_joined", "One is a member of a room.", 2, EventData::RoomJoined(joined)),
        of_inbox(
            "room_removed_left",
            "One has left, on some device.",
            3,
            removed(RemovalReason::Left),
        ),
        of_inbox("room_removed_kicked", "One was put out.", 4, removed(RemovalReason::Kicked)),
        of_inbox("room_removed_closed", "The room is no more.", 5, removed(RemovalReason::Closed)),
        of_inbox("room_invited", "One may enter.", 6, EventData::RoomInvited(invited)),
        of_inbox(
            "conversation_updated",
            "Muted, and the draft is gone.",
            7,
            EventData::ConversationUpdated(updated),
        ),
        of_inbox("friend_requested", "Somebody asks.", 8, EventData::FriendRequested(asks)),
        of_inbox("friend_accepted", "Friends.", 9, EventData::FriendAccepted(friend.clone())),
        of_inbox("friend_removed", "No longer.", 10, EventData::FriendRemoved(friend)),
        of_inbox("friend_updated", "A private name.", 11, EventData::FriendUpdated(remark)),
        of_inbox(
            "friend_updated_blocked",
            "One blocks him.",
            12,
            EventData::FriendUpdated(blocked),
        ),
    ]
}

fn signals() -> Vec<Vector> {
    let of_club = |name, about, data| signal(name, about, Signal { room: Some(in_club()), data });
    let moved = CursorMoved { user: bob(), seq: 42 };
    let here = Presence { user: bob(), online: true, last_seen: None };
    let away = Presence { online: false, last_seen: Some(AT), ..here };
    let presence = |name, about, data| {
        signal(name, about, Signal { room: None, data: SignalData::Presence(data) })
    };
    vec![
        of_club("signal_message_read", "He has read up to here.", SignalData::MessageRead(moved)),
        of_club(
            "signal_message_delivered",
            "He has got up to here.",
            SignalData::MessageDelivered(moved),
        ),
        of_club("signal_typing", "He is typing.", SignalData::Typing(Typing { user: bob() })),
        presence("signal_presence_online", "A friend came.", here),
        presence("signal_presence_away", "A friend went.", away),
    ]
}
