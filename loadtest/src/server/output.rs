//! What the server prints.
//!
//! Owns      the last lines of it, the count of panics, and the address that it tells.
//! Promises  the server never blocks on a full pipe: two threads read on until it ends.
//! Does not  understand more than "listening on" and "panicked at".

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that are kept, to be shown when something goes wrong.
const LINES_KEPT: usize = 20;

const LISTENING: &str = "listening on http://";

/// Shared between the threads that read and the one that asks.
#[derive(Debug, Default)]
pub(super) struct Output {
    inner: Mutex<Inner>,
    panics: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<String>,
    address: Option<SocketAddr>,
    log: Option<File>,
}

impl Output {
    pub(super) fn new(log: Option<File>) -> Arc<Output> {
        let inner = Inner { log, ..Inner::default() };
        Arc::new(Output { inner: Mutex::new(inner), panics: AtomicU64::new(0) })
    }

    /// Reads `from` in a thread of its own until it ends.
    pub(super) fn follow(self: &Arc<Self>, from: impl Read + Send + 'static) {
        let output = self.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                output.take(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        });
    }

    fn take(&self, line: &str) {
        if line.contains("panicked at") {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = address_in(line) {
            inner.address = Some(address);
        }
        if let Some(log) = &mut inner.log {
            // A log that cannot be written must not end the run.
            let _ = writeln!(log, "{line}");
        }
        if inner.lines.len() == LINES_KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(line.to_owned());
    }

    /// Forgets the address: the server starts again.
    pub(super) fn restart(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).address = None;
    }

    /// Where the server listens, once it has said so.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).address
    }

    /// Lines that told of a panic.
    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// The last lines, indented.
    pub(super) fn tail(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.lines.is_empty() {
            return "  (it printed nothing)".to_owned();
        }
        inner.lines.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = &line[line.find(LISTENING)? + LISTENING.len()..];
    let address = |c: char| c.is_ascii_hexdigit() || ".:[]".contains(c);
    rest.split(|c| !address(c)).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let found = |line| address_in(line).map(|address: SocketAddr| address.to_string());
        assert_eq!(found("x listening on http://127.0.0.1:80"), Some("127.0.0.1:80".to_owned()));
        assert_eq!(found("listening on http://[::1]:8080/ now"), Some("[::1]:8080".to_owned()));
        assert_eq!(found("listening on http://somewhere"), None);
        assert_eq!(found("listening"), None);
    }

    #[test]
    fn the_last_lines_and_the_panics() {
        let output = Output::new(None);
        for number in 0..30 {
            output.take(&format!("line {number}"));
        }
        output.take("thread 'x' panicked at src/main.rs:1:1:");
        assert_eq!(output.panics(), 1);
        assert!(output.tail().contains("line 29") && !output.tail().contains("line 5\n"));
    }
}
