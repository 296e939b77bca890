//! From the first frame to the last.

use super::*;
use crate::connection::{Target, Who};

fn auth(token: &str) -> Value {
    json!({"type": "auth", "ref": 1, "data": {"token": token}})
}

#[test]
fn the_first_frame_is_auth() {
    let mut bench = Bench::new();
    bench.connect(1);
    bench.say(1, &json!({"type": "ping", "ref": 5}));
    let frames = bench.taken(1);
    assert_eq!(
        (&frames[0]["ref"], &frames[0]["data"]["code"]),
        (&json!(5), &json!("unauthorized"))
    );
    assert_eq!((&frames[1]["type"], &frames[1]["data"]["code"]), (&json!("bye"), &json!(4001)));
    assert_eq!(bench.world.closed, [(1, CloseCode::Unauthorized)]);
    bench.say(1, &auth("1"));
    assert!(bench.taken(1).is_empty() && bench.world.opens.is_empty(), "nothing more is heard");
}

#[test]
fn a_token_that_is_not_valid_ends_the_socket() {
    let mut bench = Bench::new();
    for (slot, frame) in [(1, auth("nonsense")), (2, json!({"type": "auth", "ref": 1, "data": {}}))]
    {
        bench.connect(slot);
        bench.say(slot, &frame);
        assert_eq!(bench.kinds(slot), ["error", "bye"]);
    }
    assert_eq!(bench.world.closed.len(), 2);
    assert!(bench.world.opens.is_empty());
}

#[test]
fn the_header_of_the_upgrade_counts_unless_the_frame_is_of_another_user() {
    let mut bench = Bench::new();
    let greeting = || Greeting { claims: Some(claims(1)) };
    for slot in [1, 2, 3] {
        bench.worker.opened(conn(slot), greeting());
    }
    bench.say(1, &json!({"type": "auth", "ref": 1}));
    assert_eq!(bench.world.opens.pop().unwrap().claims, claims(1));
    bench.say(2, &auth("1"));
    assert_eq!(bench.world.opens.pop().unwrap().claims, claims(1));
    bench.say(3, &auth("2"));
    assert_eq!(bench.world.closed, [(3, CloseCode::Unauthorized)]);
}

#[test]
fn frames_behind_auth_wait_for_its_answer() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.say(1, &json!({"type": "ping", "ref": 2}));
    bench.say(1, &json!({"type": "friends", "ref": 3}));
    bench.say_text(1, "{");
    assert!(bench.taken(1).is_empty());
    bench.grant(1, Vec::new());
    let frames = bench.taken(1);
    let seen: Vec<_> = frames.iter().map(|f| (f["type"].as_str().unwrap(), &f["ref"])).collect();
    assert_eq!(seen, [("ok", &json!(1)), ("ok", &json!(2)), ("error", &Value::Null)]);
    assert_eq!(bench.world.asked_users[0].0.reference, Some(3));
}

#[test]
fn what_waits_behind_auth_is_bounded() {
    let mut bench = Bench::new();
    bench.begin(1);
    for reference in 0..256 {
        bench.say(1, &json!({"type": "ping", "ref": reference}));
    }
    assert!(bench.world.closed.is_empty());
    bench.say(1, &json!({"type": "ping", "ref": 256}));
    assert_eq!(bench.world.closed, [(1, CloseCode::Flood)]);

    bench.begin(2);
    let long = "x".repeat(200 * 1024);
    bench.say_text(2, &long);
    bench.say_text(2, &long);
    assert_eq!(bench.world.closed.len(), 1);
    bench.say_text(2, &long);
    assert_eq!(bench.world.closed.last(), Some(&(2, CloseCode::Flood)));
}

#[test]
fn a_session_that_does_not_open_may_be_tried_again() {
    let mut bench = Bench::new();
    bench.begin(1);
    let error = ErrorData::new(ErrorCode::Unavailable, "the disk is full");
    bench.tell(ToWorker::NotOpened { conn: conn(1), error, close: None });
    assert_eq!(bench.errors(1), ["unavailable"]);
    assert_eq!(bench.world.deadlines, 1, "the time for auth runs again");
    bench.say(1, &auth("1"));
    bench.grant(1, Vec::new());
    assert_eq!(bench.kinds(1), ["ok"]);

    bench.world.full = true;
    bench.begin(2);
    assert_eq!(bench.errors(2), ["overloaded"]);
    bench.world.full = false;
    bench.say(2, &auth("2"));
    bench.grant(2, Vec::new());
    assert_eq!(bench.kinds(2), ["ok"]);
}

#[test]
fn a_session_that_may_not_open_ends_the_socket() {
    let mut bench = Bench::new();
    bench.begin(1);
    let error = ErrorData::new(ErrorCode::Forbidden, "disabled");
    let close = Some(CloseCode::Disabled);
    bench.tell(ToWorker::NotOpened { conn: conn(1), error, close });
    assert_eq!(bench.kinds(1), ["error", "bye"]);
    assert_eq!(bench.world.closed, [(1, CloseCode::Disabled)]);
}

#[test]
fn auth_has_a_deadline() {
    let mut bench = Bench::new();
    bench.connect(1);
    bench.begin(2);
    bench.open(3, Vec::new());
    for slot in [1, 2, 3] {
        bench.worker.deadline(conn(slot), &mut bench.world);
    }
    assert_eq!(bench.world.closed, [(1, CloseCode::Unauthorized)]);
}

#[test]
fn a_newer_token_renews_the_session() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.say(1, &json!({"type": "auth", "ref": 4, "data": {"token": "1"}}));
    let answer = bench.taken(1);
    assert_eq!(answer[0]["data"], json!({"expires_at": claims(1).expires_at}));
    assert!(bench.world.opens.is_empty());
    bench.say(1, &json!({"type": "auth", "ref": 5, "data": {"token": "2"}}));
    assert_eq!(bench.kinds(1), ["error", "bye"], "of another user");
}

#[test]
fn too_many_malformed_frames_end_the_socket() {
    let mut bench = Bench::new();
    bench.connect(1);
    bench.say_text(1, "{");
    bench.say_text(1, "[]");
    assert_eq!(bench.errors(1), ["bad_frame", "bad_frame"]);
    bench.say_text(1, "");
    assert_eq!(bench.world.closed, [(1, CloseCode::Flood)]);

    bench.open(2, Vec::new());
    for _ in 0..19 {
        bench.say_text(2, "{");
    }
    bench.world.now += 10_001;
    for _ in 0..19 {
        bench.say_text(2, "{");
    }
    assert_eq!(bench.world.closed.len(), 1, "spread over time they are forgiven");
    bench.say_text(2, "{");
    assert_eq!(bench.world.closed.last(), Some(&(2, CloseCode::Flood)));
}

#[test]
fn the_encoding_is_that_of_the_first_frame() {
    let mut bench = Bench::new();
    bench.connect(1);
    let frame = rmp_serde::to_vec_named(&auth("1")).unwrap();
    bench.worker.frame(conn(1), Incoming::Binary(&frame), &mut bench.world);
    bench.grant(1, vec![subscription(0, 0)]);
    bench.events(1..=2);
    let first = |(_, bytes): &(u32, Bytes)| bytes[0];
    assert_eq!(bench.world.frames.iter().map(first).collect::<Vec<_>>(), [0x82, 0x82]);
    assert_eq!(bench.taken(1).len(), 3);
}

#[test]
fn sockets_are_closed_one_by_one_by_login_and_by_user() {
    let mut bench = Bench::new();
    for slot in 1..=3 {
        bench.open(slot, vec![subscription(0, 0)]);
    }
    // A second socket of the first user, with another login.
    bench.connect(4);
    bench.say(4, &auth("1"));
    let mut open = bench.world.opens.pop().unwrap();
    open.claims.session = session(99);
    bench.world.opens.push(open);
    bench.grant(4, Vec::new());

    let close = |who, code| ToWorker::Close { who, code };
    bench.tell(close(Who::Session(user(1).id, session(99)), CloseCode::SessionEnded));
    assert_eq!(bench.world.closed, [(4, CloseCode::SessionEnded)]);
    bench.tell(close(Who::Conn(conn(2)), CloseCode::Replaced));
    assert_eq!(bench.world.closed.last(), Some(&(2, CloseCode::Replaced)));
    bench.tell(close(Who::User(user(1).id), CloseCode::Disabled));
    assert_eq!(bench.world.closed.last(), Some(&(1, CloseCode::Disabled)));
    assert_eq!(bench.world.users_closed, [conn(4), conn(2), conn(1)]);
    assert_eq!(bench.world.registered[&LOG], 1);
    for slot in 1..=4 {
        bench.close(slot);
    }
    assert_eq!(bench.world.users_closed.len(), 4, "each is told once");
    assert_eq!(bench.world.registered[&LOG], 0);
    assert!(bench.worker.followers.is_empty());
}

#[test]
fn a_login_that_ends_while_its_session_opens_ends_the_socket() {
    let mut bench = Bench::new();
    bench.begin(1);
    let who = Who::Session(user(1).id, session(1));
    bench.tell(ToWorker::Close { who, code: CloseCode::SessionEnded });
    assert_eq!(bench.world.closed, [(1, CloseCode::SessionEnded)]);
    bench.grant(1, vec![subscription(0, 5)]);
    assert_eq!(bench.kinds(1), ["bye"]);
    assert!(bench.worker.followers.is_empty());
    assert_eq!(bench.world.users_closed, [conn(1), conn(1)], "his actor thought it open");
}

#[test]
fn a_slot_is_not_mistaken_for_its_next_holder() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.close(1);
    let next = ConnId { generation: 2, ..conn(1) };
    bench.worker.opened(next, Greeting::default());
    bench.grant(1, vec![subscription(0, 5)]);
    assert!(bench.taken(1).is_empty());
    bench.close(1);
    assert!(bench.worker.conn(next).is_some());
}

#[test]
fn a_stop_waits_for_answers_and_asks_everybody_back() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.open(2, Vec::new());
    bench.connect(3);
    bench.say(2, &json!({"type": "friends", "ref": 2}));
    bench.tell(ToWorker::Shutdown { spread_ms: 10_000 });
    let bye = bench.taken(1).remove(0);
    assert_eq!((&bye["type"], &bye["data"]["code"]), (&json!("bye"), &json!(4200)));
    let retry_after_ms = bye["data"]["retry_after_ms"].as_u64().unwrap();
    assert!((500..=10_500).contains(&retry_after_ms));
    assert!(bench.taken(3).is_empty(), "nobody knows in which encoding it would speak");
    bench.say(2, &json!({"type": "ping", "ref": 3}));
    assert_eq!(bench.errors(2), ["unavailable"]);
    let (caller, _) = bench.world.asked_users.pop().unwrap();
    bench.tell(ToWorker::Answers(vec![caller.answer(&Ok(json!({})))]));
    assert_eq!(bench.kinds(2), ["ok", "bye"]);
    assert_eq!(bench.world.closed.len(), 3);
}

#[test]
fn after_a_loss_everybody_begins_anew() {
    let mut bench = Bench::new();
    bench.open(1, vec![subscription(0, 0)]);
    bench.begin(2);
    bench.worker.begin_anew(&mut bench.world);
    assert_eq!(bench.taken(1)[0]["data"]["code"], 4201);
    assert_eq!(bench.world.closed.len(), 2);
    bench.events(1..=1);
    assert!(bench.taken(1).is_empty());
}

#[test]
fn the_actor_of_a_user_that_died_finds_his_sockets() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.begin(2);
    bench.tell(ToWorker::Report(user(1).id));
    bench.tell(ToWorker::Report(user(2).id));
    assert_eq!(bench.world.reported, [conn(1)], "one that is opening comes by itself");
    bench.tell(ToWorker::Lost(Target::User(user(2).id)));
    assert_eq!(bench.errors(2), ["unavailable"]);
    bench.say(2, &auth("2"));
    assert_eq!(bench.world.opens.len(), 2);
}

#[test]
fn an_auth_that_was_given_up_does_not_take_the_next_one_along() {
    let mut bench = Bench::new();
    bench.begin(1);
    let late = bench.world.opens.pop().unwrap();
    bench.tell(ToWorker::Lost(Target::User(user(1).id)));
    assert_eq!(bench.errors(1), ["unavailable"]);
    assert_eq!(bench.world.users_closed, [conn(1)], "his next actor may think it open");
    bench.say(1, &json!({"type": "auth", "data": {"token": "1"}}));
    let frame = codec::ok(late.encoding, late.reference, &json!({}));
    let (ticket, session) = (late.ticket, late.claims.session);
    let user = UserShared::new(user(1), false);
    bench.tell(ToWorker::Opened { conn: conn(1), ticket, frame, user, session, logs: vec![] });
    assert_eq!(bench.world.users_closed.len(), 1, "he is about to open it");
    bench.grant(1, vec![subscription(0, 0)]);
    assert_eq!(bench.kinds(1), ["ok"]);
}
