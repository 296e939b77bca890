//! From a file to a photo that everybody sees.
//!
//! Owns      the order: a look at the picture, the original into the blob store, the photo into the session's log,
//!           then the variants, then the end of the processing.
//! Promises  a photo that is in the log has its original; a photo whose processing was interrupted is taken up
//!           again ([`housekeeping`](super::housekeeping)), and its variants are written once more, which changes
//!           nothing.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use salon_pictures::{
    Claim, Deadline, Glance, Header, Inspection, Limits, Mark, Options, Outcome, Refusal, Variants,
    inspect, process,
};
use salon_protocol::event::PhotoStatusUpdated;
use salon_protocol::photo::{PhotoStatus, Watermark};
use salon_protocol::reply::PhotoMade;
use salon_protocol::{ErrorCode, ErrorData, Millis, PhotoId, RoomId, SignalData, UploadId};
use salon_storage::contract::BlobError;
use salon_storage::model::{Change, NewPhoto, PhotoChange, PhotoJob, RoomRef, Upload, UserRef};
use tokio::sync::Semaphore;

use super::pool::{self, NotDone, Urgency};
use crate::connection::SignalTo;
use crate::node::Node;
use crate::publish::Publish as _;
use crate::room::Reply;
use crate::upload::Source;

/// One picture may take so long.
const WITHIN: Duration = Duration::from_secs(10);
/// A photo that its node does not finish within this time is taken up by any other.
pub(super) const CLAIM_MS: Millis = 60_000;
/// What the variants of a picture take, from the first look on.
const VARIANTS_BYTES: u64 = 12 << 20;
const ORIGINAL: &str = "original";

/// The photo that an upload becomes.
pub(crate) fn photo_of(upload: UploadId) -> PhotoId {
    PhotoId::from_bytes(*upload.as_bytes())
}

/// What waits for the disk at once. Each piece of work has a thread meanwhile, and each thread keeps some memory:
/// without a bound, fifty uploads have fifty of them.
static DISK: Semaphore = Semaphore::const_new(8);

/// Does what may wait for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorData> {
    let fault = || ErrorData::new(ErrorCode::Internal, "internal error");
    let _turn = DISK.acquire().await.map_err(|_| fault())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| fault())
}

/// Why a picture is not taken, as the client is told.
pub(crate) fn refused(refusal: &Refusal) -> ErrorData {
    let text = refusal.to_string();
    match refusal {
        Refusal::TooLarge { .. } => ErrorData::too_large("bytes", text),
        refusal if refusal.is_transient() => {
            ErrorData::new(ErrorCode::Unavailable, text).retry_after(2_000)
        }
        Refusal::BadFont | Refusal::BadText { .. } => ErrorData::field("watermark.text", text),
        _ => ErrorData::field("bytes", text),
    }
}

fn not_done(why: NotDone) -> ErrorData {
    match why {
        NotDone::Full => {
            let error = ErrorData::new(ErrorCode::Overloaded, "too many pictures wait");
            error.retry_after(2_000)
        }
        NotDone::Panicked => refused(&Refusal::Broken),
    }
}

fn no_blobs(error: &BlobError) -> ErrorData {
    tracing::warn!(error = %error, "the blob store does not work");
    ErrorData::new(ErrorCode::Unavailable, "files cannot be kept now").retry_after(2_000)
}

/// Whether an original was moved to the blob store.
pub(crate) async fn original_is_there(node: &Node, photo: PhotoId, size: u64) -> bool {
    node.blobs().size(photo.blob(), ORIGINAL).await.is_ok_and(|there| there == size)
}

/// The first look.
struct Looked {
    glance: Glance,
    variants: Variants,
    mime: &'static str,
    /// Held until the variants are done.
    memory: Option<tokio::sync::OwnedSemaphorePermit>,
}

/// Reads a picture, or its beginning.
async fn read(node: &Node, source: &Source, bytes_max: u64) -> Result<Bytes, ErrorData> {
    match source {
        Source::File(path) => {
            let path = path.clone();
            let read = blocking(move || {
                let file = File::open(path)?;
                let size = file.metadata()?.len().min(bytes_max);
                let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
                file.take(size).read_to_end(&mut bytes)?;
                Ok::<_, std::io::Error>(bytes)
            });
            read.await?.map(Bytes::from).map_err(|error| {
                tracing::warn!(error = %error, "an upload cannot be read");
                ErrorData::new(ErrorCode::Unavailable, "the upload cannot be read")
                    .retry_after(2_000)
            })
        }
        Source::Blob(photo) => {
            let read = node.blobs().get(photo.blob(), ORIGINAL, 0..bytes_max).await;
            read.map_err(|error| no_blobs(&error))
        }
    }
}

/// What a picture says about itself: nearly always in its first bytes, at the latest behind the previews that
/// cameras write.
async fn header(
    node: &Node,
    source: &Source,
    size: u64,
    limits: &Limits,
) -> Result<Header, ErrorData> {
    for bytes_max in [64 << 10, 9 << 20] {
        let head = read(node, source, bytes_max).await?;
        let claim = Claim { mime: None, bytes_total: size };
        match inspect(&head, &claim, limits) {
            Ok(Inspection::Known(header)) => return Ok(header),
            Ok(Inspection::More) => {}
            Err(refusal) => return Err(refused(&refusal)),
        }
    }
    Err(refused(&Refusal::Truncated))
}

async fn look(
    node: &Node,
    source: &Source,
    size: u64,
    mark: Option<Arc<Mark>>,
    urgency: Urgency,
) -> Result<Looked, ErrorData> {
    let pool = node.studio().pool();
    let options = Options { mark, ..Options::default() };
    let header = header(node, source, size, &options.limits).await?;
    let mime = header.kind.mime();
    // Nothing is read before there is room for all of it.
    let mut memory = pool.memory(size + VARIANTS_BYTES + header.memory_bytes).await;
    let bytes = read(node, source, u64::MAX).await?;
    let outcome = pool
        .run(urgency, move || process(&bytes, &options, &Deadline::within(WITHIN)))
        .await
        .map_err(not_done)?;
    let Outcome { glance, variants } = outcome.map_err(|refusal| refused(&refusal))?;
    // What is left of the picture waits for its turn.
    let memory = memory.as_mut().and_then(|memory| memory.split(pool::steps(VARIANTS_BYTES)));
    Ok(Looked { glance, variants, mime, memory })
}

/// What is put on the pictures of a session. A mark that cannot be made is left out, and told to the operator:
/// a photo is worth more than its mark.
async fn mark(node: &Arc<Node>, watermark: &Watermark) -> Option<Arc<Mark>> {
    if watermark.is_none() {
        return None;
    }
    if let Some(mark) = node.studio().marks().kept(watermark) {
        return Some(mark);
    }
    let image = match watermark.image {
        Some(image) => node.blobs().get(image.blob(), ORIGINAL, 0..u64::MAX).await.ok(),
        None => None,
    };
    let (ours, watermark) = (node.clone(), watermark.clone());
    let made = blocking(move || {
        let marks = ours.studio().marks();
        match image {
            Some(png) => marks.picture(&watermark, &png),
            None => marks.text(&watermark),
        }
    });
    match made.await {
        Ok(Ok(mark)) => mark,
        Ok(Err(refusal)) => {
            tracing::warn!(reason = %refusal, "a watermark is left out");
            None
        }
        Err(_) => None,
    }
}

/// Makes a complete upload a photo of its session, and begins its variants.
pub(crate) async fn commit_photo(
    node: &Arc<Node>,
    upload: &Upload,
    by: UserRef,
    source: Source,
) -> Result<PhotoMade, ErrorData> {
    let session = upload.request.session;
    let view = node.store().session(by.into(), session).await;
    let view = view.map_err(|error| error.to_error_data())?;
    let mark = mark(node, &view.watermark).await;
    let size = upload.request.size;
    let looked = look(node, &source, size, mark, Urgency::First).await?;
    let photo = photo_of(upload.id);
    if let Source::File(path) = &source {
        let kept = node.blobs().put_file(photo.blob(), ORIGINAL, path).await;
        kept.map_err(|error| no_blobs(&error))?;
    }
    let new = new_photo(upload.id, &looked, node.now() + CLAIM_MS);
    let change = Change::Photos(Box::new(PhotoChange::Add(Box::new(new))));
    let made = match node.change_room(session, by.into(), change).await? {
        Reply::Photo(made) => made,
        _ => return Err(ErrorData::new(ErrorCode::Internal, "internal error")),
    };
    if made.photo == photo {
        node.metrics().photos.inc();
        let job = Job { photo, session: view.room, by };
        actix::spawn(develop(node.clone(), job, looked));
    } else {
        // The session had the same bytes already.
        let _ = node.blobs().delete(photo.blob()).await;
    }
    Ok(made)
}

fn new_photo(upload: UploadId, looked: &Looked, claimed_until: Millis) -> NewPhoto {
    let Glance { width, height, thumbhash, dominant, metadata } = &looked.glance;
    let [red, green, blue] = dominant;
    let camera = [&metadata.serial, &metadata.model].into_iter().flatten().cloned().collect();
    NewPhoto {
        upload,
        photo: photo_of(upload),
        width: *width,
        height: *height,
        mime: looked.mime.to_owned(),
        thumbhash: STANDARD.encode(thumbhash),
        colour: format!("#{red:02x}{green:02x}{blue:02x}"),
        taken_at: metadata.taken.map(|taken| taken.utc_ms(0)),
        camera,
        // A few fields of plain types.
        metadata: serde_json::to_string(metadata).unwrap_or_else(|_| "{}".into()),
        claimed_until,
    }
}

/// A photo whose variants are to be made.
#[derive(Clone, Copy, Debug)]
struct Job {
    photo: PhotoId,
    session: RoomRef,
    by: UserRef,
}

/// Makes the variants, one after the other.
async fn develop(node: Arc<Node>, job: Job, looked: Looked) {
    let Looked { mut variants, memory, .. } = looked;
    let mut sides = Vec::new();
    let failed = loop {
        let step = node.studio().pool().run(Urgency::Then, move || {
            let variant = variants.next();
            (variants, variant)
        });
        let variant = match step.await {
            Ok((rest, variant)) => {
                variants = rest;
                variant
            }
            // It is taken up again.
            Err(NotDone::Full) => return,
            Err(NotDone::Panicked) => break Some(Refusal::Broken),
        };
        match variant {
            None => break None,
            Some(Err(refusal)) if refusal.is_transient() => return,
            Some(Err(refusal)) => break Some(refusal),
            Some(Ok(variant)) => {
                let (side, jpeg) = (variant.side, Bytes::from(variant.jpeg));
                let kept = node.blobs().put(job.photo.blob(), &side.to_string(), jpeg).await;
                if let Err(error) = kept {
                    return drop(no_blobs(&error));
                }
                sides.push(side);
                tell_progress(&node, job, &sides);
            }
        }
    };
    drop(memory);
    finish(&node, job, sides, failed.map(|refusal| refusal.to_string())).await;
}

fn tell_progress(node: &Node, job: Job, sides: &[u32]) {
    let Job { photo, session, by } = job;
    let update = PhotoStatusUpdated {
        photo,
        status: PhotoStatus::Processing,
        variants: sides.to_vec(),
        reason: None,
    };
    let to = SignalTo::Log { log: session.key, except: None };
    node.signal(to, Some(session), by.id, SignalData::PhotoStatusUpdated(update));
}

async fn finish(node: &Arc<Node>, job: Job, mut variants: Vec<u32>, failed: Option<String>) {
    variants.sort_unstable();
    if failed.is_some() {
        node.metrics().photos_failed.inc();
    }
    let change = PhotoChange::Processed { photo: job.photo, variants, failed };
    let change = Change::Photos(Box::new(change));
    if let Err(error) = node.change_room(job.session.id, job.by.into(), change).await {
        // It is taken up again when its claim is over.
        tracing::warn!(error = error.message, "a photo's processing was not written down");
    }
}

/// Takes up a photo whose processing was interrupted.
pub(super) async fn take_up(node: &Arc<Node>, job: PhotoJob, session: RoomRef) {
    let PhotoJob { photo, by, watermark, .. } = job;
    let mark = mark(node, &watermark).await;
    let (source, job) = (Source::Blob(photo), Job { photo, session, by });
    let size = node.blobs().size(photo.blob(), ORIGINAL).await.unwrap_or_default();
    match look(node, &source, size, mark, Urgency::Then).await {
        Ok(looked) => develop(node.clone(), job, looked).await,
        Err(error) if error.retry_after_ms.is_some() => {}
        Err(error) => finish(node, job, Vec::new(), Some(error.message)).await,
    }
}

/// Makes a complete upload the watermark of its session.
pub(crate) async fn commit_watermark(
    node: &Arc<Node>,
    upload: &Upload,
    by: UserRef,
    source: Source,
) -> Result<PhotoMade, ErrorData> {
    let image = photo_of(upload.id);
    let png = read(node, &source, u64::MAX).await?;
    let mark = node.studio().pool().run(Urgency::First, move || Mark::picture(&png).map(drop));
    mark.await.map_err(not_done)?.map_err(|refusal| refused(&refusal))?;
    if let Source::File(path) = &source {
        let kept = node.blobs().put_file(image.blob(), ORIGINAL, path).await;
        kept.map_err(|error| no_blobs(&error))?;
    }
    let done = node.store().finish_watermark(by, upload.id, image).await;
    done.map_err(|error| error.to_error_data())?;
    Ok(PhotoMade { photo: image, seq: 0, duplicate: false })
}

/// The room of a session, as far as the store knows it.
pub(super) async fn room_of(node: &Arc<Node>, session: RoomId) -> Option<RoomRef> {
    let room = node.store().room(session).await.ok().flatten()?;
    Some(room.room)
}
