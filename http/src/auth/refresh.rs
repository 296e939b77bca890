//! Refresh tokens: opaque, thirty days long, each good once.
//!
//! A token names its login and its number in the line of tokens of that login, and is sealed with
//! a key of ours. A genuine token with an old number was spent before: somebody else has it too,
//! and the login ends.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use salon_protocol::{Millis, SessionId};

use super::Secret;

/// How long a refresh token is good.
const LIFE_MS: Millis = 30 * 24 * 3600 * 1000;

const NONCE_BYTES: usize = 16;
const PAYLOAD_BYTES: usize = 16 + 4 + NONCE_BYTES;
const SEAL_BYTES: usize = 32;

/// Makes and opens refresh tokens.
pub struct RefreshTokens {
    key: hmac::Key,
    random: SystemRandom,
}

impl std::fmt::Debug for RefreshTokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RefreshTokens")
    }
}

/// A genuine token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) session: SessionId,
    pub(crate) generation: u32,
    pub(crate) hash: [u8; 32],
}

impl RefreshTokens {
    /// Seals with a key derived from the secret, so that it is not the key of access tokens.
    pub fn new(secret: &Secret) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.bytes()), b"refresh");
        let key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        RefreshTokens { key, random: SystemRandom::new() }
    }

    /// How long a token is good.
    pub(crate) const fn life_ms() -> Millis {
        LIFE_MS
    }

    /// The token number `generation` of a login, and its hash for the store.
    pub(crate) fn issue(&self, session: SessionId, generation: u32) -> (String, [u8; 32]) {
        let mut bytes = Vec::with_capacity(PAYLOAD_BYTES + SEAL_BYTES);
        bytes.extend_from_slice(session.as_bytes());
        bytes.extend_from_slice(&generation.to_be_bytes());
        let mut nonce = [0; NONCE_BYTES];
        // Without randomness the seal alone protects the token.
        let _ = self.random.fill(&mut nonce);
        bytes.extend_from_slice(&nonce);
        let seal = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(seal.as_ref());
        (URL_SAFE_NO_PAD.encode(&bytes), hash(&bytes))
    }

    /// Opens a token; `None` when it is not genuine.
    pub(crate) fn open(&self, token: &str) -> Option<Presented> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        if bytes.len() != PAYLOAD_BYTES + SEAL_BYTES {
            return None;
        }
        let (payload, seal) = bytes.split_at(PAYLOAD_BYTES);
        hmac::verify(&self.key, payload, seal).ok()?;
        let session = SessionId::from_bytes(payload.get(..16)?.try_into().ok()?);
        let generation = u32::from_be_bytes(payload.get(16..20)?.try_into().ok()?);
        Some(Presented { session, generation, hash: hash(&bytes) })
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_our_own_tokens_open() {
        let secret = |fill: char| Secret::new(fill.to_string().repeat(32)).unwrap();
        let (ours, theirs) = (RefreshTokens::new(&secret('a')), RefreshTokens::new(&secret('b')));
        let session = SessionId::new(Uuid::now_v7());
        let (token, hash) = ours.issue(session, 7);
        assert_eq!(ours.open(&token), Some(Presented { session, generation: 7, hash }));
        assert_eq!(theirs.open(&token), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            assert_eq!(ours.open(&URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {place}");
            bytes[place] ^= 1;
        }
        for wrong in ["", "x", &token[1..], &format!("{token}A")] {
            assert_eq!(ours.open(wrong), None);
        }
        assert_ne!(ours.issue(session, 7).0, token, "two tokens are never the same");
    }
}
