//! How an upload thinks.

use std::collections::VecDeque;

use salon_protocol::reply::{Empty, PhotoMade, UploadAt, UploadBegun};
use salon_protocol::{ErrorCode, ErrorData, Millis, UploadId, limits};

use super::messages::{Effect, Opened, Reply, UploadInput, UploadRequest};
use crate::caller::Caller;

/// Requests that wait: the pieces of the window, and what may come behind them.
pub(super) const WAITING_MAX: usize = limits::UPLOAD_WINDOW_CHUNKS + 2;
/// Progress is told at most so often.
const PROGRESS_EVERY_MS: Millis = 250;

/// An upload.
#[derive(Debug)]
pub(crate) struct Uploading {
    id: UploadId,
    idle_ms: Millis,
    open: Option<Opened>,
    /// The first one is being served while `busy`.
    waiting: VecDeque<(Caller, UploadRequest)>,
    busy: bool,
    last_request: Millis,
    told_at: Millis,
}

impl Uploading {
    pub(crate) fn new(id: UploadId, idle_ms: Millis, now: Millis) -> Self {
        Uploading {
            id,
            idle_ms,
            open: None,
            waiting: VecDeque::new(),
            busy: false,
            last_request: now,
            told_at: 0,
        }
    }

    pub(crate) fn handle(&mut self, input: UploadInput, now: Millis, out: &mut Vec<Effect>) {
        match input {
            UploadInput::Request(caller, request) => {
                self.last_request = now;
                if self.waiting.len() >= WAITING_MAX {
                    let text = "too many pieces of this upload wait for their answer";
                    let error = ErrorData::new(ErrorCode::Overloaded, text).retry_after(200);
                    return out.push(Effect::Answer(caller, Err(error)));
                }
                self.waiting.push_back((caller, request));
            }
            UploadInput::Opened(opened) => {
                self.busy = false;
                match opened {
                    Ok(opened) => self.open = Some(opened),
                    Err(error) => self.answer(Err(error), out),
                }
            }
            UploadInput::Written(written) => self.written(written, now, out),
            UploadInput::Finished(finished) => self.finished(finished, out),
            UploadInput::Removed(removed) => {
                self.busy = false;
                self.open = None;
                self.answer(removed.map(|()| Reply::Empty(Empty {})), out);
            }
            UploadInput::Wake => {
                if self.wake_at() <= now {
                    if self.waiting.is_empty() {
                        out.push(Effect::Sleep);
                    } else {
                        self.last_request = now;
                    }
                }
            }
            UploadInput::Last => {}
        }
        self.go_on(out);
    }

    /// When it wants to be woken.
    pub(crate) fn wake_at(&self) -> Millis {
        self.last_request + self.idle_ms
    }

    /// After a panic: whoever waits is told to try again; what is on disk is looked at again.
    pub(crate) fn recover(&mut self, out: &mut Vec<Effect>) {
        let error = ErrorData::new(ErrorCode::Unavailable, "the upload had to begin anew");
        let error = error.retry_after(500);
        for (caller, _) in self.waiting.drain(..) {
            out.push(Effect::Answer(caller, Err(error.clone())));
        }
        (self.open, self.busy) = (None, false);
    }

    /// Answers the first request that waits.
    fn answer(&mut self, result: Result<Reply, ErrorData>, out: &mut Vec<Effect>) {
        if let Some((caller, _)) = self.waiting.pop_front() {
            out.push(Effect::Answer(caller, result));
        }
    }

    fn written(&mut self, written: Result<u64, ErrorData>, now: Millis, out: &mut Vec<Effect>) {
        self.busy = false;
        match written {
            Ok(received) => {
                self.answer(Ok(Reply::At(UploadAt { offset: received })), out);
                let Some(open) = &mut self.open else { return };
                open.received = received;
                if received == open.size || self.told_at + PROGRESS_EVERY_MS <= now {
                    self.told_at = now;
                    out.push(progress(open));
                }
            }
            Err(error) => {
                // Whatever it was: what is on disk counts.
                self.open = None;
                self.answer(Err(error), out);
            }
        }
    }

    fn finished(&mut self, finished: Result<PhotoMade, ErrorData>, out: &mut Vec<Effect>) {
        self.busy = false;
        match (&finished, &mut self.open) {
            (Ok(made), Some(open)) => {
                open.done = Some(made.clone());
                out.push(progress(open));
            }
            // It may be done all the same: the store knows.
            _ => self.open = None,
        }
        self.answer(finished.map(Reply::Made), out);
    }

    /// Serves the next request, if none is being served.
    fn go_on(&mut self, out: &mut Vec<Effect>) {
        while !self.busy
            && let Some((caller, request)) = self.waiting.front_mut()
        {
            let caller = *caller;
            let Some(open) = &mut self.open else {
                let known = match request {
                    UploadRequest::Begin(upload) => Some(upload.clone()),
                    _ => None,
                };
                self.busy = true;
                return out.push(Effect::Open(caller.user, known));
            };
            if open.owner != caller.user {
                let error = ErrorData::new(ErrorCode::NotFound, "there is no such upload");
                self.answer(Err(error), out);
                continue;
            }
            let at = |offset| Reply::At(UploadAt { offset });
            let answer = match (request, &open.done) {
                (UploadRequest::Begin(_), done) => {
                    let offset = if done.is_some() { open.size } else { open.received };
                    let chunk = limits::UPLOAD_CHUNK_BYTES;
                    Ok(Reply::Begun(UploadBegun { upload: self.id, chunk, offset }))
                }
                (UploadRequest::Chunk { .. }, Some(_)) => Ok(at(open.size)),
                (UploadRequest::Commit, Some(made)) => {
                    Ok(Reply::Made(PhotoMade { duplicate: true, ..made.clone() }))
                }
                (UploadRequest::Abort, Some(_)) => Ok(Reply::Empty(Empty {})),
                (UploadRequest::Chunk { offset, bytes }, None) => {
                    if *offset == open.received && *offset + bytes.len() as u64 <= open.size {
                        self.busy = true;
                        return out.push(Effect::Write(std::mem::take(bytes)));
                    }
                    Err(misplaced(*offset, open))
                }
                (UploadRequest::Commit, None) => {
                    if open.received == open.size {
                        self.busy = true;
                        return out.push(Effect::Finish(caller));
                    }
                    Err(misplaced(open.size, open))
                }
                (UploadRequest::Abort, None) => {
                    self.busy = true;
                    return out.push(Effect::Remove);
                }
            };
            self.answer(answer, out);
        }
    }
}

/// A piece that does not begin where the file ends, or goes beyond what was announced.
fn misplaced(offset: u64, open: &Opened) -> ErrorData {
    if offset == open.received {
        return ErrorData::field("bytes", "the file is longer than was said");
    }
    let text = "this is not where the file goes on";
    let details = serde_json::json!({ "offset": open.received });
    ErrorData::new(ErrorCode::Conflict, text).with_details(details)
}

fn progress(open: &Opened) -> Effect {
    let (owner, name) = (open.owner, open.name.clone());
    let (received, size, made) = (open.received, open.size, open.done.clone());
    Effect::Progress { owner, name, received, size, made }
}
