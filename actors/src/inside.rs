//! What the server itself wants of a room, and is answered.
//!
//! Owns      who waits for which answer.
//! Promises  every wish is answered, at the latest when its time is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salon_protocol::{ErrorCode, ErrorData, RoomId};
use salon_storage::model::{Change, Visitor};
use tokio::sync::oneshot;

use crate::caller::Caller;
use crate::node::Node;
use crate::room::{Reply, RoomRequest};

/// Longer than a room may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

type Answer = Result<Reply, ErrorData>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    next: AtomicU32,
    waiting: Mutex<HashMap<u32, oneshot::Sender<Answer>>>,
}

impl Inside {
    fn begin(&self) -> (u32, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting().insert(ticket, sender);
        (ticket, receiver)
    }

    /// A room has answered.
    pub(crate) fn finish(&self, ticket: u32, answer: Answer) {
        if let Some(sender) = self.waiting().remove(&ticket) {
            // Whoever asked may have gone.
            let _ = sender.send(answer);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u32, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Changes a room for somebody, like a request of his would. After an error that may be tried again it
    /// may have been done all the same.
    pub(crate) async fn change_room(
        self: &Arc<Self>,
        room: RoomId,
        by: Visitor,
        change: Change,
    ) -> Answer {
        let (ticket, answer) = self.inside().begin();
        let caller = Caller::inside(ticket, by.user, by.pass);
        if let Err(error) = self.ask_room(room, caller, RoomRequest::Change(change)) {
            self.inside().finish(ticket, Err(error.clone()));
            return Err(error);
        }
        let lost = || {
            self.inside().waiting().remove(&ticket);
            ErrorData::new(ErrorCode::Unavailable, "the room did not answer").retry_after(500)
        };
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }
}
