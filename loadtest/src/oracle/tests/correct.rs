//! What looks odd and is right.

use salon_protocol::event::MemberAction;

use super::story::*;
use crate::oracle::{Change, Check, MessageSeen, Start};

#[test]
fn nothing_is_clean_and_says_so() {
    let verdict = Story::new().ends(&[]);
    clean(&verdict);
    assert_eq!((verdict.totals.sessions, verdict.totals.deliveries), (3, 0));
}

#[test]
fn an_ordinary_conversation() {
    let mut story = Story::new();
    for number in 0..3 {
        story.sends(number);
        story.acks(number, number + 1);
    }
    let log = [message(1, 0), message(2, 1), message(3, 2)];
    story.pushes_all(&log);
    let verdict = story.ends(&log);
    clean(&verdict);
    let totals = verdict.totals;
    assert_eq!((totals.messages, totals.acked, totals.deliveries), (3, 3, 9));
    assert_eq!((totals.history_events, totals.rooms_unread), (3, 0));
}

#[test]
fn an_unknown_outcome_may_be_either() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(3);
    story.pushes_all(&[message(1, 3)]);
    clean(&story.ends(&[message(1, 3)]));
}

#[test]
fn a_repetition_may_be_acknowledged_twice_with_one_place() {
    let mut story = Story::new();
    story.sends(0);
    story.acks(0, 1);
    story.sends(0);
    story.acks(0, 1);
    story.pushes_all(&[message(1, 0)]);
    clean(&story.ends(&[message(1, 0)]));
}

#[test]
fn a_refused_message_that_is_sent_again_may_appear() {
    let mut story = Story::new();
    story.sends(0);
    story.oracle.refused(user(0), cid(0));
    story.sends(0);
    story.pushes_all(&[message(1, 0)]);
    clean(&story.ends(&[message(1, 0)]));
}

#[test]
fn a_device_that_comes_back_goes_on_from_its_position() {
    let mut story = Story::new();
    let log: Vec<_> = (0..4).map(|number| message(number + 1, number)).collect();
    for number in 0..4 {
        story.sends(number);
    }
    story.pushes(0, &log);
    story.pushes(1, &log[..2]);
    story.opens(1, 2);
    story.pushes(1, &log[2..]);
    // This one had lost what it held.
    story.pushes(2, &log[..3]);
    story.opens(2, 0);
    story.pushes(2, &log);
    clean(&story.ends(&log));
}

#[test]
fn a_stale_room_is_caught_up_by_pages_while_live_events_come() {
    let mut story = Story::new();
    let log: Vec<_> = (0..6).map(|number| message(number + 1, number)).collect();
    for number in 0..6 {
        story.sends(number);
    }
    story.pushes(0, &log);
    story.pushes(1, &log);
    let asked = story.oracle.moment();
    story.opens_at(asked, 2, Start::Stale { held: 0, head: 4 });
    story.oracle.caught_up(story.devices[2], asked, story.room, &log[..2]);
    story.pushes(2, &log[4..5]);
    assert_eq!(story.oracle.position(story.devices[2], story.room), Some(2));
    // The last page reaches into what was pushed live.
    story.oracle.caught_up(story.devices[2], asked, story.room, &log[2..5]);
    assert_eq!(story.oracle.position(story.devices[2], story.room), Some(5));
    story.pushes(2, &log[5..]);
    clean(&story.ends(&log));
}

#[test]
fn who_asked_before_the_recall_may_see_the_text() {
    let mut story = Story::new();
    story.sends(0);
    let asked = story.oracle.moment();
    story.recalls(1, 2);
    story.opens_at(asked, 2, Start::After(0));
    story.oracle.read(asked, story.room, &[message(1, 0)]);
    let live = [message(1, 0), recall(2, 1)];
    story.pushes_all(&live);
    clean(&story.ends(&[tombstone(1, 0), recall(2, 1)]));
}

#[test]
fn a_recall_whose_answer_was_lost_may_have_been_done() {
    let mut story = Story::new();
    story.sends(0);
    story.oracle.recall_sent(story.room, 1);
    story.pushes_all(&[message(1, 0), recall(2, 1)]);
    story.opens(2, 0);
    story.pushes(2, &[tombstone(1, 0), recall(2, 1)]);
    clean(&story.ends(&[tombstone(1, 0), recall(2, 1)]));
}

#[test]
fn edits_and_reactions_change_what_later_readers_see() {
    let mut story = Story::new();
    story.sends(0);
    story.oracle.edit_sent(story.room, 1, "one");
    story.oracle.edit_sent(story.room, 1, "two");
    story.oracle.change_acked(story.room, 2, Change::Edit { target: 1 });
    story.oracle.change_acked(story.room, 4, Change::Reaction { target: 1 });
    let tail = [edit(3, 1, 2, Some("two")), reaction(4, 1, true)];
    story.pushes(0, &[message(1, 0), edit(2, 1, 1, Some("one"))]);
    story.pushes(0, &tail);
    story.pushes(1, &[edited(1, 0, 1, "one"), edit(2, 1, 1, Some("one"))]);
    story.pushes(1, &tail);
    story.pushes(2, &[reacted(1, 0, 1), edit(2, 1, 1, Some("two"))]);
    story.pushes(2, &tail);
    story.recalls(1, 5);
    story.pushes_all(&[recall(5, 1)]);
    let end = [
        tombstone(1, 0),
        edit(2, 1, 1, None),
        edit(3, 1, 2, None),
        reaction(4, 1, true),
        recall(5, 1),
    ];
    clean(&story.ends(&end));
}

#[test]
fn members_come_and_go() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(3);
    let kicked = member(2, 1, MemberAction::Kicked);
    let joined = member(4, 1, MemberAction::Joined);
    let left = member(5, 2, MemberAction::Left);
    let log = [message(1, 0), kicked.clone(), message(3, 3), joined.clone(), left.clone()];
    story.pushes(0, &log);
    story.pushes(1, &[message(1, 0), kicked, joined, left]);
    // This one was away when its user went.
    story.pushes(2, &log[..4]);
    clean(&story.ends(&log));
}

#[test]
fn the_fast_ways_in_are_the_same() {
    let mut story = Story::new();
    story.sends(0);
    let seen = MessageSeen::plain(1, 1_001, user(0), cid(0), text(0).as_bytes());
    let (room, devices) = (story.room, story.devices.clone());
    story.oracle.delivered_message(devices[0], room, &seen);
    story.oracle.delivered_same(devices[1], room, 1);
    story.pushes(2, &[message(1, 0)]);
    let asked = story.oracle.moment();
    story.oracle.history_message(asked, room, &seen);
    let verdict = story.oracle.finish();
    clean(&verdict);
    assert_eq!(verdict.totals.deliveries, 3);
}

#[test]
fn an_unread_room_is_counted_and_not_judged() {
    let mut story = Story::new();
    story.sends(0);
    story.acks(0, 1);
    story.pushes_all(&[message(1, 0)]);
    let verdict = story.oracle.finish();
    assert_eq!(verdict.count(Check::Lost), 0);
    assert_eq!(verdict.totals.rooms_unread, 1);
}
