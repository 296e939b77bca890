//! Originals without metadata: made when somebody first asks for one, kept beside the original.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use salon_protocol::PhotoId;
use salon_storage::contract::BlobError;

use super::{Delivery, blob_error, gone, missing};
use crate::error::{ApiError, ApiResult};

/// Its name in the blob store.
const STRIPPED: &str = "stripped";

impl Delivery {
    /// Sees to it that the stripped original is there; tells its size in bytes.
    ///
    /// # Errors
    /// `not_found` when there is none, or it cannot be stripped; `gone` when the photo was deleted meanwhile.
    pub(crate) async fn strip(&self, photo: PhotoId) -> ApiResult<u64> {
        if let Some(size) = self.stripped_size(photo).await? {
            return Ok(size);
        }
        let closed = |_| missing();
        let _turn = self.stripping.acquire().await.map_err(closed)?;
        if let Some(size) = self.stripped_size(photo).await? {
            return Ok(size);
        }
        let original = self.original(photo).await?;
        let done =
            tokio::task::spawn_blocking(move || salon_actors::strip_picture(&original)).await;
        let stripped = match done {
            Ok(Ok(stripped)) => Bytes::from(stripped),
            Ok(Err(refusal)) => {
                tracing::warn!(%photo, ?refusal, "an original cannot be stripped");
                return Err(missing());
            }
            Err(error) => {
                tracing::error!(%photo, %error, "stripping failed");
                return Err(missing());
            }
        };
        let size = stripped.len() as u64;
        self.blobs.put(photo.blob(), STRIPPED, stripped).await.map_err(blob_error)?;
        // Deleted meanwhile, with its files: then nobody would delete this one.
        let file = self.files.photo_file(photo).await?;
        if file.is_none_or(|file| file.state.is_none()) {
            self.blobs.delete(photo.blob()).await.map_err(blob_error)?;
            return Err(gone());
        }
        Ok(size)
    }

    async fn stripped_size(&self, photo: PhotoId) -> ApiResult<Option<u64>> {
        match self.blobs.size(photo.blob(), STRIPPED).await {
            Ok(size) => Ok(Some(size)),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(blob_error(error)),
        }
    }

    async fn original(&self, photo: PhotoId) -> Result<Vec<u8>, ApiError> {
        let reading = self.blobs.stream(photo.blob(), "original", 0..u64::MAX).await;
        let reading = reading.map_err(blob_error)?;
        let bytes = Vec::with_capacity(reading.size as usize);
        let add = |mut bytes: Vec<u8>, piece: Bytes| async move {
            bytes.extend_from_slice(&piece);
            Ok(bytes)
        };
        reading.pieces.try_fold(bytes, add).await.map_err(blob_error)
    }
}
