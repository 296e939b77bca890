//! Logins: one per device, each a family of refresh tokens; and codes by phone.

use async_trait::async_trait;
use salon_protocol::{Millis, SessionId, UserId};

use crate::error::Result;
use crate::model::{Account, Session};

/// A login to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Chosen by the caller.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: String,
    /// SHA-256 of the first refresh token.
    pub refresh_hash: [u8; 32],
    /// When that token ends.
    pub expires_at: Millis,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// It was valid, the next one is now.
    Rotated(Box<Account>, Session),
    /// It had been spent already: somebody else has it too. The login is ended.
    Reused(UserId),
    /// There is no such login, or it has ended, or the account may not come.
    Refused,
}

/// Which logins of a user to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One.
    One(SessionId),
    /// All.
    All,
    /// All others.
    AllBut(SessionId),
}

/// A login that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When.
    pub at: Millis,
    /// The account is disabled.
    pub disabled: bool,
}

/// What became of a code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It is right, and spent now.
    Right,
    /// It is wrong; so many tries are left.
    Wrong(u32),
    /// There is none, it is too old, or there were too many tries.
    Gone,
}

/// Logins.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a login. Ends the one that this device had, and the least recently used above
    /// [`SESSIONS_PER_USER_MAX`](salon_protocol::limits::SESSIONS_PER_USER_MAX); those are
    /// returned.
    async fn start_session(&self, new: NewSession) -> Result<Vec<SessionId>>;

    /// Presents the refresh token number `generation` of a login, known to be genuine, and
    /// replaces it by the next one.
    async fn rotate_session(
        &self,
        id: SessionId,
        generation: u32,
        presented: [u8; 32],
        next: [u8; 32],
        expires_at: Millis,
    ) -> Result<Rotation>;

    /// Ends logins; returns those that were open.
    async fn end_sessions(&self, user: UserId, which: Which) -> Result<Vec<SessionId>>;

    /// A user's open logins, the most recently used first.
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>>;

    /// Logins of all users that ended at or after a time.
    async fn ended_sessions(&self, since: Millis) -> Result<Vec<EndedSession>>;

    /// Keeps the hash of a code that is about to be sent. Refused with `rate_limited` when the
    /// last one was sent less than `pause_ms` ago.
    async fn save_code(&self, phone: &str, hash: [u8; 32], pause_ms: Millis) -> Result<()>;

    /// Presents the hash of a code; a right one is spent, a wrong one costs a try.
    async fn check_code(
        &self,
        phone: &str,
        hash: [u8; 32],
        life_ms: Millis,
        tries_max: u32,
    ) -> Result<CodeCheck>;
}
