//! Reading logs.

use salon_protocol::content::HistoryFor;
use salon_protocol::{ErrorCode, LogId, request};

use super::{World, history, refused, seqs, texts, types};
use crate::model::Change;

fn page(room: LogId, limit: usize) -> request::History {
    request::History { limit: Some(limit), ..history(room) }
}

pub(super) async fn pages_go_both_ways(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    for number in 2..=10 {
        world.say(room, ann, &number.to_string()).await;
    }
    let log = LogId::Room(room.id);
    let read = async |page: request::History| {
        let page = world.store.history(ann, page).await.unwrap();
        (seqs(&page.events), page.more)
    };
    assert_eq!(read(page(log, 3)).await, (vec![8, 9, 10], true));
    assert_eq!(read(page(log, 10)).await, ((1..=10).collect(), false));
    let before = |seq, limit| request::History { before: Some(seq), ..page(log, limit) };
    assert_eq!(read(before(8, 3)).await, (vec![5, 6, 7], true));
    assert_eq!(read(before(3, 3)).await, (vec![1, 2], false));
    assert_eq!(read(before(1, 3)).await, (vec![], false));
    assert_eq!(read(before(u64::MAX, 2)).await, (vec![9, 10], true));
    let after = |seq, limit| request::History { after: Some(seq), ..page(log, limit) };
    assert_eq!(read(after(0, 2)).await, (vec![1, 2], true));
    assert_eq!(read(after(8, 2)).await, (vec![9, 10], false));
    assert_eq!(read(after(10, 2)).await, (vec![], false));
    assert_eq!(read(after(u64::MAX, 2)).await, (vec![], false));
}

pub(super) async fn pages_begin_at_the_join(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[]).await;
    world.say(room, ann, "before").await;
    let joined = world.op(room, ann, Change::Invite { users: vec![bob.id] }).await.seq;
    world.say(room, ann, "after").await;
    let events = world.page(bob, room).await;
    assert_eq!((seqs(&events), texts(&events)), (vec![joined, joined + 1], vec!["after".into()]));
    let log = LogId::Room(room.id);
    for page in [
        request::History { after: Some(0), ..history(log) },
        request::History { before: Some(joined), ..history(log) },
    ] {
        let first = world.store.history(bob, page).await.unwrap().events.first().cloned();
        assert!(first.is_none_or(|event| event.seq >= joined));
    }
}

pub(super) async fn all_history_is_for_all(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.make_group(ann, &[], HistoryFor::All).await.room;
    world.say(room, ann, "before").await;
    world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    assert_eq!(seqs(&world.page(bob, room).await), [1, 2, 3]);
}

pub(super) async fn pages_have_types(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    for number in 0..3 {
        let seq = world.say(room, ann, &number.to_string()).await.seq;
        world.op(room, bob, Change::React { seq, emoji: "👍".into(), on: true }).await;
    }
    world.op(room, ann, Change::Recall { seq: 2 }).await;
    let only = |names: &[&str], limit| request::History {
        types: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..page(LogId::Room(room.id), limit)
    };
    let read = async |page| world.store.history(ann, page).await.unwrap();
    let messages = read(only(&["new_message"], 2)).await;
    assert_eq!((seqs(&messages.events), messages.more), (vec![4, 6], true));
    let both = read(only(&["reaction", "message_recalled"], 10)).await;
    assert_eq!(types(&both.events), ["reaction", "reaction", "reaction", "message_recalled"]);
    let after = request::History { after: Some(4), ..only(&["new_message"], 10) };
    assert_eq!(seqs(&read(after).await.events), [6]);
}

pub(super) async fn pages_have_a_size(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let long = "x".repeat(9_000);
    for _ in 0..60 {
        world.say(room, ann, &long).await;
    }
    let (mut before, mut all) = (None, Vec::new());
    loop {
        let page = request::History { before, ..history(LogId::Room(room.id)) };
        let page = world.store.history(ann, page).await.unwrap();
        assert!(page.events.len() < 60, "the page is cut by its size");
        before = page.events.first().map(|event| event.seq);
        all.splice(0..0, seqs(&page.events));
        if !page.more {
            break;
        }
    }
    assert_eq!(all, (1..=61).collect::<Vec<_>>());
}

pub(super) async fn the_inbox_is_a_log(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.group(bob, &[ann]).await;
    world.befriend(bob, ann).await;
    let events = world.inbox(ann).await;
    assert_eq!(types(&events), ["room_created", "friend_requested", "friend_accepted"]);
    assert_eq!(seqs(&events), [1, 2, 3]);
    assert!(events.iter().all(|event| event.room == LogId::Inbox));
    let page = request::History { after: Some(1), ..page(LogId::Inbox, 1) };
    let page = world.store.history(ann, page).await.unwrap();
    assert_eq!((seqs(&page.events), page.more), (vec![2], true));
}

pub(super) async fn positions_read_on(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    for number in 2..=8 {
        world.say(room, ann, &number.to_string()).await;
    }
    let log = (room.key, LogId::Room(room.id));
    let read = async |after, until, limit| {
        seqs(&world.store.read_log(bob, log, after, until, limit).await.unwrap())
    };
    assert_eq!(read(0, u64::MAX, 100).await, (1..=8).collect::<Vec<_>>());
    assert_eq!(read(5, 7, 100).await, [6, 7]);
    assert_eq!(read(5, 100, 1).await, [6]);
    assert_eq!(read(8, 100, 10).await, Vec::<u64>::new());
    let stranger = world.user("stranger").await;
    let page = history(LogId::Room(room.id));
    let foreign = refused(world.store.history(stranger, page).await);
    assert_eq!(foreign.code, ErrorCode::Forbidden);
}
