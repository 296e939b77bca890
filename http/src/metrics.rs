//! What `/metrics` says about sockets and queues: read when it is asked, counted elsewhere.

use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use salon_actors::Node;
use salon_storage::sql::SqlStore;

use crate::websocket::{Refused, SocketMetrics};

/// Makes the sockets' counters and the lengths of queues visible.
pub fn register(
    registry: &mut Registry,
    sockets: &Arc<SocketMetrics>,
    node: &Arc<Node>,
    store: &Arc<SqlStore>,
) {
    registry.register_collector(Box::new(Sockets {
        sockets: sockets.clone(),
        node: Arc::downgrade(node),
        store: Arc::downgrade(store),
    }));
}

#[derive(Debug)]
struct Sockets {
    sockets: Arc<SocketMetrics>,
    node: Weak<Node>,
    store: Weak<SqlStore>,
}

impl Collector for Sockets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let sockets = &self.sockets;
        let node = self.node.upgrade();
        let gauges = [
            ("sockets", "Sockets held, whether authenticated or not", sockets.open.get()),
            ("backlog_bytes", "Bytes that wait for their sockets", sockets.backlog_bytes.get()),
            (
                "worker_queue",
                "Messages that wait for workers",
                node.as_ref().map_or(0, |node| node.workers_waiting()),
            ),
            ("actors", "Actors alive", node.map_or(0, |node| node.actors_alive() as u64)),
            (
                "writer_queue",
                "Jobs that wait for the writer",
                self.store.upgrade().map_or(0, |store| store.writer_waiting() as u64),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let refused = Refused::ALL.iter().map(|reason| sockets.refused(*reason).get()).sum();
        let counters = [
            ("sockets_accepted", "Upgrades granted", sockets.accepted.get()),
            ("sockets_refused", "Upgrades refused", refused),
            ("frames_received", "Frames received", sockets.frames_in.get()),
            ("received_bytes", "Bytes received on sockets", sockets.bytes_in.get()),
            ("sent_bytes", "Bytes sent on sockets", sockets.bytes_out.get()),
            ("socket_writes", "Writes to sockets", sockets.writes.get()),
            ("slow_closes", "Sockets closed as too slow", sockets.slow_closes.get()),
            ("silent_closes", "Sockets closed as silent", sockets.silent_closes.get()),
            ("protocol_errors", "Sockets closed for broken frames", sockets.protocol_errors.get()),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
