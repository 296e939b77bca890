//! Every answer about photo sessions.

use salon_protocol::content::MessageKind;
use salon_protocol::event::NewMessage;
use salon_protocol::photo::*;
use salon_protocol::reply::*;
use salon_protocol::{Event, EventData, LogId, limits};
use serde_json::json;

use super::new_photo;
use crate::answers::{bobs_profile, tombstone};
use crate::book::{Vector, ok};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = sessions();
    all.extend(joining());
    all.extend(uploads());
    all.extend(photos());
    all.extend(marks());
    all
}

fn done(seq: u64) -> Done {
    Done { seq, duplicate: false }
}

fn media() -> Media {
    Media {
        query: "e=1767226200&s=p.q0FhZ3R2c1dUaGVzZUFyZTI0Qnl0ZXNP".into(),
        expires_at: AT + limits::MEDIA_LIFE_MS,
        variants: vec!["400".into(), "1024".into(), "2048".into()],
    }
}

/// As its owner sees it in a list.
fn info() -> SessionInfo {
    SessionInfo {
        room: wedding(),
        title: "Wedding".into(),
        owner: ann(),
        cover: Some(photo(1)),
        seq: 17,
        role: PhotoRole::Owner,
        permissions: Permissions::STAFF,
        gate: true,
        photos: 2,
        pending: 1,
        viewers: 140,
        expires_at: Some(AT + 86_400_000),
        closed_at: None,
        created_at: AT,
        media: None,
        grant: None,
        stale: false,
        settings: None,
    }
}

/// As a guest sees it.
fn guests() -> SessionInfo {
    SessionInfo {
        role: PhotoRole::Guest,
        permissions: Permissions { select: false, ..Permissions::default() },
        pending: 0,
        media: Some(media()),
        grant: Some("q0FhZ3R2c1dUaGVzZUFyZTMyQnl0ZXNPZkhtYWM".into()),
        ..info()
    }
}

fn sessions() -> Vec<Vector> {
    let made = |duplicate| SessionMade { session: wedding(), code: "K7MP3XQ9".into(), duplicate };
    let closed = SessionInfo {
        cover: None,
        role: PhotoRole::Client,
        permissions: PermissionsByRole::default().client,
        expires_at: None,
        closed_at: Some(AT + 3_600_000),
        ..info()
    };
    let settings = SessionSettingsNow {
        code: "K7MP3XQ9".into(),
        guests: true,
        viewers_max: limits::SESSION_VIEWERS_MAX,
        permissions: PermissionsByRole::default(),
        watermark: Watermark { text: Some("© Bob".into()), ..Watermark::default() },
        cameras: [("Z9 6001234".to_owned(), -3_600_000)].into(),
        downloads: 12,
    };
    let owners = SessionInfo {
        media: Some(Media { variants: vec!["400".into(), "original".into()], ..media() }),
        settings: Some(settings),
        ..info()
    };
    let list = Items { items: vec![info(), closed], cursor: None };
    let renewed = SessionChanged { seq: 18, code: Some("W4H8R2TN".into()) };
    vec![
        ok(
            "photo_session_create",
            "photo_session_create_ok",
            "The session and its code.",
            Some(46),
            made(false),
        ),
        ok(
            "photo_session_create",
            "photo_session_create_ok_again",
            "To a repetition.",
            Some(46),
            made(true),
        ),
        ok(
            "photo_session_list",
            "photo_session_list_ok",
            "One's own session, and one that is closed.",
            Some(47),
            list,
        ),
        ok("photo_session_get", "photo_session_get_ok", "As its owner sees it.", Some(48), owners),
        ok(
            "photo_session_update",
            "photo_session_update_ok",
            "The event, and the new code.",
            Some(49),
            renewed,
        ),
        ok(
            "photo_session_update",
            "photo_session_update_ok_same_code",
            "The code is the same.",
            Some(49),
            SessionChanged { seq: 19, code: None },
        ),
        ok("photo_session_close", "photo_session_close_ok", "It is closed.", Some(50), done(20)),
        ok("photo_session_delete", "photo_session_delete_ok", "It is gone.", Some(51), Empty {}),
        ok("photo_session_member", "photo_session_member_ok", "He is in.", Some(52), done(21)),
    ]
}

fn joining() -> Vec<Vector> {
    let stale = SessionInfo { seq: 5_000, stale: true, grant: None, ..guests() };
    vec![
        ok(
            "join_session",
            "join_session_ok",
            "What a guest sees, and what opens it again.",
            Some(54),
            guests(),
        ),
        ok(
            "join_session",
            "join_session_ok_stale",
            "Too much was missed: nothing is replayed.",
            Some(55),
            stale,
        ),
        ok("leave_session", "leave_session_ok", "Gone.", Some(57), Empty {}),
        ok("session_media", "session_media_ok", "Good for ten minutes at most.", Some(58), media()),
    ]
}

fn uploads() -> Vec<Vector> {
    let begun =
        |offset| UploadBegun { upload: upload(), chunk: limits::UPLOAD_CHUNK_BYTES, offset };
    let made = |seq, duplicate| PhotoMade { photo: photo(1), seq, duplicate };
    vec![
        ok("photo_upload_begin", "photo_upload_begin_ok", "From the start.", Some(59), begun(0)),
        ok(
            "photo_upload_begin",
            "photo_upload_begin_ok_resumed",
            "One chunk of it is there.",
            Some(59),
            begun(131_072),
        ),
        ok(
            "photo_upload_begin",
            "photo_upload_begin_ok_all",
            "All of it is there: commit.",
            Some(59),
            begun(262_150),
        ),
        ok(
            "photo_upload_chunk",
            "photo_upload_chunk_ok",
            "Taken; the next one begins here.",
            Some(61),
            UploadAt { offset: 262_144 },
        ),
        ok(
            "photo_upload_commit",
            "photo_upload_commit_ok",
            "It is a photo.",
            Some(62),
            made(5, false),
        ),
        ok(
            "photo_upload_commit",
            "photo_upload_commit_ok_duplicate",
            "The session had it already.",
            Some(62),
            made(5, true),
        ),
        ok(
            "photo_upload_commit",
            "photo_upload_commit_ok_watermark",
            "Not for the log.",
            Some(62),
            PhotoMade { photo: photo(9), seq: 0, duplicate: false },
        ),
        ok("photo_upload_abort", "photo_upload_abort_ok", "Forgotten.", Some(63), Empty {}),
    ]
}

/// As it stands in a list of those who work on the session, with everything.
fn listed() -> Photo {
    Photo {
        title: Some("The kiss".into()),
        tags: vec!["party".into(), "黄昏".into()],
        pinned: true,
        status: PhotoStatus::Ready,
        variants: vec![2_048, 1_024, 400],
        state: Some(PhotoState::Hidden),
        seq: Some(5),
        likes: Some(3),
        comments: Some(1),
        selected: Some(2),
        liked: true,
        lists: vec!["album".into(), "favourites".into()],
        ..new_photo()
    }
}

fn photos() -> Vec<Vector> {
    let seen = Photo {
        seq: Some(6),
        likes: Some(0),
        comments: Some(0),
        status: PhotoStatus::Ready,
        variants: vec![400],
        ..Photo { photo: photo(2), taken_at: None, order: -1_024, ..new_photo() }
    };
    let page = Items {
        items: vec![listed(), seen.clone()],
        cursor: Some("AAABm3wqAAAAAAAAAAAAKg".into()),
    };
    let whole = PhotoInfo {
        photo: listed(),
        bytes: 12_345_678,
        mime: "image/jpeg".into(),
        metadata: Some(json!({ "camera": "Z9", "iso": 400, "shutter": 0.004 })),
        downloads: Some(4),
        failed: None,
    };
    let failed = PhotoInfo {
        photo: Photo { status: PhotoStatus::Failed, variants: Vec::new(), ..seen },
        metadata: None,
        downloads: None,
        failed: Some("it cannot be decoded".into()),
        ..whole.clone()
    };
    vec![
        ok("photo_list", "photo_list_ok", "A page; there are more.", Some(64), page),
        ok("photo_get", "photo_get_ok", "As those see it who work on it.", Some(66), whole),
        ok("photo_get", "photo_get_ok_failed", "One without variants.", Some(66), failed),
        ok("photo_update", "photo_update_ok", "The last event of it.", Some(68), done(23)),
        ok("photo_delete", "photo_delete_ok", "The event.", Some(69), done(24)),
    ]
}

fn marks() -> Vec<Vector> {
    let list = SelectionItem { user: bobs_profile(), list: "favourites".into(), count: 2, at: AT };
    let export = Export {
        text: "DSC_0001.JPG DSC_0002.JPG".into(),
        name: "wedding-album.txt".into(),
        count: 2,
    };
    let comment = NewMessage {
        kind: MessageKind::Text,
        text: Some("Could it be brighter?".into()),
        recalled: false,
        photo: Some(photo(1)),
        ..tombstone()
    };
    let event = Event {
        room: LogId::Room(wedding()),
        seq: 25,
        at: AT,
        data: EventData::NewMessage(comment),
    };
    let zip = DownloadReady {
        url: "/downloads/0192e4a0-6666-7000-8000-000000000001".into(),
        expires_at: AT + limits::MEDIA_LIFE_MS,
        files: 2,
    };
    let sent = Sent { room: wedding(), seq: 25, at: AT, duplicate: false };
    vec![
        ok("photo_mark", "photo_mark_ok", "Done, or as it was.", Some(70), Empty {}),
        ok(
            "photo_selections",
            "photo_selections_ok",
            "One list.",
            Some(72),
            Items { items: vec![list], cursor: None },
        ),
        ok("photo_selection_export", "photo_selection_export_ok", "The text.", Some(73), export),
        ok("photo_comment", "photo_comment_ok", "It is a message of the log.", Some(74), sent),
        ok(
            "photo_comments",
            "photo_comments_ok",
            "One comment.",
            Some(75),
            History { events: vec![event], more: false },
        ),
        ok("photo_download", "photo_download_ok", "Where the ZIP is.", Some(76), zip),
    ]
}
