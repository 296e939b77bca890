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
    /// Gets a picture.
    Picture,
    /// Makes an account of a guest, with a code that is right.
    Guest,
}

/// Rates by address. An IPv6 address counts with its network of 64 bits.
#[derive(Debug)]
pub(crate) struct AddressLimits {
    /// `None`: there are no rates.
    limiters: Option<[DefaultKeyedRateLimiter<IpAddr>; 7]>,
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
        // A wall of 200 photos comes at once, and a whole party is behind one address.
        Act::Picture => Quota::per_second(number(1_000)).allow_burst(number(20_000)),
        Act::Guest => Quota::per_hour(number(2_000)).allow_burst(number(1_000)),
    }
}

impl AddressLimits {
    pub(crate) fn new(on: bool) -> Self {
        let acts = [
            Act::Register,
            Act::Login,
            Act::Code,
            Act::Upgrade,
            Act::Request,
            Act::Picture,
            Act::Guest,
        ];
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

    /// Begins an attempt to log in; refuses it when too many failed or are on their way.
    pub(crate) fn attempt(&self, account: &str, address: IpAddr) -> Result<Attempt<'_>, ErrorData> {
        let who = (account.to_owned(), network(address));
        if self.limiters.is_some() {
            self.failures().begin(&who, Instant::now())?;
        }
        Ok(Attempt { limits: self, who, failed: true })
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

/// An attempt to log in. It has failed unless it is said otherwise, even when whoever asked has
/// gone before the answer.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    limits: &'a AddressLimits,
    who: (String, IpAddr),
    failed: bool,
}

impl Attempt<'_> {
    /// It did not fail.
    pub(crate) fn forgive(mut self) {
        self.failed = false;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.limits.limiters.is_some() {
            self.limits.failures().end(&self.who, self.failed, Instant::now());
        }
    }
}

/// Failed logins of one account from one address that are forgiven within the window.
const FAILURES_MAX: u32 = 10;
const FAILURES_WINDOW: Duration = Duration::from_secs(300);
/// When attempts that are on their way are the reason, it is soon over.
const ATTEMPTS_WAIT: Duration = Duration::from_secs(1);
/// Accounts that are remembered; the bound holds against names that are made up.
const FAILURES_KNOWN_MAX: usize = 100_000;

#[derive(Debug, Default)]
struct Failures {
    known: HashMap<(String, IpAddr), Tries>,
}

/// What one account from one address has tried.
#[derive(Debug)]
struct Tries {
    failed: u32,
    /// When the first of those failed.
    since: Instant,
    /// Attempts on their way: any of them may fail.
    open: u32,
}

impl Failures {
    fn begin(&mut self, who: &(String, IpAddr), now: Instant) -> Result<(), ErrorData> {
        if self.known.len() >= FAILURES_KNOWN_MAX {
            self.clean(now);
        }
        if self.known.len() >= FAILURES_KNOWN_MAX {
            self.known.clear();
        }
        let fresh = || Tries { failed: 0, since: now, open: 0 };
        let tries = self.known.entry(who.clone()).or_insert_with(fresh);
        if now - tries.since >= FAILURES_WINDOW {
            tries.failed = 0;
        }
        if tries.failed >= FAILURES_MAX {
            return Err(too_many(FAILURES_WINDOW.saturating_sub(now - tries.since)));
        }
        if tries.failed + tries.open >= FAILURES_MAX {
            return Err(too_many(ATTEMPTS_WAIT));
        }
        tries.open += 1;
        Ok(())
    }

    fn end(&mut self, who: &(String, IpAddr), failed: bool, now: Instant) {
        let Some(tries) = self.known.get_mut(who) else { return };
        tries.open = tries.open.saturating_sub(1);
        if failed {
            if tries.failed == 0 {
                tries.since = now;
            }
            tries.failed += 1;
        }
        if tries.failed == 0 && tries.open == 0 {
            self.known.remove(who);
        }
    }

    fn clean(&mut self, now: Instant) {
        self.known.retain(|_, tries| tries.open > 0 || now - tries.since < FAILURES_WINDOW);
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
            drop(off.attempt("ann", one).unwrap());
        }
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
        let (ann, now) = (("ann".to_owned(), home), Instant::now());
        for _ in 0..FAILURES_MAX {
            failures.begin(&ann, now).unwrap();
            failures.end(&ann, true, now);
        }
        assert!(failures.begin(&ann, now).is_err());
        let elsewhere = ("ann".to_owned(), away);
        assert!(failures.begin(&elsewhere, now).is_ok(), "she herself is not shut out");
        failures.end(&elsewhere, false, now);
        assert!(!failures.known.contains_key(&elsewhere), "who gets in is not remembered");
        assert!(failures.begin(&("bob".to_owned(), home), now).is_ok());
        let later = now + FAILURES_WINDOW;
        assert!(failures.begin(&ann, later).is_ok());
        failures.end(&ann, true, later);
        assert!(failures.begin(&ann, later).is_ok());
    }

    #[test]
    fn attempts_at_once_are_no_way_around() {
        let limits = AddressLimits::new(true);
        let home = "192.0.2.1".parse().unwrap();
        let at_once: Vec<_> =
            (0..FAILURES_MAX).map(|_| limits.attempt("ann", home).unwrap()).collect();
        let error = limits.attempt("ann", home).unwrap_err();
        assert_eq!(error.retry_after_ms, Some(1_000), "until one of them is over");
        at_once.into_iter().for_each(Attempt::forgive);
        for _ in 0..FAILURES_MAX {
            // Dropped, as when the client has gone.
            drop(limits.attempt("ann", home).unwrap());
        }
        let error = limits.attempt("ann", home).unwrap_err();
        assert!(error.retry_after_ms.is_some_and(|wait| wait > 200_000), "{error:?}");
    }
}
