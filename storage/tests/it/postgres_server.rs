//! A PostgreSQL server for one test: started from the installed program in a temporary folder,
//! reached by a socket file there, ended when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// A running server.
pub(crate) struct PostgresServer {
    process: Child,
    folder: TempDir,
}

/// The account under which the server runs when the test runs as root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "postgres";

impl PostgresServer {
    /// Starts a server; `None`, with a printed line, where PostgreSQL is not installed. With
    /// `TEST_REQUIRE=postgres` that is an error.
    pub(crate) async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
            assert!(!required.contains("postgres"), "PostgreSQL is required and not installed");
            eprintln!("SKIPPED: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        if is_root() {
            run(Command::new("chown").arg(UNPRIVILEGED).arg(folder.path()));
        }
        run(as_user(&programs.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "salon", "-E", "UTF8", "--no-locale", "-D"])
            .arg(&data));
        let process = as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = PostgresServer { process, folder };
        server.wait_until_ready().await;
        Some(server)
    }

    /// The address of a database.
    pub(crate) fn address(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://salon@localhost/{database}?host={folder}")
    }

    async fn wait_until_ready(&self) {
        let give_up = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::connect(&self.address("postgres")).await {
            assert!(Instant::now() < give_up, "PostgreSQL does not start: {error}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // The server is a child of `runuser` when that was needed: its own file knows its number.
        let pid_file = self.folder.path().join("data/postmaster.pid");
        if let Some(pid) = std::fs::read_to_string(pid_file)
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned))
        {
            let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        } else {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", UNPRIVILEGED, "--"]).arg(program);
    command
}

/// The folder of `initdb` and `postgres`: the newest that is installed.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&in_path));
    folders
        .into_iter()
        .rev()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
