//! The suite on SQLite, and what only SQLite can show.

use std::sync::Arc;

use salon_protocol::ErrorCode;
use salon_storage::conformance;
use salon_storage::conformance::{TestClock, World, code, send, seqs, texts};
use salon_storage::contract::Meta as _;
use salon_storage::model::Change;
use salon_storage::sql::{Database, OpenOptions, Rules, SqlStore};
use tempfile::TempDir;

pub(crate) async fn open(folder: &TempDir, clock: Arc<TestClock>) -> SqlStore {
    let database = Database::Sqlite(folder.path().into());
    SqlStore::open(OpenOptions { clock, ..OpenOptions::new(database) }).await.unwrap()
}

async fn world() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let store = Arc::new(open(&folder, clock.clone()).await);
    (World { store, clock }, folder)
}

conformance!(world);

/// The same with every message in the table of events before the next one is said, or nearly.
mod folded {
    use std::time::Duration;

    use super::*;

    async fn world() -> (World, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let database = Database::Sqlite(folder.path().into());
        let fold_after = Duration::ZERO;
        let options =
            OpenOptions { clock: clock.clone(), fold_after, ..OpenOptions::new(database) };
        (World { store: Arc::new(SqlStore::open(options).await.unwrap()), clock }, folder)
    }

    conformance!(world);
}

#[tokio::test]
async fn a_store_that_is_opened_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let store = Arc::new(open(&folder, clock.clone()).await);
    let world = World { store: store.clone(), clock: clock.clone() };
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let change = send("once");
    world.op(room, ann, change.clone()).await;
    let epoch = store.epoch();
    store.close().await;
    drop((world, store));

    let store = Arc::new(open(&folder, clock.clone()).await);
    let world = World { store: store.clone(), clock };
    assert_eq!(store.epoch(), epoch);
    assert!(world.op(room, ann, change).await.duplicate);
    assert_eq!(world.say(room, ann, "next").await.seq, 3);
    let events = world.page(ann, room).await;
    assert_eq!(
        (seqs(&events), texts(&events)),
        (vec![1, 2, 3], vec!["once".into(), "next".into()])
    );
}

#[tokio::test]
async fn an_invitation_is_good_for_one_coming() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let rules = Rules { open_membership: false, ..Rules::default() };
    let database = Database::Sqlite(folder.path().into());
    let options = OpenOptions { rules, clock: clock.clone(), ..OpenOptions::new(database) };
    let world = World { store: Arc::new(SqlStore::open(options).await.unwrap()), clock };
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[]).await;
    world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    // He was asked, and comes by the link.
    world.op(room, ann, Change::Link { link: Some("way-in".into()) }).await;
    world.op(room, bob, Change::Join { link: Some("way-in".into()) }).await;
    world.op(room, ann, Change::Kick { user: bob.id }).await;
    let by_invitation = Change::Join { link: None };
    let refused = code(world.try_op(room, bob, by_invitation.clone()).await);
    assert_eq!(refused, ErrorCode::Forbidden, "it was used up");
    world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    world.op(room, bob, by_invitation).await;
}
