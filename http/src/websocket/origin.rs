//! Which pages may open a socket.
//!
//! Owns      the comparison of an `Origin` header (RFC 6454) with an allow list or with `Host`.
//! Promises  origins are compared whole, as scheme, host and port; never by a part of the text. A page
//!           of a foreign site cannot ride on its visitor's cookies or address (CWE-1385).
//! Does not  protect against clients that are no browsers: they send what they like.

use actix_http::header::{self, HeaderMap};

/// A web origin. `null` and everything else that is not `scheme://host[:port]` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Option<Origin> {
        let (scheme, authority) = text.split_once("://")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if scheme.is_empty() || !scheme.chars().all(plain) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = host_and_port(authority, &scheme)?;
        Some(Origin { scheme, host, port })
    }

    /// Whether a request to `host` (the header's value) stays with this origin.
    fn serves(&self, host: &str) -> bool {
        // What scheme the page was served under is not known behind a proxy; the port that a browser
        // leaves out is that of the origin's.
        host_and_port(host, &self.scheme) == Some((self.host.clone(), self.port))
    }
}

/// Splits `host[:port]`, `[v6][:port]`; fills in the port that the scheme implies.
fn host_and_port(authority: &str, scheme: &str) -> Option<(String, Option<u16>)> {
    let v6_end = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    let host_end = authority[v6_end..].find(':').map_or(authority.len(), |at| at + v6_end);
    let (host, port) = authority.split_at(host_end);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let host_is_plain = if v6_end > 0 {
        v6_end == host.len() && host[1..v6_end - 1].chars().all(|c| plain(c) || c == ':')
    } else {
        !host.is_empty() && host.chars().all(plain)
    };
    if !host_is_plain {
        return None;
    }
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        Some(_) => return None,
        None => match scheme {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        },
    };
    Some((host.to_ascii_lowercase(), port))
}

/// Decides about a request. `allowed`: the list, or `None` for same origin only.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: Option<&[Origin]>) -> bool {
    let mut origins = headers.get_all(header::ORIGIN);
    let Some(origin) = origins.next() else { return true };
    if origins.next().is_some() {
        return false;
    }
    let Some(origin) = origin.to_str().ok().and_then(Origin::parse) else { return false };
    match allowed {
        Some(allowed) => allowed.contains(&origin),
        None => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            host.is_some_and(|host| origin.serves(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        let same = |a: &str, b: &str| Origin::parse(a).is_some_and(|a| Some(a) == Origin::parse(b));
        assert!(same("https://Chat.example.com", "HTTPS://chat.example.com:443"));
        assert!(same("http://[::1]:8080", "http://[::1]:8080"));
        assert!(same("tauri://localhost", "tauri://localhost"));
        for (a, b) in [
            ("https://chat.example.com", "http://chat.example.com"),
            ("https://chat.example.com", "https://chat.example.com:8443"),
            ("https://chat.example.com", "https://chat.example.com.evil.net"),
            ("https://chat.example.com", "https://evil-chat.example.com"),
            ("https://example.com", "https://chat.example.com"),
        ] {
            assert!(!same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "null",
            "",
            "https://",
            "://host",
            "example.com",
            "https://example.com/",
            "https://user@example.com",
            "https://example.com:",
            "https://example.com:+80",
            "https://example.com:99999",
            "https://a b",
            "https://[::1",
            "https://[::1]x",
            "https://exa[mple.com",
        ] {
            assert_eq!(Origin::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_host_header_names_the_same_origin() {
        for (origin, host, serves) in [
            ("http://localhost:8080", "localhost:8080", true),
            ("https://Chat.example.com", "chat.example.com", true),
            ("https://chat.example.com", "chat.example.com:443", true),
            ("http://chat.example.com", "chat.example.com:443", false),
            ("http://localhost:8081", "localhost:8080", false),
            ("http://evil.net", "chat.example.com", false),
        ] {
            assert_eq!(Origin::parse(origin).unwrap().serves(host), serves, "{origin} {host}");
        }
    }
}
