//! The small group that chats all the while.
//!
//! Owns      a thread with sockets of its own, and the latencies of those who missed nothing.
//! Promises  does what it is told, one thing after the other, and tells when it is done; its thread
//!           goes before the crowd's where both want the same core.
//! Does not  decide when anything begins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use salon_protocol::RoomId;

use super::CatchupArguments;
use super::comeback::{How, come_back};
use crate::client::Net;
use crate::clock::epoch_ms;
use crate::crowd::{Account, Target};
use crate::failure::Failure;
use crate::measure::{Latency, Progress};
use crate::oracle::Verdict;
use crate::scenario::in_words;
use crate::scenario::joining::join;
use crate::traffic::{Kind, Plan, Rule, Style, Traffic};

/// Longer than any catching up that is waited for.
const LONG: Duration = Duration::from_secs(3_600);

/// What the crowd asks of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Come, the first time or again, and talk until talking is nothing new.
    Come,
    /// Measure for a while.
    Before,
    /// Measure until the others have caught up.
    During,
    /// Go.
    Leave,
}

/// What the group brings home.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) before: Latency,
    pub(super) during: Latency,
    pub(super) verdict: Verdict,
    pub(super) troubles: Vec<String>,
}

/// Who is in the group and what it has to know.
pub(super) struct Group<'a> {
    pub(super) arguments: &'a CatchupArguments,
    pub(super) target: &'a Target,
    pub(super) accounts: &'a [Account],
    pub(super) room: RoomId,
    pub(super) progress: &'a Progress,
    /// The others have caught up.
    pub(super) over: &'a AtomicBool,
}

impl Group<'_> {
    /// Obeys until nobody orders any more.
    pub(super) fn obey(
        &self,
        orders: Receiver<Order>,
        done: Sender<Order>,
    ) -> Result<Heard, Failure> {
        let mut net = self.target.net()?;
        let style = Style {
            kind: Kind::Server,
            rule: Rule::Sender,
            window: 1,
            text_bytes: self.arguments.text_bytes,
            salt: epoch_ms() ^ self.arguments.common.seed ^ u64::MAX,
        };
        let mut traffic = Traffic::new(self.target, style);
        traffic.ends_with(self.over);
        traffic.add_room(self.room, self.accounts.len() as u32 * 4);
        let mut heard = Heard::default();
        let mut is_first = true;
        for order in orders {
            match order {
                Order::Come => {
                    self.come(&mut net, &mut traffic, std::mem::take(&mut is_first))?;
                }
                Order::Before => {
                    let plan = self.plan(self.arguments.before);
                    let measured = traffic.run(&mut net, plan, None, self.progress)?;
                    heard.before.absorb(&measured.delivery);
                }
                Order::During => {
                    let measured = traffic.run(&mut net, self.plan(LONG), None, self.progress)?;
                    heard.during.absorb(&measured.delivery);
                }
                Order::Leave => {
                    (0..self.accounts.len()).for_each(|client| traffic.leaves(&mut net, client));
                }
            }
            // Whoever ordered may have given up.
            let _ = done.send(order);
        }
        heard.troubles = in_words(traffic.troubles());
        heard.verdict = traffic.verify(|_| &self.accounts[0])?;
        Ok(heard)
    }

    fn plan(&self, measure: Duration) -> Plan {
        let per_second = Some(self.arguments.rate);
        Plan { warm_up: Duration::ZERO, measure, messages_max: None, per_second }
    }

    fn come(
        &self,
        net: &mut Net,
        traffic: &mut Traffic<'_>,
        is_first: bool,
    ) -> Result<(), Failure> {
        let (target, accounts, progress) = (self.target, self.accounts, self.progress);
        if is_first {
            join(net, target, traffic, accounts, progress, &|_| vec![(0, self.room)])?;
            (0..accounts.len()).for_each(|client| traffic.add_sender(client, 0));
        } else {
            let how = How { target, accounts, in_flight: accounts.len(), progress };
            come_back(net, traffic, 0..accounts.len(), how)?;
        }
        self.over.store(false, Ordering::Relaxed);
        let warm_up = Plan { messages_max: Some(self.arguments.rate / 2), ..self.plan(LONG) };
        traffic.run(net, warm_up, None, progress).map(drop)
    }
}
