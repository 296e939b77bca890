//! Requests and their answers.

use super::*;
use crate::caller::Answer;
use crate::connection::Target;

fn send(reference: u64) -> Value {
    let cid = Uuid::from_u128(reference.into());
    let data = json!({"room": room(), "cid": cid.to_string(), "kind": "text", "text": "hello"});
    json!({"type": "send_message", "ref": reference, "data": data})
}

fn ok(caller: &Caller) -> Answer {
    caller.answer(&Ok(json!({"done": true})))
}

#[test]
fn requests_go_where_they_belong_and_answers_come_back() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.say(1, &send(10));
    bench.say(1, &json!({"type": "friends", "ref": 11}));
    bench.say(1, &json!({"type": "ping", "ref": 12}));
    let pong = bench.taken(1).remove(0);
    assert_eq!((&pong["ref"], &pong["data"]["server_time"]), (&json!(12), &json!(NOW)));
    let (asked, of_room, _) = bench.world.asked_rooms.pop().unwrap();
    let (of_user, _) = bench.world.asked_users.pop().unwrap();
    assert_eq!((asked, of_room.user), (room(), user(1)));
    bench.tell(ToWorker::Answers(vec![ok(&of_user), ok(&of_room)]));
    let refs: Vec<Value> = bench.taken(1).iter().map(|frame| frame["ref"].clone()).collect();
    assert_eq!(refs, [11, 10], "each as soon as it is there");
    bench.tell(ToWorker::Answers(vec![ok(&of_user)]));
    assert!(bench.taken(1).is_empty(), "an answer counts once");
}

#[test]
fn what_is_no_request_is_refused() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.say(1, &json!({"type": "nonsense", "ref": 1}));
    bench.say(1, &json!({"type": "send_message", "ref": 2, "data": {"room": "x"}}));
    bench.say(1, &json!({"ref": 3}));
    assert_eq!(bench.errors(1), ["unknown_type", "bad_request", "bad_frame"]);
}

#[test]
fn requests_in_flight_are_bounded() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    for reference in 0..256 {
        bench.say(1, &send(reference));
    }
    assert!(bench.taken(1).is_empty());
    bench.say(1, &send(256));
    assert_eq!(bench.errors(1), ["overloaded"]);
    let caller = bench.world.asked_rooms[0].1;
    bench.tell(ToWorker::Answers(vec![ok(&caller)]));
    bench.say(1, &send(257));
    assert_eq!(bench.kinds(1), ["ok"]);
    assert_eq!(bench.world.asked_rooms.len(), 257);
}

#[test]
fn who_cannot_take_it_says_so() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.world.full = true;
    bench.say(1, &send(1));
    bench.say(1, &json!({"type": "friends", "ref": 2}));
    assert_eq!(bench.errors(1), ["overloaded", "overloaded"]);
    assert_eq!(bench.worker.waiting, 0);
}

#[test]
fn delivered_cursors_are_passed_on_and_answered_at_once() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    let rooms = json!({room().to_string(): 4, Uuid::from_u128(5).to_string(): 9});
    bench.say(1, &json!({"type": "message_delivered", "ref": 1, "data": {"rooms": rooms}}));
    assert_eq!(bench.kinds(1), ["ok"]);
    let seqs = |(_, _, request): &(RoomId, Caller, RoomRequest)| match request {
        RoomRequest::Delivered(seq) => *seq,
        _ => 0,
    };
    let mut seqs: Vec<Seq> = bench.world.asked_rooms.iter().map(seqs).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, [4, 9]);
}

#[test]
fn a_request_without_an_answer_is_given_up() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.say(1, &send(1));
    for _ in 0..20 {
        bench.tick();
    }
    assert!(bench.taken(1).is_empty());
    bench.tick();
    assert_eq!(bench.errors(1), ["unavailable"]);
    let caller = bench.world.asked_rooms[0].1;
    bench.tell(ToWorker::Answers(vec![ok(&caller)]));
    assert!(bench.taken(1).is_empty(), "it has its answer");
    assert_eq!(bench.worker.waiting, 0);
}

#[test]
fn what_was_asked_of_an_actor_that_died_is_answered() {
    let mut bench = Bench::new();
    bench.open(1, Vec::new());
    bench.say(1, &send(1));
    bench.say(1, &json!({"type": "friends", "ref": 2}));
    bench.tell(ToWorker::Lost(Target::Room(room())));
    let errors = bench.taken(1);
    assert_eq!((errors.len(), &errors[0]["ref"]), (1, &json!(1)));
    assert_eq!(errors[0]["data"]["code"], "unavailable");
    bench.tell(ToWorker::Lost(Target::User(user(1).id)));
    assert_eq!(bench.errors(1), ["unavailable"]);
}

#[test]
fn rates_hold_over_all_sockets_of_a_user() {
    let mut bench = Bench::new();
    bench.worker.rates = RateLimits { on: true };
    bench.open(1, Vec::new());
    for reference in 0..110 {
        bench.say(1, &send(reference));
    }
    let errors = bench.taken(1);
    assert_eq!((bench.world.asked_rooms.len(), errors.len()), (100, 10));
    let error = &errors[0]["data"];
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&json!("rate_limited"), &json!(100)));
    for reference in 0..12 {
        bench.say(1, &json!({"type": "typing", "ref": reference, "data": {"room": room()}}));
    }
    assert_eq!(bench.world.asked_rooms.len(), 110);
    assert_eq!(bench.kinds(1), ["ok", "ok"], "above the rate it is dropped without an error");
}
