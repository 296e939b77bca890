//! What the store shows to whom.

use salon_protocol::content::RoomKind;
use salon_protocol::reply::{History, ReadBy};
use salon_protocol::{
    ErrorData, Event, EventData, LogId, Millis, RoomId, Seq, SessionId, UserId, limits, request,
};
use salon_storage::model::{
    Account, AccountRole, AccountStatus, Member, Membership, OpenOutcome, Opening, RoomKey,
    RoomRef, RoomSnapshot, Unread, UserRef,
};

use super::store::{Lie, MemberRow, Store};

impl Store {
    /// An event as it is shown now: with the newest text of what was edited, and none of what was
    /// recalled.
    fn shown(&self, log: RoomKey, event: &Event) -> Event {
        let mut event = event.clone();
        if let EventData::MessageEdited(edited) = &mut event.data {
            let target = self.log(log).and_then(|log| log.events.get(edited.target as usize - 1));
            edited.text = match target.map(|target| &target.data) {
                Some(EventData::NewMessage(message)) => message.text.clone(),
                _ => None,
            };
        }
        if let (EventData::NewMessage(message), Lie::Remembers) = (&mut event.data, self.lie) {
            message.recalled = false;
        }
        event
    }

    /// All of a log.
    pub(super) fn whole(&self, log: RoomKey) -> Vec<Event> {
        self.between(log, 0, Seq::MAX, usize::MAX)
    }

    pub(super) fn between(&self, log: RoomKey, after: Seq, until: Seq, limit: usize) -> Vec<Event> {
        let events = self.log(log).into_iter().flat_map(|log| &log.events);
        let wanted = events.filter(|event| event.seq > after && event.seq <= until);
        wanted.take(limit).map(|event| self.shown(log, event)).collect()
    }

    pub(super) fn history(
        &self,
        viewer: UserRef,
        page: &request::History,
    ) -> Result<History, ErrorData> {
        let (log, first) = self.readable(viewer, page.room)?;
        let limit = page.limit.unwrap_or(limits::PAGE_EVENTS_DEFAULT);
        if let Some(after) = page.after {
            let mut events = self.between(log, after.max(first - 1), Seq::MAX, limit + 1);
            let more = events.len() > limit;
            events.truncate(limit);
            return Ok(History { events, more });
        }
        let until = page.before.map_or(Seq::MAX, |before| before - 1);
        let mut events = self.between(log, first - 1, until, usize::MAX);
        let more = events.len() > limit;
        events.drain(..events.len().saturating_sub(limit));
        Ok(History { events, more })
    }

    fn readable(&self, viewer: UserRef, log: LogId) -> Result<(RoomKey, Seq), ErrorData> {
        match log {
            LogId::Inbox => self.people.get(&viewer.id).map(|person| (person.inbox, 1)),
            LogId::Room(room) => self.rooms.get(&room).and_then(|row| {
                let member = row.members.get(&viewer.id).filter(|member| member.role.is_some())?;
                Some((row.room.key, row.first_seq(member)))
            }),
        }
        .ok_or_else(ErrorData::forbidden_room)
    }

    pub(super) fn snapshot(&self, id: RoomId) -> Option<RoomSnapshot> {
        let row = self.rooms.get(&id)?;
        let members: Vec<Member> = row.members.values().filter_map(member_of).collect();
        Some(RoomSnapshot {
            room: row.room,
            kind: RoomKind::Group,
            head: self.head(row.room.key),
            members_count: members.len() as u64,
            slow_mode_ms: 0,
            members: Some(members),
        })
    }

    pub(super) fn member(&self, room: RoomRef, user: UserId) -> Option<Member> {
        self.rooms.get(&room.id)?.members.get(&user).and_then(member_of)
    }

    pub(super) fn read_by(&self, room: RoomId, seq: Seq) -> ReadBy {
        let members = || self.rooms.get(&room).into_iter().flat_map(|row| row.members.values());
        let there = || members().filter(|member| member.role.is_some());
        ReadBy {
            members: there().count() as u64,
            read: Some(there().filter(|one| one.read >= seq).map(|one| one.user.id).collect()),
            delivered: None,
            read_count: None,
            delivered_count: None,
        }
    }

    pub(super) fn open(&self, user: UserId, _: SessionId) -> OpenOutcome {
        let Some(person) = self.people.get(&user) else { return OpenOutcome::Ended };
        let account = Account {
            user: person.user,
            inbox: person.inbox,
            username: None,
            phone: None,
            password_hash: None,
            nickname: "somebody".into(),
            avatar: None,
            bio: None,
            language: None,
            role: AccountRole::User,
            status: AccountStatus::Active,
            created_at: 0,
        };
        let mut rooms: Vec<Membership> =
            self.rooms.keys().filter_map(|room| self.membership(*room, user)).collect();
        rooms.sort_by_key(|room| (-room.head_at, room.room.key));
        OpenOutcome::Open(Box::new(Opening {
            account,
            device: "unnamed".into(),
            inbox_head: self.head(person.inbox),
            inbox_first: 1,
            rooms,
            friends: self.people.keys().copied().filter(|friend| *friend != user).collect(),
        }))
    }

    fn membership(&self, room: RoomId, user: UserId) -> Option<Membership> {
        let row = self.rooms.get(&room)?;
        let member = row.members.get(&user)?;
        let head_at: Millis = self.log(row.room.key)?.at;
        Some(Membership {
            room: row.room,
            kind: RoomKind::Group,
            name: None,
            role: member.role?,
            head: self.head(row.room.key),
            head_at,
            first_seq: row.first_seq(member),
            read: member.read,
            delivered: member.delivered,
        })
    }

    /// Nobody asks for the count, only for its place.
    pub(super) fn unread(
        rooms: &[Membership],
    ) -> Vec<(Unread, Option<salon_protocol::reply::Peer>)> {
        rooms.iter().map(|_| (Unread::default(), None)).collect()
    }
}

fn member_of(row: &MemberRow) -> Option<Member> {
    Some(Member {
        user: row.user,
        role: row.role?,
        joined_seq: row.joined_seq,
        read: row.read,
        delivered: row.delivered,
        barred: false,
    })
}
