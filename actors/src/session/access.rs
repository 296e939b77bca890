//! What opens a session: codes, grants, and the signatures in the addresses of pictures.
//!
//! Owns      how they are made and checked, from one secret that all nodes share.
//! Promises  nothing of it is stored: the store has hashes of codes and two numbers for each session, of which
//!           the one is part of codes and grants, and the other of signatures. Another number, and they are dead.
//! Does not  know who may have which.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use salon_protocol::photo::{Download, PhotoRole};
use salon_protocol::reply::Media;
use salon_protocol::{Millis, RoomId, UserId, limits};

/// Without 0, O, 1, I, L, U: nothing that looks like something else, and fewer words.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Which pictures of a session a signature opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaScope {
    /// The variants, to be looked at.
    View,
    /// The same, to be kept.
    Preview,
    /// Also originals without metadata.
    Original,
    /// Also what viewers do not see yet or any more, and originals as they came.
    Staff,
}

impl MediaScope {
    /// What somebody may have.
    pub const fn of(role: PhotoRole, download: Download) -> Self {
        if role.is_staff() {
            return MediaScope::Staff;
        }
        match download {
            Download::Off => MediaScope::View,
            Download::Preview => MediaScope::Preview,
            Download::Original => MediaScope::Original,
        }
    }

    const fn letter(self) -> char {
        match self {
            MediaScope::View => 'v',
            MediaScope::Preview => 'p',
            MediaScope::Original => 'o',
            MediaScope::Staff => 's',
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "v" => Some(MediaScope::View),
            "p" => Some(MediaScope::Preview),
            "o" => Some(MediaScope::Original),
            "s" => Some(MediaScope::Staff),
            _ => None,
        }
    }

    /// The variants that it opens, as they stand in addresses.
    pub fn variants(self) -> Vec<String> {
        let mut variants: Vec<String> =
            salon_pictures::SIDES.iter().rev().map(u32::to_string).collect();
        if self >= MediaScope::Original {
            variants.push("original".into());
        }
        variants
    }
}

/// The secret of all sessions.
#[derive(Clone)]
pub struct SessionKeys {
    key: hmac::Key,
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SessionKeys")
    }
}

/// A code as it is compared: without spaces and hyphens, in upper case; `None` if it cannot be one.
pub fn normalised_code(text: &str) -> Option<String> {
    let code: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let fits = code.len() == limits::SESSION_CODE_CHARS
        && code.bytes().all(|letter| ALPHABET.contains(&letter));
    fits.then_some(code)
}

impl SessionKeys {
    /// From a secret, the longer the better.
    pub fn new(secret: &[u8]) -> Self {
        SessionKeys { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    fn sign(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        context.sign()
    }

    /// The code of a session.
    pub fn code(&self, session: RoomId, version: u32) -> String {
        let tag = self.sign(&[b"code", session.as_bytes(), &version.to_le_bytes()]);
        // Each letter from four bytes of the tag: the bias of the remainder is one in 10^8.
        let (words, _) = tag.as_ref().as_chunks::<4>();
        let letter = |word: &[u8; 4]| {
            char::from(ALPHABET[u32::from_le_bytes(*word) as usize % ALPHABET.len()])
        };
        words.iter().take(limits::SESSION_CODE_CHARS).map(letter).collect()
    }

    /// What the store has of a code.
    pub fn code_hash(&self, code: &str) -> [u8; 32] {
        let tag = self.sign(&[b"code hash", code.as_bytes()]);
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    /// Lets somebody who came by a code come again without it.
    pub fn grant(&self, session: RoomId, version: u32, user: UserId) -> String {
        let bytes = version.to_le_bytes();
        let tag = self.sign(&[b"grant", session.as_bytes(), &bytes, user.as_bytes()]);
        format!("{version:x}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// The version of the code that a grant was given for, if it is genuine. Whether that code is still good
    /// the store knows.
    pub fn open_grant(&self, grant: &str, session: RoomId, user: UserId) -> Option<u32> {
        let (version, _) = grant.split_once('.')?;
        let version = u32::from_str_radix(version, 16).ok()?;
        let ours = self.grant(session, version, user);
        constant_time::verify_slices_are_equal(ours.as_bytes(), grant.as_bytes()).ok()?;
        Some(version)
    }

    /// What opens the pictures of a session, for [`limits::MEDIA_LIFE_MS`] at most. The same for all who ask
    /// in the same minute, so that caches serve many.
    pub fn media(&self, session: RoomId, version: u32, scope: MediaScope, now: Millis) -> Media {
        const STEP_MS: Millis = 60_000;
        let expires_at = (now + limits::MEDIA_LIFE_MS) / STEP_MS * STEP_MS;
        let seconds = expires_at / 1_000;
        let tag = self.media_tag(session, version, scope, seconds);
        let mut query = String::with_capacity(80);
        // Writing to a string does not fail.
        let _ = write!(query, "e={seconds}&s={}.{tag}", scope.letter());
        Media { query, expires_at, variants: scope.variants() }
    }

    fn media_tag(&self, session: RoomId, version: u32, scope: MediaScope, seconds: i64) -> String {
        let scope = scope.letter().to_string();
        let tag = self.sign(&[
            b"media",
            session.as_bytes(),
            &version.to_le_bytes(),
            scope.as_bytes(),
            &seconds.to_le_bytes(),
        ]);
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..24])
    }

    /// What a signature opens now: `e` and `s` as they came in the address.
    pub fn check_media(
        &self,
        session: RoomId,
        version: u32,
        (e, s): (&str, &str),
        now: Millis,
    ) -> Option<MediaScope> {
        let seconds: i64 = e.parse().ok()?;
        let (letter, tag) = s.split_once('.')?;
        let scope = MediaScope::from_letter(letter)?;
        let ours = self.media_tag(session, version, scope, seconds);
        constant_time::verify_slices_are_equal(ours.as_bytes(), tag.as_bytes()).ok()?;
        (seconds.checked_mul(1_000)? > now).then_some(scope)
    }
}

/// SHA-256, for whoever has no other.
pub(crate) fn sha256() -> digest::Context {
    digest::Context::new(&digest::SHA256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn keys() -> SessionKeys {
        SessionKeys::new(b"a secret of tests")
    }

    #[test]
    fn codes_can_be_read_aloud_and_typed_in_any_way() {
        let session = RoomId::new(Uuid::now_v7());
        let code = keys().code(session, 7);
        assert_eq!(normalised_code(&code).as_ref(), Some(&code));
        let typed = format!(" {}-{} ", &code[..4].to_lowercase(), &code[4..]);
        assert_eq!(normalised_code(&typed).as_ref(), Some(&code));
        assert_ne!(keys().code(session, 8), code);
        for wrong in ["", "ABCD", "ABCDEFG0", "ABCDEFGHJ", "ABCDEFG*", "ABCDÉFGH"] {
            assert_eq!(normalised_code(wrong), None, "{wrong}");
        }
        assert_ne!(keys().code_hash(&code), keys().code_hash("ABCDEFGH"));
    }

    #[test]
    fn a_grant_is_for_one_user_one_session_and_one_code() {
        let (session, other) = (RoomId::new(Uuid::now_v7()), RoomId::new(Uuid::now_v7()));
        let (ann, bob) = (UserId::new(Uuid::now_v7()), UserId::new(Uuid::now_v7()));
        let grant = keys().grant(session, 1, ann);
        assert_eq!(keys().open_grant(&grant, session, ann), Some(1));
        let other_version = grant.replacen('1', "2", 1);
        assert_eq!(keys().open_grant(&other_version, session, ann), None);
        assert_eq!(keys().open_grant(&grant, session, bob), None);
        assert_eq!(keys().open_grant(&grant, other, ann), None);
        assert_eq!(keys().open_grant("", session, ann), None);
        assert_eq!(SessionKeys::new(b"another").open_grant(&grant, session, ann), None);
    }

    #[test]
    fn a_signature_opens_what_it_was_made_for_until_its_time() {
        let (session, now) = (RoomId::new(Uuid::now_v7()), 1_767_225_630_000);
        let media = keys().media(session, 3, MediaScope::Preview, now);
        assert!(media.expires_at > now && media.expires_at <= now + limits::MEDIA_LIFE_MS);
        assert_eq!(media.variants, ["400", "1024", "2048"]);
        let (e, s) = media.query.split_once('&').unwrap();
        let (e, s) = (e.strip_prefix("e=").unwrap(), s.strip_prefix("s=").unwrap());
        let check =
            |version, e: &str, s: &str, now| keys().check_media(session, version, (e, s), now);
        assert_eq!(check(3, e, s, now), Some(MediaScope::Preview));
        assert_eq!(check(3, e, s, media.expires_at), None);
        assert_eq!(check(4, e, s, now), None);
        assert_eq!(check(3, "9999999999", s, now), None);
        assert_eq!(check(3, e, &s.replacen('p', "s", 1), now), None);
        for wrong in ["", ".", "p", "p.", "x.y"] {
            assert_eq!(check(3, e, wrong, now), None, "{wrong}");
        }
        assert_eq!(check(3, "-1", s, now).or(check(3, "x", s, now)), None);
    }
}
