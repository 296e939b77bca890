//! The single writer: whatever arrived while the last commit ran is the next commit.
//!
//! Promises  what is answered with `Ok` is committed; a wish that fails does not take others with
//!           it; a commit that fails gives nothing and burns no number. No commit waits for a timer.
//! Between   commits, SQLite's journal is folded into the table of events (`journal`), in slices.
//! Pressure  its queue is bounded; whoever finds it full waits, and is bounded himself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Restart;
use super::log::{self, PendingSend};
use super::open::Opener;
use super::search::Dirty;
use super::tx::Tx;
use crate::contract::Clock;
use crate::error::{Result, StoreError};
use crate::metrics::StoreMetrics;
use crate::model::{Change, OpResult, RoomOp, RoomRef};

/// Jobs that wait for the writer.
const QUEUE_JOBS_MAX: usize = 4_096;
/// Jobs of one commit.
const BATCH_JOBS_MAX: usize = 1_024;
/// After a slice of the journal that could not be folded, how long until the next attempt.
const FOLD_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// After a lost connection to PostgreSQL, how long until the next attempt.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// The way to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
}

enum Job {
    Rooms(RoomsJob),
    Work(Box<dyn Work>),
}

/// Wishes of rooms that are answered together.
struct RoomsJob {
    rooms: Vec<(RoomRef, Vec<RoomOp>)>,
    /// Of each room.
    results: Vec<Vec<OpResult>>,
    reply: oneshot::Sender<Result<Vec<Vec<OpResult>>>>,
}

/// Anything else that is done in a transaction.
trait Work: Send {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<()>>;
    fn finish(self: Box<Self>, outcome: Result<()>);
}

struct WorkOf<F, T> {
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Work for WorkOf<F, T>
where
    F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T>> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(()) };
            self.value = Some(work(tx).await?);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, outcome: Result<()>) {
        let never_run = || StoreError::Internal("the work was never run".into());
        let WorkOf { value, reply, .. } = *self;
        // Who asked may have gone away meanwhile; it is done all the same.
        let _ = reply.send(outcome.and_then(|()| value.ok_or_else(never_run)));
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

impl Writer {
    /// Starts the writer on the current runtime. It ends when the last `Writer` is dropped and
    /// its queue is empty; the handle tells when.
    pub(crate) fn start(
        opener: Opener,
        tx: Tx,
        clock: Arc<dyn Clock>,
        metrics: Arc<StoreMetrics>,
        dirty: Arc<Dirty>,
        restart: Arc<Restart>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let failing = Failing::default();
        let tx = Some(tx);
        let run = Run {
            jobs,
            opener,
            tx,
            clock,
            metrics,
            dirty,
            failing,
            fold_not_before: None,
            restart,
        };
        (Writer { queue }, tokio::spawn(run.run()))
    }

    /// Applies wishes to rooms.
    pub(crate) async fn rooms(
        &self,
        rooms: Vec<(RoomRef, Vec<RoomOp>)>,
    ) -> Result<Vec<Vec<OpResult>>> {
        let (reply, answer) = oneshot::channel();
        let results = rooms.iter().map(|(_, ops)| Vec::with_capacity(ops.len())).collect();
        let job = RoomsJob { rooms, results, reply };
        self.queue.send(Job::Rooms(job)).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Does any work in a transaction.
    pub(crate) async fn work<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = WorkOf { work: Some(work), value: None, reply };
        self.queue.send(Job::Work(Box::new(job))).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Jobs that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

struct Run {
    jobs: mpsc::Receiver<Job>,
    opener: Opener,
    /// Absent while there is no connection.
    tx: Option<Tx>,
    clock: Arc<dyn Clock>,
    metrics: Arc<StoreMetrics>,
    dirty: Arc<Dirty>,
    failing: Failing,
    /// After a slice that failed.
    fold_not_before: Option<Instant>,
    restart: Arc<Restart>,
}

/// How commits fail, told once a second and when it is over, however many there are.
#[derive(Debug, Default)]
struct Failing {
    commits: u64,
    told: Option<Instant>,
}

const TELL_EVERY: Duration = Duration::from_secs(1);

impl Failing {
    fn failed(&mut self, error: &StoreError) {
        self.commits += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(error = %error, commits.failed = self.commits, "commits fail");
        }
    }

    fn succeeded(&mut self) {
        if self.commits > 0 {
            tracing::warn!(commits.failed = self.commits, "commits succeed again");
            *self = Failing::default();
        }
    }
}

impl Run {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(64);
        while self.next(&mut batch).await {
            let outcome = match self.connected().await {
                Ok(mut tx) => {
                    let outcome = self.commit(&mut tx, &mut batch).await;
                    let broken = outcome.is_err() && tx.conn.is_postgres();
                    if broken {
                        // What the error was about may be the connection itself.
                        tx.conn.close().await;
                    } else {
                        self.tx = Some(tx);
                    }
                    outcome
                }
                Err(error) => Err(error),
            };
            match &outcome {
                Ok(_) => self.failing.succeeded(),
                Err(error) => {
                    self.metrics.commits_failed.inc();
                    self.failing.failed(error);
                }
            }
            for job in batch.drain(..) {
                job.finish(&outcome);
            }
            if self.fold_due().is_some_and(|due| due <= Instant::now()) {
                self.fold().await;
            }
            self.serve_checkpoint().await;
        }
        // Whatever does not succeed now is in the journal at the next start.
        while self.fold().await {}
        if let Some(tx) = self.tx {
            tx.conn.close().await;
        }
    }

    /// SQLite: finishes a checkpoint while nobody appends to the log.
    async fn serve_checkpoint(&mut self) {
        if let Some(tx) = &mut self.tx
            && let Err(error) = self.restart.serve(&mut tx.conn.borrow()).await
        {
            tracing::warn!(error = %error, "checkpoint failed");
        }
    }

    /// Waits for jobs, and folds meanwhile what is due. `false`: there will be no more.
    async fn next(&mut self, batch: &mut Vec<Job>) -> bool {
        loop {
            let due = self.fold_due();
            let jobs = self.jobs.recv_many(batch, BATCH_JOBS_MAX);
            let Some(due) = due else { return jobs.await > 0 };
            match tokio::time::timeout_at(due.into(), jobs).await {
                Ok(count) => return count > 0,
                Err(_) => {
                    self.fold().await;
                }
            }
        }
    }

    /// When the next slice is to be folded.
    fn fold_due(&self) -> Option<Instant> {
        let tx = self.tx.as_ref()?;
        let due = if tx.cids.untidy() { Some(Instant::now()) } else { tx.journal.due() };
        due.map(|due| self.fold_not_before.map_or(due, |earliest| due.max(earliest)))
    }

    /// Folds a slice of the journal. `false`: nothing was done.
    async fn fold(&mut self) -> bool {
        let Some(tx) = &mut self.tx else { return false };
        let started = Instant::now();
        match tx.fold().await {
            Ok(done) => {
                self.fold_not_before = None;
                self.dirty.mark(tx.texts_changed.drain());
                if done {
                    self.metrics.fold_seconds.observe(started.elapsed().as_secs_f64());
                }
                done
            }
            Err(error) => {
                tracing::warn!(error = %error, "the journal cannot be folded; trying again");
                self.fold_not_before = Some(Instant::now() + FOLD_AGAIN_AFTER);
                false
            }
        }
    }

    /// The connection; a lost one is opened again, not more often than every now and then.
    async fn connected(&mut self) -> Result<Tx> {
        match self.tx.take() {
            Some(tx) => Ok(tx),
            None => match self.opener.writer().await {
                Ok(tx) => Ok(tx),
                Err(error) => {
                    tokio::time::sleep(RECONNECT_AFTER).await;
                    Err(error)
                }
            },
        }
    }

    /// One transaction. An error means that nothing of the batch holds.
    async fn commit(&self, tx: &mut Tx, batch: &mut [Job]) -> Result<()> {
        while tx.journal.is_full() || tx.cids.overdue() {
            tx.fold().await?;
            self.dirty.mark(tx.texts_changed.drain());
        }
        let started = Instant::now();
        tx.now = self.clock.now();
        let messages = only_messages(batch);
        let at_once = match &messages {
            Some(sends) if !tx.conn.is_postgres() => log::append_at_once(tx, sends).await?,
            _ => None,
        };
        let sends = messages.unwrap_or_default();
        if let Some(results) = at_once {
            answer_all(batch, &sends, results);
        } else {
            let outcome = async {
                tx.raw(super::conn::sql!([sqlite "BEGIN IMMEDIATE" postgres "BEGIN"])).await?;
                self.apply(tx, batch, sends).await?;
                tx.raw("COMMIT").await
            }
            .await;
            if let Err(error) = outcome {
                // SQLite may have rolled back by itself already.
                let _ = tx.raw("ROLLBACK").await;
                tx.undone(false);
                return Err(error);
            }
        }
        tx.committed();
        self.dirty.mark(tx.texts_changed.drain());
        self.metrics.committed(batch.len(), count_events(batch), started.elapsed());
        Ok(())
    }

    /// Applies the jobs in the order of their arrival; messages of all rooms go together.
    /// `sends` are messages that were taken out of the jobs already.
    async fn apply(
        &self,
        tx: &mut Tx,
        batch: &mut [Job],
        mut sends: Vec<PendingSend>,
    ) -> Result<()> {
        for at in 0..batch.len() {
            let rooms = match &mut batch[at] {
                Job::Rooms(job) => std::mem::take(&mut job.rooms),
                Job::Work(_) => {
                    flush(tx, batch, &mut sends).await?;
                    do_work(tx, &mut batch[at]).await?;
                    continue;
                }
            };
            for (number, (room, ops)) in rooms.into_iter().enumerate() {
                let place = (at, number);
                for RoomOp { by, pass, change } in ops {
                    if let Change::Send { cid, content } = change {
                        sends.push(PendingSend::new(place, room, by, cid, content));
                        continue;
                    }
                    flush(tx, batch, &mut sends).await?;
                    let result = contained(tx, async |tx: &mut Tx| {
                        log::apply(tx, room, by, pass, change).await
                    })
                    .await?;
                    answer(batch, place, result.map_err(|error| error.to_error_data()));
                }
            }
        }
        flush(tx, batch, &mut sends).await
    }
}

/// Does work that is no room's.
async fn do_work(tx: &mut Tx, job: &mut Job) -> Result<()> {
    let Job::Work(work) = job else { return Ok(()) };
    let result = contained(tx, async |tx: &mut Tx| work.run(tx).await).await?;
    if let Err(error) = result {
        let done = Job::Work(Box::new(Nothing));
        if let Job::Work(work) = std::mem::replace(job, done) {
            work.finish(Err(error));
        }
    }
    Ok(())
}

/// In the place of work that was refused and has its answer already.
struct Nothing;

impl Work for Nothing {
    fn run<'a>(&'a mut self, _: &'a mut Tx) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>, _: Result<()>) {}
}

impl Job {
    fn finish(self, outcome: &Result<()>) {
        match self {
            Job::Rooms(job) => {
                let _ = job.reply.send(outcome.clone().map(|()| job.results));
            }
            Job::Work(work) => work.finish(outcome.clone()),
        }
    }
}

fn count_events(batch: &[Job]) -> usize {
    let events = |job: &Job| match job {
        Job::Rooms(job) => {
            job.results.iter().flatten().flatten().map(|done| done.events.len()).sum()
        }
        Job::Work(_) => 0,
    };
    batch.iter().map(events).sum()
}

/// Appends the messages that were gathered.
async fn flush(tx: &mut Tx, batch: &mut [Job], sends: &mut Vec<PendingSend>) -> Result<()> {
    if sends.is_empty() {
        return Ok(());
    }
    // In SQLite a statement that fails undoes itself, and there is only one that writes.
    let all = if tx.conn.is_postgres() {
        contained(tx, async |tx: &mut Tx| log::append_messages(tx, sends).await).await?
    } else {
        match log::append_messages(tx, sends).await {
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            outcome => outcome,
        }
    };
    let results = match all {
        Ok(results) => results,
        // One of them is poison: find out which, so that the others are not lost with it.
        Err(_) => {
            let mut results = Vec::with_capacity(sends.len());
            for send in sends.iter() {
                let one = std::slice::from_ref(send);
                let result =
                    contained(tx, async |tx: &mut Tx| log::append_messages(tx, one).await).await?;
                results.push(match result {
                    Ok(mut results) => results.remove(0),
                    Err(error) => Err(error.to_error_data()),
                });
            }
            results
        }
    };
    answer_all(batch, sends, results);
    sends.clear();
    Ok(())
}

/// Gives each message's result to the job that it came with.
fn answer_all(batch: &mut [Job], sends: &[PendingSend], results: Vec<OpResult>) {
    for (send, result) in sends.iter().zip(results) {
        answer(batch, send.place, result);
    }
}

/// Gives a result to a room of a job.
fn answer(batch: &mut [Job], (job, room): (usize, usize), result: OpResult) {
    if let Job::Rooms(job) = &mut batch[job] {
        job.results[room].push(result);
    }
}

/// Takes the messages out of the jobs, if there is nothing else in them.
fn only_messages(batch: &mut [Job]) -> Option<Vec<PendingSend>> {
    let is_message = |op: &RoomOp| matches!(op.change, Change::Send { .. });
    let only = batch.iter().all(|job| match job {
        Job::Rooms(job) => job.rooms.iter().flat_map(|(_, ops)| ops).all(is_message),
        Job::Work(_) => false,
    });
    if !only {
        return None;
    }
    let mut sends = Vec::new();
    for (at, job) in batch.iter_mut().enumerate() {
        let Job::Rooms(job) = job else { continue };
        for (number, (room, ops)) in std::mem::take(&mut job.rooms).into_iter().enumerate() {
            for RoomOp { by, change, .. } in ops {
                if let Change::Send { cid, content } = change {
                    sends.push(PendingSend::new((at, number), room, by, cid, content));
                }
            }
        }
    }
    Some(sends)
}

/// Does `work` so that it can be undone without the rest of the transaction. The outer result is
/// an error when the whole transaction is lost.
async fn contained<T>(
    tx: &mut Tx,
    work: impl AsyncFnOnce(&mut Tx) -> Result<T>,
) -> Result<Result<T>> {
    tx.raw("SAVEPOINT job").await?;
    tx.savepoint();
    match work(tx).await {
        Ok(value) => {
            tx.raw("RELEASE SAVEPOINT job").await?;
            Ok(Ok(value))
        }
        Err(error @ StoreError::Unavailable(_)) => Err(error),
        Err(error) => {
            if let StoreError::Internal(text) = &error {
                tracing::error!(error = text, "work in a transaction failed");
            }
            tx.raw("ROLLBACK TO SAVEPOINT job").await?;
            tx.undone(true);
            Ok(Err(error))
        }
    }
}
