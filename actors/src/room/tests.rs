//! Scripts: what a room wants done, step by step.

use salon_protocol::content::{Content, MessageKind, Role, RoomKind};
use salon_protocol::event::{MemberAction, MemberChanged, RoomUpdated};
use salon_protocol::reply::Done;
use salon_protocol::{
    Cid, Encoding, ErrorCode, Event, EventData, LogId, Millis, RoomId, Seq, UserId,
};
use salon_storage::StoreError;
use salon_storage::model::{
    Change, Committed, CursorUpdate, Member, RoomKey, RoomOp, RoomRef, RoomSnapshot, UserKey,
    UserRef,
};
use uuid::Uuid;

use super::messages::{Effect, Reply, RoomInput, RoomRequest};
use super::pipeline::PENDING_MAX;
use super::state::{Lost, Room};
use crate::caller::{Caller, ConnId};

const NOW: Millis = 1_000_000;
const IDLE_MS: Millis = 60_000;

/// A room under test, its time, and what it wanted done last.
struct Bench {
    room: Room,
    now: Millis,
    tickets: u32,
}

fn user(number: u8) -> UserRef {
    let id = UserId::new(Uuid::from_u128(number.into()));
    UserRef { key: UserKey(number.into()), id }
}

fn room_ref() -> RoomRef {
    RoomRef { key: RoomKey(7), id: RoomId::new(Uuid::from_u128(77)) }
}

fn member(number: u8, role: Role) -> Member {
    Member { user: user(number), role, joined_seq: 1, read: 1, delivered: 1, barred: false }
}

fn snapshot(members_count: u64) -> RoomSnapshot {
    let members = vec![member(1, Role::Owner), member(2, Role::Member), member(3, Role::Member)];
    RoomSnapshot {
        room: room_ref(),
        kind: RoomKind::Group,
        head: 10,
        members_count,
        slow_mode_ms: 0,
        members: (members_count <= 100).then_some(members),
    }
}

fn say(text: &str) -> RoomRequest {
    let content = Content { text: Some(text.into()), ..Content::empty(MessageKind::Text) };
    RoomRequest::Change(Change::Send { cid: Cid::new(Uuid::from_u128(1)), content })
}

fn event(seq: Seq, data: EventData) -> Event {
    Event { room: LogId::Room(room_ref().id), seq, at: NOW, data }
}

fn recalled(seq: Seq) -> Event {
    use salon_protocol::event::MessageRecalled;
    event(seq, EventData::MessageRecalled(MessageRecalled { target: 2, by: user(1).id }))
}

fn committed(event: Event) -> Committed {
    Committed { seq: event.seq, at: event.at, events: vec![event], ..Committed::default() }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("the disk is full".into())
}

pub(super) fn caller(number: u8) -> Caller {
    let conn = ConnId { worker: 0, slot: number.into(), generation: 0 };
    Caller {
        conn,
        ticket: 0,
        reference: None,
        encoding: Encoding::Json,
        user: user(number),
        pass: None,
        guest: false,
    }
}

impl Bench {
    fn asleep() -> Self {
        let room = Room::new(room_ref().id, IDLE_MS, NOW);
        Bench { room, now: NOW, tickets: 0 }
    }

    /// A room that is awake.
    fn awake(snapshot: RoomSnapshot) -> Self {
        let mut bench = Bench::asleep();
        let (_, effects) = bench.ask(1, RoomRequest::Read(0));
        assert_eq!(effects, [Effect::Load]);
        bench.hear(RoomInput::Loaded(Ok(Some(snapshot))));
        bench
    }

    fn hear(&mut self, input: RoomInput) -> Vec<Effect> {
        let mut out = Vec::new();
        self.room.handle(input, self.now, &mut out);
        out
    }

    fn ask(&mut self, number: u8, request: RoomRequest) -> (Caller, Vec<Effect>) {
        self.tickets += 1;
        let caller = Caller { ticket: self.tickets, ..caller(number) };
        let effects = self.hear(RoomInput::Request(caller, request));
        (caller, effects)
    }

    fn recover(&mut self, lost: Lost) -> Vec<Effect> {
        let mut out = Vec::new();
        self.room.recover(lost, self.now, &mut out);
        out
    }

    fn wait(&mut self, ms: Millis) -> Vec<Effect> {
        self.now += ms;
        self.hear(RoomInput::Wake)
    }
}

/// Who is answered, with `ok` or with which code.
fn answers(effects: &[Effect]) -> Vec<(u32, Option<ErrorCode>)> {
    let answer = |effect: &Effect| match effect {
        Effect::Answer(caller, result) => {
            Some((caller.ticket, result.as_ref().err().map(|error| error.code)))
        }
        _ => None,
    };
    effects.iter().filter_map(answer).collect()
}

fn ops(effects: &[Effect]) -> Vec<RoomOp> {
    let ops = |effect: &Effect| match effect {
        Effect::Commit(ops) => Some(ops.clone()),
        _ => None,
    };
    effects.iter().find_map(ops).unwrap_or_default()
}

fn published(effects: &[Effect]) -> Vec<Seq> {
    let seqs = |effect: &Effect| match effect {
        Effect::Publish(events) => events.iter().map(|event| event.seq).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(seqs).collect()
}

#[test]
fn requests_wait_for_the_room_and_are_committed_in_order() {
    let mut bench = Bench::asleep();
    let (one, effects) = bench.ask(1, say("one"));
    assert_eq!(effects, [Effect::Load]);
    let (two, effects) = bench.ask(2, say("two"));
    assert_eq!(effects, []);
    let effects = bench.hear(RoomInput::Loaded(Ok(Some(snapshot(3)))));
    assert_eq!(effects[0], Effect::Announce(10));
    let first = ops(&effects);
    assert_eq!(first.iter().map(|op| op.by).collect::<Vec<_>>(), [user(1)]);
    let (three, effects) = bench.ask(3, say("three"));
    assert_eq!(effects, [], "one commit at a time");

    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(11)))])));
    assert_eq!(answers(&effects), [(one.ticket, None)]);
    assert_eq!(published(&effects), [11]);
    let second: Vec<_> = ops(&effects).iter().map(|op| op.by).collect();
    assert_eq!(second, [user(2), user(3)], "whatever came meanwhile goes together");
    let refusal = salon_protocol::ErrorData::forbidden_room();
    let results = vec![Err(refusal), Ok(committed(recalled(12)))];
    let effects = bench.hear(RoomInput::Committed(Ok(results)));
    let expected = [(two.ticket, Some(ErrorCode::Forbidden)), (three.ticket, None)];
    assert_eq!(answers(&effects), expected);
    assert_eq!((published(&effects), ops(&effects)), (vec![12], vec![]));
}

#[test]
fn a_room_that_is_not_there_is_forbidden() {
    let mut bench = Bench::asleep();
    let (one, _) = bench.ask(1, say("hello?"));
    let effects = bench.hear(RoomInput::Loaded(Ok(None)));
    assert_eq!(answers(&effects), [(one.ticket, Some(ErrorCode::Forbidden))]);
    assert_eq!(effects.last(), Some(&Effect::Sleep));
    let (two, effects) = bench.ask(1, RoomRequest::Typing);
    assert_eq!(answers(&effects), [(two.ticket, Some(ErrorCode::Forbidden))]);
}

#[test]
fn a_store_that_does_not_answer_is_asked_again() {
    let mut bench = Bench::asleep();
    let (one, _) = bench.ask(1, say("one"));
    let effects = bench.hear(RoomInput::Loaded(Err(unavailable())));
    assert_eq!(answers(&effects), [(one.ticket, Some(ErrorCode::Unavailable))]);
    assert_eq!(bench.room.wake_at(), Some(NOW + 1_000));
    let (_, effects) = bench.ask(1, say("again"));
    assert_eq!(effects, [Effect::Load]);
}

#[test]
fn a_failed_commit_is_answered_and_looked_into() {
    let mut bench = Bench::awake(snapshot(3));
    let (one, effects) = bench.ask(1, say("one"));
    assert_eq!(ops(&effects).len(), 1);
    let (two, _) = bench.ask(2, say("two"));
    let effects = bench.hear(RoomInput::Committed(Err(unavailable())));
    assert_eq!(answers(&effects), [(one.ticket, Some(ErrorCode::Unavailable))]);
    assert_eq!(ops(&effects).len(), 1, "the next one tries its luck");
    // It was committed all the same: whoever follows the room hears of it.
    assert_eq!(bench.wait(1_000), [Effect::Load]);
    let found = RoomSnapshot { head: 11, ..snapshot(3) };
    let effects = bench.hear(RoomInput::Loaded(Ok(Some(found))));
    assert_eq!(effects, [Effect::Announce(11)]);
    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(12)))])));
    assert_eq!((answers(&effects), published(&effects)), (vec![(two.ticket, None)], vec![12]));
}

#[test]
fn a_full_queue_says_so() {
    let mut bench = Bench::awake(snapshot(3));
    for _ in 0..=PENDING_MAX {
        let (_, effects) = bench.ask(1, say("x"));
        assert_eq!(answers(&effects), []);
    }
    let (last, effects) = bench.ask(1, say("x"));
    assert_eq!(answers(&effects), [(last.ticket, Some(ErrorCode::Overloaded))]);
}

#[test]
fn after_a_panic_changes_on_their_way_are_kept() {
    let mut bench = Bench::awake(snapshot(3));
    let (one, _) = bench.ask(1, say("one"));
    let (two, _) = bench.ask(2, say("two"));
    assert_eq!(bench.recover(Lost::Nothing), [Effect::Load]);
    let (three, effects) = bench.ask(3, RoomRequest::Read(5));
    assert_eq!(effects, [], "requests wait for the memory");
    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(11)))])));
    assert_eq!((answers(&effects), published(&effects)), (vec![(one.ticket, None)], vec![11]));
    assert_eq!(ops(&effects).len(), 1);
    let effects = bench.hear(RoomInput::Loaded(Ok(Some(snapshot(3)))));
    assert_eq!(answers(&effects), [(three.ticket, None)]);
    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(12)))])));
    assert_eq!(answers(&effects), [(two.ticket, None)]);
}

#[test]
fn a_panic_over_the_results_of_a_commit_asks_for_a_repetition() {
    let mut bench = Bench::awake(snapshot(3));
    let (one, _) = bench.ask(1, say("one"));
    let (two, _) = bench.ask(2, say("two"));
    let effects = bench.recover(Lost::Commit);
    assert_eq!(answers(&effects), [(one.ticket, Some(ErrorCode::Unavailable))]);
    let effects = bench.hear(RoomInput::Loaded(Ok(Some(snapshot(3)))));
    assert_eq!(effects[0], Effect::Announce(10), "what was committed is found");
    assert_eq!(ops(&effects).len(), 1, "the next commit does not wait for ever");
    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(12)))])));
    assert_eq!(answers(&effects), [(two.ticket, None)]);
}

#[test]
fn a_room_that_panics_when_it_is_loaded_pauses() {
    let mut bench = Bench::asleep();
    let (one, _) = bench.ask(1, say("one"));
    let effects = bench.recover(Lost::Load);
    assert_eq!(answers(&effects), [(one.ticket, Some(ErrorCode::Unavailable))]);
    assert_eq!(effects.len(), 1);
    assert_eq!(bench.wait(1_000), [Effect::Load]);
}

#[test]
fn a_commit_that_was_given_out_before_a_panic_is_given_out_again() {
    let mut bench = Bench::awake(snapshot(3));
    bench.ask(1, say("one"));
    let (two, _) = bench.ask(2, say("two"));
    let mut out = bench.hear(RoomInput::Committed(Err(unavailable())));
    assert_eq!(ops(&out).len(), 1);
    bench.room.recover(Lost::Commit, bench.now, &mut out);
    assert_eq!(out, [Effect::Load]);
    let effects = bench.hear(RoomInput::Loaded(Ok(Some(snapshot(3)))));
    assert_eq!(ops(&effects).len(), 1, "the room does not wait for ever");
    let effects = bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(12)))])));
    assert_eq!(answers(&effects), [(two.ticket, None)]);
}

#[test]
fn who_has_read_is_answered_when_who_moved_his_cursor_has_gone() {
    let mut bench = Bench::awake(snapshot(3));
    bench.ask(2, RoomRequest::Read(5));
    let data = MemberChanged {
        user: user(2).id,
        action: MemberAction::Left,
        by: user(2).id,
        role: None,
        until: None,
        photo_role: None,
    };
    bench.hear(RoomInput::Told(vec![event(11, EventData::MemberChanged(data))]));
    let (asker, effects) = bench.ask(1, RoomRequest::ReadBy(5));
    assert_eq!(effects, [Effect::AnswerReadBy(asker, 5)]);
}

#[test]
fn who_waited_for_a_member_to_be_read_is_told_of_a_panic() {
    let mut bench = Bench::awake(snapshot(200));
    let (asker, effects) = bench.ask(9, RoomRequest::Read(5));
    assert_eq!(effects, [Effect::LoadMember(user(9).id)]);
    let effects = bench.recover(Lost::Nothing);
    assert!(answers(&effects).contains(&(asker.ticket, Some(ErrorCode::Unavailable))));
    assert_eq!(effects.last(), Some(&Effect::Load));
}

fn cursor(number: u8, seq: Seq, read: bool) -> Effect {
    Effect::Cursor { user: user(number).id, seq, read, only_own: false }
}

#[test]
fn cursors_grow_are_told_once_a_second_and_written() {
    let mut bench = Bench::awake(snapshot(3));
    let read = |seq| Ok(Reply::Done(Done { seq, duplicate: false }));
    let (asker, effects) = bench.ask(2, RoomRequest::Read(5));
    assert_eq!(effects, [cursor(2, 5, true), Effect::Answer(asker, read(5))]);
    let (asker, effects) = bench.ask(2, RoomRequest::Read(3));
    assert_eq!(effects, [Effect::Answer(asker, read(5))], "a lower one changes nothing");
    bench.now += 10;
    let (asker, effects) = bench.ask(2, RoomRequest::Read(8));
    assert_eq!(effects, [Effect::Answer(asker, read(8))], "the signal waits");
    let (asker, effects) = bench.ask(2, RoomRequest::Read(999));
    assert_eq!(effects, [Effect::Answer(asker, read(10))], "no further than the head");
    assert_eq!(bench.room.wake_at(), Some(NOW + 1_000));
    let saved = CursorUpdate { room: RoomKey(7), user: UserKey(2), read: 10, delivered: 10 };
    let effects = bench.wait(990);
    assert_eq!(effects, [cursor(2, 10, true), Effect::SaveCursors(vec![saved])]);
    assert_eq!(bench.hear(RoomInput::CursorsSaved(Ok(()))), []);
    assert_eq!(bench.wait(5_000), [], "nothing more to tell");
}

#[test]
fn delivered_cursors_are_told_apart_and_reading_implies_them() {
    let mut bench = Bench::awake(snapshot(3));
    let (_, effects) = bench.ask(2, RoomRequest::Delivered(7));
    assert_eq!(effects, [cursor(2, 7, false)], "and no answer");
    bench.now += 1_000;
    let (_, effects) = bench.ask(2, RoomRequest::Read(9));
    assert_eq!(effects[0], cursor(2, 9, true), "one signal says both");
    let (_, effects) = bench.ask(9, RoomRequest::Delivered(7));
    assert_eq!(effects, [], "he is no member: ignored");
}

#[test]
fn cursors_that_could_not_be_written_are_written_later() {
    let mut bench = Bench::awake(snapshot(3));
    bench.ask(2, RoomRequest::Read(5));
    let saved = CursorUpdate { room: RoomKey(7), user: UserKey(2), read: 5, delivered: 5 };
    assert_eq!(bench.wait(1_000), [Effect::SaveCursors(vec![saved])]);
    bench.hear(RoomInput::CursorsSaved(Err(unavailable())));
    // All that is known is written again.
    assert!(matches!(&bench.wait(1_000)[..], [Effect::SaveCursors(all)] if all.contains(&saved)));
}

#[test]
fn who_has_read_is_asked_behind_what_is_not_written() {
    let mut bench = Bench::awake(snapshot(3));
    let (asker, effects) = bench.ask(1, RoomRequest::ReadBy(5));
    assert_eq!(effects, [Effect::AnswerReadBy(asker, 5)]);
    bench.ask(2, RoomRequest::Read(5));
    let (asker, effects) = bench.ask(1, RoomRequest::ReadBy(5));
    assert!(matches!(effects[..], [Effect::SaveCursors(_)]), "{effects:?}");
    let effects = bench.hear(RoomInput::CursorsSaved(Ok(())));
    assert_eq!(effects, [Effect::AnswerReadBy(asker, 5)]);
}

#[test]
fn large_rooms_tell_cursors_to_oneself_only() {
    let mut bench = Bench::awake(snapshot(101));
    // Its members are not known: they are read when they ask.
    let effects = bench.hear(RoomInput::Member(user(1).id, Ok(Some(member(1, Role::Owner)))));
    assert_eq!(answers(&effects), [(1, None)]);
    let (asker, effects) = bench.ask(2, RoomRequest::Read(5));
    assert_eq!(effects, [Effect::LoadMember(user(2).id)]);
    let (again, effects) = bench.ask(2, RoomRequest::Typing);
    assert_eq!(effects, [], "he is being read already");
    let effects = bench.hear(RoomInput::Member(user(2).id, Ok(Some(member(2, Role::Member)))));
    assert!(matches!(effects[0], Effect::Cursor { only_own: true, .. }), "{effects:?}");
    assert_eq!(answers(&effects), [(asker.ticket, None), (again.ticket, None)]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Typing(_))));
    let (stranger, _) = bench.ask(9, RoomRequest::Read(5));
    let effects = bench.hear(RoomInput::Member(user(9).id, Ok(None)));
    assert_eq!(answers(&effects), [(stranger.ticket, Some(ErrorCode::Forbidden))]);
    let (unlucky, _) = bench.ask(8, RoomRequest::Read(5));
    let effects = bench.hear(RoomInput::Member(user(8).id, Err(unavailable())));
    assert_eq!(answers(&effects), [(unlucky.ticket, Some(ErrorCode::Unavailable))]);
}

#[test]
fn typing_is_told_in_small_rooms_now_and_then() {
    let mut bench = Bench::awake(snapshot(3));
    let (_, effects) = bench.ask(2, RoomRequest::Typing);
    assert_eq!(effects[0], Effect::Typing(user(2).id));
    let (asker, effects) = bench.ask(2, RoomRequest::Typing);
    assert_eq!(answers(&effects), [(asker.ticket, None)]);
    assert_eq!(effects.len(), 1, "too soon");
    let (stranger, effects) = bench.ask(9, RoomRequest::Typing);
    assert_eq!(answers(&effects), [(stranger.ticket, Some(ErrorCode::Forbidden))]);
    let mut barred = snapshot(3);
    barred.members.as_mut().unwrap()[1].barred = true;
    let mut bench = Bench::awake(barred);
    assert_eq!(bench.ask(2, RoomRequest::Typing).1.len(), 1);
}

#[test]
fn slow_mode_asks_for_a_pause() {
    let mut bench = Bench::awake(RoomSnapshot { slow_mode_ms: 3_000, ..snapshot(3) });
    let message = |seq| {
        let content = Content { text: Some("x".into()), ..Content::empty(MessageKind::Text) };
        let Content { kind, text, body, reply_to, mentions, photo } = content;
        let message = salon_protocol::event::NewMessage {
            sender: user(2).id,
            cid: Cid::new(Uuid::from_u128(1)),
            kind,
            text,
            body,
            reply_to,
            mentions,
            edited: None,
            recalled: false,
            photo,
            reactions: vec![],
        };
        Ok(committed(event(seq, EventData::NewMessage(message))))
    };
    assert_eq!(ops(&bench.ask(2, say("one")).1).len(), 1);
    bench.hear(RoomInput::Committed(Ok(vec![message(11)])));
    bench.now += 1_000;
    let (early, effects) = bench.ask(2, say("two"));
    assert_eq!(answers(&effects), [(early.ticket, Some(ErrorCode::RateLimited))]);
    let Effect::Answer(_, Err(error)) = &effects[0] else { panic!() };
    assert_eq!(error.retry_after_ms, Some(2_000));
    assert_eq!(ops(&bench.ask(3, say("other")).1).len(), 1, "others are not concerned");
    bench.hear(RoomInput::Committed(Ok(vec![message(12)])));
    bench.now += 3_000;
    assert_eq!(ops(&bench.ask(2, say("three")).1).len(), 1);
    let off = RoomUpdated { by: user(1).id, name: None, announcement: None, slow_mode_ms: Some(0) };
    let off = event(13, EventData::RoomUpdated(off));
    bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(off))])));
    assert_eq!(ops(&bench.ask(2, say("four")).1).len(), 1);
}

#[test]
fn events_change_what_is_known_of_members() {
    let mut bench = Bench::awake(snapshot(3));
    let change = |seq, number, action| {
        let (user, by) = (user(number).id, user(1).id);
        let change = MemberChanged { user, action, by, role: None, until: None, photo_role: None };
        event(seq, EventData::MemberChanged(change))
    };
    bench.hear(RoomInput::Told(vec![change(11, 2, MemberAction::Kicked)]));
    let (kicked, effects) = bench.ask(2, RoomRequest::Read(5));
    assert_eq!(answers(&effects), [(kicked.ticket, Some(ErrorCode::Forbidden))]);
    bench.hear(RoomInput::Told(vec![change(12, 4, MemberAction::Joined)]));
    let (_, effects) = bench.ask(4, RoomRequest::Read(5));
    assert_eq!(effects, [Effect::LoadMember(user(4).id)]);
    let (asker, effects) = bench.ask(1, RoomRequest::Read(99));
    let done = Reply::Done(Done { seq: 12, duplicate: false });
    assert_eq!(effects.last(), Some(&Effect::Answer(asker, Ok(done))), "the head has moved");
}

#[test]
fn an_idle_room_sleeps_and_a_busy_one_does_not() {
    let mut bench = Bench::awake(snapshot(3));
    assert_eq!(bench.room.wake_at(), Some(NOW + IDLE_MS));
    bench.now += IDLE_MS - 1;
    bench.ask(2, say("still here"));
    assert_eq!(bench.wait(IDLE_MS), [], "a commit is under way");
    bench.hear(RoomInput::Committed(Ok(vec![Ok(committed(recalled(11)))])));
    assert_eq!(bench.wait(IDLE_MS), [Effect::Sleep]);
}

#[test]
fn a_stop_writes_what_is_not_written() {
    let mut bench = Bench::awake(snapshot(3));
    bench.ask(2, RoomRequest::Read(5));
    assert!(matches!(bench.hear(RoomInput::Drain)[..], [Effect::SaveCursors(_)]));
}
