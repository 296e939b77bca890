//! Frames that are refused, and how.

use salon_protocol::limits;

use crate::book::{CLIENT, Long, RefusedEntry, hex, msgpack_of};
use crate::people::*;
use crate::photos;

pub(crate) fn entry(name: &str, about: &str, error: &str) -> RefusedEntry {
    RefusedEntry {
        name: name.into(),
        direction: CLIENT.into(),
        about: about.into(),
        json: None,
        msgpack: None,
        long_json: None,
        wire: None,
        error: Some(error.into()),
        field: None,
        close: None,
    }
}

/// In one encoding only.
pub(crate) fn json(name: &str, about: &str, error: &str, text: &str) -> RefusedEntry {
    RefusedEntry { json: Some(text.into()), ..entry(name, about, error) }
}

fn msgpack(name: &str, about: &str, bytes: &[u8]) -> RefusedEntry {
    RefusedEntry { msgpack: Some(hex(bytes)), ..entry(name, about, "bad_frame") }
}

/// A field that is wrong, in both encodings.
pub(crate) fn field(
    name: &str,
    about: &str,
    (error, field): (&str, &str),
    text: &str,
) -> RefusedEntry {
    RefusedEntry {
        msgpack: Some(hex(&msgpack_of(text))),
        field: (!field.is_empty()).then(|| field.into()),
        ..json(name, about, error, text)
    }
}

pub(crate) fn long(
    name: &str,
    about: &str,
    field: &str,
    [before, repeat, after]: [&str; 3],
    times: usize,
) -> RefusedEntry {
    let long = Long { before: before.into(), repeat: repeat.into(), times, after: after.into() };
    let field = Some(field.into());
    RefusedEntry { long_json: Some(long), field, ..entry(name, about, "too_large") }
}

/// Bytes that end the socket.
fn wire(name: &str, about: &str, close: u16, bytes: &[u8]) -> RefusedEntry {
    RefusedEntry {
        wire: Some(hex(bytes)),
        error: None,
        close: Some(close),
        ..entry(name, about, "")
    }
}

pub(crate) fn all() -> Vec<RefusedEntry> {
    let mut all = bad_json();
    all.extend(bad_messagepack());
    all.extend(bad_fields());
    all.extend(too_long());
    all.extend(photos::refused::all());
    all.extend(wires());
    all
}

fn bad_json() -> Vec<RefusedEntry> {
    let bad = |name, about, text: &str| json(name, about, "bad_frame", text);
    let deep = format!(r#"{{"type":"ping","data":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    vec![
        bad("json_empty", "An empty text.", ""),
        bad("json_broken", "No JSON.", r#"{"type":"ping""#),
        bad("json_two_frames", "One message is one frame.", r#"{"type":"ping"}{"type":"ping"}"#),
        bad("json_not_a_map", "An array.", r#"["ping",1,{}]"#),
        bad("json_no_type", "No `type`.", r#"{"ref":1,"data":{}}"#),
        bad("json_type_not_a_string", "`type` is a number.", r#"{"type":1}"#),
        bad("json_key_twice", "A field of the envelope twice.", r#"{"type":"ping","type":"ping"}"#),
        bad("json_ref_negative", "`ref` is negative.", r#"{"type":"ping","ref":-1}"#),
        bad("json_ref_text", "`ref` is a string.", r#"{"type":"ping","ref":"1"}"#),
        bad("json_ref_fraction", "`ref` is no integer.", r#"{"type":"ping","ref":1.5}"#),
        bad("json_ref_too_large", "`ref` is 2^53.", r#"{"type":"ping","ref":9007199254740992}"#),
        bad("json_too_deep", "Nesting of 33 levels.", &deep),
        bad("json_lone_surrogate", "Half of a character.", r#"{"type":"\ud83d"}"#),
    ]
}

fn bad_messagepack() -> Vec<RefusedEntry> {
    let with = |data: &[u8]| [b"\x82\xa4type\xa4ping\xa4data", data].concat();
    let mut deep = with(&[0x91; 32]);
    deep.push(0xC0);
    vec![
        msgpack("msgpack_empty", "No bytes.", b""),
        msgpack("msgpack_cut", "The end is missing.", b"\x82\xa4type\xa4ping\xa3ref"),
        msgpack("msgpack_trailing", "A byte behind the frame.", b"\x81\xa4type\xa4ping\xc0"),
        msgpack("msgpack_not_a_map", "An array.", b"\x92\xa4ping\x01"),
        msgpack("msgpack_no_type", "No `type`.", b"\x81\xa3ref\x01"),
        msgpack("msgpack_key_not_a_string", "A number as key.", b"\x82\xa4type\xa4ping\x01\x01"),
        msgpack(
            "msgpack_key_twice",
            "A field of the envelope twice.",
            b"\x82\xa4type\xa4ping\xa4type\xa4ping",
        ),
        msgpack(
            "msgpack_ref_float",
            "`ref` is a float.",
            b"\x82\xa4type\xa4ping\xa3ref\xca\x3f\x80\0\0",
        ),
        msgpack(
            "msgpack_huge_map",
            "A map of 2^32-1 entries is announced.",
            b"\xdf\xff\xff\xff\xff",
        ),
        msgpack(
            "msgpack_huge_string",
            "A string of 2^32-1 bytes is announced.",
            &with(b"\xdb\xff\xff\xff\xff"),
        ),
        msgpack(
            "msgpack_huge_array",
            "An array of 2^32-1 items is announced.",
            &with(b"\xdd\xff\xff\xff\xff"),
        ),
        msgpack(
            "msgpack_huge_bin",
            "A bin of 2^32-1 bytes is announced.",
            &with(b"\xc6\xff\xff\xff\xff"),
        ),
        msgpack("msgpack_extension", "An extension type.", &with(b"\xd4\x01\x01")),
        msgpack("msgpack_never_used", "The byte that MessagePack never uses.", &with(b"\xc1")),
        msgpack("msgpack_nan", "Not a number.", &with(b"\xcb\x7f\xf8\0\0\0\0\0\0")),
        msgpack("msgpack_infinite", "Infinity.", &with(b"\xca\x7f\x80\0\0")),
        msgpack("msgpack_too_large", "2^63.", &with(b"\xcf\x80\0\0\0\0\0\0\0")),
        msgpack("msgpack_too_deep", "Nesting of 33 levels.", &deep),
    ]
}

fn bad_fields() -> Vec<RefusedEntry> {
    let (room, cid, eve) = (club(), cid(2), eve());
    let read = |seq: &str| {
        format!(r#"{{"type":"message_read","ref":1,"data":{{"room":"{room}","seq":{seq}}}}}"#)
    };
    let of_room = |kind: &str, rest: &str| {
        format!(r#"{{"type":"{kind}","ref":1,"data":{{"room":"{room}"{rest}}}}}"#)
    };
    let send = |rest: &str| of_room("send_message", &format!(r#","cid":"{cid}"{rest}"#));
    let bad = |name, about, at, text: String| field(name, about, ("bad_request", at), &text);
    let mut all = vec![
        field(
            "unknown_type",
            "A type that is not known.",
            ("unknown_type", ""),
            r#"{"type":"teleport","ref":1}"#,
        ),
        field(
            "event_from_client",
            "Events come from the server only.",
            ("unknown_type", ""),
            r#"{"type":"new_message","ref":1}"#,
        ),
        bad(
            "data_not_a_map",
            "`data` is an array.",
            "data",
            r#"{"type":"ping","ref":1,"data":[]}"#.into(),
        ),
        bad("field_missing", "A field is missing.", "seq", of_room("message_read", "")),
        bad("field_null", "A field that is needed is null.", "seq", read("null")),
        bad("field_wrong_type", "A string for a number.", "seq", read("\"42\"")),
        bad("seq_negative", "A negative position.", "seq", read("-1")),
        bad("seq_fraction", "A position with a fraction.", "seq", read("1.0")),
        bad("seq_too_large", "A position of 2^53.", "seq", read("9007199254740992")),
        bad(
            "id_not_canonical",
            "An id without hyphens.",
            "room",
            r#"{"type":"typing","ref":1,"data":{"room":"0192e4a01111700080000000000000001"}}"#
                .into(),
        ),
        bad(
            "cid_missing",
            "No `cid`.",
            "cid",
            of_room("send_message", r#","kind":"text","text":"a""#),
        ),
        bad(
            "kind_unknown",
            "A kind that does not exist.",
            "kind",
            send(r#","kind":"video","text":"a""#),
        ),
        bad("kind_number", "A kind as a number.", "kind", send(r#","kind":0,"text":"a""#)),
        bad("kind_map", "A kind as a map.", "kind", send(r#","kind":{"text":null},"text":"a""#)),
        bad("text_missing", "A text message without a text.", "text", send(r#","kind":"text""#)),
        bad("text_empty", "An empty text.", "text", send(r#","kind":"text","text":"""#)),
        bad("text_nul", "NUL in a text.", "text", send(r#","kind":"text","text":"a\u0000b""#)),
        bad(
            "text_with_body",
            "A text message with a body.",
            "body",
            send(r#","kind":"text","text":"a","body":{}"#),
        ),
        bad(
            "custom_with_text",
            "A custom message with a text.",
            "text",
            send(r#","kind":"custom","text":"a","body":{}"#),
        ),
        bad(
            "body_not_a_map",
            "A body that is no map.",
            "body",
            send(r#","kind":"custom","body":[]"#),
        ),
        bad(
            "image_without_size",
            "A picture without a height.",
            "body",
            send(&format!(r#","kind":"image","body":{{"blob":"{room}","width":1,"size":1}}"#)),
        ),
        bad(
            "mention_unknown_word",
            "Neither an id nor `all`.",
            "mentions[0]",
            send(r#","kind":"text","text":"a","mentions":["everyone"]"#),
        ),
        bad("join_room_both", "`room` and `link`.", "room", of_room("join_room", r#","link":"x""#)),
        bad("invite_nobody", "Nobody to invite.", "users", of_room("invite", r#","users":[]"#)),
        bad(
            "history_both",
            "`before` and `after`.",
            "after",
            of_room("history", r#","before":9,"after":1"#),
        ),
        bad("history_limit_0", "A page of nothing.", "limit", of_room("history", r#","limit":0"#)),
        bad(
            "history_limit_201",
            "A page that is too long.",
            "limit",
            of_room("history", r#","limit":201"#),
        ),
        bad(
            "history_type_unknown",
            "A type that is no event.",
            "types",
            of_room("history", r#","types":["typing"]"#),
        ),
        bad(
            "emoji_with_space",
            "White space in an emoji.",
            "emoji",
            of_room("react", r#","seq":1,"emoji":"a b","on":true"#),
        ),
        bad(
            "slow_mode_too_long",
            "More than an hour.",
            "slow_mode_ms",
            of_room("room_update", r#","slow_mode_ms":3600001"#),
        ),
        bad(
            "until_negative",
            "A time before 1970.",
            "until",
            of_room("mute", &format!(r#","user":"{eve}","until":-1"#)),
        ),
        bad(
            "device_with_space",
            "A device id with a space.",
            "device",
            r#"{"type":"auth","ref":1,"data":{"device":"my phone"}}"#.into(),
        ),
        bad(
            "positions_fraction",
            "A position with a fraction.",
            &format!("rooms.{room}"),
            format!(r#"{{"type":"auth","ref":1,"data":{{"rooms":{{"{room}":1.5}}}}}}"#),
        ),
    ];
    let twice =
        format!(r#"{{"type":"message_read","ref":1,"data":{{"room":"{room}","seq":1,"seq":2}}}}"#);
    all.push(RefusedEntry {
        field: Some("seq".into()),
        ..json("field_twice", "A field twice.", "bad_request", &twice)
    });
    all
}

fn too_long() -> Vec<RefusedEntry> {
    let before = format!(
        r#"{{"type":"send_message","ref":1,"data":{{"room":"{}","cid":"{}","#,
        club(),
        cid(2),
    );
    let text = format!(r#"{before}"kind":"text","text":""#);
    let body = format!(r#"{before}"kind":"custom","body":{{"a":""#);
    let mentions = format!(r#"{before}"kind":"text","text":"a","mentions":["all""#);
    let name = format!(r#"{{"type":"create_room","ref":1,"data":{{"cid":"{}","name":""#, cid(1));
    let ids = format!(r#"{{"type":"users_get","ref":1,"data":{{"ids":["{}""#, ann());
    let (end, id) = ("\"}}", format!(r#","{}""#, bob()));
    vec![
        long(
            "text_too_long",
            "10,001 characters.",
            "text",
            [&text, "语", end],
            limits::TEXT_CHARS_MAX + 1,
        ),
        long(
            "body_too_long",
            "More than 8 KiB.",
            "body",
            [&body, "x", "\"}}}"],
            limits::BODY_BYTES_MAX,
        ),
        long(
            "mentions_too_many",
            "101 mentions.",
            "mentions",
            [&mentions, ",\"all\"", "]}}"],
            limits::MENTIONS_MAX,
        ),
        long(
            "name_too_long",
            "101 characters.",
            "name",
            [&name, "x", end],
            limits::ROOM_NAME_CHARS_MAX + 1,
        ),
        long("ids_too_many", "201 users.", "ids", [&ids, &id, "]}}"], limits::USERS_PER_CALL_MAX),
    ]
}

fn wires() -> Vec<RefusedEntry> {
    let masked = |first: &[u8], payload: &[u8]| [first, &[0; 4], payload].concat();
    let announced = (limits::FRAME_BYTES_MAX as u64 + 1).to_be_bytes();
    vec![
        wire("wire_not_masked", "A frame without a mask.", 1002, b"\x81\x0f{\"type\":\"ping\"}"),
        wire(
            "wire_compressed",
            "A reserved bit: no extension was agreed on.",
            1002,
            &masked(b"\xc1\x82", b"{}"),
        ),
        wire("wire_not_utf8", "A text that is not UTF-8.", 1007, &masked(b"\x81\x82", b"\xc3\x28")),
        wire(
            "wire_too_big",
            "One byte more than `limits.frame` is announced.",
            1009,
            &masked(&[b"\x82\xff", &announced[..]].concat(), b""),
        ),
        wire(
            "wire_huge",
            "2^40 bytes are announced.",
            1009,
            &masked(b"\x82\xff\0\0\x01\0\0\0\0\0", b""),
        ),
    ]
}
