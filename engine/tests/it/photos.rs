//! The story of a photo, as `engine/ARCHITECTURE.md` tells it: from the camera to everybody who watches, and
//! taken back; and what is left of it when the plug is pulled.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::{Client, Encoding, cid};
use crate::server::Server;

/// A JPEG that looks like no other of this number.
fn picture(number: u8, width: u16, height: u16) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..height {
        for x in 0..width {
            let wave = (u32::from(x) * 7 + u32::from(y) * 13 + u32::from(number) * 31) % 256;
            rgb.extend([wave as u8, (x % 256) as u8, number.wrapping_mul(40)]);
        }
    }
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 85);
    encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    jpeg
}

fn session(owner: &mut Client, settings: Value) -> (Value, Value) {
    let mut data = json!({ "cid": cid(), "title": "wedding" });
    data.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let mut made = owner.ok("photo_session_create", data);
    (made["session"].take(), made["code"].take())
}

fn announced(session: &Value, name: &str, cid: &str, jpeg: &[u8]) -> Value {
    let hash = digest(&SHA256, jpeg);
    let sha256: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let (size, mime) = (jpeg.len(), "image/jpeg");
    json!({ "session": session, "cid": cid, "name": name, "size": size, "mime": mime, "sha256": sha256 })
}

/// Sends a file up to `until`; the upload, and how far it is.
fn send(client: &mut Client, begin: &Value, jpeg: &[u8], until: usize) -> (Value, usize) {
    let mut begun = client.ok("photo_upload_begin", begin.clone());
    let upload = begun["upload"].take();
    let chunk = begun["chunk"].as_u64().unwrap() as usize;
    let mut at = begun["offset"].as_u64().unwrap() as usize;
    while at < until {
        let bytes = STANDARD.encode(&jpeg[at..until.min(at + chunk)]);
        let piece = json!({ "upload": upload, "offset": at, "bytes": bytes });
        at = client.ok("photo_upload_chunk", piece)["offset"].as_u64().unwrap() as usize;
    }
    (upload, at)
}

fn upload(client: &mut Client, session: &Value, name: &str, jpeg: &[u8]) -> Value {
    let begin = announced(session, name, &cid(), jpeg);
    let (upload, _) = send(client, &begin, jpeg, jpeg.len());
    client.ok("photo_upload_commit", json!({ "upload": upload }))
}

/// Status and body of a picture.
fn fetch(server: &Server, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(format!("http://{}{path}", server.address));
    if let Some(range) = range {
        request = request.header("Range", range);
    }
    let mut answer = request.call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_photo_from_the_camera_to_everybody_and_back() {
    let server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::json(&server, &ann);
    let mut at_bob = Client::connect(&server, &bob, Encoding::MessagePack);
    let guests = json!({ "guest": { "download": "preview" } });
    let (session, code) = session(&mut at_ann, json!({ "permissions": guests }));

    // Bob comes in by the code, typed as people type.
    let wrong = at_bob.refused("join_session", json!({ "code": "22222222" }));
    assert_eq!(wrong, "forbidden");
    let typed = format!("{} {}", &text(&code)[..4].to_lowercase(), &text(&code)[4..]);
    let joined = at_bob.ok("join_session", json!({ "code": typed }));
    assert_eq!((&joined["room"], &joined["role"]), (&session, &json!("guest")));
    let query = text(&joined["media"]["query"]).to_owned();

    // Ann uploads, and Bob sees the photo, then its variants.
    let jpeg = picture(1, 1200, 800);
    let made = upload(&mut at_ann, &session, "IMG_0001.JPG", &jpeg);
    let shown = at_bob.expect("new_photo");
    assert_eq!((&shown["seq"], &shown["data"]["photo"]), (&made["seq"], &made["photo"]));
    assert_eq!((&shown["data"]["width"], &shown["data"]["height"]), (&json!(1200), &json!(800)));
    assert!(shown["data"]["thumbhash"].is_string() && shown["data"]["taken_at"].is_null());
    let ready = loop {
        let update = at_bob.expect("photo_status_updated");
        if update["data"]["status"] == "ready" {
            break update;
        }
    };
    assert_eq!(ready["data"]["variants"], json!([400, 1024, 2048]));
    let progress = at_ann.expect("upload_progress");
    assert_eq!(progress["data"]["size"], jpeg.len());
    let photo = text(&made["photo"]).to_owned();
    let address = |variant: &str| format!("/blobs/{photo}/{variant}?{query}");
    let (status, small) = fetch(&server, &address("400"), None);
    assert_eq!((status, &small[..2]), (200, &[0xFF, 0xD8][..]));
    let (status, part) = fetch(&server, &address("400"), Some("bytes=2-9"));
    assert_eq!((status, &part[..]), (206, &small[2..10]));
    assert_eq!(fetch(&server, &address("original"), None).0, 403, "he may have previews");
    assert_eq!(fetch(&server, &format!("/blobs/{photo}/400?e=1&s=v.x"), None).0, 403);

    // The same bytes are had already, from whomever, under whatever name.
    let again = upload(&mut at_ann, &session, "copy.jpg", &jpeg);
    assert_eq!((&again["photo"], &again["duplicate"]), (&made["photo"], &json!(true)));

    // Likes are counts, lists are the photographer's to see, comments are messages.
    let photos = json!([made["photo"]]);
    let like = json!({ "session": session, "photos": photos, "mark": "like", "on": true });
    at_bob.ok("photo_mark", like);
    assert_eq!(at_ann.expect("photo_counts")["data"]["photos"][0]["likes"], 1);
    let select = json!({ "session": session, "photos": photos, "mark": "select", "on": true });
    at_bob.ok("photo_mark", select);
    let selected = at_ann.expect("photo_selection");
    assert_eq!(
        (&selected["data"]["user"], &selected["data"]["count"]),
        (&json!(bob.id), &json!(1))
    );
    let lists = json!({ "session": session, "user": bob.id, "format": "finder" });
    assert_eq!(at_ann.ok("photo_selection_export", lists)["text"], "IMG_0001");
    let words = json!({ "session": session, "photo": photo, "cid": cid(), "text": "what a day" });
    at_bob.ok("photo_comment", words);
    let said = at_ann.expect("new_message");
    assert_eq!(
        (&said["data"]["photo"], &said["data"]["text"]),
        (&made["photo"], &json!("what a day"))
    );

    // All of it as one file.
    let zip = at_bob.ok("photo_download", json!({ "session": session }));
    let (status, zip) = fetch(&server, text(&zip["url"]), None);
    assert_eq!((status, &zip[..4]), (200, &b"PK\x03\x04"[..]));

    // Somebody without an account watches from the beginning.
    let guest = json!({ "code": code, "nickname": "uncle" });
    let (status, mut entered) = server.post("/api/auth/guest", "", &guest);
    assert_eq!((status, &entered["session"]), (201, &session), "{entered}");
    let token = json!({ "token": entered["access_token"].take() });
    let mut at_uncle = Client::open(&server, Encoding::Json);
    at_uncle.ok("auth", token);
    let missed = at_uncle.ok("join_session", json!({ "code": code, "after": 1 }));
    assert_eq!(missed["stale"], Value::Null);
    assert_eq!(at_uncle.expect("new_photo")["data"]["photo"], made["photo"]);
    assert_eq!(at_uncle.refused("friend_request", json!({ "user": bob.id })), "forbidden");

    // Ann takes the photo back: from the walls, from every address, from the log.
    let hidden = json!({ "session": session, "photos": photos, "state": "hidden" });
    at_ann.ok("photo_update", hidden);
    for viewer in [&mut at_bob, &mut at_uncle] {
        let gone = viewer.expect("photo_deleted");
        assert_eq!(
            (&gone["data"]["photos"], &gone["data"]["targets"]),
            (&photos, &json!([made["seq"]]))
        );
        let page = viewer.ok("history", json!({ "room": session, "types": ["new_photo"] }));
        let shell = json!({ "photo": photo, "retracted": true });
        assert_eq!(page["events"][0]["data"], shell);
        assert_eq!(viewer.ok("photo_list", json!({ "session": session }))["items"], json!([]));
    }
    assert_eq!(fetch(&server, &address("400"), None).0, 410);

    // With another code nobody who came by the first one stays.
    at_ann.ok("photo_session_update", json!({ "session": session, "renew_code": true }));
    assert_eq!(at_bob.expect("session_updated")["data"]["code"], true);
    assert_eq!(at_bob.refused("photo_list", json!({ "session": session })), "forbidden");
    let grant = json!({ "session": session, "grant": joined["grant"], "after": 3 });
    assert_eq!(at_bob.refused("join_session", grant), "forbidden");
    assert_eq!(fetch(&server, &address("1024"), None).0, 403, "signatures are dead with it");
}

#[test]
fn an_editor_lets_photos_through() {
    let server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let (ann, bob, eve) = (server.register("ann"), server.register("bob"), server.register("eve"));
    let mut at_ann = Client::json(&server, &ann);
    let mut at_bob = Client::json(&server, &bob);
    let mut at_eve = Client::json(&server, &eve);
    let (session, code) = session(&mut at_ann, json!({ "gate": true }));
    let member = |user: &str, role: &str| json!({ "session": session, "user": user, "role": role });
    at_ann.ok("photo_session_member", member(&bob.id, "photographer"));
    at_eve.ok("join_session", json!({ "code": code }));
    let made: Vec<Value> = (1..=3)
        .map(|number| {
            upload(&mut at_bob, &session, &format!("{number}.jpg"), &picture(number, 60, 40))
        })
        .collect();
    assert_eq!(at_eve.expect("photo_pending")["data"]["photo"], made[0]["photo"]);
    assert_eq!(at_eve.ok("photo_list", json!({ "session": session }))["items"], json!([]));
    let photos = json!([made[0]["photo"], made[2]["photo"]]);
    let live = json!({ "session": session, "photos": photos, "state": "live" });
    assert_eq!(
        at_bob.refused("photo_update", live.clone()),
        "forbidden",
        "he takes, others choose"
    );
    at_ann.ok("photo_update", live);
    let shown = [at_eve.expect("new_photo"), at_eve.expect("new_photo")];
    assert_eq!(json!([shown[0]["data"]["photo"], shown[1]["data"]["photo"]]), photos);
    let list = |client: &mut Client| {
        let list = client.ok("photo_list", json!({ "session": session }));
        list["items"].as_array().unwrap().len()
    };
    assert_eq!((list(&mut at_eve), list(&mut at_bob)), (2, 3));
    at_ann.ok("photo_session_close", json!({ "session": session }));
    assert_eq!(at_eve.expect("session_closed")["data"]["reason"], "closed");
    let begin = announced(&session, "late.jpg", &cid(), &picture(9, 60, 40));
    assert_eq!(at_bob.refused("photo_upload_begin", begin), "gone");
}

#[test]
fn what_is_no_picture_is_refused_early_and_what_is_broken_costs_itself_only() {
    let server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let ann = server.register("ann");
    let mut at_ann = Client::json(&server, &ann);
    let (session, _) = session(&mut at_ann, json!({}));
    let html = b"<!doctype html><script>alert(1)</script>".repeat(100);
    let mut begun = at_ann.ok("photo_upload_begin", announced(&session, "a.jpg", &cid(), &html));
    let piece =
        json!({ "upload": begun["upload"].take(), "offset": 0, "bytes": STANDARD.encode(&html) });
    assert_eq!(at_ann.refused("photo_upload_chunk", piece.clone()), "bad_request");
    assert_eq!(at_ann.refused("photo_upload_chunk", piece), "not_found", "it is gone");

    let jpeg = picture(2, 600, 400);
    // Cut in the middle: recognised as a picture, and not one when it is looked at.
    let cut = &jpeg[..jpeg.len() / 4];
    let (broken, _) =
        send(&mut at_ann, &announced(&session, "cut.jpg", &cid(), cut), cut, cut.len());
    assert_eq!(at_ann.refused("photo_upload_commit", json!({ "upload": broken })), "bad_request");

    // Other bytes than were announced.
    let mut begin = announced(&session, "other.jpg", &cid(), &jpeg);
    begin["sha256"] = json!("0".repeat(64));
    let (other, _) = send(&mut at_ann, &begin, &jpeg, jpeg.len());
    assert_eq!(at_ann.refused("photo_upload_commit", json!({ "upload": other })), "bad_request");
    let piece = |offset: usize| json!({ "upload": other, "offset": offset, "bytes": "AAAA" });
    assert_eq!(at_ann.refused("photo_upload_chunk", piece(0)), "not_found");

    // A piece at another place, and the way back.
    let (whole, at) = send(&mut at_ann, &announced(&session, "b.jpg", &cid(), &jpeg), &jpeg, 1_000);
    let early = at_ann.ask("photo_upload_commit", json!({ "upload": whole }));
    assert_eq!(
        (&early["data"]["code"], &early["data"]["details"]["offset"]),
        (&json!("conflict"), &json!(at))
    );
    at_ann.ok("photo_upload_abort", json!({ "upload": whole }));
    upload(&mut at_ann, &session, "b.jpg", &jpeg);

    // A mark that no font of this machine can write is refused before a photo goes without it.
    let watermark = json!({ "text": "\u{13000}" });
    let marked = json!({ "cid": cid(), "title": "marked", "watermark": watermark });
    assert_eq!(at_ann.refused("photo_session_create", marked), "bad_request");
}

#[test]
fn photos_survive_a_kill_and_half_an_upload_goes_on() {
    let mut server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let ann = server.register("ann");
    let mut at_ann = Client::json(&server, &ann);
    let (session, _) = session(&mut at_ann, json!({}));
    let half = picture(100, 900, 700);
    let begin = announced(&session, "half.jpg", &cid(), &half);
    let (first, at) = send(&mut at_ann, &begin, &half, half.len() / 2);
    // Committed just before the plug is pulled: the variants are on their way.
    let mut made: Vec<Value> = (1..=3)
        .map(|number| {
            upload(&mut at_ann, &session, &format!("{number}.jpg"), &picture(number, 1600, 1200))
        })
        .collect();
    server.kill();
    server.start_again();
    let mut at_ann = Client::json(&server, &ann);
    let begun = at_ann.ok("photo_upload_begin", begin.clone());
    assert_eq!((&begun["upload"], &begun["offset"]), (&first, &json!(at)));
    let (again, _) = send(&mut at_ann, &begin, &half, half.len());
    made.push(at_ann.ok("photo_upload_commit", json!({ "upload": again })));
    let once_more = at_ann.ok("photo_upload_commit", json!({ "upload": again }));
    assert_eq!((&once_more["photo"], &once_more["duplicate"]), (&made[3]["photo"], &json!(true)));

    let list = json!({ "session": session });
    let ready = |list: &Value| {
        list["items"].as_array().unwrap().iter().all(|photo| photo["status"] == "ready")
    };
    let listed = at_ann.ok_when("photo_list", &list, ready);
    let mut seqs: Vec<_> = listed["items"].as_array().unwrap().iter().map(|p| &p["seq"]).collect();
    seqs.sort_by_key(|seq| seq.as_u64());
    assert_eq!(seqs, made.iter().map(|made| &made["seq"]).collect::<Vec<_>>(), "each of them once");
    let media = at_ann.ok("session_media", json!({ "session": session }));
    for made in &made {
        for variant in ["400", "1024", "2048", "original"] {
            let path =
                format!("/blobs/{}/{variant}?{}", text(&made["photo"]), text(&media["query"]));
            assert_eq!(fetch(&server, &path, None).0, 200, "{path}");
        }
    }
}
