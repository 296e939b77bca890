//! Starting, killing, stopping.
//!
//! Owns      the child process.
//! Promises  see the module; a start that fails tells what the server printed.
//! Does not  restart by itself.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::output::Output;
use super::pin::spawn_on;
use super::probe::status_of;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How often a starting or ending process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long a server may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How to start the server.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub path: PathBuf,
    /// Its arguments: `serve`, for a server.
    pub arguments: Vec<String>,
    /// Whether it is ready only when `GET /ready` says so, or as soon as it listens.
    pub probed: bool,
    /// Where it keeps its data.
    pub data_dir: PathBuf,
    /// Variables beside those that every run sets.
    pub env: Vec<(String, String)>,
    /// The core that it is kept on.
    pub core: Option<usize>,
    /// Where what it prints goes to.
    pub log: Option<PathBuf>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// How long it took.
    pub after: Duration,
}

/// A server that is started here.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    output: Arc<Output>,
    child: Option<Child>,
    address: Option<SocketAddr>,
    begun: Instant,
}

impl Server {
    /// Nothing runs yet.
    pub fn new(launch: Launch) -> Result<Server, Failure> {
        if !launch.path.is_file() {
            return Err(Failure::NoServer(format!(
                "there is no server at {}; build it with `cargo build --release -p salon-engine`, \
                 name another one with --server, or use a running one with --url",
                launch.path.display()
            )));
        }
        let open = |path: &PathBuf| {
            File::create(path).map_err(Failure::system(format!("--server-log {}", path.display())))
        };
        let log = launch.log.as_ref().map(open).transpose()?;
        let output = Output::new(log);
        Ok(Server { launch, output, child: None, address: None, begun: Instant::now() })
    }

    /// Starts the process and does not wait for it. The first time the system chooses the port, later
    /// it is the same one.
    pub fn spawn(&mut self) -> Result<(), Failure> {
        let listen = self.address.map_or("127.0.0.1:0".to_owned(), |address| address.to_string());
        let mut command = Command::new(&self.launch.path);
        command
            .args(&self.launch.arguments)
            .env("SALON_LISTEN", listen)
            .env("SALON_DATA_DIR", &self.launch.data_dir)
            .env("SALON_RATE_LIMITS", "off")
            .env("SALON_ARGON2_MEMORY_KIB", "8")
            .envs(self.launch.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.output.restart();
        self.begun = Instant::now();
        let path = self.launch.path.display().to_string();
        let mut child = spawn_on(self.launch.core, || command.spawn())
            .map_err(|error| Failure::NoServer(format!("cannot start {path}: {error}")))?;
        if let Some(stdout) = child.stdout.take() {
            self.output.follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            self.output.follow(stderr);
        }
        self.child = Some(child);
        Ok(())
    }

    /// Waits until the server is ready, and returns how long that took since its start.
    pub fn wait_ready(&mut self, interrupt: &Interrupt) -> Result<Duration, Failure> {
        loop {
            interrupt.check()?;
            if let Some(address) = self.output.address()
                && (!self.launch.probed
                    || status_of(address, "/ready").is_ok_and(|status| status == 200))
            {
                self.address = Some(address);
                return Ok(self.begun.elapsed());
            }
            let ended = self.try_wait()?;
            if ended.is_some() || self.begun.elapsed() > READY_WITHIN {
                let how = match ended {
                    Some(status) => format!("ended with {status} before it was ready"),
                    None => format!("was not ready within {} s", READY_WITHIN.as_secs()),
                };
                return Err(Failure::NoServer(format!(
                    "the server {how}; its last words:\n{}",
                    self.output.tail()
                )));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Where it listens, once it was ready.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Its process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.launch.data_dir
    }

    /// How often it printed that it panicked.
    pub fn panics(&self) -> u64 {
        self.output.panics()
    }

    /// The status, if the process has ended by itself.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let Some(child) = &mut self.child else { return Ok(None) };
        child.try_wait().map_err(Failure::system("looking at the server"))
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            child.kill().map_err(Failure::system("killing the server"))?;
            child.wait().map_err(Failure::system("waiting for the killed server"))?;
        }
        Ok(())
    }

    /// SIGSTOP.
    pub fn stop(&self) -> Result<(), Failure> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn go_on(&self) -> Result<(), Failure> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let Some(child) = &self.child else { return Ok(()) };
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    /// SIGTERM, and waits for the end; `None`: it did not end in time, and was killed.
    pub fn terminate(&mut self, within: Duration) -> Result<Option<Exit>, Failure> {
        let begun = Instant::now();
        self.signal(Signal::TERM)?;
        while begun.elapsed() < within {
            if let Some(status) = self.try_wait()? {
                self.child = None;
                return Ok(Some(Exit { status, after: begun.elapsed() }));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.kill()?;
        Ok(None)
    }

    /// Lets no file of the server grow beyond `bytes`; `None` lifts the limit.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<(), Failure> {
        let Some(child) = &self.child else { return Ok(()) };
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit)
            .map(drop)
            .map_err(io::Error::from)
            .map_err(Failure::system("limiting the size of the server's files with prlimit"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Whatever goes wrong here, nothing more can be done about it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
