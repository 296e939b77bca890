//! Scripts for the user's actor, and cases for the plan of an opening.

use salon_protocol::content::{Role, RoomKind};
use salon_protocol::request::{Auth, Positions};
use salon_protocol::{CloseCode, Encoding, LogId, Request, RoomId, Seq, UserId, limits};
use salon_storage::model::{
    Account, AccountRole, AccountStatus, Membership, Opening, RoomKey, RoomRef, UserKey, UserRef,
};
use uuid::Uuid;

use super::messages::{Effect, UserInput};
use super::opening::plan;
use super::state::{QUEUE_MAX, User};
use crate::caller::{Caller, ConnId};

fn conn(slot: u32) -> ConnId {
    ConnId { worker: 0, slot, generation: 0 }
}

fn user_ref() -> UserRef {
    UserRef { key: UserKey(1), id: UserId::new(Uuid::from_u128(1)) }
}

fn hear(user: &mut User, input: UserInput, now: i64) -> Vec<String> {
    let mut out = Vec::new();
    user.handle(input, now, &mut out);
    let shown = |effect: &Effect| match effect {
        Effect::Close(conn, code) => format!("close {} {}", conn.slot, code.code()),
        Effect::Serve(caller, _) => format!("serve {}", caller.ticket),
        Effect::Overloaded(caller) => format!("overloaded {}", caller.ticket),
        Effect::Open(open) => format!("open {}", open.conn.slot),
        Effect::Left => "left".into(),
        Effect::Sleep => "sleep".into(),
    };
    out.iter().map(shown).collect()
}

fn opened(slot: u32, device: &str) -> UserInput {
    UserInput::Opened { conn: conn(slot), device: device.into() }
}

fn request(ticket: u32) -> UserInput {
    let (reference, encoding) = (None, Encoding::Json);
    let caller = Caller {
        conn: conn(0),
        ticket,
        reference,
        encoding,
        user: user_ref(),
        pass: None,
        guest: false,
    };
    UserInput::Request(caller, Box::new(Request::Conversations(Default::default())))
}

const NONE: [&str; 0] = [];

#[test]
fn the_newest_socket_of_a_device_stays() {
    let mut user = User::new(30_000, 0);
    assert_eq!(hear(&mut user, opened(1, "phone"), 0), NONE);
    assert_eq!(hear(&mut user, opened(2, "laptop"), 0), NONE);
    let replaced = CloseCode::Replaced.code();
    assert_eq!(hear(&mut user, opened(3, "phone"), 0), [format!("close 1 {replaced}")]);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(1)), 0), NONE);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(2)), 0), NONE);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(3)), 0), ["left"]);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(3)), 0), NONE);
}

#[test]
fn a_socket_that_opens_twice_does_not_replace_itself() {
    let mut user = User::new(30_000, 0);
    assert_eq!(hear(&mut user, opened(1, "phone"), 0), NONE);
    assert_eq!(hear(&mut user, opened(1, "phone"), 0), NONE);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(1)), 0), ["left"]);
}

#[test]
fn the_oldest_socket_makes_room() {
    let mut user = User::new(30_000, 0);
    for slot in 0..limits::SOCKETS_PER_USER_MAX as u32 {
        assert_eq!(hear(&mut user, opened(slot, &format!("device{slot}")), 0), NONE);
    }
    assert_eq!(hear(&mut user, opened(99, "one-more"), 0), ["close 0 4004"]);
}

#[test]
fn requests_are_served_one_after_the_other() {
    let mut user = User::new(30_000, 0);
    hear(&mut user, opened(0, "phone"), 0);
    assert_eq!(hear(&mut user, request(1), 0), ["serve 1"]);
    assert_eq!(hear(&mut user, request(2), 0), NONE);
    assert_eq!(hear(&mut user, request(3), 0), NONE);
    assert_eq!(hear(&mut user, UserInput::Served, 0), ["serve 2"]);
    for ticket in 4..4 + QUEUE_MAX as u32 - 1 {
        assert_eq!(hear(&mut user, request(ticket), 0), NONE);
    }
    assert_eq!(hear(&mut user, request(9_999), 0), ["overloaded 9999"]);
}

#[test]
fn who_is_away_is_forgotten_after_a_while() {
    let mut user = User::new(30_000, 0);
    hear(&mut user, opened(0, "phone"), 0);
    assert_eq!(user.wake_at(), None);
    hear(&mut user, UserInput::Closed(conn(0)), 1_000);
    assert_eq!(user.wake_at(), Some(31_000));
    assert_eq!(hear(&mut user, UserInput::Wake, 30_000), NONE);
    hear(&mut user, request(1), 30_000);
    assert_eq!(hear(&mut user, UserInput::Wake, 40_000), NONE, "something is served");
    hear(&mut user, UserInput::Served, 40_000);
    assert_eq!(hear(&mut user, UserInput::Wake, 40_000), ["sleep"]);
}

#[test]
fn a_later_life_finds_the_sockets_again() {
    let mut user = User::new(30_000, 0);
    assert_eq!(hear(&mut user, UserInput::Found { conn: conn(5) }, 0), NONE);
    assert_eq!(hear(&mut user, UserInput::Found { conn: conn(5) }, 0), NONE);
    assert_eq!(user.wake_at(), None);
    assert_eq!(hear(&mut user, UserInput::Closed(conn(5)), 0), ["left"]);
}

fn room(number: u8, head: Seq, first_seq: Seq) -> Membership {
    let id = RoomId::new(Uuid::from_u128(number.into()));
    Membership {
        room: RoomRef { key: RoomKey(number.into()), id },
        kind: RoomKind::Group,
        name: None,
        role: Role::Member,
        head,
        head_at: 0,
        first_seq,
        read: 0,
        delivered: 0,
    }
}

fn opening(inbox: (Seq, Seq), rooms: Vec<Membership>) -> Opening {
    let account = Account {
        user: user_ref(),
        inbox: RoomKey(100),
        username: None,
        phone: None,
        password_hash: None,
        nickname: "ann".into(),
        avatar: None,
        bio: None,
        language: None,
        role: AccountRole::User,
        status: AccountStatus::Active,
        created_at: 0,
    };
    let (inbox_first, inbox_head) = inbox;
    let (device, friends) = ("phone".into(), vec![]);
    Opening { account, device, inbox_head, inbox_first, rooms, friends }
}

fn at(positions: &[(u8, Seq)]) -> Auth {
    let positions = positions
        .iter()
        .map(|(number, seq)| (RoomId::new(Uuid::from_u128((*number).into())), *seq))
        .collect();
    Auth { rooms: Some(Positions(positions)), ..Auth::default() }
}

/// Where each room goes on, in order; stale rooms by their number.
#[track_caller]
fn check(rooms: Vec<Membership>, auth: &Auth, after: &[Seq], stale: &[u8]) {
    let plan = plan(&opening((1, 0), rooms), auth, "here");
    let found: Vec<Seq> = plan.logs[1..].iter().map(|log| log.after).collect();
    assert_eq!(found, after);
    let named: Vec<String> = stale
        .iter()
        .map(|number| RoomId::new(Uuid::from_u128((*number).into())).to_string())
        .collect();
    assert_eq!(plan.stale, named);
}

#[test]
fn rooms_go_on_where_the_client_says() {
    check(vec![room(1, 10, 1)], &at(&[(1, 7)]), &[7], &[]);
    check(vec![room(1, 10, 1)], &at(&[(1, 0)]), &[0], &[]);
    check(vec![room(1, 10, 1)], &at(&[(1, 10)]), &[10], &[]);
    // Not named: from now on. Unknown rooms are ignored.
    check(vec![room(1, 10, 1)], &at(&[(9, 3)]), &[10], &[]);
    // Ahead of the log: another store's position.
    check(vec![room(1, 10, 1)], &at(&[(1, 11)]), &[10], &[1]);
    // Before one's time: from the beginning of one's time.
    check(vec![room(1, 10, 5)], &at(&[(1, 0)]), &[4], &[]);
    // Too far behind.
    check(vec![room(1, 1_001, 1)], &at(&[(1, 0)]), &[1_001], &[1]);
    check(vec![room(1, 1_000, 1)], &at(&[(1, 0)]), &[0], &[]);
}

#[test]
fn the_total_is_spent_on_the_newest_rooms_first() {
    let rooms: Vec<Membership> = (1..=12).map(|number| room(number, 900, 1)).collect();
    let positions: Vec<(u8, Seq)> = (1..=12).map(|number| (number, 0)).collect();
    let mut after = vec![0; 11];
    after.push(900);
    check(rooms, &at(&positions), &after, &[12]);
}

#[test]
fn positions_of_another_store_mean_nothing() {
    let auth = Auth { epoch: Some("elsewhere".into()), inbox: Some(3), ..at(&[(1, 7)]) };
    let found = plan(&opening((1, 5), vec![room(1, 10, 1)]), &auth, "here");
    assert_eq!(found.stale[0], "inbox");
    assert_eq!((found.stale.len(), found.logs[0].after, found.logs[1].after), (2, 5, 10));
    let same = Auth { epoch: Some("here".into()), ..auth };
    let found = plan(&opening((1, 5), vec![room(1, 10, 1)]), &same, "here");
    assert_eq!((found.stale.len(), found.logs[0].after, found.logs[1].after), (0, 3, 7));
}

#[test]
fn the_inbox_goes_on_where_it_is_kept() {
    let place = |inbox, position| {
        let auth = Auth { inbox: position, ..Auth::default() };
        let plan = plan(&opening(inbox, vec![]), &auth, "here");
        assert_eq!(plan.logs[0].id, LogId::Inbox);
        (plan.logs[0].after, plan.stale.len())
    };
    assert_eq!(place((1, 20), None), (20, 0), "absent: from now");
    assert_eq!(place((1, 20), Some(5)), (5, 0));
    assert_eq!(place((10, 20), Some(0)), (9, 0), "0: all that is kept");
    assert_eq!(place((10, 20), Some(9)), (9, 0));
    assert_eq!(place((10, 20), Some(5)), (20, 1), "a hole is not hidden");
    assert_eq!(place((1, 20), Some(21)), (20, 1));
    assert_eq!(place((1, 0), Some(0)), (0, 0));
}

#[test]
fn named_rooms_and_the_newest_are_listed() {
    let rooms: Vec<Membership> = (0..=250).map(|number| room(number, 1, 1)).collect();
    let plan = plan(&opening((1, 0), rooms), &at(&[(249, 1)]), "here");
    assert_eq!((plan.listed.len(), plan.more_rooms), (201, true));
    assert_eq!(plan.listed.last(), Some(&249));
    assert_eq!(plan.logs.len(), 252, "all rooms are followed");
}
