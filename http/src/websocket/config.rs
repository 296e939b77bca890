//! The bounds of a socket, each with its unit and default.
//!
//! Owns      [`SocketConfig`] and the relations between its fields.
//! Promises  [`SocketConfig::check`] finds every combination that the layer cannot keep.
//! Does not  read files or environments.

use std::time::Duration;

use salon_protocol::limits;

/// What may be settled about sockets. Times count ticks of running time, see [`SocketConfig::tick`].
#[derive(Clone, Debug)]
pub struct SocketConfig {
    /// The only path that is upgraded; `None` upgrades every path. Default `/ws`.
    pub path: Option<String>,
    /// Who may connect from a browser: `scheme://host[:port]`, compared whole. `None`: only pages
    /// that were served under the name in the request's `Host`. Requests without an `Origin` come
    /// from no browser and are always let in. Default `None`.
    pub origins: Option<Vec<String>>,
    /// Sockets open at once, over all workers; above it 503 with `Retry-After`. Default 100,000.
    pub sockets_max: u64,
    /// The longest frame, in bytes of payload; a longer one is refused when it is announced, with
    /// 1009. Default 256 KiB.
    pub frame_bytes_max: usize,
    /// The longest message, in bytes over all its fragments; 1009 too. Default 256 KiB.
    pub message_bytes_max: usize,
    /// Bytes that may wait for a socket; one more and it is closed as slow. Default 1 MiB.
    pub backlog_bytes_max: usize,
    /// Above this many waiting bytes nothing more is read from the socket. Default 512 KiB.
    pub backlog_high_bytes: usize,
    /// A socket that was above `backlog_high_bytes` is reported as drained at this many waiting
    /// bytes. Default 64 KiB.
    pub backlog_low_bytes: usize,
    /// The close code of a slow socket. Default 4101.
    pub slow_close_code: u16,
    /// The length of a tick. Ticks missed while the process stood still are not made up for, so that
    /// nobody is thrown out for a silence that was ours. Default 1 s.
    pub tick: Duration,
    /// Ticks without any byte from the peer after which it is pinged. Sockets are pinged up to a
    /// fifth earlier, each at its own place, so that a storm of connects makes no storm of pings.
    /// Default 25.
    pub heartbeat_ticks: u32,
    /// Ticks of silence after a ping that end a socket, with 1001. Default 10.
    pub heartbeat_grace_ticks: u32,
    /// Ticks without progress that a closing socket is given, until its TCP connection is reset.
    /// Default 1.
    pub close_timeout_ticks: u32,
    /// Ticks above `backlog_high_bytes` after which a socket is closed as slow. Also the longest
    /// that a closing socket may take with all its progress. Default 30.
    pub drain_timeout_ticks: u32,
}

impl Default for SocketConfig {
    fn default() -> Self {
        SocketConfig {
            path: Some("/ws".to_owned()),
            origins: None,
            sockets_max: 100_000,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            message_bytes_max: limits::FRAME_BYTES_MAX,
            backlog_bytes_max: limits::SOCKET_BACKLOG_BYTES_MAX,
            backlog_high_bytes: 512 * 1024,
            backlog_low_bytes: 64 * 1024,
            slow_close_code: 4101,
            tick: Duration::from_secs(1),
            heartbeat_ticks: 25,
            heartbeat_grace_ticks: 10,
            close_timeout_ticks: 1,
            drain_timeout_ticks: 30,
        }
    }
}

impl SocketConfig {
    /// Checks what the layer relies on; the error names the relation that does not hold.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.path.as_ref().is_none_or(|path| path.starts_with('/')), "path starts with /"),
            (self.sockets_max > 0, "sockets_max is at least 1"),
            (self.frame_bytes_max >= 125, "frame_bytes_max is at least 125"),
            (
                self.frame_bytes_max <= self.message_bytes_max,
                "frame_bytes_max is at most message_bytes_max",
            ),
            (
                self.backlog_low_bytes < self.backlog_high_bytes,
                "backlog_low_bytes is below backlog_high_bytes",
            ),
            (
                self.backlog_high_bytes < self.backlog_bytes_max,
                "backlog_high_bytes is below backlog_bytes_max",
            ),
            (
                super::close::may_be_sent(self.slow_close_code),
                "slow_close_code is a code that may be sent",
            ),
            (!self.tick.is_zero(), "tick is longer than 0"),
            (self.heartbeat_ticks > 0, "heartbeat_ticks is at least 1"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(*rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_a_broken_relation_is_named() {
        assert_eq!(SocketConfig::default().check(), Ok(()));
        let broken = SocketConfig { backlog_high_bytes: 2 << 20, ..SocketConfig::default() };
        assert_eq!(broken.check(), Err("backlog_high_bytes is below backlog_bytes_max"));
    }
}
