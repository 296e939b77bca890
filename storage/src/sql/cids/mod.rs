//! Which request ids were used, and for which events: what the unique index of an SQLite store would
//! know. An index over random ids costs a page of the disk for each message; sorted runs cost some bytes.
//!
//! How      an id and its sender make a name of 64 bits. The newest names are in memory, and in the
//!          run 0 of the table `cids` as they come. When there are many, they become a sorted run of
//!          their own, and runs become larger runs, in slices between commits (`run`). Each run has a
//!          filter in memory, so that a new id, which is nearly every one, reads nothing.
//! Promises what was committed with an id is found under it, also after a crash: its name is in the
//!          journal, in run 0 or in a run.
//! Does not decide: a name only leads to events, whose ids are compared.
//! Memory   24 bytes for each of the newest 131,072 to 262,144 names, 1.5 bytes for each other one.

mod filter;
mod run;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use aws_lc_rs::digest;
use salon_protocol::{Cid, Millis};

use self::filter::Filter;
use self::run::{Build, Merged};
use super::conn::{Arg, Conn, Row, args, blob_list, int_list, sql};
use super::tx::Tx;
use crate::error::{Result, StoreError};
use crate::model::UserKey;

/// The name of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u64);

impl Name {
    /// Of an id and its sender. Nobody can find an id with the name of another one's in useful time.
    pub(crate) fn new(cid: Cid, sender: UserKey) -> Self {
        let mut text = [0; 24];
        text[..16].copy_from_slice(cid.as_bytes());
        text[16..].copy_from_slice(&sender.0.to_le_bytes());
        let hash = digest::digest(&digest::SHA256, &text);
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        Name(u64::from_le_bytes(first))
    }
}

/// A name, and the key of the event that was made under it.
pub(crate) type Entry = (Name, i64);

/// Bytes of an entry in the table.
const ENTRY_BYTES: usize = 16;

/// Names in memory that become a run.
const RUN_ENTRIES: usize = 131_072;

/// A sorted run on the disk.
#[derive(Debug)]
struct Run {
    run: i64,
    entries: u64,
    filter: Filter,
}

/// See the module. It belongs to the writer.
#[derive(Debug)]
pub(crate) struct Cids {
    /// [`RUN_ENTRIES`], or fewer in a test.
    run_entries: usize,
    recent: HashMap<Name, i64, foldhash::fast::RandomState>,
    /// Those that are becoming a run.
    frozen: Option<Frozen>,
    runs: Vec<Run>,
    merge: Option<Build>,
    /// Runs whose rows are of no use any more.
    garbage: Vec<i64>,
    /// The next place in run 0.
    place: i64,
    // Of the transaction in progress:
    pending: Vec<Entry>,
    savepoint: usize,
    tidied: Option<Tidied>,
}

/// What a slice of tidying has brought to an end.
#[derive(Debug)]
enum Tidied {
    Flushed(Merged),
    Merged(Merged),
    Deleted,
}

impl From<Merged> for Run {
    fn from(Merged { run, entries, filter, .. }: Merged) -> Self {
        Run { run, entries, filter }
    }
}

#[derive(Debug)]
struct Frozen {
    sorted: std::sync::Arc<[Entry]>,
    /// Everything in run 0 before this place is among them.
    until: i64,
    build: Build,
}

impl Default for Cids {
    fn default() -> Self {
        Cids::with_runs_of(RUN_ENTRIES)
    }
}

impl Cids {
    fn with_runs_of(run_entries: usize) -> Self {
        Cids {
            run_entries,
            recent: HashMap::default(),
            frozen: None,
            runs: Vec::new(),
            merge: None,
            garbage: Vec::new(),
            place: 0,
            pending: Vec::new(),
            savepoint: 0,
            tidied: None,
        }
    }

    /// Whether a name may have been used; `false` is certain.
    fn may_hold(&self, name: Name) -> bool {
        self.in_memory(name).next().is_some() || self.runs_with(name).next().is_some()
    }

    fn in_memory(&self, name: Name) -> impl Iterator<Item = i64> {
        let frozen = self.frozen.as_ref().and_then(|frozen| {
            let place = frozen.sorted.binary_search_by_key(&name, |entry| entry.0).ok()?;
            Some(frozen.sorted[place].1)
        });
        let pending = self.pending.iter().filter(move |entry| entry.0 == name).map(|entry| entry.1);
        self.recent.get(&name).copied().into_iter().chain(frozen).chain(pending)
    }

    fn runs_with(&self, name: Name) -> impl Iterator<Item = i64> {
        self.runs.iter().filter(move |run| run.filter.may_hold(name.0)).map(|run| run.run)
    }

    /// Events that may have been made under these names.
    async fn find(&self, conn: &mut Conn<'_>, names: &[Name]) -> Result<Vec<i64>> {
        let in_memory = names.iter().flat_map(|name| self.in_memory(*name));
        let mut keys: Vec<i64> = in_memory.collect();
        let on_disk =
            names.iter().flat_map(|name| self.runs_with(*name).map(move |run| (run, *name)));
        let on_disk: Vec<(i64, Name)> = on_disk.collect();
        if !on_disk.is_empty() {
            keys.extend(run::find(conn, &on_disk).await?);
        }
        Ok(keys)
    }

    /// Notes names that were used in transactions before.
    pub(crate) fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.recent.extend(entries);
    }

    /// Notes a name that this transaction uses.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.pending.push(entry);
    }

    pub(crate) fn savepoint(&mut self) {
        self.savepoint = self.pending.len();
    }

    pub(crate) fn committed(&mut self) {
        self.recent.extend(self.pending.drain(..));
        self.savepoint = 0;
        match self.tidied.take() {
            None => {}
            Some(Tidied::Flushed(done)) => {
                self.runs.push(done.into());
                self.frozen = None;
            }
            Some(Tidied::Merged(done)) => {
                self.runs.retain(|run| !done.inputs.contains(&run.run));
                self.garbage.extend(&done.inputs);
                self.runs.push(done.into());
                self.merge = None;
            }
            Some(Tidied::Deleted) => {
                self.garbage.pop();
            }
        }
    }

    pub(crate) fn undone(&mut self, to_savepoint: bool) {
        self.pending.truncate(if to_savepoint { self.savepoint } else { 0 });
        if !to_savepoint {
            self.savepoint = 0;
        }
    }

    /// Writes names into run 0, in the transaction that puts their events into the table.
    pub(crate) async fn keep(&mut self, conn: &mut Conn<'_>, entries: &[Entry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let insert = "INSERT INTO cids (place, entries) VALUES ($1, $2)";
        conn.execute(insert, args![self.place, Arg::Blob(run::encode(entries))]).await?;
        // Stays used when the transaction is undone: places need not be without holes.
        self.place += 1;
        Ok(())
    }

    /// Whether there is something to tidy.
    pub(crate) fn untidy(&self) -> bool {
        self.frozen.is_some()
            || self.recent.len() >= self.run_entries
            || self.merge.is_some()
            || !self.garbage.is_empty()
            || self.mergeable().is_some()
    }

    /// Whether tidying cannot wait, because memory is filled faster than it is emptied.
    pub(crate) fn overdue(&self) -> bool {
        self.recent.len() >= 2 * self.run_entries
    }

    /// A slice of tidying, in a transaction. If it is undone, [`Cids::start_again`] is to be called.
    pub(crate) async fn tidy(&mut self, conn: &mut Conn<'_>) -> Result<()> {
        if self.frozen.is_none() && self.recent.len() >= self.run_entries {
            self.freeze();
        }
        if let Some(frozen) = &mut self.frozen {
            if let Some(done) = frozen.build.step(conn).await? {
                run::finish(conn, &done, &[]).await?;
                let until = frozen.until;
                conn.execute("DELETE FROM cids WHERE place < $1", args![until]).await?;
                self.tidied = Some(Tidied::Flushed(done));
            }
            return Ok(());
        }
        if let Some(run) = self.garbage.last() {
            if run::delete_some(conn, *run).await? {
                self.tidied = Some(Tidied::Deleted);
            }
            return Ok(());
        }
        if self.merge.is_none()
            && let Some(inputs) = self.mergeable()
        {
            let entries = self.entries_of(&inputs);
            self.merge = Some(Build::of_runs(self.free_run(), entries, &inputs));
        }
        if let Some(merge) = &mut self.merge
            && let Some(done) = merge.step(conn).await?
        {
            run::finish(conn, &done, &done.inputs).await?;
            self.tidied = Some(Tidied::Merged(done));
        }
        Ok(())
    }

    /// The slice of tidying was undone: what was being built is built again from its beginning.
    pub(crate) fn start_again(&mut self) {
        self.tidied = None;
        if let Some(frozen) = self.frozen.take() {
            self.garbage.push(frozen.build.run());
            let build = Build::of_entries(self.free_run(), frozen.sorted.clone());
            self.frozen = Some(Frozen { build, ..frozen });
        }
        if let Some(merge) = self.merge.take() {
            self.garbage.push(merge.run());
        }
    }

    fn freeze(&mut self) {
        let mut sorted: Vec<Entry> = self.recent.drain().collect();
        sorted.sort_unstable();
        let sorted: std::sync::Arc<[Entry]> = sorted.into();
        let build = Build::of_entries(self.free_run(), sorted.clone());
        self.frozen = Some(Frozen { sorted, until: self.place, build });
    }

    /// The oldest runs of a size of which there are many, the smallest size first.
    fn mergeable(&self) -> Option<Vec<i64>> {
        (0..run::SIZES_MAX).find_map(|size| {
            let size_of = |run: &&Run| run::size(run.entries, self.run_entries);
            let alike = self.runs.iter().filter(|run| size_of(run) == size);
            let inputs: Vec<i64> = alike.map(|run| run.run).take(run::MERGED).collect();
            (inputs.len() == run::MERGED).then_some(inputs)
        })
    }

    fn entries_of(&self, inputs: &[i64]) -> u64 {
        let inside = self.runs.iter().filter(|run| inputs.contains(&run.run));
        inside.map(|run| run.entries).sum()
    }

    /// The lowest number that no run has.
    fn free_run(&self) -> i64 {
        let building = self.frozen.iter().map(|frozen| frozen.build.run());
        let merging = self.merge.iter().map(Build::run);
        let mut used: Vec<i64> = self.runs.iter().map(|run| run.run).collect();
        used.extend(building.chain(merging).chain(self.garbage.iter().copied()));
        (1..).find(|run| !used.contains(run)).unwrap_or(1)
    }

    /// Reads what the table holds. Names of events that are in the journal only have to be added.
    pub(crate) async fn load(self, conn: &mut Conn<'_>) -> Result<Self> {
        let mut cids = self;
        for row in
            conn.all("SELECT run, entries, filter FROM cid_runs ORDER BY run", args![]).await?
        {
            let filter = Filter::from_bytes(&row.blob(2)?)?;
            cids.runs.push(Run { run: row.int(0)?, entries: row.number(1)?, filter });
        }
        for run in run::numbers(conn).await? {
            if !cids.runs.iter().any(|known| known.run == run) {
                cids.garbage.push(run);
            }
        }
        let query = "SELECT place, entries FROM cids WHERE place < $1 ORDER BY place";
        for row in conn.all(query, args![run::first_place(1)]).await? {
            cids.place = row.int(0)? + 1;
            cids.recent.extend(run::decode(&row.blob(1)?)?);
        }
        if cids.runs.is_empty() && cids.recent.is_empty() {
            cids.fill(conn).await?;
        }
        Ok(cids)
    }

    /// Takes in the ids of a table that was filled without them: a store that was restored, or written
    /// by a Salon that had an index instead.
    async fn fill(&mut self, conn: &mut Conn<'_>) -> Result<()> {
        const SLICE: usize = 16_384;
        let query = "SELECT event_key, cid, sender_key FROM events
                     WHERE event_key > $1 AND cid IS NOT NULL ORDER BY event_key LIMIT $2";
        let mut after = i64::MIN;
        loop {
            let rows = conn.all(query, args![after, SLICE]).await?;
            let mut entries = Vec::with_capacity(rows.len());
            for row in &rows {
                after = row.int(0)?;
                entries.push((Name::new(Cid::from_bytes(row.id(1)?), UserKey(row.int(2)?)), after));
            }
            self.keep(conn, &entries).await?;
            self.recent.extend(entries);
            while self.untidy() {
                self.tidy(conn).await?;
                self.committed();
            }
            if rows.len() < SLICE {
                return Ok(());
            }
        }
    }
}

/// What was done under an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) key: i64,
    pub(crate) at: Millis,
    /// Of the request's content.
    pub(crate) hash: i64,
}

impl Tx {
    /// SQLite: whether an id may have been used; `false` is certain.
    pub(crate) fn may_be_used(&self, (user, cid): (UserKey, Cid)) -> bool {
        self.cids.may_hold(Name::new(cid, user))
    }

    /// What was done under these ids before; hardly ever anything.
    pub(crate) async fn used(
        &mut self,
        requests: &[(UserKey, Cid)],
    ) -> Result<HashMap<(UserKey, Cid), Used>> {
        let rows = if self.conn.is_postgres() {
            let query = sql!(
                "SELECT event_key, at, hash, sender_key, cid FROM events WHERE cid IN " [blobs "$1"]
            );
            let cids = blob_list(requests.iter().map(|request| request.1.as_bytes()));
            self.all(query, vec![cids]).await?
        } else {
            let names: Vec<Name> =
                requests.iter().map(|(user, cid)| Name::new(*cid, *user)).collect();
            let keys = self.cids.find(&mut self.conn.borrow(), &names).await?;
            if keys.is_empty() {
                return Ok(HashMap::new());
            }
            // The name may have been noted for a message that is in the journal.
            let mut found = HashMap::new();
            for said in keys.iter().filter_map(|key| self.journal.get(*key)) {
                if let Some(request) = said.row.request {
                    let used = Used { key: said.row.key, at: said.row.at, hash: request.hash };
                    found.insert((said.row.sender, request.cid), used);
                }
            }
            let query = sql!(
                "SELECT event_key, at, hash, sender_key, cid FROM events
                 WHERE cid IS NOT NULL AND event_key IN " [ints "$1"]
            );
            let rows = self.all(query, vec![int_list(keys)]).await?;
            return with_rows(found, rows);
        };
        with_rows(HashMap::new(), rows)
    }
}

fn with_rows(
    mut found: HashMap<(UserKey, Cid), Used>,
    rows: Vec<Row>,
) -> Result<HashMap<(UserKey, Cid), Used>> {
    for row in rows {
        let used = Used { key: row.int(0)?, at: row.int(1)?, hash: row.int(2)? };
        found.insert((UserKey(row.int(3)?), Cid::from_bytes(row.id(4)?)), used);
    }
    Ok(found)
}

fn broken(bytes: usize) -> StoreError {
    StoreError::Internal(format!("a row of request ids has {bytes} bytes"))
}
