//! What is measured.
//!
//! Owns      latencies, and what the server's processes have used.
//! Promises  processor time is that of all its processes since the first upload, memory that of the
//!           largest.
//! Does not  judge.

use crate::measure::{CpuMeter, Latency, memory};
use crate::oracle::Verdict;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// From the commit: its answer, `new_photo` at each viewer, the first word of 400 pixels there.
    pub(super) commit: Latency,
    pub(super) new_photo: Latency,
    pub(super) first_picture: Latency,
    /// From the request to take back to `photo_deleted` at each viewer.
    pub(super) deleted: Latency,
    /// A picture of 400 pixels over HTTP.
    pub(super) fetched: Latency,
    pub(super) fetched_bytes: u64,
    /// Pictures that answered 410 as they have to.
    pub(super) refused: u64,
    pub(super) received_bytes: u64,
    pub(super) drops: u64,
    pub(super) resumed: u64,
    pub(super) kills: u32,
    pub(super) begun_ns: u64,
    pub(super) committed_ns: u64,
    pub(super) settled_ns: u64,
    pub(super) usage: Usage,
    pub(super) verdict: Verdict,
    pub(super) broken: Vec<String>,
}

/// What the server has used.
#[derive(Debug, Default)]
pub(super) struct Usage {
    meter: Option<CpuMeter>,
    before_ns: u64,
    pub(super) cpu_ns: u64,
    pub(super) before_bytes: u64,
    pub(super) peak_bytes: u64,
}

impl Usage {
    /// Measures this process from now on.
    pub(super) fn follow(&mut self, pid: Option<u32>) {
        self.meter = pid.map(CpuMeter::new);
        self.before_ns = self.meter.as_mut().map_or(0, CpuMeter::total_ns);
        if self.before_bytes == 0 {
            self.before_bytes = pid.and_then(memory).map_or(0, |memory| memory.rss_bytes);
        }
    }

    /// Adds what it has used.
    pub(super) fn stop(&mut self) {
        let Some(mut meter) = self.meter.take() else { return };
        self.cpu_ns += meter.total_ns().saturating_sub(self.before_ns);
        let peak = memory(meter.pid()).map_or(0, |memory| memory.peak_bytes);
        self.peak_bytes = self.peak_bytes.max(peak);
    }
}
