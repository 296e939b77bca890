//! What a user asks of photo sessions and is answered at once. What changes their logs goes to their rooms.

use std::sync::Arc;

use salon_protocol::event::CloseReason;
use salon_protocol::photo::Photo;
use salon_protocol::reply::{
    DownloadReady, Empty, Items, Media, SessionChanged, SessionInfo, SessionMade, UploadBegun,
};
use salon_protocol::request::{
    JoinSession, PhotoDownload, PhotoSessionCreate, PhotoSessionUpdate, PhotoUploadBegin,
    SessionSettings,
};
use salon_protocol::{Cid, ErrorCode, ErrorData, LogId, Request, RoomId, Seq, UploadId, limits};
use salon_storage::contract::DeletedSession;
use salon_storage::model::{
    Change, NewPhotoSession, NewUpload, Pass, PhotoChange, SessionView, Visitor,
};
use salon_storage::{Result, StoreError};
use uuid::Uuid;

use super::access::{MediaScope, normalised_code};
use super::develop::{blocking, refused};
use super::guesses::Guesser;
use crate::caller::{Answer, Caller, done};
use crate::connection::{Subscription, ToWorker, Viewed};
use crate::node::Node;
use crate::publish::{Publish as _, Reach as _};
use crate::room::Reply;
use crate::upload::UploadRequest;

/// Serves a request about photo sessions; `Ok(None)` when somebody else answers it, the request itself when it
/// is none.
pub(crate) async fn serve(
    node: &Arc<Node>,
    caller: Caller,
    request: Request,
) -> std::result::Result<Option<Answer>, Request> {
    let (store, who) = (node.store(), caller.visitor());
    Ok(Some(match request {
        Request::PhotoSessionCreate(new) => done(caller, create(node, caller, new).await),
        Request::PhotoSessionList(page) => {
            let listed = store.photo_sessions(caller.user, page).await;
            done(caller, listed.map(|items| with_viewers(node, items)))
        }
        Request::PhotoSessionGet(one) => done(caller, get(node, who, one.session).await),
        Request::PhotoSessionUpdate(update) => done(caller, change(node, who, update).await),
        Request::PhotoSessionDelete(one) => done(caller, delete(node, caller, one.session).await),
        Request::JoinSession(join) => return Ok(join_session(node, caller, join).await),
        Request::SessionMedia(one) => done(caller, media(node, who, one.session).await),
        Request::PhotoUploadBegin(begin) => return Ok(begin_upload(node, caller, begin).await),
        Request::PhotoList(list) => done::<Items<Photo>>(caller, store.photo_list(who, list).await),
        Request::PhotoGet(one) => done(caller, store.photo(who, one).await),
        Request::PhotoMark(mark) => {
            let marked = store.mark_photos(who, mark).await;
            done(
                caller,
                marked.map(|marked| {
                    node.viewers().marked(node, marked);
                    Empty {}
                }),
            )
        }
        Request::PhotoSelections(one) => done(caller, store.selections(who, one.session).await),
        Request::PhotoSelectionExport(export) => {
            done(caller, store.export_selection(who, export).await)
        }
        Request::PhotoComments(page) => done(caller, store.photo_comments(who, page).await),
        Request::PhotoDownload(wanted) => done(caller, download(node, who, wanted).await),
        other => return Err(other),
    }))
}

/// A number that names a code.
fn new_version() -> u32 {
    let (_, low) = Uuid::new_v4().as_u64_pair();
    low as u32
}

async fn create(
    node: &Arc<Node>,
    caller: Caller,
    request: PhotoSessionCreate,
) -> Result<SessionMade> {
    check_watermark(node, &request.settings).await?;
    let mut tries = 0;
    let (made, code_version) = loop {
        let (id, code_version) = (RoomId::new(Uuid::now_v7()), new_version());
        let code_hash = node.keys().code_hash(&node.keys().code(id, code_version));
        let request = request.clone();
        let new = NewPhotoSession { id, code_version, code_hash, request };
        match node.store().create_session(caller.user, new).await {
            Ok(made) => break (made, code_version),
            // Another session may have this code.
            Err(StoreError::Refused(error)) if error.retry_after_ms == Some(0) && tries < 3 => {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    };
    node.made(&made);
    let session = made.room.id;
    let code_version = if made.duplicate {
        node.store().session(caller.user.into(), session).await?.code_version
    } else {
        code_version
    };
    let code = node.keys().code(session, code_version);
    Ok(SessionMade { session, code, duplicate: made.duplicate })
}

/// Refuses a text that cannot be written: no photo is to go out without the mark that it was to have.
async fn check_watermark(node: &Arc<Node>, settings: &SessionSettings) -> Result<()> {
    let Some(watermark) = settings.watermark.clone() else { return Ok(()) };
    let ours = node.clone();
    let made = blocking(move || ours.studio().marks().text(&watermark).map(drop)).await?;
    Ok(made.map_err(|refusal| refused(&refusal))?)
}

fn with_viewers(node: &Node, mut sessions: Items<SessionInfo>) -> Items<SessionInfo> {
    for session in &mut sessions.items {
        session.viewers = node.viewers().of(session.room);
    }
    sessions
}

/// What somebody is told of a session that he may see.
fn shown(node: &Node, view: SessionView) -> SessionInfo {
    let media = media_of(node, &view);
    let code = node.keys().code(view.info.room, view.code_version);
    let mut info = view.info;
    info.viewers = node.viewers().of(info.room);
    info.media = Some(media);
    if let Some(settings) = &mut info.settings {
        settings.code = code;
    }
    info
}

fn media_of(node: &Node, view: &SessionView) -> Media {
    let scope = MediaScope::of(view.info.role, view.info.permissions.download);
    node.keys().media(view.info.room, view.media_version, scope, node.now())
}

async fn get(node: &Arc<Node>, who: Visitor, session: RoomId) -> Result<SessionInfo> {
    Ok(shown(node, node.store().session(who, session).await?))
}

async fn media(node: &Arc<Node>, who: Visitor, session: RoomId) -> Result<Media> {
    let view = node.store().session(who, session).await?;
    Ok(media_of(node, &view))
}

async fn change(
    node: &Arc<Node>,
    who: Visitor,
    update: PhotoSessionUpdate,
) -> Result<SessionChanged> {
    let session = update.session;
    check_watermark(node, &update.settings).await?;
    let version = update.renew_code.then(new_version);
    let code = version.map(|version| node.keys().code(session, version));
    let hash = code.as_ref().map(|code| node.keys().code_hash(code));
    let renewed = version.zip(hash);
    let change = Change::Photos(Box::new(PhotoChange::Update { update, code: renewed }));
    match node.change_room(session, who, change).await? {
        Reply::Done(done) => Ok(SessionChanged { seq: done.seq, code }),
        _ => Err(StoreError::Internal("a session was changed into something else".into())),
    }
}

/// Closes it for all first, so that whoever is there hears of it.
async fn delete(node: &Arc<Node>, caller: Caller, session: RoomId) -> Result<Empty> {
    let view = node.store().session(caller.user.into(), session).await?;
    if view.info.closed_at.is_none() {
        let change = PhotoChange::Close { reason: CloseReason::Deleted };
        let change = Change::Photos(Box::new(change));
        node.change_room(session, caller.user.into(), change).await?;
    }
    let deleted = node.store().delete_session(Some(caller.user), session).await?;
    let_go(node, deleted);
    Ok(Empty {})
}

/// Whoever follows a session that was deleted does no longer.
pub(super) fn let_go(node: &Arc<Node>, deleted: DeletedSession) {
    node.publish_inbox(&deleted.inbox);
    let Some(room) = deleted.room else { return };
    let last = node.directory().head(room.key);
    for told in &deleted.inbox {
        node.unsubscribe(told.user, room.key, last);
    }
    let log = room.key;
    node.to_all_workers(|| ToWorker::Dismiss { log, last, only_guests: false });
    node.refresh_room(room.id);
}

/// Which session, and by what one comes in.
async fn entrance(
    node: &Arc<Node>,
    caller: Caller,
    join: &JoinSession,
) -> Result<(RoomId, Option<Pass>)> {
    let wrong = || ErrorData::new(ErrorCode::Forbidden, "no such session, or another code");
    let pass = |code_version| Pass { code_version, guest: caller.guest };
    if let Some(code) = &join.code {
        let guesser = Guesser::User(caller.user.id);
        let guess = node.guesses().begin(guesser, join.session, node.now())?;
        let found = match normalised_code(code) {
            Some(code) => node.store().session_by_code(node.keys().code_hash(&code)).await,
            None => Ok(None),
        };
        let found = found
            .map(|found| found.filter(|(one, _)| join.session.is_none_or(|wanted| wanted == *one)));
        if !matches!(found, Ok(None)) {
            guess.forgive();
        }
        let (session, version) = found?.ok_or_else(wrong)?;
        return Ok((session, Some(pass(version))));
    }
    let session = join.session.ok_or_else(wrong)?;
    // Who is in already may say so again.
    let Some(grant) = &join.grant else { return Ok((session, caller.pass)) };
    let version = node.keys().open_grant(grant, session, caller.user.id).ok_or_else(wrong)?;
    Ok((session, Some(pass(version))))
}

async fn join_session(node: &Arc<Node>, caller: Caller, join: JoinSession) -> Option<Answer> {
    match try_join(node, caller, join).await {
        Ok(message) => {
            node.to_worker(caller.conn.worker, message);
            None
        }
        Err(error) => Some(done::<Empty>(caller, Err(error))),
    }
}

async fn try_join(node: &Arc<Node>, caller: Caller, join: JoinSession) -> Result<ToWorker> {
    let (session, pass) = entrance(node, caller, &join).await?;
    let view = node.store().session(Visitor { user: caller.user, pass }, session).await?;
    let is_member = view.info.role > salon_protocol::photo::PhotoRole::Guest;
    let is_here = is_member || caller.pass.is_some();
    if !is_here && node.viewers().of(session) >= view.viewers_max {
        let error = ErrorData::new(ErrorCode::LimitReached, "as many view it as may");
        return Err(error.retry_after(10_000).into());
    }
    let (room, head) = (view.room, view.info.seq);
    let pass = pass.filter(|_| !is_member);
    let version = view.code_version;
    let mut info = shown(node, view);
    if pass.is_some() {
        info.grant = Some(node.keys().grant(session, version, caller.user.id));
    }
    let after: Seq = match join.after {
        Some(after) if after <= head && head - after <= limits::REPLAY_ROOM_EVENTS_MAX => after,
        Some(_) => {
            info.stale = true;
            head
        }
        None => head,
    };
    let log = pass.is_some().then_some(Subscription {
        log: room.key,
        id: LogId::Room(session),
        after,
        head,
    });
    let viewed = Viewed { session, log: room.key, pass };
    Ok(ToWorker::Joined { answer: caller.answer(&Ok(info)), viewed, log })
}

async fn begin_upload(
    node: &Arc<Node>,
    caller: Caller,
    request: PhotoUploadBegin,
) -> Option<Answer> {
    let new = NewUpload { id: UploadId::new(Uuid::now_v7()), request };
    let upload = match node.store().begin_upload(caller.user, new).await {
        Ok(upload) => upload,
        Err(error) => return Some(done::<Empty>(caller, Err(error))),
    };
    let (id, size) = (upload.id, upload.request.size);
    if upload.done.is_some() {
        let begun = UploadBegun { upload: id, chunk: limits::UPLOAD_CHUNK_BYTES, offset: size };
        return Some(done(caller, Ok(begun)));
    }
    let asked = node.ask_upload(id, caller, UploadRequest::Begin(Box::new(upload)));
    asked.err().map(|error| caller.answer::<Empty>(&Err(error)))
}

async fn download(node: &Arc<Node>, who: Visitor, wanted: PhotoDownload) -> Result<DownloadReady> {
    let name = Cid::new(Uuid::new_v4());
    let download = node.store().begin_download(who, wanted, name).await?;
    Ok(DownloadReady {
        url: format!("/downloads/{name}.zip"),
        expires_at: node.now() + limits::MEDIA_LIFE_MS,
        files: download.files.len() as u64,
    })
}
