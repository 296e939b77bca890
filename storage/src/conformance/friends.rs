//! Friends.

use salon_protocol::reply::FriendState;
use salon_protocol::request::{Direction, Page};
use salon_protocol::{ErrorCode, RoomId, UserId};
use uuid::Uuid;

use super::{World, code, refused, send, types};
use crate::model::{CursorUpdate, FriendChange, FriendChanged, UserRef};

fn ask() -> FriendChange {
    FriendChange::Request { message: Some("hi".into()) }
}

async fn change(world: &World, by: UserRef, peer: UserRef, change: FriendChange) -> FriendChanged {
    world.store.change_friend(by, peer.id, change).await.unwrap()
}

async fn open(world: &World, by: UserRef, peer: UserRef) -> Result<RoomId, ErrorCode> {
    let id = RoomId::new(Uuid::now_v7());
    match world.store.open_direct(by, peer.id, id).await {
        Ok(made) => Ok(made.room.id),
        error => Err(refused(error).code),
    }
}

pub(super) async fn friends_are_made_by_two(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let asked = change(&world, ann, bob, ask()).await;
    assert_eq!(asked.state.state, FriendState::Requested);
    assert_eq!(asked.inbox.iter().map(|told| told.user).collect::<Vec<_>>(), [bob.id]);
    assert_eq!(change(&world, ann, bob, ask()).await.inbox, [], "a repetition tells nobody");

    let incoming = Direction::Incoming;
    let requests = world.store.friend_requests(bob, incoming, 0, None, 10).await.unwrap();
    assert_eq!(requests.items[0].user.id, ann.id);
    assert_eq!(requests.items[0].message.as_deref(), Some("hi"));
    let outgoing = Direction::Outgoing;
    let requests = world.store.friend_requests(ann, outgoing, 0, None, 10).await.unwrap();
    assert_eq!(requests.items[0].user.id, bob.id);

    let accepted = change(&world, bob, ann, FriendChange::Accept).await;
    assert_eq!((accepted.state.state, accepted.see_each_other), (FriendState::Friends, Some(true)));
    assert_eq!(types(&world.inbox(ann).await), ["friend_accepted"]);
    assert_eq!(types(&world.inbox(bob).await), ["friend_requested", "friend_accepted"]);
    assert_eq!(change(&world, bob, ann, FriendChange::Accept).await.inbox, []);
    assert_eq!(change(&world, ann, bob, ask()).await.inbox, []);
    assert_eq!(world.store.watchers(ann).await.unwrap(), [bob.id]);
    let friends = world.store.friends(ann, false, None, 10).await.unwrap();
    assert_eq!(friends.items[0].user.id, bob.id);

    let oneself = world.store.change_friend(ann, ann.id, ask()).await;
    assert_eq!(refused(oneself).code, ErrorCode::BadRequest);
    let nobody = world.store.change_friend(ann, UserId::new(Uuid::now_v7()), ask()).await;
    assert_eq!(refused(nobody).code, ErrorCode::NotFound);
}

pub(super) async fn requests_that_cross_make_friends(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    change(&world, ann, bob, ask()).await;
    let crossed = change(&world, bob, ann, ask()).await;
    assert_eq!(crossed.state.state, FriendState::Friends);
    assert_eq!(types(&world.inbox(ann).await), ["friend_accepted"]);
    assert_eq!(types(&world.inbox(bob).await), ["friend_requested", "friend_accepted"]);
}

pub(super) async fn a_rejection_is_silent(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    change(&world, ann, bob, ask()).await;
    let rejected = change(&world, bob, ann, FriendChange::Reject).await;
    assert_eq!((rejected.state.state, rejected.inbox), (FriendState::None, vec![]));
    let requests = world.store.friend_requests(bob, Direction::Incoming, 0, None, 10).await;
    assert_eq!(requests.unwrap().items, []);
    // The asker sees nothing of it, and asking again does not bother the other.
    let requests = world.store.friend_requests(ann, Direction::Outgoing, 0, None, 10).await;
    assert_eq!(requests.unwrap().items.len(), 1);
    assert_eq!(change(&world, ann, bob, ask()).await.inbox, []);
    let accept = world.store.change_friend(bob, ann.id, FriendChange::Accept).await;
    assert_eq!(refused(accept).code, ErrorCode::NotFound);
    // After a long time he may ask again.
    world.clock.advance(31 * 24 * 3600 * 1000);
    assert_eq!(change(&world, ann, bob, ask()).await.inbox.len(), 1);
}

pub(super) async fn a_friendship_ends(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let room = open(&world, ann, bob).await.unwrap();
    let room = world.store.room(room).await.unwrap().unwrap().room;
    world.say(room, ann, "hello").await;
    let removed = change(&world, ann, bob, FriendChange::Remove).await;
    assert_eq!(removed.direct, Some(room.id));
    assert_eq!(removed.see_each_other, Some(false));
    assert_eq!(types(&world.inbox(bob).await).last(), Some(&"friend_removed"));
    assert_eq!(code(world.try_op(room, bob, send("you there?")).await), ErrorCode::Forbidden);
    assert_eq!(world.page(bob, room).await.len(), 2, "what was said stays readable");
    world.befriend(bob, ann).await;
    world.say(room, bob, "again").await;
    assert_eq!(change(&world, ann, bob, FriendChange::Remove).await.inbox.len(), 2);
    assert_eq!(change(&world, ann, bob, FriendChange::Remove).await.inbox, []);
}

pub(super) async fn a_block_stops_requests_and_rooms(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let room = open(&world, ann, bob).await.unwrap();
    let room = world.store.room(room).await.unwrap().unwrap().room;
    let blocked = change(&world, bob, ann, FriendChange::Block { on: true }).await;
    assert!(blocked.state.blocked);
    assert_eq!((blocked.direct, blocked.see_each_other), (Some(room.id), Some(false)));
    assert_eq!(blocked.inbox[0].user, bob.id, "only the blocker is told");
    assert_eq!(change(&world, bob, ann, FriendChange::Block { on: true }).await.inbox, []);
    for user in [ann, bob] {
        assert_eq!(code(world.try_op(room, user, send("x")).await), ErrorCode::Forbidden);
        assert_eq!(world.store.watchers(user).await.unwrap(), []);
    }
    assert_eq!(open(&world, ann, bob).await, Err(ErrorCode::Forbidden));
    let request = world.store.change_friend(ann, bob.id, ask()).await;
    assert_eq!(refused(request).code, ErrorCode::Forbidden);
    let listed = world.store.friends(bob, true, None, 10).await.unwrap();
    assert_eq!(listed.items[0].user.id, ann.id);
    assert_eq!(world.store.friends(bob, false, None, 10).await.unwrap().items, []);
    let freed = change(&world, bob, ann, FriendChange::Block { on: false }).await;
    assert_eq!((freed.direct, freed.see_each_other), (Some(room.id), Some(true)));
    world.say(room, ann, "hello again").await;
}

pub(super) async fn a_block_hides_what_was_read(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let id = open(&world, ann, bob).await.unwrap();
    let room = world.store.room(id).await.unwrap().unwrap().room;
    let seq = world.say(room, ann, "hello").await.seq;
    let read = CursorUpdate { room: room.key, user: bob.key, read: seq, delivered: seq };
    world.store.save_cursors(vec![read]).await.unwrap();
    let seen = async || {
        let page = world.store.conversations(ann, Page::default()).await.unwrap();
        let peer = page.items[0].peer.as_ref().unwrap();
        let by = world.store.read_by(ann, id, seq).await.unwrap();
        (peer.user, peer.read, peer.delivered, by.read_count, by.delivered_count)
    };
    assert_eq!(seen().await, (bob.id, seq, seq, Some(1), Some(1)));
    change(&world, bob, ann, FriendChange::Block { on: true }).await;
    assert_eq!(seen().await, (bob.id, 0, 0, Some(0), Some(0)));
    change(&world, bob, ann, FriendChange::Block { on: false }).await;
    assert_eq!(seen().await, (bob.id, seq, seq, Some(1), Some(1)));
}

pub(super) async fn remarks_are_private(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let remark = |text: &str| FriendChange::Remark { remark: text.into() };
    let early = world.store.change_friend(ann, bob.id, remark("Bobby")).await;
    assert_eq!(refused(early).code, ErrorCode::NotFound);
    world.befriend(ann, bob).await;
    let changed = change(&world, ann, bob, remark("Bobby")).await;
    assert_eq!(changed.inbox.iter().map(|told| told.user).collect::<Vec<_>>(), [ann.id]);
    assert_eq!(change(&world, ann, bob, remark("Bobby")).await.inbox, []);
    let friends = world.store.friends(ann, false, None, 10).await.unwrap();
    assert_eq!(friends.items[0].remark.as_deref(), Some("Bobby"));
    let friends = world.store.friends(bob, false, None, 10).await.unwrap();
    assert_eq!(friends.items[0].remark, None);
    change(&world, ann, bob, remark("")).await;
    let friends = world.store.friends(ann, false, None, 10).await.unwrap();
    assert_eq!(friends.items[0].remark, None);
}

pub(super) async fn lists_of_friends_have_pages(world: World) {
    let ann = world.user("ann").await;
    let mut all = Vec::new();
    for number in 0..5 {
        let friend = world.user(&format!("friend{number}")).await;
        world.befriend(ann, friend).await;
        all.push(friend.id);
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.store.friends(ann, false, cursor.as_deref(), 2).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.user.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let wrong = world.store.friends(ann, false, Some("nonsense"), 2).await;
    assert_eq!(refused(wrong).code, ErrorCode::BadRequest);
}
