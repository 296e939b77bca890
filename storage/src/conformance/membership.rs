//! Who comes and goes, and who may do what.

use salon_protocol::content::Role;
use salon_protocol::event::{MemberAction, RemovalReason};
use salon_protocol::limits::RECALL_WINDOW_MS;
use salon_protocol::{ErrorCode, EventData, RoomId};
use serde_json::json;
use uuid::Uuid;

use super::{World, code, refused, send, seqs, texts, types};
use crate::model::Change;

pub(super) async fn roles_decide(world: World) {
    let names = ["owner", "admin", "other", "member", "target"];
    let mut users = Vec::new();
    for name in names {
        users.push(world.user(name).await);
    }
    let [owner, admin, other, member, target] = users[..] else { panic!() };
    let room = world.group(owner, &users[1..]).await;
    for user in [admin, other] {
        let promote = Change::SetRole { user: user.id, role: Role::Admin };
        world.op(room, owner, promote).await;
    }
    let until = world.clock_now() + 60_000;
    let forbidden = async |by, change: Change| {
        let shown = format!("{change:?}");
        assert_eq!(code(world.try_op(room, by, change).await), ErrorCode::Forbidden, "{shown}");
    };
    let promote = |user| Change::SetRole { user, role: Role::Admin };
    let rename = Change::Update { name: Some("x".into()), announcement: None, slow_mode_ms: None };
    for change in [
        Change::Kick { user: target.id },
        Change::Mute { user: target.id, until },
        promote(target.id),
        rename.clone(),
        Change::Link { link: Some("l".into()) },
    ] {
        forbidden(member, change).await;
    }
    for user in [other.id, owner.id] {
        forbidden(admin, Change::Kick { user }).await;
        forbidden(admin, Change::Mute { user, until }).await;
        forbidden(admin, promote(target.id)).await;
    }
    world.op(room, admin, rename).await;
    world.op(room, admin, Change::Mute { user: target.id, until }).await;
    world.op(room, admin, Change::Kick { user: target.id }).await;
    world.op(room, owner, Change::Kick { user: other.id }).await;
    let oneself = world.try_op(room, owner, Change::Kick { user: owner.id }).await;
    assert_eq!(code(oneself), ErrorCode::BadRequest);
    let stranger = world.user("stranger").await;
    let missing = world.try_op(room, owner, Change::Kick { user: stranger.id }).await;
    assert_eq!(code(missing), ErrorCode::NotFound);
}

impl World {
    pub(super) fn clock_now(&self) -> i64 {
        use crate::contract::Clock;
        self.clock.now()
    }
}

pub(super) async fn the_owner_hands_over(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    assert_eq!(code(world.try_op(room, ann, Change::Leave).await), ErrorCode::Conflict);
    let hand_over = Change::SetRole { user: bob.id, role: Role::Owner };
    let done = world.op(room, ann, hand_over).await;
    let changes: Vec<_> = done
        .events
        .iter()
        .map(|event| match &event.data {
            EventData::MemberChanged(change) => (change.user, change.role.unwrap()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(changes, [(ann.id, Role::Admin), (bob.id, Role::Owner)]);
    assert_eq!(done.seq, done.events[1].seq);
    world.op(room, ann, Change::Leave).await;
    let inbox = world.inbox(ann).await;
    let EventData::RoomRemoved(removed) = &inbox.last().unwrap().data else { panic!() };
    assert_eq!(removed.reason, RemovalReason::Left);
}

pub(super) async fn who_was_kicked_sees_nothing_more(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let change = send("before");
    world.op(room, bob, change.clone()).await;
    let kicked = world.op(room, ann, Change::Kick { user: bob.id }).await;
    let EventData::MemberChanged(event) = &kicked.events[0].data else { panic!() };
    assert_eq!((event.user, event.action, event.by), (bob.id, MemberAction::Kicked, ann.id));
    assert_eq!(kicked.inbox[0].user, bob.id);
    let page = super::history(salon_protocol::LogId::Room(room.id));
    let foreign = refused(world.store.history(bob.into(), page).await);
    let nowhere = super::history(salon_protocol::LogId::Room(RoomId::new(Uuid::now_v7())));
    let missing = refused(world.store.history(bob.into(), nowhere).await);
    assert_eq!(foreign, missing, "existence is not told");
    assert_eq!(code(world.try_op(room, bob, change).await), ErrorCode::Forbidden);
    let inbox = world.inbox(bob).await;
    let EventData::RoomRemoved(removed) = &inbox.last().unwrap().data else { panic!() };
    assert_eq!((removed.room, removed.reason), (room.id, RemovalReason::Kicked));
}

pub(super) async fn who_comes_again_does_not_see_the_gap(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    world.say(room, ann, "one").await;
    world.op(room, ann, Change::Kick { user: bob.id }).await;
    let gap = world.say(room, ann, "gap").await.seq;
    let back = world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    world.say(room, ann, "two").await;
    let events = world.page(bob, room).await;
    assert_eq!((seqs(&events), texts(&events)), (vec![back.seq, back.seq + 1], vec!["two".into()]));
    let recall = Change::Recall { seq: gap };
    assert_eq!(code(world.try_op(room, bob, recall).await), ErrorCode::NotFound);
    let member = world.store.member(room.key, bob.id).await.unwrap().unwrap();
    assert_eq!((member.joined_seq, member.read), (back.seq, back.seq));
}

pub(super) async fn members_come_by_link_and_invitation(world: World) {
    let (ann, bob, eve) =
        (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let room = world.group(ann, &[]).await;
    world.op(room, ann, Change::Link { link: Some("way-in".into()) }).await;
    assert_eq!(world.store.room_by_link("way-in").await.unwrap(), Some(room.id));
    assert_eq!(world.store.room_by_link("guess").await.unwrap(), None);
    let by_link = Change::Join { link: Some("way-in".into()) };
    let joined = world.op(room, bob, by_link.clone()).await;
    assert_eq!(world.op(room, bob, by_link.clone()).await.seq, joined.seq, "a repetition");
    assert_eq!(types(&world.inbox(bob).await), ["room_joined"]);
    world.op(room, ann, Change::Link { link: None }).await;
    assert_eq!(code(world.try_op(room, eve, by_link).await), ErrorCode::Forbidden);
    // By a member, too; twice is once.
    let invite = Change::Invite { users: vec![eve.id, bob.id, eve.id] };
    let invited = world.op(room, bob, invite.clone()).await;
    assert_eq!((invited.events.len(), invited.inbox.len()), (1, 1));
    assert_eq!(world.op(room, bob, invite).await.events.len(), 0);
    let snapshot = world.store.room(room.id).await.unwrap().unwrap();
    assert_eq!(snapshot.members_count, 3);
}

pub(super) async fn the_last_one_closes_the_room(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    world.op(room, ann, Change::Leave).await;
    assert_eq!(world.store.room(room.id).await.unwrap(), None);
    assert_eq!(code(world.try_op(room, ann, send("hello?")).await), ErrorCode::Forbidden);
}

pub(super) async fn muted_members_are_silent(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let until = world.clock_now() + RECALL_WINDOW_MS;
    let muted = world.op(room, ann, Change::Mute { user: bob.id, until }).await;
    let EventData::MemberChanged(event) = &muted.events[0].data else { panic!() };
    assert_eq!((event.action, event.until), (MemberAction::Muted, Some(until)));
    let refusal = world.try_op(room, bob, send("x")).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    assert_eq!(refusal.details, Some(json!({ "until": until })));
    let again = world.op(room, ann, Change::Mute { user: bob.id, until }).await;
    assert_eq!((again.seq, again.events.len()), (muted.seq, 0));
    world.clock.advance(RECALL_WINDOW_MS);
    world.say(room, bob, "my time is over").await;
    let until = world.clock_now() + 1_000;
    world.op(room, ann, Change::Mute { user: bob.id, until }).await;
    world.op(room, ann, Change::Mute { user: bob.id, until: 0 }).await;
    world.say(room, bob, "free").await;
}

pub(super) async fn who_comes_again_is_still_muted(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let until = world.clock_now() + RECALL_WINDOW_MS;
    world.op(room, ann, Change::Mute { user: bob.id, until }).await;
    world.op(room, bob, Change::Leave).await;
    world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    let refusal = world.try_op(room, bob, send("x")).await.unwrap_err();
    assert_eq!(refusal.details, Some(json!({ "until": until })));
}

pub(super) async fn rooms_change_their_name(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let update = |name: Option<&str>, announcement: Option<&str>, slow_mode_ms| Change::Update {
        name: name.map(str::to_owned),
        announcement: announcement.map(str::to_owned),
        slow_mode_ms,
    };
    let done = world.op(room, ann, update(Some("tea"), Some("at five"), Some(3_000))).await;
    let EventData::RoomUpdated(event) = &done.events[0].data else { panic!() };
    assert_eq!((&event.name, event.slow_mode_ms), (&None, Some(3_000)), "only what changed");
    assert_eq!(event.announcement.as_deref(), Some("at five"));
    assert_eq!(world.op(room, ann, update(None, Some("at five"), None)).await.events, []);
    world.op(room, ann, update(Some("coffee"), Some(""), None)).await;
    let info = world.store.room_info(ann, room.id).await.unwrap();
    assert_eq!((info.name.as_deref(), info.announcement), (Some("coffee"), None));
    assert_eq!(info.slow_mode_ms, 3_000);
    let snapshot = world.store.room(room.id).await.unwrap().unwrap();
    assert_eq!(snapshot.slow_mode_ms, 3_000);
}

pub(super) async fn direct_rooms_have_no_members_to_change(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let id = RoomId::new(Uuid::now_v7());
    let room = world.store.open_direct(ann, bob.id, id).await.unwrap().room;
    for change in [
        Change::Leave,
        Change::Invite { users: vec![bob.id] },
        Change::Kick { user: bob.id },
        Change::SetRole { user: bob.id, role: Role::Admin },
        Change::Link { link: Some("l".into()) },
    ] {
        assert_eq!(code(world.try_op(room, ann, change).await), ErrorCode::Forbidden);
    }
    world.say(room, ann, "fine").await;
}

pub(super) async fn changes_repeat_without_harm(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    for change in [
        Change::SetRole { user: bob.id, role: Role::Admin },
        Change::SetRole { user: bob.id, role: Role::Member },
        Change::Kick { user: bob.id },
    ] {
        let first = world.op(room, ann, change.clone()).await;
        world.say(room, ann, "in between").await;
        let again = world.op(room, ann, change).await;
        assert_eq!((again.seq, again.events.len(), again.inbox.len()), (first.seq, 0, 0));
    }
}
