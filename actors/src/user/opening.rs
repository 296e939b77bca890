//! What a socket gets when it opens: which rooms are listed, where each log goes on, what is stale.
//! Pure: from what the store knows and what the client says.

use std::collections::{HashMap, HashSet};

use salon_protocol::ids::INBOX;
use salon_protocol::reply::{AuthOk, Limits, Peer, RoomHead};
use salon_protocol::request::Auth;
use salon_protocol::{LogId, Millis, RoomId, Seq, SessionId, limits};
use salon_storage::model::{Membership, Opening, Unread};

use crate::connection::Subscription;

/// The plan for a socket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Rooms for the answer, by their place in [`Opening::rooms`].
    pub(crate) listed: Vec<usize>,
    pub(crate) more_rooms: bool,
    pub(crate) stale: Vec<String>,
    /// The inbox first, then the rooms, the newest first.
    pub(crate) logs: Vec<Subscription>,
}

/// Makes the plan.
pub(crate) fn plan(opening: &Opening, auth: &Auth, epoch: &str) -> Plan {
    let same_store = auth.epoch.as_deref().is_none_or(|known| known == epoch);
    let named = auth.rooms.as_ref().map(|positions| positions.0.as_slice()).unwrap_or_default();
    let positions: HashMap<RoomId, Seq> = named.iter().copied().collect();
    let mut stale = Vec::new();
    let mut logs = Vec::with_capacity(opening.rooms.len() + 1);
    let mut budget = limits::REPLAY_TOTAL_EVENTS_MAX;

    let inbox = Subscription {
        log: opening.account.inbox,
        id: LogId::Inbox,
        after: opening.inbox_head,
        head: opening.inbox_head,
    };
    let place = auth.inbox.map(|position| {
        let before_first = opening.inbox_first.saturating_sub(1);
        // 0 asks for all that is kept; another position must not be followed by a hole.
        let position = if position == 0 { before_first } else { position };
        let trusted = same_store && position >= before_first;
        replay(position, opening.inbox_head, trusted, &mut budget)
    });
    match place {
        Some(Some(after)) => logs.push(Subscription { after, ..inbox }),
        Some(None) => {
            stale.push(INBOX.to_owned());
            logs.push(inbox);
        }
        None => logs.push(inbox),
    }
    for room in &opening.rooms {
        let log = Subscription {
            log: room.room.key,
            id: LogId::Room(room.room.id),
            after: room.head,
            head: room.head,
        };
        let Some(position) = positions.get(&room.room.id) else {
            logs.push(log);
            continue;
        };
        // What was before his time is never his.
        let position = (*position).max(room.first_seq.saturating_sub(1));
        match replay(position, room.head, same_store, &mut budget) {
            Some(after) => logs.push(Subscription { after, ..log }),
            None => {
                stale.push(room.room.id.to_string());
                logs.push(log);
            }
        }
    }
    let named: HashSet<RoomId> = positions.into_keys().collect();
    let (listed, more_rooms) = list(&opening.rooms, &named);
    Plan { listed, more_rooms, stale, logs }
}

/// Where to go on, if all that was missed can be replayed.
fn replay(position: Seq, head: Seq, trusted: bool, budget: &mut u64) -> Option<Seq> {
    let missed = head.checked_sub(position)?;
    let fits = missed <= limits::REPLAY_ROOM_EVENTS_MAX && missed <= *budget;
    if !trusted || !fits {
        return None;
    }
    *budget -= missed;
    Some(position)
}

/// The rooms that were named and the newest ones.
fn list(rooms: &[Membership], named: &HashSet<RoomId>) -> (Vec<usize>, bool) {
    let mut listed = Vec::new();
    let mut newest = 0;
    for (place, room) in rooms.iter().enumerate() {
        if named.contains(&room.room.id) {
            listed.push(place);
        } else if newest < limits::ROOMS_NEWEST_MAX {
            newest += 1;
            listed.push(place);
        }
    }
    let more = listed.len() < rooms.len();
    (listed, more)
}

/// What only the server knows besides.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) id: SessionId,
    pub(crate) epoch: &'a str,
    pub(crate) now: Millis,
    pub(crate) expires_at: Millis,
    pub(crate) limits: Limits,
}

/// The answer to `auth`. `unread` is in the order of [`Plan::listed`].
pub(crate) fn answer(
    opening: &Opening,
    plan: &Plan,
    unread: Vec<(Unread, Option<Peer>)>,
    session: Session<'_>,
) -> AuthOk {
    let listed = plan.listed.iter().filter_map(|place| opening.rooms.get(*place));
    let rooms = listed.zip(unread).map(|(room, (unread, peer))| RoomHead {
        id: room.room.id,
        kind: room.kind,
        name: room.name.clone(),
        seq: room.head,
        first_seq: room.first_seq,
        read: room.read,
        delivered: room.delivered,
        unread: unread.count,
        unread_more: unread.more,
        role: room.role,
        peer,
    });
    AuthOk {
        user: opening.account.profile(),
        session: session.id,
        epoch: session.epoch.to_owned(),
        heartbeat_ms: limits::HEARTBEAT_MS,
        server_time: session.now,
        expires_at: session.expires_at,
        limits: session.limits,
        inbox: opening.inbox_head,
        rooms: rooms.collect(),
        more_rooms: plan.more_rooms,
        stale: plan.stale.clone(),
    }
}
