//! The actors of a simulated node: mailboxes, lives and deaths, as the registry has them.
//!
//! Owns      every actor's state and its mailbox, from its start to its end.
//! Promises  what the registry promises: a message is handled or comes back; who retires handles
//!           what was sent before.
//! Does not  run anything: it says what has to be woken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use salon_protocol::{ErrorCode, ErrorData, Millis, RoomId, UserId};
use salon_storage::model::{RoomKey, RoomRef};

use super::happening::ActorLife;
use crate::caller::UserShared;
use crate::registry::Restarts;
use crate::room::{Room, RoomInput};
use crate::user::{User, UserInput};

#[derive(Debug)]
pub(super) struct RoomBody {
    pub(super) id: RoomId,
    pub(super) room: Room,
    pub(super) log: Option<RoomRef>,
}

#[derive(Debug)]
pub(super) struct UserBody {
    pub(super) id: UserId,
    pub(super) user: User,
    pub(super) shared: Option<Arc<UserShared>>,
    pub(super) inbox: Option<RoomKey>,
}

/// One life.
#[derive(Debug)]
pub(super) struct Life<B, M> {
    pub(super) body: B,
    pub(super) mail: VecDeque<M>,
    /// It is about to look into its mailbox.
    pub(super) awake: bool,
    pub(super) timer: Option<Millis>,
}

/// All actors of one kind.
#[derive(Debug)]
pub(super) struct Kind<K: Ord, B, M> {
    addresses: BTreeMap<K, ActorLife>,
    pub(super) lives: BTreeMap<ActorLife, Life<B, M>>,
    restarts: Restarts<K>,
    last: ActorLife,
    mailbox_max: usize,
}

pub(super) type Rooms = Kind<RoomId, RoomBody, RoomInput>;
pub(super) type Users = Kind<UserId, UserBody, UserInput>;

impl<K: Ord + Copy, B, M> Kind<K, B, M> {
    pub(super) fn new(mailbox_max: usize) -> Self {
        let (addresses, lives) = (BTreeMap::new(), BTreeMap::new());
        Kind { addresses, lives, restarts: Restarts::default(), last: 0, mailbox_max }
    }

    /// Sends a message and starts the actor if there is none; the life to be woken.
    pub(super) fn send(
        &mut self,
        key: K,
        message: M,
        now: Millis,
        make: impl FnOnce() -> B,
    ) -> Result<ActorLife, ErrorData> {
        let life = match self.addresses.get(&key) {
            Some(life) => *life,
            None => {
                let allowed = self.restarts.next_life(key, now);
                allowed.map_err(broken)?;
                self.last += 1;
                self.addresses.insert(key, self.last);
                let mail = VecDeque::new();
                self.lives
                    .insert(self.last, Life { body: make(), mail, awake: false, timer: None });
                self.last
            }
        };
        // The notice of its death is on the way.
        let living = self.lives.get_mut(&life).ok_or_else(|| broken(0))?;
        if living.mail.len() >= self.mailbox_max {
            return Err(ErrorData::new(ErrorCode::Overloaded, "too many wait").retry_after(500));
        }
        living.mail.push_back(message);
        Ok(life)
    }

    /// Sends a message to an actor that lives already.
    pub(super) fn tell(&mut self, key: K, message: M) -> Option<ActorLife> {
        let life = *self.addresses.get(&key)?;
        let living = self.lives.get_mut(&life)?;
        if living.mail.len() >= self.mailbox_max {
            return None;
        }
        living.mail.push_back(message);
        Some(life)
    }

    pub(super) fn retire(&mut self, key: K, life: ActorLife, last: M) {
        if self.addresses.get(&key) == Some(&life) {
            self.addresses.remove(&key);
            if let Some(living) = self.lives.get_mut(&life) {
                living.mail.push_back(last);
            }
        }
    }

    /// The notice of a death that was no retirement.
    pub(super) fn died(&mut self, key: K, life: ActorLife, now: Millis) -> bool {
        let known = self.addresses.get(&key) == Some(&life);
        if known {
            self.addresses.remove(&key);
            self.restarts.died(key, now);
        }
        known
    }

    pub(super) fn is_alive(&self, key: K) -> bool {
        self.addresses.contains_key(&key)
    }
}

fn broken(wait_ms: Millis) -> ErrorData {
    let error = ErrorData::new(ErrorCode::Unavailable, "it is being started again");
    error.retry_after(wait_ms.max(100))
}
