//! What the store counts.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Counters of one store.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    /// Commits that failed as a whole.
    pub commits_failed: Counter,
    /// Events that were committed.
    pub events: Counter,
    /// Jobs per commit.
    pub batch_jobs: Histogram,
    /// Events per commit.
    pub batch_events: Histogram,
    /// Duration of a commit in seconds.
    pub commit_seconds: Histogram,
    /// SQLite: duration in seconds of folding a slice of the journal, between two commits.
    pub fold_seconds: Histogram,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        StoreMetrics {
            commits_failed: Counter::default(),
            events: Counter::default(),
            batch_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            batch_events: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            fold_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
        }
    }
}

impl StoreMetrics {
    pub(crate) fn committed(&self, jobs: usize, events: usize, took: Duration) {
        self.events.inc_by(events as u64);
        self.batch_jobs.observe(jobs as f64);
        self.batch_events.observe(events as f64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("commits_failed", "Commits that failed", self.commits_failed.clone());
        registry.register("events", "Events committed to logs", self.events.clone());
        registry.register("commit_jobs", "Jobs per commit", self.batch_jobs.clone());
        registry.register("commit_events", "Events per commit", self.batch_events.clone());
        let seconds = self.commit_seconds.clone();
        registry.register_with_unit(
            "commit_duration",
            "Duration of commits",
            Unit::Seconds,
            seconds,
        );
        registry.register_with_unit(
            "fold_duration",
            "Duration of folding slices of the journal",
            Unit::Seconds,
            self.fold_seconds.clone(),
        );
    }
}
