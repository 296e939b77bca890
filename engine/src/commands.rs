//! Everything that `salon` can do but `serve`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use salon_http::auth::Passwords;
use salon_protocol::{UserId, limits};
use salon_storage::contract::{AccountName, Accounts as _, Meta as _, Sessions as _, Which};
use salon_storage::model::{Account, AccountChange, AccountRole, AccountStatus, NewAccount};
use salon_storage::sql::{self, Database, OpenOptions, SqlStore};
use uuid::Uuid;

use crate::cli::RoleName;
use crate::config::Config;
use crate::folder;
use crate::wiring::open_options;

/// Runs something that waits, on a runtime of its own.
fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

pub(crate) fn config_print(config: &Config) -> anyhow::Result<()> {
    print!("{}", config.to_toml());
    Ok(())
}

/// Whatever is wrong was said when the settings were loaded.
pub(crate) fn config_check(_: &Config) -> anyhow::Result<()> {
    println!("the settings make sense");
    Ok(())
}

pub(crate) fn migrate(config: &Config) -> anyhow::Result<()> {
    let _held = folder::hold(&config.data_dir)?;
    wait(async {
        let store =
            SqlStore::open(OpenOptions { keep_house: false, ..open_options(config) }).await?;
        store.close().await;
        println!("the database is up to date");
        Ok(())
    })
}

/// Asks `/health` of the first address.
pub(crate) fn healthcheck(config: &Config) -> anyhow::Result<()> {
    let mut address: SocketAddr = *config.listen.first().context("no address")?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    let patience = Duration::from_secs(3);
    let mut stream = TcpStream::connect_timeout(&address, patience)
        .with_context(|| format!("nobody listens on {address}"))?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(
        format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).context("no answer")?;
    ensure!(&answer == b"HTTP/1.1 200", "not healthy");
    println!("healthy");
    Ok(())
}

/// A store beside a server that may be running.
async fn open_beside(config: &Config) -> anyhow::Result<SqlStore> {
    if let Database::Sqlite(folder) = &config.database {
        let database = folder.join("salon.db");
        ensure!(database.is_file(), "there is no store in {}", folder.display());
    }
    let options = OpenOptions { migrate: false, keep_house: false, ..open_options(config) };
    Ok(SqlStore::open(options).await?)
}

pub(crate) fn admin_create(config: &Config, username: &str) -> anyhow::Result<()> {
    let username = username.to_lowercase();
    let mut password = String::new();
    eprint!("password: ");
    std::io::stdin().read_line(&mut password).context("no password")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    let length = password.chars().count();
    ensure!(limits::PASSWORD_CHARS.contains(&length), "a password has 8 to 128 characters");
    wait(async {
        let passwords = Passwords::new(config.password_cost, 1).map_err(anyhow::Error::msg)?;
        let store = open_or_make(config).await?;
        let new = NewAccount {
            id: UserId::new(Uuid::now_v7()),
            username: Some(username.clone()),
            phone: None,
            password_hash: Some(passwords.hash_now(&password).map_err(anyhow::Error::msg)?),
            nickname: username.clone(),
            role: AccountRole::Admin,
        };
        let made = store.create_account(new).await;
        store.close().await;
        println!("{} is an administrator", made?.username.unwrap_or_default());
        Ok(())
    })
}

/// The first administrator may be made before the first start.
async fn open_or_make(config: &Config) -> anyhow::Result<SqlStore> {
    match &config.database {
        Database::Sqlite(folder) if folder.join("salon.db").is_file() => open_beside(config).await,
        _ => {
            let options = OpenOptions { keep_house: false, ..open_options(config) };
            Ok(SqlStore::open(options).await?)
        }
    }
}

pub(crate) fn admin_set_role(
    config: &Config,
    username: &str,
    role: RoleName,
) -> anyhow::Result<()> {
    let role = match role {
        RoleName::User => AccountRole::User,
        RoleName::Admin => AccountRole::Admin,
    };
    let change = AccountChange { role: Some(role), ..AccountChange::default() };
    change_account(config, username, change, false)?;
    println!("{username} has the role {}", role.name());
    Ok(())
}

pub(crate) fn admin_set_enabled(
    config: &Config,
    username: &str,
    enabled: bool,
) -> anyhow::Result<()> {
    let status = if enabled { AccountStatus::Active } else { AccountStatus::Disabled };
    let change = AccountChange { status: Some(status), ..AccountChange::default() };
    change_account(config, username, change, !enabled)?;
    println!("{username} is {}", if enabled { "enabled" } else { "disabled" });
    Ok(())
}

fn change_account(
    config: &Config,
    username: &str,
    change: AccountChange,
    end_sessions: bool,
) -> anyhow::Result<()> {
    let username = username.to_lowercase();
    wait(async {
        let store = open_beside(config).await?;
        let changed = async {
            let account: Option<Account> =
                store.account(AccountName::Username(username.clone())).await?;
            let Some(account) = account else { bail!("there is no account {username}") };
            store.update_account(account.user.id, change).await?;
            if end_sessions {
                // A running server sees it within a second, and closes the sockets.
                store.end_sessions(account.user.id, Which::All).await?;
            }
            Ok(())
        }
        .await;
        store.close().await;
        changed
    })
}

/// The file with the tables in a backup.
const TABLES: &str = "tables.jsonl";
/// The folder with the files in a backup.
const BLOBS: &str = "blobs";

pub(crate) fn backup(config: &Config, folder: &Path) -> anyhow::Result<()> {
    ensure!(!folder.exists(), "{} exists already", folder.display());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(TABLES);
    let file =
        File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let summary = wait(async {
        let mut out = BufWriter::new(file);
        let summary = sql::backup(config.database.clone(), &mut out).await?;
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(summary)
    })?;
    // After the tables: every file that they name is there by now, and files never change.
    let files = copy_folder(&config.data_dir.join(BLOBS), &folder.join(BLOBS))?;
    println!("{} rows of {} tables, {files} files", summary.rows, summary.tables);
    Ok(())
}

pub(crate) fn restore(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(TABLES);
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let _held = folder::hold(&config.data_dir)?;
    let summary = wait(async {
        let mut input = BufReader::new(file);
        Ok(sql::restore(config.database.clone(), &mut input).await?)
    })?;
    let files = copy_folder(&folder.join(BLOBS), &config.data_dir.join(BLOBS))?;
    println!("{} rows of {} tables, {files} files", summary.rows, summary.tables);
    Ok(())
}

/// Copies a folder with all that is in it; returns how many files.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<u64> {
    if !from.is_dir() {
        return Ok(0);
    }
    std::fs::create_dir_all(to)?;
    let mut files = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            files += copy_folder(&source, &target)?;
        } else {
            std::fs::copy(&source, &target)
                .with_context(|| format!("cannot copy {}", source.display()))?;
            files += 1;
        }
    }
    Ok(files)
}
