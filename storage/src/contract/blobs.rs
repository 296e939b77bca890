//! Files: written once, read often, deleted at last.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use salon_protocol::BlobId;

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

    /// The size of a variant in bytes.
    async fn size(&self, blob: BlobId, variant: &str) -> Result<u64, BlobError>;

    /// Part of a variant; the range is cut at its end.
    async fn get(&self, blob: BlobId, variant: &str, range: Range<u64>)
    -> Result<Bytes, BlobError>;

    /// Removes all variants; removing what is not there is no error.
    async fn delete(&self, blob: BlobId) -> Result<(), BlobError>;

    /// Writes and removes something small.
    async fn probe(&self) -> Result<(), BlobError>;
}
