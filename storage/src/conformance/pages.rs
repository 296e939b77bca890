//! Reading logs.

use std::collections::HashSet;
use std::sync::Arc;

use salon_protocol::content::HistoryFor;
use salon_protocol::{ErrorCode, EventData, LogId, Seq, request};

use super::{World, history, refused, seqs, texts, types};
use crate::model::{Change, LogRange, RoomRef, UserRef};

/// All of a room's log.
fn from_start(room: RoomRef, viewers: &[UserRef]) -> LogRange {
    let (log, id) = (room.key, LogId::Room(room.id));
    let viewers = viewers.iter().map(|viewer| viewer.key).collect();
    LogRange { log, id, after: 0, until: Seq::MAX, limit: 200, viewers }
}

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
        let page = world.store.history(ann.into(), page).await.unwrap();
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
        let first = world.store.history(bob.into(), page).await.unwrap().events.first().cloned();
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
    let read = async |page| world.store.history(ann.into(), page).await.unwrap();
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
        let page = world.store.history(ann.into(), page).await.unwrap();
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
    let page = world.store.history(ann.into(), page).await.unwrap();
    assert_eq!((seqs(&page.events), page.more), (vec![2], true));
}

pub(super) async fn positions_read_on(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    for number in 2..=8 {
        world.say(room, ann, &number.to_string()).await;
    }
    let read = async |after, until, limit| {
        let range = LogRange { after, until, limit, ..from_start(room, &[bob]) };
        seqs(&world.store.read_log(range).await.unwrap().events)
    };
    assert_eq!(read(0, u64::MAX, 100).await, (1..=8).collect::<Vec<_>>());
    assert_eq!(read(5, 7, 100).await, [6, 7]);
    assert_eq!(read(5, 100, 1).await, [6]);
    assert_eq!(read(8, 100, 10).await, Vec::<u64>::new());
    let stranger = world.user("stranger").await;
    let page = history(LogId::Room(room.id));
    let foreign = refused(world.store.history(stranger.into(), page).await);
    assert_eq!(foreign.code, ErrorCode::Forbidden);
}

/// However many read on at once, each gets what is his, and sees his own reactions.
pub(super) async fn many_read_on_at_once(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let rooms = [world.group(ann, &[bob]).await, world.group(ann, &[bob]).await];
    for room in rooms {
        for number in 2..=6 {
            world.say(room, ann, &format!("{} {number}", room.key.0)).await;
        }
    }
    let react = |seq, emoji: &str| Change::React { seq, emoji: emoji.into(), on: true };
    world.op(rooms[0], bob, react(3, "👍")).await;
    world.op(rooms[0], ann, react(3, "👍")).await;
    world.op(rooms[0], ann, react(5, "❤")).await;
    let edit = Change::Edit { seq: 4, cid: None, text: "better".into() };
    world.op(rooms[1], ann, edit).await;
    world.say(rooms[1], bob, "last").await;
    let mut asked = Vec::new();
    for (room, after, viewer) in
        (0..60).map(|n| (rooms[n % 2], (n as Seq / 4) % 3, [ann, bob][n / 2 % 2]))
    {
        asked.push((viewer, LogRange { after, ..from_start(room, &[viewer]) }));
    }
    let read = asked.iter().map(|(_, range)| world.store.read_log(range.clone()));
    let pages = futures_util::future::join_all(read).await;
    let pages: Vec<_> = pages.into_iter().map(Result::unwrap).collect();
    let read: HashSet<_> = pages.iter().map(|page| Arc::as_ptr(page).addr()).collect();
    assert!(read.len() < asked.len() / 2, "equal ranges are read once");
    for ((viewer, range), page) in asked.into_iter().zip(pages) {
        let events = page.seen_by(viewer.key).unwrap_or_else(|| page.events.clone());
        let whole = request::History { after: Some(range.after), ..history(range.id) };
        assert_eq!(events, world.store.history(viewer.into(), whole).await.unwrap().events);
        assert!(events.iter().all(|event| event.room == range.id && event.seq > range.after));
    }
    let both = world.store.read_log(from_start(rooms[0], &[ann, bob])).await.unwrap();
    let mine = |viewer: UserRef| {
        let events = both.seen_by(viewer.key).unwrap();
        let sums = events.iter().filter_map(|event| match &event.data {
            EventData::NewMessage(message) => Some(message.reactions.clone()),
            _ => None,
        });
        sums.flatten().map(|sum| (sum.emoji, sum.count, sum.mine)).collect::<Vec<_>>()
    };
    assert_eq!(mine(ann), [("👍".into(), 2, true), ("❤".into(), 1, true)]);
    assert_eq!(mine(bob), [("👍".into(), 2, true), ("❤".into(), 1, false)]);
}

pub(super) async fn much_that_is_asked_at_once_is_read_in_parts(world: World) {
    let ann = world.user("ann").await;
    let long = "x".repeat(9_000);
    let mut rooms = Vec::new();
    for _ in 0..12 {
        let room = world.group(ann, &[]).await;
        for _ in 0..20 {
            world.say(room, ann, &long).await;
        }
        rooms.push(room);
    }
    let read = rooms.iter().map(async |room| {
        let mut seqs_read = Vec::new();
        loop {
            let after = seqs_read.last().copied().unwrap_or(0);
            let range = LogRange { after, ..from_start(*room, &[ann]) };
            let page = world.store.read_log(range).await.unwrap();
            if page.events.is_empty() {
                return seqs_read;
            }
            seqs_read.extend(seqs(&page.events));
        }
    });
    for seqs in futures_util::future::join_all(read).await {
        assert_eq!(seqs, (1..=21).collect::<Vec<_>>());
    }
}
