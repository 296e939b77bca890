//! Programs of others: finding them, and running one to its end.
//!
//! Owns      the search along `PATH`, and the child while it runs.
//! Promises  a program that takes too long, or that nobody waits for any more, is killed with all that
//!           it has started.
//! Does not  go through a shell.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// As much as is shown of what a program printed; why it failed stands at the beginning.
const WORDS_BYTES: u64 = 400;

/// Where a program is, by a list of folders such as `PATH`.
pub(super) fn find(name: &str, folders: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 > 0)
    };
    let candidates = std::env::split_paths(folders?).map(|folder| folder.join(name));
    candidates.filter(|path| path.is_absolute()).find(is_program)
}

/// How a program ended.
pub(super) struct Ended {
    /// `None`: it was killed because it took too long.
    pub(super) status: Option<ExitStatus>,
    /// The beginning of what it printed.
    pub(super) words: String,
}

/// Runs a program to its end.
pub(super) fn run(
    command: &mut Command,
    within: Duration,
    interrupt: &Interrupt,
) -> Result<Ended, Failure> {
    let doing = || format!("running {}", command.get_program().to_string_lossy());
    let named = doing();
    let failed = || Failure::system(named.clone());
    let mut printed = tempfile::tempfile().map_err(failed())?;
    let copy = |file: &File| file.try_clone().map(Stdio::from);
    command
        .stdin(Stdio::null())
        .stdout(copy(&printed).map_err(failed())?)
        .stderr(copy(&printed).map_err(failed())?)
        // A group of its own: it is killed with all its children.
        .process_group(0);
    let mut running = Running { child: command.spawn().map_err(failed())? };
    let begun = Instant::now();
    let status = loop {
        interrupt.check()?;
        if let Some(status) = running.child.try_wait().map_err(failed())? {
            break Some(status);
        }
        if begun.elapsed() > within {
            break None;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    drop(running);
    Ok(Ended { status, words: first_words(&mut printed).map_err(failed())? })
}

fn first_words(printed: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    printed.rewind()?;
    printed.take(WORDS_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever has ended already is not there any more; nothing else can be done about it.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_along_the_path() {
        let found = find("sh", Some(OsStr::new("/no/such/folder:/bin:/usr/bin")));
        assert!(found.is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("sh", Some(OsStr::new(""))), None);
        assert_eq!(find("sh", None), None);
        assert_eq!(find("etc", Some(OsStr::new("/"))), None, "a folder is no program");
    }

    #[test]
    fn a_program_is_waited_for_or_killed_with_its_children() {
        let shell = |line: &str, within| {
            let mut command = Command::new("/bin/sh");
            run(command.args(["-c", line]), within, &Interrupt::default()).unwrap()
        };
        let minute = Duration::from_secs(60);
        let ended = shell("echo so  it; echo is >&2; exit 3", minute);
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert_eq!(ended.words, "so it is");
        let begun = Instant::now();
        let ended = shell("sleep 60 & sleep 60", Duration::from_millis(50));
        assert!(ended.status.is_none() && begun.elapsed() < minute / 2);
    }

    #[test]
    fn an_interrupt_ends_it() {
        let interrupt = Interrupt::default();
        interrupt.set();
        let outcome = run(Command::new("/bin/sleep").arg("60"), NEVER, &interrupt);
        assert!(matches!(outcome, Err(Failure::Interrupted)));
    }

    const NEVER: Duration = Duration::MAX;
}
