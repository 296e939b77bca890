//! Logins that ended a moment ago: their access tokens are dead before they expire.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use salon_protocol::{Millis, SessionId};

use super::token::ACCESS_SECONDS;

/// How long an ended login has to be remembered: as long as its last token could live.
pub(crate) const REMEMBER_MS: Millis = (ACCESS_SECONDS + 60) * 1_000;

/// Ended logins.
#[derive(Debug, Default)]
pub struct Revoked {
    ended: RwLock<HashMap<SessionId, Millis>>,
}

impl Revoked {
    /// A login has ended.
    pub fn add(&self, session: SessionId, at: Millis) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, since| at - *since < REMEMBER_MS);
        ended.insert(session, at);
    }

    /// Whether a login has ended.
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.contains_key(&session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn ended_logins_are_remembered_as_long_as_needed() {
        let revoked = Revoked::default();
        let (one, other) = (SessionId::new(Uuid::now_v7()), SessionId::new(Uuid::now_v7()));
        revoked.add(one, 0);
        assert!(revoked.contains(one) && !revoked.contains(other));
        revoked.add(other, REMEMBER_MS - 1);
        assert!(revoked.contains(one));
        revoked.add(other, REMEMBER_MS);
        assert!(!revoked.contains(one));
    }
}
