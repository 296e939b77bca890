//! Opening a database: settings, migrations, the reader pool, and checkpoints off the commit path.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, PgPool, Postgres, Sqlite, SqlitePool};

use super::checkpoint::{Checkpoints, open_file};
use super::cids::Cids;
use super::conn::{Conn, OwnedConn, args, store_error};
use super::conversations::unread_of;
use super::gathered::Gathered;
use super::journal::{FOLD_AFTER, Journal};
use super::members::Members;
use super::meta::put_if_absent;
use super::search::{self, Dirty, SearchIndex};
use super::tail::Tail;
use super::tx::{Heads, Rules, Tx};
use super::writer::Writer;
use super::{Shared, SqlStore};
use super::{log, opening};
use crate::contract::{Clock, SystemClock};
use crate::error::{Result, StoreError};
use crate::metrics::StoreMetrics;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A folder with `salon.db`, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL address, `postgres://…`.
    Postgres(String),
}

/// What a commit promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// An acknowledged change survives a power cut.
    #[default]
    Full,
    /// It survives the end of the process; a power cut loses the last moments.
    Normal,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where it is.
    pub database: Database,
    /// For SQLite; PostgreSQL has its own setting.
    pub durability: Durability,
    /// Connections for reading.
    pub readers: u32,
    /// What the operator decided about rooms.
    pub rules: Rules,
    /// Whether pending migrations are applied; otherwise they are an error.
    pub migrate: bool,
    /// Whether this process keeps house: takes messages, folds SQLite's journal and its log. The
    /// command line beside a running server does not.
    pub keep_house: bool,
    /// Whether the search index follows the logs, in a process that keeps house.
    pub index: bool,
    /// For SQLite: how long a message stays in the journal before it is folded into the table.
    pub fold_after: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl OpenOptions {
    /// The defaults for a database.
    pub fn new(database: Database) -> Self {
        OpenOptions {
            database,
            durability: Durability::default(),
            readers: 4,
            rules: Rules::default(),
            migrate: true,
            keep_house: true,
            index: true,
            fold_after: FOLD_AFTER,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The page cache of the writer, in KiB: it reads what it is about to change.
const WRITER_CACHE_KIB: &str = "-16384";
/// The page cache of each reader, in KiB. What it does not hold, the system's page cache does, once
/// for all of them.
const READER_CACHE_KIB: &str = "-512";
/// How long a second process (the command line) may hold the write lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Opens connections for the writer.
#[derive(Clone, Debug)]
pub(crate) enum Opener {
    Sqlite(SqliteConnectOptions, Rules),
    Postgres(PgConnectOptions, Rules),
}

impl Opener {
    pub(crate) fn new(options: &OpenOptions) -> Result<Self> {
        Ok(match &options.database {
            Database::Sqlite(folder) => {
                Opener::Sqlite(sqlite_options(folder, options.durability), options.rules)
            }
            Database::Postgres(address) => {
                let parsed = address.parse::<PgConnectOptions>();
                let parsed = parsed.map_err(|error| store_error(&error))?;
                Opener::Postgres(parsed.application_name("salon"), options.rules)
            }
        })
    }

    /// A connection that can write.
    pub(crate) async fn connect(&self) -> Result<OwnedConn> {
        match self {
            Opener::Sqlite(options, _) => {
                options.connect().await.map(|conn| OwnedConn::Sqlite(Box::new(conn)))
            }
            Opener::Postgres(options, _) => {
                options.connect().await.map(|conn| OwnedConn::Postgres(Box::new(conn)))
            }
        }
        .map_err(|error| store_error(&error))
    }

    /// A connection, ready to begin a transaction, that knows nothing yet.
    pub(crate) async fn writer(&self) -> Result<Tx> {
        let (Opener::Sqlite(_, rules) | Opener::Postgres(_, rules)) = self;
        Ok(Tx {
            conn: self.connect().await?,
            heads: Heads::default(),
            members: Members::default(),
            journal: Journal::new(Arc::default(), FOLD_AFTER),
            cids: Cids::default(),
            now: 0,
            rules: *rules,
            texts_changed: HashSet::default(),
        })
    }

    async fn readers(&self, count: u32) -> Result<Readers> {
        match self {
            Opener::Sqlite(options, _) => SqlitePoolOptions::new()
                .max_connections(count)
                .min_connections(1)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .connect_with(
                    options
                        .clone()
                        .pragma("cache_size", READER_CACHE_KIB)
                        .thread_name(|number| format!("salon-read-{number}")),
                )
                .await
                .map(Readers::Sqlite),
            Opener::Postgres(options, _) => PgPoolOptions::new()
                .max_connections(count)
                .min_connections(1)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_with(options.clone())
                .await
                .map(Readers::Postgres),
        }
        .map_err(|error| store_error(&error))
    }
}

fn sqlite_options(folder: &Path, durability: Durability) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join("salon.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", WRITER_CACHE_KIB)
        .pragma("temp_store", "MEMORY")
        // Another connection does it, so that no commit has to.
        .pragma("wal_autocheckpoint", "0")
        .thread_name(|_| "salon-write".into())
}

/// Connections for reading.
#[derive(Debug)]
pub(crate) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection of the pool.
#[derive(Debug)]
pub(crate) enum PooledConn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Readers {
    pub(crate) async fn get(&self) -> Result<PooledConn> {
        match self {
            Readers::Sqlite(pool) => pool.acquire().await.map(PooledConn::Sqlite),
            Readers::Postgres(pool) => pool.acquire().await.map(PooledConn::Postgres),
        }
        .map_err(|error| store_error(&error))
    }

    pub(crate) async fn close(&self) {
        match self {
            Readers::Sqlite(pool) => pool.close().await,
            Readers::Postgres(pool) => pool.close().await,
        }
    }
}

impl PooledConn {
    pub(crate) fn borrow(&mut self) -> Conn<'_> {
        match self {
            PooledConn::Sqlite(conn) => Conn::Sqlite(conn),
            PooledConn::Postgres(conn) => Conn::Postgres(conn),
        }
    }
}

impl SqlStore {
    /// Opens a store: applies migrations, reads its epoch, starts the writer and the search
    /// index's follower on the current runtime.
    pub async fn open(options: OpenOptions) -> Result<Self> {
        if let Database::Sqlite(folder) = &options.database {
            std::fs::create_dir_all(folder).map_err(|error| {
                StoreError::Unavailable(format!("{}: {error}", folder.display()))
            })?;
        }
        let opener = Opener::new(&options)?;
        let mut tx = opener.writer().await?;
        migrate(&mut tx.conn, options.migrate).await?;
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        let epoch = put_if_absent(&mut tx.conn.borrow(), "epoch", &fresh).await?;
        let search: SearchIndex = match &options.database {
            Database::Sqlite(folder) => {
                let path = folder.join("search.db");
                Box::new(search::SqliteIndex::open(&path, &epoch).await?)
            }
            Database::Postgres(_) => Box::new(search::PostgresIndex),
        };
        let tail = Arc::new(Tail::default());
        if options.keep_house && !tx.conn.is_postgres() {
            tx.journal = Journal::new(tail.clone(), options.fold_after);
            tx.load().await?;
        }
        let metrics = Arc::new(StoreMetrics::default());
        let shared = Arc::new(Shared {
            readers: opener.readers(options.readers).await?,
            tail: tail.clone(),
            search,
            clock: options.clock.clone(),
            epoch,
            metrics: metrics.clone(),
            restart: Arc::default(),
            file: match &options.database {
                Database::Sqlite(folder) => Some(open_file(folder)?),
                Database::Postgres(_) => None,
            },
        });
        let dirty = Arc::new(Dirty::default());
        let mut background = Vec::new();
        if options.keep_house && options.index {
            dirty.mark(all_rooms(&shared).await?);
            let follow = search::follow(Arc::downgrade(&shared), dirty.clone());
            background.push(tokio::spawn(follow));
        }
        if options.keep_house
            && let Database::Sqlite(folder) = &options.database
        {
            let checkpoints = Checkpoints::new(opener.clone(), folder, &shared);
            background.push(tokio::spawn(checkpoints.run()));
        }
        let (writer, ended) =
            Writer::start(opener, tx, options.clock, metrics, dirty, shared.restart.clone());
        let openings = Gathered::start(Arc::downgrade(&shared), move |conn, sessions| {
            let tail = tail.clone();
            Box::pin(async move { opening::open(conn, &tail, sessions).await })
        });
        let tail = shared.tail.clone();
        let unread = Gathered::start(Arc::downgrade(&shared), move |conn, asked| {
            let tail = tail.clone();
            Box::pin(async move { unread_of(conn, &tail, asked).await })
        });
        let tail = shared.tail.clone();
        let pages = Gathered::start(Arc::downgrade(&shared), move |conn, ranges| {
            let tail = tail.clone();
            Box::pin(async move { log::pages(conn, &tail, ranges).await })
        });
        Ok(SqlStore {
            openings,
            unread,
            pages,
            shared,
            writer: std::sync::RwLock::new(Some(writer)),
            writer_ended: tokio::sync::Mutex::new(Some(ended)),
            background,
        })
    }
}

/// Rooms that the search index has to look at after a start.
async fn all_rooms(shared: &Shared) -> Result<Vec<crate::model::RoomKey>> {
    let mut reader = shared.reader().await?;
    let rows = reader.borrow().all("SELECT room_key FROM rooms WHERE kind <> 0", args![]).await?;
    rows.iter().map(|row| Ok(crate::model::RoomKey(row.int(0)?))).collect()
}

/// Applies what is pending, or refuses to work with it.
pub(crate) async fn migrate(conn: &mut OwnedConn, apply: bool) -> Result<()> {
    if !apply {
        return check_migrated(conn).await;
    }
    // PostgreSQL: under an advisory lock, so that two nodes can start at once. SQLite: the
    // folder is locked by the engine.
    match conn {
        OwnedConn::Sqlite(conn) => SQLITE.run(&mut **conn).await,
        OwnedConn::Postgres(conn) => POSTGRES.run(&mut **conn).await,
    }
    .map_err(|error| StoreError::Unavailable(format!("migration: {error}")))
}

async fn check_migrated(conn: &mut OwnedConn) -> Result<()> {
    let migrations = if conn.is_postgres() { &POSTGRES } else { &SQLITE };
    let newest = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    let query = "SELECT COALESCE(max(version), 0) FROM _sqlx_migrations WHERE success";
    let applied = match conn.borrow().first(query, args![]).await {
        Ok(Some(row)) => row.int(0)?,
        _ => 0,
    };
    let text = match applied.cmp(&newest) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => {
            format!("the database is at migration {applied} of {newest}: run `salon migrate`")
        }
        // What it has beyond would be missing in a backup, for example.
        Ordering::Greater => format!("the database is of a newer salon (migration {applied})"),
    };
    Err(StoreError::Unavailable(text))
}
