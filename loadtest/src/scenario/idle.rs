//! `idle`: what a socket costs that does nothing.
//!
//! Owns      the measuring of memory per socket, and of the processor while nothing happens.
//! Promises  the accounts exist before the first look at the memory, so that only sockets differ;
//!           pings are answered; whoever is thrown out is reported.
//! Does not  send anything.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{DEVICE, enrol_many, in_words, shares};
use crate::arguments::{Common, seconds};
use crate::client::{Closed, Handler, Net, Peer};
use crate::clock::{SECOND_NS, until};
use crate::crowd::{Account, Greeting, Opening, TURN_MAX, Target, open};
use crate::failure::Failure;
use crate::measure::{CpuMeter, Memory, Progress, memory};
use crate::report::Report;
use crate::stage::{Stage, raise_descriptors};

/// Handshakes at once.
const IN_FLIGHT: usize = 256;

/// Arguments of `idle`.
#[derive(Clone, Debug, Args)]
pub struct IdleArguments {
    /// Sockets, one user each.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub sockets: usize,
    /// How long they stay; more than the server's 25 s between pings, or none is seen.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub duration: Duration,
    /// How long the server may settle before a look at its memory.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub settle: Duration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

/// What one thread has seen.
#[derive(Debug, Default)]
pub(super) struct Part {
    opened: u64,
    pings: u64,
    /// As it was published last.
    connected: u64,
    pub(super) troubles: BTreeMap<String, u64>,
    /// Only of the first thread.
    looks: Looks,
}

/// The server, before and after.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    before: Memory,
    open: Memory,
    idle_seconds: f64,
    idle_cpu_ns: u64,
}

/// Plays it.
pub fn run(arguments: &IdleArguments, stage: &mut Stage) -> Result<Report, Failure> {
    raise_descriptors(arguments.sockets)?;
    let accounts = enrol_many(stage, arguments.sockets)?;
    stage.live.phase(format!("keeping {} sockets open", arguments.sockets));
    let progress = Progress::default();
    let threads = arguments.common.threads.max(1);
    let together = Barrier::new(threads);
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let members: Vec<_> = shares(accounts.len(), threads)
        .into_iter()
        .enumerate()
        .map(|(number, share)| {
            let (accounts, target) = (&accounts[share], &target);
            let (together, progress) = (&together, &progress);
            let pid = pid.filter(|_| number == 0);
            move || member(arguments, target, accounts, pid, together, progress)
        })
        .collect();
    let parts = stage.crew(&progress, members)?;
    Ok(report(arguments, stage, &parts))
}

fn member(
    arguments: &IdleArguments,
    target: &Target,
    accounts: &[Account],
    pid: Option<u32>,
    together: &Barrier,
    progress: &Progress,
) -> Result<Part, Failure> {
    let mut part = Part::default();
    let outcome = stay(arguments, target, accounts, pid, together, progress, &mut part);
    outcome.map(|()| part)
}

/// Every thread comes to every meeting, also the one that has given up: the others wait for it.
fn stay(
    arguments: &IdleArguments,
    target: &Target,
    accounts: &[Account],
    pid: Option<u32>,
    together: &Barrier,
    progress: &Progress,
    part: &mut Part,
) -> Result<(), Failure> {
    let look = || pid.and_then(memory).unwrap_or_default();
    let net = target.net();
    let settled = net.and_then(|mut net| {
        wait(&mut net, target, part, arguments.settle, progress)?;
        part.looks.before = look();
        Ok(net)
    });
    together.wait();
    let opened = settled.and_then(|mut net| {
        let (device, in_flight, heads, greeting) = (DEVICE, IN_FLIGHT, false, Greeting::Auth);
        let opening = Opening { accounts, device, in_flight, heads, greeting, progress };
        let opened = open(&mut net, target, opening)?;
        Ok((net, opened))
    });
    together.wait();
    let stayed = opened.and_then(|(mut net, opened)| {
        part.opened = opened.handshake.count();
        if let Some(first) = opened.first_error {
            part.troubles.insert(format!("not opened: {first}"), opened.errors);
        }
        wait(&mut net, target, part, arguments.settle, progress)?;
        part.looks.open = look();
        let mut cpu = pid.map(CpuMeter::new);
        let cpu_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns);
        let begun_ns = target.clock.now_ns();
        wait(&mut net, target, part, arguments.duration, progress)?;
        part.looks.idle_cpu_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns) - cpu_ns;
        part.looks.idle_seconds = (target.clock.now_ns() - begun_ns) as f64 / SECOND_NS as f64;
        part.pings = net.traffic.pings;
        Ok(net)
    });
    // The sockets are kept until the last thread has measured.
    together.wait();
    stayed.map(drop)
}

impl Handler for Part {
    fn opened(&mut self, _: &mut Net, _: Peer) {}

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        *self.troubles.entry(format!("a socket was {why}")).or_insert(0) += 1;
    }
}

/// Answers pings for a while.
pub(super) fn wait(
    net: &mut Net,
    target: &Target,
    part: &mut Part,
    time: Duration,
    progress: &Progress,
) -> Result<(), Failure> {
    let end_ns = target.clock.now_ns() + time.as_nanos() as u64;
    loop {
        let now_ns = target.clock.now_ns();
        if now_ns >= end_ns {
            return Ok(());
        }
        target.interrupt.check()?;
        progress.publish_connected(net.count() as u64, &mut part.connected);
        net.turn(part, until(now_ns, end_ns, TURN_MAX)).map_err(Failure::system("waiting"))?;
    }
}

fn report(arguments: &IdleArguments, stage: &Stage, parts: &[Part]) -> Report {
    let (sockets, seconds) = (arguments.sockets, arguments.duration.as_secs_f64());
    let about = format!("{sockets} authenticated sockets that do nothing for {seconds:.0} s");
    let mut report = stage.report("idle", about);
    report.settings.push(("sockets", json!(sockets)));
    report.settings.push(("duration_s", json!(seconds)));
    let opened: u64 = parts.iter().map(|part| part.opened).sum();
    let looks = parts.first().map(|part| part.looks).unwrap_or_default();
    if stage.server_pid().is_some() {
        let per_socket =
            |before: u64, after: u64| (after as f64 - before as f64) / (opened as f64).max(1.0);
        let (before, open) = (looks.before, looks.open);
        let rss = per_socket(before.rss_bytes, open.rss_bytes);
        report.figure("rss_bytes_per_socket", "server memory per socket, bytes", rss);
        let anonymous = per_socket(before.anonymous_bytes, open.anonymous_bytes);
        report.figure("anonymous_bytes_per_socket", "  of it anonymous, bytes", anonymous);
        report.figure("rss_mb", "server memory in all, MB", open.rss_bytes as f64 / 1e6);
        let percent = looks.idle_cpu_ns as f64 / 1e7 / looks.idle_seconds.max(1e-9);
        report.figure("idle_cpu_percent", "server CPU while idle, %", percent);
    }
    report.figure("sockets", "sockets", opened as f64);
    let pings: u64 = parts.iter().map(|part| part.pings).sum();
    report.figure("pings", "pings answered", pings as f64);
    for part in parts {
        report.broken.extend(in_words(&part.troubles));
    }
    report
}
