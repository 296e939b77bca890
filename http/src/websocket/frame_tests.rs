//! The parser without a socket: every case at every cut, and the bounds of its memory.

use super::*;

const LIMITS: Limits = Limits { frame_bytes_max: 1000, message_bytes_max: 1500 };
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0xF4];

/// A frame as a client sends it, with the shortest header.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..0x1_0000 => {
            bytes.push(0xFE);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0xFF);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// Feeds the bytes in pieces of `piece` and writes down what came out.
fn heard(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut parser = Parser::default();
    let mut said = Vec::new();
    let mut closed = false;
    for chunk in bytes.chunks(piece) {
        let mut chunk = chunk.to_vec();
        let fed = parser.feed(LIMITS, &mut chunk, |event| {
            closed = matches!(event, Event::Close(_));
            said.push(format!("{event:?}"));
            if closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Err(failure) = fed {
            said.push(format!("{failure:?}"));
            return said;
        }
        if closed {
            return said;
        }
    }
    if parser.unfinished.is_some() {
        said.push("unfinished".to_owned());
    }
    said
}

fn check(frames: &[Vec<u8>], expected: &[&str]) {
    let bytes = frames.concat();
    for piece in [1, 2, 3, 5, 7, 64, bytes.len().max(1)] {
        assert_eq!(heard(&bytes, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn messages_and_control_frames_in_any_cut() {
    check(
        &[
            masked(0x81, "héllo".as_bytes()),
            masked(0x82, &[]),
            masked(0x89, b"ping"),
            masked(0x8A, b"pong"),
            masked(0x81, b""),
        ],
        &[r#"Text("héllo")"#, "Binary([])", "Ping([112, 105, 110, 103])", "Pong", r#"Text("")"#],
    );
}

#[test]
fn fragments_with_a_ping_between_them() {
    check(
        &[
            masked(0x01, b"a"),
            masked(0x89, b"!"),
            masked(0x00, "\u{20ac}".as_bytes().split_at(1).0),
            masked(0x00, b""),
            masked(0x80, "\u{20ac}".as_bytes().split_at(1).1),
            masked(0x02, b""),
            masked(0x80, b""),
        ],
        &["Ping([33])", r#"Text("a€")"#, "Binary([])"],
    );
}

#[test]
fn nothing_is_heard_after_a_close() {
    check(&[masked(0x88, &[3, 232]), masked(0x81, b"late")], &["Close(Some(1000))"]);
    check(&[masked(0x88, &[])], &["Close(None)"]);
    check(&[masked(0x88, &[3])], &[r#"Protocol("close payload of one byte")"#]);
    check(&[masked(0x88, &[3, 232, 0xFF])], &["NotUtf8"]);
}

#[test]
fn bad_text_is_found_before_its_frame_ends() {
    let mut bytes = header(0x81, 100);
    bytes.extend([b'a' ^ MASK[0], 0xFF ^ MASK[1]]);
    check(&[bytes], &["NotUtf8"]);
    check(&[masked(0x01, b"\xe2\x82"), masked(0x80, b"x")], &["NotUtf8"]);
    check(&[masked(0x81, b"\xe2\x82")], &["NotUtf8"]);
}

#[test]
fn too_much_is_refused_when_it_is_announced() {
    for length in [1001, 1 << 40, 1 << 63, u64::MAX] {
        check(&[header(0x82, length)], &["TooBig"]);
    }
    check(&[masked(0x02, &[0; 1000]), header(0x00, 501)], &["TooBig"]);
    let filled = [masked(0x02, &[0; 1000]), masked(0x89, &[0; 125]), masked(0x00, &[0; 500])];
    check(&filled, &[&format!("Ping({:?})", [0; 125]), "unfinished"]);
}

#[test]
fn whatever_comes_means_the_same_in_any_cut() {
    // A linear congruential generator: the same streams on every run.
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..2000 {
        let frames: Vec<_> = (0..random(6))
            .map(|_| {
                let first = [0x81, 0x01, 0x82, 0x02, 0x00, 0x80, 0x89, 0x8A][random(8) as usize];
                let payload: Vec<_> = (0..random(300)).map(|_| random(0x90) as u8).collect();
                masked(first, &payload)
            })
            .collect();
        let bytes = frames.concat();
        let whole = heard(&bytes, bytes.len().max(1));
        for piece in [1, 2 + random(20) as usize, 2 + random(500) as usize] {
            assert_eq!(heard(&bytes, piece), whole, "{bytes:x?} in pieces of {piece}");
        }
    }
}

#[test]
fn a_break_leaves_the_rest_of_the_input() {
    let first = masked(0x81, b"1");
    let mut bytes = [first.clone(), masked(0x81, b"2")].concat();
    let mut parser = Parser::default();
    let fed = parser.feed(LIMITS, &mut bytes, |_| ControlFlow::Break(())).unwrap();
    assert_eq!(fed, Fed { bytes: first.len(), frames: 1 });
    let mut said = Vec::new();
    let sink = |event: Event<'_>| {
        said.push(format!("{event:?}"));
        ControlFlow::Continue(())
    };
    parser.feed(LIMITS, &mut bytes[fed.bytes..], sink).unwrap();
    assert_eq!(said, [r#"Text("2")"#]);
}

#[test]
fn memory_follows_what_has_arrived() {
    let limits = Limits { frame_bytes_max: 1 << 20, message_bytes_max: 1 << 20 };
    let mut parser = Parser::default();
    let mut capacity = |bytes: &mut [u8]| {
        parser.feed(limits, bytes, |_| ControlFlow::Continue(())).unwrap();
        let message = parser.unfinished.as_ref().and_then(|state| state.message.as_ref());
        message.map_or(0, |message| message.payload.capacity())
    };
    assert_eq!(capacity(&mut header(0x82, 1 << 20)), 0, "nothing for an announcement");
    assert_eq!(capacity(&mut [0; 1000]), 1000);
    assert_eq!(capacity(&mut [0; 10]), 2000);
    assert_eq!(capacity(&mut vec![0; (1 << 20) - 1011]), (1 << 20) - 1);
    assert_eq!(capacity(&mut [0]), 0, "freed with the message");
}

#[test]
fn a_quiet_connection_keeps_one_word() {
    assert_eq!(size_of::<Parser>(), size_of::<usize>());
    assert_eq!(heard(&masked(0x82, &[7; 300]), 1000).len(), 1);
}
