//! Backup and restore, from each database into each.

use std::sync::Arc;

use salon_storage::conformance::{TestClock, World, send, texts};
use salon_storage::contract::Meta as _;
use salon_storage::model::{Change, RoomRef, UserRef};
use salon_storage::sql::{Database, SqlStore, backup, restore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::postgres_server::PostgresServer;
use crate::{postgres, sqlite};

struct Filled {
    world: World,
    ann: UserRef,
    room: RoomRef,
    again: Change,
}

async fn fill(store: Arc<SqlStore>, clock: Arc<TestClock>) -> Filled {
    let world = World { store, clock };
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let room = world.group(ann, &[bob]).await;
    let again = send("hello \u{1F600} \"quoted\"");
    world.op(room, ann, again.clone()).await;
    let seq = world.say(room, bob, "oops").await.seq;
    world.op(room, ann, Change::React { seq: 2, emoji: "👍".into(), on: true }).await;
    world.op(room, bob, Change::Recall { seq }).await;
    Filled { world, ann, room, again }
}

/// What was written before the backup is there, and numbers go on.
async fn check(filled: &Filled, restored: Arc<SqlStore>, clock: Arc<TestClock>) {
    let old = &filled.world;
    let world = World { store: restored, clock };
    assert_ne!(old.store.epoch(), world.store.epoch(), "old positions mean nothing here");
    let (before, after) =
        (old.page(filled.ann, filled.room).await, world.page(filled.ann, filled.room).await);
    assert_eq!(before, after);
    assert_eq!(old.inbox(filled.ann).await, world.inbox(filled.ann).await);
    assert!(world.op(filled.room, filled.ann, filled.again.clone()).await.duplicate);
    let next = world.say(filled.room, filled.ann, "next").await;
    assert_eq!(next.seq, before.len() as u64 + 1);
    let eve = world.user("eve").await;
    let room = world.group(eve, &[filled.ann]).await;
    assert_ne!(room.key, filled.room.key);
    assert_eq!(texts(&world.page(filled.ann, filled.room).await).last().unwrap(), "next");
}

#[tokio::test]
async fn a_backup_is_restored() {
    let clock = Arc::new(TestClock::default());
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(sqlite::open(&from, clock.clone()).await);
    let filled = fill(store.clone(), clock.clone()).await;
    // While the store is open and in use.
    let mut file = Vec::new();
    let written = backup(Database::Sqlite(from.path().into()), &mut file).await.unwrap();
    let target = Database::Sqlite(to.path().into());
    for cut in [0, 1, file.len() / 2, file.len() - 3] {
        restore(target.clone(), &mut &file[..cut]).await.unwrap_err();
    }
    let read = restore(target.clone(), &mut &file[..]).await.unwrap();
    assert_eq!(read, written);
    restore(target, &mut &file[..]).await.expect_err("it is not empty any more");
    let restored = Arc::new(sqlite::open(&to, clock.clone()).await);
    check(&filled, restored.clone(), clock).await;
    restored.close().await;
    store.close().await;
}

#[tokio::test]
async fn a_backup_moves_to_postgres_and_back() {
    let Some(server) = PostgresServer::start().await else { return };
    let clock = Arc::new(TestClock::default());
    let (from, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(sqlite::open(&from, clock.clone()).await);
    let filled = fill(store.clone(), clock.clone()).await;
    let mut file = Vec::new();
    backup(Database::Sqlite(from.path().into()), &mut file).await.unwrap();
    let address = postgres::database(&server, "moved").await;
    let there = Database::Postgres(address.clone());
    restore(there.clone(), &mut &file[..]).await.unwrap();
    let mut again = Vec::new();
    backup(there, &mut again).await.unwrap();
    let moved = Arc::new(postgres::open(&address, clock.clone()).await);
    check(&filled, moved.clone(), clock.clone()).await;
    restore(Database::Sqlite(back.path().into()), &mut &again[..]).await.unwrap();
    let returned = Arc::new(sqlite::open(&back, clock.clone()).await);
    check(&filled, returned.clone(), clock).await;
    for store in [store, moved, returned] {
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_store_is_not_backed_up_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite::open(&folder, Arc::new(TestClock::default())).await;
    store.close().await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("salon.db"));
    let mut newer = options.connect().await.unwrap();
    let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum,
                                                execution_time)
                  SELECT max(version) + 1, 'to come', 1, x'00', 0 FROM _sqlx_migrations";
    sqlx::raw_sql(insert).execute(&mut newer).await.unwrap();
    newer.close().await.unwrap();
    let database = Database::Sqlite(folder.path().into());
    let error = backup(database, &mut Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains("newer salon"), "{error}");
}
