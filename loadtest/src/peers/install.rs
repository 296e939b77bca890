//! The peers' folder: their files, and their libraries from npm.
//!
//! Owns      the folder, the lock on it, and the question whether it is complete.
//! Promises  npm runs once for each list of versions; two harnesses do not run it in one folder at the
//!           same time; a folder that belongs to somebody else is not used, as what is in it is run.
//! Does not  install Node.js.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::programs::{find, run};
use super::{MANIFEST, NPM_WITHIN, Peer, Unavailable};
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Holds the list of exact versions that npm has fetched.
const COMPLETE: &str = "complete.json";
/// How often a folder that another harness has locked is tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// A folder that is complete.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The program.
    pub node: PathBuf,
    /// Its version, as it tells it.
    pub node_version: String,
    /// Where the peers are.
    pub folder: PathBuf,
}

/// The folder, when none is named.
fn usual_folder() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("salon-loadtest-peers-{user}"))
}

/// Makes the peers ready to be started. `programs`: where to look for programs, such as `PATH`.
pub fn install(
    folder: Option<&Path>,
    programs: Option<&OsStr>,
    interrupt: &Interrupt,
) -> Result<Installed, Unavailable> {
    let missing = |words: &str| Unavailable::Missing(words.to_owned());
    let node = find("node", programs)
        .ok_or_else(|| missing("Node.js is not installed: there is no `node` in PATH"))?;
    let version = run(Command::new(&node).arg("--version"), NPM_WITHIN, interrupt)?;
    if !version.status.is_some_and(|status| status.success()) {
        return Err(Unavailable::Missing(format!("node does not run: {}", version.words)));
    }
    let folder = folder.map_or_else(usual_folder, Path::to_owned);
    let name = folder.display().to_string();
    let unusable = |error: io::Error| {
        Unavailable::Missing(format!("the folder {name} cannot be used: {error}"))
    };
    prepare(&folder).map_err(unusable)?;
    // npm and `require` want it without links.
    let folder = folder.canonicalize().map_err(unusable)?;
    let file = File::create(folder.join("lock")).map_err(unusable)?;
    lock(&file, interrupt)?;
    write_files(&folder).map_err(unusable)?;
    if fs::read_to_string(folder.join(COMPLETE)).ok().as_deref() != Some(MANIFEST) {
        let npm = find("npm", programs)
            .ok_or_else(|| missing("npm is not installed: there is no `npm` in PATH"))?;
        fetch(&npm, &folder, programs, interrupt)?;
        fs::write(folder.join(COMPLETE), MANIFEST).map_err(unusable)?;
    }
    Ok(Installed { node, node_version: version.words, folder })
}

fn fetch(
    npm: &Path,
    folder: &Path,
    programs: Option<&OsStr>,
    interrupt: &Interrupt,
) -> Result<(), Unavailable> {
    let mut command = Command::new(npm);
    command
        .args(["install", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"])
        .args(["--no-package-lock", "--fetch-retries=1", "--fetch-timeout=20000"])
        .current_dir(folder);
    if let Some(programs) = programs {
        command.env("PATH", programs);
    }
    let ended = run(&mut command, NPM_WITHIN, interrupt)?;
    match ended.status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Unavailable::Missing(format!(
            "`npm install` in {} ended with {status}: {}",
            folder.display(),
            ended.words
        ))),
        None => Err(Unavailable::Missing(format!(
            "`npm install` was not done within {} s: {}",
            NPM_WITHIN.as_secs(),
            ended.words
        ))),
    }
}

fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if folder.metadata()?.uid() == rustix::process::getuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other("it belongs to somebody else; name another one with --peers-dir"))
}

/// The lock goes with the file.
fn lock(file: &File, interrupt: &Interrupt) -> Result<(), Failure> {
    loop {
        interrupt.check()?;
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_EVERY),
            Err(TryLockError::Error(error)) => {
                return Err(Failure::system("locking the peers' folder")(error));
            }
        }
    }
}

fn write_files(folder: &Path) -> io::Result<()> {
    write(folder, "package.json", MANIFEST)?;
    Peer::ALL.into_iter().try_for_each(|peer| write(folder, peer.file(), peer.source()))
}

/// Writes a file in one step: another harness may be starting from it.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let (path, next) = (folder.join(name), folder.join(format!("{name}.next")));
    if fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    fs::write(&next, text)?;
    fs::rename(next, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with programs that are what these lines of shell do.
    fn programs(lines: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, line) in lines {
            // Written by a child: a file that this process has open for writing cannot be run, and
            // a fork in another test's thread keeps it open.
            let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", write]).arg(folder.path().join(name)).arg(line);
            assert!(shell.status().unwrap().success());
        }
        folder
    }

    fn outcome(lines: &[(&str, &str)], folder: &Path) -> Result<Installed, String> {
        let programs = programs(lines);
        let path = Some(programs.path().as_os_str());
        match install(Some(folder), path, &Interrupt::default()) {
            Ok(installed) => Ok(installed),
            Err(Unavailable::Missing(words)) => Err(words),
            Err(Unavailable::Failed(failure)) => panic!("{failure}"),
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let node = ("node", "echo v0.0.0");
        for (lines, words) in [
            (&[][..], "no `node`"),
            (&[("node", "echo broken; exit 1")], "node does not run: broken"),
            (&[node], "no `npm`"),
            (&[node, ("npm", "echo no network; exit 7")], "exit status: 7: no network"),
        ] {
            let said = outcome(lines, folder.path()).unwrap_err();
            assert!(said.contains(words), "{words:?} is not in {said:?}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let said = outcome(&[("node", "echo v0.0.0")], file.path()).unwrap_err();
        assert!(said.contains("cannot be used"), "{said}");
    }

    #[test]
    fn npm_runs_once_for_a_list_of_versions() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [("node", "echo v0.0.0"), ("npm", "echo once >> calls")];
        for _ in 0..2 {
            let installed = outcome(&lines, folder.path()).unwrap();
            assert_eq!(installed.node_version, "v0.0.0");
            assert!(installed.folder.join("socketio.js").is_file());
        }
        assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap(), "once\n");
        fs::write(folder.path().join(COMPLETE), "other versions").unwrap();
        outcome(&lines, folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap(), "once\nonce\n");
    }
}
