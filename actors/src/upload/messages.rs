//! What an upload hears and what it wants done.

use actix::Message;
use salon_protocol::reply::{Empty, PhotoMade, UploadAt, UploadBegun};
use salon_protocol::{ErrorData, Request, UploadId};
use salon_storage::model::{Upload, UserRef};
use serde::{Serialize, Serializer};

use crate::caller::Caller;

/// A request about an upload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum UploadRequest {
    /// Where to go on.
    Begin(Box<Upload>),
    /// A piece.
    Chunk { offset: u64, bytes: Vec<u8> },
    /// It is complete.
    Commit,
    /// It is given up.
    Abort,
}

impl UploadRequest {
    /// The request about an upload that a frame is, if it is one.
    #[expect(clippy::result_large_err, reason = "what is no upload's is passed on as it came")]
    pub(crate) fn from_frame(request: Request) -> Result<(UploadId, UploadRequest), Request> {
        Ok(match request {
            Request::PhotoUploadChunk(chunk) => {
                let (offset, bytes) = (chunk.offset, chunk.bytes.0);
                (chunk.upload, UploadRequest::Chunk { offset, bytes })
            }
            Request::PhotoUploadCommit(one) => (one.upload, UploadRequest::Commit),
            Request::PhotoUploadAbort(one) => (one.upload, UploadRequest::Abort),
            other => return Err(other),
        })
    }
}

/// A message to the upload's actor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct UploadMessage(pub(crate) UploadInput);

/// What an upload hears.
#[derive(Clone, Debug)]
pub(crate) enum UploadInput {
    /// Somebody asks.
    Request(Caller, UploadRequest),
    /// The answer to [`Effect::Open`].
    Opened(Result<Opened, ErrorData>),
    /// The answer to [`Effect::Write`]: so many bytes are there. An error that is final ends the upload.
    Written(Result<u64, ErrorData>),
    /// The answer to [`Effect::Finish`].
    Finished(Result<PhotoMade, ErrorData>),
    /// The answer to [`Effect::Remove`].
    Removed(Result<(), ErrorData>),
    /// The time asked for by `wake_at` has come.
    Wake,
    /// Sent behind everything else when the actor retires: stop.
    Last,
}

/// An upload as it is on disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) owner: UserRef,
    pub(crate) size: u64,
    pub(crate) name: String,
    /// Bytes that are there.
    pub(crate) received: u64,
    /// What it has become.
    pub(crate) done: Option<PhotoMade>,
}

/// What an upload wants done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Read what is known of it; `Some`: it was just read.
    Open(UserRef, Option<Box<Upload>>),
    /// Write behind what is there.
    Write(Vec<u8>),
    /// Make a photo of it.
    Finish(Caller),
    /// Delete it.
    Remove,
    /// Answer a request.
    Answer(Caller, Result<Reply, ErrorData>),
    /// Tell its owner how far it is.
    Progress { owner: UserRef, name: String, received: u64, size: u64, made: Option<PhotoMade> },
    /// Nothing is left to do.
    Sleep,
}

/// The data of an `ok`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Begun(UploadBegun),
    At(UploadAt),
    Made(PhotoMade),
    Empty(Empty),
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Reply::Begun(data) => data.serialize(serializer),
            Reply::At(data) => data.serialize(serializer),
            Reply::Made(data) => data.serialize(serializer),
            Reply::Empty(data) => data.serialize(serializer),
        }
    }
}
