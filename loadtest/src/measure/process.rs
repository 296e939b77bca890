//! Another process, as /proc shows it.
//!
//! Owns      its processor time and memory.
//! Promises  processor time in nanoseconds over all threads, also those that have ended while it was
//!           watched (up to the last look at them).
//! Does not  start or stop it.

use std::collections::HashMap;
use std::fs;

/// Processor time of a process.
#[derive(Debug)]
pub struct CpuMeter {
    pid: u32,
    by_thread: HashMap<u32, u64>,
}

impl CpuMeter {
    /// Watches a process.
    pub fn new(pid: u32) -> Self {
        CpuMeter { pid, by_thread: HashMap::new() }
    }

    /// Which one.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Nanoseconds on a processor so far; 0 when there is no such process.
    pub fn total_ns(&mut self) -> u64 {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid)) else {
            return self.by_thread.values().sum();
        };
        for thread in threads.flatten() {
            let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
            let stat = fs::read_to_string(thread.path().join("schedstat"));
            if let (Some(id), Ok(stat)) = (id, stat)
                && let Some(ns) = on_processor_ns(&stat)
            {
                self.by_thread.insert(id, ns);
            }
        }
        self.by_thread.values().sum()
    }
}

/// The first field of a thread's schedstat.
fn on_processor_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// Memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that is in memory, in bytes.
    pub rss_bytes: u64,
    /// Of this: what belongs to no file.
    pub anonymous_bytes: u64,
    /// The most that `rss_bytes` ever was.
    pub peak_bytes: u64,
}

/// Reads the memory of a process; `None` when there is no such process.
pub fn memory(pid: u32) -> Option<Memory> {
    Some(read_status(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?))
}

fn read_status(status: &str) -> Memory {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    };
    Memory {
        rss_bytes: field("VmRSS:"),
        anonymous_bytes: field("RssAnon:"),
        peak_bytes: field("VmHWM:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let status = "Name:\tsalon\nVmHWM:\t   20 kB\nVmRSS:\t   12 kB\nRssAnon:\t    8 kB\n";
        let expected =
            Memory { rss_bytes: 12 * 1024, anonymous_bytes: 8 * 1024, peak_bytes: 20 * 1024 };
        assert_eq!(read_status(status), expected);
        assert_eq!(on_processor_ns("123 45 6\n"), Some(123));
        assert_eq!(on_processor_ns(""), None);
    }

    #[test]
    fn oneself() {
        let mut meter = CpuMeter::new(std::process::id());
        let before = meter.total_ns();
        let mut sum = 0_u64;
        while meter.total_ns() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(memory(std::process::id()).is_some_and(|memory| memory.rss_bytes > 0));
    }
}
