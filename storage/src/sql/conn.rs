//! One connection, of either database, and the little that a statement needs of it.
//!
//! A statement is written once where the dialects agree; [`sql!`](crate::sql::conn::sql) puts the
//! few pieces that differ side by side. Values are integers, texts and bytes, nothing else.

use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    Connection as _, Database, Decode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    Type,
};

use crate::error::{Result, StoreError};

/// A statement in both dialects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Sql { sqlite: both, postgres: both }
    }
}

/// Builds an [`Sql`] from literals and from pieces that differ:
/// `[ints "$1"]` is the set of integers in a JSON list, `[blobs "$1"]` that of hexadecimal texts,
/// `[sqlite "…" postgres "…"]` is what it says.
macro_rules! sql {
    ($($piece:tt)+) => {
        $crate::sql::conn::Sql {
            sqlite: concat!($($crate::sql::conn::piece!(sqlite $piece)),+),
            postgres: concat!($($crate::sql::conn::piece!(postgres $piece)),+),
        }
    };
}

macro_rules! piece {
    ($dialect:ident $both:literal) => {
        $both
    };
    (sqlite [ints $param:literal]) => {
        concat!("(SELECT value FROM json_each(", $param, "))")
    };
    (postgres [ints $param:literal]) => {
        concat!("(SELECT value::bigint FROM json_array_elements_text(", $param, "::json))")
    };
    (sqlite [blobs $param:literal]) => {
        concat!("(SELECT unhex(value) FROM json_each(", $param, "))")
    };
    (postgres [blobs $param:literal]) => {
        concat!("(SELECT decode(value, 'hex') FROM json_array_elements_text(", $param, "::json))")
    };
    (sqlite [sqlite $sqlite:literal postgres $postgres:literal]) => {
        $sqlite
    };
    (postgres [sqlite $sqlite:literal postgres $postgres:literal]) => {
        $postgres
    };
}

pub(crate) use {piece, sql};

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(i64),
    OptInt(Option<i64>),
    Text(String),
    OptText(Option<String>),
    Blob(Vec<u8>),
    OptBlob(Option<Vec<u8>>),
    /// Columns of many rows, for PostgreSQL's UNNEST only.
    Ints(Vec<i64>),
    OptInts(Vec<Option<i64>>),
    Texts(Vec<String>),
    OptBlobs(Vec<Option<Vec<u8>>>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Arg::Int(value)
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Arg::OptInt(value)
    }
}

impl From<u64> for Arg {
    /// Numbers of the store stay far below 2^63.
    fn from(value: u64) -> Self {
        Arg::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Arg::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Arg::Int(value.into())
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Arg::Text(value.into())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Arg::Text(value)
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Arg::OptText(value)
    }
}

impl From<&[u8]> for Arg {
    fn from(value: &[u8]) -> Self {
        Arg::Blob(value.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Arg {
    fn from(value: &[u8; N]) -> Self {
        Arg::Blob(value.as_slice().into())
    }
}

impl From<Option<Vec<u8>>> for Arg {
    fn from(value: Option<Vec<u8>>) -> Self {
        Arg::OptBlob(value)
    }
}

impl From<crate::model::UserKey> for Arg {
    fn from(key: crate::model::UserKey) -> Self {
        Arg::Int(key.0)
    }
}

impl From<crate::model::RoomKey> for Arg {
    fn from(key: crate::model::RoomKey) -> Self {
        Arg::Int(key.0)
    }
}

/// The arguments of a statement, converted.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::conn::Arg::from($value)),*] };
}
pub(crate) use args;

/// A JSON list of integers, for `[ints …]`.
pub(crate) fn int_list(values: impl IntoIterator<Item = i64>) -> Arg {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    Arg::Text(format!("[{}]", texts.join(",")))
}

/// A JSON list of hexadecimal texts, for `[blobs …]`.
pub(crate) fn blob_list<'a>(values: impl IntoIterator<Item = &'a [u8; 16]>) -> Arg {
    let texts: Vec<String> =
        values.into_iter().map(|bytes| format!("\"{}\"", hex(bytes))).collect();
    Arg::Text(format!("[{}]", texts.join(",")))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A row of either database. Columns are read by their place.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn get<'r, T>(&'r self, column: usize) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| StoreError::Internal(format!("column {column}: {error}")))
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        let value = self.opt_int(column)?;
        value.ok_or_else(|| StoreError::Internal(format!("column {column} is null")))
    }

    pub(crate) fn number(&self, column: usize) -> Result<u64> {
        let value = self.int(column)?;
        u64::try_from(value)
            .map_err(|_| StoreError::Internal(format!("column {column}: {value} is negative")))
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        // A literal in a statement is 32 bits wide in PostgreSQL.
        if let Row::Postgres(row) = self
            && let Ok(short) = row.try_get::<Option<i32>, _>(column)
        {
            return Ok(short.map(i64::from));
        }
        self.get(column)
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        self.get(column)
    }

    pub(crate) fn blob(&self, column: usize) -> Result<Vec<u8>> {
        self.get(column)
    }

    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>> {
        self.get(column)
    }

    /// The 16 bytes of an id.
    pub(crate) fn id(&self, column: usize) -> Result<[u8; 16]> {
        bytes16(self.blob(column)?)
    }

    pub(crate) fn opt_id(&self, column: usize) -> Result<Option<[u8; 16]>> {
        self.opt_blob(column)?.map(bytes16).transpose()
    }
}

fn bytes16(bytes: Vec<u8>) -> Result<[u8; 16]> {
    bytes.try_into().map_err(|_| StoreError::Internal("an id is not 16 bytes".into()))
}

/// A connection that is kept.
#[derive(Debug)]
pub(crate) enum OwnedConn {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl OwnedConn {
    pub(crate) fn borrow(&mut self) -> Conn<'_> {
        match self {
            OwnedConn::Sqlite(conn) => Conn::Sqlite(conn),
            OwnedConn::Postgres(conn) => Conn::Postgres(conn),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, OwnedConn::Postgres(_))
    }

    pub(crate) async fn close(self) {
        // Closing cannot fail in a way that matters any more: all is committed or rolled back.
        let _ = match self {
            OwnedConn::Sqlite(conn) => conn.close().await,
            OwnedConn::Postgres(conn) => conn.close().await,
        };
    }
}

/// A borrowed connection.
#[derive(Debug)]
pub(crate) enum Conn<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Conn<'_> {
    /// Runs a statement and returns how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<u64> {
        let sql = sql.into();
        match self {
            Conn::Sqlite(conn) => {
                let done = bind_sqlite(sql.sqlite, args).execute(&mut **conn).await;
                done.map(|done| done.rows_affected())
            }
            Conn::Postgres(conn) => {
                let done = bind_postgres(sql.postgres, args).execute(&mut **conn).await;
                done.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| store_error(&error))
    }

    /// Runs a query and returns all its rows.
    pub(crate) async fn all(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Vec<Row>> {
        let sql = sql.into();
        match self {
            Conn::Sqlite(conn) => bind_sqlite(sql.sqlite, args)
                .fetch_all(&mut **conn)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Conn::Postgres(conn) => bind_postgres(sql.postgres, args)
                .fetch_all(&mut **conn)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|error| store_error(&error))
    }

    /// Runs a query and hands out its rows until `take` has enough: it says whether it takes more.
    pub(crate) async fn each(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
        mut take: impl FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        let sql = sql.into();
        let mut rows = match self {
            Conn::Sqlite(conn) => {
                bind_sqlite(sql.sqlite, args).fetch(&mut **conn).map_ok(Row::Sqlite).boxed()
            }
            Conn::Postgres(conn) => {
                bind_postgres(sql.postgres, args).fetch(&mut **conn).map_ok(Row::Postgres).boxed()
            }
        };
        while let Some(row) = rows.try_next().await.map_err(|error| store_error(&error))? {
            if !take(&row)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a query that gives at most one row.
    pub(crate) async fn first(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Runs a query that always gives a row.
    pub(crate) async fn one(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Row> {
        self.first(sql, args)
            .await?
            .ok_or_else(|| StoreError::Internal("a row that must be there is not".into()))
    }

    /// Runs statements without parameters, such as `BEGIN`.
    pub(crate) async fn raw(&mut self, sql: impl Into<Sql>) -> Result<()> {
        let sql = sql.into();
        match self {
            Conn::Sqlite(conn) => sqlx::raw_sql(sql.sqlite).execute(&mut **conn).await.map(|_| ()),
            Conn::Postgres(conn) => {
                sqlx::raw_sql(sql.postgres).execute(&mut **conn).await.map(|_| ())
            }
        }
        .map_err(|error| store_error(&error))
    }
}

type Query<DB> = sqlx::query::Query<'static, DB, <DB as Database>::Arguments>;

fn bind_sqlite(sql: &'static str, args: Vec<Arg>) -> Query<Sqlite> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Arg::Int(value) => query.bind(value),
            Arg::OptInt(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::OptText(value) => query.bind(value),
            Arg::Blob(value) => query.bind(value),
            Arg::OptBlob(value) => query.bind(value),
            Arg::Ints(_) | Arg::OptInts(_) | Arg::Texts(_) | Arg::OptBlobs(_) => {
                unreachable!("SQLite has no arrays; the statement takes JSON")
            }
        };
    }
    query
}

fn bind_postgres(sql: &'static str, args: Vec<Arg>) -> Query<Postgres> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Arg::Int(value) => query.bind(value),
            Arg::OptInt(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::OptText(value) => query.bind(value),
            Arg::Blob(value) => query.bind(value),
            Arg::OptBlob(value) => query.bind(value),
            Arg::Ints(values) => query.bind(values),
            Arg::OptInts(values) => query.bind(values),
            Arg::Texts(values) => query.bind(values),
            Arg::OptBlobs(values) => query.bind(values),
        };
    }
    query
}

/// Sorts the drivers' errors by what the caller can do.
pub(crate) fn store_error(error: &sqlx::Error) -> StoreError {
    let text = error.to_string();
    match error {
        sqlx::Error::Database(database) if is_lasting(database.code().as_deref()) => {
            StoreError::Internal(text)
        }
        sqlx::Error::Database(_)
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(text),
        _ => StoreError::Internal(text),
    }
}

/// True for codes that a repetition does not cure: SQLite's ERROR, CONSTRAINT, MISMATCH, MISUSE,
/// RANGE, CORRUPT and NOTADB by their primary code; PostgreSQL's classes 22, 23 and 42. All others
/// (FULL, IOERR, BUSY, connection and resource classes) can pass.
fn is_lasting(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xFF, 1 | 11 | 19 | 20 | 21 | 25 | 26),
        _ => matches!(code.get(..2), Some("22" | "23" | "42")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_differ_where_they_must() {
        let both = sql!("SELECT 1 WHERE 2 IN " [ints "$1"] " AND true");
        assert_eq!(both.sqlite, "SELECT 1 WHERE 2 IN (SELECT value FROM json_each($1)) AND true");
        assert!(both.postgres.contains("json_array_elements_text($1::json)"));
    }

    #[test]
    fn errors_that_pass_and_errors_that_last() {
        for passing in ["13", "10", "5", "14", "517", "2570", "40P01", "53100", "08006", "57P01"] {
            assert!(!is_lasting(Some(passing)), "{passing}");
        }
        for lasting in ["1", "19", "2067", "1555", "11", "23505", "42601", "22P02"] {
            assert!(is_lasting(Some(lasting)), "{lasting}");
        }
    }
}
