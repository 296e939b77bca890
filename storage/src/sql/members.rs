//! What the single writer of an SQLite store remembers of members, so that a message asks nothing
//! about its sender.
//!
//! Promises  what is known is what the transaction would find: every statement that changes members
//!           makes all forgotten, and so does everything that is undone.
//! Does not  serve PostgreSQL, where other nodes write, too.

use std::collections::HashMap;

use salon_protocol::Millis;

use super::conn::Sql;
use crate::model::{RoomKey, UserKey};

/// Above this, all are forgotten before the next batch: about 10 MB.
const MEMBERS_MAX: usize = 100_000;

/// What a message's sender is in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundMember {
    pub(crate) role: i64,
    pub(crate) muted_until: Millis,
    pub(crate) barred: bool,
}

/// See the module. `None` stands for who was looked for and is no member.
#[derive(Debug, Default)]
pub(crate) struct Members {
    known: HashMap<(RoomKey, UserKey), Option<FoundMember>, foldhash::fast::RandomState>,
}

impl Members {
    /// `None`: not known.
    pub(crate) fn get(&self, room: RoomKey, user: UserKey) -> Option<Option<FoundMember>> {
        self.known.get(&(room, user)).copied()
    }

    /// Before a batch is looked at: what it learns stays until it is done.
    pub(crate) fn bound(&mut self) {
        if self.known.len() >= MEMBERS_MAX {
            self.known.clear();
        }
    }

    pub(crate) fn learn(&mut self, room: RoomKey, user: UserKey, member: Option<FoundMember>) {
        self.known.insert((room, user), member);
    }

    pub(crate) fn forget_all(&mut self) {
        self.known.clear();
    }

    /// A statement is about to run.
    pub(crate) fn note(&mut self, sql: &Sql) {
        let reads = sql.sqlite.trim_start().starts_with("SELECT");
        if !reads && sql.sqlite.contains("members") {
            self.forget_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_writes_members_makes_all_forgotten() {
        let (room, user) = (RoomKey(1), UserKey(2));
        let member = Some(FoundMember { role: 0, muted_until: 0, barred: false });
        let knows_after = |statement: &'static str| {
            let mut members = Members::default();
            members.learn(room, user, member);
            members.note(&statement.into());
            members.get(room, user) == Some(member)
        };
        assert!(knows_after("SELECT role FROM members"));
        assert!(knows_after("INSERT INTO events VALUES (1)"));
        assert!(!knows_after("UPDATE members SET role = 1"));
        assert!(!knows_after("\n  DELETE FROM members"));
        assert!(!knows_after("WITH gone AS (SELECT 1) UPDATE members SET role = -1"));
    }
}
