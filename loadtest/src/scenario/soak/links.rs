//! Coming and going.
//!
//! Owns      connecting, `auth` with positions, and what is done when a connection is lost.
//! Promises  full jitter between attempts; a server that asks for a pause gets it. Now and then a
//!           device has forgotten some or all of what it held, so that every kind of start is seen.
//! Does not  give a device up.

use salon_protocol::close_code::{CloseCode, Reconnect, reconnect};
use salon_protocol::envelope::Raw;
use salon_protocol::limits::REPLAY_ROOM_EVENTS_MAX;
use salon_protocol::reply::AuthOk;
use salon_protocol::request::Positions;
use salon_protocol::{ErrorCode, ErrorData, Seq};

use super::device::Link;
use super::errand::Errand;
use super::people::People;
use crate::client::{Closed, Kind, Net, Peer};
use crate::clock::SECOND_NS;
use crate::crowd::{authenticate, enrol};
use crate::failure::Failure;
use crate::oracle::Start;

/// Of a hundred connections: those whose device remembers everything that it held.
const REMEMBERS_PERCENT: u64 = 80;
/// And those whose device remembers something older.
const REMEMBERS_SOME_PERCENT: u64 = 12;
/// While the server has to answer, a connection or request may take so long.
pub(super) const ANSWER_WITHIN_NS: u64 = 10 * SECOND_NS;

impl People<'_> {
    /// Connects whoever has been away long enough.
    pub(super) fn connect_due(&mut self, net: &mut Net) -> Result<(), Failure> {
        for device in 0..self.devices.len() {
            let is_due = matches!(self.devices[device].link,
                Link::Away { until_ns } if until_ns <= self.now_ns);
            if !is_due {
                continue;
            }
            if self.devices[device].is_logged_out {
                self.log_in(device)?;
            }
            self.devices[device].is_asleep = false;
            match net.connect(Kind::WebSocket, device as u32) {
                Ok(id) => {
                    self.devices[device].link = Link::Opening { id, since_ns: self.now_ns };
                }
                Err(error) => self.lost(device, &Closed::Unreachable(error)),
            }
        }
        Ok(())
    }

    /// A new token for a device.
    fn log_in(&mut self, device: usize) -> Result<(), Failure> {
        let device = &mut self.devices[device];
        let names = [device.account.name.clone()];
        if let Some(account) = enrol(self.target, &names, &device.name)?.pop() {
            device.account = account;
            device.is_logged_out = false;
        }
        Ok(())
    }

    /// A socket is open: `auth`, with what the device holds.
    pub(super) fn introduces_itself(&mut self, net: &mut Net, peer: Peer) {
        let device = peer.tag as usize;
        let named = self.positions(device);
        let asked = self.oracle.moment();
        let from = &mut self.devices[device];
        let positions = named.as_ref().map(|named| {
            let rooms = named.iter().map(|(room, seq)| (self.rooms[*room as usize].id, *seq));
            (Positions(rooms.collect()), self.epoch.clone())
        });
        authenticate(net, peer.id, from.encoding, &from.account, &from.name, positions);
        from.link = Link::Asked { id: peer.id, since_ns: self.now_ns, asked, named };
    }

    /// What the device says that it holds.
    fn positions(&mut self, device: usize) -> Option<Vec<(u32, Seq)>> {
        let chance = self.random.below(100);
        let rooms = self.devices[device].rooms.clone();
        let held: Option<Vec<_>> =
            rooms.into_iter().map(|room| Some((room, self.held(device, room)?))).collect();
        let held = held?;
        if chance < REMEMBERS_PERCENT {
            return Some(held);
        }
        if chance < REMEMBERS_PERCENT + REMEMBERS_SOME_PERCENT {
            let older = |(room, seq): (u32, Seq)| {
                // Sometimes more than the server replays.
                let forgotten = self.random.below(REPLAY_ROOM_EVENTS_MAX * 3 / 2);
                (room, seq.saturating_sub(forgotten))
            };
            return Some(held.into_iter().map(older).collect());
        }
        None
    }

    /// The session is open.
    pub(super) fn let_in(&mut self, net: &mut Net, peer: Peer, data: Raw<'_>) {
        let device = peer.tag as usize;
        let away = Link::Away { until_ns: self.now_ns };
        let link = std::mem::replace(&mut self.devices[device].link, away);
        let Link::Asked { asked, named, .. } = link else {
            self.devices[device].link = link;
            return self.trouble("auth was answered twice");
        };
        let answer = match data.decode::<AuthOk>() {
            Ok(answer) => answer,
            Err(error) => return self.trouble(format!("the answer to auth: {}", error.message)),
        };
        self.devices[device].link = Link::Online { id: peer.id };
        self.devices[device].failures = 0;
        self.counts.connections += 1;
        if let Some(lost_ns) = self.devices[device].lost_ns.take() {
            self.seen.reconnect.record_ns(self.now_ns - lost_ns);
        }
        if answer.user.id != self.devices[device].account.user {
            self.trouble("auth was answered with another user");
        }
        let epoch = self.epoch.get_or_insert_with(|| answer.epoch.clone());
        if *epoch != answer.epoch {
            *epoch = answer.epoch.clone();
            self.trouble("the epoch has changed, though nothing was restored");
        }
        let starts = self.starts(device, &answer, named.as_deref());
        self.oracle.session_opened(self.devices[device].index, asked, &starts);
        self.pump(net, device);
    }

    /// From where the session follows each room. What is stale is read by pages from now on.
    fn starts(
        &mut self,
        device: usize,
        answer: &AuthOk,
        named: Option<&[(u32, Seq)]>,
    ) -> Vec<(crate::oracle::RoomIndex, Start)> {
        let mut starts = Vec::new();
        for room in self.devices[device].rooms.clone() {
            let place = self.rooms[room as usize];
            let Some(head) = answer.rooms.iter().find(|head| head.id == place.id) else {
                self.trouble("the answer to auth lacks a room of the user");
                continue;
            };
            self.heard_of(room, head.seq);
            let held = named.and_then(|named| named.iter().find(|(known, _)| *known == room));
            let start = match held.map(|(_, seq)| *seq) {
                None => Start::After(head.seq),
                Some(held) => {
                    if held > head.seq {
                        self.trouble("a room ends before what a device has got of it");
                    }
                    if answer.stale.contains(&place.id.to_string()) {
                        self.seen.catch_ups += 1;
                        let errand = Errand::CatchUp { room, after: held };
                        self.devices[device].wants(errand, self.now_ns);
                        Start::Stale { held, head: head.seq }
                    } else {
                        Start::After(held)
                    }
                }
            };
            starts.push((place.index, start));
        }
        starts
    }

    /// `auth` was refused.
    pub(super) fn kept_out(&mut self, net: &mut Net, peer: Peer, error: &ErrorData) {
        let device = peer.tag as usize;
        *self.seen.errors.entry(format!("auth: {}", error.code.name())).or_insert(0) += 1;
        match error.code {
            ErrorCode::Unauthorized => self.devices[device].is_logged_out = true,
            _ if error.retry_after_ms.is_some() => {
                self.devices[device].bye_ms = error.retry_after_ms;
            }
            code => self.trouble(format!("auth was refused: {}: {}", code.name(), error.message)),
        }
        net.cut(peer.id);
        self.devices[device].lost(self.now_ns, &mut self.random);
    }

    /// A connection has ended, or did not come about.
    pub(super) fn lost(&mut self, device: usize, why: &Closed) {
        let words = match why {
            Closed::Unreachable(error) => format!("cannot connect: {}", error.kind()),
            Closed::Lost(error) => format!("lost: {}", error.kind()),
            Closed::Refused { status, .. } => format!("refused with {status}"),
            other => other.to_string(),
        };
        *self.seen.closes.entry(words.clone()).or_insert(0) += 1;
        self.counts.errors += 1;
        match why {
            Closed::Closed(code) if *code == CloseCode::Unauthorized.code() => {
                self.devices[device].is_logged_out = true;
            }
            Closed::Closed(code) if reconnect(*code) == Reconnect::Never => {
                self.trouble(format!("a socket was {words}, never to come back"));
            }
            Closed::Protocol(_) => self.trouble(words),
            // Nobody does anything to this server, so it has no reason.
            _ if self.arguments.nemeses().next().is_none() => {
                self.trouble(format!("a socket was {words}"));
            }
            _ => {}
        }
        self.devices[device].lost(self.now_ns, &mut self.random);
    }

    /// Leaves connections on which nothing comes though it should.
    pub(super) fn look_for_silence(&mut self, net: &mut Net) {
        let Some(fair_ns) = self.weather.fair_since_ns() else { return };
        for device in 0..self.devices.len() {
            let since = match &self.devices[device].link {
                Link::Away { .. } => None,
                Link::Opening { since_ns, .. } => Some((*since_ns, "a handshake")),
                Link::Asked { since_ns, .. } => Some((*since_ns, "auth")),
                Link::Online { .. } => self.devices[device].waits_since_ns(),
            };
            let Some((since_ns, what)) = since else { continue };
            if self.now_ns.saturating_sub(since_ns.max(fair_ns)) > ANSWER_WITHIN_NS {
                let seconds = ANSWER_WITHIN_NS / SECOND_NS;
                self.trouble(format!("{what} had no answer after {seconds} s"));
                if let Some(id) = self.devices[device].socket() {
                    net.cut(id);
                }
                self.devices[device].lost(self.now_ns, &mut self.random);
            }
        }
    }
}
