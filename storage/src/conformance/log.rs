//! Appending to a room's log.

use salon_protocol::content::{Content, Mention, MessageKind};
use salon_protocol::event::ReactionSum;
use salon_protocol::limits::{
    EDIT_WINDOW_MS, REACTION_KINDS_MAX, RECALL_FLIGHT_MS, RECALL_WINDOW_MS,
};
use salon_protocol::{ErrorCode, EventData, RoomId, Seq, UserId};
use serde_json::json;
use uuid::Uuid;

use super::{World, cid, code, send, seqs, text, texts, types};
use crate::model::{Change, Committed, OpResult, RoomOp, RoomRef, UserRef};

pub(super) async fn numbers_have_no_holes(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let eve = world.user("eve").await;
    let room = world.group(ann, &[bob]).await;
    let ops = vec![
        RoomOp::new(ann, send("one")),
        RoomOp::new(eve, send("refused")),
        RoomOp::new(bob, send("two")),
        RoomOp::new(bob, Change::Kick { user: ann.id }),
        RoomOp::new(ann, send("three")),
    ];
    let results = world.store.commit(room, ops).await.unwrap();
    let seqs_given: Vec<Option<u64>> =
        results.iter().map(|result| result.as_ref().ok().map(|done| done.seq)).collect();
    assert_eq!(seqs_given, [Some(2), None, Some(3), None, Some(4)]);
    let events = world.page(bob, room).await;
    assert_eq!(seqs(&events), [1, 2, 3, 4]);
    assert_eq!(texts(&events), ["one", "two", "three"]);
    let EventData::NewMessage(message) = &events[1].data else { panic!() };
    assert_eq!((message.sender, events[1].at), (ann.id, super::START));
    // What was committed is what is read.
    assert_eq!(results[0].as_ref().unwrap().events[0], events[1]);
}

pub(super) async fn a_cid_is_one_message(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let change = send("once");
    let first = world.op(room, ann, change.clone()).await;
    world.clock.advance(1_000);
    let again = world.op(room, ann, change.clone()).await;
    let expected =
        Committed { seq: first.seq, at: first.at, duplicate: true, ..Committed::default() };
    assert_eq!(again, expected);
    // Twice within one commit.
    let change = send("twice");
    let ops = vec![RoomOp::new(ann, change.clone()), RoomOp::new(ann, change)];
    let results = world.store.commit(room, ops).await.unwrap();
    let [one, two] = results.map_ok();
    assert_eq!((one.seq, two.seq, one.duplicate, two.duplicate), (3, 3, false, true));
    assert_eq!(texts(&world.page(ann, room).await), ["once", "twice"]);
    // Two users may use the same one.
    let shared = cid();
    let mine = Change::Send { cid: shared, content: text("mine") };
    let yours = Change::Send { cid: shared, content: text("yours") };
    assert!(!world.op(room, ann, mine.clone()).await.duplicate);
    assert!(!world.op(room, bob, yours).await.duplicate);
    // A repetition after a recall still gives the first answer, after a kick nothing.
    let seq = world.op(room, ann, mine.clone()).await.seq;
    world.op(room, ann, Change::Recall { seq }).await;
    let again = world.op(room, ann, mine).await;
    assert_eq!((again.seq, again.duplicate), (seq, true));
    // Whoever was muted meanwhile still hears that he has said it.
    let said = send("said");
    let seq = world.op(room, bob, said.clone()).await.seq;
    let until = world.clock_now() + 1_000;
    world.op(room, ann, Change::Mute { user: bob.id, until }).await;
    let again = world.op(room, bob, said).await;
    assert_eq!((again.seq, again.duplicate), (seq, true));
}

trait Results {
    fn map_ok(self) -> [Committed; 2];
}

impl Results for Vec<crate::model::OpResult> {
    fn map_ok(self) -> [Committed; 2] {
        let all: Vec<Committed> = self.into_iter().map(Result::unwrap).collect();
        all.try_into().unwrap()
    }
}

pub(super) async fn a_cid_with_other_content_is_a_conflict(world: World) {
    let ann = world.user("ann").await;
    let (room, other) = (world.group(ann, &[]).await, world.group(ann, &[]).await);
    let cid = cid();
    let change = Change::Send { cid, content: text("this") };
    world.op(room, ann, change.clone()).await;
    let that = Change::Send { cid, content: text("that") };
    assert_eq!(code(world.try_op(room, ann, that).await), ErrorCode::Conflict);
    assert_eq!(code(world.try_op(other, ann, change).await), ErrorCode::Conflict);
    let edit = Change::Edit { seq: 2, cid: Some(cid), text: "edited".into() };
    assert_eq!(code(world.try_op(room, ann, edit).await), ErrorCode::Conflict);
    assert_eq!(texts(&world.page(ann, room).await), ["this"]);
}

pub(super) async fn only_members_write(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[]).await;
    let seq = world.say(room, ann, "secret").await.seq;
    let emoji = "👍".to_owned();
    for change in [
        send("x"),
        Change::Recall { seq },
        Change::Edit { seq, cid: None, text: "x".into() },
        Change::React { seq, emoji, on: true },
        Change::Leave,
        Change::Invite { users: vec![bob.id] },
        Change::Kick { user: ann.id },
        Change::Update { name: Some("x".into()), announcement: None, slow_mode_ms: None },
        Change::Join { link: None },
        Change::Join { link: Some("guess".into()) },
    ] {
        let shown = format!("{change:?}");
        assert_eq!(code(world.try_op(room, bob, change).await), ErrorCode::Forbidden, "{shown}");
    }
    assert_eq!(types(&world.page(ann, room).await), ["room_created", "new_message"]);
}

pub(super) async fn time_does_not_go_back(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    world.clock.advance(10_000);
    let late = world.say(room, ann, "late").await;
    world.clock.advance(-60_000);
    let early = world.say(room, ann, "early").await;
    assert_eq!((early.seq, early.at), (late.seq + 1, late.at));
    world.clock.advance(120_000);
    assert!(world.say(room, ann, "on").await.at > late.at);
}

fn mentioning(mentions: Vec<Mention>) -> Change {
    Change::Send { cid: cid(), content: Content { mentions, ..text("you") } }
}

pub(super) async fn mentions_are_of_members(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let eve = world.user("eve").await;
    let room = world.group(ann, &[bob]).await;
    let nobody = UserId::new(Uuid::now_v7());
    let named = vec![Mention::User(bob.id), Mention::User(eve.id), Mention::User(nobody)];
    let change = mentioning(named);
    let done = world.op(room, ann, change.clone()).await;
    let EventData::NewMessage(message) = &done.events[0].data else { panic!() };
    assert_eq!(message.mentions, [Mention::User(bob.id)]);
    assert_eq!(world.page(bob, room).await.last(), done.events.first());
    assert!(world.op(room, ann, change).await.duplicate, "the content is what was sent");
    let all = mentioning(vec![Mention::All]);
    assert_eq!(code(world.try_op(room, bob, all.clone()).await), ErrorCode::Forbidden);
    world.op(room, ann, all).await;
}

pub(super) async fn replies_point_into_the_room(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let seq = world.say(room, ann, "question").await.seq;
    let reply = |seq| Change::Send {
        cid: cid(),
        content: Content { reply_to: Some(seq), ..text("answer") },
    };
    let done = world.op(room, ann, reply(seq)).await;
    let EventData::NewMessage(message) = &done.events[0].data else { panic!() };
    assert_eq!(message.reply_to, Some(seq));
    for missing in [0, 99] {
        assert_eq!(code(world.try_op(room, ann, reply(missing)).await), ErrorCode::NotFound);
    }
}

pub(super) async fn a_message_is_recalled(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let seq = world.say(room, bob, "oops").await.seq;
    let recalled = world.op(room, bob, Change::Recall { seq }).await;
    assert_eq!(recalled.seq, seq + 1);
    let events = world.page(ann, room).await;
    assert_eq!(types(&events), ["room_created", "new_message", "message_recalled"]);
    let EventData::NewMessage(message) = &events[1].data else { panic!() };
    assert!(message.recalled && message.sender == bob.id && message.kind == MessageKind::Text);
    assert_eq!((&message.text, &message.body, message.reply_to), (&None, &None, None));
    let EventData::MessageRecalled(event) = &events[2].data else { panic!() };
    assert_eq!((event.target, event.by), (seq, bob.id));
    assert_eq!(recalled.events[0], events[2]);
    // A member cannot take back what another said; an admin can, also what the owner said.
    let seq = world.say(room, ann, "mine").await.seq;
    assert_eq!(code(world.try_op(room, bob, Change::Recall { seq }).await), ErrorCode::Forbidden);
    let promote = Change::SetRole { user: bob.id, role: salon_protocol::content::Role::Admin };
    world.op(room, ann, promote).await;
    world.op(room, bob, Change::Recall { seq }).await;
    assert_eq!(texts(&world.page(ann, room).await), ["-", "-"]);
    for missing in [1, 99, u64::MAX] {
        let change = Change::Recall { seq: missing };
        assert_eq!(code(world.try_op(room, ann, change).await), ErrorCode::NotFound);
    }
}

pub(super) async fn recall_has_a_window(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let first = world.say(room, bob, "first").await.seq;
    world.clock.advance(1);
    let second = world.say(room, bob, "second").await.seq;
    world.clock.advance(RECALL_WINDOW_MS + RECALL_FLIGHT_MS);
    let late = world.try_op(room, bob, Change::Recall { seq: first }).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::Gone);
    assert_eq!(late.details, Some(json!({ "window_ms": RECALL_WINDOW_MS })));
    world.op(room, bob, Change::Recall { seq: second }).await;
    // Admins at any time.
    world.op(room, ann, Change::Recall { seq: first }).await;
}

pub(super) async fn a_recall_repeats_its_answer(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let seq = world.say(room, ann, "oops").await.seq;
    let first = world.op(room, ann, Change::Recall { seq }).await;
    world.say(room, ann, "other").await;
    let again = world.op(room, ann, Change::Recall { seq }).await;
    assert_eq!((again.seq, again.events.len()), (first.seq, 0));
    assert_eq!(world.page(ann, room).await.len(), 4);
}

pub(super) async fn a_message_is_edited(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let seq = world.say(room, bob, "helo").await.seq;
    let name = Some(cid());
    let edit = |text: &str, cid| Change::Edit { seq, cid, text: text.into() };
    world.clock.advance(5_000);
    let first = world.op(room, bob, edit("hello", name)).await;
    let again = world.op(room, bob, edit("hello", name)).await;
    assert_eq!((again.seq, again.duplicate), (first.seq, true));
    assert_eq!(code(world.try_op(room, bob, edit("other", name)).await), ErrorCode::Conflict);
    world.op(room, bob, edit("hello!", None)).await;
    let events = world.page(ann, room).await;
    let EventData::NewMessage(message) = &events[1].data else { panic!() };
    assert_eq!(message.text.as_deref(), Some("hello!"));
    let edited = message.edited.unwrap();
    assert_eq!((edited.version, edited.at), (2, super::START + 5_000));
    for (event, version) in events[2..].iter().zip([1, 2]) {
        let EventData::MessageEdited(edit) = &event.data else { panic!("{event:?}") };
        assert_eq!((edit.target, edit.version), (seq, version));
        assert_eq!(edit.text.as_deref(), Some("hello!"), "older texts are not kept");
    }
    let by_other = Change::Edit { seq, cid: None, text: "x".into() };
    assert_eq!(code(world.try_op(room, ann, by_other).await), ErrorCode::Forbidden);
    world.clock.advance(EDIT_WINDOW_MS);
    assert_eq!(code(world.try_op(room, bob, edit("late", None)).await), ErrorCode::Gone);
    let body = Some(json!({ "a": 1 }));
    let content = Content { body, ..Content::empty(MessageKind::Custom) };
    let seq = world.op(room, bob, Change::Send { cid: cid(), content }).await.seq;
    let custom = Change::Edit { seq, cid: None, text: "x".into() };
    assert_eq!(code(world.try_op(room, bob, custom).await), ErrorCode::BadRequest);
}

pub(super) async fn an_edit_is_gone_after_recall(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let seq = world.say(room, ann, "secret one").await.seq;
    let edit = |text: &str| Change::Edit { seq, cid: None, text: text.into() };
    world.op(room, ann, edit("secret two")).await;
    world.op(room, ann, Change::Recall { seq }).await;
    let events = world.page(ann, room).await;
    assert!(!format!("{events:?}").contains("secret"), "{events:?}");
    assert_eq!(code(world.try_op(room, ann, edit("again")).await), ErrorCode::Conflict);
    let react = Change::React { seq, emoji: "👍".into(), on: true };
    assert_eq!(code(world.try_op(room, ann, react).await), ErrorCode::Conflict);
}

pub(super) async fn reactions_are_summed(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let seq = world.say(room, ann, "joke").await.seq;
    let react = |emoji: &str, on| Change::React { seq, emoji: emoji.into(), on };
    let first = world.op(room, ann, react("😀", true)).await;
    let again = world.op(room, ann, react("😀", true)).await;
    assert_eq!((again.seq, again.events.len()), (first.seq, 0));
    world.op(room, bob, react("😀", true)).await;
    world.op(room, bob, react("👍", true)).await;
    let sums = async |viewer: UserRef| {
        let events = world.page(viewer, room).await;
        let EventData::NewMessage(message) = &events[1].data else { panic!() };
        message.reactions.clone()
    };
    let sum = |emoji: &str, count, mine| ReactionSum { emoji: emoji.into(), count, mine };
    assert_eq!(sums(ann).await, [sum("😀", 2, true), sum("👍", 1, false)]);
    assert_eq!(sums(bob).await, [sum("😀", 2, true), sum("👍", 1, true)]);
    world.op(room, ann, react("😀", false)).await;
    assert_eq!(sums(ann).await, [sum("😀", 1, false), sum("👍", 1, false)]);
    assert_eq!(code(world.try_op(room, ann, react("🎉", false)).await), ErrorCode::NotFound);
    world.op(room, ann, Change::Recall { seq }).await;
    assert_eq!(sums(ann).await, []);
}

pub(super) async fn reactions_have_a_bound(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    let seq = world.say(room, ann, "joke").await.seq;
    for number in 0..REACTION_KINDS_MAX {
        world.op(room, ann, Change::React { seq, emoji: format!("e{number}"), on: true }).await;
    }
    let one_more = Change::React { seq, emoji: "more".into(), on: true };
    assert_eq!(code(world.try_op(room, bob, one_more).await), ErrorCode::LimitReached);
    world.op(room, bob, Change::React { seq, emoji: "e0".into(), on: true }).await;
}

pub(super) async fn many_rooms_commit_together(world: World) {
    let ann = world.user("ann").await;
    let mut rooms = Vec::new();
    for _ in 0..8 {
        rooms.push(world.group(ann, &[]).await);
    }
    let say = |room: RoomRef, number: usize| {
        let world = world.clone();
        async move { world.say(room, ann, &number.to_string()).await }
    };
    let sayings = (0..200).map(|number| say(rooms[number % rooms.len()], number));
    futures_util::future::join_all(sayings).await;
    for room in &rooms {
        let events = world.page(ann, *room).await;
        assert_eq!(seqs(&events), (1..=26).collect::<Vec<_>>());
    }
}

pub(super) async fn each_room_of_a_commit_has_its_answers(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (one, other) = (world.group(ann, &[bob]).await, world.group(bob, &[]).await);
    let op = |by, change| RoomOp::new(by, change);
    let again = send("again");
    let answers = world
        .store
        .commit_rooms(vec![
            (one, vec![op(ann, send("a")), op(ann, Change::Recall { seq: 2 }), op(bob, send("b"))]),
            (other, vec![op(ann, send("not a member")), op(bob, again.clone())]),
            (one, vec![op(bob, send("c"))]),
            (other, vec![]),
            (other, vec![op(bob, again)]),
        ])
        .await
        .unwrap();
    let told: Vec<Vec<Result<(Seq, bool), ErrorCode>>> = answers
        .into_iter()
        .map(|room| {
            let told = |answer: OpResult| {
                answer.map(|done| (done.seq, done.duplicate)).map_err(|error| error.code)
            };
            room.into_iter().map(told).collect()
        })
        .collect();
    let expected = vec![
        vec![Ok((2, false)), Ok((3, false)), Ok((4, false))],
        vec![Err(ErrorCode::Forbidden), Ok((2, false))],
        vec![Ok((5, false))],
        vec![],
        vec![Ok((2, true))],
    ];
    assert_eq!(told, expected);
    assert_eq!(texts(&world.page(ann, one).await), ["-", "b", "c"]);
}

pub(super) async fn refusals_leave_others_alone(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (room, other) = (world.group(ann, &[bob]).await, world.group(bob, &[]).await);
    let nowhere = RoomRef { key: crate::model::RoomKey(1 << 30), id: RoomId::new(Uuid::now_v7()) };
    let (one, two, three) = tokio::join!(
        world.try_op(room, ann, send("fine")),
        world.try_op(other, ann, send("not a member")),
        world.try_op(nowhere, ann, send("no room")),
    );
    assert_eq!(one.unwrap().seq, 2);
    assert_eq!((code(two), code(three)), (ErrorCode::Forbidden, ErrorCode::Forbidden));
}
