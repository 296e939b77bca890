//! Sorted runs of names: written, merged and read by rows of 248 entries, each one page of the file.

use std::collections::VecDeque;
use std::sync::Arc;

use super::filter::Filter;
use super::{ENTRY_BYTES, Entry, Name, broken};
use crate::error::Result;
use crate::sql::conn::{Arg, Conn, args, int_list, sql};
use crate::sql::event_row::to_json;

/// Entries of a row: as many as fit a page of 4 kB without another one.
pub(super) const ROW_ENTRIES: usize = 248;
/// Runs of one size that become one of the next.
pub(super) const MERGED: usize = 8;
/// Above this, runs are of one size, however large.
pub(super) const SIZES_MAX: u32 = 6;
/// Rows that one step writes.
const STEP_ROWS: usize = 16;
/// Rows that one step reads of a run that is merged.
const READ_ROWS: usize = 4;
/// Rows that one step deletes.
const DELETED_ROWS: usize = 512;
/// Bits of a place below the number of its run.
const NAME_BITS: u32 = 48;

/// How often a run was merged, by how many entries it has, and one has that was never merged.
pub(super) fn size(entries: u64, run_entries: usize) -> u32 {
    let mut limit = (run_entries * MERGED / 2) as u64;
    let mut size = 0;
    while entries > limit && size + 1 < SIZES_MAX {
        limit *= MERGED as u64;
        size += 1;
    }
    size
}

/// The first place that a row of a run can have.
pub(super) const fn first_place(run: i64) -> i64 {
    run << NAME_BITS
}

/// The place of the row that begins with a name.
fn place(run: i64, first: Name) -> i64 {
    first_place(run) | (first.0 >> (64 - NAME_BITS)).cast_signed()
}

pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for (name, key) in entries {
        bytes.extend_from_slice(&name.0.to_le_bytes());
        bytes.extend_from_slice(&key.to_le_bytes());
    }
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Entry>> {
    let (halves, rest) = bytes.as_chunks::<8>();
    let (pairs, half) = halves.as_chunks::<2>();
    if !rest.is_empty() || !half.is_empty() {
        return Err(broken(bytes.len()));
    }
    let entry =
        |[name, key]: &[[u8; 8]; 2]| (Name(u64::from_le_bytes(*name)), i64::from_le_bytes(*key));
    Ok(pairs.iter().map(entry).collect())
}

/// The events under names, each in a run.
pub(super) async fn find(conn: &mut Conn<'_>, names: &[(i64, Name)]) -> Result<Vec<i64>> {
    // Two rows: the later one may begin behind the name, since places have only a part of it.
    let query = "SELECT j.key, c.entries FROM json_each($1) j JOIN cids c ON c.place IN (
                     SELECT place FROM cids WHERE place >= j.value->>0 AND place <= j.value->>1
                     ORDER BY place DESC LIMIT 2)";
    let ends: Vec<[i64; 2]> =
        names.iter().map(|(run, name)| [first_place(*run), place(*run, *name)]).collect();
    let mut keys = Vec::new();
    for row in conn.all(query, args![to_json(&ends)]).await? {
        let number = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
        let Some((_, name)) = names.get(number) else { continue };
        let entries = decode(&row.blob(1)?)?;
        let from = entries.partition_point(|entry| entry.0 < *name);
        let alike = entries[from..].iter().take_while(|entry| entry.0 == *name);
        keys.extend(alike.map(|entry| entry.1));
    }
    Ok(keys)
}

/// The numbers of runs that have rows.
pub(super) async fn numbers(conn: &mut Conn<'_>) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    let mut next = 1;
    let query = "SELECT place FROM cids WHERE place >= $1 ORDER BY place LIMIT 1";
    while let Some(row) = conn.first(query, args![first_place(next)]).await? {
        let run = row.int(0)? >> NAME_BITS;
        numbers.push(run);
        next = run + 1;
    }
    Ok(numbers)
}

/// Deletes rows of a run; `true` when there are no more.
pub(super) async fn delete_some(conn: &mut Conn<'_>, run: i64) -> Result<bool> {
    let delete = "DELETE FROM cids WHERE place IN (
                      SELECT place FROM cids WHERE place >= $1 AND place < $2 LIMIT $3)";
    let ends = args![first_place(run), first_place(run + 1), DELETED_ROWS];
    Ok(conn.execute(delete, ends).await? < DELETED_ROWS as u64)
}

/// A run that is complete, in the place of others.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) run: i64,
    pub(super) entries: u64,
    pub(super) filter: Filter,
    pub(super) inputs: Vec<i64>,
}

/// Makes a run valid, and those that it replaces invalid.
pub(super) async fn finish(conn: &mut Conn<'_>, done: &Merged, inputs: &[i64]) -> Result<()> {
    let insert = "INSERT INTO cid_runs (run, entries, filter) VALUES ($1, $2, $3)";
    let filter = Arg::Blob(done.filter.to_bytes());
    conn.execute(insert, vec![Arg::Int(done.run), Arg::from(done.entries), filter]).await?;
    let delete = sql!("DELETE FROM cid_runs WHERE run IN " [ints "$1"]);
    conn.execute(delete, vec![int_list(inputs.iter().copied())]).await?;
    Ok(())
}

/// A run in the making.
#[derive(Debug)]
pub(super) struct Build {
    run: i64,
    source: Source,
    /// What is not written yet, less than a row.
    row: Vec<Entry>,
    entries: u64,
    filter: Filter,
}

#[derive(Debug)]
enum Source {
    Memory { sorted: Arc<[Entry]>, next: usize },
    Runs(Vec<Input>),
}

/// A run that is read from its beginning to its end.
#[derive(Debug)]
struct Input {
    run: i64,
    next_place: i64,
    buffer: VecDeque<Entry>,
    ended: bool,
}

impl Build {
    pub(super) fn of_entries(run: i64, sorted: Arc<[Entry]>) -> Self {
        let count = sorted.len() as u64;
        Build::new(run, count, Source::Memory { sorted, next: 0 })
    }

    pub(super) fn of_runs(run: i64, entries: u64, inputs: &[i64]) -> Self {
        let input = |run: &i64| Input {
            run: *run,
            next_place: first_place(*run),
            buffer: VecDeque::new(),
            ended: false,
        };
        Build::new(run, entries, Source::Runs(inputs.iter().map(input).collect()))
    }

    fn new(run: i64, entries: u64, source: Source) -> Self {
        let row = Vec::with_capacity(ROW_ENTRIES);
        Build { run, source, row, entries: 0, filter: Filter::new(entries) }
    }

    pub(super) fn run(&self) -> i64 {
        self.run
    }

    /// Writes some rows; the run, when it is complete.
    pub(super) async fn step(&mut self, conn: &mut Conn<'_>) -> Result<Option<Merged>> {
        for _ in 0..STEP_ROWS {
            while self.row.len() < ROW_ENTRIES {
                let Some(entry) = self.source.next(conn).await? else { break };
                // One that was written twice, once by the journal's way, is one.
                if self.row.last() != Some(&entry) {
                    self.filter.insert(entry.0.0);
                    self.row.push(entry);
                }
            }
            let Some(first) = self.row.first() else {
                return Ok(Some(self.complete()));
            };
            let insert = "INSERT INTO cids (place, entries) VALUES ($1, $2)";
            let place = place(self.run, first.0);
            conn.execute(insert, args![place, Arg::Blob(encode(&self.row))]).await?;
            self.entries += self.row.len() as u64;
            self.row.clear();
        }
        Ok(None)
    }

    fn complete(&mut self) -> Merged {
        let inputs = match &self.source {
            Source::Memory { .. } => Vec::new(),
            Source::Runs(inputs) => inputs.iter().map(|input| input.run).collect(),
        };
        let filter = std::mem::take(&mut self.filter);
        Merged { run: self.run, entries: self.entries, filter, inputs }
    }
}

impl Source {
    /// The next entry in order.
    async fn next(&mut self, conn: &mut Conn<'_>) -> Result<Option<Entry>> {
        match self {
            Source::Memory { sorted, next } => {
                let entry = sorted.get(*next).copied();
                *next += 1;
                Ok(entry)
            }
            Source::Runs(inputs) => {
                let mut lowest: Option<(Entry, usize)> = None;
                for (place, input) in inputs.iter_mut().enumerate() {
                    if input.buffer.is_empty() && !input.ended {
                        input.read(conn).await?;
                    }
                    if let Some(entry) = input.buffer.front()
                        && lowest.is_none_or(|(best, _)| *entry < best)
                    {
                        lowest = Some((*entry, place));
                    }
                }
                let Some((entry, place)) = lowest else { return Ok(None) };
                inputs[place].buffer.pop_front();
                Ok(Some(entry))
            }
        }
    }
}

impl Input {
    async fn read(&mut self, conn: &mut Conn<'_>) -> Result<()> {
        let query = "SELECT place, entries FROM cids WHERE place >= $1 AND place < $2
                     ORDER BY place LIMIT $3";
        let ends = args![self.next_place, first_place(self.run + 1), READ_ROWS];
        let rows = conn.all(query, ends).await?;
        self.ended = rows.len() < READ_ROWS;
        for row in rows {
            self.next_place = row.int(0)? + 1;
            self.buffer.extend(decode(&row.blob(1)?)?);
        }
        Ok(())
    }
}
