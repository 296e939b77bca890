//! Every event and every signal of photo sessions.

use salon_protocol::content::{MessageKind, Role, RoomKind};
use salon_protocol::event::*;
use salon_protocol::photo::*;
use salon_protocol::signal::*;
use salon_protocol::{Event, EventData, LogId, Signal, SignalData};

use super::new_photo;
use crate::answers::tombstone;
use crate::book::{Vector, event, signal};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = in_log();
    all.extend(of_session());
    all.extend(signals());
    all
}

fn here() -> LogId {
    LogId::Room(wedding())
}

fn at(name: &str, about: &str, seq: u64, data: EventData) -> Vector {
    event(name, about, Event { room: here(), seq, at: AT, data })
}

fn status(status: PhotoStatus, variants: &[u32], reason: Option<&str>) -> PhotoStatusUpdated {
    let reason = reason.map(str::to_owned);
    PhotoStatusUpdated { photo: photo(1), status, variants: variants.to_vec(), reason }
}

fn in_log() -> Vec<Vector> {
    let shown = |photo| EventData::NewPhoto(NewPhoto::Shown(Box::new(photo)));
    let replayed = Photo {
        title: Some("The kiss".into()),
        tags: vec!["party".into()],
        pinned: true,
        status: PhotoStatus::Ready,
        variants: vec![2_048, 1_024, 400],
        taken_at: None,
        ..new_photo()
    };
    let shell = NewPhoto::Retracted(RetractedPhoto { photo: photo(1), retracted: true });
    let ended = |data| EventData::PhotoStatusUpdated(data);
    let nothing = PhotosUpdated {
        photos: vec![photo(1), photo(2)],
        by: ann(),
        title: None,
        tags: None,
        pinned: None,
        order: None,
    };
    let moved =
        PhotosUpdated { pinned: Some(false), order: Some(vec![1_536, -512]), ..nothing.clone() };
    let named =
        PhotosUpdated { title: Some(String::new()), tags: Some(vec!["party".into()]), ..nothing };
    let hidden = PhotoDeleted {
        photos: vec![photo(1), photo(2)],
        targets: vec![5],
        by: ann(),
        hidden: true,
    };
    let deleted = PhotoDeleted { hidden: false, ..hidden.clone() };
    let pending = PhotoPending { photo: photo(2), by: bob() };
    let comment = NewMessage {
        kind: MessageKind::Text,
        text: Some("Could it be brighter?".into()),
        recalled: false,
        photo: Some(photo(1)),
        ..tombstone()
    };
    vec![
        at("new_photo", "A photo is shown; it has no variant yet.", 5, shown(new_photo())),
        at("new_photo_replayed", "Later: as it is now.", 5, shown(replayed)),
        at(
            "new_photo_retracted",
            "What is left of one that was taken back.",
            5,
            EventData::NewPhoto(shell),
        ),
        at("photo_pending", "It waits for an editor.", 6, EventData::PhotoPending(pending)),
        at(
            "photo_status_updated",
            "All variants are there.",
            7,
            ended(status(PhotoStatus::Ready, &[2_048, 1_024, 400], None)),
        ),
        at(
            "photo_status_updated_failed",
            "It cannot be processed.",
            7,
            ended(status(PhotoStatus::Failed, &[], Some("it cannot be decoded"))),
        ),
        at("photos_updated", "No title any more, and tags.", 8, EventData::PhotosUpdated(named)),
        at("photos_updated_order", "Other places.", 9, EventData::PhotosUpdated(moved)),
        at("photo_deleted", "Removed; one was shown.", 10, EventData::PhotoDeleted(deleted)),
        at("photo_deleted_hidden", "Hidden.", 10, EventData::PhotoDeleted(hidden)),
        at(
            "new_message_comment",
            "A comment is a message about a photo.",
            11,
            EventData::NewMessage(comment),
        ),
    ]
}

fn of_session() -> Vec<Vector> {
    let created = RoomCreated {
        room: None,
        kind: RoomKind::PhotoSession,
        name: Some("Wedding".into()),
        by: ann(),
        members: Some(vec![ann()]),
        count: None,
        history: None,
    };
    let joined = MemberChanged {
        user: bob(),
        action: MemberAction::Joined,
        by: ann(),
        role: Some(Role::Admin),
        until: None,
        photo_role: Some(PhotoRole::Editor),
    };
    let updated = SessionUpdated {
        by: ann(),
        title: Some("The wedding".into()),
        cover: Some(photo(1)),
        gate: Some(false),
        guests: Some(true),
        expires_at: Some(0),
        permissions: Some(PermissionsByRole::default()),
        code: true,
    };
    let gated = SessionUpdated {
        title: None,
        cover: None,
        gate: Some(true),
        guests: None,
        expires_at: None,
        permissions: None,
        code: false,
        ..updated.clone()
    };
    let closed = |reason| EventData::SessionClosed(SessionClosed { by: ann(), reason });
    vec![
        at(
            "room_created_session",
            "The first event of a session.",
            1,
            EventData::RoomCreated(created),
        ),
        at("member_changed_photo_role", "An editor came.", 2, EventData::MemberChanged(joined)),
        at("session_updated", "Everything is new.", 3, EventData::SessionUpdated(updated)),
        at("session_updated_gate", "There is a gate now.", 4, EventData::SessionUpdated(gated)),
        at("session_closed", "Its owner closed it.", 12, closed(CloseReason::Closed)),
        at("session_closed_expired", "Its time is over.", 12, closed(CloseReason::Expired)),
        at("session_closed_deleted", "It is removed.", 12, closed(CloseReason::Deleted)),
    ]
}

fn signals() -> Vec<Vector> {
    let of = |name, about, data| signal(name, about, Signal { room: Some(here()), data });
    let progress = UploadProgress {
        upload: upload(),
        name: "DSC_0001.JPG".into(),
        received: 131_072,
        size: 262_150,
        photo: None,
    };
    let made = UploadProgress { received: 262_150, photo: Some(photo(1)), ..progress.clone() };
    let variant = status(PhotoStatus::Processing, &[400], None);
    let counts = PhotoCounts {
        photos: vec![
            PhotoCount { photo: photo(1), likes: 3, comments: 1 },
            PhotoCount { photo: photo(2), likes: 0, comments: 0 },
        ],
    };
    let selection = PhotoSelection { user: eve(), list: "favourites".into(), count: 2 };
    let viewers = SessionViewers { viewers: 140 };
    vec![
        of("signal_session_viewers", "So many view it.", SignalData::SessionViewers(viewers)),
        of("signal_upload_progress", "Half of it.", SignalData::UploadProgress(progress)),
        of("signal_upload_progress_done", "It is a photo.", SignalData::UploadProgress(made)),
        of(
            "signal_photo_status_updated",
            "The first variant is there.",
            SignalData::PhotoStatusUpdated(variant),
        ),
        of("signal_photo_counts", "Other counts.", SignalData::PhotoCounts(counts)),
        of("signal_photo_selection", "She has chosen.", SignalData::PhotoSelection(selection)),
    ]
}
