//! A ZIP of photos, written while it is sent.
//!
//! Owns      the task that writes it, and what of each photo goes into it under which name.
//! Promises  a few pieces in memory, whatever is in it; a photo that is taken back while it is written is left out; a
//!           ZIP that cannot be finished ends as a broken connection, never as a whole file; who does not read for
//!           [`STALLED`] is not waited for.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, stream};
use salon_protocol::photo::PhotoState;
use salon_protocol::{ErrorCode, ErrorData, Millis, PhotoId};
use salon_storage::contract::BlobError;
use salon_storage::model::{Download, PhotoFile};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::zip::Zip;
use super::{Delivery, name, wanted};
use crate::error::{ApiError, ApiResult};

/// Pieces that wait for the client.
const PIECES_MAX: usize = 2;
const STALLED: Duration = Duration::from_secs(60);
/// When there may be room for another ZIP.
const BUSY_MS: Millis = 5_000;

/// It was not finished.
#[derive(Debug, thiserror::Error)]
#[error("the ZIP was not finished")]
pub(crate) struct Unfinished;

enum Message {
    Piece(Bytes),
    /// Everything was sent.
    End,
}

/// Why writing stopped.
enum Stop {
    /// Nobody reads any more.
    Left,
    Failed(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Stop::Failed(error)
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        Stop::Failed(super::blob_error(error))
    }
}

impl Delivery {
    /// A place among those who are sent a ZIP.
    ///
    /// # Errors
    /// `overloaded` when there is none.
    pub(crate) fn zip_place(&self) -> ApiResult<OwnedSemaphorePermit> {
        self.zips.clone().try_acquire_owned().map_err(|_| {
            let error = ErrorData::new(ErrorCode::Overloaded, "too many ZIPs are being sent");
            ApiError(error.retry_after(BUSY_MS))
        })
    }

    /// Begins to write; the place is free when that is over.
    pub(crate) fn zip(
        &self,
        download: Download,
        place: OwnedSemaphorePermit,
    ) -> impl Stream<Item = Result<Bytes, Unfinished>> + 'static {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let writer =
            Writer { delivery: self.clone(), sender, zip: Zip::default(), names: HashMap::new() };
        actix_rt::spawn(async move {
            if let Err(Stop::Failed(error)) = writer.write(download).await {
                tracing::warn!(%error, "a ZIP was not finished");
            }
            drop(place);
        });
        stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Message::Piece(bytes)) => Some((Ok(bytes), Some(receiver))),
                Some(Message::End) => None,
                None => Some((Err(Unfinished), None)),
            }
        })
    }
}

struct Writer {
    delivery: Delivery,
    sender: mpsc::Sender<Message>,
    zip: Zip,
    /// In lower case, because what differs by case only is the same on many systems; and the last number that was
    /// given to it.
    names: HashMap<String, u64>,
}

impl Writer {
    async fn write(mut self, download: Download) -> Result<(), Stop> {
        for file in download.files {
            self.add(file, download.original).await?;
        }
        let zip = std::mem::take(&mut self.zip);
        for piece in zip.finish() {
            self.send(Message::Piece(piece)).await?;
        }
        self.send(Message::End).await
    }

    async fn add(&mut self, file: PhotoFile, original: bool) -> Result<(), Stop> {
        let now = self.delivery.files.photo_file(file.photo).await.map_err(ApiError::from)?;
        let Some(now) = now.filter(|now| is_still_there(&file, now)) else { return Ok(()) };
        let (variant, name) = if original {
            match self.delivery.strip(file.photo).await {
                Ok(_) => {}
                // One broken picture is no reason to go without the others.
                Err(error) if [ErrorCode::NotFound, ErrorCode::Gone].contains(&error.0.code) => {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
            ("stripped".to_owned(), name::with_one_of(&file.name, wanted::kind(&file.mime).1))
        } else {
            let Some(side) = now.variants.iter().max() else { return Ok(()) };
            (side.to_string(), name::of_variant(&file.name))
        };
        let reading = self.delivery.blobs.stream(file.photo.blob(), &variant, 0..u64::MAX).await;
        let mut reading = match reading {
            Err(BlobError::NotFound) => return Ok(()),
            other => other?,
        };
        let Ok(size) = u32::try_from(reading.size) else { return Ok(()) };
        let name = self.unique(name);
        let header = self.zip.begin(&name, size, made_at(file.photo));
        self.send(Message::Piece(header)).await?;
        let (mut sum, mut left) = (crc32fast::Hasher::new(), reading.size);
        while let Some(piece) = reading.pieces.try_next().await? {
            sum.update(&piece);
            left = left.saturating_sub(piece.len() as u64);
            self.send(Message::Piece(piece)).await?;
        }
        if left > 0 {
            return Err(BlobError::Unavailable("a file was shorter than it is".into()).into());
        }
        let descriptor = self.zip.end(sum.finalize());
        self.send(Message::Piece(descriptor)).await
    }

    async fn send(&self, message: Message) -> Result<(), Stop> {
        let sent = tokio::time::timeout(STALLED, self.sender.send(message)).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Stop::Left) }
    }

    /// The name, with a number if it is taken.
    fn unique(&mut self, name: String) -> String {
        let Some(mut number) = self.names.get(&name.to_lowercase()).copied() else {
            self.names.insert(name.to_lowercase(), 1);
            return name;
        };
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        loop {
            number += 1;
            let another = format!("{stem} ({number}).{ending}");
            if !self.names.contains_key(&another.to_lowercase()) {
                self.names.insert(another.to_lowercase(), 1);
                self.names.insert(name.to_lowercase(), number);
                return another;
            }
        }
    }
}

/// Whether a photo may be in a ZIP that it was meant for when the ZIP began.
fn is_still_there(then: &PhotoFile, now: &PhotoFile) -> bool {
    now.state.is_some() && (now.state == Some(PhotoState::Live) || now.state == then.state)
}

/// When a photo came: the first 48 bits of a UUID v7 are that.
fn made_at(photo: PhotoId) -> Millis {
    let bytes = photo.blob();
    let time = bytes.as_bytes().iter().take(6);
    time.fold(0, |time, byte| time << 8 | Millis::from(*byte))
}
