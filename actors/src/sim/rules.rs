//! What the store's transactions do: the rules of a room.

use salon_protocol::content::{Content, Role, RoomKind};
use salon_protocol::event::{
    Edited, MemberAction, MemberChanged, MessageEdited, MessageRecalled, NewMessage, Reaction,
    RemovalReason, RoomJoined, RoomRemoved,
};
use salon_protocol::{
    Cid, ErrorCode, ErrorData, Event, EventData, LogId, Millis, RoomId, Seq, UserId,
};
use salon_storage::model::{Change, Committed, OpResult, RoomOp, RoomRef, UserRef};

use super::store::{Before, Lie, MemberRow, Store};

fn forbidden(text: &str) -> ErrorData {
    ErrorData::new(ErrorCode::Forbidden, text)
}

fn done(event: Event) -> Committed {
    Committed { seq: event.seq, at: event.at, events: vec![event], ..Committed::default() }
}

fn already(seq: Seq) -> Committed {
    Committed { seq, ..Committed::default() }
}

/// One wish and who wishes it.
#[derive(Clone, Copy)]
struct Scene {
    room: RoomRef,
    by: UserRef,
    role: Role,
    first_seq: Seq,
    now: Millis,
}

impl Store {
    pub(super) fn apply(&mut self, room: RoomRef, op: &RoomOp, now: Millis) -> OpResult {
        let by = op.by;
        let row = self.rooms.get(&room.id).ok_or_else(ErrorData::forbidden_room)?;
        let member = row.members.get(&by.id);
        let Some((role, member)) = member.and_then(|member| Some((member.role?, member))) else {
            return Err(ErrorData::forbidden_room());
        };
        let scene = Scene { room, by, role, first_seq: row.first_seq(member), now };
        match &op.change {
            Change::Send { cid, content } => self.send(scene, *cid, content, &op.change),
            Change::Recall { seq } => self.recall(scene, *seq),
            Change::Edit { seq, cid, text } => self.edit(scene, *seq, *cid, text, &op.change),
            Change::React { seq, emoji, on } => self.react(scene, *seq, emoji, *on),
            Change::Join { .. } => Ok(already(member.changed_seq)),
            Change::Leave if role == Role::Owner => Err(forbidden("the owner stays")),
            Change::Leave => Ok(self.dismiss(scene, by.id, MemberAction::Left)),
            Change::Invite { users } => Ok(self.invite(scene, users)),
            Change::Kick { user } => self.kick(scene, *user),
            _ => Err(forbidden("nobody does that here")),
        }
    }

    fn append_to(&mut self, scene: Scene, data: EventData) -> Event {
        self.append((scene.room.key, LogId::Room(scene.room.id)), data, scene.now)
    }

    fn earlier(&self, by: UserRef, cid: Cid, change: &Change) -> Option<OpResult> {
        let before = self.said.get(&(by.key, cid)).filter(|_| self.lie != Lie::Repeats)?;
        if before.change.as_ref() != Some(change) {
            return Some(Err(ErrorData::new(ErrorCode::Conflict, "this cid was something else")));
        }
        let (seq, at) = (before.seq, before.at);
        Some(Ok(Committed { seq, at, duplicate: true, ..Committed::default() }))
    }

    fn remember(&mut self, scene: Scene, cid: Cid, change: &Change, event: &Event) {
        let (room, change): (RoomId, _) = (scene.room.id, Some(change.clone()));
        let before = Before { room, change, seq: event.seq, at: event.at };
        self.said.insert((scene.by.key, cid), before);
    }

    fn send(&mut self, scene: Scene, cid: Cid, content: &Content, change: &Change) -> OpResult {
        if let Some(earlier) = self.earlier(scene.by, cid, change) {
            return earlier;
        }
        let message = NewMessage {
            sender: scene.by.id,
            cid,
            kind: content.kind,
            text: content.text.clone(),
            body: content.body.clone(),
            reply_to: content.reply_to,
            mentions: Vec::new(),
            edited: None,
            recalled: false,
            photo: None,
            reactions: Vec::new(),
        };
        let event = self.append_to(scene, EventData::NewMessage(message));
        self.remember(scene, cid, change, &event);
        Ok(done(event))
    }

    fn message(&mut self, scene: Scene, seq: Seq) -> Result<&mut NewMessage, ErrorData> {
        let missing = || ErrorData::new(ErrorCode::NotFound, "there is no such message");
        if seq < scene.first_seq {
            return Err(missing());
        }
        let event = self.log_mut(scene.room.key).events.get_mut(seq as usize - 1);
        match event.map(|event| &mut event.data) {
            Some(EventData::NewMessage(message)) => Ok(message),
            _ => Err(missing()),
        }
    }

    fn recall(&mut self, scene: Scene, seq: Seq) -> OpResult {
        let message = self.message(scene, seq)?;
        if message.sender != scene.by.id && scene.role < Role::Admin {
            return Err(forbidden("only its sender and admins can recall a message"));
        }
        if message.recalled {
            let recall = |event: &&Event| matches!(&event.data, EventData::MessageRecalled(recall) if recall.target == seq);
            let events = &self.log_mut(scene.room.key).events;
            return Ok(already(events.iter().find(recall).map_or(0, |event| event.seq)));
        }
        (message.recalled, message.text, message.edited) = (true, None, None);
        let recalled = MessageRecalled { target: seq, by: scene.by.id };
        Ok(done(self.append_to(scene, EventData::MessageRecalled(recalled))))
    }

    fn edit(
        &mut self,
        scene: Scene,
        seq: Seq,
        cid: Option<Cid>,
        text: &str,
        change: &Change,
    ) -> OpResult {
        if let Some(earlier) = cid.and_then(|cid| self.earlier(scene.by, cid, change)) {
            return earlier;
        }
        let message = self.message(scene, seq)?;
        if message.sender != scene.by.id {
            return Err(forbidden("only its sender can edit a message"));
        }
        if message.recalled {
            return Err(ErrorData::new(ErrorCode::Conflict, "the message was recalled"));
        }
        let version = message.edited.map_or(1, |edited| edited.version + 1);
        message.edited = Some(Edited { at: scene.now, version });
        message.text = Some(text.to_owned());
        let text = Some(text.to_owned());
        let edited = MessageEdited { target: seq, by: scene.by.id, text, version };
        let event = self.append_to(scene, EventData::MessageEdited(edited));
        if let Some(cid) = cid {
            self.remember(scene, cid, change, &event);
        }
        Ok(done(event))
    }

    fn react(&mut self, scene: Scene, seq: Seq, emoji: &str, on: bool) -> OpResult {
        if self.message(scene, seq)?.recalled {
            return Err(ErrorData::new(ErrorCode::Conflict, "the message was recalled"));
        }
        let mine = |event: &&Event| {
            matches!(&event.data, EventData::Reaction(reaction)
                if reaction.target == seq && reaction.user == scene.by.id && reaction.emoji == emoji)
        };
        let events = &self.log_mut(scene.room.key).events;
        match events.iter().rev().find(mine).map(|event| (event.seq, &event.data)) {
            Some((seq, EventData::Reaction(last))) if last.on == on => return Ok(already(seq)),
            None if !on => return Err(ErrorData::new(ErrorCode::NotFound, "no such reaction")),
            _ => {}
        }
        let reaction = Reaction { target: seq, user: scene.by.id, emoji: emoji.to_owned(), on };
        Ok(done(self.append_to(scene, EventData::Reaction(reaction))))
    }

    fn member_changed(&mut self, scene: Scene, user: UserId, action: MemberAction) -> Event {
        let by = scene.by.id;
        let change = MemberChanged { user, action, by, role: None, until: None, photo_role: None };
        self.append_to(scene, EventData::MemberChanged(change))
    }

    fn invite(&mut self, scene: Scene, users: &[UserId]) -> Committed {
        let mut committed = already(self.head(scene.room.key));
        let mut new = Vec::new();
        for user in users {
            let member = self.rooms.get(&scene.room.id).and_then(|row| row.members.get(user));
            let is_member = member.is_some_and(|member| member.role.is_some());
            let Some(person) = self.people.get(user).copied().filter(|_| !is_member) else {
                continue;
            };
            let event = self.member_changed(scene, *user, MemberAction::Joined);
            let row = MemberRow::new(person.user, Role::Member, event.seq);
            if let Some(room) = self.rooms.get_mut(&scene.room.id) {
                room.members.insert(*user, row);
            }
            (committed.seq, committed.at) = (event.seq, event.at);
            committed.events.push(event);
            new.push(*user);
        }
        let (room, by) = (scene.room.id, scene.by.id);
        let told = RoomJoined { room, kind: RoomKind::Group, name: None, by };
        committed.inbox = self.tell(&new, &EventData::RoomJoined(told), scene.now);
        committed
    }

    fn kick(&mut self, scene: Scene, user: UserId) -> OpResult {
        let member = self.rooms.get(&scene.room.id).and_then(|row| row.members.get(&user));
        match member.map(|member| (member.role, member.changed_seq)) {
            None => Err(ErrorData::new(ErrorCode::NotFound, "he is not a member of this room")),
            Some((None, seq)) => Ok(already(seq)),
            Some((Some(role), _)) if role >= scene.role => Err(forbidden("not by you")),
            Some(_) => Ok(self.dismiss(scene, user, MemberAction::Kicked)),
        }
    }

    fn dismiss(&mut self, scene: Scene, user: UserId, action: MemberAction) -> Committed {
        let event = self.member_changed(scene, user, action);
        let row = self.rooms.get_mut(&scene.room.id);
        if let Some(member) = row.and_then(|row| row.members.get_mut(&user)) {
            (member.role, member.changed_seq) = (None, event.seq);
        }
        let reason = match action {
            MemberAction::Left => RemovalReason::Left,
            _ => RemovalReason::Kicked,
        };
        let removed = RoomRemoved { room: scene.room.id, reason, by: scene.by.id };
        let inbox = self.tell(&[user], &EventData::RoomRemoved(removed), scene.now);
        Committed { inbox, ..done(event) }
    }
}
