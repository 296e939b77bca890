//! For every check a broken stream that it catches, and nothing else does.

use salon_protocol::event::MemberAction;

use super::story::*;
use crate::oracle::{Change, Check, MessageSeen, Start};

/// Three messages, all sent, acknowledged in order.
fn three() -> Story {
    let mut story = Story::new();
    for number in 0..3 {
        story.sends(number);
        story.acks(number, number + 1);
    }
    story
}

fn log() -> [salon_protocol::Event; 3] {
    [message(1, 0), message(2, 1), message(3, 2)]
}

#[test]
fn lost_at_the_end() {
    let mut story = three();
    story.pushes_all(&log()[..2]);
    only(&story.ends(&log()[..2]), Check::Lost, 1);
}

#[test]
fn lost_and_another_one_is_there() {
    let mut story = three();
    story.sends(5);
    let other = [message(1, 0), message(2, 5), message(3, 2)];
    story.pushes_all(&other);
    only(&story.ends(&other), Check::Lost, 1);
}

#[test]
fn lost_by_a_recall_that_nobody_asked_for() {
    let mut story = three();
    let silent = [message(1, 0), tombstone(2, 1), message(3, 2)];
    story.pushes_all(&log());
    only(&story.ends(&silent), Check::Lost, 1);
}

#[test]
fn lost_change() {
    let mut story = three();
    story.pushes_all(&log());
    story.oracle.change_acked(story.room, 4, Change::Reaction { target: 1 });
    only(&story.ends(&log()), Check::Lost, 1);
}

#[test]
fn doubled() {
    let mut story = three();
    let twice = [message(1, 0), message(2, 1), message(3, 2), message(4, 1)];
    story.pushes_all(&twice);
    only(&story.ends(&twice), Check::Doubled, 1);
}

#[test]
fn phantom_never_sent() {
    let mut story = three();
    let more = [message(1, 0), message(2, 1), message(3, 2), message(4, 9)];
    story.pushes_all(&more);
    only(&story.ends(&more), Check::Phantom, 1);
}

#[test]
fn phantom_that_the_history_does_not_know() {
    let mut story = three();
    story.sends(5);
    story.pushes_all(&log());
    story.pushes(1, &[message(4, 5)]);
    only(&story.ends(&log()), Check::Phantom, 1);
}

#[test]
fn phantom_text() {
    let mut story = three();
    let wrong = match message(2, 1).data {
        salon_protocol::EventData::NewMessage(mut message) => {
            message.text = Some("something else".to_owned());
            salon_protocol::EventData::NewMessage(message)
        }
        _ => unreachable!(),
    };
    let wrong = salon_protocol::Event { data: wrong, ..message(2, 1) };
    let changed = [message(1, 0), wrong, message(3, 2)];
    story.pushes_all(&changed);
    only(&story.ends(&changed), Check::Phantom, 1);
}

#[test]
fn phantom_after_a_refusal() {
    let mut story = Story::new();
    story.sends(0);
    story.oracle.refused(user(0), cid(0));
    story.pushes_all(&[message(1, 0)]);
    only(&story.ends(&[message(1, 0)]), Check::Phantom, 1);
}

#[test]
fn phantom_edit() {
    let mut story = three();
    let mut log = log().to_vec();
    log.push(edit(4, 1, 1, Some("nobody wrote this")));
    story.pushes_all(&log);
    let verdict = story.ends(&log);
    // Once per reader; and the message does not show it.
    assert_eq!(failed(&verdict), [(Check::Phantom, 4), (Check::Divergent, 1)], "{verdict}");
}

#[test]
fn divergent_by_an_edit_that_the_message_does_not_show() {
    let mut story = three();
    let mut log = log().to_vec();
    log.push(edit(4, 1, 1, Some("better")));
    story.oracle.edit_sent(story.room, 1, "better");
    story.oracle.change_acked(story.room, 4, Change::Edit { target: 1 });
    story.pushes_all(&log);
    only(&story.ends(&log), Check::Divergent, 1);
}

#[test]
fn phantom_without_a_text() {
    let mut story = three();
    let mut log = log().to_vec();
    if let salon_protocol::EventData::NewMessage(message) = &mut log[1].data {
        message.text = None;
    }
    story.pushes_all(&log);
    only(&story.ends(&log), Check::Phantom, 4);
}

#[test]
fn phantom_acknowledgement() {
    let mut story = Story::new();
    story.acks(7, 1);
    only(&story.ends(&[]), Check::Phantom, 1);
}

#[test]
fn phantom_beyond_the_membership() {
    let mut story = three();
    let kicked = member(4, 1, MemberAction::Kicked);
    story.sends(3);
    let mut log = log().to_vec();
    log.extend([kicked, message(5, 3)]);
    story.pushes_all(&log);
    only(&story.ends(&log), Check::Phantom, 1);
}

#[test]
fn gap_in_the_history() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(2);
    let holed = [message(1, 0), message(3, 2)];
    only(&story_ends_quietly(story, &holed), Check::Gap, 1);
}

#[test]
fn gap_before_the_first() {
    let mut story = Story::new();
    story.sends(2);
    only(&story_ends_quietly(story, &[message(3, 2)]), Check::Gap, 1);
}

#[test]
fn time_runs_backwards() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(1);
    let early = salon_protocol::Event { at: 5, ..message(2, 1) };
    only(&story_ends_quietly(story, &[message(1, 0), early]), Check::Gap, 1);
}

/// No device follows.
fn story_ends_quietly(mut story: Story, log: &[salon_protocol::Event]) -> crate::oracle::Verdict {
    for device in story.devices.clone() {
        story.oracle.retired(device);
    }
    story.ends(log)
}

#[test]
fn reordered() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.pushes(2, &[message(1, 0), message(3, 2), message(2, 1)]);
    only(&story.ends(&log()), Check::Reordered, 1);
}

#[test]
fn repeated() {
    let mut story = three();
    story.pushes_all(&log());
    story.pushes(1, &[message(2, 1)]);
    only(&story.ends(&log()), Check::Repeated, 1);
}

#[test]
fn repeated_in_a_new_session() {
    let mut story = three();
    story.pushes_all(&log());
    story.opens(1, 3);
    story.pushes(1, &[message(3, 2)]);
    only(&story.ends(&log()), Check::Repeated, 1);
}

#[test]
fn missed_in_the_middle() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.pushes(2, &[message(1, 0), message(3, 2)]);
    assert!(story.oracle.has_findings());
    only(&story.ends(&log()), Check::Missed, 1);
}

#[test]
fn missed_at_the_end() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.pushes(2, &log()[..1]);
    only(&story.ends(&log()), Check::Missed, 2);
}

#[test]
fn missed_over_a_reconnect() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.pushes(2, &log()[..1]);
    story.opens(2, 1);
    story.pushes(2, &log()[2..]);
    only(&story.ends(&log()), Check::Missed, 1);
}

#[test]
fn missed_in_a_page() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    let asked = story.oracle.moment();
    story.opens_at(asked, 2, Start::Stale { held: 0, head: 3 });
    let page = [message(1, 0), message(3, 2)];
    story.oracle.caught_up(story.devices[2], asked, story.room, &page);
    only(&story.ends(&log()), Check::Missed, 1);
}

#[test]
fn missed_by_a_stale_room_that_is_never_caught_up() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    let asked = story.oracle.moment();
    story.opens_at(asked, 2, Start::Stale { held: 1, head: 3 });
    only(&story.ends(&log()), Check::Missed, 2);
}

#[test]
fn divergent_event() {
    let mut story = three();
    story.sends(3);
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.pushes(2, &[message(1, 0), message(2, 3), message(3, 2)]);
    only(&story.ends(&log()), Check::Divergent, 1);
}

#[test]
fn divergent_time() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    let late = salon_protocol::Event { at: 9_999, ..message(2, 1) };
    story.pushes(2, &[message(1, 0), late, message(3, 2)]);
    only(&story.ends(&log()), Check::Divergent, 1);
}

#[test]
fn divergent_version() {
    let mut story = three();
    story.oracle.edit_sent(story.room, 1, "one");
    story.oracle.edit_sent(story.room, 1, "two");
    story.pushes(0, &log());
    story.pushes(1, &[edited(1, 0, 1, "one"), message(2, 1), message(3, 2)]);
    story.pushes(2, &[edited(1, 0, 1, "two"), message(2, 1), message(3, 2)]);
    only(&story.ends(&log()), Check::Divergent, 1);
}

#[test]
fn two_acknowledgements() {
    let mut story = three();
    story.acks(1, 7);
    story.pushes_all(&log());
    only(&story.ends(&log()), Check::AckMismatch, 1);
}

#[test]
fn an_acknowledgement_with_another_time() {
    let mut story = Story::new();
    story.sends(0);
    let ack = crate::oracle::Ack { seq: 1, at: 77 };
    story.oracle.acked(user(0), cid(0), ack);
    story.pushes_all(&[message(1, 0)]);
    only(&story.ends(&[message(1, 0)]), Check::AckMismatch, 1);
}

#[test]
fn unrecalled_in_a_new_session() {
    let mut story = three();
    story.pushes(0, &log());
    story.pushes(1, &log());
    story.recalls(2, 4);
    story.opens(2, 0);
    story.pushes(2, &log());
    story.pushes_all(&[recall(4, 2)]);
    let end = [message(1, 0), tombstone(2, 1), message(3, 2), recall(4, 2)];
    only(&story.ends(&end), Check::Unrecalled, 1);
}

#[test]
fn unrecalled_among_bytes_that_are_known() {
    let mut story = Story::new();
    story.sends(0);
    let (room, devices) = (story.room, story.devices.clone());
    let seen = MessageSeen::plain(1, 1_001, user(0), cid(0), text(0).as_bytes());
    story.oracle.delivered_message(devices[0], room, &seen);
    story.oracle.delivered_same(devices[1], room, 1);
    story.recalls(1, 2);
    story.opens(2, 0);
    story.oracle.delivered_same(devices[2], room, 1);
    story.pushes_all(&[recall(2, 1)]);
    only(&story.ends(&[tombstone(1, 0), recall(2, 1)]), Check::Unrecalled, 1);
}

#[test]
fn unrecalled_in_a_search() {
    let mut story = three();
    story.recalls(2, 4);
    let asked = story.oracle.moment();
    story.oracle.read(asked, story.room, &[message(2, 1)]);
    story.pushes_all(&log());
    story.pushes_all(&[recall(4, 2)]);
    let end = [message(1, 0), tombstone(2, 1), message(3, 2), recall(4, 2)];
    only(&story.ends(&end), Check::Unrecalled, 1);
}

#[test]
fn unrecalled_edit() {
    let mut story = three();
    story.oracle.edit_sent(story.room, 2, "one");
    story.pushes_all(&log());
    story.pushes_all(&[edit(4, 2, 1, Some("one"))]);
    story.recalls(2, 5);
    let asked = story.oracle.moment();
    story.oracle.read(asked, story.room, &[edit(4, 2, 1, Some("one"))]);
    story.pushes_all(&[recall(5, 2)]);
    let end = [message(1, 0), tombstone(2, 1), message(3, 2), edit(4, 2, 1, None), recall(5, 2)];
    only(&story.ends(&end), Check::Unrecalled, 1);
}

#[test]
fn a_recall_in_the_history_that_recalled_nothing() {
    let mut story = three();
    story.oracle.recall_sent(story.room, 2);
    story.pushes_all(&log());
    story.pushes_all(&[recall(4, 2)]);
    let end = [message(1, 0), message(2, 1), message(3, 2), recall(4, 2)];
    only(&story.ends(&end), Check::Unrecalled, 1);
}

#[test]
fn fifo() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(3);
    story.acks(3, 1);
    story.acks(0, 2);
    let log = [message(1, 3), message(2, 0)];
    story.pushes_all(&log);
    only(&story.ends(&log), Check::Fifo, 1);
}

#[test]
fn fifo_does_not_hold_for_what_was_sent_twice_nor_over_two_sockets() {
    let mut story = Story::new();
    story.sends(0);
    story.sends(3);
    story.sends(0);
    story.acks(3, 1);
    story.acks(0, 2);
    story.sends(6);
    story.pushes_all(&[message(1, 3), message(2, 0)]);
    story.opens(0, 2);
    story.sends(9);
    story.acks(9, 3);
    story.acks(6, 4);
    let log = [message(1, 3), message(2, 0), message(3, 9), message(4, 6)];
    story.pushes_all(&log[2..]);
    clean(&story.ends(&log));
}
