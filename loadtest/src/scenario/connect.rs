//! `connect`: how many sockets a second can be opened and authenticated.
//!
//! Owns      the measuring of handshakes.
//! Promises  the accounts exist before; what is measured is TCP, upgrade and `auth`, with its answer.
//! Does not  send anything.

use clap::Args;
use serde_json::json;

use super::{DEVICE, enrol_many, shares};
use crate::arguments::Common;
use crate::clock::SECOND_NS;
use crate::crowd::{Account, Greeting, Opening, Report as OpenReport, Target, open};
use crate::failure::Failure;
use crate::measure::{CpuMeter, Latency, Progress};
use crate::report::Report;
use crate::stage::{Stage, raise_descriptors};

/// Arguments of `connect`.
#[derive(Clone, Debug, Args)]
pub struct ConnectArguments {
    /// Sockets to open, one user each.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub sockets: usize,
    /// Handshakes under way at once.
    #[arg(long, value_name = "K", default_value_t = 64)]
    pub in_flight: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

/// Plays it.
pub fn run(arguments: &ConnectArguments, stage: &mut Stage) -> Result<Report, Failure> {
    raise_descriptors(arguments.sockets)?;
    let accounts = enrol_many(stage, arguments.sockets)?;
    let progress = Progress::default();
    stage.live.phase(format!("opening {} sockets", arguments.sockets));
    let mut cpu = stage.server_pid().map(CpuMeter::new);
    let cpu_before_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns);
    let begun_ns = stage.target.clock.now_ns();
    let members = crew(&accounts, arguments, &stage.target, &progress);
    let parts = stage.crew(&progress, members)?;
    let seconds = (stage.target.clock.now_ns() - begun_ns) as f64 / SECOND_NS as f64;
    let cpu_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns) - cpu_before_ns;
    Ok(report(arguments, stage, &parts, seconds, cpu_ns))
}

fn crew<'a>(
    accounts: &'a [Account],
    arguments: &'a ConnectArguments,
    target: &Target,
    progress: &'a Progress,
) -> Vec<impl FnOnce() -> Result<OpenReport, Failure> + Send + use<'a>> {
    let threads = arguments.common.threads.max(1);
    let in_flight = arguments.in_flight.div_ceil(threads).max(1);
    let member = |share: std::ops::Range<usize>| {
        let (target, accounts) = (target.clone(), &accounts[share]);
        move || {
            let mut net = target.net()?;
            let (heads, greeting) = (false, Greeting::Auth);
            let device = DEVICE;
            let opening = Opening { accounts, device, in_flight, heads, greeting, progress };
            let report = open(&mut net, &target, opening)?;
            // The sockets are kept until all are open.
            drop(net);
            Ok(report)
        }
    };
    shares(accounts.len(), threads).into_iter().map(member).collect()
}

fn report(
    arguments: &ConnectArguments,
    stage: &Stage,
    parts: &[OpenReport],
    seconds: f64,
    cpu_ns: u64,
) -> Report {
    let ConnectArguments { sockets, in_flight, .. } = arguments;
    let about = format!("{sockets} sockets opened, {in_flight} handshakes at once");
    let mut report = stage.report("connect", about);
    report.settings.push(("sockets", json!(sockets)));
    report.settings.push(("in_flight", json!(in_flight)));
    let mut handshake = Latency::default();
    parts.iter().for_each(|part| handshake.absorb(&part.handshake));
    let errors: u64 = parts.iter().map(|part| part.errors).sum();
    let opened = handshake.count() as f64;
    report.figure("connections_per_s", "connections/s", opened / seconds.max(1e-9));
    if stage.server_pid().is_some() {
        let cpu_us = cpu_ns as f64 / 1_000.0;
        report.figure(
            "server_cpu_us_per_connection",
            "server CPU per connection, µs",
            cpu_us / opened.max(1.0),
        );
        let percent = cpu_us / 10_000.0 / seconds.max(1e-9);
        report.figure("server_cpu_percent", "server CPU, %", percent);
    }
    report.figure("connections", "connections", opened);
    report.figure("errors", "errors", errors as f64);
    report.distribution("handshake", "connect to answer of auth", handshake.summary());
    if let Some(first) = parts.iter().find_map(|part| part.first_error.as_ref()) {
        report.broken.push(format!("{errors} sockets could not be opened; the first: {first}"));
    }
    report
}
