//! One size: an empty server, its people and rooms, and what they cost.
//!
//! Owns      who is in which room at a size.
//! Promises  a fresh server for every point; accounts and rooms exist before the first look at its
//!           memory, so that only sockets differ.
//! Does not  compare.

use std::time::Duration;

use super::GrowthArguments;
use crate::arguments::Common;
use crate::client::Net;
use crate::clock::{epoch_ms, until};
use crate::crowd::{RoomPlan, TURN_MAX, Target, found};
use crate::failure::Failure;
use crate::measure::{Progress, memory};
use crate::names::Cids;
use crate::oracle::Verdict;
use crate::scenario::joining::join;
use crate::scenario::turns::{How, run_counted};
use crate::scenario::{enrol_many, in_words};
use crate::stage::Stage;
use crate::traffic::{Kind, Plan, Rule, Style, Traffic};

/// Not measured at the beginning.
const WARM_UP: Duration = Duration::from_millis(500);

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Sockets in one room.
    Sockets(usize),
    /// Rooms of the chat.
    Rooms(usize),
}

impl Size {
    pub(super) const fn count(self) -> usize {
        match self {
            Size::Sockets(count) | Size::Rooms(count) => count,
        }
    }

    /// What grows.
    pub(super) const fn series(self) -> &'static str {
        match self {
            Size::Sockets(_) => "sockets",
            Size::Rooms(_) => "rooms",
        }
    }

    pub(super) fn words(self) -> String {
        match self {
            Size::Sockets(count) => format!("fan-out to {count} sockets"),
            Size::Rooms(count) => format!("chat in {count} rooms"),
        }
    }
}

/// What is measured at a size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub(super) cpu_us_per_delivery: f64,
    pub(super) deliveries_per_write: f64,
    pub(super) bytes_per_socket: f64,
    pub(super) deliveries_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// The same with what the oracle says.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) point: Point,
    pub(super) verdict: Verdict,
    pub(super) troubles: Vec<String>,
}

/// Measures one size.
pub(super) fn measure(
    arguments: &GrowthArguments,
    outer: &Stage,
    size: Size,
) -> Result<Measured, Failure> {
    let common = Common { quiet: true, json: None, html: None, ..arguments.common.clone() };
    let interrupt = outer.target.interrupt.clone();
    let mut stage = Stage::with_server(&common, String::new(), interrupt)?;
    let people = match size {
        Size::Sockets(count) => count,
        Size::Rooms(_) => arguments.clients,
    };
    let accounts = enrol_many(&stage, people)?;
    let plans = plans(arguments, size);
    let ids = found(&stage.target, &accounts, &plans)?;
    let mut seats = vec![Vec::new(); people];
    for (number, plan) in plans.iter().enumerate() {
        plan.members.iter().for_each(|member| seats[*member].push((number, ids[number])));
    }
    let (progress, live) = (Progress::default(), stage.live.clone());
    let (target, pid) = (stage.target.clone(), stage.server_pid());
    let play = || {
        let mut net = target.net()?;
        let mut traffic = Traffic::new(&target, style(arguments, size));
        ids.iter().for_each(|id| traffic.add_room(*id, arguments.window.max(64)));
        let look = || pid.and_then(memory).unwrap_or_default().rss_bytes as f64;
        settle(&mut net, &mut traffic, &target, arguments.settle)?;
        let before = look();
        let rooms_of = |client: usize| seats[client].clone();
        join(&mut net, &target, &mut traffic, &accounts, &progress, &rooms_of)?;
        settle(&mut net, &mut traffic, &target, arguments.settle)?;
        let bytes_per_socket = (look() - before) / people as f64;
        add_senders(arguments, size, &plans, &mut traffic);
        let (plan, repeat) = (plan(arguments, size), 1);
        let (target, progress, live) = (&target, &progress, &live);
        let how = How { target, plan, repeat, pid, progress, live };
        let counted = run_counted(&mut net, &mut traffic, &how)?;
        let troubles = in_words(traffic.troubles());
        let verdict = traffic.verify(|room| &accounts[plans[room].members[0]])?;
        let point = Point {
            cpu_us_per_delivery: counted.cpu_us_per_delivery(),
            deliveries_per_write: counted.deliveries_per_write,
            bytes_per_socket,
            deliveries_per_s: counted.deliveries_per_s(),
            p50_ms: counted.measured.delivery.quantile_ms(0.5),
            p99_ms: counted.measured.delivery.quantile_ms(0.99),
        };
        Ok(Measured { point, verdict, troubles })
    };
    let measured = stage.crew(&progress, vec![play])?;
    let mut measured = measured.into_iter().next().unwrap_or_default();
    measured.troubles.extend(stage.panics());
    Ok(measured)
}

/// One room for all, or rooms of a size that go round among the people.
fn plans(arguments: &GrowthArguments, size: Size) -> Vec<RoomPlan> {
    let cids = Cids::new(epoch_ms() ^ arguments.common.seed);
    let (rooms, members, people) = match size {
        Size::Sockets(count) => (1, count, count),
        Size::Rooms(count) => (count, arguments.room_size, arguments.clients),
    };
    let plan = |room: usize| RoomPlan {
        name: format!("growth {room}"),
        cid: cids.cid(room as u32, epoch_ms()),
        members: (0..members).map(|number| (room * members + number) % people).collect(),
    };
    (0..rooms).map(plan).collect()
}

fn style(arguments: &GrowthArguments, size: Size) -> Style {
    let (rule, window) = match size {
        Size::Sockets(count) => {
            (Rule::Everyone, arguments.window.div_ceil(senders(arguments, count) as u32))
        }
        Size::Rooms(_) => (Rule::Sender, 1),
    };
    let (text_bytes, salt) = (arguments.text_bytes, epoch_ms() ^ arguments.common.seed);
    Style { kind: Kind::Server, rule, window, text_bytes, salt }
}

fn plan(arguments: &GrowthArguments, size: Size) -> Plan {
    let per_second = match size {
        Size::Sockets(_) => None,
        Size::Rooms(_) => Some(arguments.rate),
    };
    let messages_max = arguments.messages;
    let warm_up = if messages_max.is_some() { Duration::ZERO } else { WARM_UP };
    Plan { warm_up, measure: arguments.duration, messages_max, per_second }
}

/// Each has one under way, as far as there are sockets.
fn senders(arguments: &GrowthArguments, sockets: usize) -> usize {
    (arguments.window as usize).min(sockets)
}

fn add_senders(
    arguments: &GrowthArguments,
    size: Size,
    plans: &[RoomPlan],
    traffic: &mut Traffic<'_>,
) {
    match size {
        Size::Sockets(count) => {
            let senders = senders(arguments, count);
            (0..senders).for_each(|number| traffic.add_sender(number * count / senders, 0));
        }
        // What comes behind each other is in different rooms.
        Size::Rooms(_) => {
            for member in 0..arguments.room_size {
                for (room, plan) in plans.iter().enumerate() {
                    traffic.add_sender(plan.members[member], room);
                }
            }
        }
    }
}

/// Answers pings for a while.
fn settle(
    net: &mut Net,
    traffic: &mut Traffic<'_>,
    target: &Target,
    time: Duration,
) -> Result<(), Failure> {
    let end_ns = target.clock.now_ns() + time.as_nanos() as u64;
    loop {
        let now_ns = target.clock.now_ns();
        if now_ns >= end_ns {
            return Ok(());
        }
        target.interrupt.check()?;
        net.turn(traffic, until(now_ns, end_ns, TURN_MAX)).map_err(Failure::system("waiting"))?;
    }
}
