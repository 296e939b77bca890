//! Rooms of a node: what their glue does in `actor.rs`; and the notices of deaths.

use salon_protocol::{ErrorCode, ErrorData};

use super::asking::joined;
use super::happening::{ActorLife, Asked, Asker, Dead, Happening, NodeLife, Question};
use super::world::{Node, World};
use crate::caller::Answer;
use crate::connection::{Target, ToWorker};
use crate::publish::{Publish as _, Reach as _};
use crate::room::{Effect, Lost, RoomInput, tell};

impl World {
    pub(super) fn room_wakes(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.rooms.lives.get_mut(&life) else { return };
        one.awake = false;
        let Some(input) = one.mail.pop_front() else { return };
        if matches!(input, RoomInput::Last) {
            return self.room_ends(at, life);
        }
        self.room_takes(at, life, input);
    }

    pub(super) fn room_timer(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.rooms.lives.get_mut(&life) else { return };
        one.timer = None;
        self.room_takes(at, life, RoomInput::Wake);
    }

    pub(super) fn room_takes(&mut self, at: NodeLife, life: ActorLife, input: RoomInput) {
        let panics = self.fate.room_panics(&mut self.agenda);
        let now = self.agenda.now();
        let Some(node) = self.node_at(at) else { return };
        let Node { hall, rooms, .. } = node;
        let mut told = Vec::new();
        let Some(one) = rooms.lives.get_mut(&life) else { return };
        let mut effects = Vec::new();
        let mut answers: Vec<Answer> = Vec::new();
        let asking = match &input {
            RoomInput::Request(caller, _) => Some(*caller),
            _ => None,
        };
        let lost = Lost::by(&input);
        // A panic before anything was done, or behind everything.
        if panics != Some(false) {
            one.body.room.handle(input, now, &mut effects);
        }
        if panics.is_some() {
            let error = ErrorData::new(ErrorCode::Internal, "internal error");
            answers.extend(asking.map(|caller| caller.answer::<()>(&Err(error))));
            one.body.room.recover(lost, now, &mut effects);
        }
        if let (Some((log, head)), None) = (one.body.room.log(), one.body.log) {
            one.body.log = Some(log);
            hall.directory().look_after(log.key, head);
        }
        let (id, log) = (one.body.id, one.body.log);
        let mut questions = Vec::new();
        for effect in effects {
            match (effect, log) {
                (Effect::Load, _) => questions.push(Asked::Room(id)),
                (Effect::Commit(ops), Some(log)) => questions.push(Asked::Commit(log, ops)),
                (Effect::LoadMember(user), Some(log)) => questions.push(Asked::Member(log, user)),
                (Effect::SaveCursors(all), _) => questions.push(Asked::SaveCursors(all)),
                (Effect::AnswerReadBy(caller, seq), _) => {
                    questions.push(Asked::ReadBy(caller, id, seq));
                }
                (Effect::Answer(caller, result), _) => answers.push(caller.answer(&result)),
                (Effect::Sleep, _) => rooms.retire(id, life, RoomInput::Last),
                (Effect::PublishInbox(inbox), _) => hall.publish_inbox(&inbox),
                (effect, Some(log)) => {
                    if let Effect::Publish(events) = &effect {
                        told.extend(events.iter().filter_map(joined));
                    }
                    tell(hall, log, effect);
                }
                (_, None) => {}
            }
        }
        hall.answer(answers);
        let wake_at = rooms.lives.get(&life).and_then(|one| one.body.room.wake_at());
        if let (Some(one), Some(wake_at)) = (rooms.lives.get_mut(&life), wake_at)
            && one.timer.is_none_or(|at| at > wake_at)
        {
            one.timer = Some(wake_at);
            self.agenda.at(wake_at, Happening::RoomTimer(at, life));
        }
        self.untold.retain(|one| !told.contains(one));
        for what in questions {
            self.ask_store(Question { by: Asker { node: at, actor: life }, what });
        }
    }

    /// The actor's value is dropped.
    pub(super) fn room_ends(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.rooms.lives.remove(&life) else { return };
        if let Some(log) = one.body.log {
            node.hall.directory().leave_alone(log.key);
        }
        let dead = Dead::Room(one.body.id, life);
        self.agenda.between_us(1, 500, Happening::Obituary(at, dead));
    }

    pub(super) fn obituary(&mut self, at: NodeLife, dead: Dead) {
        let now = self.agenda.now();
        let Some(node) = self.node_at(at) else { return };
        match dead {
            Dead::Room(room, life) => {
                if node.rooms.died(room, life, now) {
                    node.hall.to_all_workers(|| ToWorker::Lost(Target::Room(room)));
                }
            }
            Dead::User(user, life) => {
                if node.users.died(user, life, now) {
                    node.hall.users_here.borrow_mut().remove(&user);
                    node.hall.to_all_workers(|| ToWorker::Lost(Target::User(user)));
                    node.hall.to_all_workers(|| ToWorker::Report(user));
                }
            }
        }
    }
}
