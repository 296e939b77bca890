//! The queue of changes on their way into the log: one commit at a time, in order.
//!
//! A commit that took long says that the machine is busy. Then the next one waits for a part of that
//! time, so that more goes into it: those who follow the room get more frames with one write, and
//! writes are what a busy machine is busy with. On a quiet one nothing waits.
//!
//! It stands apart from the rest of the room so that a panic in the rest does not lose it.

use std::collections::VecDeque;

use salon_protocol::Millis;
use salon_storage::model::RoomOp;

use super::messages::ReplyKind;
use crate::caller::Caller;

/// Changes of one room that wait for their commit.
pub(crate) const PENDING_MAX: usize = 4_096;
/// Changes of one commit.
const COMMIT_OPS_MAX: usize = 512;
/// A commit that took less is followed by the next one at once.
const GATHER_FROM_MS: Millis = 4;
/// Which part of the time that a commit took is waited before the next one.
const GATHER_PART: Millis = 4;
/// No more is waited.
const GATHER_MAX_MS: Millis = 10;

/// A change that waits or is being committed.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) caller: Caller,
    pub(crate) kind: ReplyKind,
}

#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    waiting: VecDeque<(Pending, RoomOp)>,
    committing: Vec<Pending>,
    /// When the commit under way was given out.
    begun_at: Millis,
    /// Before this the next one is given out only if it is full.
    gather_until: Millis,
}

impl Pipeline {
    /// Takes a change in; gives it back when the queue is full.
    pub(crate) fn push(&mut self, pending: Pending, op: RoomOp) -> Result<(), Pending> {
        if self.waiting.len() >= PENDING_MAX {
            return Err(pending);
        }
        self.waiting.push_back((pending, op));
        Ok(())
    }

    /// The next commit, unless one is under way or being gathered.
    pub(crate) fn next(&mut self, now: Millis) -> Option<Vec<RoomOp>> {
        let full = self.waiting.len() >= COMMIT_OPS_MAX;
        if self.waiting_since_ended() && (full || now >= self.gather_until) {
            let count = self.waiting.len().min(COMMIT_OPS_MAX);
            let (pending, ops) = self.waiting.drain(..count).unzip();
            self.committing = pending;
            self.begun_at = now;
            return Some(ops);
        }
        None
    }

    /// What has come since a commit was given out goes with it.
    pub(crate) fn top_up(&mut self, ops: &mut Vec<RoomOp>) {
        let count = self.waiting.len().min(COMMIT_OPS_MAX.saturating_sub(ops.len()));
        for (pending, op) in self.waiting.drain(..count) {
            self.committing.push(pending);
            ops.push(op);
        }
    }

    /// When to ask for the next commit again, if it is being gathered.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.waiting_since_ended().then_some(self.gather_until)
    }

    fn waiting_since_ended(&self) -> bool {
        self.committing.is_empty() && !self.waiting.is_empty()
    }

    /// The commit that was given out last was never begun: its changes wait again, before others.
    pub(crate) fn take_back(&mut self, ops: Vec<RoomOp>) {
        let committing = std::mem::take(&mut self.committing);
        for change in committing.into_iter().zip(ops).rev() {
            self.waiting.push_front(change);
        }
    }

    /// Those who wait for the answers of the commit under way, in order.
    pub(crate) fn committing(&self) -> &[Pending] {
        &self.committing
    }

    /// The commit has ended, and all who waited for it have their answers.
    pub(crate) fn ended(&mut self, now: Millis) {
        self.committing = Vec::new();
        let took = now - self.begun_at;
        let wait = if took < GATHER_FROM_MS { 0 } else { took / GATHER_PART };
        self.gather_until = now + wait.min(GATHER_MAX_MS);
    }

    /// All who wait, when the room turns out not to exist.
    pub(crate) fn abandon(&mut self) -> Vec<Pending> {
        self.waiting.drain(..).map(|(pending, _)| pending).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.committing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use salon_storage::model::Change;

    use super::*;
    use crate::room::tests::caller;

    fn push(pipeline: &mut Pipeline) {
        let (caller, change) = (caller(1), Change::Leave);
        let op = RoomOp { by: caller.user, change };
        pipeline.push(Pending { caller, kind: ReplyKind::Done }, op).unwrap();
    }

    /// How many changes the next commit has.
    fn next(pipeline: &mut Pipeline, now: Millis) -> Option<usize> {
        pipeline.next(now).map(|ops| ops.len())
    }

    #[test]
    fn on_a_quiet_machine_nothing_waits() {
        let mut pipeline = Pipeline::default();
        push(&mut pipeline);
        assert_eq!(next(&mut pipeline, 100), Some(1));
        push(&mut pipeline);
        assert_eq!((next(&mut pipeline, 101), pipeline.wake_at()), (None, None), "under way");
        pipeline.ended(103);
        assert_eq!(next(&mut pipeline, 103), Some(1));
    }

    #[test]
    fn what_comes_before_a_commit_begins_goes_with_it() {
        let mut pipeline = Pipeline::default();
        push(&mut pipeline);
        let mut ops = pipeline.next(100).unwrap();
        (0..2).for_each(|_| push(&mut pipeline));
        pipeline.top_up(&mut ops);
        assert_eq!((ops.len(), pipeline.committing().len()), (3, 3), "each has its answer");
        // No further than a commit may be long; the rest waits for the next.
        (0..COMMIT_OPS_MAX).for_each(|_| push(&mut pipeline));
        pipeline.top_up(&mut ops);
        assert_eq!((ops.len(), pipeline.committing().len()), (COMMIT_OPS_MAX, COMMIT_OPS_MAX));
        pipeline.ended(100);
        assert_eq!(next(&mut pipeline, 100), Some(3));
    }

    #[test]
    fn behind_a_slow_commit_the_next_is_gathered() {
        let mut pipeline = Pipeline::default();
        push(&mut pipeline);
        assert_eq!(next(&mut pipeline, 100), Some(1));
        push(&mut pipeline);
        pipeline.ended(120);
        assert_eq!((next(&mut pipeline, 120), pipeline.wake_at()), (None, Some(125)));
        push(&mut pipeline);
        assert_eq!((next(&mut pipeline, 125), pipeline.wake_at()), (Some(2), None));
        // However slow it was, there is an end to waiting.
        push(&mut pipeline);
        pipeline.ended(10_000);
        assert_eq!(pipeline.wake_at(), Some(10_000 + GATHER_MAX_MS));
        // And a full one does not wait.
        (1..COMMIT_OPS_MAX).for_each(|_| push(&mut pipeline));
        assert_eq!(next(&mut pipeline, 10_000), Some(COMMIT_OPS_MAX));
    }
}
