//! `fanout`: one large room, everybody gets everything, beside the floor of the machine.
//!
//! Owns      the alternation of server and floor, and the comparison.
//! Promises  server and floor get the same frames, sockets, window and client; both are checked by
//!           the oracle. Medians over the repetitions.
//! Does not  use more than one client thread: it holds one core against one core.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{DEVICE, elsewhere, enrol_many, in_words, median};
use crate::arguments::{Common, seconds};
use crate::client::Net;
use crate::clock::epoch_ms;
use crate::crowd::{Account, Greeting, Opening, RoomPlan, Target, found, open};
use crate::failure::Failure;
use crate::floor::{self, Mode, NOBODY};
use crate::measure::{CpuMeter, Latency, Progress};
use crate::names::Cids;
use crate::oracle::Verdict;
use crate::report::{Live, Report, Table, readable};
use crate::stage::{Stage, raise_descriptors};
use crate::traffic::{Kind, Measured, Plan, Rule, Style, Traffic};

/// Not measured at the beginning of each part.
const WARM_UP: Duration = Duration::from_millis(500);
/// Handshakes at once; opening is not what is measured here.
const IN_FLIGHT: usize = 128;

/// Arguments of `fanout`.
#[derive(Clone, Debug, Args)]
pub struct FanoutArguments {
    /// Sockets in the room, one user each.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub sockets: usize,
    /// Messages in flight; a message is done when all have it.
    #[arg(long, value_name = "W", default_value_t = 16)]
    pub window: u32,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How long each part is measured.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub duration: Duration,
    /// Ends each part after so many messages.
    #[arg(long, value_name = "N")]
    pub messages: Option<u64>,
    /// How often server and floor are measured in turn.
    #[arg(long, value_name = "R", default_value_t = 3)]
    pub repeat: usize,
    /// Measures the server alone.
    #[arg(long)]
    pub no_floor: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl FanoutArguments {
    pub(super) fn plan(&self) -> Plan {
        let warm_up = if self.messages.is_some() { Duration::ZERO } else { WARM_UP };
        Plan { warm_up, measure: self.duration, messages_max: self.messages, per_second: None }
    }

    pub(super) fn style(&self, kind: Kind, salt: u64) -> Style {
        // Each sender has one under way, as far as there are senders.
        let window = self.window.div_ceil(self.senders());
        Style { kind, rule: Rule::Everyone, window, text_bytes: self.text_bytes, salt }
    }

    fn senders(&self) -> u32 {
        self.window.clamp(1, u32::try_from(self.sockets).unwrap_or(u32::MAX).max(1))
    }

    /// Whether client `number` sends: they are spread evenly.
    pub(super) fn sends(&self, number: usize) -> bool {
        let senders = self.senders() as usize;
        let before = number * senders / self.sockets;
        number == 0 || before != (number - 1) * senders / self.sockets
    }
}

/// What all parts have brought.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// By who was measured, in the order of time.
    pub(super) measured: Vec<(&'static str, Measured)>,
    pub(super) verdict: Verdict,
    pub(super) troubles: Vec<String>,
}

/// Plays it.
pub fn run(arguments: &FanoutArguments, stage: &mut Stage) -> Result<Report, Failure> {
    if stage.common.threads > 1 {
        let words =
            "fanout holds one core against one core; --threads is for connect, idle and chat";
        return Err(Failure::Usage(words.to_owned()));
    }
    raise_descriptors(arguments.sockets * 2)?;
    let accounts = enrol_many(stage, arguments.sockets)?;
    stage.live.phase("founding the room");
    let cid = Cids::new(epoch_ms() ^ stage.common.seed).cid(u32::MAX, epoch_ms());
    let plan = RoomPlan { name: "fanout".to_owned(), cid, members: (0..accounts.len()).collect() };
    let rooms = found(&stage.target, &accounts, &[plan])?;
    let room = *rooms.first().ok_or_else(|| Failure::Server("no room was made".to_owned()))?;
    let progress = Progress::default();
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let part = Part { arguments, target: &target, live: &stage.live.clone(), progress: &progress };
    stage.live.phase(format!("fan-out to {} sockets", arguments.sockets));
    let results =
        stage.crew(&progress, vec![|| alternate(&part, &accounts, room, pid)])?.into_iter().next();
    Ok(report(arguments, stage, results.unwrap_or_default()))
}

/// What the parts have in common.
pub(super) struct Part<'a> {
    pub(super) arguments: &'a FanoutArguments,
    pub(super) target: &'a Target,
    pub(super) live: &'a Live,
    pub(super) progress: &'a Progress,
}

fn alternate(
    part: &Part<'_>,
    accounts: &[Account],
    room: salon_protocol::RoomId,
    pid: Option<u32>,
) -> Result<Results, Failure> {
    let arguments = part.arguments;
    let mut net = part.target.net()?;
    let style = arguments.style(Kind::Server, epoch_ms() ^ arguments.common.seed);
    let mut traffic = Traffic::new(part.target, style);
    traffic.add_room(room, arguments.window);
    join(part, &mut net, &mut traffic, accounts, Some(room))?;
    let mut results = Results::default();
    for _ in 0..arguments.repeat.max(1) {
        let cpu = pid.map(CpuMeter::new);
        let measured = traffic.run(&mut net, arguments.plan(), cpu, part.progress)?;
        results.measured.push(("server", measured));
        if !traffic.troubles().is_empty() {
            break;
        }
        for mode in [Mode::Coalesce, Mode::Plain] {
            if !arguments.no_floor {
                measure_floor(part, mode, &mut results)?;
                // The server's pings wait meanwhile.
                net.turn(&mut traffic, Duration::ZERO).map_err(Failure::system("waiting"))?;
            }
        }
    }
    results.troubles.extend(in_words(traffic.troubles()));
    part.live.phase("reading the history");
    let verdict = traffic.verify(|_| &accounts[0])?;
    results.verdict.absorb(verdict);
    Ok(results)
}

/// One part on the floor.
pub(super) fn measure_floor(
    part: &Part<'_>,
    mode: Mode,
    results: &mut Results,
) -> Result<(), Failure> {
    let arguments = part.arguments;
    part.live.phase(format!("{}, window {}", mode.name(), arguments.window));
    let floor = floor::start(mode, arguments.common.pin, &part.target.interrupt)?;
    let (Some(address), Some(pid)) = (floor.address(), floor.pid()) else {
        return Err(Failure::NoServer("the floor does not run".to_owned()));
    };
    let target = elsewhere(part.target, address);
    let mut net = target.net()?;
    let mut traffic = Traffic::new(&target, arguments.style(Kind::Floor, epoch_ms()));
    traffic.add_room(salon_protocol::RoomId::from_bytes([1; 16]), arguments.window);
    let nobody = Account { user: NOBODY, name: String::new(), token: String::new() };
    let accounts = vec![nobody; arguments.sockets];
    join(&Part { target: &target, ..*part }, &mut net, &mut traffic, &accounts, None)?;
    let cpu = Some(CpuMeter::new(pid));
    let measured = traffic.run(&mut net, arguments.plan(), cpu, part.progress)?;
    results.measured.push((mode.name(), measured));
    results.troubles.extend(in_words(traffic.troubles()));
    let mut verdict = traffic.judge();
    // The floor has no history by nature.
    verdict.totals = crate::oracle::Totals::default();
    results.verdict.absorb(verdict);
    Ok(())
}

/// Opens all sockets and adds them to the traffic. Without a room it is the floor.
fn join(
    part: &Part<'_>,
    net: &mut Net,
    traffic: &mut Traffic<'_>,
    accounts: &[Account],
    room: Option<salon_protocol::RoomId>,
) -> Result<(), Failure> {
    let opening = Opening {
        accounts,
        device: DEVICE,
        in_flight: IN_FLIGHT,
        heads: room.is_some(),
        greeting: if room.is_some() { Greeting::Auth } else { Greeting::Nothing },
        progress: part.progress,
    };
    let opened = open(net, part.target, opening)?;
    if let Some(first) = opened.first_error {
        let errors = opened.errors;
        return Err(Failure::Server(format!("{errors} sockets could not be opened: {first}")));
    }
    for (number, (socket, account)) in opened.sockets.iter().zip(accounts).enumerate() {
        let Some(id) = socket.id else { continue };
        let head = match room {
            None => 0,
            Some(room) => {
                let head = socket.heads.iter().find(|(id, _)| *id == room).map(|(_, seq)| *seq);
                let name = &account.name;
                let words = || Failure::Server(format!("{name} does not see the room in auth"));
                head.ok_or_else(words)?
            }
        };
        traffic.add_client(id, account.user, 0, head, part.arguments.sends(number));
    }
    Ok(())
}

fn report(arguments: &FanoutArguments, stage: &Stage, results: Results) -> Report {
    let FanoutArguments { sockets, window, text_bytes, repeat, .. } = arguments;
    let about =
        format!("{sockets} sockets in one room, {window} messages of {text_bytes} bytes in flight");
    let mut report = stage.report("fanout", about);
    let settings = [
        ("sockets", json!(sockets)),
        ("window", json!(window)),
        ("text_bytes", json!(text_bytes)),
        ("repeat", json!(repeat)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
    ];
    report.settings.extend(settings);
    let rate = |who| medians(&results, who, Measured::deliveries_per_s);
    let cpu = |who| medians(&results, who, Measured::cpu_us_per_delivery);
    report.figure("deliveries_per_s", "deliveries/s", rate("server"));
    if stage.server_pid().is_some() {
        report.figure("server_cpu_us_per_delivery", "server CPU per delivery, µs", cpu("server"));
    }
    if !arguments.no_floor {
        let floor = Mode::Coalesce.name();
        let share = rate("server") / rate(floor).max(1e-9) * 100.0;
        report.figure("percent_of_floor", "of what the machine can do, %", share);
        let ratio = cpu("server") / cpu(floor).max(1e-9);
        report.figure("cpu_ratio_to_floor", "CPU per delivery to the floor's", ratio);
    }
    for (name, label, who) in [
        ("delivery", "send to delivery", "server"),
        ("floor_coalesce_delivery", "the same on floor-coalesce", "floor-coalesce"),
        ("floor_plain_delivery", "the same on floor-plain", "floor-plain"),
    ] {
        let mut latency = Latency::default();
        let of = results.measured.iter().filter(|(name, _)| *name == who);
        of.for_each(|(_, measured)| latency.absorb(&measured.delivery));
        report.distribution(name, label, latency.summary());
    }
    report.tables.push(comparison(&results));
    report.verdict = Some(results.verdict);
    report.broken = results.troubles;
    report
}

fn medians(results: &Results, who: &str, figure: impl Fn(&Measured) -> f64) -> f64 {
    let of = results.measured.iter().filter(|(name, _)| *name == who);
    median(of.map(|(_, measured)| figure(measured)).collect())
}

/// Who did how much, over all repetitions.
pub(super) fn comparison(results: &Results) -> Table {
    let columns = vec![
        "median of repetitions",
        "deliveries/s",
        "min",
        "max",
        "CPU µs/delivery",
        "p50 ms",
        "p99 ms",
    ];
    let rows =
        ["server", Mode::Coalesce.name(), Mode::Plain.name()].into_iter().filter_map(|who| {
            let of: Vec<_> = results.measured.iter().filter(|(name, _)| *name == who).collect();
            let rates = || of.iter().map(|(_, measured)| measured.deliveries_per_s());
            let mut latency = Latency::default();
            of.iter().for_each(|(_, measured)| latency.absorb(&measured.delivery));
            let cells = [
                median(rates().collect()),
                rates().fold(f64::INFINITY, f64::min),
                rates().fold(0.0, f64::max),
                median(of.iter().map(|(_, measured)| measured.cpu_us_per_delivery()).collect()),
                latency.quantile_ms(0.5),
                latency.quantile_ms(0.99),
            ];
            let row = std::iter::once(who.to_owned()).chain(cells.into_iter().map(readable));
            (!of.is_empty()).then(|| row.collect())
        });
    Table { title: "Server and floor".to_owned(), columns, rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    #[test]
    fn senders_are_spread_and_as_many_as_the_window() {
        for (sockets, window, senders, each) in
            [("1000", "16", 16, 1), ("1000", "1", 1, 1), ("10", "64", 10, 7), ("7", "7", 7, 1)]
        {
            let words = ["loadtest", "fanout", "--sockets", sockets, "--window", window];
            let Scenario::Fanout(arguments) = Arguments::parse_from(words).scenario else {
                panic!()
            };
            let count = (0..arguments.sockets).filter(|number| arguments.sends(*number)).count();
            assert_eq!((count, arguments.style(Kind::Floor, 1).window), (senders, each));
        }
    }
}
