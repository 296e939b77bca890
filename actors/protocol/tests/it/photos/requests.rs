//! Every request about photo sessions: as our own clients encode it, and some as others may.

use salon_protocol::photo::*;
use salon_protocol::request::*;
use salon_protocol::{Request, UploadId, limits};

use crate::book::{Vector, msgpack_of, odd_request, request};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let mut all = sessions();
    all.extend(joining());
    all.extend(uploads());
    all.extend(photos());
    all.extend(marks());
    all.extend(odd());
    all
}

fn one() -> OneSession {
    OneSession { session: wedding() }
}

/// All settings.
fn settings() -> SessionSettings {
    let permissions = PermissionsByRole {
        client: Permissions { download: Download::Original, ..Permissions::default() },
        guest: Permissions { comment: false, select: false, ..Permissions::default() },
    };
    let watermark = Watermark {
        text: Some("© Bob 摄影".into()),
        placement: Placement::Tiled,
        opacity: 30,
        ..Watermark::default()
    };
    SessionSettings {
        gate: Some(true),
        guests: Some(false),
        viewers_max: Some(500),
        expires_at: Some(AT + 86_400_000),
        permissions: Some(permissions),
        watermark: Some(watermark),
        cameras: Some([("Z9 6001234".to_owned(), -3_600_000), ("X100V".to_owned(), 1_500)].into()),
    }
}

fn sessions() -> Vec<Vector> {
    let create = PhotoSessionCreate { cid: cid(16), title: "Wedding".into(), settings: settings() };
    let plain = PhotoSessionCreate { settings: SessionSettings::default(), ..create.clone() };
    let update = PhotoSessionUpdate {
        session: wedding(),
        title: Some("The wedding".into()),
        cover: Some(photo(1)),
        renew_code: true,
        settings: SessionSettings {
            gate: Some(false),
            expires_at: Some(0),
            ..SessionSettings::default()
        },
    };
    let image = Watermark { image: Some(photo(9)), ..Watermark::default() };
    let marked = PhotoSessionUpdate {
        title: None,
        cover: None,
        renew_code: false,
        settings: SessionSettings { watermark: Some(image), ..SessionSettings::default() },
        ..update.clone()
    };
    let editor =
        PhotoSessionMember { session: wedding(), user: bob(), role: Some(PhotoRole::Editor) };
    let out = PhotoSessionMember { role: None, ..editor.clone() };
    vec![
        request(
            "photo_session_create",
            "Makes a session with what it is by default.",
            Some(46),
            Request::PhotoSessionCreate(plain),
        ),
        request(
            "photo_session_create_with_all",
            "Makes a session and decides about everything.",
            Some(46),
            Request::PhotoSessionCreate(create),
        ),
        request(
            "photo_session_list",
            "The sessions that one is a member of.",
            Some(47),
            Request::PhotoSessionList(Page { cursor: None, limit: Some(20) }),
        ),
        request(
            "photo_session_get",
            "What is this session?",
            Some(48),
            Request::PhotoSessionGet(one()),
        ),
        request(
            "photo_session_update",
            "Another title, a cover, no gate, no end; and another code.",
            Some(49),
            Request::PhotoSessionUpdate(update),
        ),
        request(
            "photo_session_update_watermark",
            "An image as watermark.",
            Some(49),
            Request::PhotoSessionUpdate(marked),
        ),
        request(
            "photo_session_close",
            "Ends a session.",
            Some(50),
            Request::PhotoSessionClose(one()),
        ),
        request(
            "photo_session_delete",
            "Removes it.",
            Some(51),
            Request::PhotoSessionDelete(one()),
        ),
        request(
            "photo_session_member",
            "He is an editor.",
            Some(52),
            Request::PhotoSessionMember(editor),
        ),
        request(
            "photo_session_member_out",
            "He is put out.",
            Some(53),
            Request::PhotoSessionMember(out),
        ),
    ]
}

fn joining() -> Vec<Vector> {
    let code = JoinSession { code: Some("k7mp-3xq9".into()), ..JoinSession::default() };
    let again = JoinSession {
        session: Some(wedding()),
        grant: Some("q0FhZ3R2c1dUaGVzZUFyZTMyQnl0ZXNPZkhtYWM".into()),
        after: Some(17),
        ..JoinSession::default()
    };
    let member = JoinSession { session: Some(wedding()), ..JoinSession::default() };
    vec![
        request(
            "join_session",
            "Enters by the code, as somebody typed it.",
            Some(54),
            Request::JoinSession(code),
        ),
        request(
            "join_session_again",
            "Comes back after a lost connection: where to go on.",
            Some(55),
            Request::JoinSession(again),
        ),
        request(
            "join_session_member",
            "A member needs no code.",
            Some(56),
            Request::JoinSession(member),
        ),
        request(
            "leave_session",
            "Does not view it any more.",
            Some(57),
            Request::LeaveSession(one()),
        ),
        request(
            "session_media",
            "What opens the pictures from now on?",
            Some(58),
            Request::SessionMedia(one()),
        ),
    ]
}

fn uploads() -> Vec<Vector> {
    let begin = PhotoUploadBegin {
        session: wedding(),
        cid: cid(17),
        name: "DSC_0001.JPG".into(),
        size: 262_150,
        mime: "image/jpeg".into(),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        purpose: Purpose::Photo,
    };
    let png = PhotoUploadBegin {
        cid: cid(18),
        name: "logo.png".into(),
        mime: "image/png".into(),
        size: limits::UPLOAD_BYTES_MAX,
        purpose: Purpose::Watermark,
        ..begin.clone()
    };
    let bytes = Bytes(vec![0xff, 0xd8, 0xff, 0xe0, 0x00]);
    let chunk = PhotoUploadChunk { upload: upload(), offset: 131_072, bytes };
    let one = |upload: UploadId| OneUpload { upload };
    vec![
        request(
            "photo_upload_begin",
            "Begins an upload; or goes on with it, by the same cid.",
            Some(59),
            Request::PhotoUploadBegin(begin),
        ),
        request(
            "photo_upload_begin_watermark",
            "The image of a watermark.",
            Some(60),
            Request::PhotoUploadBegin(png),
        ),
        request(
            "photo_upload_chunk",
            "A piece: bin in MessagePack, base64 in JSON.",
            Some(61),
            Request::PhotoUploadChunk(chunk),
        ),
        request(
            "photo_upload_commit",
            "That was all of it.",
            Some(62),
            Request::PhotoUploadCommit(one(upload())),
        ),
        request(
            "photo_upload_abort",
            "Gives it up.",
            Some(63),
            Request::PhotoUploadAbort(one(upload())),
        ),
    ]
}

fn photos() -> Vec<Vector> {
    let list = PhotoList {
        session: wedding(),
        state: None,
        tag: None,
        list: None,
        newest_first: false,
        cursor: None,
        limit: None,
    };
    let pending = PhotoList {
        state: Some(PhotoState::Pending),
        tag: Some("party".into()),
        list: Some(FAVOURITES.into()),
        newest_first: true,
        cursor: Some("AAABm3wqAAAAAAAAAAAAKg".into()),
        limit: Some(100),
        ..list.clone()
    };
    let show = PhotoUpdate {
        session: wedding(),
        photos: vec![photo(1), photo(2)],
        state: Some(PhotoState::Live),
        title: None,
        tags: None,
        pinned: None,
        behind: None,
    };
    let edit = PhotoUpdate {
        photos: vec![photo(2)],
        state: None,
        title: Some("The kiss".into()),
        tags: Some(vec!["party".into(), "黄昏".into()]),
        pinned: Some(true),
        behind: Some(photo(1)),
        ..show.clone()
    };
    let both = Photos { session: wedding(), photos: vec![photo(1), photo(2)] };
    vec![
        request("photo_list", "A first page.", Some(64), Request::PhotoList(list)),
        request(
            "photo_list_pending",
            "Those that wait for an editor, and all the filters.",
            Some(65),
            Request::PhotoList(pending),
        ),
        request(
            "photo_get",
            "Everything about a photo.",
            Some(66),
            Request::PhotoGet(OnePhoto { session: wedding(), photo: photo(1) }),
        ),
        request("photo_update_live", "Shows photos.", Some(67), Request::PhotoUpdate(show)),
        request(
            "photo_update",
            "A title, tags, before all others, and behind another one.",
            Some(68),
            Request::PhotoUpdate(edit),
        ),
        request("photo_delete", "Removes photos.", Some(69), Request::PhotoDelete(both)),
    ]
}

fn marks() -> Vec<Vector> {
    let like = PhotoMark {
        session: wedding(),
        photos: vec![photo(1)],
        mark: Mark::Like,
        list: None,
        on: true,
    };
    let select = PhotoMark {
        photos: vec![photo(1), photo(2)],
        mark: Mark::Select,
        list: Some("album".into()),
        on: false,
        ..like.clone()
    };
    let export = PhotoSelectionExport {
        session: wedding(),
        user: Some(eve()),
        list: Some("album".into()),
        format: ExportFormat::CaptureOne,
    };
    let comment = PhotoComment {
        session: wedding(),
        photo: photo(1),
        cid: cid(19),
        text: "Could it be brighter?".into(),
    };
    let comments =
        PhotoComments { session: wedding(), photo: photo(1), before: Some(42), limit: Some(20) };
    let some = PhotoDownload {
        session: wedding(),
        photos: Some(vec![photo(1), photo(2)]),
        list: None,
        original: true,
    };
    let list = PhotoDownload {
        photos: None,
        list: Some(FAVOURITES.into()),
        original: false,
        ..some.clone()
    };
    vec![
        request("photo_mark_like", "Likes a photo.", Some(70), Request::PhotoMark(like)),
        request("photo_mark_select", "Takes two off a list.", Some(71), Request::PhotoMark(select)),
        request(
            "photo_selections",
            "Which lists are there?",
            Some(72),
            Request::PhotoSelections(one()),
        ),
        request(
            "photo_selection_export",
            "Somebody's list for another program.",
            Some(73),
            Request::PhotoSelectionExport(export),
        ),
        request(
            "photo_comment",
            "Says something about a photo.",
            Some(74),
            Request::PhotoComment(comment),
        ),
        request(
            "photo_comments",
            "What was said about it before?",
            Some(75),
            Request::PhotoComments(comments),
        ),
        request("photo_download", "A ZIP of originals.", Some(76), Request::PhotoDownload(some)),
        request(
            "photo_download_list",
            "A ZIP of a list, in the largest variant.",
            Some(77),
            Request::PhotoDownload(list),
        ),
    ]
}

fn odd() -> Vec<Vector> {
    let (session, one) = (wedding(), photo(1));
    let same = |name, about, json: String, value| {
        odd_request(name, about, (&json, msgpack_of(&json)), None, value)
    };
    let plain = PhotoSessionCreate {
        cid: cid(16),
        title: "Wedding".into(),
        settings: SessionSettings {
            permissions: Some(PermissionsByRole::default()),
            watermark: Some(Watermark::default()),
            ..SessionSettings::default()
        },
    };
    let nulls = r#""gate":null,"guests":null,"viewers_max":null,"expires_at":null,"cameras":null"#;
    let permission = r#"{"view":null,"download":null,"like":null,"comment":null,"select":null}"#;
    let mark = r#"{"text":null,"image":null,"placement":null,"opacity":null,"size":null}"#;
    let create = format!(
        r#"{{"type":"photo_session_create","data":{{"cid":"{}","title":"Wedding",{nulls},"permissions":{{"client":null,"guest":{permission}}},"watermark":{mark}}}}}"#,
        cid(16),
    );
    let new = r#""new":[{"a":[1]}]"#;
    let unknown = format!(
        r#"{{"type":"photo_session_create","data":{{{new},"permissions":{{{new},"guest":{{{new}}}}},"title":"Wedding","watermark":{{{new}}},"cid":"{}"}}}}"#,
        cid(16),
    );
    let update = format!(
        r#"{{"type":"photo_session_update","data":{{"session":"{session}","title":null,"cover":null,"renew_code":null,"permissions":null,"watermark":null,{new}}}}}"#,
    );
    let unchanged = PhotoSessionUpdate {
        session,
        title: None,
        cover: None,
        renew_code: false,
        settings: SessionSettings::default(),
    };
    let member = PhotoSessionMember { session, user: bob(), role: None };
    let list = PhotoList {
        session,
        state: None,
        tag: None,
        list: None,
        newest_first: false,
        cursor: None,
        limit: None,
    };
    let photos = PhotoUpdate {
        session,
        photos: vec![one],
        state: None,
        title: None,
        tags: None,
        pinned: None,
        behind: None,
    };
    vec![
        same(
            "odd_session_nulls",
            "Null is absent in settings, too: all is as it is by default.",
            create,
            Request::PhotoSessionCreate(plain.clone()),
        ),
        same(
            "odd_session_unknown_fields",
            "Unknown fields beside and inside of settings.",
            unknown,
            Request::PhotoSessionCreate(plain),
        ),
        same(
            "odd_session_update_nulls",
            "Null changes nothing.",
            update,
            Request::PhotoSessionUpdate(unchanged),
        ),
        same(
            "odd_session_member_null",
            "A role that is null is none.",
            format!(
                r#"{{"type":"photo_session_member","data":{{"session":"{session}","user":"{}","role":null}}}}"#,
                bob(),
            ),
            Request::PhotoSessionMember(member),
        ),
        same(
            "odd_photo_list_nulls",
            "No filter.",
            format!(
                r#"{{"type":"photo_list","data":{{"session":"{session}","state":null,"tag":null,"list":null,"newest_first":null,"limit":null}}}}"#,
            ),
            Request::PhotoList(list),
        ),
        same(
            "odd_photo_update_nulls",
            "Nothing changes.",
            format!(
                r#"{{"type":"photo_update","data":{{"session":"{session}","photos":["{one}"],"state":null,"title":null,"tags":null,"pinned":null,"behind":null}}}}"#,
            ),
            Request::PhotoUpdate(photos),
        ),
    ]
}
