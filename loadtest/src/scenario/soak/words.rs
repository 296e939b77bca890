//! What people write.
//!
//! Owns      one word per text that stands in no other.
//! Promises  no such word is the beginning of another one, so that a search for it finds one message.
//! Does not  remember what was written.

use std::fmt::Write;

use crate::random::Random;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    salt: u32,
}

impl Words {
    /// `salt`: anything that no other run has.
    pub(super) fn new(salt: u64) -> Words {
        Words { salt: Random::new(salt).next_u64() as u32 }
    }

    /// The word of text `number`.
    pub(super) fn word(&self, number: u32) -> String {
        format!("w{:08x}{number:08x}", self.salt)
    }

    /// The text itself, `len` bytes long (more when its word needs more).
    pub(super) fn text(&self, number: u32, len: usize) -> String {
        let mut text = self.word(number);
        for part in 0_u32.. {
            if text.len() >= len {
                break;
            }
            // A String takes all.
            let _ = write!(text, " and{}", number.wrapping_add(part) % 100);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_of_one_length_and_differ() {
        let words = Words::new(1);
        assert_eq!(words.word(1).len(), words.word(u32::MAX).len());
        assert_ne!(words.word(1), words.word(2));
        assert_ne!(words.word(1), Words::new(2).word(1));
        assert!(words.text(7, 64).starts_with(&words.word(7)) && words.text(7, 64).len() >= 64);
        assert_eq!(words.text(7, 1), words.word(7));
    }
}
