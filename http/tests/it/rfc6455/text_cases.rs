//! Group 6: text is UTF-8, however it is cut, and what is not is refused as soon as it shows.

use super::{Case, case, close_heard, text_heard};
use crate::client::{BINARY, CONTINUATION, FIN, Heard, TEXT, frame, header, text};

/// Every border of the encoding from inside, and what looks suspicious but is allowed.
const VALID: [&str; 20] = [
    "",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\0",
    "\u{7f}",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{ffff}",
    "\u{10000}",
    "\u{10ffff}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{1fffe}\u{2ffff}\u{afffe}",
    "\u{feff}a byte order mark",
    "\u{202e}right to left",
    "e\u{301}",
    "👨‍👩‍👧‍👦 聊天 चैट",
];

/// Invalid text and how many of its bytes it takes to know.
const INVALID: [(&[u8], usize); 46] = [
    // Continuations without a start.
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\x80\xbf\x80\xbf", 1),
    (b"text\x80", 5),
    // Starts without their continuations.
    (b"\xc2 ", 2),
    (b"\xdf ", 2),
    (b"\xe0 ", 2),
    (b"\xef ", 2),
    (b"\xf0 ", 2),
    (b"\xf4 ", 2),
    (b"\xe2\x82 ", 3),
    (b"\xf0\x90\x80 ", 4),
    (b"\xe2\xe2", 2),
    (b"\xf0\x90\xf0", 3),
    (b"\xc2\xc2\x80", 2),
    // Bytes that never occur.
    (b"\xc0", 1),
    (b"\xc1", 1),
    (b"\xf5", 1),
    (b"\xf8", 1),
    (b"\xfc", 1),
    (b"\xfe", 1),
    (b"\xff", 1),
    (b"\xfe\xfe\xff\xff", 1),
    // Longer than need be.
    (b"\xc0\xaf", 1),
    (b"\xe0\x80\xaf", 2),
    (b"\xf0\x80\x80\xaf", 2),
    (b"\xf8\x80\x80\x80\xaf", 1),
    (b"\xfc\x80\x80\x80\x80\xaf", 1),
    (b"\xc1\xbf", 1),
    (b"\xe0\x9f\xbf", 2),
    (b"\xf0\x8f\xbf\xbf", 2),
    (b"\xc0\x80", 1),
    (b"\xe0\x80\x80", 2),
    // Halves of surrogate pairs, and both.
    (b"\xed\xa0\x80", 2),
    (b"\xed\xad\xbf", 2),
    (b"\xed\xae\x80", 2),
    (b"\xed\xaf\xbf", 2),
    (b"\xed\xb0\x80", 2),
    (b"\xed\xbe\x80", 2),
    (b"\xed\xbf\xbf", 2),
    (b"\xed\xa0\x80\xed\xb0\x80", 2),
    (b"\xed\xaf\xbf\xed\xbf\xbf", 2),
    // Above the last code point.
    (b"\xf4\x90\x80\x80", 2),
    (b"\xf7\xbf\xbf\xbf", 1),
    // In the middle of good text.
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 13),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited", 13),
];

/// Text that ends inside a character.
const TORN: [&[u8]; 6] =
    [b"\xc2", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f\x98", b"whole \xce\xba torn \xe1\xbd"];

pub(crate) fn cases() -> Vec<Case> {
    [valid(), invalid(), torn()].into_iter().flatten().collect()
}

/// One fragment for every byte.
fn bytewise(content: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = vec![frame(TEXT, "")];
    frames.extend(content.iter().map(|byte| frame(CONTINUATION, [*byte])));
    frames.push(frame(FIN | CONTINUATION, ""));
    frames
}

fn valid() -> Vec<Case> {
    VALID
        .into_iter()
        .flat_map(|content| {
            [
                case(format!("6.5 {content:?}"), [text(content)], [text_heard(content)]),
                case(
                    format!("6.2 {content:?} in fragments of a byte"),
                    bytewise(content.as_bytes()),
                    [text_heard(content)],
                ),
            ]
        })
        .collect()
}

fn invalid() -> Vec<Case> {
    INVALID
        .into_iter()
        .flat_map(|(content, known_at)| {
            // What would make it known only later is never sent.
            let (known, _) = content.split_at(known_at);
            let mut begun = header(FIN | TEXT, 1000);
            let masked = frame(FIN | BINARY, known);
            begun.extend(&masked[masked.len() - known.len()..]);
            [
                case(
                    format!("6.3 {content:x?}"),
                    [frame(FIN | TEXT, content)],
                    [close_heard(1007)],
                ),
                case(
                    format!("6.4 {content:x?} in fragments of a byte, unfinished"),
                    bytewise(known).into_iter().take(known_at + 1),
                    [close_heard(1007)],
                ),
                case(
                    format!("6.4 {content:x?} at the beginning of a long frame"),
                    [begun],
                    [close_heard(1007)],
                ),
            ]
        })
        .collect()
}

fn torn() -> Vec<Case> {
    let torn = TORN.into_iter().flat_map(|content| {
        [
            case(format!("6.6 {content:x?}"), [frame(FIN | TEXT, content)], [close_heard(1007)]),
            case(
                format!("6.6 {content:x?} in fragments of a byte"),
                bytewise(content),
                [close_heard(1007)],
            ),
            case(
                format!("{content:x?} is no error while it may go on"),
                [frame(TEXT, content)],
                [],
            ),
            case(
                format!("{content:x?} is fine in a binary"),
                [frame(FIN | BINARY, content)],
                [Heard::Binary(content.to_vec())],
            ),
        ]
    });
    let healed = case(
        "a character over two fragments",
        [frame(TEXT, b"\xe2\x82"), frame(FIN | CONTINUATION, b"\xac")],
        [text_heard("€")],
    );
    torn.chain([healed]).collect()
}
