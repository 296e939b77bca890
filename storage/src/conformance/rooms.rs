//! Rooms.

use salon_protocol::content::{HistoryFor, Role, RoomKind};
use salon_protocol::{ErrorCode, EventData, RoomId, UserId};
use serde_json::json;
use uuid::Uuid;

use super::{World, cid, refused, types};
use crate::model::{Change, CursorUpdate, FriendChange, NewGroup};

fn group(members: Vec<UserId>) -> NewGroup {
    NewGroup {
        id: RoomId::new(Uuid::now_v7()),
        cid: cid(),
        name: "tea".into(),
        members,
        history: HistoryFor::SinceJoin,
    }
}

pub(super) async fn a_group_begins_with_its_members(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let made = world.make_group(ann, &[bob, ann, bob], HistoryFor::All).await;
    assert_eq!(made.joined, [ann.id, bob.id]);
    let events = world.page(bob, made.room).await;
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    let EventData::RoomCreated(created) = &event.data else { panic!("{event:?}") };
    assert_eq!((event.seq, created.by, created.history), (1, ann.id, Some(HistoryFor::All)));
    assert_eq!(created.members, Some(vec![ann.id, bob.id]));
    for user in [ann, bob] {
        let inbox = world.inbox(user).await;
        let EventData::RoomCreated(told) = &inbox[0].data else { panic!("{inbox:?}") };
        assert_eq!((told.room, told.members.as_ref()), (Some(made.room.id), None));
        assert!(made.inbox.iter().any(|event| event.event == inbox[0]));
    }
    let snapshot = world.store.room(made.room.id).await.unwrap().unwrap();
    assert_eq!((snapshot.head, snapshot.members_count), (1, 2));
    assert_eq!(snapshot.kind, RoomKind::Group);
}

pub(super) async fn a_room_is_made_once_per_cid(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let new = group(vec![bob.id]);
    let first = world.store.create_group(ann, new.clone()).await.unwrap();
    let again = NewGroup { id: RoomId::new(Uuid::now_v7()), ..new.clone() };
    let second = world.store.create_group(ann, again).await.unwrap();
    assert_eq!((second.room, second.duplicate), (first.room, true));
    assert_eq!(world.inbox(bob).await.len(), 1);
    let other = NewGroup { name: "coffee".into(), ..new.clone() };
    let refusal = refused(world.store.create_group(ann, other).await);
    assert_eq!(refusal.code, ErrorCode::Conflict);
    // Another user's cid is another name.
    let of_bob = NewGroup { id: RoomId::new(Uuid::now_v7()), ..new };
    let third = world.store.create_group(bob, of_bob).await.unwrap();
    assert!(!third.duplicate && third.room != first.room);
}

pub(super) async fn unknown_and_blocked_members_are_named(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let nobody = UserId::new(Uuid::now_v7());
    let refusal = refused(world.store.create_group(ann, group(vec![bob.id, nobody])).await);
    assert_eq!(refusal.code, ErrorCode::BadRequest);
    assert_eq!(refusal.details, Some(json!({ "users": [nobody] })));
    let block = FriendChange::Block { on: true };
    world.store.change_friend(bob, ann.id, block).await.unwrap();
    let refusal = refused(world.store.create_group(ann, group(vec![bob.id])).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    assert_eq!(refusal.details, Some(json!({ "users": [bob.id] })));
    assert_eq!(world.inbox(ann).await, [], "nothing of it was done");
}

pub(super) async fn two_have_one_direct_room(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let id = || RoomId::new(Uuid::now_v7());
    let (one, other) = tokio::join!(
        world.store.open_direct(ann, bob.id, id()),
        world.store.open_direct(bob, ann.id, id()),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.room, other.room);
    assert_eq!(one.joined.len() + other.joined.len(), 2, "one of them made it");
    let events = world.page(ann, one.room).await;
    assert_eq!(types(&events), ["room_created"]);
    for user in [ann, bob] {
        let created = types(&world.inbox(user).await);
        assert_eq!(created.iter().filter(|name| **name == "room_created").count(), 1);
    }
    let snapshot = world.store.room(one.room.id).await.unwrap().unwrap();
    assert_eq!(snapshot.kind, RoomKind::Direct);
}

pub(super) async fn strangers_have_no_direct_room(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.group(ann, &[bob]).await;
    let id = || RoomId::new(Uuid::now_v7());
    let stranger = refused(world.store.open_direct(ann, bob.id, id()).await);
    let nobody = refused(world.store.open_direct(ann, UserId::new(Uuid::now_v7()), id()).await);
    assert_eq!(stranger.code, ErrorCode::Forbidden);
    assert_eq!(stranger, nobody, "who does not exist looks like a stranger");
    let oneself = refused(world.store.open_direct(ann, ann.id, id()).await);
    assert_eq!(oneself.code, ErrorCode::BadRequest);
}

pub(super) async fn snapshots_tell_the_members(world: World) {
    let (ann, bob, eve) =
        (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let room = world.group(ann, &[bob, eve]).await;
    world.say(room, bob, "hello").await;
    world.op(room, eve, Change::Leave).await;
    let snapshot = world.store.room(room.id).await.unwrap().unwrap();
    assert_eq!((snapshot.room, snapshot.head, snapshot.members_count), (room, 3, 2));
    let members = snapshot.members.unwrap();
    let shown: Vec<_> = members.iter().map(|member| (member.user, member.role)).collect();
    assert_eq!(shown, [(ann, Role::Owner), (bob, Role::Member)]);
    let member = world.store.member(room.key, bob.id).await.unwrap().unwrap();
    assert_eq!((member.joined_seq, member.read, member.barred), (1, 1, false));
    assert_eq!(world.store.member(room.key, eve.id).await.unwrap(), None);
    assert_eq!(world.store.room(RoomId::new(Uuid::now_v7())).await.unwrap(), None);
}

pub(super) async fn cursors_only_grow(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let save = async |read, delivered| {
        let update = CursorUpdate { room: room.key, user: bob.key, read, delivered };
        world.store.save_cursors(vec![update]).await.unwrap();
        let member = world.store.member(room.key, bob.id).await.unwrap().unwrap();
        (member.read, member.delivered)
    };
    assert_eq!(save(3, 5).await, (3, 5));
    assert_eq!(save(2, 7).await, (3, 7));
    assert_eq!(save(4, 1).await, (4, 7));
}

pub(super) async fn who_has_read_is_told(world: World) {
    let (ann, bob, eve) =
        (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let room = world.group(ann, &[bob, eve]).await;
    let seq = world.say(room, ann, "hello").await.seq;
    let cursors = [(bob, seq, seq), (eve, 1, seq)];
    let updates = cursors.map(|(user, read, delivered)| CursorUpdate {
        room: room.key,
        user: user.key,
        read,
        delivered,
    });
    world.store.save_cursors(updates.to_vec()).await.unwrap();
    let answer = world.store.read_by(ann, room.id, seq).await.unwrap();
    assert_eq!((answer.members, answer.read_count, answer.delivered_count), (2, Some(1), Some(2)));
    assert_eq!((answer.read, answer.delivered), (Some(vec![bob.id]), Some(vec![eve.id])));
    let missing = refused(world.store.read_by(ann, room.id, 99).await);
    assert_eq!(missing.code, ErrorCode::NotFound);
    let stranger = world.user("stranger").await;
    let foreign = refused(world.store.read_by(stranger, room.id, seq).await);
    assert_eq!(foreign.code, ErrorCode::Forbidden);
}

pub(super) async fn rooms_tell_about_themselves(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    world.op(room, ann, Change::Link { link: Some("secret-link".into()) }).await;
    let info = world.store.room_info(ann, room.id).await.unwrap();
    assert_eq!((info.name.as_deref(), info.members, info.seq), (Some("tea"), 2, 1));
    assert_eq!((info.role, info.link.as_deref()), (Role::Owner, Some("secret-link")));
    let info = world.store.room_info(bob, room.id).await.unwrap();
    assert_eq!((info.role, info.link), (Role::Member, None));
    let stranger = world.user("stranger").await;
    let foreign = refused(world.store.room_info(stranger, room.id).await);
    let missing = refused(world.store.room_info(stranger, RoomId::new(Uuid::now_v7())).await);
    assert_eq!(foreign, missing);
}

pub(super) async fn members_are_listed_by_role(world: World) {
    let ann = world.user("ann").await;
    let mut members = Vec::new();
    for number in 0..4 {
        members.push(world.user(&format!("member{number}")).await);
    }
    let room = world.group(ann, &members).await;
    let promote = Change::SetRole { user: members[2].id, role: Role::Admin };
    world.op(room, ann, promote).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.store.room_members(ann, room.id, cursor.as_deref(), 2).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.user.nickname.clone()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["ann", "member2", "member0", "member1", "member3"]);
}
