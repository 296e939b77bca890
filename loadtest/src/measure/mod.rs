//! What is measured: latencies, rates over time, the server's processor time and memory.
//!
//! Owns      histograms, samples and the reading of /proc.
//! Promises  units in names; processor time in nanoseconds, as the scheduler counts it.
//! Does not  print.

mod latency;
mod machine;
mod process;
mod progress;
mod timeline;

pub use latency::{Latency, QUANTILES, Summary};
pub use machine::Machine;
pub use process::{CpuMeter, Memory, memory};
pub use progress::{Counts, Progress};
pub use timeline::Timeline;
