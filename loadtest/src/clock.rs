//! Time, as the harness measures it.
//!
//! Owns      nanoseconds since the run began, and the date.
//! Promises  monotonic; one clock for all threads of a run.
//! Does not  wait.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds in a millisecond.
pub const MILLISECOND_NS: u64 = 1_000_000;

/// The clock of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    begun: Instant,
}

impl Clock {
    /// Begins now.
    pub fn start() -> Clock {
        Clock { begun: Instant::now() }
    }

    /// Nanoseconds since the beginning.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// From now until `then_ns`, at most `most`.
pub fn until(now_ns: u64, then_ns: u64, most: Duration) -> Duration {
    Duration::from_nanos(then_ns.saturating_sub(now_ns)).min(most)
}

/// Milliseconds since the Unix epoch.
pub fn epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as people and programs read it: `2026-11-21T09:30:00Z`.
pub fn utc(epoch_ms: u64) -> String {
    let seconds = epoch_ms / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days, for days since 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_767_225_599_999), "2025-12-31T23:59:59Z");
        assert_eq!(utc(1_798_761_600_000), "2027-01-01T00:00:00Z");
    }

    #[test]
    fn waiting_ends_at_once_when_it_is_late() {
        assert_eq!(until(5, 3, Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(until(5, 8, Duration::from_secs(1)), Duration::from_nanos(3));
        assert_eq!(until(0, 5 * SECOND_NS, Duration::from_secs(1)), Duration::from_secs(1));
    }
}
