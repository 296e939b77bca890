//! Wrong codes and grants: how often somebody may be wrong.
//!
//! Owns      counts of wrong guesses, by who guesses and by what session was named, in a window of an hour.
//! Promises  a guess counts as wrong until it is said otherwise, so that guesses at once, and askers who do not wait
//!           for the answer, are no way around; memory is bounded. Who comes in is not remembered.
//! Does not  know codes, or what time it is.
//!
//! A code is one of 30^8: at 20 guesses an hour it takes one address 3.7 million years to try them. The bound for a
//! session is wider than for who guesses, because whoever uses it up shuts others out: that takes 50 addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salon_protocol::{ErrorCode, ErrorData, Millis, RoomId, UserId, limits};
use smallvec::SmallVec;

/// Wrong guesses are forgotten so long after the first of them.
const WINDOW_MS: Millis = 3_600_000;
/// Wrong guesses about one session, from wherever.
const SESSION_WRONG_MAX: u32 = 50 * limits::SESSION_GUESSES_MAX;
/// Guesses of one key that wait for their answer: a party behind one address that comes in at once.
const OPEN_MAX: u32 = 500;
/// When guesses that wait are the reason, it is soon over.
const OPEN_WAIT_MS: Millis = 1_000;
/// Keys that are remembered; the bound holds against addresses without number.
const KNOWN_MAX: usize = 100_000;

/// Who guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guesser {
    /// Somebody without a login; an IPv6 address counts with its network of 64 bits.
    Address(IpAddr),
    /// Somebody on a socket.
    User(UserId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    User(UserId),
    Session(RoomId),
}

impl Key {
    const fn wrong_max(self) -> u32 {
        match self {
            Key::Address(_) | Key::User(_) => limits::SESSION_GUESSES_MAX,
            Key::Session(_) => SESSION_WRONG_MAX,
        }
    }
}

impl From<Guesser> for Key {
    fn from(guesser: Guesser) -> Self {
        match guesser {
            Guesser::User(user) => Key::User(user),
            Guesser::Address(address) => Key::Address(match address.to_canonical() {
                IpAddr::V6(v6) => {
                    let mut octets = v6.octets();
                    octets[8..].fill(0);
                    octets.into()
                }
                v4 => v4,
            }),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    /// When the first of those was made.
    since: Millis,
    /// Guesses that wait for their answer: any of them may be wrong.
    open: u32,
}

/// The guesses of a node.
#[derive(Debug)]
pub struct Guesses {
    /// Off: everybody may guess.
    on: bool,
    known: Mutex<HashMap<Key, Tries, foldhash::fast::RandomState>>,
}

impl Guesses {
    /// Nobody has guessed. Not `on`: nobody is counted, for load tests.
    pub fn new(on: bool) -> Arc<Self> {
        Arc::new(Guesses { on, known: Mutex::default() })
    }

    /// Begins a guess; `session` when the guesser names it himself, beside his code or grant.
    ///
    /// # Errors
    /// `rate_limited` when too many were wrong within the hour.
    pub fn begin(
        self: &Arc<Self>,
        guesser: Guesser,
        session: Option<RoomId>,
        now: Millis,
    ) -> Result<Guess, ErrorData> {
        let keys: SmallVec<[Key; 2]> =
            [Some(guesser.into()), session.map(Key::Session)].into_iter().flatten().collect();
        if self.on {
            let mut known = self.known();
            make_room(&mut known, now);
            if let Some(wait_ms) = keys.iter().find_map(|key| wait(&known, *key, now)) {
                let error = ErrorData::new(ErrorCode::RateLimited, "too many wrong codes");
                return Err(error.retry_after(wait_ms));
            }
            for key in &keys {
                let fresh = Tries { wrong: 0, since: now, open: 0 };
                known.entry(*key).or_insert(fresh).open += 1;
            }
        }
        Ok(Guess { guesses: self.clone(), keys, begun: now, wrong: true })
    }

    fn end(&self, keys: &[Key], wrong: bool, begun: Millis) {
        let mut known = self.known();
        for key in keys {
            let Some(tries) = known.get_mut(key) else { continue };
            tries.open = tries.open.saturating_sub(1);
            if wrong {
                if tries.wrong == 0 || is_over(tries, begun) {
                    (tries.wrong, tries.since) = (0, begun);
                }
                tries.wrong += 1;
            }
            if tries.wrong == 0 && tries.open == 0 {
                known.remove(key);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Tries, foldhash::fast::RandomState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that was set back must not shut anybody out for longer.
fn is_over(tries: &Tries, now: Millis) -> bool {
    !(0..WINDOW_MS).contains(&(now - tries.since))
}

fn wait(
    known: &HashMap<Key, Tries, foldhash::fast::RandomState>,
    key: Key,
    now: Millis,
) -> Option<Millis> {
    let tries = known.get(&key)?;
    if !is_over(tries, now) && tries.wrong >= key.wrong_max() {
        return Some(tries.since + WINDOW_MS - now);
    }
    (tries.open >= OPEN_MAX).then_some(OPEN_WAIT_MS)
}

fn make_room(known: &mut HashMap<Key, Tries, foldhash::fast::RandomState>, now: Millis) {
    if known.len() < KNOWN_MAX {
        return;
    }
    known.retain(|_, tries| tries.open > 0 || !is_over(tries, now));
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
}

/// A guess. It is wrong unless it is said otherwise.
#[derive(Debug)]
pub struct Guess {
    guesses: Arc<Guesses>,
    keys: SmallVec<[Key; 2]>,
    begun: Millis,
    wrong: bool,
}

impl Guess {
    /// It was right, or nobody could say.
    pub fn forgive(mut self) {
        self.wrong = false;
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        if self.guesses.on {
            self.guesses.end(&self.keys, self.wrong, self.begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Millis = 1_767_225_600_000;
    const MAX: u32 = limits::SESSION_GUESSES_MAX;

    fn from(address: &str) -> Guesser {
        Guesser::Address(address.parse().unwrap())
    }

    #[test]
    fn whoever_is_wrong_too_often_waits_for_the_rest_of_the_hour() {
        let guesses = Guesses::new(true);
        let (home, away) = (from("192.0.2.1"), from("192.0.2.2"));
        for minute in 0..i64::from(MAX) {
            drop(guesses.begin(home, None, NOW + minute * 60_000).unwrap());
        }
        let error = guesses.begin(home, None, NOW + 1_800_000).unwrap_err();
        assert_eq!(error.code, ErrorCode::RateLimited);
        assert_eq!(error.retry_after_ms, Some(1_800_000));
        guesses.begin(from("::ffff:192.0.2.1"), None, NOW + 1_800_000).unwrap_err();
        guesses.begin(away, None, NOW + 1_800_000).unwrap().forgive();
        drop(guesses.begin(home, None, NOW + WINDOW_MS).unwrap());
        drop(guesses.begin(home, None, NOW + WINDOW_MS).unwrap());
        // A clock that was set back.
        drop(guesses.begin(home, None, NOW).unwrap());
    }

    #[test]
    fn whoever_is_right_is_not_remembered() {
        let guesses = Guesses::new(true);
        let ann = Guesser::User(UserId::new(Uuid::now_v7()));
        for _ in 0..1_000 {
            guesses.begin(ann, None, NOW).unwrap().forgive();
        }
        assert!(guesses.known().is_empty());
    }

    #[test]
    fn guesses_at_once_are_counted_before_they_are_answered() {
        let guesses = Guesses::new(true);
        let ann = Guesser::User(UserId::new(Uuid::now_v7()));
        let begin = || guesses.begin(ann, None, NOW);
        let at_once: Vec<_> = (0..OPEN_MAX).map(|_| begin().unwrap()).collect();
        assert_eq!(begin().unwrap_err().retry_after_ms, Some(OPEN_WAIT_MS.cast_unsigned()));
        at_once.into_iter().take(MAX as usize).for_each(drop);
        assert!(begin().unwrap_err().retry_after_ms.is_some_and(|wait| wait > 3_000_000));
    }

    #[test]
    fn a_session_is_protected_against_many() {
        let guesses = Guesses::new(true);
        let session = RoomId::new(Uuid::now_v7());
        let someone = |number: u32| Guesser::Address(IpAddr::from(number.to_be_bytes()));
        for number in 0..SESSION_WRONG_MAX {
            drop(guesses.begin(someone(number), Some(session), NOW).unwrap());
        }
        let late = someone(SESSION_WRONG_MAX);
        guesses.begin(late, Some(session), NOW).unwrap_err();
        guesses.begin(late, None, NOW).unwrap().forgive();
        let other = RoomId::new(Uuid::now_v7());
        guesses.begin(late, Some(other), NOW).unwrap().forgive();
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_off_means_off() {
        let guesses = Guesses::new(true);
        for number in 0..=(KNOWN_MAX as u32) {
            let someone = Guesser::Address(IpAddr::from(number.to_be_bytes()));
            drop(guesses.begin(someone, None, NOW).unwrap());
        }
        assert!(guesses.known().len() <= KNOWN_MAX);
        let off = Guesses::new(false);
        for _ in 0..1_000 {
            drop(off.begin(from("192.0.2.1"), None, NOW).unwrap());
        }
    }
}
