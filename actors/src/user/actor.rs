//! How a user's actor acts.

use std::sync::Arc;
use std::time::Duration;

use actix::ActorContext as _;
use actix::{
    Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, SpawnHandle, WrapFuture as _,
};
use bytes::Bytes;
use salon_protocol::{CloseCode, ErrorCode, ErrorData, Millis, UserId, codec};
use salon_storage::StoreError;
use salon_storage::contract::Topic;
use salon_storage::model::{AccountRole, Membership, OpenOutcome, Opening, RoomKey};

use super::messages::{Effect, UserInput, UserMessage};
use super::opening::{Session, answer, plan};
use super::serve::serve;
use super::state::User;
use crate::caller::UserShared;
use crate::connection::{Open, Subscription, ToWorker, Who};
use crate::contain::contained;
use crate::node::Node;
use crate::publish::{Publish as _, Reach as _};
use crate::registry::{Generation, Supervised};

/// A user's actor.
#[derive(Debug)]
pub(crate) struct UserActor {
    node: Arc<Node>,
    id: UserId,
    generation: Generation,
    user: User,
    /// Known from the first opening on.
    shared: Option<Arc<UserShared>>,
    /// His inbox, while it is looked after.
    inbox: Option<RoomKey>,
    timer: Option<(Millis, SpawnHandle)>,
}

impl UserActor {
    pub(crate) fn new(node: Arc<Node>, id: UserId, generation: Generation) -> Self {
        let user = User::new(node.config().user_idle_ms, node.now());
        node.metrics().users.inc();
        // Before anything is read: what changes after that is told.
        node.bus().listen(Topic::User(id));
        UserActor { node, id, generation, user, shared: None, inbox: None, timer: None }
    }
}

impl Drop for UserActor {
    fn drop(&mut self) {
        self.node.metrics().users.dec();
        if !self.node.user_is_here(self.id) {
            self.node.bus().ignore(Topic::User(self.id));
            self.node.directory().forget(self.id);
        }
        if let Some(inbox) = self.inbox {
            self.node.directory().leave_alone(inbox);
        }
        // Whoever has retired is not in the registry any more.
        self.node.user_died(self.id, self.generation);
    }
}

impl Supervised for UserActor {
    type Key = UserId;
    type Message = UserMessage;
    const MAILBOX_MAX: usize = 1_024;
}

impl Actor for UserActor {
    type Context = Context<Self>;
}

impl Handler<UserMessage> for UserActor {
    type Result = ();

    fn handle(&mut self, UserMessage(input): UserMessage, context: &mut Self::Context) {
        self.node.metrics().mailbox_depth.dec();
        if matches!(input, UserInput::Last) {
            return context.stop();
        }
        self.take(input, context);
    }
}

impl UserActor {
    fn take(&mut self, input: UserInput, context: &mut Context<Self>) {
        let asking = match &input {
            UserInput::Request(caller, _) => Some(*caller),
            _ => None,
        };
        let mut effects = Vec::new();
        let (user, node) = (&mut self.user, &self.node);
        if let Err(panic) = contained(|| user.handle(input, node.now(), &mut effects)) {
            tracing::error!(panic, "user panicked and begins anew");
            self.node.metrics().restarts.inc();
            if let Some(caller) = asking {
                let error = ErrorData::new(ErrorCode::Internal, "internal error");
                self.node.answer(vec![caller.answer::<()>(&Err(error))]);
            }
            effects.clear();
            self.user = User::new(self.node.config().user_idle_ms, self.node.now());
            self.node.user_begins_anew(self.id);
        }
        for effect in effects {
            self.perform(effect, context);
        }
        self.set_timer(context);
    }

    fn perform(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Open(open) => {
                let node = self.node.clone();
                let opened = async move {
                    let read = read_opening(&node, &open).await;
                    (open, read)
                };
                context.spawn(opened.into_actor(self).map(|(open, read), user, context| {
                    user.opening_read(&open, read, context);
                }));
            }
            Effect::Serve(caller, request) => {
                let node = self.node.clone();
                let served = async move {
                    if let Some(answer) = serve(&node, caller, *request).await {
                        node.answer(vec![answer]);
                    }
                };
                context.spawn(served.into_actor(self).map(|(), user, context| {
                    user.take(UserInput::Served, context);
                }));
            }
            Effect::Overloaded(caller) => {
                let error = ErrorData::new(ErrorCode::Overloaded, "too many of your requests wait");
                let answer = caller.answer::<()>(&Err(error.retry_after(500)));
                self.node.answer(vec![answer]);
            }
            Effect::Close(conn, code) => {
                self.node.to_worker(conn.worker, ToWorker::Close { who: Who::Conn(conn), code });
            }
            Effect::Left => self.node.presence().left(self.id),
            Effect::Sleep => self.node.retire_user(self.id, self.generation),
        }
    }

    /// Everything for a session was read, or not.
    fn opening_read(
        &mut self,
        open: &Open,
        read: Result<Read, Refusal>,
        context: &mut Context<Self>,
    ) {
        let conn = open.conn;
        let Read { opening, frame, logs } = match read {
            Ok(read) => read,
            Err(Refusal { error, close }) => {
                self.node.to_worker(conn.worker, ToWorker::NotOpened { conn, error, close });
                return self.take(UserInput::NotOpened, context);
            }
        };
        let shared = self.look_after(&opening);
        self.node.presence().arrived(self.id, opening.friends.into());
        let session = open.claims.session;
        let device = open.auth.device.clone().unwrap_or(opening.device);
        self.take(UserInput::Opened { conn, device }, context);
        let ticket = open.ticket;
        let opened = ToWorker::Opened { conn, ticket, frame, user: shared, session, logs };
        self.node.to_worker(conn.worker, opened);
    }

    /// From now on events of the inbox are told of, too.
    fn look_after(&mut self, opening: &Opening) -> Arc<UserShared> {
        if self.inbox.is_none() {
            self.inbox = Some(opening.account.inbox);
            self.node.directory().look_after(opening.account.inbox, opening.inbox_head);
        }
        let guest = opening.account.role == AccountRole::Guest;
        self.shared.get_or_insert_with(|| UserShared::new(opening.account.user, guest)).clone()
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        let Some(at) = self.user.wake_at() else { return };
        if self.timer.is_some_and(|(earlier, _)| earlier <= at) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            context.cancel_future(timer);
        }
        let wait = Duration::from_millis((at - self.node.now()).max(1).unsigned_abs());
        let timer = context.run_later(wait, |user, context| {
            user.timer = None;
            user.take(UserInput::Wake, context);
        });
        self.timer = Some((at, timer));
    }
}

/// What a session needs to open.
struct Read {
    opening: Opening,
    /// The answer to `auth`.
    frame: Bytes,
    logs: Vec<Subscription>,
}

/// Why a session does not open.
struct Refusal {
    error: ErrorData,
    /// `None`: the client may try again on the same socket.
    close: Option<CloseCode>,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal { error: error.to_error_data(), close: None }
    }
}

async fn read_opening(node: &Arc<Node>, open: &Open) -> Result<Read, Refusal> {
    let store = node.store();
    let refused =
        |code, text, close| Err(Refusal { error: ErrorData::new(code, text), close: Some(close) });
    let opening = match store.open(open.claims.user, open.claims.session).await? {
        OpenOutcome::Open(opening) => *opening,
        OpenOutcome::Ended => {
            let text = "the session of this token has ended";
            return refused(ErrorCode::Unauthorized, text, CloseCode::Unauthorized);
        }
        OpenOutcome::Disabled => {
            let text = "this account is disabled";
            return refused(ErrorCode::Forbidden, text, CloseCode::Disabled);
        }
    };
    let epoch = store.epoch();
    let plan = plan(&opening, &open.auth, &epoch);
    let listed: Vec<Membership> =
        plan.listed.iter().filter_map(|place| opening.rooms.get(*place)).cloned().collect();
    let unread = match listed.is_empty() {
        true => Vec::new(),
        false => store.unread(opening.account.user.key, &listed).await?,
    };
    let session = Session {
        id: open.claims.session,
        epoch: &epoch,
        now: node.now(),
        expires_at: open.claims.expires_at,
        limits: node.config().announced(),
    };
    let data = answer(&opening, &plan, unread, session);
    let frame = codec::ok(open.encoding, open.reference, &data);
    Ok(Read { opening, frame, logs: plan.logs })
}
