//! The crowd that goes, misses something, and comes back; and what happens to the server meanwhile.
//!
//! Owns      the course of the scenario.
//! Promises  everybody holds everything before he goes; the same number of messages is missed in
//!           every room; the server is down for as long as it takes to start it.
//! Does not  measure latencies: its loop is busy with reading.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use super::comeback::{Back, How, come_back};
use super::group::Order;
use super::{CatchupArguments, Scene};
use crate::client::Net;
use crate::clock::epoch_ms;
use crate::crowd::{TURN_MAX, Target};
use crate::failure::Failure;
use crate::measure::{CpuMeter, Progress};
use crate::oracle::Verdict;
use crate::report::Live;
use crate::scenario::in_words;
use crate::scenario::joining::join;
use crate::server::Server;
use crate::traffic::{Kind, Plan, Rule, Style, Traffic};

/// How long a polite end of the server may take.
const END_WITHIN: Duration = Duration::from_secs(20);
/// Writing needs no limit of its own: the target's patience ends it.
const LONG: Duration = Duration::from_secs(3_600);
/// How much the crowd's thread stands back behind the group's.
const NICE: i32 = 10;

/// One time away and back.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) back: Back,
    /// From the start of the server until it was ready.
    pub(super) ready: Duration,
    pub(super) server_cpu_ns: u64,
}

/// What the crowd brings home.
#[derive(Debug, Default)]
pub(super) struct Lived {
    pub(super) rounds: Vec<Round>,
    pub(super) verdict: Verdict,
    pub(super) troubles: Vec<String>,
}

/// See the module.
pub(super) struct Crowd<'a> {
    pub(super) arguments: &'a CatchupArguments,
    pub(super) target: &'a Target,
    pub(super) scene: &'a Scene,
    pub(super) server: &'a mut Server,
    pub(super) progress: &'a Progress,
    pub(super) live: &'a Live,
    pub(super) over: &'a AtomicBool,
    pub(super) orders: Sender<Order>,
    pub(super) done: Receiver<Order>,
}

impl Crowd<'_> {
    /// Plays all rounds and is judged.
    pub(super) fn live(mut self) -> Result<Lived, Failure> {
        // Where it is refused, the group's latencies are worse than they are, never better.
        let _ = rustix::process::nice(NICE);
        let (target, scene) = (self.target, self.scene);
        let mut net = target.net()?;
        let style = Style {
            kind: Kind::Server,
            rule: Rule::Sender,
            window: 1,
            text_bytes: self.arguments.text_bytes,
            salt: epoch_ms() ^ self.arguments.common.seed,
        };
        let mut traffic = Traffic::new(target, style);
        for id in &scene.ids {
            traffic.add_room(*id, self.arguments.missed);
        }
        let accounts = scene.crowd();
        let rooms_of = |client: usize| scene.rooms_of(client);
        join(&mut net, target, &mut traffic, accounts, self.progress, &rooms_of)?;
        for room in 0..scene.ids.len() {
            traffic.add_sender(scene.writer_of(room), room);
        }
        let mut lived = Lived::default();
        for number in 1..=self.arguments.repeat.max(1) {
            self.live.phase(format!("round {number}: everybody is there"));
            let Some(round) = self.round(&mut net, &mut traffic)? else { return Ok(lived) };
            lived.rounds.push(round);
        }
        lived.troubles = in_words(traffic.troubles());
        self.live.phase("reading the histories");
        lived.verdict = traffic.verify(|room| &accounts[scene.writer_of(room)])?;
        Ok(lived)
    }

    /// `None`: the group has given up, and tells why.
    fn round(
        &mut self,
        net: &mut Net,
        traffic: &mut Traffic<'_>,
    ) -> Result<Option<Round>, Failure> {
        let everybody = 0..self.scene.crowd().len();
        for order in [Order::Come, Order::Before, Order::Leave] {
            if !self.order_and_wait(order, net, traffic)? {
                return Ok(None);
            }
        }
        self.live.phase("the crowd is away, and others write");
        (0..self.arguments.users).for_each(|client| traffic.leaves(net, client));
        self.write(net, traffic)?;
        everybody.clone().for_each(|client| traffic.leaves(net, client));
        let ready = self.restart()?;
        if !self.order_and_wait(Order::Come, net, traffic)? {
            return Ok(None);
        }
        self.live.phase("the crowd comes back");
        let mut cpu = self.server.pid().map(CpuMeter::new);
        let cpu_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns);
        if self.orders.send(Order::During).is_err() {
            return Ok(None);
        }
        let (target, in_flight, progress) = (self.target, self.arguments.in_flight, self.progress);
        let how = How { target, accounts: self.scene.crowd(), in_flight, progress };
        let back = come_back(net, traffic, everybody, how);
        self.over.store(true, Ordering::Relaxed);
        let server_cpu_ns = cpu.as_mut().map_or(0, CpuMeter::total_ns).saturating_sub(cpu_ns);
        let back = back?;
        let is_measured = self.wait(Order::During, net, traffic)?;
        let is_gone = self.order_and_wait(Order::Leave, net, traffic)?;
        Ok((is_measured && is_gone).then_some(Round { back, ready, server_cpu_ns }))
    }

    /// One message to each room, as often as is to be missed.
    fn write(&mut self, net: &mut Net, traffic: &mut Traffic<'_>) -> Result<(), Failure> {
        let plan = Plan {
            warm_up: Duration::ZERO,
            measure: LONG,
            messages_max: Some(self.scene.ids.len() as u64),
            per_second: None,
        };
        for _ in 0..self.arguments.missed {
            traffic.run(net, plan, None, self.progress)?;
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<Duration, Failure> {
        self.live.phase("the server is started again");
        let ended = self.server.terminate(END_WITHIN)?;
        if !ended.is_some_and(|exit| exit.status.success()) {
            return Err(Failure::Server(match ended {
                Some(exit) => format!("asked to end, it ended with {}", exit.status),
                None => format!("it did not end within {} s", END_WITHIN.as_secs()),
            }));
        }
        self.server.spawn()?;
        let ready = self.server.wait_ready(&self.target.interrupt)?;
        self.progress.set_server_pid(self.server.pid());
        Ok(ready)
    }

    /// False: the group has given up.
    fn order_and_wait(
        &self,
        order: Order,
        net: &mut Net,
        traffic: &mut Traffic<'_>,
    ) -> Result<bool, Failure> {
        Ok(self.orders.send(order).is_ok() && self.wait(order, net, traffic)?)
    }

    /// Answers pings until the group has done it.
    fn wait(
        &self,
        order: Order,
        net: &mut Net,
        traffic: &mut Traffic<'_>,
    ) -> Result<bool, Failure> {
        loop {
            match self.done.try_recv() {
                Ok(done) => return Ok(done == order),
                Err(TryRecvError::Disconnected) => return Ok(false),
                Err(TryRecvError::Empty) => {}
            }
            self.target.interrupt.check()?;
            net.turn(traffic, TURN_MAX).map_err(Failure::system("waiting"))?;
        }
    }
}
