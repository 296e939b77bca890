//! A whole cluster in one thread, from one seed, without a runtime.
//!
//! Real      the pure states of rooms, users, connections and presence; the directory, the restart
//!           rules, telling, bells, the codec; everything that a client reads and writes.
//! Replaced  the store (`store`, `rules`, `views`), the network (`net`), the clients (`device`,
//!           `reading`, `acts`), and the glue of the `actor.rs` files (`houses`, `people`, `threads`,
//!           `outside`, `asking`, with `actors` for the registry and `hall` for the node).
//! Breaks    calls to the store (with nothing done, or done and not told), actors and their
//!           handlers, workers' queues, bells about logs, sockets, whole nodes; all by `fate`.
//! Judges    the oracle of the harness; that everybody comes to rest in bounded time and has
//!           everything; that nothing is left behind when all have gone.
//! Does not  lose bells about users, nor ask that who joined without that anybody could be told of it
//!           follows the room at once: until his next session nothing makes either good.
//!
//! `SIM_SEED=7 cargo nextest run -p salon-actors --no-capture sim` repeats a seed and tells it.
//! `SIM_SEEDS=10000` runs as many.

mod actors;
mod acts;
mod agenda;
mod asking;
mod device;
mod ends;
mod fate;
mod hall;
mod happening;
mod houses;
mod net;
mod outside;
mod people;
mod reading;
mod rules;
mod store;
mod tests;
mod threads;
mod views;
mod wire;
mod world;

use salon_protocol::Millis;

/// Names the simulated store.
const EPOCH: &str = "the first";
/// Short, so that actors often sleep and wake.
const ROOM_IDLE_MS: Millis = 1_500;
const USER_IDLE_MS: Millis = 700;
const PRESENCE_GRACE_MS: Millis = 500;
const ROOM_MAILBOX_MAX: usize = 8_192;
const USER_MAILBOX_MAX: usize = 1_024;
