//! Every request, as our own clients encode it.

use salon_protocol::content::{HistoryFor, Mention, MessageKind, Role};
use salon_protocol::request::*;
use salon_protocol::{LogId, Request};
use serde_json::json;

use crate::book::{Vector, request};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = session();
    all.extend(rooms());
    all.extend(messages());
    all.extend(reading());
    all.extend(friends());
    all
}

fn session() -> Vec<Vector> {
    let auth = Auth {
        token: Some("eyJhbGciOiJIUzI1NiJ9.e30.c2VhbA".into()),
        device: Some("ann-phone".into()),
        ..Auth::default()
    };
    let resume = Auth {
        rooms: Some(Positions(vec![(club(), 41), (pair(), 0)])),
        inbox: Some(7),
        epoch: Some("b3f1c2d4".into()),
        ..auth.clone()
    };
    vec![
        request(
            "auth",
            "The first frame of a client without a state.",
            Some(1),
            Request::Auth(auth),
        ),
        request(
            "auth_resume",
            "The first frame of a client that comes back: where to go on.",
            Some(1),
            Request::Auth(resume),
        ),
        request(
            "auth_with_header",
            "The token came in the Authorization header of the upgrade.",
            Some(1),
            Request::Auth(Auth::default()),
        ),
        request("ping", "Are you there, and what time is it?", Some(2), Request::Ping(TypeOnly {})),
    ]
}

fn rooms() -> Vec<Vector> {
    let one = |room| OneRoom { room };
    let create = CreateRoom {
        cid: cid(1),
        name: "Club".into(),
        members: vec![bob()],
        kind: GroupOnly::Group,
        history: HistoryFor::SinceJoin,
    };
    let by_link = JoinRoom { room: None, link: Some("5f3a6c0d9b1e4f27a8c3d2e1f0b9a876".into()) };
    let member = OneMember { room: club(), user: bob() };
    let role = SetRole { room: club(), user: bob(), role: Role::Admin };
    let mute = Mute { room: club(), user: bob(), until: Some(AT + 3_600_000) };
    let update = RoomUpdate {
        room: club(),
        name: Some("Book club".into()),
        announcement: Some("Sundays at eight".into()),
        slow_mode_ms: Some(5_000),
    };
    let members = RoomMembers { room: club(), cursor: None, limit: Some(100) };
    vec![
        request("create_room", "Makes a group.", Some(3), Request::CreateRoom(create)),
        request(
            "open_direct",
            "Finds or makes the room of two.",
            Some(4),
            Request::OpenDirect(OneUser { user: bob() }),
        ),
        request("join_room_by_link", "Enters by a link.", Some(5), Request::JoinRoom(by_link)),
        request(
            "join_room_invited",
            "Enters after an invitation.",
            Some(5),
            Request::JoinRoom(JoinRoom { room: Some(club()), link: None }),
        ),
        request("leave_room", "Leaves a group.", Some(6), Request::LeaveRoom(one(club()))),
        request(
            "invite",
            "Brings others into a group.",
            Some(7),
            Request::Invite(Invite { room: club(), users: vec![bob(), eve()] }),
        ),
        request("kick", "Puts a member out.", Some(8), Request::Kick(member)),
        request("set_role", "Makes a member an admin.", Some(9), Request::SetRole(role)),
        request("mute", "Silences a member for a while.", Some(10), Request::Mute(mute.clone())),
        request(
            "mute_no_longer",
            "Lets a member write again.",
            Some(11),
            Request::Mute(Mute { until: None, ..mute }),
        ),
        request("room_update", "Changes a group.", Some(12), Request::RoomUpdate(update)),
        request(
            "room_link",
            "Makes a link.",
            Some(13),
            Request::RoomLink(RoomLink { room: club(), enabled: true }),
        ),
        request("room_get", "What is this room?", Some(14), Request::RoomGet(one(club()))),
        request("room_members", "Who is in it?", Some(15), Request::RoomMembers(members)),
    ]
}

fn messages() -> Vec<Vector> {
    let send = SendMessage {
        room: club(),
        cid: cid(2),
        kind: MessageKind::Text,
        text: Some("hello".into()),
        body: None,
        reply_to: None,
        mentions: None,
    };
    let answer = SendMessage {
        cid: cid(3),
        text: Some("@Bob 你好 👩‍👩‍👧 – naïve \"quotes\" \\ and a\nnew line".into()),
        reply_to: Some(42),
        mentions: Some(vec![Mention::User(bob()), Mention::All]),
        ..send.clone()
    };
    let image = json!({
        "blob": picture(), "height": 1080, "placeholder": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        "size": 345_678, "width": 1920,
    });
    let image = SendMessage {
        cid: cid(4),
        kind: MessageKind::Image,
        text: Some("the sea".into()),
        body: Some(image),
        ..send.clone()
    };
    let body =
        json!({ "poll": { "ends": null, "open": true, "options": ["a", "b"], "quorum": 0.5 } });
    let custom = SendMessage {
        cid: cid(5),
        kind: MessageKind::Custom,
        text: None,
        body: Some(body),
        ..send.clone()
    };
    let message = OneMessage { room: club(), seq: 42 };
    let edit = MessageEdit { room: club(), seq: 42, cid: Some(cid(6)), text: "hello!".into() };
    let react = React { room: club(), seq: 42, emoji: "👍🏽".into(), on: true };
    let delivered = MessageDelivered { rooms: Positions(vec![(club(), 43), (pair(), 9)]) };
    vec![
        request("send_message", "Says something.", Some(16), Request::SendMessage(send)),
        request(
            "send_message_reply",
            "Answers a message and names people; texts are kept byte for byte.",
            Some(17),
            Request::SendMessage(answer),
        ),
        request(
            "send_message_image",
            "A picture with a caption.",
            Some(18),
            Request::SendMessage(image),
        ),
        request(
            "send_message_custom",
            "A body that the server does not interpret.",
            Some(19),
            Request::SendMessage(custom),
        ),
        request(
            "message_recall",
            "Takes a message back.",
            Some(20),
            Request::MessageRecall(message.clone()),
        ),
        request("message_edit", "Replaces a text.", Some(21), Request::MessageEdit(edit)),
        request("react", "Adds a reaction.", Some(22), Request::React(react.clone())),
        request(
            "react_no_longer",
            "Removes it.",
            Some(23),
            Request::React(React { on: false, ..react }),
        ),
        request(
            "message_read",
            "Has read up to here.",
            Some(24),
            Request::MessageRead(message.clone()),
        ),
        request(
            "message_delivered",
            "Has got up to here.",
            Some(25),
            Request::MessageDelivered(delivered),
        ),
        request("read_by", "Who has read it?", Some(26), Request::ReadBy(message)),
        request(
            "typing",
            "Is typing; without `ref`.",
            None,
            Request::Typing(OneRoom { room: club() }),
        ),
    ]
}

fn reading() -> Vec<Vector> {
    let newest = History { room: in_club(), before: None, after: None, types: None, limit: None };
    let after = History { after: Some(41), limit: Some(200), ..newest.clone() };
    let before = History {
        before: Some(42),
        limit: Some(20),
        types: Some(vec!["new_message".into()]),
        ..newest.clone()
    };
    let inbox = History { room: LogId::Inbox, after: Some(0), ..newest.clone() };
    let search = SearchMessages {
        q: "hello wor".into(),
        room: Some(club()),
        sender: Some(ann()),
        cursor: None,
        limit: Some(20),
    };
    let page = Page { cursor: Some("AAABm3wqAAAAAAAAAAAAKg".into()), limit: Some(50) };
    let update = ConversationUpdate {
        room: club(),
        muted: Some(true),
        pinned: Some(true),
        hidden: Some(false),
        draft: Some("I thi".into()),
    };
    vec![
        request("history", "The newest page.", Some(27), Request::History(newest)),
        request("history_after", "Reads on from a position.", Some(28), Request::History(after)),
        request("history_before", "Reads back, messages only.", Some(29), Request::History(before)),
        request(
            "history_inbox",
            "The inbox from its beginning.",
            Some(30),
            Request::History(inbox),
        ),
        request(
            "search_messages",
            "Searches in one room.",
            Some(31),
            Request::SearchMessages(search),
        ),
        request("conversations", "The second page.", Some(32), Request::Conversations(page)),
        request(
            "conversation_update",
            "Settings of one's own.",
            Some(33),
            Request::ConversationUpdate(update),
        ),
    ]
}

fn friends() -> Vec<Vector> {
    let one = || OneUser { user: bob() };
    let ask = FriendRequest { user: bob(), message: Some("It's Ann, from the club".into()) };
    let remark = FriendRemark { user: bob(), remark: "Bobby".into() };
    let block = FriendBlock { user: eve(), on: true };
    let blocked = Friends { blocked: true, cursor: None, limit: None };
    let outgoing =
        FriendRequests { direction: Direction::Outgoing, cursor: None, limit: Some(100) };
    let search = SearchUsers { q: "bo".into(), limit: Some(10) };
    vec![
        request("friend_request", "Asks to be friends.", Some(34), Request::FriendRequest(ask)),
        request("friend_accept", "Accepts.", Some(35), Request::FriendAccept(one())),
        request(
            "friend_reject",
            "Turns it down, silently.",
            Some(36),
            Request::FriendReject(one()),
        ),
        request(
            "friend_remove",
            "Ends it, or takes a request back.",
            Some(37),
            Request::FriendRemove(one()),
        ),
        request("friend_remark", "A private name.", Some(38), Request::FriendRemark(remark)),
        request("friend_block", "Blocks.", Some(39), Request::FriendBlock(block)),
        request("friends", "One's friends.", Some(40), Request::Friends(Friends::default())),
        request("friends_blocked", "Those whom one blocks.", Some(41), Request::Friends(blocked)),
        request(
            "friend_requests",
            "Requests that one has made.",
            Some(42),
            Request::FriendRequests(outgoing),
        ),
        request("search_users", "Finds users.", Some(43), Request::SearchUsers(search)),
        request(
            "users_get",
            "Who are they?",
            Some(44),
            Request::UsersGet(UsersGet { ids: vec![bob(), eve()] }),
        ),
    ]
}
