//! Rooms and their members.

use async_trait::async_trait;
use salon_protocol::reply::{Items, MemberItem, ReadBy, RoomInfo};
use salon_protocol::{RoomId, Seq, UserId};

use crate::error::Result;
use crate::model::{CursorUpdate, Made, Member, NewGroup, RoomKey, RoomSnapshot, UserRef};

/// Rooms.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Makes a group with its first members. Refused with `bad_request` (`details.users` are
    /// unknown), `forbidden` (`details.users` block the owner or are blocked by him), `conflict`
    /// (the `cid` was something else) or `limit_reached`.
    async fn create_group(&self, by: UserRef, new: NewGroup) -> Result<Made>;

    /// Finds or makes the room of two users, under `id` if it has to be made. Refused with
    /// `forbidden` when they are not friends or one blocks the other, with `bad_request` for
    /// oneself.
    async fn open_direct(&self, by: UserRef, peer: UserId, id: RoomId) -> Result<Made>;

    /// What the room's actor needs to begin; `None` when there is no such room or it is closed.
    async fn room(&self, id: RoomId) -> Result<Option<RoomSnapshot>>;

    /// The room that a link leads to.
    async fn room_by_link(&self, link: &str) -> Result<Option<RoomId>>;

    /// One member; `None` when he is none.
    async fn member(&self, room: RoomKey, user: UserId) -> Result<Option<Member>>;

    /// Writes cursors where they are above what is stored.
    async fn save_cursors(&self, updates: Vec<CursorUpdate>) -> Result<()>;

    /// What a member may know about a room. `online` is 0: the store does not know.
    async fn room_info(&self, viewer: UserRef, room: RoomId) -> Result<RoomInfo>;

    /// The members, by role and time of joining.
    async fn room_members(
        &self,
        viewer: UserRef,
        room: RoomId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<MemberItem>>;

    /// Who has read a message, by the stored cursors.
    async fn read_by(&self, viewer: UserRef, room: RoomId, seq: Seq) -> Result<ReadBy>;
}
