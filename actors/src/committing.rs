//! Commits of the rooms of one thread, gathered.
//!
//! Rooms whose commits are answered one by one wake their thread one by one, and whoever sits in all of
//! them is written to as often. Those that begin in one wake-up of their thread go to the store
//! together, and have their answers together: each socket gets what all of them tell with one write.
//!
//! Promises  every commit is answered; nothing waits for anything but the tasks that are runnable now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use salon_storage::contract::Store;
use salon_storage::model::{OpResult, RoomOp, RoomRef};
use salon_storage::{Result, StoreError};
use tokio::sync::oneshot;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Committing {
    threads: Mutex<HashMap<ThreadId, Vec<Asked>>>,
}

#[derive(Debug)]
struct Asked {
    room: RoomRef,
    ops: Vec<RoomOp>,
    reply: oneshot::Sender<Result<Vec<OpResult>>>,
}

impl Committing {
    /// Commits what a room wants, with what the other rooms of this thread want.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        store: &Arc<dyn Store>,
        room: RoomRef,
        ops: Vec<RoomOp>,
    ) -> Result<Vec<OpResult>> {
        let (reply, answer) = oneshot::channel();
        if self.push(Asked { room, ops, reply }) {
            let (gathered, store) = (self.clone(), store.clone());
            actix::spawn(async move {
                // Behind the rooms that are about to begin.
                tokio::task::yield_now().await;
                commit_all(&*store, gathered.take()).await;
            });
        }
        let ended = || StoreError::Unavailable("the thread of the room ends".into());
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// `true` for the first one of its thread.
    fn push(&self, asked: Asked) -> bool {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let gathered = threads.entry(std::thread::current().id()).or_default();
        gathered.push(asked);
        gathered.len() == 1
    }

    /// All of this thread.
    fn take(&self) -> Vec<Asked> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.remove(&std::thread::current().id()).unwrap_or_default()
    }
}

async fn commit_all(store: &dyn Store, asked: Vec<Asked>) {
    let (rooms, replies): (Vec<_>, Vec<_>) =
        asked.into_iter().map(|asked| ((asked.room, asked.ops), asked.reply)).unzip();
    let answers = match store.commit_rooms(rooms).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error); replies.len()],
    };
    for (reply, answer) in replies.into_iter().zip(answers) {
        // A room that has died meanwhile reads its log again.
        let _ = reply.send(answer);
    }
}
