//! Accounts.

use salon_protocol::{ErrorCode, UserId};
use uuid::Uuid;

use super::{World, refused};
use crate::contract::AccountName;
use crate::model::{AccountChange, AccountRole, AccountStatus, NewAccount};

fn new(username: Option<&str>, phone: Option<&str>, nickname: &str) -> NewAccount {
    NewAccount {
        id: UserId::new(Uuid::now_v7()),
        username: username.map(str::to_owned),
        phone: phone.map(str::to_owned),
        password_hash: Some("hash".into()),
        nickname: nickname.into(),
        role: AccountRole::User,
    }
}

pub(super) async fn accounts_are_found_by_each_name(world: World) {
    let ann = new(Some("ann"), Some("+8613800138000"), "Ann");
    let made = world.store.create_account(ann.clone()).await.unwrap();
    assert_eq!((made.user.id, made.created_at), (ann.id, super::START));
    for name in [
        AccountName::Id(ann.id),
        AccountName::Username("ann".into()),
        AccountName::Phone("+8613800138000".into()),
    ] {
        assert_eq!(world.store.account(name).await.unwrap(), Some(made.clone()));
    }
    let unknown = AccountName::Username("bob".into());
    assert_eq!(world.store.account(unknown).await.unwrap(), None);
}

pub(super) async fn names_are_taken_once(world: World) {
    world.store.create_account(new(Some("ann"), Some("+491"), "Ann")).await.unwrap();
    for again in [new(Some("ann"), None, "x"), new(None, Some("+491"), "x")] {
        let error = refused(world.store.create_account(again).await);
        assert_eq!(error.code, ErrorCode::Conflict);
    }
    // Absent names do not collide.
    world.store.create_account(new(Some("bob"), None, "Bob")).await.unwrap();
    world.store.create_account(new(Some("cid"), None, "Cid")).await.unwrap();
}

pub(super) async fn profiles_change_and_clear(world: World) {
    let ann = world.user("ann").await;
    let change = AccountChange {
        nickname: Some("Änn".into()),
        bio: Some("tea".into()),
        ..AccountChange::default()
    };
    let changed = world.store.update_account(ann.id, change).await.unwrap();
    assert_eq!((changed.nickname.as_str(), changed.bio.as_deref()), ("Änn", Some("tea")));
    let change = AccountChange {
        bio: Some(String::new()),
        status: Some(AccountStatus::Disabled),
        role: Some(AccountRole::Admin),
        ..AccountChange::default()
    };
    let changed = world.store.update_account(ann.id, change).await.unwrap();
    assert_eq!((changed.nickname.as_str(), changed.bio.as_deref()), ("Änn", None));
    assert_eq!((changed.status, changed.role), (AccountStatus::Disabled, AccountRole::Admin));
    let unknown = UserId::new(Uuid::now_v7());
    let error = refused(world.store.update_account(unknown, AccountChange::default()).await);
    assert_eq!(error.code, ErrorCode::NotFound);
}

pub(super) async fn users_are_searched_by_name_and_phone(world: World) {
    let ann = world.store.create_account(new(Some("ann"), Some("+491"), "Ann")).await.unwrap().user;
    let anton = world.store.create_account(new(Some("tony"), None, "Anton")).await.unwrap().user;
    let hidden = world.store.create_account(new(Some("anx"), None, "Anx")).await.unwrap().user;
    let disable =
        AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() };
    world.store.update_account(hidden.id, disable).await.unwrap();
    let bob = world.user("bob").await;
    let found = async |asker: UserId, q: &str| {
        let found = world.store.search_users(asker, q, 10).await.unwrap();
        found.into_iter().map(|profile| profile.id).collect::<Vec<_>>()
    };
    assert_eq!(found(bob.id, "AN").await, [ann.id, anton.id]);
    assert_eq!(found(ann.id, "an").await, [anton.id]);
    assert_eq!(found(bob.id, "tony").await, [anton.id]);
    assert_eq!(found(bob.id, "+491").await, [ann.id]);
    assert_eq!(found(bob.id, "+49").await, []);
    assert_eq!(found(bob.id, "%").await, []);
    assert_eq!(world.store.search_users(bob.id, "an", 1).await.unwrap().len(), 1);
}

pub(super) async fn profiles_keep_the_order(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let unknown = UserId::new(Uuid::now_v7());
    let profiles = world.store.profiles(&[bob.id, unknown, ann.id]).await.unwrap();
    let names: Vec<&str> = profiles.iter().map(|profile| profile.nickname.as_str()).collect();
    assert_eq!(names, ["bob", "ann"]);
}
