//! Accounts: who can log in, and how others see him.

use async_trait::async_trait;
use salon_protocol::reply::PublicProfile;
use salon_protocol::{Millis, UserId};

use crate::error::Result;
use crate::model::{Account, AccountChange, NewAccount};

/// How an account is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountName {
    /// By its id.
    Id(UserId),
    /// By its username, lower case.
    Username(String),
    /// By its phone number, E.164.
    Phone(String),
}

/// Accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes an account with an empty inbox. Refused with `conflict` when the username or phone
    /// number is taken.
    async fn create_account(&self, new: NewAccount) -> Result<Account>;

    /// Reads an account, disabled and deleted ones too.
    async fn account(&self, name: AccountName) -> Result<Option<Account>>;

    /// Changes an account. Refused with `not_found` when there is none.
    async fn update_account(&self, user: UserId, change: AccountChange) -> Result<Account>;

    /// Public profiles in the order of `ids`; unknown ids are left out.
    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<PublicProfile>>;

    /// Active users with exactly this phone number or username, or with a nickname that begins
    /// so; without the asker.
    async fn search_users(
        &self,
        asker: UserId,
        q: &str,
        limit: usize,
    ) -> Result<Vec<PublicProfile>>;

    /// Remembers when users were last there.
    async fn save_last_seen(&self, seen: Vec<(UserId, Millis)>) -> Result<()>;
}
