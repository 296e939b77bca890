//! Reading for many who ask at once: whatever was asked while the last read ran is the next one.
//!
//! A storm of reconnects is the case in point: one question for many costs little more than for one.
//!
//! Promises  what is read was read after it was asked for; a question that cannot be answered takes
//!           no others with it. There is no timer.
//! Pressure  its queue is bounded; whoever finds it full waits, and is bounded himself.

use std::sync::Weak;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::Shared;
use super::conn::Conn;
use crate::error::{Result, StoreError};

/// Questions that wait.
const QUEUE_MAX: usize = 4_096;
/// Questions of one read.
const BATCH_MAX: usize = 128;

/// The way to whoever reads.
#[derive(Debug)]
pub(crate) struct Gathered<Q, A> {
    queue: mpsc::Sender<Asked<Q, A>>,
}

#[derive(Debug)]
struct Asked<Q, A> {
    question: Q,
    reply: oneshot::Sender<Result<A>>,
}

/// Answers questions in their order, one answer for each; or only the first ones, when that is as
/// much as one read may bring. The others are asked again with what comes next.
pub(crate) trait Read<Q, A>:
    for<'a, 'c> Fn(&'a mut Conn<'c>, &'a [Q]) -> BoxFuture<'a, Result<Vec<A>>> + Send + Sync + 'static
{
}

impl<Q, A, F> Read<Q, A> for F where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>, &'a [Q]) -> BoxFuture<'a, Result<Vec<A>>>
        + Send
        + Sync
        + 'static
{
}

impl<Q: Send + Sync + 'static, A: Send + 'static> Gathered<Q, A> {
    /// Starts reading on the current runtime. It ends when the store is dropped.
    pub(crate) fn start(shared: Weak<Shared>, read: impl Read<Q, A>) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(asked, shared, read));
        Gathered { queue }
    }

    pub(crate) async fn ask(&self, question: Q) -> Result<A> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Asked { question, reply }).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

async fn run<Q: Send + Sync, A: Send>(
    mut queue: mpsc::Receiver<Asked<Q, A>>,
    shared: Weak<Shared>,
    read: impl Read<Q, A>,
) {
    let (mut questions, mut replies) = (Vec::new(), Vec::new());
    loop {
        if questions.is_empty() {
            let Some(Asked { question, reply }) = queue.recv().await else { return };
            questions.push(question);
            replies.push(reply);
        }
        while questions.len() < BATCH_MAX
            && let Ok(Asked { question, reply }) = queue.try_recv()
        {
            questions.push(question);
            replies.push(reply);
        }
        let Some(shared) = shared.upgrade() else { return };
        let answers = match answer(&shared, &questions, &read).await {
            // One of them may be poison: the others are not lost with it.
            Err(StoreError::Internal(_)) if questions.len() > 1 => {
                let mut answers = Vec::with_capacity(questions.len());
                for question in &questions {
                    let one = answer(&shared, std::slice::from_ref(question), &read).await;
                    answers.push(one.map(|mut answers| answers.remove(0)));
                }
                answers
            }
            Err(error) => questions.iter().map(|_| Err(error.clone())).collect(),
            Ok(answers) => answers.into_iter().map(Ok).collect(),
        };
        questions.drain(..answers.len());
        for (reply, answer) in replies.drain(..answers.len()).zip(answers) {
            // Who asked may have gone away meanwhile.
            let _ = reply.send(answer);
        }
    }
}

async fn answer<Q, A>(shared: &Shared, questions: &[Q], read: &impl Read<Q, A>) -> Result<Vec<A>> {
    let mut reader = shared.reader().await?;
    let answers = read(&mut reader.borrow(), questions).await?;
    if (1..=questions.len()).contains(&answers.len()) {
        Ok(answers)
    } else {
        Err(StoreError::Internal("questions and answers do not match".into()))
    }
}
