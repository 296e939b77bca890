//! A look at everything, once a second.
//!
//! Owns      the timeline of a run.
//! Promises  rates are of the time since the last look, however long that was.
//! Does not  decide when to look.

use crate::clock::{Clock, SECOND_NS};
use crate::measure::{Counts, CpuMeter, Progress, Timeline, memory};
use crate::report::{Live, readable};

const COLUMNS: &[&str] = &[
    "connections_per_s",
    "connected",
    "acks_per_s",
    "deliveries_per_s",
    "errors_per_s",
    "ack_p99_ms",
    "server_cpu_percent",
    "server_rss_mb",
];

/// See the module.
#[derive(Debug)]
pub struct Sampler {
    clock: Clock,
    timeline: Timeline,
    cpu: Option<CpuMeter>,
    at_ns: u64,
    cpu_ns: u64,
    counts: Counts,
}

impl Sampler {
    /// Nothing was looked at yet.
    pub fn new(clock: Clock) -> Self {
        let timeline = Timeline::new(COLUMNS);
        Sampler { clock, timeline, cpu: None, at_ns: 0, cpu_ns: 0, counts: Counts::default() }
    }

    /// The server is this process from now on.
    pub fn follow(&mut self, pid: Option<u32>) {
        self.cpu = pid.map(CpuMeter::new);
        self.cpu_ns = self.cpu.as_mut().map_or(0, CpuMeter::total_ns);
    }

    /// What was seen so far.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Looks, and shows what is seen.
    pub fn sample(&mut self, progress: &Progress, live: &Live) {
        let followed = self.cpu.as_ref().map(CpuMeter::pid);
        if let Some(pid) = progress.server_pid().filter(|pid| Some(*pid) != followed) {
            self.follow(Some(pid));
        }
        let now_ns = self.clock.now_ns();
        let seconds = (now_ns - self.at_ns) as f64 / SECOND_NS as f64;
        let counts = progress.counts();
        let per_s = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds.max(1e-9);
        let cpu_ns = self.cpu.as_mut().map_or(0, CpuMeter::total_ns);
        let cpu_percent = per_s(cpu_ns, self.cpu_ns) / SECOND_NS as f64 * 100.0;
        let rss_mb = self
            .cpu
            .as_ref()
            .and_then(|cpu| memory(cpu.pid()))
            .map_or(0.0, |memory| memory.rss_bytes as f64 / 1e6);
        let values = vec![
            per_s(counts.connections, self.counts.connections),
            progress.connected() as f64,
            per_s(counts.acks, self.counts.acks),
            per_s(counts.deliveries, self.counts.deliveries),
            per_s(counts.errors, self.counts.errors),
            progress.ack_p99_ms(),
            cpu_percent,
            rss_mb,
        ];
        let second = now_ns as f64 / SECOND_NS as f64;
        live.tick(second, &words(&values, counts.errors));
        self.timeline.push(second, values);
        (self.at_ns, self.cpu_ns, self.counts) = (now_ns, cpu_ns, counts);
    }
}

/// Only what is not zero.
fn words(values: &[f64], errors: u64) -> String {
    let names =
        ["conn/s", "open", "acks/s", "deliveries/s", "", "ms ack p99", "% server", "MB server"];
    let mut parts: Vec<_> = names
        .iter()
        .zip(values)
        .filter(|(name, value)| !name.is_empty() && **value > 0.0)
        .map(|(name, value)| format!("{} {name}", readable(*value)))
        .collect();
    if errors > 0 {
        parts.push(format!("{errors} errors"));
    }
    parts.join("   ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_zero_is_not_shown() {
        let values = [0.0, 5.0, 0.0, 1_000.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(words(&values, 2), "5.00 open   1,000 deliveries/s   2 errors");
    }
}
