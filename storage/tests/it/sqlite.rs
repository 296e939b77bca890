//! The suite on SQLite, and what only SQLite can show.

use std::sync::Arc;

use salon_storage::conformance;
use salon_storage::conformance::{TestClock, World, send, seqs, texts};
use salon_storage::contract::Meta as _;
use salon_storage::sql::{Database, OpenOptions, SqlStore};
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
