//! The suite on PostgreSQL: one server, a fresh database for each case.

use std::sync::Arc;

use futures_util::StreamExt as _;
use salon_protocol::SessionId;
use salon_storage::conformance::{CASES, Case, START, TestClock, World};
use salon_storage::contract::{CodeCheck, Meta as _, NewSession, Rotation, Sessions as _};
use salon_storage::sql::{Database, OpenOptions, SqlStore};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::postgres_server::PostgresServer;

/// An empty database.
pub(crate) async fn database(server: &PostgresServer, name: &str) -> String {
    let mut admin = PgConnection::connect(&server.address("postgres")).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
    sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    server.address(name)
}

pub(crate) async fn open(address: &str, clock: Arc<TestClock>) -> SqlStore {
    let database = Database::Postgres(address.into());
    SqlStore::open(OpenOptions { clock, ..OpenOptions::new(database) }).await.unwrap()
}

#[tokio::test]
async fn postgres_passes_the_suite() {
    let Some(server) = PostgresServer::start().await else { return };
    let run = async |(number, (name, case)): (usize, &Case)| {
        println!("{name}");
        let address = database(&server, &format!("case{number}")).await;
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(open(&address, clock.clone()).await);
        case(World { store: store.clone(), clock }).await;
        store.close().await;
    };
    // Each waits for the server most of the time.
    let mut cases =
        futures_util::stream::iter(CASES.iter().enumerate().map(run)).buffer_unordered(4);
    while cases.next().await.is_some() {}
}

/// Two nodes start at once on an empty database, and number one room together.
#[tokio::test]
async fn two_nodes_number_one_room() {
    let Some(server) = PostgresServer::start().await else { return };
    let address = database(&server, "shared").await;
    let clock = Arc::new(TestClock::default());
    let (one, two) = tokio::join!(open(&address, clock.clone()), open(&address, clock.clone()));
    let one = World { store: Arc::new(one), clock: clock.clone() };
    let two = World { store: Arc::new(two), clock };
    assert_eq!(one.store.epoch(), two.store.epoch());
    let (ann, bob) = (one.user("ann").await, two.user("bob").await);
    let room = one.group(ann, &[bob]).await;
    let by_ann = (0..40).map(|number| one.say(room, ann, if number % 2 == 0 { "a" } else { "b" }));
    let by_bob = (0..40).map(|_| two.say(room, bob, "c"));
    tokio::join!(futures_util::future::join_all(by_ann), futures_util::future::join_all(by_bob));
    let events = one.page(bob, room).await;
    let expected: Vec<u64> = (1..=81).collect();
    assert_eq!(salon_storage::conformance::seqs(&events), expected);
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    for world in [one, two] {
        world.store.close().await;
    }
}

/// A refresh token is good once, and a code has so many tries, whichever node is asked.
#[tokio::test]
async fn two_nodes_count_one_token_and_one_code() {
    let Some(server) = PostgresServer::start().await else { return };
    let address = database(&server, "tokens").await;
    let clock = Arc::new(TestClock::default());
    let (one, two) = (open(&address, clock.clone()).await, open(&address, clock.clone()).await);
    let ann = World { store: Arc::new(open(&address, clock.clone()).await), clock };
    let user = ann.user("ann").await.id;
    for round in 0..20 {
        let id = SessionId::new(Uuid::now_v7());
        let device = format!("device{round}");
        let expires_at = START + 1_000;
        let new = NewSession { id, user, device, refresh_hash: [0; 32], expires_at };
        one.start_session(new).await.unwrap();
        let rotate = async |node: &SqlStore| {
            node.rotate_session(id, 0, [0; 32], [1; 32], expires_at).await.unwrap()
        };
        let (a, b) = tokio::join!(rotate(&one), rotate(&two));
        let rotated = |outcome: &&Rotation| matches!(outcome, Rotation::Rotated(..));
        assert_eq!([&a, &b].iter().filter(|outcome| rotated(outcome)).count(), 1, "{a:?} {b:?}");

        let phone = format!("+49{round}");
        one.save_code(&phone, [7; 32], 0).await.unwrap();
        let check = async |node: &SqlStore| {
            node.check_code(&phone, [7; 32], 1_000, 1).await.unwrap() == CodeCheck::Right
        };
        let (a, b) = tokio::join!(check(&one), check(&two));
        assert!(a != b, "one of two is right");
    }
    for node in [&one, &two] {
        node.close().await;
    }
    ann.store.close().await;
}
