//! The machine that a result is of.
//!
//! Owns      what a reader must know to compare two results.
//! Promises  no names: neither of the machine nor of its user.
//! Does not  measure anything.

use std::fs;

use serde::Serialize;

/// Facts about this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// As the processor calls itself.
    pub cpu_model: String,
    /// Processors that this process may use.
    pub cpu_cores: usize,
    /// In bytes.
    pub memory_bytes: u64,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Version of the harness.
    pub loadtest_version: &'static str,
    /// Whether the harness was built with optimisation; results of others mean nothing.
    pub optimised: bool,
}

impl Machine {
    /// Looks.
    pub fn look() -> Machine {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let total = field(&memory, "MemTotal").and_then(|total| {
            total.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        });
        Machine {
            cpu_model: field(&cpu, "model name").unwrap_or("unknown").to_owned(),
            cpu_cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: total.unwrap_or(0) * 1024,
            kernel: format!("{} {}", std::env::consts::OS, kernel.trim()),
            loadtest_version: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        }
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_facts() {
        let machine = Machine::look();
        assert!(machine.cpu_cores > 0 && machine.memory_bytes > 0 && !machine.kernel.is_empty());
        assert_eq!(field("a\t: 1\nb : 2", "b"), Some("2"));
    }
}
