//! The file is what the values say, and the codec agrees with the file.

use std::collections::BTreeSet;
use std::sync::Once;

use salon_protocol::close_code::{self, Reconnect};
use salon_protocol::{CloseCode, Encoding, ErrorCode, EventData, Request, SignalData};

use crate::book::{Book, CLIENT, CloseEntry, SERVER, Vector, path, read_request, unhex};
use crate::{answers, odd, photos, pushes, refused, requests};

fn vectors() -> Vec<Vector> {
    let chat = [requests::all(), odd::all(), answers::all(), pushes::all()];
    let photos = [photos::requests::all(), photos::answers::all(), photos::pushes::all()];
    chat.into_iter().chain(photos).flatten().collect()
}

fn closes() -> Vec<CloseEntry> {
    let close = |code: &CloseCode| {
        let bye = match code {
            CloseCode::Unauthorized => Some("bye_unauthorized"),
            CloseCode::SessionEnded => Some("bye_session_ended"),
            CloseCode::Disabled => Some("bye_disabled"),
            CloseCode::Replaced => Some("bye_replaced"),
            CloseCode::Flood => Some("bye_flood"),
            CloseCode::Shutdown => Some("bye_shutdown"),
            CloseCode::Overloaded => Some("bye_overloaded"),
            // From below the application, which has no word then.
            CloseCode::Silent
            | CloseCode::Protocol
            | CloseCode::NotUtf8
            | CloseCode::TooBig
            | CloseCode::Internal
            | CloseCode::SlowConsumer => None,
        };
        CloseEntry {
            code: code.code(),
            reason: code.reason().into(),
            reconnect: reconnect_name(code.reconnect()).into(),
            bye: bye.map(str::to_owned),
        }
    };
    CloseCode::ALL.iter().map(close).collect()
}

pub(crate) fn reconnect_name(reconnect: Reconnect) -> &'static str {
    match reconnect {
        Reconnect::Never => "never",
        Reconnect::WithBackoff => "backoff",
        Reconnect::AfterDelay => "after_delay",
    }
}

const ABOUT: &str = "Golden vectors of Salon's socket protocol, see PROTOCOL.md. \
    `json` is the text of a text message, `msgpack` the bytes of a binary message, in hexadecimal \
    digits; both mean the same. What the server sends is equal to its vector byte for byte, but \
    for the order of the keys inside a message's `body`.";

/// The text that the file should have.
fn written() -> String {
    let frames = vectors().into_iter().map(|vector| vector.entry).collect();
    let book = Book { about: ABOUT.into(), frames, refused: refused::all(), closes: closes() };
    serde_json::to_string_pretty(&book).unwrap() + "\n"
}

/// The book as it is on disk, after it was brought up to date if that is asked for.
pub(crate) fn on_disk() -> Book {
    static UPDATE: Once = Once::new();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        UPDATE.call_once(|| std::fs::write(path("vectors.json"), written()).unwrap());
    }
    let text = std::fs::read_to_string(path("vectors.json")).expect("UPDATE_VECTORS=1 writes it");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_file_is_what_the_values_say() {
    let book = on_disk();
    for (ours, theirs) in vectors().iter().zip(&book.frames) {
        assert_eq!(&ours.entry, theirs);
    }
    let text = std::fs::read_to_string(path("vectors.json")).unwrap();
    let same = text == written();
    assert!(same, "vectors.json is old: run with UPDATE_VECTORS=1 and look at the difference");
}

#[test]
fn every_vector_means_the_same_in_both_encodings() {
    let book = on_disk();
    for vector in vectors() {
        let name = &vector.entry.name;
        let entry = book.frames.iter().find(|entry| entry.name == *name).expect(name);
        (vector.check)(Encoding::Json, entry.json.as_bytes());
        (vector.check)(Encoding::MessagePack, &unhex(&entry.msgpack));
    }
}

#[test]
fn every_type_and_every_code_has_a_vector() {
    let book = on_disk();
    let of = |direction: &str| {
        let frames = book.frames.iter().filter(move |entry| entry.direction == direction);
        frames.map(|entry| entry.kind.as_str()).collect::<BTreeSet<_>>()
    };
    let requests: BTreeSet<&str> = Request::NAMES.iter().copied().collect();
    assert_eq!(of(CLIENT), requests);
    let answered: BTreeSet<&str> =
        book.frames.iter().filter_map(|entry| entry.answers.as_deref()).collect();
    assert_eq!(answered, requests);
    let pushes = [EventData::NAMES, SignalData::NAMES, &["ok", "error", "bye"]].concat();
    assert_eq!(of(SERVER), pushes.into_iter().collect());

    let data_of = |kind: &str, field: &str| -> Vec<serde_json::Value> {
        let frames = book.frames.iter().filter(|entry| entry.kind == kind);
        let data = frames.map(|entry| {
            let frame: serde_json::Value = serde_json::from_str(&entry.json).unwrap();
            frame["data"][field].clone()
        });
        data.collect()
    };
    let errors = data_of("error", "code");
    for code in ErrorCode::ALL {
        assert!(errors.contains(&code.name().into()), "{}", code.name());
    }
    for close in &book.closes {
        assert_eq!(reconnect_name(close_code::reconnect(close.code)), close.reconnect);
        let Some(bye) = &close.bye else { continue };
        let bye = book.frames.iter().find(|entry| entry.name == *bye).expect(bye);
        assert!(bye.json.contains(&format!("\"code\":{}", close.code)), "{}", bye.name);
    }
}

#[test]
fn names_are_unique() {
    let book = on_disk();
    let names = book.frames.iter().map(|entry| &entry.name);
    let names: Vec<_> = names.chain(book.refused.iter().map(|entry| &entry.name)).collect();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
}

#[test]
fn what_must_be_refused_is_refused() {
    for entry in on_disk().refused {
        let name = &entry.name;
        let long = entry.long_json.as_ref().map(|long| long.text());
        let json = entry.json.clone().or(long).map(|text| (Encoding::Json, text.into_bytes()));
        let msgpack = entry.msgpack.as_deref().map(|digits| (Encoding::MessagePack, unhex(digits)));
        // What ends a socket is below this crate; the tests of `salon-http` send the like.
        assert_eq!(entry.wire.is_some(), json.is_none() && msgpack.is_none(), "{name}");
        for (encoding, bytes) in json.into_iter().chain(msgpack) {
            let error = read_request(encoding, &bytes).expect_err(name);
            let field = error.details.as_ref().and_then(|details| details["field"].as_str());
            assert_eq!(Some(error.code.name()), entry.error.as_deref(), "{name} {encoding:?}");
            assert_eq!(field, entry.field.as_deref(), "{name} {encoding:?}");
        }
    }
}
