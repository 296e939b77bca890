//! The address book of actors: finds them, starts them, hears of their death.
//!
//! Promises  a message sent through the registry is handled, or comes back with the reason; an
//!           actor that retires handles everything that was sent to it before; a death is told
//!           from a later life by its generation; an actor that dies again and again is left
//!           alone for a while, and whoever asks for it is told until when.
//! Does not  hand out addresses: a message is sent under the lock under which an actor retires,
//!           so none can be lost between the two.
//!
//! Supervision is ours because actix's own neither catches a panic nor makes a fresh value.

mod restart;

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use actix::dev::{ToEnvelope, channel};
use actix::prelude::SendError;
use actix::{Actor, Addr, ArbiterHandle, Context, Handler, Message};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry as MapEntry;
use salon_protocol::Millis;

pub(crate) use restart::Restarts;

/// An actor that lives under a key.
pub(crate) trait Supervised:
    Actor<Context = Context<Self>> + Handler<Self::Message>
{
    /// What it is known by.
    type Key: Copy + Eq + Hash + Ord + std::fmt::Debug + Send + Sync + 'static;
    /// Its language.
    type Message: Message<Result = ()> + Send + 'static;
    /// Messages that wait for it; above, the sender gets its message back.
    const MAILBOX_MAX: usize;
}

/// Which life of a key an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum Refused<M> {
    /// The mailbox is full.
    Full(M),
    /// The actor died too often; not before so many milliseconds from now.
    Broken(M, Millis),
}

struct Entry<A: Supervised> {
    address: Addr<A>,
    generation: Generation,
}

/// The address book for one kind of actor.
pub(crate) struct Registry<A: Supervised> {
    actors: DashMap<A::Key, Entry<A>, foldhash::fast::RandomState>,
    restarts: Mutex<Restarts<A::Key>>,
}

impl<A: Supervised> std::fmt::Debug for Registry<A> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Registry").field("actors", &self.actors.len()).finish_non_exhaustive()
    }
}

impl<A: Supervised> Default for Registry<A> {
    fn default() -> Self {
        Registry { actors: DashMap::default(), restarts: Mutex::default() }
    }
}

impl<A> Registry<A>
where
    A: Supervised,
    Context<A>: ToEnvelope<A, A::Message>,
{
    /// Sends a message, and starts the actor if there is none: `make` makes it, on `arbiter`.
    pub(crate) fn send(
        &self,
        key: A::Key,
        message: A::Message,
        now: Millis,
        arbiter: &ArbiterHandle,
        make: impl FnOnce(Generation) -> A + Send + 'static,
    ) -> Result<(), Refused<A::Message>> {
        if let Some(entry) = self.actors.get(&key) {
            match entry.address.try_send(message) {
                Ok(()) => return Ok(()),
                Err(SendError::Full(message)) => return Err(Refused::Full(message)),
                // Its death notice is on the way: it takes the entry out.
                Err(SendError::Closed(message)) => return Err(Refused::Broken(message, 0)),
            }
        }
        let generation = match self.restarts().next_life(key, now) {
            Ok(generation) => generation,
            Err(wait_ms) => return Err(Refused::Broken(message, wait_ms)),
        };
        let entry = match self.actors.entry(key) {
            // Somebody else was faster.
            MapEntry::Occupied(entry) => entry.into_ref(),
            MapEntry::Vacant(vacant) => {
                let address = start(arbiter, generation, make);
                vacant.insert(Entry { address, generation })
            }
        };
        entry.address.try_send(message).map_err(|error| match error {
            SendError::Full(message) | SendError::Closed(message) => Refused::Full(message),
        })
    }

    /// Sends a message to an actor that lives already.
    pub(crate) fn tell(&self, key: A::Key, message: A::Message) -> Result<(), A::Message> {
        match self.actors.get(&key) {
            Some(entry) => entry.address.try_send(message).map_err(SendError::into_inner),
            None => Err(message),
        }
    }

    /// Whether an actor lives under the key.
    pub(crate) fn is_alive(&self, key: A::Key) -> bool {
        self.actors.contains_key(&key)
    }

    /// An actor wants to stop. From now on nothing more is sent to it; what was sent before is in
    /// its mailbox, and `last` behind it: when that is handled, the actor can stop.
    pub(crate) fn retire(&self, key: A::Key, generation: Generation, last: A::Message) {
        let removed = self.actors.remove_if(&key, |_, entry| entry.generation == generation);
        if let Some((_, entry)) = removed {
            // The bound does not hold for the one message that ends it all.
            #[expect(clippy::disallowed_methods, reason = "one message, and it must not be lost")]
            entry.address.do_send(last);
        }
    }

    /// An actor ends; true when it had not retired. Every actor says so when it is dropped, by a
    /// panic too.
    pub(crate) fn died(&self, key: A::Key, generation: Generation, now: Millis) -> bool {
        let removed = self.actors.remove_if(&key, |_, entry| entry.generation == generation);
        if removed.is_some() {
            self.restarts().died(key, now);
        }
        removed.is_some()
    }

    /// The keys of all that live.
    pub(crate) fn keys(&self) -> Vec<A::Key> {
        self.actors.iter().map(|entry| *entry.key()).collect()
    }

    /// How many live.
    pub(crate) fn len(&self) -> usize {
        self.actors.len()
    }

    fn restarts(&self) -> std::sync::MutexGuard<'_, Restarts<A::Key>> {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts an actor on an arbiter; its address is good at once.
fn start<A: Supervised>(
    arbiter: &ArbiterHandle,
    generation: Generation,
    make: impl FnOnce(Generation) -> A + Send + 'static,
) -> Addr<A> {
    let (sender, receiver) = channel::channel(A::MAILBOX_MAX);
    arbiter.spawn_fn(move || {
        let context = Context::with_receiver(receiver);
        let address = context.run(make(generation));
        drop(address);
    });
    Addr::new(sender)
}
