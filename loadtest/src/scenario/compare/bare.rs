//! The parts of whatever keeps nothing: the floor and the peers.
//!
//! Owns      their processes, their sockets, and the measuring.
//! Promises  the same traffic, client, oracle and clocks as Salon's parts.
//! Does not  read histories: there are none.

use std::time::Duration;

use salon_protocol::{Encoding, RoomId, UserId};

use super::CompareArguments;
use super::sample::{Figure, Sample, What, Who};
use crate::client::Net;
use crate::clock::{SECOND_NS, epoch_ms};
use crate::crowd::{Account, Greeting, Opening, Report as OpenReport, Target, open};
use crate::failure::Failure;
use crate::floor::{self, Mode, NOBODY};
use crate::measure::{CpuMeter, Memory, Progress, memory};
use crate::peers::{self, Installed};
use crate::scenario::{DEVICE, elsewhere, idle, in_words};
use crate::server::Server;
use crate::stage::Stage;
use crate::traffic::{Kind, Plan, Rule, Style, Traffic};

/// A server that runs, and the people who come to it.
struct Bare<'a> {
    who: Who,
    /// Only to be killed with us.
    _server: Server,
    pid: u32,
    target: Target,
    arguments: &'a CompareArguments,
    accounts: Vec<Account>,
    /// By account.
    rooms: Vec<RoomId>,
    progress: Progress,
}

/// Measures one part.
pub(super) fn measure(
    arguments: &CompareArguments,
    stage: &Stage,
    who: Who,
    what: What,
    installed: Option<&Installed>,
) -> Result<Sample, Failure> {
    let (people, rooms) = match what {
        What::Fanout => (arguments.sockets, 1),
        What::Chat => (arguments.clients, arguments.rooms),
        What::Connect | What::Idle => (arguments.connections, arguments.rooms),
    };
    let mut bare = Bare::start(arguments, stage, who, installed)?;
    bare.invite(people, rooms);
    match what {
        What::Fanout => {
            let fanout = arguments.fanout();
            let style = fanout.style(bare.kind(), epoch_ms() ^ arguments.common.seed);
            bare.talk(1, arguments.window, style, fanout.plan(), |number| fanout.sends(number))
        }
        What::Chat => {
            let style = Style {
                kind: bare.kind(),
                rule: Rule::Sender,
                window: 1,
                text_bytes: arguments.text_bytes,
                salt: epoch_ms() ^ arguments.common.seed,
            };
            let under_way_max = people.div_ceil(rooms) as u32 * 4;
            bare.talk(rooms, under_way_max, style, arguments.chat().plan(1), |_| true)
        }
        What::Connect => bare.connect(),
        What::Idle => bare.idle(),
    }
}

fn room(number: usize) -> RoomId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    RoomId::from_bytes(bytes)
}

impl<'a> Bare<'a> {
    fn start(
        arguments: &'a CompareArguments,
        stage: &Stage,
        who: Who,
        installed: Option<&Installed>,
    ) -> Result<Bare<'a>, Failure> {
        let (pin, interrupt) = (arguments.common.pin, &stage.target.interrupt);
        let absent = || Failure::NoServer(format!("{} does not run", who.name()));
        let server = match who {
            Who::Peer(peer) => peers::start(peer, installed.ok_or_else(absent)?, pin, interrupt)?,
            Who::Floor | Who::Salon => floor::start(Mode::Coalesce, pin, interrupt)?,
        };
        let (Some(address), Some(pid)) = (server.address(), server.pid()) else {
            return Err(absent());
        };
        let mut target = elsewhere(&stage.target, address);
        if let Who::Peer(peer) = who {
            (target.dialect, target.encoding) = (peer.dialect(), Encoding::Json);
        }
        let (accounts, rooms, progress) = (Vec::new(), Vec::new(), Progress::default());
        Ok(Bare { who, _server: server, pid, target, arguments, accounts, rooms, progress })
    }

    /// So many people, divided among so many rooms.
    fn invite(&mut self, people: usize, rooms: usize) {
        self.rooms = (0..people).map(|number| room(number % rooms)).collect();
        let account = |number: usize| {
            let mut user = [0; 16];
            user[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            // The floor names nobody as the sender.
            let user = if self.who == Who::Floor { NOBODY } else { UserId::from_bytes(user) };
            Account { user, name: String::new(), token: String::new() }
        };
        self.accounts = (0..people).map(account).collect();
    }

    /// The floor acknowledges nothing.
    fn kind(&self) -> Kind {
        if self.who == Who::Floor { Kind::Floor } else { Kind::Server }
    }

    /// Opens a socket for everybody.
    fn open(&self, net: &mut Net) -> Result<OpenReport, Failure> {
        let greeting = match self.who {
            Who::Peer(_) => Greeting::Join(&self.rooms),
            Who::Floor | Who::Salon => Greeting::Nothing,
        };
        let opening = Opening {
            accounts: &self.accounts,
            device: DEVICE,
            in_flight: super::IN_FLIGHT,
            heads: true,
            greeting,
            progress: &self.progress,
        };
        let report = open(net, &self.target, opening)?;
        match &report.first_error {
            None => Ok(report),
            Some(first) => {
                let errors = report.errors;
                Err(Failure::Server(format!("{errors} sockets could not be opened: {first}")))
            }
        }
    }

    /// Fan-out and chat.
    fn talk(
        &self,
        rooms: usize,
        under_way_max: u32,
        style: Style,
        plan: Plan,
        sends: impl Fn(usize) -> bool,
    ) -> Result<Sample, Failure> {
        let mut net = self.target.net()?;
        let mut traffic = Traffic::new(&self.target, style);
        (0..rooms).for_each(|number| traffic.add_room(room(number), under_way_max));
        let opened = self.open(&mut net)?;
        for (number, (socket, account)) in opened.sockets.iter().zip(&self.accounts).enumerate() {
            let Some(id) = socket.id else { continue };
            let head = socket.heads.first().map_or(0, |(_, seq)| *seq);
            traffic.add_client(id, account.user, number % rooms, head, sends(number));
        }
        let cpu = Some(CpuMeter::new(self.pid));
        let measured = traffic.run(&mut net, plan, cpu, &self.progress)?;
        let mut sample = Sample::default();
        sample.set(Figure::PerSecond, measured.deliveries_per_s());
        sample.set(Figure::CpuUs, measured.cpu_us_per_delivery());
        sample.set_latency(&measured.delivery);
        sample.troubles = in_words(traffic.troubles());
        sample.verdict = traffic.judge();
        // There is no history by nature; the floor's frames are no messages of anybody.
        sample.verdict.totals.rooms_unread = 0;
        if self.who == Who::Floor {
            sample.verdict.totals = crate::oracle::Totals::default();
        }
        Ok(sample)
    }

    /// Two waves; the second one counts, for which a just-in-time compiler has seen the code.
    fn connect(&self) -> Result<Sample, Failure> {
        let mut net = self.target.net()?;
        self.open(&mut net)?;
        drop(net);
        self.settle(&mut self.target.net()?, &mut idle::Part::default())?;

        let mut net = self.target.net()?;
        let mut cpu = CpuMeter::new(self.pid);
        let (cpu_ns, begun_ns) = (cpu.total_ns(), self.target.clock.now_ns());
        let opened = self.open(&mut net)?;
        let seconds = (self.target.clock.now_ns() - begun_ns) as f64 / SECOND_NS as f64;
        let cpu_us = (cpu.total_ns() - cpu_ns) as f64 / 1_000.0;
        let count = opened.handshake.count() as f64;
        let mut sample = Sample::default();
        sample.set(Figure::PerSecond, count / seconds.max(1e-9));
        sample.set(Figure::CpuUs, cpu_us / count.max(1.0));
        sample.set_latency(&opened.handshake);
        Ok(sample)
    }

    fn idle(&self) -> Result<Sample, Failure> {
        let look = || memory(self.pid).unwrap_or_default();
        let mut part = idle::Part::default();
        let mut net = self.target.net()?;
        self.settle(&mut net, &mut part)?;
        let before: Memory = look();
        let opened = self.open(&mut net)?;
        self.settle(&mut net, &mut part)?;
        let bytes = look().rss_bytes as f64 - before.rss_bytes as f64;
        let mut sample = Sample::default();
        sample.set(Figure::SocketBytes, bytes / (opened.handshake.count() as f64).max(1.0));
        sample.troubles = in_words(&part.troubles);
        Ok(sample)
    }

    fn settle(&self, net: &mut Net, part: &mut idle::Part) -> Result<(), Failure> {
        let time: Duration = self.arguments.settle;
        idle::wait(net, &self.target, part, time, &self.progress)
    }
}
