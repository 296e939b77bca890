//! Access tokens: JWT with one fixed algorithm (RFC 8725), fifteen minutes long.
//!
//! Promises  only HS256, only our issuer and audience, only `typ: access`, only keys from the
//!           configuration; a token of a login that has ended is dead at once.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use salon_actors::Claims;
use salon_protocol::{Millis, SessionId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Revoked;

/// How long an access token is good.
pub(crate) const ACCESS_SECONDS: i64 = 15 * 60;
/// What clocks may differ.
const LEEWAY_SECONDS: u64 = 5;
const ISSUER: &str = "salon";
const TYPE: &str = "access";

/// A signing secret. Cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// At least 32 bytes, or the reason why not.
    pub fn new(text: String) -> Result<Self, String> {
        if text.len() < 32 {
            return Err(format!("a secret has at least 32 bytes, this one has {}", text.len()));
        }
        Ok(Secret(text))
    }

    /// Whether it has so few different characters that somebody typed it.
    pub fn is_monotonous(&self) -> bool {
        let different: std::collections::HashSet<char> = self.0.chars().collect();
        different.len() < 10
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret")
    }
}

#[derive(Serialize, Deserialize)]
struct Body {
    sub: UserId,
    sid: SessionId,
    jti: String,
    typ: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Makes and checks access tokens.
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    /// By key id: the key that signs, and older ones that are still accepted.
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
    revoked: Arc<Revoked>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tokens").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Signs with the first secret, accepts all.
    pub fn new(signing: &Secret, accepted: &[Secret]) -> Self {
        let kid = key_id(signing);
        let all = std::iter::once(signing).chain(accepted);
        let verifying =
            all.map(|secret| (key_id(secret), DecodingKey::from_secret(secret.bytes()))).collect();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::HS256) };
        Tokens {
            header,
            signing: EncodingKey::from_secret(signing.bytes()),
            verifying,
            validation,
            revoked: Arc::new(Revoked::default()),
        }
    }

    /// Logins that ended a moment ago.
    pub fn revoked(&self) -> &Arc<Revoked> {
        &self.revoked
    }

    /// How long a token is good.
    pub(crate) const fn life_seconds() -> i64 {
        ACCESS_SECONDS
    }

    /// A token for a login.
    pub(crate) fn issue(&self, user: UserId, session: SessionId, now: Millis) -> String {
        let iat = now / 1_000;
        let body = Body {
            sub: user,
            sid: session,
            jti: Uuid::new_v4().simple().to_string(),
            typ: TYPE.into(),
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            iat,
            exp: iat + ACCESS_SECONDS,
        };
        // Signing with a key of our own cannot fail; an empty token opens nothing.
        jsonwebtoken::encode(&self.header, &body, &self.signing).unwrap_or_default()
    }

    fn check(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.verifying.get(header.kid.as_deref()?)?;
        let body = jsonwebtoken::decode::<Body>(token, key, &self.validation).ok()?.claims;
        if body.typ != TYPE || self.revoked.contains(body.sid) {
            return None;
        }
        Some(Claims { user: body.sub, session: body.sid, expires_at: body.exp * 1_000 })
    }
}

impl salon_actors::Tokens for Tokens {
    fn verify(&self, token: &str, _: Millis) -> Option<Claims> {
        self.check(token)
    }
}

/// Names a secret without giving it away.
fn key_id(secret: &Secret) -> String {
    let hash = digest(&SHA256, secret.bytes());
    hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn secret(fill: char) -> Secret {
        Secret::new(fill.to_string().repeat(32)).unwrap()
    }

    fn now() -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    }

    fn ids() -> (UserId, SessionId) {
        (UserId::new(Uuid::now_v7()), SessionId::new(Uuid::now_v7()))
    }

    /// The token with another header and body, signed with the right key.
    fn forged(header: &serde_json::Value, body: &serde_json::Value, key: &Secret) -> String {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(body));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.bytes());
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    #[test]
    fn a_token_says_whose_it_is() {
        let tokens = Tokens::new(&secret('a'), &[]);
        let ((user, session), now) = (ids(), now());
        let token = tokens.issue(user, session, now);
        let claims = tokens.check(&token).unwrap();
        assert_eq!((claims.user, claims.session), (user, session));
        assert_eq!(claims.expires_at, (now / 1_000 + ACCESS_SECONDS) * 1_000);
        tokens.revoked().add(session, now);
        assert_eq!(tokens.check(&token), None, "the login has ended");
    }

    #[test]
    fn keys_rotate() {
        let old = Tokens::new(&secret('a'), &[]);
        let new = Tokens::new(&secret('b'), &[secret('a')]);
        let (user, session) = ids();
        let token = old.issue(user, session, now());
        assert!(new.check(&token).is_some());
        assert!(old.check(&new.issue(user, session, now())).is_none());
        assert!(Secret::new("short".into()).is_err());
        assert_eq!(format!("{:?}", secret('a')), "Secret");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let (key, tokens) = (secret('a'), Tokens::new(&secret('a'), &[]));
        let ((user, session), seconds) = (ids(), now() / 1_000);
        let kid = key_id(&key);
        let header = serde_json::json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
        let body = serde_json::json!({
            "sub": user, "sid": session, "jti": "x", "typ": "access", "iss": "salon",
            "aud": "salon", "iat": seconds, "exp": seconds + 60,
        });
        assert!(tokens.check(&forged(&header, &body, &key)).is_some(), "the pattern is right");
        let with = |value: &serde_json::Value, field: &str, new: serde_json::Value| {
            let mut value = value.clone();
            value[field] = new;
            value
        };
        for (field, wrong) in [
            ("typ", "refresh".into()),
            ("iss", "other".into()),
            ("aud", "other".into()),
            ("exp", (seconds - 60).into()),
            ("sub", "nobody".into()),
            ("sid", serde_json::Value::Null),
        ] {
            let body = with(&body, field, wrong);
            assert!(tokens.check(&forged(&header, &body, &key)).is_none(), "{field}");
        }
        for (field, wrong) in [
            ("alg", "none"),
            ("alg", "HS512"),
            ("alg", "RS256"),
            ("kid", "00000000"),
            ("kid", "../a"),
        ] {
            let header = with(&header, field, wrong.into());
            assert!(tokens.check(&forged(&header, &body, &key)).is_none(), "{field} {wrong}");
        }
        assert!(tokens.check(&forged(&header, &body, &secret('b'))).is_none());
        let good = forged(&header, &body, &key);
        let unsigned = good.rsplit_once('.').unwrap().0;
        for wrong in ["", "x", "a.b.c", unsigned, &format!("{unsigned}."), &good[1..]] {
            assert!(tokens.check(wrong).is_none(), "{wrong}");
        }
    }
}
