//! Groups 1, 5 and 10: messages of all sizes, whole and in fragments.

use super::{Case, case, close_heard, text_heard};
use crate::client::{BINARY, CONTINUATION, FIN, Heard, PING, PONG, TEXT, frame, text};

const SIZES: [usize; 13] =
    [0, 1, 124, 125, 126, 127, 128, 1000, 65_534, 65_535, 65_536, 65_537, 262_144];

pub(crate) fn cases() -> Vec<Case> {
    [sizes(), fragments(), illegal_fragments(), many_fragments()].into_iter().flatten().collect()
}

fn payload(bytes: usize) -> String {
    "*".repeat(bytes)
}

fn sizes() -> Vec<Case> {
    let whole = SIZES.into_iter().flat_map(|bytes| {
        let content = payload(bytes);
        let binary = frame(FIN | BINARY, &content);
        [
            case(format!("1.1 text of {bytes}"), [text(&content)], [text_heard(&content)]),
            case(format!("1.2 binary of {bytes}"), [binary], [Heard::Binary(content.into_bytes())]),
        ]
    });
    let in_pieces = [(65_536, 997), (65_536, 10_000), (262_144, 509), (262_144, 65_536)];
    let in_pieces = in_pieces.into_iter().map(|(bytes, piece_bytes)| {
        let content = payload(bytes);
        case(
            format!("1.1 text of {bytes} in writes of {piece_bytes}"),
            [text(&content)],
            [text_heard(&content)],
        )
        .in_pieces_of(piece_bytes)
    });
    whole.chain(in_pieces).collect()
}

fn fragments() -> Vec<Case> {
    let ping = || frame(FIN | PING, "ping");
    let pong = || Heard::Pong(b"ping".to_vec());
    let more = |part: &str| frame(CONTINUATION, part);
    let last = |part: &str| frame(FIN | CONTINUATION, part);
    let begin = |part: &str| frame(TEXT, part);
    vec![
        case("5.3 two fragments", [begin("one "), last("two")], [text_heard("one two")]),
        case(
            "5.6 a ping between fragments",
            [begin("one "), ping(), last("two")],
            [pong(), text_heard("one two")],
        ),
        case(
            "5.19 pings between five fragments",
            [begin("1"), more("2"), ping(), more("3"), more("4"), ping(), last("5")],
            [pong(), pong(), text_heard("12345")],
        ),
        case(
            "a pong between fragments",
            [begin("a"), frame(FIN | PONG, "unasked"), last("b")],
            [text_heard("ab")],
        ),
        case("all fragments empty", [begin(""), more(""), last("")], [text_heard("")]),
        case("the first empty", [begin(""), last("x")], [text_heard("x")]),
        case("the middle empty", [begin("x"), more(""), last("y")], [text_heard("xy")]),
        case("the last empty", [begin("x"), last("")], [text_heard("x")]),
        case(
            "binary fragments",
            [frame(BINARY, [0xFF, 0]), frame(FIN | CONTINUATION, [0x80])],
            [Heard::Binary(vec![0xFF, 0, 0x80])],
        ),
        case(
            "two fragmented messages",
            [begin("a"), last("b"), frame(BINARY, [1]), frame(FIN | CONTINUATION, [2])],
            [text_heard("ab"), Heard::Binary(vec![1, 2])],
        ),
        case(
            "a whole message after a fragmented one",
            [begin("a"), last("b"), text("c")],
            [text_heard("ab"), text_heard("c")],
        ),
        case("a message that never ends", [begin("a"), more("b")], []),
    ]
}

fn illegal_fragments() -> Vec<Case> {
    let refused = || close_heard(1002);
    let more = || frame(CONTINUATION, "more");
    let last = || frame(FIN | CONTINUATION, "last");
    let begin = || frame(TEXT, "begin");
    vec![
        case("5.1 a ping in fragments", [frame(PING, "a"), last()], [refused()]),
        case("5.2 a pong in fragments", [frame(PONG, "a"), last()], [refused()]),
        case("5.9 a last continuation of nothing", [last(), text("x")], [refused()]),
        case("5.12 a continuation of nothing", [more(), text("x")], [refused()]),
        case(
            "5.15 a continuation after a message in fragments",
            [begin(), last(), more(), text("x")],
            [text_heard("beginlast"), refused()],
        ),
        case(
            "a continuation after a whole message",
            [text("x"), last()],
            [text_heard("x"), refused()],
        ),
        case("5.18 text inside a text", [begin(), text("x")], [refused()]),
        case("text begins inside a text", [begin(), begin()], [refused()]),
        case("binary inside a text", [begin(), frame(FIN | BINARY, "x")], [refused()]),
        case("text inside a binary", [frame(BINARY, "x"), text("x")], [refused()]),
        case(
            "text inside a text, after a ping",
            [begin(), frame(FIN | PING, "p"), text("x")],
            [Heard::Pong(b"p".to_vec()), refused()],
        ),
    ]
}

fn many_fragments() -> Vec<Case> {
    [(65_536, 1300), (65_536, 64), (262_144, 4096), (4096, 1)]
        .into_iter()
        .flat_map(|(bytes, fragment_bytes)| {
            let content = payload(bytes);
            let parts: Vec<_> = content.as_bytes().chunks(fragment_bytes).collect();
            let frames = |opcode: u8| {
                let last = parts.len() - 1;
                let frames = parts.iter().enumerate().map(|(number, part)| {
                    let opcode = if number == 0 { opcode } else { CONTINUATION };
                    frame(opcode | if number == last { FIN } else { 0 }, part)
                });
                frames.collect::<Vec<_>>()
            };
            [
                case(
                    format!("10.1 text of {bytes} in fragments of {fragment_bytes}"),
                    frames(TEXT),
                    [text_heard(&content)],
                ),
                case(
                    format!("10.1 binary of {bytes} in fragments of {fragment_bytes}"),
                    frames(BINARY),
                    [Heard::Binary(content.clone().into_bytes())],
                ),
            ]
        })
        .collect()
}
