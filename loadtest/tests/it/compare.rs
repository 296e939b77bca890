//! `compare`, from the command line to the table.
//!
//! In Salon's place stands the fake server, behind a process that does nothing: the real one is the
//! engine's. The peers are the real ones where Node.js and npm are; `TEST_REQUIRE=npm` makes it an
//! error when they are not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::command::ends_with;
use crate::fake::{Fake, Fault};

/// Everything as small as it can be.
const SMALL: &str = "--sockets 5 --window 2 --clients 6 --rooms 2 --connections 8 --messages 40 \
                     --settle 0.01 --quiet";
/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The fake server, and a program that says where it is.
struct Place {
    _fake: Fake,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let fake = Fake::start(Fault::None);
        let folder = tempfile::tempdir().unwrap();
        let line = format!("echo listening on {}; exec /bin/sleep 600", fake.url());
        script(&folder.path().join("salon"), &line);
        Place { _fake: fake, folder }
    }

    fn compare(&self, words: &str, peers: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
        command.arg("compare").args(SMALL.split_whitespace()).args(words.split_whitespace());
        command.arg("--server").arg(self.folder.path().join("salon"));
        command.arg("--peers-dir").arg(peers);
        command
    }
}

/// Written by a child: a file that this process has open for writing cannot be run, and a fork in
/// another test's thread keeps it open.
pub(crate) fn script(path: &Path, line: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
    let written = Command::new("/bin/sh").args(["-c", write]).arg(path).arg(line).status();
    assert!(written.unwrap().success());
}

fn text(output: &Output) -> String {
    (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned()
}

/// A folder with the peers' libraries, kept from one test run to the next; `None`, with a printed
/// line, where they cannot be had.
fn fetched() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let path = std::env::var_os("PATH");
    let interrupt = salon_loadtest::Interrupt::default();
    match salon_loadtest::peers::install(Some(&folder), path.as_deref(), &interrupt) {
        Ok(installed) => Some(installed.folder),
        Err(why) => {
            let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
            assert!(!required.contains("npm"), "the peers are required: {why}");
            eprintln!("SKIPPED: Socket.IO and ws: {why}");
            None
        }
    }
}

/// A copy of the libraries' folder that no other test uses: what runs there is known by its name.
fn apart(fetched: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(fetched.join("node_modules"), folder.path().join("node_modules"))
        .unwrap();
    fs::copy(fetched.join("complete.json"), folder.path().join("complete.json")).unwrap();
    folder
}

/// Processes in whose command line the folder is, but the harness itself.
fn running_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let line = fs::read(process.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    let name = folder.to_string_lossy();
    lines.filter(|line| line.contains(&*name) && line.contains(".js")).collect()
}

/// Killed with its test.
struct Harness(Child);

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn without_node_the_rest_is_measured() {
    let (place, peers) = (Place::new(), tempfile::tempdir().unwrap());
    let output = place.compare("--repeat 1", peers.path()).env("PATH", "").output().unwrap();
    ends_with(&output, 0, "SKIPPED: Socket.IO");
    ends_with(&output, 0, "no `node` in PATH");
    for row in ["fan-out: Salon", "fan-out: floor", "chat: Salon", "connect: floor", "idle: Salon"]
    {
        ends_with(&output, 0, row);
    }
    let text = text(&output);
    assert!(!text.contains("fan-out: Socket.IO") && !text.contains("chat: floor"), "{text}");
}

#[test]
fn all_are_measured_in_turn() {
    let Some(fetched) = fetched() else { return };
    let (place, peers) = (Place::new(), apart(&fetched));
    let json = peers.path().join("result.json");
    let words = format!("--repeat 2 --json {}", json.display());
    let output = place.compare(&words, peers.path()).output().unwrap();
    ends_with(&output, 0, "neither durable nor authenticated");
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(
        (&value["clean"], value["tables"].as_array().map(Vec::len)),
        (&true.into(), Some(1))
    );
    let parts = value["parts"].as_array().unwrap();
    let order: Vec<_> = parts.iter().map(|part| part["server"].as_str().unwrap()).collect();
    let names = ["Salon", "floor", "Socket.IO", "ws"];
    assert_eq!(parts.len(), 2 * (4 + 3 + 4 + 4));
    for (place, name) in order[..8].iter().zip(names.iter().cycle()) {
        assert!(place.starts_with(name), "{order:?}");
    }
    for part in parts {
        let idle = part["scenario"] == "idle";
        let figure = if idle { "rss_bytes_per_socket" } else { "per_s" };
        let value = part[figure].as_f64();
        assert!(value.is_some_and(|value| idle || value > 0.0), "{part}");
    }
    assert_eq!(running_in(peers.path()), [""; 0]);
}

/// Nobody wins by not delivering.
#[test]
fn a_peer_that_delivers_less_is_found() {
    let Some(fetched) = fetched() else { return };
    let (place, peers) = (Place::new(), apart(&fetched));
    let programs = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let lose = "s/const seq = ++room.seq;/& if (seq === 5) return { room: name, seq, at: 1 };/";
    script(
        &programs.path().join("node"),
        &format!(
            "PATH='{path}'\ncase $1 in *ws.js) sed '{lose}' \"$1\" > \"$1.less.js\"; \
             exec node \"$1.less.js\" \"$2\";; esac\nexec node \"$@\""
        ),
    );
    let output = place
        .compare("--repeat 1", peers.path())
        .env("PATH", format!("{}:{path}", programs.path().display()))
        .output()
        .unwrap();
    ends_with(&output, 1, "not kept: fan-out, ws");
    let text = text(&output);
    assert!(!text.contains("not kept: fan-out, Socket.IO"), "{text}");
    assert_eq!(running_in(peers.path()), [""; 0]);
}

#[test]
fn nothing_is_left_running() {
    let Some(fetched) = fetched() else { return };
    for (signal, status) in
        [(rustix::process::Signal::TERM, Some(2)), (rustix::process::Signal::KILL, None)]
    {
        let (place, peers) = (Place::new(), apart(&fetched));
        let mut command = place.compare("--repeat 1000", peers.path());
        let harness = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut harness = Harness(harness);
        wait_until("a peer runs", || {
            assert_eq!(harness.0.try_wait().unwrap(), None, "the harness has ended");
            !running_in(peers.path()).is_empty()
        });
        let pid = rustix::process::Pid::from_child(&harness.0);
        rustix::process::kill_process(pid, signal).unwrap();
        assert_eq!(harness.0.wait().unwrap().code(), status);
        if status.is_some() {
            assert_eq!(running_in(peers.path()), [""; 0]);
        } else {
            // Without a chance to clear away: the peer finds out by itself.
            wait_until("the peer ends", || running_in(peers.path()).is_empty());
        }
    }
}
