//! The way to the store and back: how long it takes, what fails, and who hears the answer.

use std::collections::HashMap;
use std::sync::Arc;

use salon_protocol::event::MemberAction;
use salon_protocol::reply::RoomMade;
use salon_protocol::{
    ErrorCode, ErrorData, Event, EventData, LogId, RoomId, UserId, codec, limits,
};
use salon_storage::model::{LogPage, OpenOutcome, Opening};
use salon_storage::{Result, StoreError};

use super::fate::Fails;
use super::happening::{ActorLife, Asked, Asker, Happening, NodeLife, Question, Said};
use super::store::{Lie, Store};
use super::world::World;
use crate::caller::UserShared;
use crate::config::NodeConfig;
use crate::connection::{LogRead, Open, ToWorker};
use crate::presence::PresenceInput;
use crate::publish::{Publish as _, Reach as _};
use crate::room::RoomInput;
use crate::user::{Session, UserInput, answer, plan};

impl World {
    pub(super) fn ask_store(&mut self, question: Question) {
        let us = self.fate.store_us(&mut self.agenda);
        self.agenda.after_us(us, Happening::Asked(Box::new(question)));
    }

    /// The store does what it is asked, at one moment.
    pub(super) fn asked(&mut self, mut question: Question) {
        let by = question.by;
        if let Asked::Commit(_, ops) = &mut question.what
            && let Some(node) = self.node_at(by.node)
            && let Some(one) = node.rooms.lives.get_mut(&by.actor)
        {
            // As its actor does while the sockets are still written to.
            one.body.room.top_up(ops);
        }
        let changes = matches!(question.what, Asked::Commit(..) | Asked::CreateRoom(..));
        let said = match self.fate.store_fails(changes, &mut self.agenda) {
            Fails::No => self.does(question.by, &question.what),
            Fails::Before => question.what.failed(),
            Fails::After => {
                self.does(question.by, &question.what);
                question.what.failed()
            }
        };
        self.agenda.say(|| format!("    the store says {said:?}"));
        let us = self.fate.store_us(&mut self.agenda);
        self.agenda.after_us(us, Happening::Answered(Box::new(question), Box::new(said)));
    }

    fn does(&mut self, by: Asker, what: &Asked) -> Said {
        let now = self.agenda.now();
        let store = &mut self.store;
        match what {
            Asked::Room(room) => Said::Room(Ok(store.snapshot(*room))),
            Asked::Commit(room, ops) => {
                let lies = match store.lie {
                    Lie::Forgets => self.agenda.random.chance(3),
                    // What has no asker is done for good.
                    Lie::Hurries => by.actor != 0,
                    _ => false,
                };
                let before = lies.then(|| store.clone());
                let results = store.commit(*room, ops, now);
                let events = results.iter().flatten().flat_map(|done| &done.events);
                self.untold.extend(events.filter_map(joined));
                if let Some(before) = before {
                    *store = before;
                    if store.lie == Lie::Hurries && self.agenda.random.chance(95) {
                        let by = Asker { actor: 0, ..by };
                        let late = Box::new(Question { by, what: what.clone() });
                        self.agenda.between_us(1_000, 30_000, Happening::Asked(late));
                    }
                }
                Said::Commit(Ok(results))
            }
            Asked::Member(room, user) => Said::Member(Ok(store.member(*room, *user))),
            Asked::SaveCursors(updates) => {
                store.save_cursors(updates);
                Said::Saved(Ok(()))
            }
            Asked::Open(open) => {
                let opened = store.open(open.claims.user, open.claims.session);
                Said::Opened(Ok(opened), super::EPOCH.to_owned())
            }
            Asked::ReadLog(_, read) => {
                let limit = self.fate.page_events.min(limits::PAGE_EVENTS_MAX);
                let events = store.between(read.log, read.after, read.until, limit);
                Said::Log(Ok(Arc::new(LogPage { events, own: HashMap::new() })))
            }
            Asked::History(caller, page) => {
                Said::History(store.history(caller.user, page).map_err(StoreError::from))
            }
            Asked::CreateRoom(caller, id, create) => {
                let made = store.create_group(caller.user, *id, create, now);
                self.untold.extend(made.joined.iter().map(|user| (*user, *id)));
                Said::Made(Ok(made))
            }
            Asked::ReadBy(_, room, seq) => Said::ReadBy(Ok(store.read_by(*room, *seq))),
        }
    }

    /// Whoever asked hears the answer, if he is still there.
    pub(super) fn answered(&mut self, question: Question, said: Said) {
        let (at, life) = (question.by.node, question.by.actor);
        if self.node_at(at).is_none() {
            return;
        }
        match (question.what, said) {
            (Asked::Room(_), Said::Room(loaded)) => {
                self.room_takes(at, life, RoomInput::Loaded(loaded));
            }
            (Asked::Commit(..), Said::Commit(results)) => {
                self.room_takes(at, life, RoomInput::Committed(results));
            }
            (Asked::Member(_, user), Said::Member(member)) => {
                self.room_takes(at, life, RoomInput::Member(user, member));
            }
            (Asked::SaveCursors(_), Said::Saved(saved)) => {
                self.room_takes(at, life, RoomInput::CursorsSaved(saved));
            }
            (Asked::ReadLog(worker, read), Said::Log(page)) => {
                let read = LogRead { number: read.number, page };
                let Some(node) = self.node_at(at) else { return };
                // It waits while the queue is full, and is never dropped.
                let link = &node.hall.links[usize::from(worker)];
                link.queue.borrow_mut().push_back(ToWorker::LogRead(read));
            }
            (Asked::ReadBy(caller, ..), Said::ReadBy(read)) => {
                let Some(node) = self.node_at(at) else { return };
                if node.rooms.lives.contains_key(&life) {
                    let read = read.map_err(|error| error.to_error_data());
                    node.hall.answer(vec![caller.answer(&read)]);
                }
            }
            (Asked::Open(open), Said::Opened(outcome, epoch)) => {
                self.opening_read((at, life), &open, outcome, &epoch);
            }
            (what, said) => self.served((at, life), what, said),
        }
    }

    fn served(&mut self, (at, life): (NodeLife, ActorLife), what: Asked, said: Said) {
        let node = self.node_at(at);
        if !node.is_some_and(|node| node.users.lives.contains_key(&life)) {
            return;
        }
        if let Said::Made(Ok(made)) = &said {
            self.untold.retain(|(user, room)| *room != made.room.id || !made.joined.contains(user));
        }
        let Some(node) = self.node_at(at) else { return };
        let answer = match (what, said) {
            (Asked::History(caller, _), Said::History(page)) => caller.answer(&told(page)),
            (Asked::CreateRoom(caller, ..), Said::Made(made)) => {
                let made = made.inspect(|made| node.hall.made(made));
                let made =
                    made.map(|made| RoomMade { room: made.room.id, duplicate: made.duplicate });
                caller.answer(&told(made))
            }
            (what, said) => unreachable!("{what:?} is not answered with {said:?}"),
        };
        node.hall.answer(vec![answer]);
        self.user_takes(at, life, UserInput::Served);
    }

    fn opening_read(
        &mut self,
        (at, life): (NodeLife, ActorLife),
        open: &Open,
        outcome: Result<OpenOutcome>,
        epoch: &str,
    ) {
        let now = self.agenda.now();
        let conn = open.conn;
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.users.lives.get_mut(&life) else { return };
        let opening = match outcome {
            Ok(OpenOutcome::Open(opening)) => *opening,
            other => {
                let error = match other {
                    Err(error) => error.to_error_data(),
                    Ok(_) => ErrorData::new(ErrorCode::Unauthorized, "no such user"),
                };
                let told = ToWorker::NotOpened { conn, error, close: None };
                node.hall.to_worker(conn.worker, told);
                return self.user_takes(at, life, UserInput::NotOpened);
            }
        };
        let (frame, logs) = accepted(&opening, open, epoch, now);
        if one.body.inbox.is_none() {
            one.body.inbox = Some(opening.account.inbox);
            node.hall.directory().look_after(opening.account.inbox, opening.inbox_head);
        }
        let fresh = || UserShared::new(opening.account.user, false);
        let user: Arc<UserShared> = one.body.shared.get_or_insert_with(fresh).clone();
        let (about, friends) = (one.body.id, opening.friends.clone());
        self.presence(at, PresenceInput::Arrived { user: about, friends: friends.into() });
        let device = open.auth.device.clone().unwrap_or(opening.device);
        self.user_takes(at, life, UserInput::Opened { conn, device });
        let (ticket, session) = (open.ticket, open.claims.session);
        if let Some(node) = self.node_at(at) {
            let opened = ToWorker::Opened { conn, ticket, frame, user, session, logs };
            node.hall.to_worker(conn.worker, opened);
        }
    }
}

fn told<T>(result: Result<T>) -> std::result::Result<T, ErrorData> {
    result.map_err(|error| error.to_error_data())
}

/// The answer to `auth`, and what is followed from then on.
fn accepted(
    opening: &Opening,
    open: &Open,
    epoch: &str,
    now: salon_protocol::Millis,
) -> (bytes::Bytes, Vec<crate::connection::Subscription>) {
    let plan = plan(opening, &open.auth, epoch);
    let listed: Vec<_> =
        plan.listed.iter().filter_map(|place| opening.rooms.get(*place)).cloned().collect();
    let (id, expires_at) = (open.claims.session, i64::from(i32::MAX));
    let limits = NodeConfig::default().announced();
    let session = Session { id, epoch, now, expires_at, limits };
    let data = answer(opening, &plan, Store::unread(&listed), session);
    (codec::ok(open.encoding, open.reference, &data), plan.logs)
}

/// Who joins which room by an event.
pub(super) fn joined(event: &Event) -> Option<(UserId, RoomId)> {
    match (&event.data, event.room) {
        (EventData::MemberChanged(change), LogId::Room(room))
            if change.action == MemberAction::Joined =>
        {
            Some((change.user, room))
        }
        _ => None,
    }
}
