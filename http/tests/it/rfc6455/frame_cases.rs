//! Groups 2, 3 and 4 and the mask: pings and pongs, reserved bits, reserved opcodes.

use super::{Case, case, close_heard, text_heard};
use crate::client::{BINARY, CLOSE, CONTINUATION, FIN, Heard, PING, PONG, TEXT, frame, text};

pub(crate) fn cases() -> Vec<Case> {
    [pings(), pongs(), reserved_bits(), reserved_opcodes(), masks()].into_iter().flatten().collect()
}

fn ping(payload: &[u8]) -> Vec<u8> {
    frame(FIN | PING, payload)
}

fn pings() -> Vec<Case> {
    let answered = [0, 1, 2, 7, 8, 9, 15, 16, 31, 63, 64, 100, 123, 124, 125].map(|bytes| {
        let payload: Vec<u8> = (0..bytes).map(|byte| byte ^ 0xF0).collect();
        case(format!("2.2 a ping of {bytes}"), [ping(&payload)], [Heard::Pong(payload)])
    });
    let refused = [126, 127, 65_536].map(|bytes| {
        case(format!("2.5 a ping of {bytes}"), [ping(&vec![0; bytes])], [close_heard(1002)])
    });
    let numbers = || (0..10).map(|number| vec![number; 3]);
    let ten = [
        case("2.10 ten pings", numbers().map(|payload| ping(&payload)), numbers().map(Heard::Pong)),
        case(
            "2.11 ten pings in small pieces",
            numbers().map(|payload| ping(&payload)),
            numbers().map(Heard::Pong),
        )
        .in_pieces_of(4),
    ];
    answered.into_iter().chain(refused).chain(ten).collect()
}

fn pongs() -> Vec<Case> {
    let pong = |payload: &str| frame(FIN | PONG, payload);
    vec![
        case("2.7 a pong that nobody asked for", [pong("")], []),
        case("2.8 the same with a payload", [pong("unasked")], []),
        case(
            "2.9 the same, then a ping",
            [pong("unasked"), ping(b"asked")],
            [Heard::Pong(b"asked".to_vec())],
        ),
        case("a pong of 125", [pong(&"p".repeat(125))], []),
        case("a pong of 126", [pong(&"p".repeat(126))], [close_heard(1002)]),
        case(
            "a text between two pings",
            [ping(b"1"), text("2"), ping(b"3")],
            [Heard::Pong(b"1".to_vec()), text_heard("2"), Heard::Pong(b"3".to_vec())],
        ),
    ]
}

fn reserved_bits() -> Vec<Case> {
    let alone = (1..8).map(|bits| {
        let sent = [frame(FIN | bits << 4 | TEXT, "small")];
        case(format!("3.1 reserved bits {bits} in a text"), sent, [close_heard(1002)])
    });
    let after_a_text = (1..8).map(|bits| {
        let sent = [text("fine"), frame(FIN | bits << 4 | BINARY, "small"), ping(b"")];
        case(
            format!("3.2 reserved bits {bits} after a text"),
            sent,
            [text_heard("fine"), close_heard(1002)],
        )
    });
    let others = [("ping", PING), ("pong", PONG), ("close", CLOSE)].map(|(name, opcode)| {
        let sent = [frame(FIN | 0x40 | opcode, "")];
        case(format!("3.5 a reserved bit in a {name}"), sent, [close_heard(1002)])
    });
    let fragment = case(
        "3.4 a reserved bit in a continuation",
        [frame(TEXT, "a"), frame(FIN | 0x10 | CONTINUATION, "b")],
        [close_heard(1002)],
    );
    alone.chain(after_a_text).chain(others).chain([fragment]).collect()
}

fn reserved_opcodes() -> Vec<Case> {
    (3..8)
        .chain(11..16)
        .flat_map(|opcode| {
            let empty = frame(FIN | opcode, "");
            let filled = frame(FIN | opcode, "reserved");
            [
                case(format!("4.1 opcode {opcode}"), [empty.clone()], [close_heard(1002)]),
                case(format!("4.1 opcode {opcode} filled"), [filled], [close_heard(1002)]),
                case(
                    format!("4.1 opcode {opcode} between texts"),
                    [text("before"), empty.clone(), text("after")],
                    [text_heard("before"), close_heard(1002)],
                ),
                case(
                    format!("4.1 opcode {opcode} inside a message"),
                    [frame(TEXT, "begun"), empty],
                    [close_heard(1002)],
                ),
            ]
        })
        .collect()
}

fn masks() -> Vec<Case> {
    let unmasked =
        |first: u8, payload: &str| [&[first, payload.len() as u8], payload.as_bytes()].concat();
    let with_mask = |mask: [u8; 4]| {
        let payload = b"masked".iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        [vec![FIN | TEXT, 0x80 | 6], mask.to_vec(), payload.collect()].concat()
    };
    let refused = [("text", TEXT), ("binary", BINARY), ("ping", PING), ("pong", PONG)].map(
        |(name, opcode)| {
            let sent = [unmasked(FIN | opcode, "bare")];
            case(format!("an unmasked {name}"), sent, [close_heard(1002)])
        },
    );
    let more = [
        case("an unmasked close", [unmasked(FIN | CLOSE, "")], [close_heard(1002)]),
        case(
            "an unmasked continuation",
            [frame(TEXT, "a"), unmasked(FIN | CONTINUATION, "b")],
            [close_heard(1002)],
        ),
        case("a mask of zeros", [with_mask([0; 4])], [text_heard("masked")]),
        case("a mask of ones", [with_mask([0xFF; 4])], [text_heard("masked")]),
        case(
            "another mask for each frame",
            [with_mask([1, 2, 3, 4]), with_mask([9, 8, 7, 6])],
            [text_heard("masked"), text_heard("masked")],
        ),
    ];
    refused.into_iter().chain(more).collect()
}
