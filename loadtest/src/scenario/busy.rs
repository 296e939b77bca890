//! `busy`: people who are in many rooms, all of them busy, on one socket each.
//!
//! Owns      the comparison of many rooms with one room that gets as many messages.
//! Promises  the same sockets, senders and messages in flight in both, measured in turn; how many
//!           deliveries go into one write is the server's own count.
//! Does not  use more than one client thread: it holds one core against one core.

use std::time::Duration;

use clap::Args;
use salon_protocol::RoomId;
use salon_protocol::limits::{ROOM_MEMBERS_MAX, ROOMS_NEWEST_MAX};
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

const MANY: &str = "many rooms";
const ONE: &str = "one room";

/// Arguments of `busy`.
#[derive(Clone, Debug, Args)]
pub struct BusyArguments {
    /// People who watch all their rooms, with one socket each.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub watchers: usize,
    /// Busy rooms of each.
    #[arg(long, value_name = "R", default_value_t = 50)]
    pub rooms: usize,
    /// People who share the same rooms. Default: all of them; with 2, each has his rooms with but
    /// one other.
    #[arg(long, value_name = "N")]
    pub circle: Option<usize>,
    /// Messages in flight in each room; a message is done when all have it.
    #[arg(long, value_name = "W", default_value_t = 1)]
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
    /// How often many rooms and one room are measured in turn.
    #[arg(long, value_name = "R", default_value_t = 3)]
    pub repeat: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl BusyArguments {
    fn check(&self) -> Result<(), Failure> {
        let circle = self.circle();
        let words = if self.common.threads > 1 {
            "busy holds one core against one core; --threads is for connect, idle and chat".into()
        } else if circle == 0 || !self.watchers.is_multiple_of(circle) {
            format!("{} watchers do not make circles of {circle}", self.watchers)
        } else if circle as u64 > ROOM_MEMBERS_MAX {
            format!("a room has at most {ROOM_MEMBERS_MAX} members; use a smaller --circle")
        } else if self.rooms == 0 || self.rooms >= ROOMS_NEWEST_MAX || self.window == 0 {
            format!("--rooms is 1 to {}, --window at least 1", ROOMS_NEWEST_MAX - 1)
        } else {
            return Ok(());
        };
        Err(Failure::Usage(words))
    }

    fn circle(&self) -> usize {
        self.circle.unwrap_or(self.watchers)
    }

    fn circles(&self) -> usize {
        self.watchers / self.circle()
    }

    /// Numbers of the rooms of a circle: the busy ones, and the one that is measured beside them.
    fn rooms_of(&self, circle: usize) -> impl Iterator<Item = usize> + use<> {
        let (rooms, one) = (self.rooms, self.circles() * self.rooms + circle);
        (circle * rooms..(circle + 1) * rooms).chain([one])
    }

    fn plan(&self) -> Plan {
        let warm_up = if self.messages.is_some() { Duration::ZERO } else { WARM_UP };
        Plan { warm_up, measure: self.duration, messages_max: self.messages, per_second: None }
    }
}

/// Plays it.
pub fn run(arguments: &BusyArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    raise_descriptors(arguments.watchers)?;
    let accounts = enrol_many(stage, arguments.watchers)?;
    let (circle, circles) = (arguments.circle(), arguments.circles());
    stage.live.phase(format!("founding {} rooms", circles * (arguments.rooms + 1)));
    let cids = Cids::new(epoch_ms() ^ stage.common.seed);
    let mut plans = vec![None; circles * (arguments.rooms + 1)];
    for number in 0..circles {
        for room in arguments.rooms_of(number) {
            let cid = cids.cid(room as u32, epoch_ms());
            let members = (number * circle..(number + 1) * circle).collect();
            plans[room] = Some(RoomPlan { name: format!("busy {room}"), cid, members });
        }
    }
    let plans: Vec<_> = plans.into_iter().flatten().collect();
    let ids = found(&stage.target, &accounts, &plans)?;
    let (progress, live) = (Progress::default(), stage.live.clone());
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let scene = Scene { arguments, target: &target, accounts: &accounts, ids: &ids, pid };
    let played = stage.crew(&progress, vec![|| play(&scene, &progress, &live)])?;
    Ok(report(arguments, stage, played.into_iter().next().unwrap_or_default()))
}

struct Scene<'a> {
    arguments: &'a BusyArguments,
    target: &'a Target,
    accounts: &'a [Account],
    ids: &'a [RoomId],
    pid: Option<u32>,
}

#[derive(Debug, Default)]
struct Played {
    turns: Turns,
    verdict: Verdict,
    troubles: Vec<String>,
}

fn play(scene: &Scene<'_>, progress: &Progress, live: &Live) -> Result<Played, Failure> {
    let Scene { arguments, target, accounts, ids, pid } = *scene;
    let (circle, circles) = (arguments.circle(), arguments.circles());
    let style = Style {
        kind: Kind::Server,
        rule: Rule::Everyone,
        window: arguments.window,
        text_bytes: arguments.text_bytes,
        salt: epoch_ms() ^ arguments.common.seed,
    };
    let mut net = target.net()?;
    let mut traffic = Traffic::new(target, style);
    for (number, id) in ids.iter().enumerate() {
        let many = if number < circles * arguments.rooms { 1 } else { arguments.rooms };
        traffic.add_room(*id, arguments.window * many as u32);
    }
    let rooms_of =
        |client: usize| arguments.rooms_of(client / circle).map(|room| (room, ids[room])).collect();
    join(&mut net, target, &mut traffic, accounts, progress, &rooms_of)?;
    // The same people send, as much, in both parts.
    let senders = circles * arguments.rooms;
    let client_of = |number: usize| {
        let (circle_number, room) = (number / arguments.rooms, number % arguments.rooms);
        circle_number * circle + room % circle
    };
    (0..senders).for_each(|number| traffic.add_sender(client_of(number), number));
    for number in 0..senders {
        let one = circles * arguments.rooms + number / arguments.rooms;
        traffic.add_sender(client_of(number), one);
    }
    let how = How { target, plan: arguments.plan(), repeat: arguments.repeat, pid, progress, live };
    let parts = [(MANY, 0..senders), (ONE, senders..2 * senders)];
    let turns = Turns::play(&mut net, &mut traffic, &parts, &how)?;
    let troubles = in_words(traffic.troubles());
    live.phase("reading the histories");
    let verdict = traffic.verify(|room| {
        let many = circles * arguments.rooms;
        let of = if room < many { room / arguments.rooms } else { room - many };
        &accounts[of * circle]
    })?;
    Ok(Played { turns, verdict, troubles })
}

fn report(arguments: &BusyArguments, stage: &Stage, played: Played) -> Report {
    let BusyArguments { watchers, rooms, window, .. } = arguments;
    let circle = arguments.circle();
    let about = format!(
        "{watchers} people in {rooms} busy rooms each, shared by {circle}, {window} in flight in \
         each room, beside one room with as many messages"
    );
    let mut report = stage.report("busy", about);
    report.settings.extend([
        ("watchers", json!(watchers)),
        ("rooms", json!(rooms)),
        ("circle", json!(circle)),
        ("window", json!(window)),
        ("text_bytes", json!(arguments.text_bytes)),
        ("repeat", json!(arguments.repeat)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
    ]);
    let turns = &played.turns;
    let rate = turns.median(MANY, Counted::deliveries_per_s);
    report.figure("deliveries_per_s", "deliveries/s", rate);
    if stage.server_pid().is_some() {
        let cpu = turns.median(MANY, Counted::cpu_us_per_delivery);
        report.figure("server_cpu_us_per_delivery", "server CPU per delivery, µs", cpu);
        let ratio = turns.ratio(MANY, ONE, Counted::cpu_us_per_delivery);
        report.figure("cpu_ratio_to_one_room", "  to that in one room", ratio);
    }
    let per_write = |counted: &Counted| counted.deliveries_per_write;
    if turns.median(MANY, per_write) > 0.0 {
        report.figure(
            "deliveries_per_write",
            "deliveries per write",
            turns.median(MANY, per_write),
        );
        let ratio = turns.ratio(MANY, ONE, per_write);
        report.figure("per_write_ratio_to_one_room", "  to those in one room", ratio);
    }
    for (name, label, part) in [
        ("delivery", "send to delivery, many rooms", MANY),
        ("one_room_delivery", "the same in one room", ONE),
    ] {
        report.distribution(name, label, turns.delivery(part).summary());
    }
    report.tables.push(turns.table("Many rooms and one", &[MANY, ONE]));
    report.verdict = Some(played.verdict);
    report.broken = played.troubles;
    report
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    fn parsed(words: &str) -> BusyArguments {
        let words = ["loadtest", "busy"].into_iter().chain(words.split_whitespace());
        match Arguments::parse_from(words).scenario {
            Scenario::Busy(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        assert!(parsed("").check().is_ok() && parsed("--circle 2").check().is_ok());
        for words in [
            "--threads 2",
            "--circle 0",
            "--watchers 0",
            "--watchers 10 --circle 3",
            "--rooms 0",
            "--rooms 200",
            "--window 0",
        ] {
            assert!(matches!(parsed(words).check(), Err(Failure::Usage(_))), "{words}");
        }
    }

    #[test]
    fn every_room_belongs_to_one_circle() {
        let arguments = parsed("--watchers 6 --circle 2 --rooms 3");
        let rooms: Vec<Vec<_>> =
            (0..arguments.circles()).map(|circle| arguments.rooms_of(circle).collect()).collect();
        assert_eq!(rooms, [[0, 1, 2, 9], [3, 4, 5, 10], [6, 7, 8, 11]]);
    }
}
