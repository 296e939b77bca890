//! The requests that the fake server understands.

use salon_protocol::content::{HistoryFor, Role, RoomKind};
use salon_protocol::event::{MemberAction, MemberChanged, Reaction, RoomCreated};
use salon_protocol::reply::{
    AuthOk, Conversations, Done, Empty, History, Items, Limits, Profile, RoomHead, RoomMade, Sent,
};
use salon_protocol::request::{self, Auth, CreateRoom, Invite, MessageEdit, OneMessage, React};
use salon_protocol::{
    Encoding, ErrorCode, ErrorData, Event, EventData, Request, RoomId, Seq, SessionId, UserId,
    limits,
};

use super::fault::Fault;
use super::log::{Log, key};
use super::world::{World, conflict, room_of, text_message};

/// Events that are replayed into a room; small, so that rooms become stale.
const REPLAY_MAX: u64 = 30;

impl World {
    pub(super) fn answer(
        &mut self,
        number: u64,
        encoding: Encoding,
        reference: Option<u64>,
        request: Request,
    ) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let outcome = match (peer.user, request) {
            (None, Request::Auth(auth)) => {
                peer.encoding = encoding;
                self.auth(number, reference, auth)
            }
            (None, _) => Err(ErrorData::new(ErrorCode::Unauthorized, "who are you?")),
            (Some(user), request) => self.serve(number, reference, user, request),
        };
        if let Err(error) = outcome {
            self.error(number, reference, &error);
        }
    }

    fn serve(
        &mut self,
        number: u64,
        reference: Option<u64>,
        user: UserId,
        request: Request,
    ) -> Result<(), ErrorData> {
        match request {
            Request::CreateRoom(create) => {
                let answer = self.create_room(user, create);
                self.ok(number, reference, &answer);
            }
            Request::Invite(invite) => {
                let answer = self.invite(user, invite)?;
                self.ok(number, reference, &answer);
            }
            Request::SendMessage(message) => return self.send(number, reference, user, message),
            Request::MessageRecall(recall) => {
                let answer = self.recall(user, recall)?;
                self.ok(number, reference, &answer);
            }
            Request::MessageEdit(edit) => {
                let answer = self.edit(user, edit)?;
                self.ok(number, reference, &answer);
            }
            Request::React(react) => {
                let answer = self.react(user, react)?;
                self.ok(number, reference, &answer);
            }
            Request::MessageRead(read) => {
                self.ok(number, reference, &Done { seq: read.seq, duplicate: false });
            }
            Request::History(page) => {
                let answer = self.history(user, &page)?;
                self.ok(number, reference, &answer);
            }
            Request::SearchMessages(query) => {
                let answer = self.search(user, &query.q);
                self.ok(number, reference, &answer);
            }
            Request::Conversations(_) => {
                let answer = Conversations { items: Vec::new(), cursor: None, total_unread: None };
                self.ok(number, reference, &answer);
            }
            Request::Typing(_) | Request::MessageDelivered(_) => {
                self.ok(number, reference, &Empty {});
            }
            other => panic!("the fake server does not know {}", other.name()),
        }
        Ok(())
    }

    fn auth(&mut self, number: u64, reference: Option<u64>, auth: Auth) -> Result<(), ErrorData> {
        let unknown = || ErrorData::new(ErrorCode::Unauthorized, "no such token");
        let name = auth.token.unwrap_or_default();
        let user = self.user(&name).ok_or_else(unknown)?;
        let positions = auth.rooms.unwrap_or_default().0;
        let (mut rooms, mut stale, mut replay) = (Vec::new(), Vec::new(), Vec::new());
        for log in self.logs.iter().filter(|log| log.members.contains(&user)) {
            rooms.push(head(log));
            let held = positions.iter().find(|(room, _)| *room == log.id).map(|(_, seq)| *seq);
            match held {
                Some(held) if held + REPLAY_MAX < log.head() => stale.push(log.id.to_string()),
                Some(held) => {
                    let unrecall = self.chance.always(Fault::ShowRecalledInReplay);
                    let mut events = log.shown(held, unrecall);
                    if events.len() > 1 && self.chance.always(Fault::LoseReplay) {
                        events.remove(0);
                    }
                    replay.extend(events);
                }
                None => {}
            }
        }
        self.ok(number, reference, &auth_ok(user, &name, rooms, stale));
        let Some(peer) = self.peers.get_mut(&number) else { return Ok(()) };
        peer.user = Some(user);
        let encoding = peer.encoding;
        let bytes: Vec<_> = replay
            .iter()
            .flat_map(|event| salon_protocol::codec::event(encoding, event).to_vec())
            .collect();
        self.say(number, &bytes);
        Ok(())
    }

    fn create_room(&mut self, user: UserId, create: CreateRoom) -> RoomMade {
        let room = self.new_room_id();
        let mut members = vec![user];
        members.extend(create.members);
        let mut log = Log::new(room, members.clone());
        log.append(EventData::RoomCreated(RoomCreated {
            room: None,
            kind: RoomKind::Group,
            name: Some(create.name),
            by: user,
            members: Some(members),
            count: None,
            history: Some(HistoryFor::All),
        }));
        self.logs.push(log);
        RoomMade { room, duplicate: false }
    }

    fn invite(&mut self, by: UserId, invite: Invite) -> Result<Done, ErrorData> {
        for user in invite.users {
            let log = self.log(invite.room, by)?;
            log.members.push(user);
            let action = MemberAction::Joined;
            let change =
                MemberChanged { user, action, by, role: None, until: None, photo_role: None };
            let event = log.append(EventData::MemberChanged(change));
            self.publish(invite.room, &event);
        }
        let seq = self.log(invite.room, by)?.head();
        Ok(Done { seq, duplicate: false })
    }

    fn send(
        &mut self,
        number: u64,
        reference: Option<u64>,
        user: UserId,
        message: request::SendMessage,
    ) -> Result<(), ErrorData> {
        let room = message.room;
        let key = key(user, message.cid);
        if let Some(seq) = self.log(room, user)?.done.get(&key).copied() {
            self.ok(number, reference, &sent(room, seq, true));
            return Ok(());
        }
        if self.chance.strikes(Fault::Refuse) {
            return Err(ErrorData::new(ErrorCode::Internal, "a fault of the server"));
        }
        if self.chance.strikes(Fault::LoseMessage) {
            let seq = self.log(room, user)?.head() + 1;
            self.ok(number, reference, &sent(room, seq, false));
            return Ok(());
        }
        let mut text = message.text;
        if self.chance.strikes(Fault::OtherText) {
            text = Some("something else".to_owned());
        }
        if self.chance.strikes(Fault::NoText) {
            text = None;
        }
        let data = EventData::NewMessage(text_message(user, message.cid, text));
        let times = 1 + u32::from(self.chance.strikes(Fault::DoubleMessage));
        let mut seq = 0;
        for _ in 0..times {
            let event = self.log(room, user)?.append(data.clone());
            seq = event.seq;
            self.publish(room, &event);
        }
        self.log(room, user)?.done.insert(key, seq);
        let seq = seq + u64::from(self.chance.strikes(Fault::AckElsewhere));
        if !self.chance.strikes(Fault::NoAnswer) {
            self.ok(number, reference, &sent(room, seq, false));
        }
        if self.chance.strikes(Fault::Close) {
            self.close(number);
        }
        Ok(())
    }

    fn recall(&mut self, user: UserId, recall: OneMessage) -> Result<Done, ErrorData> {
        let forget = self.chance.strikes(Fault::ForgetRecall);
        let log = self.log(recall.room, user)?;
        let key = format!("recall {}", recall.seq);
        if let Some(seq) = log.done.get(&key).copied() {
            return Ok(Done { seq, duplicate: false });
        }
        if forget {
            return Ok(Done { seq: log.head() + 1, duplicate: false });
        }
        let event = log.recall(recall.seq, user);
        log.done.insert(key, event.seq);
        self.publish(recall.room, &event);
        Ok(Done { seq: event.seq, duplicate: false })
    }

    fn edit(&mut self, user: UserId, edit: MessageEdit) -> Result<Done, ErrorData> {
        let forget = self.chance.always(Fault::ForgetEdit);
        let log = self.log(edit.room, user)?;
        let key = edit.cid.map(|cid| key(user, cid)).unwrap_or_default();
        if let Some(seq) = log.done.get(&key).copied() {
            return Ok(Done { seq, duplicate: true });
        }
        if log.is_recalled(edit.seq) {
            return Err(conflict());
        }
        let event = log.edit(edit.seq, user, &edit.text, forget);
        log.done.insert(key, event.seq);
        self.publish(edit.room, &event);
        Ok(Done { seq: event.seq, duplicate: false })
    }

    fn react(&mut self, user: UserId, react: React) -> Result<Done, ErrorData> {
        let React { room, seq: target, emoji, on } = react;
        let log = self.log(room, user)?;
        let key = format!("{user} {target} {emoji}");
        if let Some(seq) = log.done.get(&key).copied() {
            return Ok(Done { seq, duplicate: false });
        }
        if log.is_recalled(target) {
            return Err(conflict());
        }
        let event = log.react(Reaction { target, user, emoji, on });
        log.done.insert(key, event.seq);
        self.publish(room, &event);
        Ok(Done { seq: event.seq, duplicate: false })
    }

    fn history(&mut self, user: UserId, page: &request::History) -> Result<History, ErrorData> {
        let unrecall = self.chance.always(Fault::ShowRecalledInHistory);
        let with_gap = self.chance.always(Fault::GapInHistory);
        let log = self.log(room_of(page.room)?, user)?;
        let limit = page.limit.unwrap_or(limits::PAGE_EVENTS_DEFAULT);
        let after = page.after.unwrap_or(0).min(log.head());
        let mut events = log.shown(after, unrecall);
        let mut more = events.len() > limit;
        if page.after.is_some() {
            events.truncate(limit);
        } else {
            events.retain(|event| page.before.is_none_or(|before| event.seq < before));
            more = events.len() > limit;
            events.drain(..events.len().saturating_sub(limit));
        }
        if with_gap && events.len() > 10 {
            events.remove(5);
        }
        Ok(History { events, more })
    }

    fn search(&mut self, user: UserId, word: &str) -> Items<Event> {
        let unrecall = self.chance.always(Fault::FindRecalled);
        let logs = self.logs.iter().filter(|log| log.members.contains(&user));
        let mut items: Vec<_> = logs.flat_map(|log| log.shown(0, unrecall)).collect();
        items.retain(|event| match &event.data {
            EventData::NewMessage(message) => {
                message.text.as_ref().is_some_and(|text| text.contains(word))
            }
            _ => false,
        });
        Items { items, cursor: None }
    }
}

fn sent(room: RoomId, seq: Seq, duplicate: bool) -> Sent {
    Sent { room, seq, at: 1_767_225_600_000 + seq as i64, duplicate }
}

fn head(log: &Log) -> RoomHead {
    RoomHead {
        id: log.id,
        kind: RoomKind::Group,
        name: None,
        seq: log.head(),
        first_seq: 1,
        read: 0,
        delivered: 0,
        unread: 0,
        unread_more: false,
        role: Role::Member,
        peer: None,
    }
}

fn auth_ok(user: UserId, name: &str, rooms: Vec<RoomHead>, stale: Vec<String>) -> AuthOk {
    AuthOk {
        user: Profile {
            id: user,
            username: Some(name.to_owned()),
            phone: None,
            nickname: name.to_owned(),
            avatar: None,
            bio: None,
            language: None,
            role: "user".to_owned(),
            created_at: 0,
        },
        session: SessionId::from_bytes([1; 16]),
        epoch: "fake".to_owned(),
        heartbeat_ms: 25_000,
        server_time: 0,
        expires_at: 0,
        limits: Limits {
            frame: limits::FRAME_BYTES_MAX,
            text: limits::TEXT_CHARS_MAX,
            page: limits::PAGE_EVENTS_MAX,
            replay_room: REPLAY_MAX,
            replay_total: REPLAY_MAX * 10,
            rooms: 10,
            members_call: 200,
            inflight: limits::INFLIGHT_MAX,
            recall_ms: 120_000,
            upload: limits::UPLOAD_BYTES_MAX,
            chunk: limits::UPLOAD_CHUNK_BYTES,
            rate: std::collections::BTreeMap::new(),
        },
        inbox: 0,
        rooms,
        more_rooms: false,
        stale,
    }
}
