//! Rooms, founded and filled.
//!
//! Owns      `create_room` with the first 200 members and `invite` for the rest.
//! Promises  everybody may read a room from its first event (`history: all`), so that all devices
//!           can be held to the same history.
//! Does not  keep sockets: each founder comes, founds and leaves.

use salon_protocol::content::HistoryFor;
use salon_protocol::limits::{MEMBERS_PER_CALL_MAX, SOCKETS_PER_USER_MAX};
use salon_protocol::reply::RoomMade;
use salon_protocol::request::{CreateRoom, GroupOnly, Invite};
use salon_protocol::{Cid, Encoding, RoomId, UserId};

use super::{AUTH_REFERENCE, Account, Job, Target, authenticate, drive};
use crate::client::{Closed, Handler, Kind, Net, Peer};
use crate::failure::Failure;
use crate::wire::{self, Frame};

/// Rooms that are founded at once. One user may found them all.
const IN_FLIGHT_MAX: usize = 16;
const _: () = assert!(IN_FLIGHT_MAX < SOCKETS_PER_USER_MAX);
const CREATE_REFERENCE: u64 = 1;
const INVITE_REFERENCE: u64 = 2;

/// A room that is to be.
#[derive(Clone, Debug)]
pub struct RoomPlan {
    /// Its name.
    pub name: String,
    /// Names the request.
    pub cid: Cid,
    /// Indices of accounts; the first one founds it.
    pub members: Vec<usize>,
}

/// Founds all rooms; the ids come in the order of the plans.
pub fn found(
    target: &Target,
    accounts: &[Account],
    plans: &[RoomPlan],
) -> Result<Vec<RoomId>, Failure> {
    let mut net = target.net()?;
    let mut job = Founding {
        target,
        accounts,
        plans,
        next: 0,
        in_flight: 0,
        rooms: vec![None; plans.len()],
        invited: vec![0; plans.len()],
        done: 0,
        steps: 0,
        failure: None,
    };
    drive(&mut net, &mut job, target)?;
    Ok(job.rooms.into_iter().flatten().collect())
}

struct Founding<'a> {
    target: &'a Target,
    accounts: &'a [Account],
    plans: &'a [RoomPlan],
    next: usize,
    in_flight: usize,
    rooms: Vec<Option<RoomId>>,
    /// Members that are in already, the founder included.
    invited: Vec<usize>,
    done: usize,
    steps: u64,
    failure: Option<Failure>,
}

impl Founding<'_> {
    fn founder(&self, tag: u32) -> Option<&Account> {
        let founder = self.plans[tag as usize].members.first()?;
        self.accounts.get(*founder)
    }

    /// The next members, at most so many as one call takes.
    fn next_members(&mut self, tag: u32) -> Vec<UserId> {
        let index = tag as usize;
        let members = &self.plans[index].members[self.invited[index]..];
        let some = &members[..members.len().min(MEMBERS_PER_CALL_MAX)];
        self.invited[index] += some.len();
        some.iter().filter_map(|member| Some(self.accounts.get(*member)?.user)).collect()
    }

    fn create(&mut self, net: &mut Net, peer: Peer, encoding: Encoding) {
        self.invited[peer.tag as usize] = 1;
        let members = self.next_members(peer.tag);
        let plan = &self.plans[peer.tag as usize];
        let request = CreateRoom {
            cid: plan.cid,
            name: plan.name.clone(),
            members,
            kind: GroupOnly::Group,
            history: HistoryFor::All,
        };
        net.request(peer.id, encoding, "create_room", CREATE_REFERENCE, &request);
    }

    fn invite(&mut self, net: &mut Net, peer: Peer, encoding: Encoding) {
        let users = self.next_members(peer.tag);
        match self.rooms[peer.tag as usize] {
            Some(room) if !users.is_empty() => {
                let request = Invite { room, users };
                net.request(peer.id, encoding, "invite", INVITE_REFERENCE, &request);
            }
            _ => {
                net.leave(peer.id);
                self.done += 1;
                self.in_flight -= 1;
            }
        }
    }

    fn answered(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, frame: Frame<'_>) {
        match frame {
            Frame::Ok { reference: Some(AUTH_REFERENCE), .. } => self.create(net, peer, encoding),
            Frame::Ok { reference: Some(CREATE_REFERENCE), data } => {
                match data.decode::<RoomMade>() {
                    Ok(made) => self.rooms[peer.tag as usize] = Some(made.room),
                    Err(error) => self.fail(format!("create_room answers: {}", error.message)),
                }
                self.invite(net, peer, encoding);
            }
            Frame::Ok { reference: Some(INVITE_REFERENCE), .. } => {
                self.invite(net, peer, encoding);
            }
            Frame::Error { error, .. } => {
                self.fail(format!("a room cannot be made: {} ({:?})", error.message, error.code));
            }
            _ => return,
        }
        self.steps += 1;
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Server(what));
    }
}

impl Handler for Founding<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        if let Some(account) = self.founder(peer.tag) {
            // A device of its own, so that two rooms of one founder do not replace each other.
            let device = format!("founder-{}", peer.tag);
            authenticate(net, peer.id, self.target.encoding, account, &device, None);
        }
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        match wire::frame(encoding, payload) {
            Ok(frame) => self.answered(net, peer, encoding, frame),
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn closed(&mut self, _: &mut Net, _: Peer, why: Closed) {
        self.fail(format!("a socket that makes a room was {why}"));
    }
}

impl Job for Founding<'_> {
    fn begin(&mut self, net: &mut Net, _: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        while self.in_flight < IN_FLIGHT_MAX && self.next < self.plans.len() {
            net.connect(Kind::WebSocket, self.next as u32)
                .map_err(Failure::system("connecting"))?;
            self.next += 1;
            self.in_flight += 1;
        }
        Ok(())
    }

    fn progress(&self) -> u64 {
        self.steps
    }

    fn is_done(&self) -> bool {
        self.done == self.plans.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} rooms founded", self.done, self.plans.len())
    }
}
