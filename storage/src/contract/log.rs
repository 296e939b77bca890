//! The logs: appending in one order, and reading on from a position.

use std::sync::Arc;

use async_trait::async_trait;
use salon_protocol::reply::History;
use salon_protocol::request;

use crate::error::{Result, StoreError};
use crate::model::{LogPage, LogRange, OpResult, RoomOp, RoomRef, Visitor};

/// The logs of rooms and inboxes.
///
/// The numbers of a log are 1, 2, 3, … without a hole: they are given inside the commit, and a
/// commit that fails gives none. `at` never decreases within a log.
#[async_trait]
pub trait Log: Send + Sync {
    /// Applies the wishes of these rooms, each in this order, and commits them together with whatever
    /// others have brought meanwhile. One answer per wish: what was done, or why the rules forbid it.
    ///
    /// An error of the whole call means that nothing of it is acknowledged; after
    /// [`Unavailable`](crate::StoreError::Unavailable) it may have been done all the same, and a
    /// repetition with the same `cid` tells.
    async fn commit_rooms(&self, rooms: Vec<(RoomRef, Vec<RoomOp>)>) -> Result<Vec<Vec<OpResult>>>;

    /// The same for one room.
    async fn commit(&self, room: RoomRef, ops: Vec<RoomOp>) -> Result<Vec<OpResult>> {
        let answers = self.commit_rooms(vec![(room, ops)]).await?;
        let missing = || StoreError::Internal("a room was not answered".into());
        answers.into_iter().next().ok_or_else(missing)
    }

    /// Events of a range, ascending, not more than fit a socket's backlog; fewer than there are only
    /// when a bound cut them, and then one at least. Who may read is the caller's business. The same
    /// range asked for by several at once is read once for all of them.
    async fn read_log(&self, range: LogRange) -> Result<Arc<LogPage>>;

    /// A page for a client. Refused with `forbidden` when he is neither a member nor has a pass that is
    /// good; events before his time are left out.
    async fn history(&self, viewer: Visitor, page: request::History) -> Result<History>;
}
