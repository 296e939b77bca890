//! Friends: who asked whom, who accepted, who is blocked.

use async_trait::async_trait;
use salon_protocol::reply::{FriendItem, FriendRequestItem, Items};
use salon_protocol::request::Direction;
use salon_protocol::{Millis, UserId};

use crate::error::Result;
use crate::model::{FriendChange, FriendChanged, UserRef};

/// Friends.
#[async_trait]
pub trait Friends: Send + Sync {
    /// Changes how two users stand to each other. Idempotent by nature. Refused with `not_found`
    /// (no such user, no such request), `forbidden` (blocked), `bad_request` (oneself) or
    /// `limit_reached`.
    async fn change_friend(
        &self,
        by: UserRef,
        peer: UserId,
        change: FriendChange,
    ) -> Result<FriendChanged>;

    /// Friends, or those who are blocked. `online` is false in all items: the store does not know.
    async fn friends(
        &self,
        user: UserRef,
        blocked: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<FriendItem>>;

    /// Open requests, the newest first; outgoing ones not older than `outgoing_since`.
    async fn friend_requests(
        &self,
        user: UserRef,
        direction: Direction,
        outgoing_since: Millis,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<FriendRequestItem>>;

    /// Those who see a user's presence: his friends, without blocks either way.
    async fn watchers(&self, user: UserRef) -> Result<Vec<UserId>>;
}
