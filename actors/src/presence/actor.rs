//! How presence acts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::SendError;
use actix::{
    Actor, ActorFutureExt as _, Addr, AsyncContext as _, Context, Handler, SpawnHandle,
    WrapFuture as _,
};
use dashmap::DashSet;
use salon_protocol::signal::Presence as PresenceSignal;
use salon_protocol::{Millis, SignalData, UserId};

use super::messages::{Effect, PresenceInput};
use super::state::State;
use crate::connection::SignalTo;
use crate::contain::contained;
use crate::node::Node;
use crate::publish::Publish as _;

/// Notices that wait.
const MAILBOX_MAX: usize = 65_536;

/// The way to presence, and its answer to "is he online".
#[derive(Debug)]
pub(crate) struct Presence {
    address: Addr<PresenceActor>,
    online: Arc<DashSet<UserId, foldhash::fast::RandomState>>,
}

impl Presence {
    /// Starts presence on the current thread.
    pub(crate) fn start(node: Weak<Node>, grace_ms: Millis) -> Self {
        let online = Arc::<DashSet<UserId, foldhash::fast::RandomState>>::default();
        let actor = PresenceActor {
            node,
            grace_ms,
            state: State::new(grace_ms),
            online: online.clone(),
            effects: Vec::new(),
            timer: None,
        };
        Presence { address: actor.start(), online }
    }

    pub(crate) fn is_online(&self, user: UserId) -> bool {
        self.online.contains(&user)
    }

    pub(crate) fn arrived(&self, user: UserId, friends: Arc<[UserId]>) {
        self.notice(PresenceInput::Arrived { user, friends });
    }

    pub(crate) fn left(&self, user: UserId) {
        self.notice(PresenceInput::Left { user });
    }

    pub(crate) fn friendship(&self, one: UserId, other: UserId, see: bool) {
        self.notice(PresenceInput::Friendship { one, other, see });
    }

    pub(crate) fn drain(&self) {
        self.notice(PresenceInput::Drain);
    }

    fn notice(&self, input: PresenceInput) {
        if let Err(SendError::Full(_)) = self.address.try_send(input) {
            tracing::warn!("presence is too busy; a notice was dropped");
        }
    }
}

#[derive(Debug)]
struct PresenceActor {
    node: Weak<Node>,
    grace_ms: Millis,
    state: State,
    online: Arc<DashSet<UserId, foldhash::fast::RandomState>>,
    effects: Vec<Effect>,
    timer: Option<SpawnHandle>,
}

impl Actor for PresenceActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_MAX);
    }
}

impl Handler<PresenceInput> for PresenceActor {
    type Result = ();

    fn handle(&mut self, input: PresenceInput, context: &mut Self::Context) {
        let Some(node) = self.node.upgrade() else { return };
        let now = node.now();
        let (state, effects) = (&mut self.state, &mut self.effects);
        if let Err(panic) = contained(|| state.handle(input, now, effects)) {
            tracing::error!(panic, "presence panicked and begins anew");
            node.metrics().restarts.inc();
            self.state = State::new(self.grace_ms);
            self.online.clear();
            self.effects.clear();
        }
        for effect in std::mem::take(&mut self.effects) {
            self.perform(&node, effect, context);
        }
        self.set_timer(now, context);
    }
}

impl PresenceActor {
    fn perform(&self, node: &Arc<Node>, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Tell { to, about, online, last_seen } => {
                let data = PresenceSignal { user: about, online, last_seen };
                node.signal(SignalTo::User(to), None, about, SignalData::Presence(data));
            }
            Effect::Mark { user, online: true } => {
                self.online.insert(user);
            }
            Effect::Mark { user, online: false } => {
                self.online.remove(&user);
            }
            Effect::SaveLastSeen(seen) => {
                let node = node.clone();
                let save = async move { node.store().save_last_seen(seen).await };
                let saved = save.into_actor(self).map(|outcome, _, _| {
                    if let Err(error) = outcome {
                        tracing::warn!(error = %error, "last seen was not saved");
                    }
                });
                context.spawn(saved);
            }
        }
    }

    fn set_timer(&mut self, now: Millis, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        if let Some(at) = self.state.wake_at() {
            let wait = Duration::from_millis((at - now).max(1).unsigned_abs());
            self.timer = Some(context.notify_later(PresenceInput::Wake, wait));
        }
    }
}
