//! Group 7: the closing handshake.

use super::{Case, case, close_heard, text_heard};
use crate::client::{
    BINARY, CLOSE, CONTINUATION, FIN, Heard, PING, TEXT, close, frame, header, text,
};

const VALID_CODES: [u16; 17] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4101,
    4999,
];

/// Never assigned, for use inside an endpoint only, or out of range.
const INVALID_CODES: [u16; 16] =
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32_768, 65_535];

pub(crate) fn cases() -> Vec<Case> {
    [order(), payloads(), codes(), malformed()].into_iter().flatten().collect()
}

fn order() -> Vec<Case> {
    let bye = || close(1000, "");
    let heard = || close_heard(1000);
    let large = "x".repeat(256 * 1024);
    vec![
        case("7.1.1 after a message", [text("x"), bye()], [text_heard("x"), heard()]),
        case("7.1.2 twice", [bye(), bye()], [heard()]),
        case("7.1.3 a ping after it", [bye(), frame(FIN | PING, "late")], [heard()]),
        case("7.1.4 a text after it", [bye(), text("late")], [heard()]),
        case("nonsense after it", [bye(), vec![0xFF; 100]], [heard()]),
        case("7.1.5 inside a message", [frame(TEXT, "begun"), bye()], [heard()]),
        case(
            "7.1.5 the end of the message after it",
            [frame(TEXT, "begun"), bye(), frame(FIN | CONTINUATION, "late")],
            [heard()],
        ),
        case(
            "7.1.6 after a large message, and a ping behind it",
            [text(&large), bye(), frame(FIN | PING, "late")],
            [text_heard(&large), heard()],
        ),
        case("a large message after it", [bye(), frame(FIN | BINARY, &large)], [heard()]),
        case(
            "after a ping",
            [frame(FIN | PING, "p"), bye()],
            [Heard::Pong(b"p".to_vec()), heard()],
        ),
        case("the server's own", [text("!close 4001 why")], [close_heard(4001)]).with_answer(4001),
        case(
            "the server's own, behind what is pending",
            [text("!burst 2 3"), text("!close 1001 why"), text("unheard")],
            [Heard::Binary(b"xxx".to_vec()), Heard::Binary(b"xxx".to_vec()), close_heard(1001)],
        )
        .with_answer(1001),
    ]
}

impl Case {
    /// The server has said Close first and waits for ours, which is sent ahead here.
    fn with_answer(mut self, code: u16) -> Case {
        self.sent.extend(close(code, ""));
        self
    }
}

fn payloads() -> Vec<Case> {
    vec![
        case("7.3.1 without a payload", [frame(FIN | CLOSE, "")], [Heard::Close(None)]),
        case("7.3.2 of one byte", [frame(FIN | CLOSE, [3])], [close_heard(1002)]),
        case("7.3.3 with a code", [close(1000, "")], [close_heard(1000)]),
        case("7.3.4 with a reason", [close(1000, "because")], [close_heard(1000)]),
        case("7.3.5 with the longest reason", [close(1000, &"r".repeat(123))], [close_heard(1000)]),
        case("7.3.6 with a longer one", [close(1000, &"r".repeat(124))], [close_heard(1002)]),
        case("a reason beyond ASCII", [close(1000, "再见")], [close_heard(1000)]),
        case(
            "7.5.1 a reason that is not UTF-8",
            [frame(FIN | CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80")],
            [close_heard(1007)],
        ),
        case(
            "a reason that ends inside a character",
            [frame(FIN | CLOSE, b"\x03\xe8\xce")],
            [close_heard(1007)],
        ),
    ]
}

fn codes() -> Vec<Case> {
    let valid = VALID_CODES
        .map(|code| case(format!("7.7 code {code}"), [close(code, "")], [close_heard(code)]));
    let invalid = INVALID_CODES.into_iter().flat_map(|code| {
        [
            case(format!("7.9 code {code}"), [close(code, "")], [close_heard(1002)]),
            case(
                format!("7.9 code {code} with a reason"),
                [close(code, "why")],
                [close_heard(1002)],
            ),
        ]
    });
    valid.into_iter().chain(invalid).collect()
}

fn malformed() -> Vec<Case> {
    vec![
        case("in fragments", [frame(CLOSE, [3, 232])], [close_heard(1002)]),
        case("of 126 bytes", [header(FIN | CLOSE, 126)], [close_heard(1002)]),
        case(
            "inside a message, in fragments",
            [frame(TEXT, "begun"), frame(CLOSE, "")],
            [close_heard(1002)],
        ),
        case(
            "a text after a broken protocol",
            [frame(FIN | 0x3, ""), text("late"), close(1000, "")],
            [close_heard(1002)],
        ),
    ]
}
