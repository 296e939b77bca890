//! Where a scenario plays: the server, the target, the display, the second-by-second samples.
//!
//! Owns      what is set up before and cleared away after every scenario.
//! Promises  a temporary data directory and a server that was started here go with the stage.
//! Does not  know what is played.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::arguments::Common;
use crate::client::Dialect;
use crate::clock::{Clock, epoch_ms};
use crate::crowd::Target;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::measure::{Machine, Progress};
use crate::report::{Live, Report};
use crate::sampler::Sampler;
use crate::server::{HARNESS_CORE, Launch, SERVER_CORE, Server, parse_url, pin_this_thread};

/// Descriptors that are needed beside the sockets.
const DESCRIPTORS_SPARE: u64 = 200;

/// See the module.
#[derive(Debug)]
pub struct Stage {
    /// What was asked for.
    pub common: Common,
    /// What is talked to.
    pub target: Target,
    /// The display.
    pub live: Live,
    /// The server, if it was started here.
    pub server: Option<Server>,
    /// The samples.
    pub sampler: Sampler,
    command: String,
    begun_epoch_ms: u64,
    _data: Option<TempDir>,
}

impl Stage {
    /// Without a server, for what brings its own.
    pub fn empty(common: &Common, command: String, interrupt: Interrupt) -> Result<Stage, Failure> {
        if common.pin {
            let doing = "--pin needs two cores; pinning the harness to core 1";
            pin_this_thread(HARNESS_CORE).map_err(Failure::system(doing))?;
        }
        let clock = Clock::start();
        let target = Target {
            address: ([127, 0, 0, 1], 0).into(),
            dialect: Dialect::Plain,
            encoding: common.encoding.into(),
            interrupt,
            clock,
            patience: common.patience,
            spin: common.pin,
        };
        Ok(Stage {
            common: common.clone(),
            target,
            live: Live::new(common.quiet),
            server: None,
            sampler: Sampler::new(clock),
            command,
            begun_epoch_ms: epoch_ms(),
            _data: None,
        })
    }

    /// With a server that is ready.
    pub fn with_server(
        common: &Common,
        command: String,
        interrupt: Interrupt,
    ) -> Result<Stage, Failure> {
        let mut stage = Stage::empty(common, command, interrupt)?;
        if let Some(url) = &common.url {
            stage.target.address = parse_url(url)?;
            return Ok(stage);
        }
        let data_dir = match &common.data_dir {
            Some(dir) => {
                let doing = format!("--data-dir {}", dir.display());
                std::fs::create_dir_all(dir).map_err(Failure::system(doing))?;
                dir.clone()
            }
            None => {
                let dir = TempDir::with_prefix("salon-loadtest-")
                    .map_err(Failure::system("making a temporary directory"))?;
                stage._data.insert(dir).path().to_owned()
            }
        };
        stage.live.phase("starting the server");
        let mut server = Server::new(Launch {
            path: common.server.clone().map_or_else(beside_ourselves, Ok)?,
            arguments: vec!["serve".to_owned()],
            probed: true,
            data_dir,
            env: common.env.clone(),
            core: common.pin.then_some(SERVER_CORE),
            log: common.server_log.clone(),
        })?;
        server.spawn()?;
        server.wait_ready(&stage.target.interrupt)?;
        if let Some(address) = server.address() {
            stage.target.address = address;
        }
        stage.sampler.follow(server.pid());
        stage.server = Some(server);
        Ok(stage)
    }

    /// A report with everything but the result.
    pub fn report(&self, scenario: &'static str, about: impl Into<String>) -> Report {
        let common = &self.common;
        let mut settings = vec![
            ("encoding", json!(format!("{:?}", self.target.encoding))),
            ("pinned", json!(common.pin)),
            ("client_threads", json!(common.threads)),
            ("seed", json!(common.seed)),
        ];
        let env: Vec<_> = common.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
        settings.push(("server_env", json!(env)));
        Report {
            scenario,
            about: about.into(),
            command: self.command.clone(),
            begun_epoch_ms: self.begun_epoch_ms,
            machine: Some(Machine::look()),
            settings,
            timeline: self.sampler.timeline().clone(),
            ..Report::default()
        }
    }

    /// Runs `members` in threads of their own, and samples until all have ended.
    pub fn crew<T: Send>(
        &mut self,
        progress: &Progress,
        members: Vec<impl FnOnce() -> Result<T, Failure> + Send>,
    ) -> Result<Vec<T>, Failure> {
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let handles: Vec<_> = members
                .into_iter()
                .map(|member| {
                    let sender = sender.clone();
                    scope.spawn(move || {
                        let result = member();
                        // Only to wake the main thread; the result goes by the handle.
                        let _ = sender.send(());
                        result
                    })
                })
                .collect();
            drop(sender);
            let mut next = Instant::now() + Duration::from_secs(1);
            loop {
                match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(()) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        next += Duration::from_secs(1);
                        self.sampler.sample(progress, &self.live);
                    }
                }
            }
            let results: Vec<_> = handles
                .into_iter()
                .map(|handle| {
                    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect();
            results.into_iter().collect()
        })
    }

    /// The server's process, if it was started here.
    pub fn server_pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(Server::pid)
    }

    /// Panics of the server, in words; nothing when there were none.
    pub fn panics(&self) -> Option<String> {
        let panics = self.server.as_ref().map_or(0, Server::panics);
        (panics > 0).then(|| format!("the server panicked {panics} times; see --server-log"))
    }
}

/// `salon`, where this program is.
fn beside_ourselves() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(Failure::system("finding the harness's own path"))?;
    Ok(own.with_file_name("salon"))
}

/// Lets this process, and the server that it starts, open as many sockets as a scenario needs.
pub fn raise_descriptors(sockets: usize) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let needed = sockets as u64 + DESCRIPTORS_SPARE;
    if let Some(maximum) = limit.maximum
        && maximum < needed
    {
        return Err(Failure::Usage(format!(
            "{sockets} sockets need {needed} file descriptors, and the system grants {maximum}; \
             raise the limit with `ulimit -n {needed}` as root, or use fewer sockets"
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.live.end();
    }
}
