//! The store itself.

use super::{World, send};
use crate::StoreError;
use crate::model::RoomOp;

pub(super) async fn secrets_are_made_once(world: World) {
    assert_eq!(world.store.secret("jwt", "first".into()).await.unwrap(), "first");
    assert_eq!(world.store.secret("jwt", "second".into()).await.unwrap(), "first");
    assert_eq!(world.store.secret("other", "third".into()).await.unwrap(), "third");
    assert!(!world.store.epoch().is_empty());
}

pub(super) async fn a_probe_works(world: World) {
    world.store.probe().await.unwrap();
    world.store.probe().await.unwrap();
}

pub(super) async fn a_closed_store_says_so(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    world.store.close().await;
    let op = RoomOp::new(ann, send("late"));
    let answer = world.store.commit(room, vec![op]).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    let answer = world.store.room(room.id).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}
