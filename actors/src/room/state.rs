//! How a room thinks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use salon_protocol::content::Role;
use salon_protocol::event::MemberAction;
use salon_protocol::reply::{Done, Empty};
use salon_protocol::{ErrorCode, ErrorData, Event, EventData, Millis, RoomId, Seq, UserId, limits};
use salon_storage::StoreError;
use salon_storage::model::{
    Change, CursorUpdate, Member, OpResult, RoomOp, RoomRef, RoomSnapshot, UserRef,
};

use super::messages::{Effect, Reply, ReplyKind, RoomInput, RoomRequest};
use super::pipeline::{Pending, Pipeline};
use crate::caller::Caller;

/// Requests that wait while the room is loaded.
const WAITING_MAX: usize = 4_096;
/// After a failed load or commit, how long until the next attempt to load.
const RELOAD_AFTER_MS: Millis = 1_000;
/// Members that a room remembers; a larger one reads them again when they ask.
const MEMBERS_KNOWN_MAX: usize = 10_000;
/// Somebody who types is shown at most so often.
const TYPING_EVERY_MS: Millis = 1_000;

/// What a panic has cost beside the request that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Nothing,
    /// The results of a commit.
    Commit,
    /// What was read of the room.
    Load,
}

impl Lost {
    /// When this input caused it.
    pub(crate) fn by(input: &RoomInput) -> Self {
        match input {
            RoomInput::Committed(_) => Lost::Commit,
            RoomInput::Loaded(_) => Lost::Load,
            _ => Lost::Nothing,
        }
    }
}

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    idle_ms: Millis,
    phase: Phase,
    waiting: VecDeque<(Caller, RoomRequest)>,
    pipeline: Pipeline,
    last_request: Millis,
    reload_at: Option<Millis>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is known and nothing is being read.
    Asleep,
    Loading,
    Awake(Box<Memory>),
    /// There is no such room.
    Missing,
}

/// What is known while the room is awake. Can be thrown away at any moment.
#[derive(Debug)]
struct Memory {
    room: RoomRef,
    head: Seq,
    members_count: u64,
    slow_mode_ms: Millis,
    members: HashMap<UserId, Known>,
    /// `members` holds all of them.
    complete: bool,
    /// Requests that wait for one member to be read.
    asking: BTreeMap<UserId, Vec<(Caller, RoomRequest)>>,
    /// Questions that wait for cursors to be written.
    read_by: Vec<(Caller, Seq)>,
    /// Members whose cursors have moved and were not told yet.
    untold: BTreeSet<UserId>,
    tell_at: Option<Millis>,
    saving: bool,
    save_at: Option<Millis>,
}

/// A member as far as it is known.
#[derive(Debug)]
struct Known {
    user: UserRef,
    role: Role,
    read: Seq,
    delivered: Seq,
    barred: bool,
    /// Cursors that are not written yet.
    unsaved: bool,
    /// Cursors that were not told yet.
    untold_read: bool,
    untold_delivered: bool,
    /// Before this nothing is told of his cursors.
    quiet_until: Millis,
    typed_at: Millis,
    sent_at: Millis,
}

impl From<Member> for Known {
    fn from(member: Member) -> Self {
        Known {
            user: member.user,
            role: member.role,
            read: member.read,
            delivered: member.delivered,
            barred: member.barred,
            unsaved: false,
            untold_read: false,
            untold_delivered: false,
            quiet_until: 0,
            typed_at: 0,
            sent_at: 0,
        }
    }
}

impl Room {
    pub(crate) fn new(id: RoomId, idle_ms: Millis, now: Millis) -> Self {
        Room {
            id,
            idle_ms,
            phase: Phase::Asleep,
            waiting: VecDeque::new(),
            pipeline: Pipeline::default(),
            last_request: now,
            reload_at: None,
        }
    }

    /// Takes in what happened.
    pub(crate) fn handle(&mut self, input: RoomInput, now: Millis, out: &mut Vec<Effect>) {
        match input {
            RoomInput::Request(caller, request) => {
                self.last_request = now;
                self.request(caller, request, now, out);
            }
            RoomInput::Loaded(loaded) => self.loaded(loaded, now, out),
            RoomInput::Committed(results) => self.committed(results, now, out),
            RoomInput::Member(user, member) => self.member_loaded(user, member, now, out),
            RoomInput::CursorsSaved(saved) => self.cursors_saved(&saved, now, out),
            RoomInput::Told(events) => {
                if let Phase::Awake(memory) = &mut self.phase {
                    events.iter().for_each(|event| memory.learn(event, now));
                }
            }
            RoomInput::Wake => self.wake(now, out),
            RoomInput::Refresh => {
                if matches!(self.phase, Phase::Awake(_)) {
                    out.push(Effect::Load);
                }
            }
            RoomInput::Drain => {
                if let Phase::Awake(memory) = &mut self.phase {
                    memory.save(out);
                }
            }
            RoomInput::Last => {}
        }
    }

    /// After a panic: keeps the changes on their way, forgets what it remembered, and reads it
    /// again. Whoever waited for what is lost is told to try again. `out` holds what was wanted when
    /// it happened and was not done: a commit among it waits once more, the rest is forgotten.
    pub(crate) fn recover(&mut self, lost: Lost, now: Millis, out: &mut Vec<Effect>) {
        let error = ErrorData::new(ErrorCode::Unavailable, "the room had to begin anew");
        let error = error.retry_after(500);
        let refuse = |caller: Caller| Effect::Answer(caller, Err(error.clone()));
        let given_out = out.drain(..).find_map(|effect| match effect {
            Effect::Commit(ops) => Some(ops),
            _ => None,
        });
        if let Phase::Awake(memory) = &mut self.phase {
            for (caller, request) in std::mem::take(&mut memory.asking).into_values().flatten() {
                if !matches!(request, RoomRequest::Delivered(_)) {
                    out.push(refuse(caller));
                }
            }
            out.extend(memory.read_by.drain(..).map(|(caller, _)| refuse(caller)));
        }
        if let Some(ops) = given_out {
            self.pipeline.take_back(ops);
        } else if lost == Lost::Commit {
            out.extend(self.pipeline.committing().iter().map(|pending| refuse(pending.caller)));
            self.pipeline.ended();
        }
        if lost == Lost::Load {
            // Once more, but not at once: it may panic again.
            self.phase = Phase::Asleep;
            self.reload_at = Some(now + RELOAD_AFTER_MS);
            out.extend(self.waiting.drain(..).map(|(caller, _)| refuse(caller)));
        } else {
            self.phase = Phase::Loading;
            out.push(Effect::Load);
        }
    }

    /// When the room wants to be woken, if ever.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        let idle = Some(self.last_request + self.idle_ms);
        let memory = match &self.phase {
            Phase::Awake(memory) => memory.wake_at(),
            _ => None,
        };
        [idle, memory, self.reload_at].into_iter().flatten().min()
    }

    fn request(
        &mut self,
        caller: Caller,
        request: RoomRequest,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        match &mut self.phase {
            Phase::Awake(memory) => match request {
                RoomRequest::Change(change) => match memory.slow_mode(&caller, &change, now) {
                    SlowMode::Go => self.queue(caller, change, out),
                    SlowMode::Wait(error) => out.push(Effect::Answer(caller, Err(error))),
                    SlowMode::Unknown => memory.ask(caller, RoomRequest::Change(change), out),
                },
                request => memory.request(caller, request, now, out),
            },
            Phase::Missing => {
                out.push(Effect::Answer(caller, Err(ErrorData::forbidden_room())));
                out.push(Effect::Sleep);
            }
            Phase::Asleep | Phase::Loading => {
                if self.waiting.len() >= WAITING_MAX {
                    return out.push(Effect::Answer(caller, Err(overloaded())));
                }
                self.waiting.push_back((caller, request));
                if matches!(self.phase, Phase::Asleep) {
                    self.phase = Phase::Loading;
                    out.push(Effect::Load);
                }
            }
        }
    }

    fn queue(&mut self, caller: Caller, change: Change, out: &mut Vec<Effect>) {
        let pending = Pending { caller, kind: ReplyKind::of(&change) };
        let op = RoomOp { by: caller.user, pass: caller.pass, change };
        match self.pipeline.push(pending, op) {
            Ok(()) => out.extend(self.pipeline.next().map(Effect::Commit)),
            Err(pending) => out.push(Effect::Answer(pending.caller, Err(overloaded()))),
        }
    }

    fn loaded(
        &mut self,
        loaded: Result<Option<RoomSnapshot>, StoreError>,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        match loaded {
            Ok(Some(snapshot)) => {
                self.reload_at = None;
                if let Phase::Awake(memory) = &mut self.phase {
                    memory.refresh(snapshot, out);
                } else {
                    // Whatever was committed while nobody looked after the room is found now.
                    out.push(Effect::Announce(snapshot.head));
                    self.phase = Phase::Awake(Box::new(Memory::new(snapshot)));
                }
                // Changes that a panic left waiting go first: they came first.
                out.extend(self.pipeline.next().map(Effect::Commit));
                for (caller, request) in std::mem::take(&mut self.waiting) {
                    self.request(caller, request, now, out);
                }
            }
            Ok(None) => {
                self.phase = Phase::Missing;
                let waiting = self.waiting.drain(..).map(|(caller, _)| caller);
                let pending = self.pipeline.abandon().into_iter().map(|pending| pending.caller);
                for caller in waiting.chain(pending) {
                    out.push(Effect::Answer(caller, Err(ErrorData::forbidden_room())));
                }
                out.push(Effect::Sleep);
            }
            Err(error) => {
                self.reload_at = Some(now + RELOAD_AFTER_MS);
                if matches!(self.phase, Phase::Loading) {
                    self.phase = Phase::Asleep;
                }
                for (caller, _) in self.waiting.drain(..) {
                    out.push(Effect::Answer(caller, Err(error.to_error_data())));
                }
            }
        }
    }

    fn committed(
        &mut self,
        results: Result<Vec<OpResult>, StoreError>,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let pending = self.pipeline.committing();
        match results {
            Ok(results) => {
                let (mut events, mut inbox) = (Vec::new(), Vec::new());
                for (Pending { caller, kind }, result) in pending.iter().zip(results) {
                    let answer = result.map(|done| {
                        let reply = kind.reply(self.id, &done);
                        events.extend(done.events);
                        inbox.extend(done.inbox);
                        reply
                    });
                    out.push(Effect::Answer(*caller, answer));
                }
                self.publish(events, now, out);
                if !inbox.is_empty() {
                    out.push(Effect::PublishInbox(inbox));
                }
            }
            Err(error) => {
                for Pending { caller, .. } in pending {
                    out.push(Effect::Answer(*caller, Err(error.to_error_data())));
                }
                // It may have been committed all the same: look, as soon as the store answers.
                self.reload_at = Some(now + RELOAD_AFTER_MS);
            }
        }
        self.pipeline.ended();
        out.extend(self.pipeline.next().map(Effect::Commit));
    }

    fn publish(&mut self, events: Vec<Event>, now: Millis, out: &mut Vec<Effect>) {
        if let Phase::Awake(memory) = &mut self.phase {
            for event in &events {
                memory.learn(event, now);
            }
        }
        if !events.is_empty() {
            out.push(Effect::Publish(events));
        }
    }

    fn member_loaded(
        &mut self,
        user: UserId,
        member: Result<Option<Member>, StoreError>,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let Phase::Awake(memory) = &mut self.phase else { return };
        let waiting = memory.asking.remove(&user).unwrap_or_default();
        match member {
            Ok(Some(member)) => {
                memory.make_room();
                memory.members.entry(user).or_insert_with(|| member.into());
                for (caller, request) in waiting {
                    self.request(caller, request, now, out);
                }
            }
            Ok(None) => refuse_all(waiting, &ErrorData::forbidden_room(), out),
            Err(error) => refuse_all(waiting, &error.to_error_data(), out),
        }
    }

    fn cursors_saved(
        &mut self,
        saved: &Result<(), StoreError>,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let Phase::Awake(memory) = &mut self.phase else { return };
        memory.saving = false;
        if saved.is_err() {
            // They are still remembered: once more a second later.
            for member in memory.members.values_mut() {
                member.unsaved = true;
            }
            memory.save_at = Some(now + limits::RECEIPT_EVERY_MS);
        }
        memory.answer_read_by(out);
    }

    fn wake(&mut self, now: Millis, out: &mut Vec<Effect>) {
        if self.reload_at.is_some_and(|at| at <= now) {
            self.reload_at = None;
            out.push(Effect::Load);
        }
        if let Phase::Awake(memory) = &mut self.phase {
            memory.tell_cursors(now, out);
            if memory.save_at.is_some_and(|at| at <= now) {
                memory.save(out);
            }
        }
        if self.last_request + self.idle_ms <= now {
            if self.is_at_rest() {
                out.push(Effect::Sleep);
            } else {
                self.last_request = now;
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        let memory = match &self.phase {
            Phase::Awake(memory) => memory.is_at_rest(),
            Phase::Loading => false,
            Phase::Asleep | Phase::Missing => true,
        };
        memory && self.pipeline.is_empty() && self.waiting.is_empty() && self.reload_at.is_none()
    }
}

fn overloaded() -> ErrorData {
    ErrorData::new(ErrorCode::Overloaded, "the room is too busy").retry_after(500)
}

fn refuse_all(waiting: Vec<(Caller, RoomRequest)>, error: &ErrorData, out: &mut Vec<Effect>) {
    for (caller, request) in waiting {
        if !matches!(request, RoomRequest::Delivered(_)) {
            out.push(Effect::Answer(caller, Err(error.clone())));
        }
    }
}

enum SlowMode {
    Go,
    Wait(ErrorData),
    /// The member has to be read first.
    Unknown,
}

impl Memory {
    fn new(snapshot: RoomSnapshot) -> Self {
        let complete = snapshot.members.is_some();
        let members = snapshot.members.unwrap_or_default();
        Memory {
            room: snapshot.room,
            head: snapshot.head,
            members_count: snapshot.members_count,
            slow_mode_ms: snapshot.slow_mode_ms,
            members: members.into_iter().map(|member| (member.user.id, member.into())).collect(),
            complete,
            asking: BTreeMap::new(),
            read_by: Vec::new(),
            untold: BTreeSet::new(),
            tell_at: None,
            saving: false,
            save_at: None,
        }
    }

    /// Takes over what is stored now; cursors that are not written yet stay.
    fn refresh(&mut self, snapshot: RoomSnapshot, out: &mut Vec<Effect>) {
        if snapshot.head > self.head {
            out.push(Effect::Announce(snapshot.head));
        }
        let mut fresh = Memory::new(snapshot);
        fresh.head = fresh.head.max(self.head);
        for (id, mut known) in self.members.drain() {
            match fresh.members.get_mut(&id) {
                Some(member) => {
                    known.role = member.role;
                    known.barred = member.barred;
                    known.read = known.read.max(member.read);
                    known.delivered = known.delivered.max(member.delivered);
                    *member = known;
                }
                None if fresh.complete => {}
                None => {
                    fresh.members.insert(id, known);
                }
            }
        }
        fresh.asking = std::mem::take(&mut self.asking);
        fresh.read_by = std::mem::take(&mut self.read_by);
        fresh.untold = std::mem::take(&mut self.untold);
        (fresh.tell_at, fresh.saving, fresh.save_at) = (self.tell_at, self.saving, self.save_at);
        *self = fresh;
    }

    /// Remembers what an event means.
    fn learn(&mut self, event: &Event, now: Millis) {
        self.head = self.head.max(event.seq);
        match &event.data {
            EventData::NewMessage(message) => {
                if let Some(sender) = self.members.get_mut(&message.sender) {
                    sender.sent_at = now;
                }
            }
            EventData::RoomUpdated(update) => {
                self.slow_mode_ms = update.slow_mode_ms.unwrap_or(self.slow_mode_ms);
            }
            EventData::MemberChanged(change) => match change.action {
                MemberAction::Joined => {
                    self.members_count += 1;
                    // His number is not in the event: he is read when he asks something.
                    self.complete = false;
                    self.members.remove(&change.user);
                }
                MemberAction::Left | MemberAction::Kicked => {
                    self.members_count = self.members_count.saturating_sub(1);
                    self.members.remove(&change.user);
                }
                MemberAction::Role => {
                    if let (Some(member), Some(role)) =
                        (self.members.get_mut(&change.user), change.role)
                    {
                        member.role = role;
                    }
                }
                MemberAction::Muted | MemberAction::Unmuted => {}
            },
            _ => {}
        }
    }

    /// Whether a message comes too early after the last one of the same member.
    fn slow_mode(&self, caller: &Caller, change: &Change, now: Millis) -> SlowMode {
        if self.slow_mode_ms == 0 || !matches!(change, Change::Send { .. }) {
            return SlowMode::Go;
        }
        let Some(member) = self.members.get(&caller.user.id) else {
            // Of a room whose members are all known, he is none: the transaction says so.
            return if self.complete { SlowMode::Go } else { SlowMode::Unknown };
        };
        let wait_ms = member.sent_at + self.slow_mode_ms - now;
        if member.role >= Role::Admin || wait_ms <= 0 {
            return SlowMode::Go;
        }
        let text = "this room is in slow mode";
        let error = ErrorData::new(ErrorCode::RateLimited, text).retry_after(wait_ms);
        SlowMode::Wait(error)
    }

    /// Has the member read who asks something.
    fn ask(&mut self, caller: Caller, request: RoomRequest, out: &mut Vec<Effect>) {
        let user = caller.user.id;
        let asking = self.asking.entry(user).or_default();
        if asking.len() >= limits::INFLIGHT_MAX {
            return refuse_all(vec![(caller, request)], &overloaded(), out);
        }
        if asking.is_empty() {
            out.push(Effect::LoadMember(user));
        }
        asking.push((caller, request));
    }

    /// Forgets members of whom nothing is pending, when there are very many.
    fn make_room(&mut self) {
        if self.members.len() >= MEMBERS_KNOWN_MAX {
            let untold = &self.untold;
            self.members.retain(|user, member| member.unsaved || untold.contains(user));
            self.complete = false;
        }
    }

    fn request(
        &mut self,
        caller: Caller,
        request: RoomRequest,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let user = caller.user.id;
        if !self.members.contains_key(&user) {
            if self.complete {
                return refuse_all(vec![(caller, request)], &ErrorData::forbidden_room(), out);
            }
            return self.ask(caller, request, out);
        }
        match request {
            RoomRequest::Read(seq) => {
                let seq = self.move_cursors(user, seq, true, now, out);
                let done = Reply::Done(Done { seq, duplicate: false });
                out.push(Effect::Answer(caller, Ok(done)));
            }
            RoomRequest::Delivered(seq) => {
                self.move_cursors(user, seq, false, now, out);
            }
            RoomRequest::Typing => {
                self.typing(user, now, out);
                out.push(Effect::Answer(caller, Ok(Reply::Empty(Empty {}))));
            }
            RoomRequest::ReadBy(seq) => {
                if self.saving || self.save_at.is_some() {
                    self.read_by.push((caller, seq));
                    self.save(out);
                    if !self.saving {
                        // Whoever had moved his cursor has gone meanwhile.
                        self.answer_read_by(out);
                    }
                } else {
                    out.push(Effect::AnswerReadBy(caller, seq));
                }
            }
            RoomRequest::Change(_) => {}
        }
    }

    /// Moves a member's cursors up to `seq`, no further than the head, and returns the one asked
    /// for.
    fn move_cursors(
        &mut self,
        user: UserId,
        seq: Seq,
        read: bool,
        now: Millis,
        out: &mut Vec<Effect>,
    ) -> Seq {
        let seq = seq.min(self.head);
        let Some(member) = self.members.get_mut(&user) else { return 0 };
        let before = (member.read, member.delivered);
        if read {
            member.read = member.read.max(seq);
        }
        member.delivered = member.delivered.max(seq);
        let after = (member.read, member.delivered);
        member.untold_read |= after.0 > before.0;
        // Who has read has got it: one signal says both.
        member.untold_delivered |= after.1 > before.1 && after.1 > after.0;
        if after != before {
            member.unsaved = true;
            self.untold.insert(user);
            self.save_at.get_or_insert(now + limits::RECEIPT_EVERY_MS);
            self.tell_cursors(now, out);
        }
        if read { after.0 } else { after.1 }
    }

    /// Tells of cursors that have moved, of each member at most once per second.
    fn tell_cursors(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let large = self.members_count > limits::RECEIPTS_MEMBERS_MAX;
        let mut tell_at: Option<Millis> = None;
        let members = &mut self.members;
        self.untold.retain(|user| {
            let Some(member) = members.get_mut(user) else { return false };
            if member.quiet_until > now {
                tell_at = Some(tell_at.map_or(member.quiet_until, |at| at.min(member.quiet_until)));
                return true;
            }
            let (user, only_own) = (*user, large || member.barred);
            if std::mem::take(&mut member.untold_read) {
                out.push(Effect::Cursor { user, seq: member.read, read: true, only_own });
            }
            if std::mem::take(&mut member.untold_delivered) {
                out.push(Effect::Cursor { user, seq: member.delivered, read: false, only_own });
            }
            member.quiet_until = now + limits::RECEIPT_EVERY_MS;
            false
        });
        self.tell_at = tell_at;
    }

    fn typing(&mut self, user: UserId, now: Millis, out: &mut Vec<Effect>) {
        let small = self.members_count <= limits::TYPING_MEMBERS_MAX;
        let Some(member) = self.members.get_mut(&user) else { return };
        if small && !member.barred && member.typed_at + TYPING_EVERY_MS <= now {
            member.typed_at = now;
            out.push(Effect::Typing(user));
        }
    }

    fn save(&mut self, out: &mut Vec<Effect>) {
        if self.saving {
            return;
        }
        self.save_at = None;
        let room = self.room.key;
        let mut updates: Vec<CursorUpdate> = Vec::new();
        for member in self.members.values_mut().filter(|member| member.unsaved) {
            member.unsaved = false;
            let (read, delivered) = (member.read, member.delivered);
            updates.push(CursorUpdate { room, user: member.user.key, read, delivered });
        }
        updates.sort_unstable_by_key(|update| update.user);
        if !updates.is_empty() {
            self.saving = true;
            out.push(Effect::SaveCursors(updates));
        }
    }

    fn answer_read_by(&mut self, out: &mut Vec<Effect>) {
        let asked = self.read_by.drain(..);
        out.extend(asked.map(|(caller, seq)| Effect::AnswerReadBy(caller, seq)));
    }

    fn wake_at(&self) -> Option<Millis> {
        [self.tell_at, self.save_at].into_iter().flatten().min()
    }

    fn is_at_rest(&self) -> bool {
        !self.saving
            && self.save_at.is_none()
            && self.asking.is_empty()
            && self.read_by.is_empty()
            && self.wake_at().is_none()
    }
}

impl Room {
    /// A commit that was given out is about to begin: what has come since goes with it.
    pub(crate) fn top_up(&mut self, ops: &mut Vec<RoomOp>) {
        self.pipeline.top_up(ops);
    }

    /// The log, once the room is awake.
    pub(crate) fn log(&self) -> Option<(RoomRef, Seq)> {
        match &self.phase {
            Phase::Awake(memory) => Some((memory.room, memory.head)),
            _ => None,
        }
    }
}
