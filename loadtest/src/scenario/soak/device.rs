//! One device: its connection, and what it wants.
//!
//! Owns      the state of its link, its queue, and what it waits for.
//! Promises  requests that have to be done go on in their old order when the connection is lost;
//!           others are forgotten.
//! Does not  read or write.

use std::collections::{BTreeMap, VecDeque};

use salon_protocol::{Encoding, Seq};

use super::errand::{Errand, Order};
use crate::client::SocketId;
use crate::clock::MILLISECOND_NS;
use crate::crowd::{AUTH_REFERENCE, Account};
use crate::oracle::{DeviceIndex, Moment};
use crate::random::Random;

/// Requests that may wait for their answer; far less than the server allows.
const UNDER_WAY_MAX: usize = 64;
/// The first pause before a connection is tried again, on average twice as long as this.
const PAUSE_MS: u64 = 50;
/// The longest pause.
const PAUSE_MS_MAX: u64 = 2_000;

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Link {
    Away {
        until_ns: u64,
    },
    Opening {
        id: SocketId,
        since_ns: u64,
    },
    /// `auth` was sent, with these positions.
    Asked {
        id: SocketId,
        since_ns: u64,
        asked: Moment,
        named: Option<Vec<(u32, Seq)>>,
    },
    Online {
        id: SocketId,
    },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) account: Account,
    /// Index of its user.
    pub(super) user: usize,
    /// The name that it gives itself.
    pub(super) name: String,
    pub(super) encoding: Encoding,
    pub(super) index: DeviceIndex,
    /// Indices of the rooms that it is to see.
    pub(super) rooms: Vec<u32>,
    pub(super) link: Link,
    /// The token has ended.
    pub(super) is_logged_out: bool,
    /// Stays away by its own will.
    pub(super) is_asleep: bool,
    /// What `bye` asked for.
    pub(super) bye_ms: Option<u64>,
    /// When the connection was lost that is being replaced.
    pub(super) lost_ns: Option<u64>,
    /// Connections that failed in a row.
    pub(super) failures: u32,
    todo: VecDeque<Order>,
    later: Vec<(u64, Order)>,
    under_way: BTreeMap<u64, Order>,
    next_reference: u64,
}

impl Device {
    pub(super) fn new(account: Account, name: String, user: usize, index: DeviceIndex) -> Device {
        Device {
            account,
            user,
            name,
            encoding: Encoding::MessagePack,
            index,
            rooms: Vec::new(),
            link: Link::Away { until_ns: 0 },
            is_logged_out: false,
            is_asleep: false,
            bye_ms: None,
            lost_ns: None,
            failures: 0,
            todo: VecDeque::new(),
            later: Vec::new(),
            under_way: BTreeMap::new(),
            next_reference: AUTH_REFERENCE + 1,
        }
    }

    /// Its connection, if there is one.
    pub(super) fn socket(&self) -> Option<SocketId> {
        match self.link {
            Link::Away { .. } => None,
            Link::Opening { id, .. } | Link::Asked { id, .. } | Link::Online { id } => Some(id),
        }
    }

    pub(super) fn online(&self) -> Option<SocketId> {
        match self.link {
            Link::Online { id } => Some(id),
            _ => None,
        }
    }

    /// Puts an errand at the end of the queue.
    pub(super) fn wants(&mut self, errand: Errand, now_ns: u64) {
        self.todo.push_back(Order::new(errand, now_ns));
    }

    /// Tries again after a while.
    pub(super) fn wants_later(&mut self, order: Order, at_ns: u64) {
        self.later.push((at_ns, order));
    }

    /// What may be sent now, with its number.
    pub(super) fn next_order(&mut self, now_ns: u64) -> Option<(u64, Order)> {
        if self.online().is_none() || self.under_way.len() >= UNDER_WAY_MAX {
            return None;
        }
        if let Some(index) = self.later.iter().position(|(at_ns, _)| *at_ns <= now_ns) {
            self.todo.push_front(self.later.remove(index).1);
        }
        let order = self.todo.pop_front()?;
        self.next_reference += 1;
        Some((self.next_reference - 1, order))
    }

    /// It was sent.
    pub(super) fn sent(&mut self, reference: u64, order: Order) {
        self.under_way.insert(reference, order);
    }

    /// It was answered.
    pub(super) fn answered(&mut self, reference: u64) -> Option<Order> {
        self.under_way.remove(&reference)
    }

    /// When the oldest request was sent that has no answer.
    pub(super) fn waits_since_ns(&self) -> Option<(u64, &'static str)> {
        let oldest = self.under_way.values().min_by_key(|order| order.sent_ns)?;
        Some((oldest.sent_ns, oldest.errand.name()))
    }

    /// Whether everything that it wanted was answered.
    pub(super) fn is_content(&self) -> bool {
        self.online().is_some()
            && self.todo.is_empty()
            && self.later.is_empty()
            && self.under_way.is_empty()
    }

    /// The connection is gone: tries again after a pause with full jitter, but never before the
    /// server wants it.
    pub(super) fn lost(&mut self, now_ns: u64, random: &mut Random) {
        let longest_ms = (PAUSE_MS << (self.failures + 1).min(16)).min(PAUSE_MS_MAX);
        let pause_ms = self.bye_ms.take().unwrap_or(0) + random.between(0, longest_ms);
        self.failures = self.failures.saturating_add(1);
        self.sleeps_until(now_ns, now_ns + pause_ms * MILLISECOND_NS);
    }

    /// The connection is gone, and stays so for a while.
    pub(super) fn sleeps_until(&mut self, now_ns: u64, until_ns: u64) {
        self.link = Link::Away { until_ns };
        self.lost_ns.get_or_insert(now_ns);
        let again = std::mem::take(&mut self.under_way).into_values();
        let waiting = std::mem::take(&mut self.todo);
        let later = std::mem::take(&mut self.later).into_iter().map(|(_, order)| order);
        let all = again.chain(later).chain(waiting);
        self.todo = all.filter(|order| order.errand.is_lasting()).collect();
    }
}

#[cfg(test)]
mod tests {
    use salon_protocol::UserId;

    use super::*;
    use crate::oracle::{Oracle, Texts};

    fn device() -> Device {
        let user = UserId::from_bytes([1; 16]);
        let index = Oracle::new(Texts::Whole).device(user, "one");
        let account = Account { user, name: "one".to_owned(), token: String::new() };
        Device::new(account, "soak-0".to_owned(), 0, index)
    }

    #[test]
    fn what_has_to_be_done_goes_on_in_its_order() {
        let mut device = device();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut net = crate::client::Net::new(listener.local_addr().unwrap()).unwrap();
        let id = net.connect(crate::client::Kind::WebSocket, 0).unwrap();
        let recall = |target| Errand::Recall { room: 0, target };
        for target in 1..=3 {
            device.wants(recall(target), 0);
        }
        device.wants(Errand::Typing { room: 0 }, 0);
        assert!(device.next_order(0).is_none(), "it is away");
        device.link = Link::Online { id };
        for expected in 1..=2 {
            let (reference, order) = device.next_order(0).unwrap();
            assert_eq!(reference, expected);
            device.sent(reference, order);
        }
        let first = device.answered(1).unwrap();
        device.wants_later(first, 50);
        device.lost(10, &mut Random::new(1));
        assert!(device.online().is_none() && !device.is_content());
        device.link = Link::Online { id };
        let next: Vec<_> = std::iter::from_fn(|| device.next_order(20)).collect();
        let errands: Vec<_> = next.iter().map(|(_, order)| order.errand.clone()).collect();
        assert_eq!(errands, [recall(2), recall(1), recall(3)]);
        assert_eq!(next[0].0, 3, "numbers are never used twice");
    }
}
