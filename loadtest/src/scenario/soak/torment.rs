//! Doing it.
//!
//! Owns      the server's process while people write, the clock of the run, and how long the server
//!           takes to come back.
//! Promises  whatever is done is undone before the next thing: a halted server goes on, a full disk is
//!           emptied, a killed server is started again.
//! Does not  see a single message.

use std::time::Duration;

use super::SoakArguments;
use super::nemesis::{Agenda, Nemesis};
use super::storm::Storm;
use super::toll::Toll;
use super::weather::Weather;
use crate::clock::{MILLISECOND_NS, SECOND_NS};
use crate::crowd::Target;
use crate::failure::Failure;
use crate::measure::Progress;
use crate::random::Random;
use crate::report::Live;
use crate::server::{Server, full_at_bytes};

/// How often the agenda, and a condition that is waited for, is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// From its start until the server is ready.
const READY_WITHIN_NS: u64 = 10 * SECOND_NS;
/// From ready, or from the end of a torment, to the first acknowledgement.
const ACK_WITHIN_NS: u64 = 5 * SECOND_NS;
/// No acknowledgement comes any more when none has come for so long.
const ACK_NEVER_NS: u64 = 30 * SECOND_NS;
/// From SIGTERM to the end.
const EXIT_WITHIN: Duration = Duration::from_secs(30);
/// How long a smaller and smaller disk waits for somebody to notice.
const TIGHTEN_EVERY_NS: u64 = 200 * MILLISECOND_NS;
/// The smallest disk.
const DISK_BYTES_MIN: u64 = 4_096;
/// Ends of the server that nobody asked for, after which it is not started again.
const DEATHS_MAX: u64 = 5;

/// See the module.
pub(super) struct Tormentor<'a> {
    pub(super) arguments: &'a SoakArguments,
    pub(super) target: &'a Target,
    /// `None`: it was not started here.
    pub(super) server: Option<&'a mut Server>,
    pub(super) weather: &'a Weather,
    pub(super) progress: &'a Progress,
    pub(super) live: &'a Live,
    pub(super) storm: Storm,
    pub(super) random: Random,
    pub(super) toll: Toll,
}

impl Tormentor<'_> {
    /// Does what is due until the time is over or all rounds are done.
    pub(super) fn keep_time(mut self) -> Result<Toll, Failure> {
        let arguments = self.arguments;
        let begun_ns = self.now_ns();
        let end_ns = begun_ns.saturating_add(arguments.duration.as_nanos() as u64);
        let what = arguments.nemeses().filter_map(|it| Some((it, arguments.every(it)?)));
        let mut agenda = Agenda::new(what, begun_ns, Random::new(self.random.next_u64()));
        loop {
            let (now_ns, rounds) = (self.now_ns(), self.toll.rounds.iter().sum::<u64>());
            if arguments.rounds.map_or(now_ns >= end_ns, |wanted| rounds >= wanted) {
                break;
            }
            match agenda.due(now_ns) {
                Some(nemesis) => {
                    self.live.phase(format!("soak, round {}: {}", rounds + 1, nemesis.name()));
                    self.toll.rounds[nemesis as usize] += 1;
                    self.perform(nemesis)?;
                    agenda.done(nemesis, self.now_ns());
                }
                None => self.wait(10 * MILLISECOND_NS)?,
            }
            if self.weather.is_over() || self.weather.is_abandoned() {
                break;
            }
            self.look_after_server()?;
        }
        self.weather.end();
        Ok(self.toll)
    }

    fn now_ns(&self) -> u64 {
        self.target.clock.now_ns()
    }

    fn perform(&mut self, nemesis: Nemesis) -> Result<(), Failure> {
        match nemesis {
            Nemesis::Kill => self.kill(),
            Nemesis::Stop => self.halt(),
            Nemesis::Cut => {
                self.weather.cut();
                Ok(())
            }
            Nemesis::Storm => self.storm.come(self.target, self.progress, &mut self.toll),
            Nemesis::Term => self.terminate(),
            Nemesis::DiskFull => self.fill_disk(),
        }
    }

    /// Waits; shorter when the other thread has given up.
    fn wait(&self, ns: u64) -> Result<(), Failure> {
        let end_ns = self.now_ns().saturating_add(ns);
        while self.now_ns() < end_ns && !self.weather.is_abandoned() {
            self.target.interrupt.check()?;
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// SIGKILL. Every second time the server is killed once more before it is ready, or just then.
    fn kill(&mut self) -> Result<(), Failure> {
        let is_second = self.toll.rounds[Nemesis::Kill as usize].is_multiple_of(2);
        self.weather.turns_foul();
        let Some(server) = &mut self.server else { return Ok(()) };
        server.kill()?;
        if is_second {
            server.spawn()?;
            let usual_ns = (self.toll.ready.quantile_ms(1.0) * MILLISECOND_NS as f64) as u64;
            let until_ns = self.random.between(0, usual_ns / 4 * 5);
            self.wait(until_ns)?;
            if let Some(server) = &mut self.server {
                server.kill()?;
            }
        }
        self.start()
    }

    /// SIGTERM: the server has to end by itself.
    fn terminate(&mut self) -> Result<(), Failure> {
        self.weather.turns_foul();
        let Some(server) = &mut self.server else { return Ok(()) };
        match server.terminate(EXIT_WITHIN)? {
            Some(exit) => {
                self.toll.exit.record_ns(exit.after.as_nanos() as u64);
                if !exit.status.success() {
                    self.breaks(format!("the server ended with {} at SIGTERM", exit.status));
                }
            }
            None => self.breaks(format!(
                "the server had not ended {} s after SIGTERM",
                EXIT_WITHIN.as_secs()
            )),
        }
        self.start()
    }

    /// Starts the server and waits until it acknowledges.
    fn start(&mut self) -> Result<(), Failure> {
        let Some(server) = &mut self.server else { return Ok(()) };
        server.spawn()?;
        self.progress.set_server_pid(server.pid());
        let took_ns = server.wait_ready(&self.target.interrupt)?.as_nanos() as u64;
        self.toll.ready.record_ns(took_ns);
        if took_ns > READY_WITHIN_NS {
            self.breaks(format!("the server took {} ms to be ready", took_ns / MILLISECOND_NS));
        }
        let took_ns = self.first_ack("it was ready")?;
        self.toll.first_ack.record_ns(took_ns);
        Ok(())
    }

    /// SIGSTOP, and SIGCONT.
    fn halt(&mut self) -> Result<(), Failure> {
        self.weather.turns_foul();
        let Some(server) = &self.server else { return Ok(()) };
        server.stop()?;
        let waited = self.wait(self.arguments.stop_for.as_nanos() as u64);
        if let Some(server) = &self.server {
            server.go_on()?;
        }
        waited?;
        let took_ns = self.first_ack("it went on")?;
        self.toll.first_ack.record_ns(took_ns);
        Ok(())
    }

    /// No file may grow, until somebody has been refused, and for a while longer.
    fn fill_disk(&mut self) -> Result<(), Failure> {
        let refused = self.weather.refusals();
        self.weather.turns_foul();
        let Some(server) = &self.server else { return Ok(()) };
        let mut bytes = full_at_bytes(server.data_dir()).unwrap_or(DISK_BYTES_MIN);
        server.limit_files(Some(bytes))?;
        let end_ns = self.now_ns() + self.arguments.disk_full_for.as_nanos() as u64;
        while self.now_ns() < end_ns && !self.weather.is_abandoned() {
            self.wait(TIGHTEN_EVERY_NS)?;
            // A log that was folded just now is written from its beginning and grows later.
            if self.weather.refusals() == refused && bytes > DISK_BYTES_MIN {
                bytes = (bytes / 2).max(DISK_BYTES_MIN);
                server.limit_files(Some(bytes))?;
            }
        }
        server.limit_files(None)?;
        if self.weather.refusals() == refused {
            self.breaks("nobody was refused while the disk was full".to_owned());
        }
        let took_ns = self.first_ack("the disk had space again")?;
        self.toll.heal.record_ns(took_ns);
        Ok(())
    }

    /// The server has to answer again, and this is how long it takes until it does.
    fn first_ack(&mut self, since: &str) -> Result<u64, Failure> {
        let (begun_ns, acks) = (self.now_ns(), self.weather.acks());
        self.weather.turns_fair(begun_ns);
        loop {
            let took_ns = self.now_ns() - begun_ns;
            let came = self.weather.acks() > acks;
            if came && took_ns > ACK_WITHIN_NS {
                let ms = took_ns / MILLISECOND_NS;
                self.breaks(format!("the first acknowledgement came {ms} ms after {since}"));
            } else if !came && took_ns > ACK_NEVER_NS {
                let seconds = took_ns / SECOND_NS;
                self.breaks(format!("no acknowledgement came in {seconds} s after {since}"));
            } else if !came && !self.weather.is_abandoned() {
                self.wait(MILLISECOND_NS)?;
                continue;
            }
            return Ok(took_ns);
        }
    }

    /// Starts a server again that has ended by itself.
    fn look_after_server(&mut self) -> Result<(), Failure> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some(status) = server.try_wait()? else { return Ok(()) };
        self.toll.deaths += 1;
        self.breaks(format!("the server ended by itself with {status}"));
        if self.toll.deaths > DEATHS_MAX {
            return Err(Failure::Server(format!("it ended by itself {} times", self.toll.deaths)));
        }
        self.weather.turns_foul();
        if let Some(server) = &mut self.server {
            server.kill()?;
        }
        self.start()
    }

    fn breaks(&mut self, words: String) {
        self.live.note(&words);
        self.toll.broken.push(words);
    }
}
