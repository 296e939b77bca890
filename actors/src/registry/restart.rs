//! How often an actor may be started again after it died: at once, then later and later.

use std::collections::BTreeMap;

use salon_protocol::Millis;

use super::Generation;

/// Deaths that are forgiven without a pause.
const FREE_DEATHS: u32 = 2;
/// The pause after the next one; it doubles with each.
const PAUSE_MS: Millis = 200;
/// The longest pause.
const PAUSE_MS_MAX: Millis = 30_000;
/// A life of this length makes up for all deaths before.
const FORGET_AFTER_MS: Millis = 60_000;

/// Lives and deaths by key.
#[derive(Debug)]
pub(crate) struct Restarts<K> {
    lives: u64,
    deaths: BTreeMap<K, Deaths>,
}

#[derive(Clone, Copy, Debug)]
struct Deaths {
    count: u32,
    last: Millis,
}

impl<K> Default for Restarts<K> {
    fn default() -> Self {
        Restarts { lives: 0, deaths: BTreeMap::new() }
    }
}

impl<K: Ord> Restarts<K> {
    /// Begins a life; an error says in how many milliseconds it may.
    pub(crate) fn next_life(&mut self, key: K, now: Millis) -> Result<Generation, Millis> {
        if let Some(deaths) = self.deaths.get(&key) {
            if now - deaths.last >= FORGET_AFTER_MS {
                self.deaths.remove(&key);
            } else {
                let wait_ms = deaths.last + pause_ms(deaths.count) - now;
                if wait_ms > 0 {
                    return Err(wait_ms);
                }
            }
        }
        self.lives += 1;
        Ok(Generation(self.lives))
    }

    /// A life ended as it should not.
    pub(crate) fn died(&mut self, key: K, now: Millis) {
        self.deaths.retain(|_, deaths| now - deaths.last < FORGET_AFTER_MS);
        let deaths = self.deaths.entry(key).or_insert(Deaths { count: 0, last: now });
        deaths.count += 1;
        deaths.last = now;
    }
}

fn pause_ms(deaths: u32) -> Millis {
    if deaths <= FREE_DEATHS {
        return 0;
    }
    let doubled = (deaths - FREE_DEATHS - 1).min(16);
    (PAUSE_MS << doubled).min(PAUSE_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_forgotten() {
        let mut restarts = Restarts::default();
        let mut now = 0;
        for _ in 0..2 {
            assert!(restarts.next_life("room", now).is_ok());
            restarts.died("room", now);
        }
        assert!(restarts.next_life("room", now).is_ok(), "two deaths are forgiven");
        for pause in [200, 400, 800] {
            restarts.died("room", now);
            assert_eq!(restarts.next_life("room", now), Err(pause));
            assert!(restarts.next_life("other", now).is_ok(), "others are not concerned");
            now += pause;
            assert!(restarts.next_life("room", now).is_ok());
        }
        for _ in 0..40 {
            restarts.died("room", now);
        }
        assert_eq!(restarts.next_life("room", now), Err(PAUSE_MS_MAX));
        assert!(restarts.next_life("room", now + FORGET_AFTER_MS).is_ok());
    }

    #[test]
    fn every_life_has_its_own_number() {
        let mut restarts = Restarts::default();
        let first = restarts.next_life(1, 0).unwrap();
        assert_ne!(first, restarts.next_life(1, 0).unwrap());
        assert_ne!(first, restarts.next_life(2, 0).unwrap());
    }
}
