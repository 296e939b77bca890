//! Frames as they lie on the wire.

/// The payloads of unmasked, unfragmented frames.
pub(super) fn unframed(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let [_, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => unreachable!("no simulated frame is as long"),
            len => (usize::from(*len), rest),
        };
        payloads.push(&rest[..len]);
        bytes = &rest[len..];
    }
    payloads
}
