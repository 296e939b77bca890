//! Photo sessions that a socket views without being a member.

use super::*;
use crate::caller::Answer;
use crate::connection::Viewed;
use crate::upload::UploadRequest;
use salon_storage::model::Pass;

const PASS: Pass = Pass { code_version: 5, guest: false };

fn viewed(pass: Option<Pass>) -> Viewed {
    Viewed { session: room(), log: LOG, pass }
}

/// The user of a socket asks to come in, and may.
fn come(bench: &mut Bench, slot: u32, pass: Option<Pass>, after: Seq, head: Seq) {
    bench.say(slot, &json!({"type": "join_session", "ref": 2, "data": {"session": room()}}));
    let (caller, _) = bench.world.asked_users.pop().unwrap();
    let answer: Answer = caller.answer(&Ok(json!({})));
    let log = pass.is_some().then(|| subscription(after, head));
    bench.tell(ToWorker::Joined { answer, viewed: viewed(pass), log });
    assert_eq!(bench.kinds(slot).first().map(String::as_str), Some("ok"));
}

fn viewers(bench: &Bench) -> i64 {
    bench.world.viewers.get(&room()).copied().unwrap_or(0)
}

#[test]
fn a_viewer_gets_his_answer_first_then_what_he_missed_then_what_is_new() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    come(&mut bench, 1, Some(PASS), 3, 4);
    assert_eq!(viewers(&bench), 1);
    bench.page(4..=4);
    bench.events(5..=5);
    assert_eq!(bench.seqs(1), [4, 5]);
}

#[test]
fn what_a_viewer_asks_of_his_session_goes_with_his_pass() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    come(&mut bench, 1, Some(PASS), 4, 4);
    let send =
        json!({"room": room(), "cid": Cid::new(Uuid::from_u128(1)), "kind": "text", "text": "hi"});
    bench.say(1, &json!({"type": "send_message", "ref": 3, "data": send}));
    assert_eq!(bench.world.asked_rooms.pop().unwrap().1.pass, Some(PASS));
    bench.say(1, &json!({"type": "photo_list", "ref": 4, "data": {"session": room()}}));
    assert_eq!(bench.world.asked_users.pop().unwrap().0.pass, Some(PASS));
    let other = RoomId::new(Uuid::from_u128(78));
    bench.say(1, &json!({"type": "photo_list", "ref": 5, "data": {"session": other}}));
    assert_eq!(bench.world.asked_users.pop().unwrap().0.pass, None);
}

#[test]
fn viewers_are_dismissed_behind_the_last_event_and_members_stay() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    bench.open(2, vec![subscription(4, 4)]);
    bench.open(3, vec![]);
    come(&mut bench, 1, Some(PASS), 4, 4);
    come(&mut bench, 2, None, 4, 4);
    come(&mut bench, 3, Some(Pass { guest: true, ..PASS }), 4, 4);
    assert_eq!(viewers(&bench), 3);
    bench.events(5..=5);
    bench.tell(ToWorker::Dismiss { log: LOG, last: 5, only_guests: true });
    bench.events(6..=6);
    bench.tell(ToWorker::Dismiss { log: LOG, last: 6, only_guests: false });
    bench.events(7..=7);
    assert_eq!((bench.seqs(1), bench.seqs(2), bench.seqs(3)), (vec![5, 6], vec![5, 6, 7], vec![5]));
    assert_eq!(viewers(&bench), 1, "a member who looks on");
}

#[test]
fn as_many_goings_as_comings_are_told() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    come(&mut bench, 1, Some(PASS), 4, 4);
    come(&mut bench, 1, Some(PASS), 4, 4);
    assert_eq!(viewers(&bench), 1, "the same socket once more");
    bench.say(1, &json!({"type": "leave_session", "ref": 9, "data": {"session": room()}}));
    bench.events(5..=5);
    assert_eq!((viewers(&bench), bench.kinds(1)), (0, vec!["ok".to_owned()]));
    come(&mut bench, 1, Some(PASS), 4, 5);
    bench.page(5..=5);
    assert_eq!(bench.seqs(1), [5], "it goes on where it says");
    bench.worker.closed(conn(1), &mut bench.world);
    assert_eq!(viewers(&bench), 0);
    assert!(bench.worker.is_empty());
}

#[test]
fn pieces_of_uploads_go_to_their_upload() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    let upload = UploadId::new(Uuid::from_u128(3));
    let chunk = json!({"upload": upload, "offset": 7, "bytes": "AQI="});
    bench.say(1, &json!({"type": "photo_upload_chunk", "ref": 3, "data": chunk}));
    let (asked, _, request) = bench.world.asked_uploads.pop().unwrap();
    assert_eq!(asked, upload);
    assert_eq!(request, UploadRequest::Chunk { offset: 7, bytes: vec![1, 2] });
}

#[test]
fn a_viewer_who_becomes_a_member_stays_and_one_who_is_put_out_does_not() {
    let mut bench = Bench::new();
    bench.open(1, vec![]);
    come(&mut bench, 1, Some(PASS), 4, 4);
    bench.events(5..=5);
    bench.tell(ToWorker::Subscribe { user: user(1).id, log: subscription(4, 5) });
    bench.tell(ToWorker::Dismiss { log: LOG, last: 5, only_guests: false });
    bench.say(1, &json!({"type": "leave_session", "ref": 9, "data": {"session": room()}}));
    assert_eq!(bench.kinds(1), ["new_message", "ok"]);
    bench.events(6..=6);
    assert_eq!(bench.seqs(1), [6], "a member hears on, whatever becomes of the code");
    come(&mut bench, 1, None, 6, 6);
    bench.tell(ToWorker::Unsubscribe { user: user(1).id, log: LOG, last: 7 });
    bench.events(7..=7);
    assert_eq!(viewers(&bench), 0);
    bench.say(1, &json!({"type": "photo_list", "ref": 5, "data": {"session": room()}}));
    assert_eq!(bench.world.asked_users.pop().unwrap().0.pass, None);
}
