//! One question over HTTP, without the event loop.
//!
//! Owns      the reading of `http://` addresses, the question whether a server is ready, and any other
//!           that is asked once.
//! Promises  an answer within [`PATIENCE`], or an error.
//! Does not  speak TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::failure::Failure;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The address of `http://host:port`.
pub fn parse_url(url: &str) -> Result<SocketAddr, Failure> {
    let host = url.strip_prefix("http://").ok_or_else(|| {
        Failure::Usage(format!("--url {url}: it has to begin with http:// (TLS is not spoken)"))
    })?;
    let host = host.trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut found = host.to_socket_addrs().map_err(|error| {
        Failure::Usage(format!("--url {url}: cannot find that address: {error}"))
    })?;
    found.next().ok_or_else(|| Failure::Usage(format!("--url {url}: it has no address")))
}

/// The status of `GET path`.
pub fn status_of(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = ask(address, path)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = std::str::from_utf8(&head).ok().and_then(|head| head.get(9..12)?.parse().ok());
    status.ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

fn ask(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// The status and the body of `GET path`.
pub(super) fn body_of(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut answer = Vec::new();
    ask(address, path)?.read_to_end(&mut answer)?;
    let not_http = || io::Error::other("the answer is not HTTP");
    let response = crate::client::whole_response(&answer).ok_or_else(not_http)?;
    Ok((response.0, String::from_utf8_lossy(&response.1).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(parse_url("http://127.0.0.1:8080/").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(parse_url("http://127.0.0.1").unwrap().port(), 80);
        assert!(parse_url("https://127.0.0.1").is_err());
        assert!(parse_url("127.0.0.1:80").is_err());
    }
}
