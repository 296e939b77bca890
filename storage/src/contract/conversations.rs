//! What a user sees of his rooms: the state at connect, the list of conversations, search.

use async_trait::async_trait;
use salon_protocol::reply::{Conversations as ConversationPage, Items, Peer};
use salon_protocol::{Event, RoomId, SessionId, UserId, request};

use crate::error::Result;
use crate::model::{InboxEvent, Membership, OpenOutcome, Unread, UserKey, UserRef};

/// A user's view.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// Everything for the answer to `auth`.
    async fn open(&self, user: UserId, session: SessionId) -> Result<OpenOutcome>;

    /// Unread counts and, for direct rooms, the other one's cursors, in the order of `rooms`.
    async fn unread(
        &self,
        user: UserKey,
        rooms: &[Membership],
    ) -> Result<Vec<(Unread, Option<Peer>)>>;

    /// A page of conversations: pinned ones first, then by their newest event.
    async fn conversations(&self, user: UserRef, page: request::Page) -> Result<ConversationPage>;

    /// Changes what only the user sees; tells his other devices through his inbox. Refused with
    /// `forbidden` when he is not a member.
    async fn update_conversation(
        &self,
        user: UserRef,
        change: request::ConversationUpdate,
    ) -> Result<Vec<InboxEvent>>;

    /// Messages in the user's rooms that contain all words, the newest first. A message that was
    /// recalled or is older than his membership is never among them.
    async fn search_messages(
        &self,
        user: UserRef,
        query: request::SearchMessages,
    ) -> Result<Items<Event>>;

    /// Waits until the search index has followed all logs; for tests.
    async fn search_settled(&self, rooms: &[RoomId]) -> Result<()>;
}
