//! What the living part counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters of one node. Cheap: plain atomics.
#[derive(Clone, Debug, Default)]
pub struct NodeMetrics {
    /// Sockets with an open session.
    pub connections: Gauge,
    /// User actors alive.
    pub users: Gauge,
    /// Room actors alive.
    pub rooms: Gauge,
    /// Requests.
    pub requests: Counter,
    /// Requests that were answered with an error.
    pub request_errors: Counter,
    /// Messages that were committed by rooms of this node.
    pub messages: Counter,
    /// Events written to sockets.
    pub deliveries: Counter,
    /// Signals that a slow socket did not get because a newer one took their place.
    pub signals_dropped: Counter,
    /// Times that a subscription was caught up from the log.
    pub catch_ups: Counter,
    /// Uploads that are open.
    pub uploads: Gauge,
    /// Sockets that view photo sessions, counted once for each session.
    pub viewers: Gauge,
    /// Uploads that became photos.
    pub photos: Counter,
    /// Photos whose variants could not be made.
    pub photos_failed: Counter,
    /// Messages waiting in mailboxes of rooms and users.
    pub mailbox_depth: Gauge,
    /// Times that a full mailbox or queue refused something.
    pub mailbox_full: Counter,
    /// Handlers that panicked and actors that died.
    pub restarts: Counter,
    /// Requests that were given up because their answer never came.
    pub lost_answers: Counter,
}

impl NodeMetrics {
    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        let gauges = [
            ("connections", "Sockets with an open session", &self.connections),
            ("users", "User actors alive", &self.users),
            ("rooms", "Room actors alive", &self.rooms),
            ("uploads", "Uploads open", &self.uploads),
            ("viewers", "Sockets that view photo sessions", &self.viewers),
            ("mailbox_depth", "Messages waiting in mailboxes", &self.mailbox_depth),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let counters = [
            ("requests", "Requests", &self.requests),
            ("request_errors", "Requests answered with an error", &self.request_errors),
            ("messages", "Messages committed", &self.messages),
            ("deliveries", "Events written to sockets", &self.deliveries),
            ("signals_dropped", "Signals replaced on slow sockets", &self.signals_dropped),
            ("catch_ups", "Subscriptions caught up from the log", &self.catch_ups),
            ("photos", "Uploads that became photos", &self.photos),
            ("photos_failed", "Photos without variants", &self.photos_failed),
            ("mailbox_full", "Refusals by full mailboxes", &self.mailbox_full),
            ("restarts", "Panics and deaths of actors", &self.restarts),
            ("lost_answers", "Requests given up without answer", &self.lost_answers),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }
}
