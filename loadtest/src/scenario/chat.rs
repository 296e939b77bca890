//! `chat`: many people in many small rooms.
//!
//! Owns      the measuring of acknowledged messages and their latencies, closed loop or paced.
//! Promises  with `--rate`, latency counts from the time at which a message was to be sent; every
//!           delivery and every room's history passes the oracle.
//! Does not  recall, edit or reconnect: that is `soak`.

use std::ops::Range;
use std::sync::Barrier;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{DEVICE, enrol_many, in_words, shares};
use crate::arguments::{Common, seconds};
use crate::clock::epoch_ms;
use crate::crowd::{Account, Greeting, Opening, RoomPlan, Target, found, open};
use crate::failure::Failure;
use crate::measure::{CpuMeter, Progress};
use crate::names::Cids;
use crate::oracle::Verdict;
use crate::report::Report;
use crate::stage::{Stage, raise_descriptors};
use crate::traffic::{Kind, Measured, Plan, Rule, Style, Traffic};
use salon_protocol::RoomId;

/// Not measured at the beginning.
const WARM_UP: Duration = Duration::from_secs(1);
/// Handshakes at once; opening is not what is measured here.
const IN_FLIGHT: usize = 128;

/// Arguments of `chat`.
#[derive(Clone, Debug, Args)]
pub struct ChatArguments {
    /// People, with one socket each.
    #[arg(long, value_name = "C", default_value_t = 1_000)]
    pub clients: usize,
    /// Rooms, among which they are divided.
    #[arg(long, value_name = "R", default_value_t = 100)]
    pub rooms: usize,
    /// Messages that each may have under way; the next goes when one's own has come back.
    #[arg(long, value_name = "W", default_value_t = 1, conflicts_with = "rate")]
    pub window: u32,
    /// Messages per second in all, sent by schedule however the server keeps up.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<u64>,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How long is measured.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub duration: Duration,
    /// Ends the run after so many messages.
    #[arg(long, value_name = "N")]
    pub messages: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl ChatArguments {
    pub(super) fn plan(&self, threads: usize) -> Plan {
        let warm_up = if self.messages.is_some() { Duration::ZERO } else { WARM_UP };
        let share = |count: u64| count.div_ceil(threads as u64);
        Plan {
            warm_up,
            measure: self.duration,
            messages_max: self.messages.map(share),
            per_second: self.rate.map(share),
        }
    }
}

#[derive(Debug)]
struct Part {
    measured: Measured,
    verdict: Verdict,
    troubles: Vec<String>,
}

/// Plays it.
pub fn run(arguments: &ChatArguments, stage: &mut Stage) -> Result<Report, Failure> {
    let ChatArguments { clients, rooms, .. } = *arguments;
    if rooms == 0 || rooms > clients {
        let words =
            format!("{clients} clients cannot fill {rooms} rooms; --rooms is 1 to --clients");
        return Err(Failure::Usage(words));
    }
    raise_descriptors(clients)?;
    let accounts = enrol_many(stage, clients)?;
    stage.live.phase(format!("founding {rooms} rooms"));
    let cids = Cids::new(epoch_ms() ^ stage.common.seed);
    let plan = |room: usize| RoomPlan {
        name: format!("chat {room}"),
        cid: cids.cid(room as u32, epoch_ms()),
        members: (room..clients).step_by(rooms).collect(),
    };
    let plans: Vec<_> = (0..rooms).map(plan).collect();
    let ids = found(&stage.target, &accounts, &plans)?;
    stage.live.phase(format!("chat of {clients} people in {rooms} rooms"));

    let threads = stage.common.threads.clamp(1, rooms);
    let (progress, together) = (Progress::default(), Barrier::new(threads));
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let members: Vec<_> = shares(rooms, threads)
        .into_iter()
        .enumerate()
        .map(|(number, share)| {
            let of = Share { number, rooms: share, threads, plans: &plans, ids: &ids };
            let (target, accounts) = (&target, &accounts);
            let (together, progress) = (&together, &progress);
            let pid = pid.filter(|_| number == 0);
            move || member(arguments, target, accounts, &of, pid, together, progress)
        })
        .collect();
    let parts = stage.crew(&progress, members)?;
    Ok(report(arguments, stage, parts))
}

/// What one thread plays.
struct Share<'a> {
    number: usize,
    rooms: Range<usize>,
    threads: usize,
    plans: &'a [RoomPlan],
    ids: &'a [RoomId],
}

fn member(
    arguments: &ChatArguments,
    target: &Target,
    accounts: &[Account],
    of: &Share<'_>,
    pid: Option<u32>,
    together: &Barrier,
    progress: &Progress,
) -> Result<Part, Failure> {
    let net = target.net();
    let style = Style {
        kind: Kind::Server,
        rule: Rule::Sender,
        window: arguments.window,
        text_bytes: arguments.text_bytes,
        salt: epoch_ms() ^ arguments.common.seed << 8 ^ of.number as u64,
    };
    let mut traffic = Traffic::new(target, style);
    let joined = net.and_then(|mut net| {
        join(&mut net, target, &mut traffic, accounts, of, progress)?;
        Ok(net)
    });
    // Nobody may wait for a thread that has given up.
    together.wait();
    let cpu = pid.map(CpuMeter::new);
    let measured =
        joined.and_then(|mut net| traffic.run(&mut net, arguments.plan(of.threads), cpu, progress));
    together.wait();
    let measured = measured?;
    let troubles = in_words(traffic.troubles());
    let reader = |room: usize| {
        let founder = of.plans[of.rooms.start + room].members[0];
        &accounts[founder]
    };
    let verdict = traffic.verify(reader)?;
    Ok(Part { measured, verdict, troubles })
}

/// Opens the sockets of this thread's rooms.
fn join(
    net: &mut crate::client::Net,
    target: &Target,
    traffic: &mut Traffic<'_>,
    accounts: &[Account],
    of: &Share<'_>,
    progress: &Progress,
) -> Result<(), Failure> {
    let mut people = Vec::new();
    for (number, room) in of.rooms.clone().enumerate() {
        let members = &of.plans[room].members;
        traffic.add_room(of.ids[room], members.len() as u32 * 4);
        people.extend(members.iter().map(|member| (number, room, accounts[*member].clone())));
    }
    // Neighbours in the order of sending are in different rooms.
    people.sort_by_key(|(number, _, account)| (account.name.len(), account.name.clone(), *number));
    let of_them: Vec<_> = people.iter().map(|(_, _, account)| account.clone()).collect();
    let opening = Opening {
        accounts: &of_them,
        device: DEVICE,
        in_flight: IN_FLIGHT,
        heads: true,
        greeting: Greeting::Auth,
        progress,
    };
    let opened = open(net, target, opening)?;
    if let Some(first) = opened.first_error {
        let errors = opened.errors;
        return Err(Failure::Server(format!("{errors} sockets could not be opened: {first}")));
    }
    for ((number, room, account), socket) in people.iter().zip(&opened.sockets) {
        let id = of.ids[*room];
        let head = socket.heads.iter().find(|(known, _)| *known == id).map(|(_, seq)| *seq);
        let (Some(socket), Some(head)) = (socket.id, head) else {
            let words = format!("{} does not see its room in auth", account.name);
            return Err(Failure::Server(words));
        };
        traffic.add_client(socket, account.user, *number, head, true);
    }
    Ok(())
}

fn report(arguments: &ChatArguments, stage: &Stage, parts: Vec<Part>) -> Report {
    let ChatArguments { clients, rooms, window, text_bytes, .. } = arguments;
    let how = match arguments.rate {
        Some(rate) => format!("paced at {rate} messages/s"),
        None => format!("closed loop, {window} under way each"),
    };
    let mut report = stage.report("chat", format!("{clients} people in {rooms} rooms, {how}"));
    let settings = [
        ("clients", json!(clients)),
        ("rooms", json!(rooms)),
        ("window", json!(window)),
        ("rate_per_s", json!(arguments.rate)),
        ("text_bytes", json!(text_bytes)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
    ];
    report.settings.extend(settings);
    let (mut sum, mut verdict) = (Measured::default(), Verdict::default());
    for part in parts {
        sum.absorb(&part.measured);
        verdict.absorb(part.verdict);
        report.broken.extend(part.troubles);
    }
    let per_s = |count: u64| count as f64 / sum.seconds.max(1e-9);
    report.figure("acked_messages_per_s", "acknowledged messages/s", per_s(sum.counts.acks));
    report.figure("deliveries_per_s", "deliveries/s", per_s(sum.counts.deliveries));
    if stage.server_pid().is_some() {
        let cpu_us = sum.server_cpu_ns as f64 / 1_000.0;
        let per_message = cpu_us / (sum.counts.acks as f64).max(1.0);
        report.figure("server_cpu_us_per_message", "server CPU per message, µs", per_message);
        let per_delivery = sum.cpu_us_per_delivery();
        report.figure("server_cpu_us_per_delivery", "server CPU per delivery, µs", per_delivery);
        let percent = cpu_us / 10_000.0 / sum.seconds.max(1e-9);
        report.figure("server_cpu_percent", "server CPU, %", percent);
    }
    report.figure("errors", "errors", sum.counts.errors as f64);
    report.distribution("ack", "send to acknowledgement", sum.ack.summary());
    report.distribution("delivery", "send to delivery", sum.delivery.summary());
    report.verdict = Some(verdict);
    report
}
