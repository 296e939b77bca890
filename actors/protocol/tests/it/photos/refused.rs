//! Requests about photo sessions that are refused.

use salon_protocol::limits;

use crate::book::{RefusedEntry, hex};
use crate::people::*;
use crate::refused::{entry, field, json, long};

pub(crate) fn all() -> Vec<RefusedEntry> {
    let mut all = sessions();
    all.extend(words());
    all.extend(joining());
    all.extend(uploads());
    all.extend(chunks());
    all.extend(photos());
    all.extend(too_long());
    all
}

fn bad(name: &str, about: &str, at: &str, text: &str) -> RefusedEntry {
    field(name, about, ("bad_request", at), text)
}

/// A request of the session, with more fields.
fn of_session(kind: &str, rest: &str) -> String {
    format!(r#"{{"type":"{kind}","ref":1,"data":{{"session":"{}"{rest}}}}}"#, wedding())
}

fn update(rest: &str) -> String {
    of_session("photo_session_update", &format!(",{rest}"))
}

fn sessions() -> Vec<RefusedEntry> {
    let create = |rest: &str| {
        let cid = cid(16);
        format!(r#"{{"type":"photo_session_create","ref":1,"data":{{"cid":"{cid}"{rest}}}}}"#)
    };
    let twice = update(r#""gate":true,"gate":false"#);
    let camera =
        |camera: &str, offset: &str| update(&format!(r#""cameras":{{"{camera}":{offset}}}"#));
    let mark = |rest: &str| update(&format!(r#""watermark":{{{rest}}}"#));
    vec![
        bad("session_no_title", "No title.", "title", &create("")),
        bad("session_title_empty", "An empty title.", "title", &create(r#","title":"""#)),
        bad(
            "session_gate_word",
            "A setting of a wrong type is named.",
            "gate",
            &create(r#","title":"a","gate":"yes""#),
        ),
        bad("session_update_title_empty", "No title any more.", "title", &update(r#""title":"""#)),
        bad("session_no_session", "No session.", "session", r#"{"type":"photo_session_get"}"#),
        RefusedEntry {
            field: Some("gate".into()),
            ..json("session_gate_twice", "A setting twice.", "bad_request", &twice)
        },
        bad("session_viewers_none", "Nobody.", "viewers_max", &update(r#""viewers_max":0"#)),
        bad(
            "session_viewers_too_many",
            "100,001 viewers.",
            "viewers_max",
            &update(r#""viewers_max":100001"#),
        ),
        bad("session_expires_before", "Before 1970.", "expires_at", &update(r#""expires_at":-1"#)),
        bad(
            "session_expires_too_late",
            "2^53.",
            "expires_at",
            &update(r#""expires_at":9007199254740992"#),
        ),
        bad("camera_without_name", "A camera without a name.", "cameras", &camera("", "1")),
        bad(
            "camera_too_far_off",
            "More than a hundred years.",
            "cameras",
            &camera("Z9", "-3153600000001"),
        ),
        bad("camera_fraction", "Half a millisecond.", "cameras.Z9", &camera("Z9", "0.5")),
        bad("watermark_blank", "White space.", "watermark.text", &mark(r#""text":" ""#)),
        bad("watermark_tab", "A control character.", "watermark.text", &mark(r#""text":"a\tb""#)),
        bad("watermark_empty", "An empty text.", "watermark.text", &mark(r#""text":"""#)),
        bad("watermark_unseen", "0 percent.", "watermark.opacity", &mark(r#""opacity":0"#)),
        bad("watermark_too_much", "101 percent.", "watermark.opacity", &mark(r#""opacity":101"#)),
        bad("watermark_no_size", "0 percent.", "watermark.size", &mark(r#""size":0"#)),
        bad("watermark_too_large", "300 percent.", "watermark.size", &mark(r#""size":300"#)),
        bad("watermark_image_name", "No id.", "watermark.image", &mark(r#""image":"logo.png""#)),
    ]
}

/// Words of closed sets, and maps with names.
fn words() -> Vec<RefusedEntry> {
    let user = bob();
    let member = |role: &str| {
        of_session("photo_session_member", &format!(r#","user":"{user}","role":{role}"#))
    };
    let guest = |rest: &str| update(&format!(r#""permissions":{{"guest":{{{rest}}}}}"#));
    let placement = |word: &str| update(&format!(r#""watermark":{{"placement":{word}}}"#));
    let list = |state: &str| of_session("photo_list", &format!(r#","state":{state}"#));
    let photos = |state: &str| {
        of_session("photo_update", &format!(r#","photos":["{}"],"state":{state}"#, photo(1)))
    };
    let mark = |word: &str| {
        of_session("photo_mark", &format!(r#","photos":["{}"],"on":true,"mark":{word}"#, photo(1)))
    };
    let export = |word: &str| of_session("photo_selection_export", &format!(r#","format":{word}"#));
    let begin = |word: &str| begin(&format!(r#""purpose":{word}"#));
    let download = "permissions.guest.download";
    vec![
        bad("photo_role_owner", "There is one.", "role", &member(r#""owner""#)),
        bad("photo_role_guest", "Guests are no members.", "role", &member(r#""guest""#)),
        bad("photo_role_unknown", "No role.", "role", &member(r#""admin""#)),
        bad("photo_role_number", "A role as a number.", "role", &member("1")),
        bad("photo_role_map", "A role as a map.", "role", &member(r#"{"client":null}"#)),
        bad("download_unknown", "No word for it.", download, &guest(r#""download":"all""#)),
        bad("download_number", "A number for it.", download, &guest(r#""download":1"#)),
        bad("download_map", "A map for it.", download, &guest(r#""download":{"off":null}"#)),
        bad("view_number", "A number for a bool.", "permissions.guest.view", &guest(r#""view":1"#)),
        bad(
            "permissions_list",
            "A list for a map.",
            "permissions",
            &update(r#""permissions":[{},{}]"#),
        ),
        bad(
            "permissions_of_guests_list",
            "A list for a map inside.",
            "permissions.guest",
            &update(r#""permissions":{"guest":[true,"off",true,true,true]}"#),
        ),
        bad("placement_unknown", "No place.", "watermark.placement", &placement(r#""left""#)),
        bad("placement_number", "A number for it.", "watermark.placement", &placement("5")),
        bad("watermark_list", "A list for a map.", "watermark", &update(r#""watermark":["a"]"#)),
        bad("photo_list_state_unknown", "No state.", "state", &list(r#""shown""#)),
        bad("photo_list_state_number", "A state as a number.", "state", &list("0")),
        bad("photo_update_state_number", "A state as a number.", "state", &photos("1")),
        bad("photo_update_pending", "Nobody can ask for it.", "state", &photos(r#""pending""#)),
        bad("mark_unknown", "No mark.", "mark", &mark(r#""hate""#)),
        bad("mark_number", "A mark as a number.", "mark", &mark("0")),
        bad("format_unknown", "No format.", "format", &export(r#""pdf""#)),
        bad("format_number", "A format as a number.", "format", &export("0")),
        bad("purpose_unknown", "No purpose.", "purpose", &begin(r#""cover""#)),
        bad("purpose_number", "A purpose as a number.", "purpose", &begin("0")),
    ]
}

fn joining() -> Vec<RefusedEntry> {
    let join = |rest: &str| format!(r#"{{"type":"join_session","ref":1,"data":{{{rest}}}}}"#);
    let of = |rest: &str| of_session("join_session", rest);
    let long = "x".repeat(201);
    vec![
        bad("join_session_nothing", "Neither session nor code.", "session", &join("")),
        bad(
            "join_session_grant_only",
            "A grant for no session.",
            "session",
            &join(r#""code":"K7MP3XQ9","grant":"x""#),
        ),
        bad("join_session_code_empty", "An empty code.", "code", &of(r#","code":"""#)),
        bad(
            "join_session_code_long",
            "No code is so long.",
            "code",
            &of(&format!(r#","code":"{long}""#)),
        ),
        bad(
            "join_session_grant_long",
            "No grant is so long.",
            "grant",
            &of(&format!(r#","grant":"{long}""#)),
        ),
        bad("join_session_after", "2^53.", "after", &of(r#","after":9007199254740992"#)),
    ]
}

/// `photo_upload_begin` with a field instead of the right one.
fn begin(instead: &str) -> String {
    let sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let fields = [
        format!(r#""cid":"{}""#, cid(17)),
        r#""name":"DSC_0001.JPG""#.into(),
        r#""size":262150"#.into(),
        r#""mime":"image/jpeg""#.into(),
        format!(r#""sha256":"{sha256}""#),
    ];
    let name = instead.split(':').next().unwrap_or_default();
    let kept = fields.into_iter().filter(|field| !field.starts_with(name));
    let fields: Vec<String> = kept.chain([instead.to_owned()]).collect();
    of_session("photo_upload_begin", &format!(",{}", fields.join(",")))
}

fn uploads() -> Vec<RefusedEntry> {
    let sha256 = format!(r#""sha256":"{}""#, "g".repeat(64));
    vec![
        bad("upload_name_empty", "A file without a name.", "name", &begin(r#""name":"""#)),
        bad("upload_empty", "An empty file.", "size", &begin(r#""size":0"#)),
        bad("upload_size_fraction", "Half a byte.", "size", &begin(r#""size":0.5"#)),
        field(
            "upload_too_large",
            "One byte more than `limits.upload`.",
            ("too_large", "size"),
            &begin(r#""size":50000001"#),
        ),
        bad("upload_mime", "No picture.", "mime", &begin(r#""mime":"image/gif""#)),
        bad("upload_sha256_short", "A short sum.", "sha256", &begin(r#""sha256":"9f86""#)),
        bad("upload_sha256_digits", "Other digits.", "sha256", &begin(&sha256)),
    ]
}

fn chunks() -> Vec<RefusedEntry> {
    let json_chunk = |rest: &str| {
        format!(
            r#"{{"type":"photo_upload_chunk","ref":1,"data":{{"upload":"{}",{rest}}}}}"#,
            upload(),
        )
    };
    let bad_json = |name, about, at: &str, rest: &str| RefusedEntry {
        field: Some(at.into()),
        ..json(name, about, "bad_request", &json_chunk(rest))
    };
    let msgpack = |name, about, error, bytes: &[u8]| {
        let mut frame =
            b"\x82\xa4type\xb2photo_upload_chunk\xa4data\x83\xa6upload\xd9\x24".to_vec();
        frame.extend(upload().to_string().as_bytes());
        frame.extend(b"\xa6offset\x00\xa5bytes");
        frame.extend(bytes);
        RefusedEntry {
            msgpack: Some(hex(&frame)),
            field: Some("bytes".into()),
            ..entry(name, about, error)
        }
    };
    let before = json_chunk(r#""offset":0,"bytes":""#);
    let before = before.strip_suffix("}}").unwrap_or_default();
    vec![
        bad_json("chunk_empty", "No bytes.", "bytes", r#""offset":0,"bytes":"""#),
        bad_json("chunk_not_base64", "No base64.", "bytes", r#""offset":0,"bytes":"/9j_""#),
        bad_json("chunk_not_padded", "No padding.", "bytes", r#""offset":0,"bytes":"/9j/4A""#),
        bad_json("chunk_numbers", "A list of numbers.", "bytes", r#""offset":0,"bytes":[255]"#),
        bad_json(
            "chunk_offset_too_large",
            "2^53.",
            "offset",
            r#""offset":9007199254740992,"bytes":"/9j/""#,
        ),
        bad_json("chunk_offset_negative", "-1.", "offset", r#""offset":-1,"bytes":"/9j/""#),
        msgpack("chunk_empty_msgpack", "No bytes.", "bad_request", b"\xc4\x00"),
        msgpack("chunk_base64_msgpack", "Base64 is for JSON.", "bad_request", b"\xa4/9j/"),
        msgpack("chunk_list_msgpack", "A list of numbers.", "bad_request", b"\x91\x01"),
        long(
            "chunk_too_large",
            "More than 128 KiB.",
            "bytes",
            [before, "////", "\"}}"],
            limits::UPLOAD_CHUNK_BYTES / 3 + 1,
        ),
    ]
}

fn photos() -> Vec<RefusedEntry> {
    let one = photo(1);
    let update = |rest: &str| {
        of_session("photo_update", &format!(r#","photos":["{one}","{}"]{rest}"#, photo(2)))
    };
    let list = |rest: &str| of_session("photo_list", rest);
    let mark =
        |rest: &str| of_session("photo_mark", &format!(r#","photos":["{one}"],"on":true{rest}"#));
    let comment = |text: &str| {
        let cid = cid(19);
        of_session("photo_comment", &format!(r#","photo":"{one}","cid":"{cid}","text":"{text}""#))
    };
    let comments = |rest: &str| of_session("photo_comments", &format!(r#","photo":"{one}"{rest}"#));
    let export =
        |rest: &str| of_session("photo_selection_export", &format!(r#","format":"csv"{rest}"#));
    let download = |rest: &str| of_session("photo_download", rest);
    let empty = r#","photos":[]"#;
    vec![
        bad("photo_list_tag_empty", "An empty tag.", "tag", &list(r#","tag":"""#)),
        bad("photo_list_list_empty", "A list without a name.", "list", &list(r#","list":"""#)),
        bad("photo_list_limit_0", "A page of nothing.", "limit", &list(r#","limit":0"#)),
        bad("photo_list_limit_101", "A page that is too long.", "limit", &list(r#","limit":101"#)),
        bad("photo_delete_nothing", "No photos.", "photos", &of_session("photo_delete", empty)),
        bad("photo_update_nothing", "No photos.", "photos", &of_session("photo_update", empty)),
        bad(
            "photo_id_not_canonical",
            "One of the ids is none.",
            "photos[1]",
            &of_session("photo_delete", &format!(r#","photos":["{one}","2"]"#)),
        ),
        bad("photo_tag_empty", "An empty tag.", "tags", &update(r#","tags":["a",""]"#)),
        bad(
            "photo_behind_itself",
            "Behind one of them.",
            "behind",
            &update(&format!(r#","behind":"{one}""#)),
        ),
        bad(
            "photo_mark_nothing",
            "No photos.",
            "photos",
            &of_session("photo_mark", r#","photos":[],"mark":"like","on":true"#),
        ),
        bad(
            "photo_mark_no_on",
            "On or off?",
            "on",
            &of_session("photo_mark", &format!(r#","photos":["{one}"],"mark":"like""#)),
        ),
        bad(
            "like_with_list",
            "Likes have no lists.",
            "list",
            &mark(r#","mark":"like","list":"a""#),
        ),
        bad(
            "select_list_empty",
            "A list without a name.",
            "list",
            &mark(r#","mark":"select","list":"""#),
        ),
        bad("export_list_empty", "A list without a name.", "list", &export(r#","list":"""#)),
        bad("comment_empty", "An empty comment.", "text", &comment("")),
        bad("comment_nul", "NUL in a comment.", "text", &comment(r"a\u0000b")),
        bad("comments_before", "2^53.", "before", &comments(r#","before":9007199254740992"#)),
        bad("comments_limit_0", "A page of nothing.", "limit", &comments(r#","limit":0"#)),
        bad(
            "download_both",
            "Photos and a list.",
            "list",
            &download(&format!(r#","photos":["{one}"],"list":"a""#)),
        ),
        bad("download_nothing", "No photos.", "photos", &download(empty)),
        bad("download_list_empty", "A list without a name.", "list", &download(r#","list":"""#)),
    ]
}

fn too_long() -> Vec<RefusedEntry> {
    let open = |text: String| text.strip_suffix("}}").unwrap_or_default().to_owned();
    let (one, two) = (photo(1), format!(r#","{}""#, photo(2)));
    let update =
        |rest: &str| open(of_session("photo_update", &format!(r#","photos":["{one}"],{rest}"#)));
    let many = |kind| open(of_session(kind, &format!(r#","photos":["{one}""#)));
    let comment = open(of_session(
        "photo_comment",
        &format!(r#","photo":"{one}","cid":"{}","text":""#, cid(19)),
    ));
    let name = begin(r#""name":"a"#);
    let too = |name, about, at, [before, repeat, after]: [&str; 3], times| {
        long(name, about, at, [before, repeat, after], times)
    };
    let cameras = self::update(r#""cameras":{"#);
    let cameras = cameras.strip_suffix("}}").unwrap_or_default();
    let cameras: String = (0..=limits::CAMERAS_MAX).fold(cameras.to_owned(), |all, camera| {
        let comma = if camera == 0 { "" } else { "," };
        format!(r#"{all}{comma}"camera {camera}":{camera}"#)
    }) + "}}}";
    vec![
        field("cameras_too_many", "21 cameras.", ("too_large", "cameras"), &cameras),
        too(
            "session_title_too_long",
            "101 characters.",
            "title",
            [&open(self::update(r#""title":""#)), "语", "\"}}"],
            limits::ROOM_NAME_CHARS_MAX + 1,
        ),
        too(
            "camera_name_too_long",
            "101 characters.",
            "cameras",
            [&open(self::update(r#""cameras":{""#)), "x", "\":1}}}"],
            limits::ROOM_NAME_CHARS_MAX + 1,
        ),
        too(
            "watermark_text_too_long",
            "65 characters.",
            "watermark.text",
            [&open(self::update(r#""watermark":{"text":""#)), "x", "\"}}}"],
            limits::WATERMARK_CHARS_MAX + 1,
        ),
        too(
            "file_name_too_long",
            "256 characters.",
            "name",
            [&open(name), "x", "\"}}"],
            limits::FILE_NAME_CHARS_MAX,
        ),
        too(
            "photo_update_too_many",
            "201 photos.",
            "photos",
            [&many("photo_update"), &two, "]}}"],
            limits::PHOTOS_PER_CALL_MAX,
        ),
        too(
            "photo_delete_too_many",
            "201 photos.",
            "photos",
            [&many("photo_delete"), &two, "]}}"],
            limits::PHOTOS_PER_CALL_MAX,
        ),
        too(
            "photo_mark_too_many",
            "201 photos.",
            "photos",
            [&many("photo_mark"), &two, r#"],"mark":"like","on":true}}"#],
            limits::PHOTOS_PER_CALL_MAX,
        ),
        too(
            "photo_download_too_many",
            "201 photos.",
            "photos",
            [&many("photo_download"), &two, "]}}"],
            limits::PHOTOS_PER_CALL_MAX,
        ),
        too(
            "photo_title_too_long",
            "201 characters.",
            "title",
            [&update(r#""title":""#), "x", "\"}}"],
            limits::PHOTO_TITLE_CHARS_MAX + 1,
        ),
        too(
            "photo_tags_too_many",
            "21 tags.",
            "tags",
            [&update(r#""tags":["a""#), r#","a""#, "]}}"],
            limits::PHOTO_TAGS_MAX,
        ),
        too(
            "photo_tag_too_long",
            "41 characters.",
            "tags",
            [&update(r#""tags":[""#), "x", "\"]}}"],
            limits::TAG_CHARS_MAX + 1,
        ),
        too(
            "comment_too_long",
            "2,001 characters.",
            "text",
            [&comment, "x", "\"}}"],
            limits::COMMENT_CHARS_MAX + 1,
        ),
    ]
}
