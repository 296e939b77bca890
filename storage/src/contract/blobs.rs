//! Files: written once, read often, deleted at last.

use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use salon_protocol::BlobId;

/// The bytes of one piece of a stream: what a reader keeps in memory, however large the file is.
pub const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Pieces of a file, in order, each of at most [`PIECE_BYTES_MAX`] and none of them empty. After an error
/// nothing comes any more.
pub type Pieces = BoxStream<'static, Result<Bytes, BlobError>>;

/// A variant that is being read.
pub struct Reading {
    /// The size of the whole variant in bytes, whatever part of it is read.
    pub size: u64,
    /// What was asked for.
    pub pieces: Pieces,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reading").field("size", &self.size).finish_non_exhaustive()
    }
}

/// What can go wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not there.
    #[error("no such blob")]
    NotFound,
    /// The place where files are kept does not work.
    #[error("blob store unavailable: {0}")]
    Unavailable(String),
}

/// Where files are kept. A file has an id and one or more variants with short names
/// (`original`, `400`), and never changes.
#[async_trait]
pub trait Blobs: Send + Sync + std::fmt::Debug {
    /// Writes a whole variant; when it returns, it is on disk and visible under its name, at
    /// once and as a whole. Writing the same again replaces it.
    async fn put(&self, blob: BlobId, variant: &str, bytes: Bytes) -> Result<(), BlobError>;

    /// Moves a finished file of this machine into the store, with the promise of [`Blobs::put`]; it is not
    /// there any more when this returns without an error. Costs no more memory than a piece of an upload.
    async fn put_file(&self, blob: BlobId, variant: &str, file: &Path) -> Result<(), BlobError>;

    /// The size of a variant in bytes.
    async fn size(&self, blob: BlobId, variant: &str) -> Result<u64, BlobError>;

    /// Part of a variant; the range is cut at its end.
    async fn get(&self, blob: BlobId, variant: &str, range: Range<u64>)
    -> Result<Bytes, BlobError>;

    /// The same, piece by piece. Who reads on after the variant was deleted may get all of it.
    async fn stream(
        &self,
        blob: BlobId,
        variant: &str,
        range: Range<u64>,
    ) -> Result<Reading, BlobError>;

    /// Removes all variants; removing what is not there is no error.
    async fn delete(&self, blob: BlobId) -> Result<(), BlobError>;

    /// Writes and removes something small.
    async fn probe(&self) -> Result<(), BlobError>;
}
