//! Users of a node, and presence: what their glue does in their `actor.rs`.

use super::USER_IDLE_MS;
use super::happening::{ActorLife, Asked, Asker, Dead, Happening, NodeLife, Question};
use super::world::{Node, World};
use crate::connection::{Target, ToWorker, Who};
use crate::presence::{Effect as PresenceEffect, PresenceInput};
use crate::publish::{Publish as _, Reach as _};
use crate::user::{Effect as UserEffect, User, UserInput};
use salon_protocol::SignalData;
use salon_protocol::signal::Presence;
use salon_protocol::{ErrorCode, ErrorData};
use salon_storage::contract::{Bus as _, Topic};

impl World {
    pub(super) fn user_wakes(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.users.lives.get_mut(&life) else { return };
        one.awake = false;
        let Some(input) = one.mail.pop_front() else { return };
        if matches!(input, UserInput::Last) {
            return self.user_ends(at, life);
        }
        self.user_takes(at, life, input);
    }

    pub(super) fn user_timer(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.users.lives.get_mut(&life) else { return };
        one.timer = None;
        self.user_takes(at, life, UserInput::Wake);
    }

    pub(super) fn user_takes(&mut self, at: NodeLife, life: ActorLife, input: UserInput) {
        let panics = self.fate.user_panics(&mut self.agenda);
        let now = self.agenda.now();
        let Some(node) = self.node_at(at) else { return };
        let Node { hall, users, .. } = node;
        let Some(one) = users.lives.get_mut(&life) else { return };
        let user = one.body.id;
        let mut effects = Vec::new();
        if panics {
            if let UserInput::Request(caller, _) = &input {
                let error = ErrorData::new(ErrorCode::Internal, "internal error");
                hall.answer(vec![caller.answer::<()>(&Err(error))]);
            }
            one.body.user = User::new(USER_IDLE_MS, now);
            hall.to_all_workers(|| ToWorker::Lost(Target::User(user)));
            hall.to_all_workers(|| ToWorker::Report(user));
        } else {
            one.body.user.handle(input, now, &mut effects);
        }
        let wake_at =
            one.body.user.wake_at().filter(|at| one.timer.is_none_or(|known| known > *at));
        if let Some(wake_at) = wake_at {
            one.timer = Some(wake_at);
        }
        let (mut questions, mut left) = (Vec::new(), false);
        for effect in effects {
            match effect {
                UserEffect::Open(open) => questions.push(Asked::Open(open)),
                UserEffect::Serve(caller, request) => questions.push(served(caller, *request)),
                UserEffect::Overloaded(caller) => {
                    let error = ErrorData::new(ErrorCode::Overloaded, "too many wait");
                    hall.answer(vec![caller.answer::<()>(&Err(error.retry_after(500)))]);
                }
                UserEffect::Close(conn, code) => {
                    hall.to_worker(conn.worker, ToWorker::Close { who: Who::Conn(conn), code });
                }
                UserEffect::Left => left = true,
                UserEffect::Sleep => {
                    users.retire(user, life, UserInput::Last);
                    if !users.is_alive(user) {
                        hall.users_here.borrow_mut().remove(&user);
                    }
                }
            }
        }
        if let Some(wake_at) = wake_at {
            self.agenda.at(wake_at, Happening::UserTimer(at, life));
        }
        if left {
            self.presence(at, PresenceInput::Left { user });
        }
        for what in questions {
            self.ask_store(Question { by: Asker { node: at, actor: life }, what });
        }
    }

    pub(super) fn user_ends(&mut self, at: NodeLife, life: ActorLife) {
        let Some(node) = self.node_at(at) else { return };
        let Some(one) = node.users.lives.remove(&life) else { return };
        let user = one.body.id;
        if !node.users.is_alive(user) {
            node.hall.bus.ignore(Topic::User(user));
            node.hall.directory().forget(user);
        }
        if let Some(inbox) = one.body.inbox {
            node.hall.directory().leave_alone(inbox);
        }
        self.agenda.between_us(1, 500, Happening::Obituary(at, Dead::User(user, life)));
    }

    pub(super) fn presence_timer(&mut self, at: NodeLife) {
        if let Some(node) = self.node_at(at) {
            node.presence_timer = None;
            self.presence(at, PresenceInput::Wake);
        }
    }

    pub(super) fn presence(&mut self, at: NodeLife, input: PresenceInput) {
        let now = self.agenda.now();
        let Some(node) = self.node_at(at) else { return };
        let mut effects = Vec::new();
        node.presence.handle(input, now, &mut effects);
        for effect in effects {
            if let PresenceEffect::Tell { to, about, online, last_seen } = effect {
                let data = SignalData::Presence(Presence { user: about, online, last_seen });
                node.hall.signal(crate::connection::SignalTo::User(to), None, about, data);
            }
        }
        if let (Some(wake_at), None) = (node.presence.wake_at(), node.presence_timer) {
            node.presence_timer = Some(wake_at);
            self.agenda.at(wake_at, Happening::PresenceTimer(at));
        }
    }
}

/// The question to the store that a request of a user is.
fn served(caller: crate::caller::Caller, request: salon_protocol::Request) -> Asked {
    use salon_protocol::{Request, RoomId};
    match request {
        Request::History(page) => Asked::History(caller, page),
        Request::CreateRoom(create) => {
            // The client's own name for it is as good as any.
            Asked::CreateRoom(caller, RoomId::from_bytes(*create.cid.as_bytes()), create)
        }
        other => unreachable!("no simulated client asks for {}", other.name()),
    }
}
