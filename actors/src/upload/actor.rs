//! How an upload acts.

use std::sync::Arc;
use std::time::Duration;

use actix::ActorContext as _;
use actix::{
    Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, SpawnHandle, WrapFuture as _,
};
use salon_protocol::reply::PhotoMade;
use salon_protocol::request::Purpose;
use salon_protocol::signal::UploadProgress;
use salon_protocol::{ErrorCode, ErrorData, Millis, SignalData, UploadId};
use salon_storage::StoreError;
use salon_storage::model::{Upload, UserRef};

use super::messages::{Effect, Opened, UploadInput, UploadMessage};
use super::part::{Part, Source, remove};
use super::state::{Uploading, WAITING_MAX};
use crate::caller::Caller;
use crate::connection::SignalTo;
use crate::contain::contained;
use crate::node::Node;
use crate::publish::Publish as _;
use crate::registry::{Generation, Supervised};
use crate::session::{blocking, commit_photo, commit_watermark, original_is_there, photo_of};

/// Without a request for so long, the file is closed.
const IDLE_MS: Millis = 60_000;

/// An upload's actor.
#[derive(Debug)]
pub(crate) struct UploadActor {
    node: Arc<Node>,
    id: UploadId,
    generation: Generation,
    upload: Uploading,
    /// While it is open.
    known: Option<Known>,
    file: Option<OnDisk>,
    timer: Option<(Millis, SpawnHandle)>,
}

#[derive(Clone, Debug)]
struct Known {
    by: UserRef,
    upload: Arc<Upload>,
}

#[derive(Debug)]
enum OnDisk {
    Part(Part),
    Moved,
}

impl UploadActor {
    pub(crate) fn new(node: Arc<Node>, id: UploadId, generation: Generation) -> Self {
        let upload = Uploading::new(id, IDLE_MS, node.now());
        node.metrics().uploads.inc();
        UploadActor { node, id, generation, upload, known: None, file: None, timer: None }
    }
}

impl Drop for UploadActor {
    fn drop(&mut self) {
        self.node.metrics().uploads.dec();
        // Whoever has retired is not in the registry any more.
        self.node.upload_died(self.id, self.generation);
    }
}

impl Supervised for UploadActor {
    type Key = UploadId;
    type Message = UploadMessage;
    /// Its own answers come in this way, too.
    const MAILBOX_MAX: usize = WAITING_MAX + 2;
}

impl Actor for UploadActor {
    type Context = Context<Self>;
}

impl Handler<UploadMessage> for UploadActor {
    type Result = ();

    fn handle(&mut self, UploadMessage(input): UploadMessage, context: &mut Self::Context) {
        self.node.metrics().mailbox_depth.dec();
        if matches!(input, UploadInput::Last) {
            return context.stop();
        }
        self.take(input, context);
    }
}

impl UploadActor {
    fn take(&mut self, input: UploadInput, context: &mut Context<Self>) {
        let mut effects = Vec::new();
        let (upload, now) = (&mut self.upload, self.node.now());
        if let Err(panic) = contained(|| upload.handle(input, now, &mut effects)) {
            tracing::error!(upload.id = %self.id, panic, "upload panicked and begins anew");
            self.node.metrics().restarts.inc();
            effects.clear();
            self.upload.recover(&mut effects);
        }
        for effect in effects {
            self.perform(effect, context);
        }
        self.set_timer(context);
    }

    fn perform(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Open(by, known) => self.open(by, known, context),
            Effect::Write(bytes) => self.write(bytes, context),
            Effect::Finish(caller) => self.finish(caller, context),
            Effect::Remove => {
                self.file = None;
                let known = self.known.take();
                let node = self.node.clone();
                let removed = async move {
                    match known {
                        Some(known) => give_up(&node, &known).await,
                        None => Err(lost()),
                    }
                };
                context.spawn(removed.into_actor(self).map(|outcome, upload, context| {
                    upload.take(UploadInput::Removed(outcome), context);
                }));
            }
            Effect::Answer(caller, result) => self.node.answer(vec![caller.answer(&result)]),
            Effect::Progress { owner, name, received, size, made } => {
                let photo = made.map(|made| made.photo);
                let progress = UploadProgress { upload: self.id, name, received, size, photo };
                let data = SignalData::UploadProgress(progress);
                self.node.signal(SignalTo::User(owner.id), None, owner.id, data);
            }
            Effect::Sleep => self.node.retire_upload(self.id, self.generation),
        }
    }

    fn open(&mut self, by: UserRef, known: Option<Box<Upload>>, context: &mut Context<Self>) {
        let (node, id) = (self.node.clone(), self.id);
        // Two handles would not know of each other's writing.
        self.file = None;
        let opened = async move {
            let upload = match known {
                Some(upload) => *upload,
                None => node.store().upload(by, id).await.map_err(|error| error.to_error_data())?,
            };
            let file = open_file(&node, &upload).await?;
            Ok::<_, ErrorData>((upload, file))
        };
        context.spawn(opened.into_actor(self).map(move |opened, actor, context| {
            let opened = opened.map(|(upload, file)| {
                let size = upload.request.size;
                let received = match &file {
                    Some(OnDisk::Part(part)) => part.received(),
                    Some(OnDisk::Moved) | None => size,
                };
                let done = upload.done.map(|done| PhotoMade {
                    photo: done.photo,
                    seq: done.seq,
                    duplicate: done.had,
                });
                let name = upload.request.name.clone();
                actor.known = Some(Known { by, upload: Arc::new(upload) });
                actor.file = file;
                Opened { owner: by, size, name, received, done }
            });
            actor.take(UploadInput::Opened(opened), context);
        }));
    }

    fn write(&mut self, bytes: Vec<u8>, context: &mut Context<Self>) {
        let file = self.file.take();
        let (node, known) = (self.node.clone(), self.known.clone());
        let written = async move {
            let (Some(OnDisk::Part(mut part)), Some(known)) = (file, known) else {
                return (None, Err(lost()));
            };
            let written = blocking(move || {
                let written = part.write(&bytes);
                (part, written)
            });
            let (part, written) = match written.await {
                Ok((part, written)) => (part, written),
                Err(error) => return (None, Err(error)),
            };
            if written.as_ref().is_err_and(|error| error.retry_after_ms.is_none()) {
                // No picture: it will never be one.
                drop(part);
                let _ = give_up(&node, &known).await;
                return (None, written);
            }
            (Some(OnDisk::Part(part)), written)
        };
        context.spawn(written.into_actor(self).map(|(file, written), upload, context| {
            upload.file = file;
            upload.take(UploadInput::Written(written), context);
        }));
    }

    fn finish(&mut self, caller: Caller, context: &mut Context<Self>) {
        let (file, known) = (self.file.take(), self.known.clone());
        let (node, id) = (self.node.clone(), self.id);
        let finished = async move {
            let (Some(file), Some(known)) = (file, known) else { return Err(lost()) };
            let upload = &known.upload;
            let source = match file {
                OnDisk::Moved => Source::Blob(photo_of(id)),
                OnDisk::Part(part) => match complete(part, upload).await {
                    Ok(source) => source,
                    Err(error) => {
                        if error.retry_after_ms.is_none() {
                            let _ = give_up(&node, &known).await;
                        }
                        return Err(error);
                    }
                },
            };
            let made = match upload.request.purpose {
                Purpose::Photo => commit_photo(&node, upload, caller.user, source).await,
                Purpose::Watermark => commit_watermark(&node, upload, caller.user, source).await,
            };
            if made.as_ref().is_err_and(|error| error.retry_after_ms.is_none()) {
                let _ = give_up(&node, &known).await;
            }
            made
        };
        context.spawn(finished.into_actor(self).map(|made, upload, context| {
            upload.take(UploadInput::Finished(made), context);
        }));
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        let at = self.upload.wake_at();
        if self.timer.is_some_and(|(earlier, _)| earlier <= at) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            context.cancel_future(timer);
        }
        let wait = Duration::from_millis((at - self.node.now()).max(1).unsigned_abs());
        let timer = context.run_later(wait, |upload, context| {
            upload.timer = None;
            upload.take(UploadInput::Wake, context);
        });
        self.timer = Some((at, timer));
    }
}

fn lost() -> ErrorData {
    ErrorData::new(ErrorCode::Unavailable, "the upload had to begin anew").retry_after(500)
}

/// What is there of an upload; nothing need be, when it has become something.
async fn open_file(node: &Node, upload: &Upload) -> Result<Option<OnDisk>, ErrorData> {
    if upload.done.is_some() {
        return Ok(None);
    }
    let (folder, id) = (node.uploads().to_owned(), upload.id);
    let (size, mime) = (upload.request.size, upload.request.mime.clone());
    let part = blocking(move || Part::open(&folder, id, size, &mime)).await??;
    if part.received() == 0 && original_is_there(node, photo_of(id), size).await {
        return Ok(Some(OnDisk::Moved));
    }
    Ok(Some(OnDisk::Part(part)))
}

/// Checks that all bytes are those that were announced.
async fn complete(part: Part, upload: &Upload) -> Result<Source, ErrorData> {
    let wanted = upload.request.sha256.to_ascii_lowercase();
    blocking(move || {
        if part.sha256() != wanted {
            return Err(ErrorData::field("sha256", "these are other bytes; begin again"));
        }
        part.sync()?;
        Ok(Source::File(part.path().to_owned()))
    })
    .await?
}

/// Forgets an upload that becomes nothing. One that has become something all the same stays.
async fn give_up(node: &Node, known: &Known) -> Result<(), ErrorData> {
    let (by, id) = (known.by, known.upload.id);
    node.store().abort_upload(by, id).await.map_err(|error| error.to_error_data())?;
    match node.store().upload(by, id).await {
        Err(StoreError::Refused(_)) => {}
        Ok(_) => return Ok(()),
        Err(error) => return Err(error.to_error_data()),
    }
    let folder = node.uploads().to_owned();
    blocking(move || remove(&folder, id)).await??;
    // A file that was moved already is nobody's.
    let _ = node.blobs().delete(photo_of(id).blob()).await;
    Ok(())
}
