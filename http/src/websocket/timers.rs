//! When a socket has to be pinged, reminded or given up.
//!
//! Owns      the times of one socket and the decisions that follow from them.
//! Promises  pure; a byte from the peer costs one store; a tick is compared only when the wheel calls.
//! Does not  act on what it decides.

use super::SocketConfig;

/// Plain data, so that a socket can keep it in a `Cell`. Ticks begin at 1; 0 is "not set".
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers {
    /// The last sign of life.
    heard_at: u32,
    /// The ping that has not been answered by any sign of life.
    pinged_at: u32,
    /// Since when the backlog has been above its high mark.
    full_since: u32,
    /// Since when the socket has been closing, and when it last got on with it.
    closing_since: u32,
    closing_moved_at: u32,
    /// When the application wants to be reminded.
    deadline: u32,
    /// The tick at which the wheel will call; calls at other ticks are left over from older plans.
    pub(super) called_at: u32,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Deadline,
    /// The ping was not answered.
    Silent,
    /// The backlog did not fall.
    Slow,
    /// The closing took too long.
    Abort,
}

impl Timers {
    pub(super) fn new(now: u32) -> Self {
        Timers { heard_at: now, ..Timers::default() }
    }

    /// The peer has shown that it lives.
    pub(super) fn heard(&mut self, now: u32) {
        self.heard_at = now;
        self.pinged_at = 0;
    }

    /// The backlog has risen above its high mark.
    pub(super) fn full(&mut self, now: u32) {
        if self.full_since == 0 {
            self.full_since = now;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.full_since != 0
    }

    /// The backlog is no longer above its high mark. While it was, nothing was read, so the peer
    /// could not be heard: its silence starts now.
    pub(super) fn relieved(&mut self, now: u32) {
        self.full_since = 0;
        self.heard(now);
    }

    /// The socket is closing, or got on with its closing.
    pub(super) fn closing(&mut self, now: u32) {
        if self.closing_since == 0 {
            self.closing_since = now;
        }
        self.closing_moved_at = now;
    }

    /// At or up to a tick after which the application is reminded; `None` takes it back.
    pub(super) fn set_deadline(&mut self, now: u32, ticks: Option<u32>) {
        // One more, because the running tick is not a whole one.
        self.deadline = ticks.map_or(0, |ticks| now.saturating_add(ticks).saturating_add(1));
    }

    /// What is due; to be asked until it says `None`. `slot` spreads the pings.
    pub(super) fn due(&mut self, now: u32, slot: u32, config: &SocketConfig) -> Option<Due> {
        if self.closing_since != 0 {
            return (now >= self.closing_ends(config)).then_some(Due::Abort);
        }
        if self.deadline != 0 && now >= self.deadline {
            self.deadline = 0;
            return Some(Due::Deadline);
        }
        if self.full_since != 0 {
            return (now > self.full_since + config.drain_timeout_ticks).then_some(Due::Slow);
        }
        if self.pinged_at != 0 {
            return (now > self.pinged_at + config.heartbeat_grace_ticks).then_some(Due::Silent);
        }
        if now >= self.heard_at + ping_after(slot, config) {
            self.pinged_at = now;
            return Some(Due::Ping);
        }
        None
    }

    /// The earliest tick at which anything can be due.
    pub(super) fn next(&self, slot: u32, config: &SocketConfig) -> u32 {
        if self.closing_since != 0 {
            return self.closing_ends(config);
        }
        let next = if self.full_since != 0 {
            self.full_since + config.drain_timeout_ticks + 1
        } else if self.pinged_at != 0 {
            // If the ping is answered, the next one may be due before this one's grace ends.
            self.pinged_at + ping_after(slot, config).min(config.heartbeat_grace_ticks + 1)
        } else {
            self.heard_at + ping_after(slot, config)
        };
        if self.deadline != 0 { next.min(self.deadline) } else { next }
    }

    /// A closing socket has the short time while nothing moves and the long time in all.
    fn closing_ends(&self, config: &SocketConfig) -> u32 {
        let still = self.closing_moved_at + config.close_timeout_ticks;
        still.min(self.closing_since + config.drain_timeout_ticks) + 1
    }
}

/// Silence after which the socket in `slot` is pinged.
fn ping_after(slot: u32, config: &SocketConfig) -> u32 {
    config.heartbeat_ticks - slot % (config.heartbeat_ticks / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks at every tick up to `until` and writes down when what was due. At `hear` the peer speaks.
    fn run(mut timers: Timers, until: u32, hear: &[u32]) -> Vec<(u32, Due)> {
        let config = SocketConfig::default();
        let mut said = Vec::new();
        for now in 2..=until {
            if hear.contains(&now) {
                timers.heard(now);
            }
            let expected = timers.next(0, &config);
            while let Some(due) = timers.due(now, 0, &config) {
                assert!(expected <= now, "{due:?} at {now} was not foreseen");
                said.push((now, due));
                if !matches!(due, Due::Ping | Due::Deadline) {
                    return said;
                }
            }
        }
        said
    }

    #[test]
    fn silence_is_pinged_and_then_ends() {
        assert_eq!(run(Timers::new(1), 99, &[]), [(26, Due::Ping), (37, Due::Silent)]);
        let heard = run(Timers::new(1), 60, &[20, 50]);
        assert_eq!(heard, [(45, Due::Ping)], "any byte postpones the ping and answers it");
    }

    #[test]
    fn pings_are_spread_over_a_fifth_of_the_interval() {
        let config = SocketConfig::default();
        let mut after: Vec<_> = (0..100).map(|slot| ping_after(slot, &config)).collect();
        after.sort_unstable();
        after.dedup();
        assert_eq!(after, [20, 21, 22, 23, 24, 25]);
    }

    #[test]
    fn a_full_backlog_is_slow_in_the_end_and_no_heartbeat_meanwhile() {
        let mut timers = Timers::new(1);
        timers.full(10);
        timers.full(20);
        assert_eq!(run(timers, 99, &[]), [(41, Due::Slow)]);
        timers.relieved(30);
        assert_eq!(run(timers, 60, &[]), [(55, Due::Ping)]);
    }

    #[test]
    fn a_closing_socket_may_take_long_only_while_it_moves() {
        let mut timers = Timers::new(1);
        timers.closing(5);
        assert_eq!(run(timers, 99, &[]), [(7, Due::Abort)]);
        for now in 6..50 {
            timers.closing(now);
        }
        assert_eq!(run(timers, 99, &[])[0].1, Due::Abort);
        assert_eq!(timers.next(0, &SocketConfig::default()), 36);
    }

    #[test]
    fn the_deadline_comes_once_and_can_be_taken_back() {
        let mut timers = Timers::new(1);
        timers.set_deadline(1, Some(10));
        assert_eq!(run(timers, 20, &[]), [(12, Due::Deadline)]);
        timers.set_deadline(5, None);
        assert_eq!(run(timers, 20, &[]), []);
    }
}
