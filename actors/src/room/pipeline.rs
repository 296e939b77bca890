//! The queue of changes on their way into the log: one commit at a time, in order.
//!
//! It stands apart from the rest of the room so that a panic in the rest does not lose it.

use std::collections::VecDeque;

use salon_storage::model::RoomOp;

use super::messages::ReplyKind;
use crate::caller::Caller;

/// Changes of one room that wait for their commit.
pub(crate) const PENDING_MAX: usize = 4_096;
/// Changes of one commit.
const COMMIT_OPS_MAX: usize = 512;

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

    /// The next commit, unless one is under way.
    pub(crate) fn next(&mut self) -> Option<Vec<RoomOp>> {
        if !self.committing.is_empty() || self.waiting.is_empty() {
            return None;
        }
        let count = self.waiting.len().min(COMMIT_OPS_MAX);
        let (pending, ops) = self.waiting.drain(..count).unzip();
        self.committing = pending;
        Some(ops)
    }

    /// What has come since a commit was given out goes with it.
    pub(crate) fn top_up(&mut self, ops: &mut Vec<RoomOp>) {
        let count = self.waiting.len().min(COMMIT_OPS_MAX.saturating_sub(ops.len()));
        for (pending, op) in self.waiting.drain(..count) {
            self.committing.push(pending);
            ops.push(op);
        }
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
    pub(crate) fn ended(&mut self) {
        self.committing = Vec::new();
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
        let op = RoomOp::new(caller.user, change);
        pipeline.push(Pending { caller, kind: ReplyKind::Done }, op).unwrap();
    }

    #[test]
    fn what_comes_before_a_commit_begins_goes_with_it() {
        let mut pipeline = Pipeline::default();
        push(&mut pipeline);
        let mut ops = pipeline.next().unwrap();
        (0..2).for_each(|_| push(&mut pipeline));
        pipeline.top_up(&mut ops);
        assert_eq!((ops.len(), pipeline.committing().len()), (3, 3), "each has its answer");
        // No further than a commit may be long; the rest waits for the next.
        (0..COMMIT_OPS_MAX).for_each(|_| push(&mut pipeline));
        pipeline.top_up(&mut ops);
        assert_eq!((ops.len(), pipeline.committing().len()), (COMMIT_OPS_MAX, COMMIT_OPS_MAX));
        pipeline.ended();
        assert_eq!(pipeline.next().map(|ops| ops.len()), Some(3));
    }
}
