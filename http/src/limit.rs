//! Rates by address, for what can be asked without a login; and failed logins by account.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use salon_protocol::{ErrorCode, ErrorData};

/// What an address does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Makes an account.
    Register,
    /// Logs in or refreshes.
    Login,
    /// Has a code sent.
    Code,
    /// Opens a socket.
    Upgrade,
    /// Anything else.
    Request,
}

/// Rates by address. An IPv6 address counts with its network of 64 bits.
#[derive(Debug)]
pub(crate) struct AddressLimits {
    /// `None`: there are no rates.
    limiters: Option<[DefaultKeyedRateLimiter<IpAddr>; 5]>,
    failures: Mutex<Failures>,
}

fn quota(act: Act) -> Quota {
    let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    match act {
        Act::Register => Quota::per_hour(number(1_000)),
        Act::Login => Quota::per_minute(number(600)).allow_burst(number(300)),
        Act::Code => Quota::per_hour(number(100)).allow_burst(number(20)),
        Act::Upgrade => Quota::per_second(number(50)).allow_burst(number(150)),
        Act::Request => Quota::per_second(number(50)).allow_burst(number(500)),
    }
}

impl AddressLimits {
    pub(crate) fn new(on: bool) -> Self {
        let acts = [Act::Register, Act::Login, Act::Code, Act::Upgrade, Act::Request];
        let limiters = on.then(|| acts.map(|act| RateLimiter::keyed(quota(act))));
        AddressLimits { limiters, failures: Mutex::default() }
    }

    /// Takes one act of an address.
    pub(crate) fn take(&self, act: Act, address: IpAddr) -> Result<(), ErrorData> {
        let Some(limiters) = &self.limiters else { return Ok(()) };
        limiters[act as usize].check_key(&network(address)).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            too_many(wait)
        })
    }

    /// Refuses an attempt to log in when there were too many that failed.
    pub(crate) fn check_failures(&self, account: &str, address: IpAddr) -> Result<(), ErrorData> {
        if self.limiters.is_none() {
            return Ok(());
        }
        self.failures().check(account, network(address), Instant::now())
    }

    /// An attempt to log in has failed.
    pub(crate) fn failed(&self, account: &str, address: IpAddr) {
        if self.limiters.is_some() {
            self.failures().failed(account, network(address), Instant::now());
        }
    }

    /// Forgets addresses that have been quiet. To be called now and then.
    pub(crate) fn clean(&self) {
        for limiter in self.limiters.iter().flatten() {
            limiter.retain_recent();
        }
        self.failures().clean(Instant::now());
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => {
                let mut octets = v6.octets();
                octets[8..].fill(0);
                IpAddr::from(octets)
            }
        },
        v4 => v4,
    }
}

fn too_many(wait: Duration) -> ErrorData {
    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    ErrorData::new(ErrorCode::RateLimited, "too many requests").retry_after(wait_ms.max(1))
}

/// Failed logins of one account from one address that are forgiven within the window.
const FAILURES_MAX: u32 = 10;
const FAILURES_WINDOW: Duration = Duration::from_secs(300);
/// Accounts that are remembered; the bound holds against names that are made up.
const FAILURES_KNOWN_MAX: usize = 100_000;

#[derive(Debug, Default)]
struct Failures {
    known: HashMap<(String, IpAddr), (u32, Instant)>,
}

impl Failures {
    fn check(&self, account: &str, address: IpAddr, now: Instant) -> Result<(), ErrorData> {
        match self.known.get(&(account.to_owned(), address)) {
            Some((count, since)) if *count >= FAILURES_MAX => {
                let wait = FAILURES_WINDOW.saturating_sub(now - *since);
                if wait.is_zero() { Ok(()) } else { Err(too_many(wait)) }
            }
            _ => Ok(()),
        }
    }

    fn failed(&mut self, account: &str, address: IpAddr, now: Instant) {
        if self.known.len() >= FAILURES_KNOWN_MAX {
            self.clean(now);
        }
        if self.known.len() >= FAILURES_KNOWN_MAX {
            self.known.clear();
        }
        let entry = self.known.entry((account.to_owned(), address)).or_insert((0, now));
        if now - entry.1 >= FAILURES_WINDOW {
            *entry = (0, now);
        }
        entry.0 += 1;
    }

    fn clean(&mut self, now: Instant) {
        self.known.retain(|_, (_, since)| now - *since < FAILURES_WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_rate_for_each_act() {
        let limits = AddressLimits::new(true);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..150 {
            limits.take(Act::Upgrade, one).unwrap();
        }
        let error = limits.take(Act::Upgrade, one).unwrap_err();
        assert_eq!(error.code, ErrorCode::RateLimited);
        assert!(error.retry_after_ms.is_some_and(|wait| wait >= 1));
        limits.take(Act::Upgrade, other).unwrap();
        limits.take(Act::Login, one).unwrap();
        let off = AddressLimits::new(false);
        for _ in 0..10_000 {
            off.take(Act::Code, one).unwrap();
            off.failed("ann", one);
        }
        off.check_failures("ann", one).unwrap();
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let same = |one: &str, other: &str| {
            network(one.parse().unwrap()) == network(other.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
    }

    #[test]
    fn failures_are_counted_by_account_and_address() {
        let mut failures = Failures::default();
        let (home, away) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let now = Instant::now();
        for _ in 0..FAILURES_MAX {
            assert!(failures.check("ann", home, now).is_ok());
            failures.failed("ann", home, now);
        }
        assert!(failures.check("ann", home, now).is_err());
        assert!(failures.check("ann", away, now).is_ok(), "she herself is not shut out");
        assert!(failures.check("bob", home, now).is_ok());
        let later = now + FAILURES_WINDOW;
        assert!(failures.check("ann", home, later).is_ok());
        failures.failed("ann", home, later);
        assert!(failures.check("ann", home, later).is_ok());
        failures.clean(later + FAILURES_WINDOW);
        assert!(failures.known.is_empty());
    }
}
