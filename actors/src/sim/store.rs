//! A store in memory, with the rules of the real one as far as the simulated clients use them.
//!
//! Owns      users, rooms, members, logs, and which `cid` stands where.
//! Promises  a call is one transaction: it is done as a whole or not at all; numbers have no holes;
//!           the same `cid` gives the first answer again.
//! Does not  fail or wait by itself: whoever asks it decides when it is asked, and what becomes of
//!           its answer.

use std::collections::BTreeMap;

use salon_protocol::content::{HistoryFor, Role, RoomKind};
use salon_protocol::event::RoomCreated;
use salon_protocol::request::CreateRoom;
use salon_protocol::{Cid, Event, EventData, LogId, Millis, RoomId, Seq, UserId};
use salon_storage::model::{
    Change, CursorUpdate, InboxEvent, Made, OpResult, RoomKey, RoomOp, RoomRef, UserKey, UserRef,
};
use uuid::Uuid;

/// What the store does wrong, to show that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    None,
    /// Some commits are acknowledged and thrown away.
    Forgets,
    /// Commits are answered before they are done, and some are never done.
    Hurries,
    /// A repetition is taken for something new.
    Repeats,
    /// What was recalled is shown.
    Remembers,
}

/// The store. To be cloned: what a transaction does is thrown away with the clone.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) people: BTreeMap<UserId, Person>,
    pub(super) rooms: BTreeMap<RoomId, RoomRow>,
    logs: BTreeMap<RoomKey, Log>,
    pub(super) said: BTreeMap<(UserKey, Cid), Before>,
    pub(super) lie: Lie,
    keys: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) user: UserRef,
    pub(super) inbox: RoomKey,
}

#[derive(Clone, Debug)]
pub(super) struct RoomRow {
    pub(super) room: RoomRef,
    pub(super) history: HistoryFor,
    pub(super) members: BTreeMap<UserId, MemberRow>,
}

#[derive(Clone, Debug)]
pub(super) struct MemberRow {
    pub(super) user: UserRef,
    /// `None`: he has gone.
    pub(super) role: Option<Role>,
    pub(super) joined_seq: Seq,
    pub(super) changed_seq: Seq,
    pub(super) read: Seq,
    pub(super) delivered: Seq,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) at: Millis,
}

/// Where the first of a `cid` stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Before {
    pub(super) room: RoomId,
    pub(super) change: Option<Change>,
    pub(super) seq: Seq,
    pub(super) at: Millis,
}

impl Store {
    pub(super) fn new(users: usize, lie: Lie) -> Self {
        let mut store = Store {
            people: BTreeMap::new(),
            rooms: BTreeMap::new(),
            logs: BTreeMap::new(),
            said: BTreeMap::new(),
            lie,
            keys: 0,
        };
        for number in 0..users {
            let id = UserId::new(Uuid::from_u128(1 + number as u128));
            let user = UserRef { key: UserKey(1 + number as i64), id };
            let inbox = store.new_log();
            store.people.insert(id, Person { user, inbox });
        }
        store
    }

    fn new_log(&mut self) -> RoomKey {
        self.keys += 1;
        self.logs.insert(RoomKey(self.keys), Log::default());
        RoomKey(self.keys)
    }

    pub(super) fn log(&self, key: RoomKey) -> Option<&Log> {
        self.logs.get(&key)
    }

    pub(super) fn log_mut(&mut self, key: RoomKey) -> &mut Log {
        self.logs.entry(key).or_default()
    }

    pub(super) fn head(&self, key: RoomKey) -> Seq {
        self.log(key).map_or(0, |log| log.events.len() as Seq)
    }

    pub(super) fn append(
        &mut self,
        (key, id): (RoomKey, LogId),
        data: EventData,
        now: Millis,
    ) -> Event {
        let log = self.log_mut(key);
        log.at = log.at.max(now);
        let event = Event { room: id, seq: log.events.len() as Seq + 1, at: log.at, data };
        log.events.push(event.clone());
        event
    }

    /// Tells users in their inboxes.
    pub(super) fn tell(
        &mut self,
        users: &[UserId],
        data: &EventData,
        now: Millis,
    ) -> Vec<InboxEvent> {
        let mut told = Vec::new();
        for user in users {
            let Some(inbox) = self.people.get(user).map(|person| person.inbox) else { continue };
            let event = self.append((inbox, LogId::Inbox), data.clone(), now);
            told.push(InboxEvent { user: *user, inbox, event });
        }
        told
    }

    /// One transaction.
    pub(super) fn commit(&mut self, room: RoomRef, ops: &[RoomOp], now: Millis) -> Vec<OpResult> {
        ops.iter().map(|op| self.apply(room, op, now)).collect()
    }

    pub(super) fn save_cursors(&mut self, updates: &[CursorUpdate]) {
        for update in updates {
            let room = self.rooms.values_mut().find(|row| row.room.key == update.room);
            let members = room.map(|row| &mut row.members);
            let mut members = members.into_iter().flat_map(|members| members.values_mut());
            if let Some(member) = members.find(|member| member.user.key == update.user) {
                member.read = member.read.max(update.read);
                member.delivered = member.delivered.max(update.delivered);
            }
        }
    }

    pub(super) fn create_group(
        &mut self,
        by: UserRef,
        id: RoomId,
        create: &CreateRoom,
        now: Millis,
    ) -> Made {
        if let Some(before) = self.said.get(&(by.key, create.cid))
            && let Some(row) = self.rooms.get(&before.room)
        {
            return Made { room: row.room, duplicate: true, joined: vec![], inbox: vec![] };
        }
        let room = RoomRef { key: self.new_log(), id };
        let mut members = create.members.clone();
        members.retain(|user| *user != by.id && self.people.contains_key(user));
        members.insert(0, by.id);
        let created = RoomCreated {
            room: None,
            kind: RoomKind::Group,
            name: Some(create.name.clone()),
            by: by.id,
            members: Some(members.clone()),
            count: None,
            history: Some(create.history),
        };
        let data = EventData::RoomCreated(created.clone());
        let event = self.append((room.key, LogId::Room(id)), data, now);
        let rows = members.iter().filter_map(|user| {
            let role = if *user == by.id { Role::Owner } else { Role::Member };
            let user = self.people.get(user)?.user;
            Some((user.id, MemberRow::new(user, role, event.seq)))
        });
        let row = RoomRow { room, history: create.history, members: rows.collect() };
        self.rooms.insert(id, row);
        let before = Before { room: id, change: None, seq: event.seq, at: event.at };
        self.said.insert((by.key, create.cid), before);
        let data = EventData::RoomCreated(RoomCreated { room: Some(id), ..created });
        let inbox = self.tell(&members, &data, now);
        Made { room, duplicate: false, joined: members, inbox }
    }
}

impl MemberRow {
    pub(super) fn new(user: UserRef, role: Role, seq: Seq) -> Self {
        let role = Some(role);
        MemberRow { user, role, joined_seq: seq, changed_seq: seq, read: seq, delivered: seq }
    }
}

impl RoomRow {
    /// The first event that a member may read.
    pub(super) fn first_seq(&self, member: &MemberRow) -> Seq {
        match self.history {
            HistoryFor::All => 1,
            HistoryFor::SinceJoin => member.joined_seq,
        }
    }
}
