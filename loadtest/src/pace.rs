//! When the next message is due.
//!
//! Owns      the open-loop schedule and the closed-loop window.
//! Promises  pure and exact. An open loop does not slow down with the server: what could not be sent
//!           in time keeps its intended time, from which its latency counts (no coordinated omission).
//! Does not  look at a clock.

use crate::clock::SECOND_NS;

/// The n-th message is due at `start + n / rate`, whatever happened to those before.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start_ns: u64,
    per_second: u64,
    next: u64,
}

impl Schedule {
    /// `per_second` messages a second, at least one, the first at `start_ns`.
    pub fn new(start_ns: u64, per_second: u64) -> Self {
        Schedule { start_ns, per_second: per_second.max(1), next: 0 }
    }

    /// When the `number`-th is due; exact for centuries.
    pub fn intended_ns(&self, number: u64) -> u64 {
        let offset = u128::from(number) * u128::from(SECOND_NS) / u128::from(self.per_second);
        self.start_ns.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// The next one that is due by `now_ns`: its number and its intended time.
    pub fn take(&mut self, now_ns: u64) -> Option<(u64, u64)> {
        let intended_ns = self.next_ns();
        if intended_ns > now_ns {
            return None;
        }
        self.next += 1;
        Some((self.next - 1, intended_ns))
    }

    /// When the next one is due.
    pub fn next_ns(&self) -> u64 {
        self.intended_ns(self.next)
    }
}

/// So many may be under way; the next one may go when one has come back.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    limit: u32,
    under_way: u32,
}

impl Window {
    /// A window of `limit`, at least one.
    pub fn new(limit: u32) -> Self {
        Window { limit: limit.max(1), under_way: 0 }
    }

    /// Takes a place if there is one.
    pub fn take(&mut self) -> bool {
        let free = self.under_way < self.limit;
        self.under_way += u32::from(free);
        free
    }

    /// Gives a place back.
    pub fn give_back(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// How many are under way.
    pub fn under_way(&self) -> u32 {
        self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intended_times_are_exact_at_any_rate() {
        let schedule = Schedule::new(7, 3);
        assert_eq!(schedule.intended_ns(0), 7);
        assert_eq!(schedule.intended_ns(1), 7 + 333_333_333);
        assert_eq!(schedule.intended_ns(3), 7 + SECOND_NS);
        assert_eq!(schedule.intended_ns(3_000_000), 7 + 1_000_000 * SECOND_NS);
        // Not a nanosecond is lost over a day at an odd rate.
        let odd = Schedule::new(0, 77_777);
        assert_eq!(odd.intended_ns(77_777 * 86_400), 86_400 * SECOND_NS);
    }

    #[test]
    fn a_stall_is_made_up_for_with_the_intended_times() {
        let mut schedule = Schedule::new(0, 1_000);
        assert_eq!(schedule.take(0), Some((0, 0)));
        assert_eq!(schedule.take(999_999), None);
        assert_eq!(schedule.next_ns(), 1_000_000);
        let late: Vec<_> = std::iter::from_fn(|| schedule.take(3_500_000)).collect();
        assert_eq!(late, [(1, 1_000_000), (2, 2_000_000), (3, 3_000_000)]);
        assert_eq!(schedule.take(3_500_000), None);
    }

    #[test]
    fn the_count_over_a_time_is_the_rate() {
        let mut schedule = Schedule::new(0, 12_345);
        let count = std::iter::from_fn(|| schedule.take(10 * SECOND_NS - 1)).count();
        assert_eq!(count, 123_450);
    }

    #[test]
    fn a_window_has_its_places() {
        let mut window = Window::new(2);
        assert!(window.take() && window.take() && !window.take());
        window.give_back();
        assert_eq!(window.under_way(), 1);
        assert!(window.take() && !window.take());
        assert!(Window::new(0).take());
    }
}
