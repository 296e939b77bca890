//! Scripts for presence.

use std::sync::Arc;

use salon_protocol::UserId;
use uuid::Uuid;

use super::messages::{Effect, PresenceInput};
use super::state::State;

const GRACE: i64 = 20_000;

fn user(number: u8) -> UserId {
    UserId::new(Uuid::from_u128(number.into()))
}

fn number(user: &UserId) -> u8 {
    user.as_bytes()[15]
}

fn hear(state: &mut State, input: PresenceInput, now: i64) -> Vec<String> {
    let mut out = Vec::new();
    state.handle(input, now, &mut out);
    let shown = |effect: &Effect| match effect {
        Effect::Tell { to, about, online, last_seen } => {
            let seen = last_seen.map_or(String::new(), |at| format!(" at {at}"));
            format!("tell {}: {} {online}{seen}", number(to), number(about))
        }
        Effect::Mark { user, online } => format!("mark {} {online}", number(user)),
        Effect::SaveLastSeen(seen) => format!("save {}", seen.len()),
    };
    out.iter().map(shown).collect()
}

fn arrived(who: u8, friends: &[u8]) -> PresenceInput {
    let friends: Arc<[UserId]> = friends.iter().map(|one| user(*one)).collect();
    PresenceInput::Arrived { user: user(who), friends }
}

fn left(who: u8) -> PresenceInput {
    PresenceInput::Left { user: user(who) }
}

const NONE: [&str; 0] = [];

#[test]
fn friends_who_are_there_are_told() {
    let mut state = State::new(GRACE);
    assert_eq!(hear(&mut state, arrived(1, &[2, 3]), 0), ["mark 1 true"]);
    let effects = hear(&mut state, arrived(2, &[1]), 0);
    assert_eq!(effects, ["mark 2 true", "tell 1: 2 true"]);
    assert_eq!(hear(&mut state, arrived(2, &[1]), 0), NONE, "a second device is no news");
    assert_eq!(hear(&mut state, left(2), 100), NONE, "there is a grace");
    assert_eq!(state.wake_at(), Some(100 + GRACE));
    let effects = hear(&mut state, PresenceInput::Wake, 100 + GRACE);
    assert_eq!(effects, ["mark 2 false", "tell 1: 2 false at 100", "save 1"]);
    assert_eq!(state.wake_at(), None);
}

#[test]
fn who_comes_back_in_time_was_never_away() {
    let mut state = State::new(GRACE);
    hear(&mut state, arrived(1, &[2]), 0);
    hear(&mut state, arrived(2, &[1]), 0);
    hear(&mut state, left(2), 0);
    assert_eq!(hear(&mut state, arrived(2, &[1]), 5_000), NONE);
    hear(&mut state, left(2), 15_000);
    assert_eq!(hear(&mut state, PresenceInput::Wake, GRACE), NONE, "the first grace means nothing");
    assert_eq!(state.wake_at(), Some(15_000 + GRACE));
    let effects = hear(&mut state, PresenceInput::Wake, 15_000 + GRACE);
    assert_eq!(effects, ["mark 2 false", "tell 1: 2 false at 15000", "save 1"]);
}

#[test]
fn friendships_begin_and_end() {
    let mut state = State::new(GRACE);
    hear(&mut state, arrived(1, &[]), 0);
    hear(&mut state, arrived(2, &[]), 0);
    let change = |see| PresenceInput::Friendship { one: user(1), other: user(2), see };
    let effects = hear(&mut state, change(true), 0);
    assert_eq!(effects, ["tell 1: 2 true", "tell 2: 1 true"]);
    hear(&mut state, left(1), 0);
    let effects = hear(&mut state, PresenceInput::Wake, GRACE);
    assert_eq!(effects, ["mark 1 false", "tell 2: 1 false at 0", "save 1"]);
    hear(&mut state, arrived(1, &[2]), GRACE);
    let effects = hear(&mut state, change(false), GRACE);
    assert_eq!(effects, ["tell 1: 2 false", "tell 2: 1 false"]);
    hear(&mut state, left(1), GRACE);
    let effects = hear(&mut state, PresenceInput::Wake, 2 * GRACE);
    assert_eq!(effects, ["mark 1 false", "save 1"], "no friend, no news");
}

#[test]
fn a_stop_saves_who_was_there() {
    let mut state = State::new(GRACE);
    hear(&mut state, arrived(1, &[]), 0);
    hear(&mut state, arrived(2, &[]), 0);
    assert_eq!(hear(&mut state, PresenceInput::Drain, 100), ["save 2"]);
}
