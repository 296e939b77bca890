//! What sessions need now and then: photos whose processing was interrupted, sessions whose time is over, uploads
//! that nobody finishes, files of photos that are no more.
//!
//! Promises  each step goes on with the next round where it was when the server ended; a step that fails does not
//!           keep the others from being done.

use std::sync::{Arc, Weak};
use std::time::Duration;

use salon_protocol::event::CloseReason;
use salon_protocol::limits;
use salon_storage::Result;
use salon_storage::model::{Change, PhotoChange};

use super::develop::{self, CLAIM_MS};
use super::serve::let_go;
use crate::node::Node;
use crate::upload;

const EVERY: Duration = Duration::from_secs(5);
/// Of these rounds, one in so many does what is not urgent.
const SELDOM: u64 = 6;
/// Photos that are taken up in one round.
const PHOTOS_MAX: usize = 16;
const FILES_MAX: usize = 200;

/// Runs for as long as the node lives.
pub(crate) async fn run(node: Weak<Node>) {
    for round in 0_u64.. {
        let Some(node) = node.upgrade() else { return };
        if round == 0 {
            let folder = node.uploads().to_owned();
            let made = develop::blocking(move || upload::folder_is_ready(&folder)).await;
            if let Ok(Err(error)) = made {
                tracing::error!(error = %error, "the folder of uploads cannot be made");
            }
        }
        // Alone, nobody else can be at work on what was claimed before this server began.
        let all = round == 0 && !node.bus().has_peers();
        log("photos to be processed", take_up(&node, all).await);
        log("files to be deleted", delete_files(&node).await);
        log("sessions that expire", expire(&node).await);
        if round.is_multiple_of(SELDOM) {
            log("sessions to be deleted", forget(&node).await);
            log("old uploads", old_uploads(&node).await);
        }
        drop(node);
        tokio::time::sleep(EVERY).await;
    }
}

fn log(what: &str, outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(error = %error, what, "housekeeping failed; it is tried again");
    }
}

async fn take_up(node: &Arc<Node>, all: bool) -> Result<()> {
    // The same for all: what was claimed in this round is not claimed in it again.
    let until = node.now() + CLAIM_MS;
    loop {
        let jobs = node.store().claim_photos(until, all, PHOTOS_MAX).await?;
        let more = jobs.len() == PHOTOS_MAX;
        let waiting = jobs.into_iter().map(async |job| {
            if let Some(room) = develop::room_of(node, job.session).await {
                develop::take_up(node, job, room).await;
            }
        });
        futures_util::future::join_all(waiting).await;
        if !more {
            return Ok(());
        }
    }
}

async fn delete_files(node: &Arc<Node>) -> Result<()> {
    let photos = node.store().files_to_delete(FILES_MAX).await?;
    let mut deleted = Vec::with_capacity(photos.len());
    for photo in photos {
        match node.blobs().delete(photo.blob()).await {
            Ok(()) => deleted.push(photo),
            Err(error) => tracing::warn!(error = %error, "a photo's files are still there"),
        }
    }
    if deleted.is_empty() { Ok(()) } else { node.store().files_deleted(deleted).await }
}

async fn expire(node: &Arc<Node>) -> Result<()> {
    for (session, owner) in node.store().expired_sessions(node.now()).await? {
        let change = PhotoChange::Close { reason: CloseReason::Expired };
        let change = Change::Photos(Box::new(change));
        if let Err(error) = node.change_room(session, owner.into(), change).await {
            tracing::warn!(error = error.message, "an expired session is still open");
        }
    }
    Ok(())
}

async fn forget(node: &Arc<Node>) -> Result<()> {
    let closed_before = node.now() - limits::SESSION_GRACE_MS;
    for session in node.store().forgotten_sessions(closed_before).await? {
        let deleted = node.store().delete_session(None, session).await?;
        let_go(node, deleted);
    }
    Ok(())
}

async fn old_uploads(node: &Arc<Node>) -> Result<()> {
    let before = node.now() - limits::UPLOAD_LIFE_MS;
    for upload in node.store().old_uploads(before).await? {
        let folder = node.uploads().to_owned();
        // What cannot be removed now is only a file.
        let _ = develop::blocking(move || upload::remove(&folder, upload)).await;
    }
    Ok(())
}
