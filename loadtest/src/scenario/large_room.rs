//! `large-room`: few of very many members are there, beside a room where everybody is.
//!
//! Owns      the comparison of a message's cost in both rooms.
//! Promises  the same people on the same sockets are in both rooms; who sends, how much is in flight
//!           and who gets it is the same, and both are measured in turn. Only the members who are
//!           away make the difference.
//! Does not  measure how a room is filled, but says how long it took.

use std::time::{Duration, Instant};

use clap::Args;
use salon_protocol::RoomId;
use salon_protocol::limits::ROOM_MEMBERS_MAX;
use serde_json::json;

use super::joining::join;
use super::turns::{Counted, How, Turns};
use super::{enrol_many, in_words};
use crate::arguments::{Common, seconds};
use crate::clock::epoch_ms;
use crate::crowd::{Account, RoomPlan, Target, found};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::names::Cids;
use crate::oracle::Verdict;
use crate::report::{Live, Report};
use crate::stage::{Stage, raise_descriptors};
use crate::traffic::{Kind, Plan, Rule, Style, Traffic};

/// Not measured at the beginning of each part.
const WARM_UP: Duration = Duration::from_millis(500);

const LARGE: &str = "large room";
const SMALL: &str = "small room";

/// Arguments of `large-room`.
#[derive(Clone, Debug, Args)]
pub struct LargeRoomArguments {
    /// Members of the large room.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub members: usize,
    /// Of them, those who are there, with one socket each; the small room has no others.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub online: usize,
    /// Messages in flight; a message is done when all who are there have it.
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
    /// How often both rooms are measured in turn.
    #[arg(long, value_name = "R", default_value_t = 5)]
    pub repeat: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl LargeRoomArguments {
    fn check(&self) -> Result<(), Failure> {
        let LargeRoomArguments { members, online, .. } = *self;
        let words = if self.common.threads > 1 {
            "large-room holds one core against one core; --threads is for connect, idle and chat"
                .to_owned()
        } else if members as u64 > ROOM_MEMBERS_MAX {
            format!("a room has at most {ROOM_MEMBERS_MAX} members")
        } else if online == 0 || online > members || self.window == 0 {
            format!("{online} of {members} members cannot be there; --window is at least 1")
        } else {
            return Ok(());
        };
        Err(Failure::Usage(words))
    }

    fn plan(&self) -> Plan {
        let warm_up = if self.messages.is_some() { Duration::ZERO } else { WARM_UP };
        Plan { warm_up, measure: self.duration, messages_max: self.messages, per_second: None }
    }

    fn senders(&self) -> usize {
        (self.window as usize).min(self.online)
    }
}

/// The people, the large room and the small one.
struct Scene<'a> {
    arguments: &'a LargeRoomArguments,
    target: &'a Target,
    /// Those who are there.
    accounts: &'a [Account],
    rooms: [RoomId; 2],
    pid: Option<u32>,
}

#[derive(Debug, Default)]
struct Played {
    turns: Turns,
    verdict: Verdict,
    troubles: Vec<String>,
}

/// Plays it.
pub fn run(arguments: &LargeRoomArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    let LargeRoomArguments { members, online, .. } = *arguments;
    raise_descriptors(online)?;
    let begun = Instant::now();
    let accounts = enrol_many(stage, members)?;
    let enrolled = begun.elapsed();
    stage.live.phase(format!("filling a room with {members} members"));
    let cids = Cids::new(epoch_ms() ^ stage.common.seed);
    let plan = |number: u32, name: &str, members: usize| RoomPlan {
        name: name.to_owned(),
        cid: cids.cid(number, epoch_ms()),
        members: (0..members).collect(),
    };
    let plans = [plan(0, LARGE, members), plan(1, SMALL, online)];
    let begun = Instant::now();
    let ids = found(&stage.target, &accounts, &plans)?;
    let filled = begun.elapsed();
    let none = |_| Failure::Server("a room was not made".to_owned());
    let rooms = ids.try_into().map_err(none)?;
    let (progress, live) = (Progress::default(), stage.live.clone());
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let scene = Scene { arguments, target: &target, accounts: &accounts[..online], rooms, pid };
    let played = stage.crew(&progress, vec![|| play(&scene, &progress, &live)])?;
    let played = played.into_iter().next().unwrap_or_default();
    let mut report = report(arguments, stage, played);
    report.figure("enrol_s", "making the accounts, s", enrolled.as_secs_f64());
    report.figure("fill_s", "filling the rooms, s", filled.as_secs_f64());
    Ok(report)
}

fn play(scene: &Scene<'_>, progress: &Progress, live: &Live) -> Result<Played, Failure> {
    let Scene { arguments, target, accounts, rooms, pid } = *scene;
    let senders = arguments.senders();
    let style = Style {
        kind: Kind::Server,
        rule: Rule::Everyone,
        window: arguments.window.div_ceil(senders as u32),
        text_bytes: arguments.text_bytes,
        salt: epoch_ms() ^ arguments.common.seed,
    };
    let mut net = target.net()?;
    let mut traffic = Traffic::new(target, style);
    rooms.iter().for_each(|room| traffic.add_room(*room, arguments.window));
    let rooms_of = |_| rooms.iter().copied().enumerate().collect();
    join(&mut net, target, &mut traffic, accounts, progress, &rooms_of)?;
    for room in 0..rooms.len() {
        for sender in 0..senders {
            traffic.add_sender(sender * accounts.len() / senders, room);
        }
    }
    let how = How { target, plan: arguments.plan(), repeat: arguments.repeat, pid, progress, live };
    let parts = [(LARGE, 0..senders), (SMALL, senders..2 * senders)];
    let turns = Turns::play(&mut net, &mut traffic, &parts, &how)?;
    let troubles = in_words(traffic.troubles());
    live.phase("reading the histories");
    let verdict = traffic.verify(|_| &accounts[0])?;
    Ok(Played { turns, verdict, troubles })
}

fn report(arguments: &LargeRoomArguments, stage: &Stage, played: Played) -> Report {
    let LargeRoomArguments { members, online, window, .. } = arguments;
    let about = format!(
        "{online} of {members} members are there, {window} messages in flight, beside a room of \
         {online}"
    );
    let mut report = stage.report("large-room", about);
    report.settings.extend([
        ("members", json!(members)),
        ("online", json!(online)),
        ("window", json!(window)),
        ("text_bytes", json!(arguments.text_bytes)),
        ("repeat", json!(arguments.repeat)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
    ]);
    let turns = &played.turns;
    let rate = turns.median(LARGE, Counted::deliveries_per_s);
    report.figure("deliveries_per_s", "deliveries/s in the large room", rate);
    if stage.server_pid().is_some() {
        let cpu = turns.median(LARGE, Counted::cpu_us_per_message);
        report.figure("server_cpu_us_per_message", "server CPU per message, µs", cpu);
        let ratio = turns.ratio(LARGE, SMALL, Counted::cpu_us_per_message);
        report.figure("cpu_ratio_to_small_room", "  to that in the small room", ratio);
    }
    for (name, label, part) in [
        ("delivery", "send to delivery, large room", LARGE),
        ("small_room_delivery", "the same in the small room", SMALL),
    ] {
        report.distribution(name, label, turns.delivery(part).summary());
    }
    report.tables.push(turns.table("The large room and the small one", &[LARGE, SMALL]));
    report.verdict = Some(played.verdict);
    report.broken = played.troubles;
    report
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    #[test]
    fn what_cannot_be_played_is_refused() {
        let checked = |words: &str| {
            let words = ["loadtest", "large-room"].into_iter().chain(words.split_whitespace());
            match Arguments::parse_from(words).scenario {
                Scenario::LargeRoom(arguments) => arguments.check(),
                other => panic!("{other:?}"),
            }
        };
        assert!(checked("").is_ok() && checked("--members 5 --online 5").is_ok());
        for words in ["--members 100001", "--online 0", "--members 9 --online 10", "--window 0"] {
            assert!(matches!(checked(words), Err(Failure::Usage(_))), "{words}");
        }
    }
}
