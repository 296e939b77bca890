//! What the harness calls things: users, devices, messages.
//!
//! Owns      user names, cids and texts.
//! Promises  user names are the same in every run with the same tag; cids are never the same in two
//!           runs, are ordered by time (UUID v7), and carry the message's number in them.
//! Does not  remember anything.

use std::fmt::Write;

use salon_protocol::Cid;

use crate::random::Random;

/// The password of every user that the harness makes.
pub const PASSWORD: &str = "loadtest-password";

/// The `number`-th user of a run with this tag.
pub fn user(tag: &str, number: usize) -> String {
    format!("{tag}-{number}")
}

/// Makes cids that can be told from all others.
#[derive(Clone, Copy, Debug)]
pub struct Cids {
    salt: u64,
}

impl Cids {
    /// `salt`: anything that no other run has.
    pub fn new(salt: u64) -> Self {
        Cids { salt: Random::new(salt).next_u64() }
    }

    /// The cid of message `number`, made at `epoch_ms`.
    pub fn cid(&self, number: u32, epoch_ms: u64) -> Cid {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&epoch_ms.to_be_bytes()[2..]);
        bytes[6..12].copy_from_slice(&self.salted());
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        Cid::from_bytes(bytes)
    }

    /// The number of a message by its cid, if it is one of this run.
    #[inline]
    pub fn number(&self, cid: Cid) -> Option<u32> {
        let [.., a, b, c, d] = *cid.as_bytes();
        let ours = cid.as_bytes()[6..12] == self.salted();
        ours.then_some(u32::from_be_bytes([a, b, c, d]))
    }

    /// Six bytes of salt with version 7 and the variant of RFC 9562 in them.
    #[inline]
    fn salted(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.salt.to_be_bytes();
        [0x70 | (a & 0x0F), b, 0x80 | (c & 0x3F), d, e, f]
    }
}

/// Writes the text of message `number`, `len` bytes long (more when the number needs more).
pub fn write_text(out: &mut String, number: u32, len: usize) {
    out.clear();
    // A String takes all.
    let _ = write!(out, "message {number} ");
    while out.len() < len {
        out.push((b'a' + ((out.len() as u32 + number) % 26) as u8) as char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cids_carry_their_number_and_are_of_one_run() {
        let cids = Cids::new(1);
        let cid = cids.cid(0xDEAD_BEEF, 1_767_225_600_123);
        assert_eq!(cids.number(cid), Some(0xDEAD_BEEF));
        assert_eq!(Cids::new(2).number(cid), None);
        let text = cid.to_string();
        assert_eq!((&text[14..15], salon_protocol::Cid::parse(&text)), ("7", Some(cid)));
        assert!("89ab".contains(&text[19..20]));
        assert!(cids.cid(1, 5) < cids.cid(0, 6), "ordered by time");
    }

    #[test]
    fn texts_have_their_length_and_differ() {
        let (mut one, mut other) = (String::new(), String::new());
        write_text(&mut one, 7, 128);
        write_text(&mut other, 8, 128);
        assert_eq!((one.len(), other.len()), (128, 128));
        assert_ne!(one, other);
        write_text(&mut one, 7, 1);
        assert_eq!(one, "message 7 ");
        assert_eq!(user("lt", 12), "lt-12");
    }
}
