//! Logins and codes.

use salon_protocol::limits::SESSIONS_PER_USER_MAX;
use salon_protocol::{ErrorCode, SessionId, UserId};
use uuid::Uuid;

use super::{START, World, refused};
use crate::contract::{CodeCheck, NewSession, Rotation, Which};
use crate::model::{AccountChange, AccountStatus};

const DAY: i64 = 24 * 3600 * 1000;

async fn login(world: &World, user: UserId, device: &str) -> (SessionId, Vec<SessionId>) {
    let id = SessionId::new(Uuid::now_v7());
    let new = NewSession {
        id,
        user,
        device: device.into(),
        refresh_hash: [0; 32],
        expires_at: START + 30 * DAY,
    };
    (id, world.store.start_session(new).await.unwrap())
}

async fn rotate(world: &World, id: SessionId, generation: u32, hash: u8) -> Rotation {
    let (presented, next) = ([hash; 32], [hash + 1; 32]);
    let end = START + 60 * DAY;
    world.store.rotate_session(id, generation, presented, next, end).await.unwrap()
}

pub(super) async fn a_device_has_one_session(world: World) {
    let ann = world.user("ann").await;
    let (phone, ended) = login(&world, ann.id, "phone").await;
    assert_eq!(ended, []);
    let (laptop, _) = login(&world, ann.id, "laptop").await;
    let (again, ended) = login(&world, ann.id, "phone").await;
    assert_eq!(ended, [phone]);
    let mut open: Vec<SessionId> =
        world.store.sessions(ann.id).await.unwrap().iter().map(|session| session.id).collect();
    open.sort();
    assert_eq!(open, [laptop, again]);
}

pub(super) async fn sessions_have_a_bound(world: World) {
    let ann = world.user("ann").await;
    let (first, _) = login(&world, ann.id, "device0").await;
    for number in 1..SESSIONS_PER_USER_MAX {
        world.clock.advance(1);
        assert_eq!(login(&world, ann.id, &format!("device{number}")).await.1, []);
    }
    world.clock.advance(1);
    assert_eq!(login(&world, ann.id, "one-more").await.1, [first]);
    assert_eq!(world.store.sessions(ann.id).await.unwrap().len(), SESSIONS_PER_USER_MAX);
}

pub(super) async fn tokens_rotate_once(world: World) {
    let ann = world.user("ann").await;
    let (id, _) = login(&world, ann.id, "phone").await;
    let Rotation::Rotated(account, session) = rotate(&world, id, 0, 0).await else {
        panic!("the first token is valid");
    };
    assert_eq!((account.user, session.id, session.device.as_str()), (ann, id, "phone"));
    assert!(matches!(rotate(&world, id, 1, 1).await, Rotation::Rotated(..)));
    // The second one again: somebody else has it.
    assert_eq!(rotate(&world, id, 1, 1).await, Rotation::Reused(ann.id));
    assert_eq!(rotate(&world, id, 2, 2).await, Rotation::Refused);
    assert_eq!(world.store.sessions(ann.id).await.unwrap(), []);
    let unknown = SessionId::new(Uuid::now_v7());
    assert_eq!(rotate(&world, unknown, 0, 0).await, Rotation::Refused);
    // A token that is too old is not valid, and not a sign of theft either.
    let (id, _) = login(&world, ann.id, "laptop").await;
    world.clock.advance(31 * DAY);
    assert_eq!(rotate(&world, id, 0, 0).await, Rotation::Refused);
}

pub(super) async fn a_disabled_account_cannot_refresh(world: World) {
    let ann = world.user("ann").await;
    let (id, _) = login(&world, ann.id, "phone").await;
    let disable =
        AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() };
    world.store.update_account(ann.id, disable).await.unwrap();
    assert_eq!(rotate(&world, id, 0, 0).await, Rotation::Refused);
    let new = NewSession {
        id: SessionId::new(Uuid::now_v7()),
        user: ann.id,
        device: "tablet".into(),
        refresh_hash: [0; 32],
        expires_at: START + DAY,
    };
    assert_eq!(refused(world.store.start_session(new).await).code, ErrorCode::Forbidden);
}

pub(super) async fn sessions_end_as_told(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (one, _) = login(&world, ann.id, "one").await;
    let (two, _) = login(&world, ann.id, "two").await;
    let (three, _) = login(&world, ann.id, "three").await;
    let (of_bob, _) = login(&world, bob.id, "one").await;
    world.clock.advance(5);
    assert_eq!(world.store.end_sessions(ann.id, Which::One(one)).await.unwrap(), [one]);
    assert_eq!(world.store.end_sessions(ann.id, Which::One(one)).await.unwrap(), []);
    assert_eq!(world.store.end_sessions(ann.id, Which::One(of_bob)).await.unwrap(), []);
    world.clock.advance(5);
    assert_eq!(world.store.end_sessions(ann.id, Which::AllBut(two)).await.unwrap(), [three]);
    world.clock.advance(5);
    assert_eq!(world.store.end_sessions(ann.id, Which::All).await.unwrap(), [two]);
    let ended = world.store.ended_sessions(START + 6).await.unwrap();
    let ids: Vec<_> = ended.iter().map(|ended| (ended.id, ended.user, ended.disabled)).collect();
    assert_eq!(ids, [(three, ann.id, false), (two, ann.id, false)]);
    assert_eq!(world.store.sessions(bob.id).await.unwrap().len(), 1);
}

pub(super) async fn codes_are_spent(world: World) {
    let (right, wrong) = ([1; 32], [2; 32]);
    let check = async |hash| world.store.check_code("+491", hash, 300_000, 5).await.unwrap();
    assert_eq!(check(right).await, CodeCheck::Gone);
    world.store.save_code("+491", right, 60_000).await.unwrap();
    assert_eq!(check(wrong).await, CodeCheck::Wrong(4));
    assert_eq!(check(right).await, CodeCheck::Right);
    assert_eq!(check(right).await, CodeCheck::Gone);
    world.clock.advance(60_000);
    world.store.save_code("+491", right, 60_000).await.unwrap();
    for left in (0..5).rev() {
        assert_eq!(check(wrong).await, CodeCheck::Wrong(left));
    }
    assert_eq!(check(right).await, CodeCheck::Gone);
}

pub(super) async fn codes_have_a_pause_and_a_life(world: World) {
    world.store.save_code("+491", [1; 32], 60_000).await.unwrap();
    world.clock.advance(59_000);
    let error = refused(world.store.save_code("+491", [2; 32], 60_000).await);
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited, Some(1_000)));
    world.clock.advance(241_001);
    let check = world.store.check_code("+491", [1; 32], 300_000, 5).await.unwrap();
    assert_eq!(check, CodeCheck::Gone);
}
