//! What viewers are told of counts: at most once a second, and the last value always.
//!
//! Owns      how many sockets view each session on this node, and what has changed since the last telling.
//! Promises  no timer while nothing changes; nothing is remembered of sessions that nobody views.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salon_protocol::signal::{PhotoCount, PhotoCounts, PhotoSelection, SessionViewers};
use salon_protocol::{PhotoId, RoomId, SignalData, UserId, limits};
use salon_storage::model::{Marked, RoomRef};

use crate::connection::SignalTo;
use crate::node::Node;
use crate::publish::Publish as _;

/// Photos of one session whose counts wait; above, the oldest are told with the next change of theirs.
const PHOTOS_MAX: usize = 2_000;
/// Lists whose counts wait.
const SELECTIONS_MAX: usize = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<RoomId, Session>,
    /// A telling is on its way.
    scheduled: bool,
}

#[derive(Debug)]
struct Session {
    room: RoomRef,
    viewers: u64,
    told: u64,
    photos: BTreeMap<PhotoId, PhotoCount>,
    selections: HashMap<(UserId, String), (u64, Vec<UserId>)>,
}

impl Session {
    fn new(room: RoomRef) -> Self {
        Session { room, viewers: 0, told: 0, photos: BTreeMap::new(), selections: HashMap::new() }
    }
}

impl Viewers {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sockets that view a session on this node.
    pub(crate) fn of(&self, session: RoomId) -> u64 {
        self.state().sessions.get(&session).map_or(0, |session| session.viewers)
    }

    /// A socket views a session from now on, or no longer.
    pub(crate) fn changed(&self, node: &Arc<Node>, room: RoomRef, came: bool) {
        let gauge = &node.metrics().viewers;
        let _ = if came { gauge.inc() } else { gauge.dec() };
        self.note(node, room, |session| {
            session.viewers =
                if came { session.viewers + 1 } else { session.viewers.saturating_sub(1) };
        });
    }

    /// Marks have changed.
    pub(crate) fn marked(&self, node: &Arc<Node>, marked: Marked) {
        let Marked { counts, selection, staff, log } = marked;
        let Some(room) = log else { return };
        if counts.is_empty() && selection.is_none() {
            return;
        }
        self.note(node, room, |session| {
            for count in counts {
                if session.photos.len() < PHOTOS_MAX || session.photos.contains_key(&count.photo) {
                    session.photos.insert(count.photo, count);
                }
            }
            if let Some(selection) = selection {
                let key = (selection.user, selection.list);
                if session.selections.len() < SELECTIONS_MAX {
                    session.selections.insert(key, (selection.count, staff));
                }
            }
        });
    }

    fn note(&self, node: &Arc<Node>, room: RoomRef, change: impl FnOnce(&mut Session)) {
        let mut state = self.state();
        change(state.sessions.entry(room.id).or_insert_with(|| Session::new(room)));
        if std::mem::replace(&mut state.scheduled, true) {
            return;
        }
        drop(state);
        let node = Arc::downgrade(node);
        actix::spawn(async move {
            tokio::time::sleep(Duration::from_millis(limits::COUNTS_EVERY_MS.unsigned_abs())).await;
            if let Some(node) = node.upgrade() {
                node.viewers().tell(&node);
            }
        });
    }

    fn tell(&self, node: &Node) {
        let mut told = Vec::new();
        let mut state = self.state();
        state.scheduled = false;
        state.sessions.retain(|_, session| {
            let room = session.room;
            let all = SignalTo::Log { log: room.key, except: None };
            if session.viewers != session.told {
                session.told = session.viewers;
                let viewers = SessionViewers { viewers: session.viewers };
                told.push((all, room, SignalData::SessionViewers(viewers)));
            }
            let counts: Vec<PhotoCount> =
                std::mem::take(&mut session.photos).into_values().collect();
            for photos in counts.chunks(limits::PHOTOS_PER_CALL_MAX) {
                let photos = PhotoCounts { photos: photos.to_vec() };
                told.push((all, room, SignalData::PhotoCounts(photos)));
            }
            for ((user, list), (count, staff)) in std::mem::take(&mut session.selections) {
                let selection = PhotoSelection { user, list, count };
                for one in staff {
                    let data = SignalData::PhotoSelection(selection.clone());
                    told.push((SignalTo::User(one), room, data));
                }
            }
            session.viewers > 0
        });
        drop(state);
        for (to, room, data) in told {
            // Another about each, so that a slow socket keeps the newest of each.
            let about = match &data {
                SignalData::PhotoSelection(selection) => selection.user,
                _ => UserId::from_bytes(*room.id.as_bytes()),
            };
            node.signal(to, Some(room), about, data);
        }
    }
}
