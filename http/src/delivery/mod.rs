//! Pictures on their way to browsers.
//!
//! Owns      what a signature opens ([`wanted`]), originals without metadata ([`stripped`]), parts of files
//!           ([`range`]), names of files ([`name`]), and ZIPs ([`archive`], written by [`zip`]).
//! Promises  the store is asked at every request: what was taken back is not given out by anything of ours, whatever
//!           signature comes. Memory for one answer is a few pieces of a file, but for an original that is stripped
//!           for the first time; those are done one at a time.
//! Does not  know sockets, or who somebody is: a signature says what its bearer may have.

mod archive;
mod name;
mod range;
mod stripped;
mod wanted;
mod zip;

#[cfg(test)]
pub(crate) mod fake;

use std::sync::Arc;

use async_trait::async_trait;
use salon_actors::SessionKeys;
use salon_protocol::{Cid, ErrorCode, ErrorData, PhotoId};
use salon_storage::contract::{BlobError, Blobs, Store};
use salon_storage::model::{Download, PhotoFile};
use tokio::sync::Semaphore;

use crate::error::ApiError;

pub(crate) use name::{disposition, safe as file_name};
pub(crate) use range::{Part, is_known, part};
pub(crate) use wanted::{Wanted, wanted};

/// ZIPs that are written at once; above it `overloaded`.
const ZIPS_MAX: usize = 16;
/// Originals that are stripped at once: each is in memory twice, which is up to 100 MB.
const STRIPPING_MAX: usize = 1;

/// What delivery needs of the store.
#[async_trait]
pub(crate) trait Files: Send + Sync + std::fmt::Debug {
    /// See [`salon_storage::contract::Photos::photo_file`].
    async fn photo_file(&self, photo: PhotoId) -> salon_storage::Result<Option<PhotoFile>>;
    /// See [`salon_storage::contract::Photos::download`].
    async fn download(&self, name: Cid) -> salon_storage::Result<Option<Download>>;
    /// See [`salon_storage::contract::Photos::count_downloads`].
    async fn count_downloads(&self, photos: Vec<PhotoId>) -> salon_storage::Result<()>;
}

#[derive(Debug)]
struct Stored(Arc<dyn Store>);

#[async_trait]
impl Files for Stored {
    async fn photo_file(&self, photo: PhotoId) -> salon_storage::Result<Option<PhotoFile>> {
        self.0.photo_file(photo).await
    }

    async fn download(&self, name: Cid) -> salon_storage::Result<Option<Download>> {
        self.0.download(name).await
    }

    async fn count_downloads(&self, photos: Vec<PhotoId>) -> salon_storage::Result<()> {
        self.0.count_downloads(photos).await
    }
}

/// What all deliveries share.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) keys: SessionKeys,
    stripping: Arc<Semaphore>,
    zips: Arc<Semaphore>,
}

impl Delivery {
    pub(crate) fn new(store: Arc<dyn Store>, blobs: Arc<dyn Blobs>, keys: SessionKeys) -> Self {
        Delivery::of(Arc::new(Stored(store)), blobs, keys)
    }

    fn of(files: Arc<dyn Files>, blobs: Arc<dyn Blobs>, keys: SessionKeys) -> Self {
        Delivery {
            files,
            blobs,
            keys,
            stripping: Arc::new(Semaphore::new(STRIPPING_MAX)),
            zips: Arc::new(Semaphore::new(ZIPS_MAX)),
        }
    }

    /// Counts, beside the answer.
    pub(crate) fn count(&self, photo: PhotoId) {
        let files = self.files.clone();
        actix_rt::spawn(async move {
            if let Err(error) = files.count_downloads(vec![photo]).await {
                tracing::warn!(%error, %photo, "a download was not counted");
            }
        });
    }
}

/// The one answer for a picture that never was.
pub(crate) fn missing() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is no such picture")
}

/// The one answer for a picture that is not there any more.
pub(crate) fn gone() -> ApiError {
    ApiError::new(ErrorCode::Gone, "the picture was taken back")
}

/// What a failure of the blob store is to a client.
pub(crate) fn blob_error(error: BlobError) -> ApiError {
    match error {
        BlobError::NotFound => missing(),
        BlobError::Unavailable(text) => {
            tracing::warn!(error = text, "blob store unavailable");
            let error = ErrorData::new(ErrorCode::Unavailable, "the files cannot be reached");
            ApiError(error.retry_after(1_000))
        }
    }
}
