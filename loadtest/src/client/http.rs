//! Plain HTTP/1.1, as much of it as the API needs.
//!
//! Owns      writing requests and finding the end of responses.
//! Promises  a response is handed out whole: body by `Content-Length` or in chunks.
//! Does not  follow redirects, speak TLS or keep cookies.

use std::net::SocketAddr;

use serde::Serialize;

/// The longest response that is read.
const RESPONSE_BYTES_MAX: usize = 16 << 20;

/// A request to be written.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Begins with a slash.
    pub path: &'a str,
    /// The access token, if one is needed.
    pub token: Option<&'a str>,
    /// JSON, or nothing.
    pub body: &'a [u8],
}

/// The body of a request.
pub fn json_body(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl Request<'_> {
    pub(super) fn push(&self, out: &mut Vec<u8>, host: SocketAddr) {
        let Request { method, path, token, body } = self;
        out.extend(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n").bytes());
        if let Some(token) = token {
            out.extend(format!("Authorization: Bearer {token}\r\n").bytes());
        }
        if !body.is_empty() {
            out.extend(b"Content-Type: application/json\r\n");
        }
        out.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        out.extend(*body);
    }
}

/// A whole response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// How many bytes it had.
    pub(super) len: usize,
}

/// The status and the body of a response that was read to its end.
pub(crate) fn whole_response(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let response = parse(bytes).ok()??;
    Some((response.status, response.body))
}

/// Reads one response; `Ok(None)`: more has to come.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Response>, &'static str> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > RESPONSE_BYTES_MAX { Err("an endless head") } else { Ok(None) };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "the head is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status: u16 = status.ok_or("no status")?;
    let (mut length, mut chunked) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>().map_err(|_| "a wrong content-length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.trim().eq_ignore_ascii_case("chunked");
        }
    }
    let start = end + 4;
    if chunked {
        return Ok(read_chunks(bytes, start)?.map(|(body, len)| Response { status, body, len }));
    }
    let length = match (status, length) {
        (204 | 304, _) => 0,
        (_, Some(length)) if length <= RESPONSE_BYTES_MAX => length,
        (_, Some(_)) => return Err("a response announces more than 16 MiB"),
        (_, None) => return Err("a response without a length"),
    };
    let body = bytes.get(start..start + length);
    Ok(body.map(|body| Response { status, body: body.to_vec(), len: start + length }))
}

fn read_chunks(bytes: &[u8], mut at: usize) -> Result<Option<(Vec<u8>, usize)>, &'static str> {
    let mut body = Vec::new();
    loop {
        let Some(line) = bytes[at..].windows(2).position(|window| window == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[at..at + line]).map_err(|_| "a wrong chunk")?;
        let size = size.split(';').next().unwrap_or("").trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| "a wrong chunk")?;
        if size > RESPONSE_BYTES_MAX {
            return Err("a chunk announces more than 16 MiB");
        }
        at += line + 2;
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Ok(None) };
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend(&chunk[..size]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn whole(bytes: &str, status: u16, body: &str) {
        let response = parse(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!((response.status, &*response.body), (status, body.as_bytes()));
        assert_eq!(response.len, bytes.len());
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes.as_bytes()[..end]), Ok(None), "{end} bytes");
        }
    }

    #[test]
    fn responses() {
        whole("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello");
        whole("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
        let chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n\
                       3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n";
        whole(chunked, 201, "abcde");
        for wrong in ["HTTP/1.1 x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests() {
        let mut out = Vec::new();
        let request = Request { method: "POST", path: "/x", token: Some("t"), body: b"{}" };
        request.push(&mut out, ([127, 0, 0, 1], 80).into());
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAuthorization: Bearer t\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }
}
