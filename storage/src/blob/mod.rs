//! Files on whatever `object_store` speaks to; for now a local folder.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{Error, ObjectStore, ObjectStoreExt as _};
use salon_protocol::BlobId;

use crate::contract::{BlobError, Blobs};

/// Files behind the interface of an object store.
#[derive(Debug)]
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
}

impl ObjectBlobs {
    /// Files in a local folder, made if it is not there; what is written is on disk when the
    /// call returns.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| BlobError::Unavailable(format!("{}: {error}", folder.display())))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(blob_error)?;
        Ok(ObjectBlobs { store: Arc::new(store.with_fsync(true)) })
    }
}

/// `ab/cdef…/variant`: the last two digits first, so that no folder grows large. (The first
/// digits of a UUID v7 are the time: they would all be the same.)
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

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn put(&self, blob: BlobId, variant: &str, bytes: Bytes) -> Result<(), BlobError> {
        let done = self.store.put(&path(blob, variant), bytes.into()).await;
        done.map(|_| ()).map_err(blob_error)
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

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        let id = blob.to_string();
        let folder = ObjectPath::from_iter([&id[34..], id.as_str()]);
        let found = self.store.list(Some(&folder)).map_ok(|meta| meta.location).boxed();
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
