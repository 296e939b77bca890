//! SQLite's journal: what was acknowledged survives, wherever it was when the process died or the power
//! went.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use salon_protocol::{Event, EventData, Seq};
use salon_storage::conformance::{TestClock, World, send, seqs};
use salon_storage::contract::Meta as _;
use salon_storage::model::{Change, RoomRef, UserRef};
use salon_storage::sql::{Database, OpenOptions, SqlStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

const LATER: Duration = Duration::from_secs(3_600);
const ROOMS: usize = 5;

async fn open(folder: &Path, fold_after: Duration) -> (World, Arc<SqlStore>) {
    let clock = Arc::new(TestClock::default());
    let database = Database::Sqlite(folder.into());
    let options = OpenOptions { clock: clock.clone(), fold_after, ..OpenOptions::new(database) };
    let store = Arc::new(SqlStore::open(options).await.unwrap());
    (World { store: store.clone(), clock }, store)
}

/// What was done and acknowledged.
#[derive(Clone, Default)]
struct Done {
    ann: Option<UserRef>,
    rooms: Vec<RoomRef>,
    /// Messages by their room's place, with what they were asked with.
    sent: Vec<(usize, Seq, Change)>,
    recalled: Vec<(usize, Seq)>,
    heads: HashMap<usize, Seq>,
}

impl Done {
    async fn begin(world: &World) -> Self {
        let ann = world.user("ann").await;
        let mut done = Done { ann: Some(ann), ..Done::default() };
        for place in 0..ROOMS {
            done.rooms.push(world.group(ann, &[]).await);
            done.heads.insert(place, 1);
        }
        done
    }

    fn ann(&self) -> UserRef {
        self.ann.unwrap()
    }

    /// Says something in some room, and now and then does something else to what was said.
    async fn step(&mut self, world: &World, number: usize) {
        let place = (number * number + number / 3) % ROOMS;
        let (room, ann) = (self.rooms[place], self.ann());
        let change = send(&format!("message {number}"));
        let said = world.op(room, ann, change.clone()).await;
        self.sent.push((place, said.seq, change));
        self.heads.insert(place, said.seq);
        if number % 11 == 10 {
            let (place, seq, _) = self.sent[number / 2].clone();
            if !self.recalled.contains(&(place, seq)) {
                let recall = Change::Recall { seq };
                let seq_of_recall = world.op(self.rooms[place], ann, recall).await.seq;
                self.recalled.push((place, seq));
                self.heads.insert(place, seq_of_recall);
            }
        }
        if number % 13 == 12 {
            let (place, seq, change) = self.sent[number / 3].clone();
            let again = world.op(self.rooms[place], ann, change).await;
            assert!(again.duplicate && again.seq == seq, "{again:?}");
        }
    }

    /// Everything is there, once, and numbers go on.
    async fn check(&self, world: &World) {
        let mut logs: Vec<Vec<Event>> = Vec::new();
        for (place, room) in self.rooms.iter().enumerate() {
            let log = world.page(self.ann(), *room).await;
            let expected: Vec<Seq> = (1..=log.len() as u64).collect();
            assert_eq!(seqs(&log), expected);
            assert!(log.len() as u64 >= self.heads[&place], "room {place} lost its end");
            logs.push(log);
        }
        for (place, seq, change) in &self.sent {
            let Change::Send { cid, content } = change else { unreachable!() };
            let event = &logs[*place][(*seq - 1) as usize];
            let EventData::NewMessage(message) = &event.data else { panic!("{event:?}") };
            let recalled = self.recalled.contains(&(*place, *seq));
            assert_eq!((message.cid, message.recalled), (*cid, recalled));
            assert_eq!(message.text, content.text.clone().filter(|_| !recalled));
        }
        for (place, seq, change) in self.sent.iter().step_by(5) {
            let again = world.op(self.rooms[*place], self.ann(), change.clone()).await;
            assert!(again.duplicate && again.seq == *seq, "{again:?}");
        }
        for (place, room) in self.rooms.iter().enumerate() {
            let next = world.say(*room, self.ann(), "next").await;
            assert_eq!(next.seq, logs[place].len() as u64 + 1);
        }
    }
}

/// The runtime ends with everything in it, as a process does: nobody folds, closes or tidies.
#[test]
fn whoever_dies_leaves_all_that_was_acknowledged() {
    for fold_after in [Duration::ZERO, LATER] {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let done = runtime.block_on(async {
            let (world, store) = open(folder.path(), fold_after).await;
            let mut done = Done::begin(&world).await;
            for number in 0..150 {
                done.step(&world, number).await;
            }
            // It must not be dropped in order.
            std::mem::forget((world, store));
            done
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (world, store) = open(folder.path(), LATER).await;
            done.check(&world).await;
            drop(world);
            store.close().await;
        });
    }
}

/// Copies the files of a store as they are at this moment, as a power cut leaves them.
async fn image(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let file = folder.join("salon.db");
    // Whoever reads keeps the log from beginning anew between the two copies.
    let mut reader = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM rooms").execute(&mut reader).await.unwrap();
    for name in ["salon.db", "salon.db-wal"] {
        std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    reader.close().await.unwrap();
    copy
}

#[tokio::test]
async fn a_power_cut_at_any_moment_loses_nothing() {
    for fold_after in [Duration::ZERO, Duration::from_millis(3), LATER] {
        let folder = tempfile::tempdir().unwrap();
        let (world, store) = open(folder.path(), fold_after).await;
        let mut done = Done::begin(&world).await;
        for number in 0..120 {
            done.step(&world, number).await;
            if number % 17 == 16 {
                let image = image(folder.path()).await;
                let (copy, opened) = open(image.path(), LATER).await;
                done.check(&copy).await;
                drop(copy);
                opened.close().await;
            }
        }
        drop(world);
        store.close().await;
        let (world, store) = open(folder.path(), LATER).await;
        done.check(&world).await;
        drop(world);
        store.close().await;
    }
}

/// A store that was written by a Salon with an index of request ids, or restored.
#[tokio::test]
async fn request_ids_of_an_older_store_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let (world, store) = open(folder.path(), Duration::ZERO).await;
    let mut done = Done::begin(&world).await;
    for number in 0..40 {
        done.step(&world, number).await;
    }
    drop(world);
    store.close().await;
    let file = folder.path().join("salon.db");
    let mut conn = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let forget = "DELETE FROM cids; DELETE FROM cid_runs";
    sqlx::raw_sql(forget).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let (world, store) = open(folder.path(), LATER).await;
    done.check(&world).await;
    drop(world);
    store.close().await;
}

/// After a close everything is in the table: other programs can read it there.
#[tokio::test]
async fn a_store_that_is_closed_has_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (world, store) = open(folder.path(), LATER).await;
    let mut done = Done::begin(&world).await;
    for number in 0..40 {
        done.step(&world, number).await;
    }
    drop(world);
    store.close().await;
    let file = folder.path().join("salon.db");
    let mut conn = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let count = async |conn: &mut sqlx::SqliteConnection, table: &str| -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(conn).await.unwrap()
    };
    assert_eq!(count(&mut conn, "journal").await, 0);
    let messages = count(&mut conn, "events WHERE kind IN (1, 2)").await;
    assert_eq!(messages, done.sent.len() as i64);
    conn.close().await.unwrap();
}
