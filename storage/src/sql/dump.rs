//! Backup and restore: all tables as lines of JSON, the same from either database into either.
//!
//! The first line says what it is, then each table with its columns and rows, then the end with
//! the number of rows, so that a file that was cut is recognised. A restored store has another
//! epoch: positions of clients that are ahead of it mean nothing.

mod tables;

use std::io::{BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conn::{Arg, Conn, OwnedConn, Row, Sql, args, hex, sql};
use super::open::{Database, OpenOptions, Opener, migrate};
use crate::error::{Result, StoreError};
use tables::Kind::{Blob, Int, Text};
use tables::{Kind, TABLES, Table};

/// What was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BackupSummary {
    /// Tables.
    pub tables: u64,
    /// Rows in all of them.
    pub rows: u64,
}

/// The version of the format.
const FORMAT: u64 = 1;
/// Rows that are read or written at once.
const SLICE_ROWS: usize = 2_000;

#[derive(Serialize, Deserialize)]
struct Head {
    salon_backup: u64,
    tables: usize,
}

#[derive(Serialize, Deserialize)]
struct TableHead {
    table: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct End {
    end: bool,
    rows: u64,
}

fn io(error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("backup file: {error}"))
}

fn wrong(text: impl Into<String>) -> StoreError {
    StoreError::Internal(format!("not a backup of Salon: {}", text.into()))
}

/// The statement's text has to live as long as the program; there are two for each table, and a
/// process makes one backup.
fn leaked(text: String) -> Sql {
    Sql::from(&*text.leak())
}

/// Writes everything, as it is at one moment, while the server goes on.
pub async fn backup(database: Database, out: &mut (dyn Write + Send)) -> Result<BackupSummary> {
    let options = OpenOptions::new(database);
    let mut conn = Opener::new(&options)?.connect().await?;
    migrate(&mut conn, false).await?;
    let outcome = write_all(&mut conn.borrow(), out).await;
    conn.close().await;
    outcome
}

async fn write_all(conn: &mut Conn<'_>, out: &mut (dyn Write + Send)) -> Result<BackupSummary> {
    conn.raw(sql!(
        [sqlite "BEGIN" postgres "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
    ))
    .await?;
    let mut summary = BackupSummary::default();
    line(out, &Head { salon_backup: FORMAT, tables: TABLES.len() })?;
    for table in TABLES {
        let columns = table.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        line(out, &TableHead { table: table.name.into(), columns })?;
        summary.rows += write_table(conn, table, out).await?;
        if table.name == "events" && matches!(conn, Conn::Sqlite(_)) {
            summary.rows += write_journal(conn, out).await?;
        }
        summary.tables += 1;
    }
    line(out, &End { end: true, rows: summary.rows })?;
    out.flush().map_err(|error| io(&error))?;
    conn.raw("COMMIT").await?;
    Ok(summary)
}

fn line<T: Serialize>(out: &mut (dyn Write + Send), value: &T) -> Result<()> {
    let mut text = super::event_row::to_json(value);
    text.push('\n');
    out.write_all(text.as_bytes()).map_err(|error| io(&error))
}

fn names(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

async fn write_table(
    conn: &mut Conn<'_>,
    table: &Table,
    out: &mut (dyn Write + Send),
) -> Result<u64> {
    let (keys, name) = (names(&table.columns[..table.keys]), table.name);
    let columns = names(table.columns);
    let places: Vec<String> = (1..=table.keys).map(|place| format!("${place}")).collect();
    let first = leaked(format!("SELECT {columns} FROM {name} ORDER BY {keys} LIMIT {SLICE_ROWS}"));
    let next = leaked(format!(
        "SELECT {columns} FROM {name} WHERE ({keys}) > ({}) ORDER BY {keys} LIMIT {SLICE_ROWS}",
        places.join(", ")
    ));
    let mut rows = conn.all(first, args![]).await?;
    let mut count = 0;
    while let Some(last) = rows.last() {
        for row in &rows {
            line(out, &values(table, row)?)?;
        }
        count += rows.len() as u64;
        if rows.len() < SLICE_ROWS {
            break;
        }
        let after = key_of(table, last)?;
        rows = conn.all(next, after).await?;
    }
    Ok(count)
}

/// Messages that have no row in the table of events yet, as rows of it.
async fn write_journal(conn: &mut Conn<'_>, out: &mut (dyn Write + Send)) -> Result<u64> {
    let rows = super::journal::unfolded(conn).await?;
    for row in &rows {
        let cid = row.request.map(|request| STANDARD_NO_PAD.encode(request.cid.as_bytes()));
        let hash = row.request.map(|request| request.hash);
        line(out, &json!([row.key, row.at, row.kind, row.sender.0, cid, hash, row.body]))?;
    }
    Ok(rows.len() as u64)
}

fn values(table: &Table, row: &Row) -> Result<Vec<Value>> {
    let value = |(place, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Int => json!(row.opt_int(place)?),
            Text => json!(row.opt_text(place)?),
            Blob => json!(row.opt_blob(place)?.map(|bytes| STANDARD_NO_PAD.encode(bytes))),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
}

fn key_of(table: &Table, row: &Row) -> Result<Vec<Arg>> {
    let arg = |(place, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Int => Arg::Int(row.int(place)?),
            Text => Arg::Text(row.text(place)?),
            Blob => Arg::Blob(row.blob(place)?),
        })
    };
    table.columns[..table.keys].iter().enumerate().map(arg).collect()
}

/// Fills an empty store from a backup, all or nothing.
pub async fn restore(
    database: Database,
    input: &mut (dyn BufRead + Send),
) -> Result<BackupSummary> {
    if let Database::Sqlite(folder) = &database {
        std::fs::create_dir_all(folder).map_err(|error| io(&error))?;
    }
    let options = OpenOptions::new(database);
    let mut conn = Opener::new(&options)?.connect().await?;
    migrate(&mut conn, true).await?;
    let outcome = read_all(&mut conn, input).await;
    if outcome.is_err() {
        let _ = conn.borrow().raw("ROLLBACK").await;
    }
    conn.close().await;
    outcome
}

async fn read_all(conn: &mut OwnedConn, input: &mut (dyn BufRead + Send)) -> Result<BackupSummary> {
    let postgres = conn.is_postgres();
    let mut conn = conn.borrow();
    conn.raw("BEGIN").await?;
    let filled = conn.first("SELECT 1 FROM users LIMIT 1", args![]).await?;
    if filled.is_some() {
        let text = "the store is not empty; restore into an empty one";
        return Err(StoreError::Unavailable(text.into()));
    }
    let head: Head = parse(&next_line(input)?)?;
    if head.salon_backup != FORMAT {
        return Err(wrong(format!("format {}", head.salon_backup)));
    }
    let mut summary = BackupSummary::default();
    let mut current: Option<(&Table, Sql)> = None;
    let mut slice: Vec<Value> = Vec::new();
    loop {
        let text = next_line(input)?;
        if text.starts_with('[') {
            slice.push(parse(&text)?);
            summary.rows += 1;
            if slice.len() == SLICE_ROWS {
                insert(&mut conn, current, &mut slice).await?;
            }
            continue;
        }
        insert(&mut conn, current, &mut slice).await?;
        if let Ok(end) = parse::<End>(&text) {
            if end.rows != summary.rows {
                return Err(wrong(format!("{} rows of {}", summary.rows, end.rows)));
            }
            break;
        }
        let table = find_table(&parse(&text)?)?;
        current = Some((table, insert_statement(table)));
        summary.tables += 1;
    }
    finish(&mut conn, postgres).await?;
    conn.raw("COMMIT").await?;
    Ok(summary)
}

fn next_line(input: &mut (dyn BufRead + Send)) -> Result<String> {
    let mut text = String::new();
    match input.read_line(&mut text) {
        Ok(0) => Err(wrong("it ends in the middle")),
        Ok(_) => Ok(text),
        Err(error) => Err(io(&error)),
    }
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| wrong(error.to_string()))
}

fn find_table(head: &TableHead) -> Result<&'static Table> {
    let table = TABLES.iter().find(|table| table.name == head.table);
    let table = table.ok_or_else(|| wrong(format!("table {}", head.table)))?;
    if !table.columns.iter().map(|(name, _)| *name).eq(head.columns.iter().map(String::as_str)) {
        return Err(wrong(format!("columns of {}", table.name)));
    }
    Ok(table)
}

async fn insert(
    conn: &mut Conn<'_>,
    table: Option<(&Table, Sql)>,
    slice: &mut Vec<Value>,
) -> Result<()> {
    if slice.is_empty() {
        return Ok(());
    }
    let (table, statement) = table.ok_or_else(|| wrong("rows without a table"))?;
    for row in slice.iter_mut() {
        let cells = row.as_array_mut().ok_or_else(|| wrong("a row"))?;
        for (cell, (_, kind)) in cells.iter_mut().zip(table.columns) {
            // Both databases read hexadecimal.
            if let (Blob, Value::String(text)) = (kind, &cell) {
                let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| wrong("base64"))?;
                *cell = Value::String(hex(&bytes));
            }
        }
    }
    conn.execute(statement, vec![Arg::Text(super::event_row::to_json(slice))]).await?;
    slice.clear();
    Ok(())
}

fn insert_statement(table: &Table) -> Sql {
    let cells = |blob: &dyn Fn(usize) -> String, int: &dyn Fn(usize) -> String| {
        let cell = |(place, (_, kind)): (usize, &(&str, Kind))| match kind {
            Int => int(place),
            Text => format!("value->>{place}"),
            Blob => blob(place),
        };
        table.columns.iter().enumerate().map(cell).collect::<Vec<_>>().join(", ")
    };
    let (name, columns) = (table.name, names(table.columns));
    let sqlite =
        cells(&|place| format!("unhex(value->>{place})"), &|place| format!("value->>{place}"));
    let postgres = cells(&|place| format!("decode(value->>{place}, 'hex')"), &|place| {
        format!("(value->>{place})::bigint")
    });
    let sqlite =
        format!("INSERT OR REPLACE INTO {name} ({columns}) SELECT {sqlite} FROM json_each($1)");
    let postgres = format!(
        "INSERT INTO {name} ({columns}) SELECT {postgres} FROM json_array_elements($1::json)
         ON CONFLICT DO NOTHING"
    );
    // See `leaked`.
    Sql { sqlite: sqlite.leak(), postgres: postgres.leak() }
}

/// Another epoch, and in PostgreSQL the numbers that are derived from the rows.
async fn finish(conn: &mut Conn<'_>, postgres: bool) -> Result<()> {
    let epoch = uuid::Uuid::new_v4().simple().to_string();
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ('epoch', $1)
         ON CONFLICT (name) DO UPDATE SET value = $1",
        args![epoch],
    )
    .await?;
    if postgres {
        conn.raw(
            "UPDATE rooms SET head = e.event_key & 4294967295, head_at = e.at
             FROM (SELECT DISTINCT ON (event_key >> 32) event_key, at FROM events
                   ORDER BY event_key >> 32, event_key DESC) AS e
             WHERE rooms.room_key = e.event_key >> 32;
             SELECT setval(pg_get_serial_sequence('users', 'user_key'),
                           (SELECT COALESCE(max(user_key), 0) + 1 FROM users), false);
             SELECT setval(pg_get_serial_sequence('rooms', 'room_key'),
                           (SELECT COALESCE(max(room_key), 0) + 1 FROM rooms), false);
             SELECT setval(pg_get_serial_sequence('photos', 'photo_key'),
                           (SELECT COALESCE(max(photo_key), 0) + 1 FROM photos), false);",
        )
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tables_are_those_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new(Database::Sqlite(folder.path().into()));
        let mut conn = Opener::new(&options).unwrap().connect().await.unwrap();
        migrate(&mut conn, true).await.unwrap();
        let rows = conn
            .borrow()
            .all(
                "SELECT m.name, group_concat(c.name, ', ') FROM sqlite_schema m
                 JOIN pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
                   AND m.name NOT LIKE 'sqlite%'
                   AND m.name NOT IN ('journal', 'cids', 'cid_runs') GROUP BY m.name ORDER BY m.name",
                args![],
            )
            .await
            .unwrap();
        let found: Vec<(String, String)> =
            rows.iter().map(|row| (row.text(0).unwrap(), row.text(1).unwrap())).collect();
        let mut known: Vec<(String, String)> =
            TABLES.iter().map(|table| (table.name.to_owned(), names(table.columns))).collect();
        known.sort();
        assert_eq!(found, known);
        conn.close().await;
    }
}
