//! Conn1: events of a log come in ascending order, without hole or repetition.

use super::*;
use crate::connection::{SignalFrame, SignalKey, SignalTo};
use salon_protocol::event::{MemberAction, MemberChanged, ReactionSum};
use salon_storage::StoreError;

fn leave(bench: &mut Bench, slot: u32, last: Seq) {
    bench.tell(ToWorker::Unsubscribe { user: user(slot).id, log: LOG, last });
}

fn join(bench: &mut Bench, slot: u32, after: Seq, head: Seq) {
    bench.tell(ToWorker::Subscribe { user: user(slot).id, log: subscription(after, head) });
}

fn signal(bench: &mut Bench, to: SignalTo, about: u32, text: &str) {
    let frame = |encoding: Encoding| Some(encoding.frame(&json!({"type": text}), 64));
    let key = SignalKey { kind: "typing", room: Some(room()), user: user(about).id };
    let frames = [frame(Encoding::Json), frame(Encoding::MessagePack)];
    bench.tell(ToWorker::Signal(Arc::new(SignalFrame { to, key, frames })));
}

#[test]
fn events_in_order_go_out_at_once() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(4, 4)]);
    bench.open(2, vec![subscription(4, 4)]);
    bench.events(5..=5);
    bench.events(6..=8);
    assert_eq!(bench.seqs(1), [5, 6, 7, 8]);
    assert_eq!(bench.seqs(2), [5, 6, 7, 8]);
    bench.events(6..=8);
    assert!(bench.taken(1).is_empty(), "told twice, sent once");
    assert!(bench.world.reads.is_empty());
}

#[test]
fn what_was_missed_is_read_before_anything_else() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(2, 5)]);
    assert_eq!((bench.world.reads[0].after, bench.world.reads[0].until), (2, Seq::MAX));
    bench.events(6..=6);
    assert!(bench.taken(1).is_empty());
    bench.page(3..=5);
    assert_eq!(bench.seqs(1), [3, 4, 5]);
    assert_eq!(bench.world.reads[0].after, 5, "what came meanwhile");
    bench.page(6..=6);
    assert_eq!(bench.seqs(1), [6]);
    bench.events(7..=7);
    assert_eq!(bench.seqs(1), [7]);
    assert!(bench.world.reads.is_empty());
}

#[test]
fn a_hole_is_filled_from_the_log() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.events(1..=1);
    bench.events(4..=4);
    assert_eq!(bench.seqs(1), [1]);
    bench.page(2..=4);
    assert_eq!(bench.seqs(1), [2, 3, 4]);
    // A batch that begins with what was sent already.
    bench.events(3..=6);
    bench.page(5..=6);
    assert_eq!(bench.seqs(1), [5, 6]);
}

#[test]
fn an_announcement_and_an_audit_find_what_was_not_told() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.tell(ToWorker::Announce { log: LOG, head: 2 });
    bench.page(1..=2);
    assert_eq!(bench.seqs(1), [1, 2]);
    bench.tell(ToWorker::Announce { log: LOG, head: 2 });
    bench.worker.audit(&mut bench.world);
    assert!(bench.world.reads.is_empty(), "nothing is missing");
    bench.world.heads.insert(LOG, 3);
    bench.worker.audit(&mut bench.world);
    bench.page(3..=3);
    assert_eq!(bench.seqs(1), [3]);
}

#[test]
fn a_store_that_does_not_answer_is_asked_again_with_the_next_tick() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 2)]);
    bench.answer_read(Err(StoreError::Unavailable("no disk".into())));
    assert!(bench.world.reads.is_empty() && bench.taken(1).is_empty());
    bench.tick();
    bench.page(1..=2);
    assert_eq!(bench.seqs(1), [1, 2]);
}

#[test]
fn what_the_log_has_no_longer_is_passed_over() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 9)]);
    bench.page(7..=9);
    assert_eq!(bench.seqs(1), [7, 8, 9]);
    bench.tell(ToWorker::Announce { log: LOG, head: 12 });
    bench.answer_read(Ok(Vec::new()));
    assert!(bench.world.reads.is_empty());
    bench.events(13..=13);
    assert_eq!(bench.seqs(1), [13]);
}

#[test]
fn pages_are_read_one_log_after_the_other() {
    let mut bench = Bench::new();
    let other = Subscription { log: RoomKey(8), ..subscription(0, 1) };
    bench.open(1, vec![subscription(0, 2), other]);
    assert_eq!(bench.world.reads.len(), 1);
    bench.page(1..=1);
    assert_eq!(bench.world.reads[0].log, RoomKey(8), "one log does not hold up the others");
    bench.page(1..=1);
    assert_eq!((bench.world.reads[0].log, bench.world.reads[0].after), (LOG, 1));
    bench.page(2..=2);
    assert_eq!(bench.seqs(1), [1, 1, 2]);
    assert!(bench.world.reads.is_empty());
}

#[test]
fn a_slow_socket_gets_nothing_until_it_has_drained() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.open(2, vec![subscription(0, 0)]);
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    bench.events(1..=1);
    bench.events(2..=2);
    bench.events(3..=3);
    assert_eq!((bench.seqs(1), bench.seqs(2)), (vec![1], vec![1, 2, 3]));
    bench.tell(ToWorker::Announce { log: LOG, head: 3 });
    assert!(bench.world.reads.is_empty());
    bench.drain(1);
    bench.page(2..=3);
    bench.events(4..=4);
    assert_eq!(bench.seqs(1), [2, 3, 4]);
}

#[test]
fn a_page_stops_where_the_socket_gets_slow() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 4)]);
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    let long = |seq| {
        let mut event = message(seq);
        if let EventData::NewMessage(message) = &mut event.data {
            message.text = Some("x".repeat(40_000));
        }
        event
    };
    bench.answer_read(Ok((1..=4).map(long).collect()));
    assert_eq!(bench.seqs(1), [1, 2], "one piece of it");
    assert!(bench.world.reads.is_empty());
    bench.drain(1);
    bench.page(3..=4);
    assert_eq!(bench.seqs(1), [3, 4]);
    assert!(bench.world.reads.is_empty());
}

#[test]
fn answers_can_make_a_socket_slow_too() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    bench.say(1, &json!({"type": "ping", "ref": 1}));
    assert_eq!(bench.kinds(1), ["ok"]);
    bench.events(1..=1);
    assert!(bench.taken(1).is_empty());
    bench.drain(1);
    bench.page(1..=1);
    assert_eq!(bench.seqs(1), [1]);
}

#[test]
fn a_slow_socket_gets_the_newest_signal_of_each_kind() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.open(2, vec![subscription(0, 0)]);
    let to = SignalTo::Log { log: LOG, except: Some(user(2).id) };
    signal(&mut bench, to, 2, "at once");
    assert_eq!((bench.kinds(1), bench.kinds(2)), (vec!["at once".to_owned()], Vec::new()));
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    bench.events(1..=1);
    bench.taken(1);
    for text in ["old", "newer", "newest"] {
        signal(&mut bench, to, 2, text);
    }
    signal(&mut bench, SignalTo::User(user(1).id), 3, "another");
    assert!(bench.taken(1).is_empty());
    bench.drain(1);
    assert_eq!(bench.kinds(1), ["newest", "another"]);
    assert_eq!(bench.world.dropped_signals, 2);
}

#[test]
fn signals_for_a_slow_socket_are_bounded() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    bench.events(1..=1);
    bench.taken(1);
    for about in 0..300 {
        signal(&mut bench, SignalTo::User(user(1).id), about, "presence");
    }
    assert_eq!(bench.world.dropped_signals, 300 - 256);
    bench.drain(1);
    assert_eq!(bench.taken(1).len(), 256);
}

#[test]
fn nothing_is_pushed_before_the_answer_to_auth() {
    let mut bench = Bench::new();
    bench.begin(1);
    join(&mut bench, 1, 0, 1);
    bench.events(1..=1);
    signal(&mut bench, SignalTo::User(user(1).id), 2, "typing");
    assert!(bench.taken(1).is_empty());
    // The room was joined after its rooms were read, and before they came.
    bench.grant(1, Vec::new());
    assert_eq!(bench.kinds(1), ["ok"]);
    bench.page(1..=1);
    assert_eq!(bench.seqs(1), [1]);
}

#[test]
fn who_left_while_the_session_opened_gets_his_going_and_no_more() {
    let mut bench = Bench::new();
    bench.begin(1);
    leave(&mut bench, 1, 6);
    bench.grant(1, vec![subscription(4, 4)]);
    bench.kinds(1);
    assert_eq!((bench.world.reads[0].after, bench.world.reads[0].until), (4, 6));
    bench.events(5..=7);
    bench.page(5..=6);
    assert_eq!(bench.seqs(1), [5, 6]);
    bench.events(8..=8);
    assert!(bench.taken(1).is_empty() && bench.world.reads.is_empty());
    assert_eq!(bench.world.registered[&LOG], 0);
}

#[test]
fn who_goes_gets_his_going_last() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.open(2, vec![subscription(0, 0)]);
    bench.events(1..=2);
    leave(&mut bench, 1, 2);
    bench.events(3..=3);
    assert_eq!((bench.seqs(1), bench.seqs(2)), (vec![1, 2], vec![1, 2, 3]));
    join(&mut bench, 1, 3, 4);
    bench.page(4..=4);
    bench.events(5..=5);
    assert_eq!(bench.seqs(1), [4, 5], "he came back");
}

#[test]
fn who_goes_while_he_is_slow_gets_his_going_when_he_has_drained() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.world.backlog.insert(1, HIGH_BYTES + 1);
    bench.events(1..=1);
    bench.events(2..=2);
    leave(&mut bench, 1, 2);
    bench.events(3..=3);
    assert_eq!(bench.seqs(1), [1]);
    bench.drain(1);
    assert_eq!(bench.world.reads[0].until, 2);
    bench.page(2..=2);
    assert_eq!(bench.seqs(1), [2]);
    assert_eq!(bench.world.registered[&LOG], 0);
}

#[test]
fn who_comes_back_before_he_has_read_up_to_his_going_begins_there() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 3)]);
    leave(&mut bench, 1, 4);
    join(&mut bench, 1, 7, 8);
    bench.world.heads.insert(LOG, 8);
    bench.page(1..=3);
    assert!(bench.taken(1).is_empty(), "what he may not read any more");
    bench.page(8..=8);
    bench.events(9..=9);
    assert_eq!(bench.seqs(1), [8, 9]);
}

#[test]
fn followers_who_go_leave_the_others_where_they_are() {
    let mut bench = Bench::new();
    for slot in 1..=4 {
        bench.open(slot, vec![subscription(0, 0)]);
    }
    bench.close(1);
    bench.events(1..=1);
    bench.close(3);
    bench.world.backlog.insert(4, HIGH_BYTES + 1);
    bench.events(2..=2);
    bench.events(3..=3);
    assert_eq!((bench.seqs(2), bench.seqs(4)), (vec![1, 2, 3], vec![1, 2]));
    bench.close(2);
    bench.drain(4);
    bench.page(3..=3);
    assert_eq!(bench.seqs(4), [3]);
    assert_eq!(bench.world.registered[&LOG], 1);
}

#[test]
fn an_empty_page_says_nothing_of_what_came_while_it_was_read() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(2, 4)]);
    bench.tell(ToWorker::Announce { log: LOG, head: 4 });
    bench.page(3..=4);
    bench.seqs(1);
    bench.tell(ToWorker::Announce { log: LOG, head: 5 });
    bench.world.heads.insert(LOG, 7);
    bench.answer_read(Ok(Vec::new()));
    assert_eq!(bench.world.reads[0].after, 5, "there was no 5, but there may be 6 and 7");
    bench.page(6..=7);
    assert_eq!(bench.seqs(1), [6, 7]);
}

#[test]
fn who_reads_of_his_own_going_gets_nothing_after_it() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(2, 4)]);
    let action = MemberAction::Kicked;
    let gone = |seq| {
        let (user, by) = (user(1).id, user(9).id);
        let change = MemberChanged { user, action, by, role: None, until: None, photo_role: None };
        Event { data: EventData::MemberChanged(change), ..message(seq) }
    };
    // He was a member when the log ended at 4: what was before was made good.
    bench.answer_read(Ok(vec![gone(3), message(4)]));
    assert_eq!(bench.seqs(1), [3, 4]);
    bench.events(7..=7);
    bench.answer_read(Ok(vec![message(5), gone(6), message(7)]));
    assert_eq!(bench.seqs(1), [5, 6]);
    bench.events(8..=8);
    assert!(bench.taken(1).is_empty());
    assert_eq!(bench.world.registered[&LOG], 0);
}

#[test]
fn comings_and_goings_that_are_told_late_change_nothing() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(10, 10)]);
    leave(&mut bench, 1, 8);
    bench.events(11..=11);
    assert_eq!(bench.seqs(1), [11], "he was back at 10");
    leave(&mut bench, 1, 11);
    join(&mut bench, 1, 8, 9);
    bench.events(12..=12);
    assert!(bench.taken(1).is_empty() && bench.world.reads.is_empty(), "he has gone at 11");
    join(&mut bench, 1, 12, 13);
    bench.page(13..=13);
    assert_eq!(bench.seqs(1), [13]);
}

#[test]
fn what_was_there_before_the_session_is_read_and_not_taken_from_a_late_batch() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(4, 6)]);
    // On its way since before 6 recalled it.
    bench.events(5..=5);
    assert!(bench.taken(1).is_empty());
    bench.page(5..=6);
    bench.events(7..=7);
    assert_eq!(bench.seqs(1), [5, 6, 7]);
    assert!(bench.world.reads.is_empty());
}

/// The events of a page that one of its viewers reacted to.
fn with_reactions(seqs: std::ops::RangeInclusive<Seq>, by: u32) -> LogPage {
    let event = |seq| {
        let mut event = message(seq);
        if let EventData::NewMessage(message) = &mut event.data {
            message.reactions = vec![ReactionSum { emoji: "👍".into(), count: 2, mine: false }];
        }
        event
    };
    let own = seqs.clone().map(|seq| (seq, "👍".to_owned())).collect();
    LogPage { events: seqs.map(event).collect(), own: HashMap::from([(user(by).key, own)]) }
}

#[test]
fn what_many_have_missed_is_read_once_and_encoded_once() {
    let mut bench = Bench::new();
    bench.worker.pace = Pace { pages_max: 1, sockets_max: 9 };
    let busy = Subscription { log: RoomKey(8), ..subscription(0, 1) };
    bench.open(9, vec![busy]);
    // The log is asked for from several places, and one socket is far behind.
    for (slot, after) in [(1, 4), (2, 4), (3, 6), (4, 0)] {
        bench.open(slot, vec![subscription(after, 8)]);
    }
    assert_eq!(bench.world.reads.len(), 1, "one page at a time");
    bench.page(1..=1);
    bench.taken(9);
    let read = &bench.world.reads[0];
    assert_eq!((read.after, read.viewers.len()), (4, 3), "those who need no more than this");
    bench.page(5..=8);
    let shared: Vec<_> = bench.world.frames.iter().map(|(_, bytes)| bytes.as_ptr()).collect();
    assert_eq!(shared[0], shared[1], "the same bytes");
    assert_eq!(
        (bench.seqs(1), bench.seqs(2), bench.seqs(3)),
        (vec![5, 6, 7, 8], vec![5, 6, 7, 8], vec![7, 8])
    );
    assert_eq!((bench.world.reads.len(), bench.world.reads[0].after), (1, 0));
    bench.page(1..=8);
    assert_eq!(bench.seqs(4), (1..=8).collect::<Vec<_>>());
    assert!(bench.world.reads.is_empty());
}

#[test]
fn everybody_sees_his_own_reactions_in_a_page_that_is_shared() {
    let mut bench = Bench::new();
    bench.worker.pace = Pace { pages_max: 1, sockets_max: 9 };
    let busy = Subscription { log: RoomKey(8), ..subscription(0, 1) };
    bench.open(9, vec![busy]);
    for slot in 1..=3 {
        bench.open(slot, vec![subscription(0, 2)]);
    }
    bench.page(1..=1);
    bench.answer_page(Ok(with_reactions(1..=2, 2)));
    let mine = |frames: Vec<Value>| -> Vec<bool> {
        let mine = |frame: &Value| frame["data"]["reactions"][0]["mine"].as_bool().unwrap_or(false);
        frames.iter().map(mine).collect()
    };
    assert_eq!(mine(bench.taken(1)), [false, false]);
    assert_eq!(mine(bench.taken(2)), [true, true]);
    assert_eq!(mine(bench.taken(3)), [false, false]);
}

#[test]
fn what_is_under_way_is_bounded_and_sockets_take_turns() {
    let mut bench = Bench::new();
    bench.worker.pace = Pace { pages_max: 2, sockets_max: 9 };
    let of = |log| Subscription { log: RoomKey(log), ..subscription(0, 1) };
    // The first has many logs, and the others come after it.
    bench.open(1, (10..=15).map(of).collect());
    bench.open(2, vec![of(20)]);
    bench.open(3, vec![of(30)]);
    let mut order = Vec::new();
    while let Some(read) = bench.world.reads.first() {
        assert!(bench.world.reads.len() <= 2);
        order.push(read.log.0);
        bench.page(1..=1);
    }
    assert_eq!(order, [10, 20, 30, 11, 12, 13, 14, 15]);
}

#[test]
fn sockets_that_one_page_is_for_are_bounded() {
    let mut bench = Bench::new();
    bench.worker.pace = Pace { pages_max: 3, sockets_max: 2 };
    let busy = Subscription { log: RoomKey(8), ..subscription(0, 1) };
    bench.open(8, vec![busy]);
    bench.open(9, vec![Subscription { log: RoomKey(9), ..busy }]);
    for slot in 1..=5 {
        bench.open(slot, vec![subscription(0, 1)]);
    }
    assert_eq!(bench.world.reads.len(), 2);
    bench.page(1..=1);
    bench.page(1..=1);
    let mut served = Vec::new();
    while let Some(read) = bench.world.reads.first() {
        assert!(bench.world.reads.iter().map(|read| read.viewers.len()).sum::<usize>() <= 2);
        served.push(read.viewers.len());
        bench.page(1..=1);
    }
    assert_eq!(served.iter().sum::<usize>(), 5);
    for slot in 1..=5 {
        assert_eq!(bench.seqs(slot), [1]);
    }
}

#[test]
fn nobody_is_forgotten_when_a_page_is_not_read() {
    let mut bench = Bench::new();
    bench.worker.pace = Pace { pages_max: 1, sockets_max: 9 };
    let other = Subscription { log: RoomKey(8), ..subscription(0, 1) };
    for slot in 1..=4 {
        bench.open(slot, vec![subscription(0, 2), other]);
    }
    // One of them goes while it waits.
    bench.close(3);
    while !bench.world.reads.is_empty() {
        bench.answer_read(Err(StoreError::Unavailable("no disk".into())));
    }
    assert!(bench.taken(1).is_empty());
    bench.tick();
    while let Some(read) = bench.world.reads.first() {
        let last = if read.log == LOG { 2 } else { 1 };
        bench.page(1..=last);
    }
    for slot in [1, 2, 4] {
        let mut seqs = bench.seqs(slot);
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 1, 2]);
    }
    for slot in [1, 2, 4] {
        bench.close(slot);
    }
    assert!(bench.worker.is_empty());
}
