//! The suite on PostgreSQL: one server, a fresh database for each case.

use std::sync::Arc;

use salon_storage::conformance::{CASES, TestClock, World};
use salon_storage::sql::{Database, OpenOptions, SqlStore};
use sqlx::{Connection as _, PgConnection};

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
    for (number, (name, case)) in CASES.iter().enumerate() {
        println!("{name}");
        let address = database(&server, &format!("case{number}")).await;
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(open(&address, clock.clone()).await);
        case(World { store: store.clone(), clock }).await;
        salon_storage::contract::Meta::close(&*store).await;
    }
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
