//! Group 9: what is too big is refused when it is announced; nothing of it is ever sent here.

use super::{Case, FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, case, close_heard};
use crate::client::{BINARY, CONTINUATION, FIN, Heard, PING, TEXT, frame, header};

pub(crate) fn cases() -> Vec<Case> {
    [frames(), messages(), forms()].into_iter().flatten().collect()
}

fn frames() -> Vec<Case> {
    let refused = [
        FRAME_BYTES_MAX as u64 + 1,
        1 << 20,
        (1 << 31) - 1,
        1 << 31,
        1 << 32,
        1 << 40,
        1 << 62,
        (1 << 63) - 1,
        1 << 63,
        u64::MAX,
    ];
    let refused = refused.into_iter().flat_map(|bytes| {
        [
            case(
                format!("a text of {bytes} is announced"),
                [header(FIN | TEXT, bytes)],
                [close_heard(1009)],
            ),
            case(
                format!("a binary of {bytes} is announced, in fragments"),
                [header(BINARY, bytes), vec![0; 100]],
                [close_heard(1009)],
            ),
        ]
    });
    let largest = vec![7; FRAME_BYTES_MAX];
    let granted =
        case("the largest frame", [frame(FIN | BINARY, &largest)], [Heard::Binary(largest)]);
    refused.chain([granted]).collect()
}

fn messages() -> Vec<Case> {
    let part = vec![7; MESSAGE_BYTES_MAX / 2];
    let whole = [&part[..], &part].concat();
    let halves = || [frame(BINARY, &part), frame(CONTINUATION, &part)];
    vec![
        case(
            "the largest message",
            halves().into_iter().chain([frame(FIN | CONTINUATION, "")]),
            [Heard::Binary(whole)],
        ),
        case(
            "a byte more is announced",
            halves().into_iter().chain([header(FIN | CONTINUATION, 1)]),
            [close_heard(1009)],
        ),
        case(
            "much more is announced",
            halves().into_iter().chain([header(CONTINUATION, 1 << 40)]),
            [close_heard(1009)],
        ),
        case(
            "a ping counts for nothing",
            halves().into_iter().chain([frame(FIN | PING, [1; 125])]),
            [Heard::Pong(vec![1; 125])],
        ),
        case(
            "small fragments without end",
            (0..400).map(|number| frame(if number == 0 { BINARY } else { 0 }, [0; 1000])),
            [close_heard(1009)],
        ),
    ]
}

/// The RFC wants lengths in their shortest form.
fn forms() -> Vec<Case> {
    let sixteen = |bytes: u16| [&[FIN | TEXT, 0xFE][..], &bytes.to_be_bytes(), &[0; 4]].concat();
    let sixty_four = |bytes: u64| [&[FIN | TEXT, 0xFF][..], &bytes.to_be_bytes(), &[0; 4]].concat();
    vec![
        case("0 in 16 bits", [sixteen(0)], [close_heard(1002)]),
        case("125 in 16 bits", [sixteen(125)], [close_heard(1002)]),
        case("0 in 64 bits", [sixty_four(0)], [close_heard(1002)]),
        case("65535 in 64 bits", [sixty_four(65_535)], [close_heard(1002)]),
    ]
}
