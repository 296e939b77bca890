//! Names are found whatever became of them: in memory, in run 0, in runs and in merged ones, after
//! slices that were undone and after starts.

use std::collections::HashMap;

use tempfile::TempDir;

use super::*;
use crate::sql::conn::OwnedConn;
use crate::sql::open::{Database, OpenOptions, Opener, migrate};

/// So small that runs are merged twice within some 20,000 names.
const FEW: usize = 250;

async fn database() -> (OwnedConn, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(Database::Sqlite(folder.path().into()));
    let mut conn = Opener::new(&options).unwrap().connect().await.unwrap();
    migrate(&mut conn, true).await.unwrap();
    (conn, folder)
}

fn name(number: i64) -> Name {
    Name(xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes()))
}

/// As the writer does it: a slice of tidying in a transaction, which is undone if it is to `fail`.
async fn tidy(cids: &mut Cids, conn: &mut Conn<'_>, fail: bool) {
    conn.raw("BEGIN IMMEDIATE").await.unwrap();
    cids.tidy(conn).await.unwrap();
    if fail {
        conn.raw("ROLLBACK").await.unwrap();
        cids.start_again();
    } else {
        conn.raw("COMMIT").await.unwrap();
        cids.committed();
    }
}

async fn check(cids: &Cids, conn: &mut Conn<'_>, upto: i64) {
    for number in (0..upto).step_by(7) {
        assert!(cids.may_hold(name(number)), "{number} of {upto}");
        assert_eq!(cids.find(conn, &[name(number)]).await.unwrap(), [number], "of {upto}");
    }
    let strangers: Vec<Name> = (0..1_000).map(|number| name(-1 - number)).collect();
    assert_eq!(cids.find(conn, &strangers).await.unwrap(), [0_i64; 0]);
}

/// Runs as the table has them, and those that the process believes in.
async fn runs(cids: &Cids, conn: &mut Conn<'_>) -> (Vec<i64>, Vec<i64>) {
    let mut valid: Vec<i64> = cids.runs.iter().map(|run| run.run).collect();
    valid.sort_unstable();
    (run::numbers(conn).await.unwrap(), valid)
}

#[tokio::test]
async fn names_are_found_wherever_they_are() {
    let (mut owned, _folder) = database().await;
    let mut conn = owned.borrow();
    let mut cids = Cids::with_runs_of(FEW);
    let mut next = 0;
    for round in 0..640 {
        let entries: Vec<Entry> = (next..next + 31).map(|number| (name(number), number)).collect();
        next += 31;
        cids.keep(&mut conn, &entries).await.unwrap();
        entries.into_iter().for_each(|entry| cids.add(entry));
        cids.committed();
        if cids.untidy() {
            // Every fifth slice is undone, at whatever it was.
            tidy(&mut cids, &mut conn, round % 5 == 0).await;
        }
        if round % 160 == 159 {
            check(&cids, &mut conn, next).await;
            // The process dies and another one starts.
            cids = Cids::with_runs_of(FEW).load(&mut conn).await.unwrap();
            check(&cids, &mut conn, next).await;
        }
    }
    while cids.untidy() {
        tidy(&mut cids, &mut conn, false).await;
    }
    check(&cids, &mut conn, next).await;
    let (stored, valid) = runs(&cids, &mut conn).await;
    assert_eq!(stored, valid, "nothing is left of what was merged");
    assert!(cids.runs.iter().any(|known| run::size(known.entries, FEW) == 2), "merged twice");
    assert!(valid.len() < 2 * run::MERGED, "{valid:?}");
}

#[tokio::test]
async fn what_was_undone_is_not_known() {
    let mut cids = Cids::default();
    cids.add((name(1), 1));
    cids.savepoint();
    cids.add((name(2), 2));
    assert!(cids.may_hold(name(2)));
    cids.undone(true);
    cids.add((name(3), 3));
    cids.committed();
    cids.add((name(4), 4));
    cids.undone(false);
    let known: Vec<i64> = (1..=4).filter(|number| cids.may_hold(name(*number))).collect();
    assert_eq!(known, [1, 3]);
}

#[tokio::test]
async fn two_events_under_one_name_are_both_found() {
    let (mut owned, _folder) = database().await;
    let mut conn = owned.borrow();
    let mut cids = Cids::with_runs_of(2);
    for keys in [[1, 2], [3, 4], [1, 5]] {
        let entries: Vec<Entry> = keys.iter().map(|key| (Name(key % 3), *key as i64)).collect();
        cids.keep(&mut conn, &entries).await.unwrap();
        entries.into_iter().for_each(|entry| cids.add(entry));
        cids.committed();
        while cids.untidy() {
            tidy(&mut cids, &mut conn, false).await;
        }
    }
    let find = async |conn: &mut Conn<'_>, name| {
        let mut keys = cids.find(conn, &[Name(name)]).await.unwrap();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    assert_eq!(find(&mut conn, 1).await, [1, 4]);
    assert_eq!(find(&mut conn, 2).await, [2, 5]);
    assert_eq!(find(&mut conn, 0).await, [3]);
}

#[test]
fn a_name_is_of_an_id_and_its_sender() {
    let cid = |byte| Cid::from_bytes([byte; 16]);
    let names = [
        Name::new(cid(1), UserKey(1)),
        Name::new(cid(1), UserKey(2)),
        Name::new(cid(2), UserKey(1)),
    ];
    let distinct: HashMap<Name, ()> = names.iter().map(|name| (*name, ())).collect();
    assert_eq!(distinct.len(), 3);
    assert_eq!(Name::new(cid(1), UserKey(1)), names[0]);
}
