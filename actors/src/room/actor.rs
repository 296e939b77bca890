//! How a room acts: performs the effects, and lives on when its thinking panics.

use std::sync::Arc;
use std::time::Duration;

use actix::ActorContext as _;
use actix::{
    Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, SpawnHandle, WrapFuture as _,
};
use salon_protocol::{Millis, RoomId};
use salon_storage::model::RoomRef;

use super::messages::{Effect, RoomInput, RoomMessage};
use super::state::{Lost, Room};
use super::telling::tell;
use crate::caller::{Answer, Caller};
use crate::contain::contained;
use crate::node::Node;
use crate::publish::{Publish as _, Reach as _};
use crate::registry::{Generation, Supervised};

/// A room's actor.
#[derive(Debug)]
pub(crate) struct RoomActor {
    node: Arc<Node>,
    id: RoomId,
    generation: Generation,
    room: Room,
    /// Known from the first load on; kept when the room's memory is thrown away.
    log: Option<RoomRef>,
    effects: Vec<Effect>,
    answers: Vec<Answer>,
    timer: Option<(Millis, SpawnHandle)>,
}

impl RoomActor {
    pub(crate) fn new(node: Arc<Node>, id: RoomId, generation: Generation) -> Self {
        let room = Room::new(id, node.config().room_idle_ms, node.now());
        node.metrics().rooms.inc();
        RoomActor {
            node,
            id,
            generation,
            room,
            log: None,
            effects: Vec::new(),
            answers: Vec::new(),
            timer: None,
        }
    }
}

impl Drop for RoomActor {
    fn drop(&mut self) {
        self.node.metrics().rooms.dec();
        if let Some(log) = self.log {
            self.node.directory().leave_alone(log.key);
        }
        // Whoever has retired is not in the registry any more.
        self.node.room_died(self.id, self.generation);
    }
}

impl Supervised for RoomActor {
    type Key = RoomId;
    type Message = RoomMessage;
    const MAILBOX_MAX: usize = 8_192;
}

impl Actor for RoomActor {
    type Context = Context<Self>;
}

impl Handler<RoomMessage> for RoomActor {
    type Result = ();

    fn handle(&mut self, RoomMessage(input): RoomMessage, context: &mut Self::Context) {
        self.node.metrics().mailbox_depth.dec();
        if matches!(input, RoomInput::Last) {
            return context.stop();
        }
        self.take(input, context);
    }
}

impl RoomActor {
    fn take(&mut self, input: RoomInput, context: &mut Context<Self>) {
        let asking = match &input {
            RoomInput::Request(caller, _) => Some(*caller),
            _ => None,
        };
        let lost = Lost::by(&input);
        let (room, effects, node) = (&mut self.room, &mut self.effects, &self.node);
        if let Err(panic) = contained(|| room.handle(input, node.now(), effects)) {
            self.panicked(&panic, asking, lost);
        }
        if let Some((log, head)) = self.room.log()
            && self.log.is_none()
        {
            self.log = Some(log);
            self.node.directory().look_after(log.key, head);
        }
        let effects = std::mem::take(&mut self.effects);
        // Answers first: whoever asked should hear that it is done before he sees what he has done.
        for effect in &effects {
            if let Effect::Answer(caller, result) = effect {
                if caller.is_inside() {
                    self.node.inside().finish(caller.ticket, result.clone());
                } else {
                    self.answers.push(caller.answer(result));
                }
            }
        }
        if !self.answers.is_empty() {
            self.node.answer(std::mem::take(&mut self.answers));
        }
        for effect in effects {
            self.perform(effect, context);
        }
        self.set_timer(context);
    }

    /// The request that caused it is answered; the rest goes on.
    fn panicked(&mut self, panic: &str, asking: Option<Caller>, lost: Lost) {
        tracing::error!(room.id = %self.id, panic, "room panicked and begins anew");
        self.node.metrics().restarts.inc();
        if let Some(caller) = asking {
            let error = salon_protocol::ErrorCode::Internal;
            let error = salon_protocol::ErrorData::new(error, "internal error");
            self.answers.push(caller.answer::<()>(&Err(error)));
        }
        self.room.recover(lost, self.node.now(), &mut self.effects);
    }

    fn perform(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Load | Effect::LoadMember(_) | Effect::SaveCursors(_) => {
                self.ask_store(effect, context);
            }
            Effect::Commit(mut ops) => {
                let node = self.node.clone();
                let settled = async move { node.writing().settle().await };
                let begun = settled.into_actor(self).map(|(), room, context| {
                    room.room.top_up(&mut ops);
                    room.ask_store(Effect::Commit(ops), context);
                });
                context.spawn(begun);
            }
            // See above.
            Effect::Answer(..) => {}
            Effect::AnswerReadBy(caller, seq) => {
                let (node, id) = (self.node.clone(), self.id);
                let read = async move {
                    let result = node.store().read_by(caller.user, id, seq).await;
                    let result = result.map_err(|error| error.to_error_data());
                    node.answer(vec![caller.answer(&result)]);
                };
                context.spawn(read.into_actor(self));
            }
            Effect::Sleep => self.node.retire_room(self.id, self.generation),
            Effect::PublishInbox(inbox) => self.node.publish_inbox(&inbox),
            effect => {
                if let Some(log) = self.log {
                    tell(&*self.node, log, effect);
                }
            }
        }
    }

    fn ask_store(&mut self, effect: Effect, context: &mut Context<Self>) {
        let (node, id, log) = (self.node.clone(), self.id, self.log);
        let question = async move {
            let store = node.store();
            match (effect, log) {
                (Effect::Load, _) => RoomInput::Loaded(store.room(id).await),
                (Effect::Commit(ops), Some(log)) => {
                    RoomInput::Committed(node.committing().commit(store, log, ops).await)
                }
                (Effect::LoadMember(user), Some(log)) => {
                    RoomInput::Member(user, store.member(log.key, user).await)
                }
                (Effect::SaveCursors(updates), _) => {
                    RoomInput::CursorsSaved(store.save_cursors(updates).await)
                }
                // Changes and members come after the first load.
                _ => RoomInput::Wake,
            }
        };
        let answered = question.into_actor(self).map(|input, room, context| {
            room.take(input, context);
        });
        context.spawn(answered);
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        let Some(at) = self.room.wake_at() else { return };
        // The idle time moves on with every request; the timer need not: it looks again when it
        // goes off.
        if self.timer.is_some_and(|(earlier, _)| earlier <= at) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            context.cancel_future(timer);
        }
        let wait = Duration::from_millis((at - self.node.now()).max(1).unsigned_abs());
        let timer = context.run_later(wait, |room, context| {
            room.timer = None;
            room.take(RoomInput::Wake, context);
        });
        self.timer = Some((at, timer));
    }
}
