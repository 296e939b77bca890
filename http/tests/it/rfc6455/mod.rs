//! RFC 6455 as a table: what a client sends, what it must hear. The groups follow the numbers of the
//! Autobahn test suite where it has the same.
//!
//! Every case is sent whole and, if it is short, byte by byte; every case ends with both sides having
//! said Close and the server having ended TCP in order.

mod close_cases;
mod data_cases;
mod frame_cases;
mod limit_cases;
mod text_cases;

use crate::{
    client::{Client, Heard, goodbye},
    server::{TestServer, config, sockets},
};

/// The longest case that is also sent byte by byte.
const BYTEWISE_BYTES_MAX: usize = 700;

/// Bounds of the server under test, in bytes.
const FRAME_BYTES_MAX: usize = 256 * 1024;
const MESSAGE_BYTES_MAX: usize = 300 * 1024;

struct Case {
    name: String,
    sent: Vec<u8>,
    /// Bytes per write; 0 is all at once, and byte by byte too if it is short.
    piece_bytes: usize,
    heard: Vec<Heard>,
}

/// A case from the frames of a client and what it hears.
fn case(
    name: impl Into<String>,
    sent: impl IntoIterator<Item = Vec<u8>>,
    heard: impl IntoIterator<Item = Heard>,
) -> Case {
    Case {
        name: name.into(),
        sent: sent.into_iter().collect::<Vec<_>>().concat(),
        piece_bytes: 0,
        heard: heard.into_iter().collect(),
    }
}

impl Case {
    fn in_pieces_of(self, piece_bytes: usize) -> Case {
        Case { piece_bytes, ..self }
    }
}

fn text_heard(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

fn close_heard(code: u16) -> Heard {
    Heard::Close(Some(code))
}

/// Plays a case and says what went otherwise.
fn play(server: &TestServer, case: &Case, piece_bytes: usize) -> Option<String> {
    let mut client = Client::connect(server.address());
    for piece in case.sent.chunks(piece_bytes.max(1)) {
        client.send(piece);
    }
    let mut heard: Vec<_> = case.heard.iter().map(|_| client.next()).collect();
    let mut expected = case.heard.clone();
    if matches!(expected.last(), Some(Heard::Close(_))) {
        heard.push(client.next());
        expected.push(Heard::End);
    } else {
        heard.extend(client.say_goodbye());
        expected.extend(goodbye());
    }
    (heard != expected).then(|| {
        format!("{} in pieces of {piece_bytes}: heard {heard:?}, not {expected:?}", case.name)
    })
}

fn check(cases: Vec<Case>) {
    let server = TestServer::start(config(salon_http::websocket::SocketConfig {
        frame_bytes_max: FRAME_BYTES_MAX,
        message_bytes_max: MESSAGE_BYTES_MAX,
        ..sockets()
    }));
    let mut failed = Vec::new();
    for case in &cases {
        match case.piece_bytes {
            0 => failed.extend(play(&server, case, case.sent.len())),
            piece_bytes => failed.extend(play(&server, case, piece_bytes)),
        }
        if case.piece_bytes == 0 && case.sent.len() <= BYTEWISE_BYTES_MAX {
            failed.extend(play(&server, case, 1));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn data_and_fragments() {
    check(data_cases::cases());
}

#[test]
fn headers_pings_and_opcodes() {
    check(frame_cases::cases());
}

#[test]
fn text_is_utf8() {
    check(text_cases::cases());
}

#[test]
fn closing() {
    check(close_cases::cases());
}

#[test]
fn limits_on_what_is_announced() {
    check(limit_cases::cases());
}

#[test]
fn no_part_of_the_table_is_lost() {
    let counts = [
        data_cases::cases().len(),
        frame_cases::cases().len(),
        text_cases::cases().len(),
        close_cases::cases().len(),
        limit_cases::cases().len(),
    ];
    assert_eq!(counts, [61, 93, 203, 74, 30]);
}
