//! `catchup`: the server was restarted, and everybody comes back at once.
//!
//! Two threads play: `crowd` goes, misses messages and comes back (`comeback`), and starts the
//! server again meanwhile; `group` chats slowly, before and during that, and measures who is slowed.
//!
//! Owns      the time until everybody has everything, beside the latency of those who have it.
//! Promises  every missed message passes the oracle: no hole, none twice, in order.
//! Does not  kill the server: it is asked to end, and nobody is connected then. That is `soak`'s.

mod comeback;
mod crowd;
mod group;

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::time::Duration;

use clap::Args;
use salon_protocol::RoomId;
use salon_protocol::limits::{REPLAY_ROOM_EVENTS_MAX, REPLAY_TOTAL_EVENTS_MAX, ROOMS_NEWEST_MAX};
use serde_json::json;

use super::{enrol_many, median};
use crate::arguments::{Common, seconds};
use crate::clock::epoch_ms;
use crate::crowd::{Account, RoomPlan, Target, found};
use crate::failure::Failure;
use crate::measure::{Latency, Progress};
use crate::names::Cids;
use crate::report::{Report, Table, readable};
use crate::stage::{Stage, raise_descriptors};
use crowd::{Crowd, Lived, Round};
use group::{Group, Heard};

/// Arguments of `catchup`.
#[derive(Clone, Debug, Args)]
pub struct CatchupArguments {
    /// Users who come back, with one socket each.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub users: usize,
    /// Rooms of each user.
    #[arg(long, value_name = "R", default_value_t = 10)]
    pub rooms: usize,
    /// Messages that each user has missed in each of his rooms.
    #[arg(long, value_name = "M", default_value_t = 20)]
    pub missed: u32,
    /// Users of each room, about.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub room_size: usize,
    /// Others, among whom the rooms are divided, who write what is missed.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub writers: usize,
    /// Handshakes under way at once when all come back.
    #[arg(long, value_name = "K", default_value_t = 256)]
    pub in_flight: usize,
    /// People in the group that chats all the while.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub group: usize,
    /// Messages per second of that group, by schedule.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 200)]
    pub rate: u64,
    /// How long its latency is measured while nobody catches up.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub before: Duration,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How often all go and come back.
    #[arg(long, value_name = "R", default_value_t = 3)]
    pub repeat: usize,
    /// Fails when coming back takes longer than this.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub within: Option<Duration>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl CatchupArguments {
    fn check(&self) -> Result<(), Failure> {
        let refuse = |words: String| Err(Failure::Usage(words));
        let CatchupArguments { users, rooms, missed, room_size, .. } = *self;
        if let Some(url) = &self.common.url {
            return refuse(format!(
                "catchup starts its server again, and {url} was not started here; leave out --url"
            ));
        }
        if users == 0 || room_size == 0 || self.writers == 0 || self.group == 0 || self.rate < 2 {
            return refuse(
                "--users, --room-size, --writers and --group are at least 1, --rate 2".to_owned(),
            );
        }
        let (missed, room_max) = (u64::from(missed), REPLAY_ROOM_EVENTS_MAX);
        if missed == 0 || missed > room_max || rooms as u64 * missed > REPLAY_TOTAL_EVENTS_MAX {
            return refuse(format!(
                "{missed} messages in each of {rooms} rooms: a server pushes 1 to {room_max} for \
                 a room and {REPLAY_TOTAL_EVENTS_MAX} in all; more is read by pages"
            ));
        }
        if rooms == 0 || self.rooms_in_all().div_ceil(self.writers) > ROOMS_NEWEST_MAX {
            return refuse(format!(
                "{rooms} rooms of each user make {}, too many for {} writers to see; --rooms is at \
                 least 1, and a writer sees {ROOMS_NEWEST_MAX}",
                self.rooms_in_all(),
                self.writers
            ));
        }
        Ok(())
    }

    fn rooms_in_all(&self) -> usize {
        (self.users * self.rooms).div_ceil(self.room_size.max(1)).max(self.rooms)
    }
}

/// Who is where.
#[derive(Debug)]
struct Scene {
    users: usize,
    /// Of each user.
    rooms: usize,
    writers: usize,
    /// Users, then writers, then the group.
    accounts: Vec<Account>,
    /// Of the crowd.
    ids: Vec<RoomId>,
    /// Of the group.
    room: RoomId,
}

impl Scene {
    /// Users and writers.
    fn crowd(&self) -> &[Account] {
        &self.accounts[..self.users + self.writers]
    }

    fn group(&self) -> &[Account] {
        &self.accounts[self.users + self.writers..]
    }

    fn writer_of(&self, room: usize) -> usize {
        self.users + room % self.writers
    }

    fn rooms_of(&self, client: usize) -> Vec<(usize, RoomId)> {
        let numbers: Vec<_> = if client < self.users {
            rooms_of_user(client, self.rooms, self.ids.len()).collect()
        } else {
            (0..self.ids.len()).filter(|room| self.writer_of(*room) == client).collect()
        };
        numbers.into_iter().map(|room| (room, self.ids[room])).collect()
    }
}

fn rooms_of_user(user: usize, rooms: usize, in_all: usize) -> impl Iterator<Item = usize> {
    (0..rooms).map(move |number| (user * rooms + number) % in_all)
}

enum Part {
    Lived(Box<Lived>),
    Heard(Box<Heard>),
}

/// Plays it.
pub fn run(arguments: &CatchupArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    raise_descriptors(arguments.users + arguments.writers + arguments.group)?;
    let scene = set_up(arguments, stage)?;
    let absent = || Failure::NoServer("there is no server that could be started again".to_owned());
    let mut server = stage.server.take().ok_or_else(absent)?;
    let (progress, over, live) = (Progress::default(), AtomicBool::new(false), stage.live.clone());
    // Two threads on one core: none of them may keep it from the other.
    let target = Target { spin: false, ..stage.target.clone() };
    let ((orders, to_obey), (told, done)) = (channel(), channel());
    let group = {
        let (target, progress, over) = (&target, &progress, &over);
        let (accounts, room) = (scene.group(), scene.room);
        let group = Group { arguments, target, accounts, room, progress, over };
        move || group.obey(to_obey, told).map(|heard| Part::Heard(Box::new(heard)))
    };
    let crowd = {
        let (target, scene, progress, over) = (&target, &scene, &progress, &over);
        let (server, live) = (&mut server, &live);
        let crowd = Crowd { arguments, target, scene, server, progress, live, over, orders, done };
        move || {
            let lived = crowd.live();
            // Whatever happened: the group must not talk for ever.
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            lived.map(|lived| Part::Lived(Box::new(lived)))
        }
    };
    type Member<'a> = Box<dyn FnOnce() -> Result<Part, Failure> + Send + 'a>;
    let members: Vec<Member<'_>> = vec![Box::new(crowd), Box::new(group)];
    let parts = stage.crew(&progress, members);
    stage.server = Some(server);
    let (mut lived, mut heard) = (Lived::default(), Heard::default());
    for part in parts? {
        match part {
            Part::Lived(part) => lived = *part,
            Part::Heard(part) => heard = *part,
        }
    }
    Ok(report(arguments, stage, lived, heard))
}

/// Accounts and rooms.
fn set_up(arguments: &CatchupArguments, stage: &Stage) -> Result<Scene, Failure> {
    let CatchupArguments { users, rooms, writers, group, .. } = *arguments;
    let in_all = arguments.rooms_in_all();
    let accounts = enrol_many(stage, users + writers + group)?;
    stage.live.phase(format!("founding {in_all} rooms"));
    let cids = Cids::new(epoch_ms() ^ stage.common.seed);
    let cid = |room: usize| cids.cid(room as u32, epoch_ms());
    let mut members: Vec<_> = (0..in_all).map(|room| vec![users + room % writers]).collect();
    for user in 0..users {
        rooms_of_user(user, rooms, in_all).for_each(|room| members[room].push(user));
    }
    members.push((users + writers..accounts.len()).collect());
    let plans: Vec<_> = members
        .into_iter()
        .enumerate()
        .map(|(room, members)| RoomPlan {
            name: format!("catchup {room}"),
            cid: cid(room),
            members,
        })
        .collect();
    let mut ids = found(&stage.target, &accounts, &plans)?;
    let none = || Failure::Server("no room was made".to_owned());
    let room = ids.pop().ok_or_else(none)?;
    Ok(Scene { users, rooms, writers, accounts, ids, room })
}

fn report(arguments: &CatchupArguments, stage: &Stage, mut lived: Lived, heard: Heard) -> Report {
    let CatchupArguments { users, rooms, missed, group, rate, .. } = arguments;
    let about = format!(
        "{users} users in {rooms} rooms each come back after a restart and have missed {missed} \
         messages in each, beside a chat of {group} people"
    );
    let mut report = stage.report("catchup", about);
    report.settings.extend([
        ("users", json!(users)),
        ("rooms", json!(rooms)),
        ("missed", json!(missed)),
        ("room_size", json!(arguments.room_size)),
        ("in_flight", json!(arguments.in_flight)),
        ("group", json!(group)),
        ("rate_per_s", json!(rate)),
        ("text_bytes", json!(arguments.text_bytes)),
        ("repeat", json!(arguments.repeat)),
    ]);
    let each = |figure: fn(&Round) -> f64| lived.rounds.iter().map(figure).collect::<Vec<_>>();
    let took = each(|round| round.back.seconds);
    let longest = took.iter().copied().fold(0.0, f64::max);
    report.figure("catch_up_s", "until everybody has everything, s", median(took));
    report.figure("catch_up_s_max", "  the longest, s", longest);
    let rates = each(|round| round.back.deliveries as f64 / round.back.seconds.max(1e-9));
    report.figure("deliveries_per_s", "deliveries/s meanwhile", median(rates));
    let cpu = each(|round| round.server_cpu_ns as f64 / 1e9);
    report.figure("server_cpu_s", "server CPU meanwhile, s", median(cpu));
    let ready = each(|round| round.ready.as_secs_f64() * 1_000.0);
    report.figure("ready_ms", "start of the server until it is ready, ms", median(ready));
    let ratio = |quantile: f64| {
        heard.during.quantile_ms(quantile) / heard.before.quantile_ms(quantile).max(1e-9)
    };
    report.figure("p50_ratio", "p50 of the chat, during to before", ratio(0.5));
    report.figure("p99_ratio", "p99 of the chat, during to before", ratio(0.99));
    let mut caught_up = Latency::default();
    lived.rounds.iter().for_each(|round| caught_up.absorb(&round.back.each));
    report.distribution("before", "chat before, send to delivery", heard.before.summary());
    report.distribution("during", "chat during, send to delivery", heard.during.summary());
    report.distribution("caught_up", "connect to having everything", caught_up.summary());
    report.tables.push(by_round(&lived.rounds));
    lived.verdict.absorb(heard.verdict);
    report.verdict = Some(lived.verdict);
    report.broken = lived.troubles;
    report.broken.extend(heard.troubles);
    if let Some(within) = arguments.within.filter(|within| longest > within.as_secs_f64()) {
        let (longest, within) = (readable(longest), readable(within.as_secs_f64()));
        report.broken.push(format!("coming back took {longest} s, and {within} s were allowed"));
    }
    report
}

fn by_round(rounds: &[Round]) -> Table {
    let columns =
        vec!["round", "all have everything, s", "deliveries", "server CPU, s", "ready, ms"];
    let row = |(number, round): (usize, &Round)| {
        let cells = [
            round.back.seconds,
            round.back.deliveries as f64,
            round.server_cpu_ns as f64 / 1e9,
            round.ready.as_secs_f64() * 1_000.0,
        ];
        let number = (number + 1).to_string();
        std::iter::once(number).chain(cells.into_iter().map(readable)).collect()
    };
    let rows = rounds.iter().enumerate().map(row).collect();
    Table { title: "Round by round".to_owned(), columns, rows }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    fn parsed(words: &str) -> CatchupArguments {
        let words = ["loadtest", "catchup"].into_iter().chain(words.split_whitespace());
        match Arguments::parse_from(words).scenario {
            Scenario::Catchup(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        assert!(parsed("").check().is_ok());
        for words in [
            "--url http://127.0.0.1:1",
            "--users 0",
            "--missed 0",
            "--missed 1001",
            "--rooms 11 --missed 1000",
            "--rooms 0",
            "--rooms 300 --room-size 1 --missed 1",
            "--rate 1",
        ] {
            assert!(matches!(parsed(words).check(), Err(Failure::Usage(_))), "{words}");
        }
    }

    #[test]
    fn everybody_is_in_different_rooms_that_are_equally_full() {
        let arguments = parsed("--users 50 --rooms 6 --room-size 20");
        let in_all = arguments.rooms_in_all();
        let mut full = vec![0; in_all];
        for user in 0..50 {
            let mut rooms: Vec<_> = rooms_of_user(user, 6, in_all).collect();
            rooms.iter().for_each(|room| full[*room] += 1);
            rooms.sort_unstable();
            rooms.dedup();
            assert_eq!(rooms.len(), 6);
        }
        assert_eq!((in_all, full), (15, vec![20; 15]));
    }
}
