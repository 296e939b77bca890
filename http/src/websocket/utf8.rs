//! UTF-8 that arrives in pieces.
//!
//! Owns      how much of a growing text is known to be valid.
//! Promises  every byte is looked at once while the text grows; a byte that no continuation can save
//!           is found with the piece that brought it (RFC 6455 section 8.1).
//! Does not  keep the text.

/// Not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

/// Progress over one text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Bytes from the start that are whole, valid characters.
    valid_bytes: usize,
}

impl Progress {
    /// Looks at what is new in `text`, which begins with all that was passed before. An unfinished
    /// character at the end is no error yet.
    pub(super) fn check(&mut self, text: &[u8]) -> Result<(), NotUtf8> {
        match std::str::from_utf8(&text[self.valid_bytes..]) {
            Ok(_) => self.valid_bytes = text.len(),
            Err(error) if error.error_len().is_none() => self.valid_bytes += error.valid_up_to(),
            Err(_) => return Err(NotUtf8),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds byte by byte; says after how many bytes the error was found.
    fn found_at(text: &[u8]) -> Option<usize> {
        let mut progress = Progress::default();
        (1..=text.len()).find(|&end| progress.check(&text[..end]).is_err())
    }

    #[test]
    fn valid_text_passes_at_every_cut() {
        for text in ["", "ascii", "κόσμε", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"] {
            assert_eq!(found_at(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_error_is_found_with_the_byte_that_makes_it() {
        for (text, at) in [
            (&b"\x80"[..], 1),        // a continuation without a start
            (b"ab\xc0\xaf", 3),       // overlong
            (b"\xe0\x80", 2),         // overlong, known at the second byte
            (b"\xed\xa0\x80", 2),     // a surrogate
            (b"\xf4\x90\x80\x80", 2), // above U+10FFFF
            (b"\xf5", 1),             // no such start
            (b"\xe2\x82x", 3),        // torn character
            (b"\xf0\x9f\x98\xc0", 4), // torn at the last byte
        ] {
            assert_eq!(found_at(text), Some(at), "{text:x?}");
        }
    }
}
