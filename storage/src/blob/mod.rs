//! Files on whatever `object_store` speaks to: a local folder, or S3 and what speaks like it.
//!
//! Owns      where a file lies, and how large ones are moved in and read out in pieces.
//! Promises  what is written is whole or not there; memory per file is bounded by a piece, and for one that is
//!           moved to S3 by a part of its upload.
//! Does not  know what is in a file, or who may have it.

mod local;
mod s3;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt as _};
use salon_protocol::BlobId;

use crate::contract::{BlobError, Blobs, PIECE_BYTES_MAX, Pieces, Reading};
use local::Folder;
pub use s3::S3Config;

/// Files behind the interface of an object store.
#[derive(Debug)]
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    /// Of a local store: some things need fewer system calls, or can be done at all, with the files themselves.
    folder: Option<Folder>,
}

impl ObjectBlobs {
    /// Files in a local folder, made if it is not there; what is written is on disk when the
    /// call returns.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| BlobError::Unavailable(format!("{}: {error}", folder.display())))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(blob_error)?;
        let store = Arc::new(store.with_fsync(true));
        Ok(ObjectBlobs { store, folder: Some(Folder::new(folder)) })
    }

    /// Files in a bucket. Nothing is asked of it before the first file.
    pub fn s3(config: &S3Config) -> Result<Self, BlobError> {
        Ok(ObjectBlobs::on(s3::open(config)?))
    }

    /// Files in memory, gone with the value: for tests.
    #[cfg(feature = "conformance")]
    pub fn in_memory() -> Self {
        ObjectBlobs::on(Arc::new(object_store::memory::InMemory::new()))
    }

    fn on(store: Arc<dyn ObjectStore>) -> Self {
        ObjectBlobs { store, folder: None }
    }
}

/// `ab/cdef…`: the last two digits first, so that no folder grows large. (The first digits of a
/// UUID v7 are the time: they would all be the same.)
fn folder_of(blob: BlobId) -> ObjectPath {
    let id = blob.to_string();
    ObjectPath::from_iter([&id[34..], id.as_str()])
}

fn path(blob: BlobId, variant: &str) -> ObjectPath {
    let id = blob.to_string();
    ObjectPath::from_iter([&id[34..], id.as_str(), variant])
}

fn blob_error(error: Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::NotFound,
        other => BlobError::Unavailable(other.to_string()),
    }
}

/// Cuts what an object store gives into pieces of our size.
fn pieces(stream: stream::BoxStream<'static, object_store::Result<Bytes>>) -> Pieces {
    stream
        .map_err(blob_error)
        .map_ok(|bytes| {
            let starts = (0..bytes.len()).step_by(PIECE_BYTES_MAX);
            stream::iter(starts.map(move |start| {
                let end = (start + PIECE_BYTES_MAX).min(bytes.len());
                Ok(bytes.slice(start..end))
            }))
        })
        .try_flatten()
        .boxed()
}

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn put(&self, blob: BlobId, variant: &str, bytes: Bytes) -> Result<(), BlobError> {
        let done = self.store.put(&path(blob, variant), bytes.into()).await;
        done.map(|_| ()).map_err(blob_error)
    }

    async fn put_file(&self, blob: BlobId, variant: &str, file: &Path) -> Result<(), BlobError> {
        match &self.folder {
            Some(folder) => folder.take(path(blob, variant), file).await,
            None => s3::upload(&*self.store, &path(blob, variant), file).await,
        }
    }

    async fn size(&self, blob: BlobId, variant: &str) -> Result<u64, BlobError> {
        let meta = self.store.head(&path(blob, variant)).await;
        meta.map(|meta| meta.size).map_err(blob_error)
    }

    async fn get(
        &self,
        blob: BlobId,
        variant: &str,
        range: Range<u64>,
    ) -> Result<Bytes, BlobError> {
        let size = self.size(blob, variant).await?;
        let range = range.start.min(size)..range.end.min(size);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.store.get_range(&path(blob, variant), range).await.map_err(blob_error)
    }

    async fn stream(
        &self,
        blob: BlobId,
        variant: &str,
        range: Range<u64>,
    ) -> Result<Reading, BlobError> {
        let path = path(blob, variant);
        if let Some(folder) = &self.folder {
            return folder.stream(path, range).await;
        }
        // A range behind the end is an error there, so that its place has to be known before.
        let whole = range.start == 0 && range.end == u64::MAX;
        let options = if whole {
            GetOptions::default()
        } else {
            let size = self.size(blob, variant).await?;
            let range = range.start.min(size)..range.end.min(size);
            if range.is_empty() {
                return Ok(Reading { size, pieces: stream::empty().boxed() });
            }
            GetOptions { range: Some(range.into()), ..GetOptions::default() }
        };
        let found = self.store.get_opts(&path, options).await.map_err(blob_error)?;
        Ok(Reading { size: found.meta.size, pieces: pieces(found.into_stream()) })
    }

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        if let Some(folder) = &self.folder {
            return folder.delete(folder_of(blob)).await;
        }
        let found = self.store.list(Some(&folder_of(blob))).map_ok(|meta| meta.location).boxed();
        let outcome = self.store.delete_stream(found).try_collect::<Vec<_>>().await;
        match outcome.map_err(blob_error) {
            Ok(_) | Err(BlobError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn probe(&self) -> Result<(), BlobError> {
        let place = ObjectPath::from("probe");
        self.store.put(&place, Bytes::from_static(b"salon").into()).await.map_err(blob_error)?;
        self.store.delete(&place).await.map_err(blob_error)
    }
}
