//! The opening handshake, as a table of requests and the answers to them; and what goes on beside it
//! on the same connection.

use std::{net::SocketAddr, time::Duration};

use salon_http::{
    server::{ServeError, ServerConfig, serve},
    websocket::{Refused, SocketConfig},
};

use crate::{
    client::{Client, Heard, handshake, text},
    puppet::{Called, Puppet},
    server::{TestServer, config, sockets},
};

/// Sends a request and returns the status and the whole answer. A refusal ends the connection in
/// order; of a granted upgrade the connection is dropped.
fn answer(address: SocketAddr, request: impl AsRef<[u8]>) -> (String, String) {
    let mut client = Client::tcp(address);
    client.send(request);
    let head = client.head();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    let body = if status == "101" { String::new() } else { client.rest() };
    (status, head + &body)
}

/// Checks a table of requests against their statuses.
fn check<'a>(server: &TestServer, cases: impl IntoIterator<Item = (&'a str, String, &'a str)>) {
    let mut failed = Vec::new();
    for (name, request, expected) in cases {
        let (status, answer) = answer(server.address(), request);
        if status != expected {
            failed.push(format!("{name}: {answer}, not {expected}"));
        }
        let is_json = answer.contains("application/json") && answer.contains(r#"{"code":""#);
        // actix-http refuses what is no HTTP by itself, and without a body; so is an answer to HEAD.
        let has_body = !answer.ends_with("\r\n\r\n");
        if has_body && !is_json {
            failed.push(format!("{name}: not a JSON error: {answer}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn good() -> String {
    handshake("/ws", "")
}

fn without(header: &str) -> String {
    let line =
        good().split_inclusive("\r\n").find(|line| line.starts_with(header)).unwrap().to_owned();
    good().replace(&line, "")
}

fn with(header: &str, value: &str) -> String {
    without(header).replace("\r\n\r\n", &format!("\r\n{header}: {value}\r\n\r\n"))
}

#[test]
fn what_is_no_handshake_is_refused() {
    let server = TestServer::start(config(sockets()));
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    check(
        &server,
        [
            ("as it should be", good(), "101"),
            ("with a query", handshake("/ws?v=1", ""), "101"),
            ("other capitals", with("Upgrade", "WebSocket"), "101"),
            ("several tokens", with("Connection", "keep-alive, Upgrade"), "101"),
            (
                "extensions are ignored",
                handshake("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
                "101",
            ),
            ("another path", handshake("/wss", ""), "404"),
            ("a path behind it", handshake("/ws/", ""), "404"),
            ("the root", handshake("/", ""), "404"),
            ("POST", good().replace("GET", "POST"), "405"),
            ("HEAD", good().replace("GET", "HEAD"), "405"),
            ("DELETE", good().replace("GET", "DELETE"), "405"),
            ("CONNECT", good().replace("GET /ws", "CONNECT salon.test:80"), "404"),
            ("HTTP/1.0", good().replace("HTTP/1.1", "HTTP/1.0"), "400"),
            ("no Host", without("Host"), "400"),
            ("two Hosts", handshake("/ws", "Host: other\r\n"), "400"),
            ("no Upgrade", without("Upgrade"), "426"),
            ("another Upgrade", with("Upgrade", "h2c"), "400"),
            ("two protocols", with("Upgrade", "websocket, h2c"), "400"),
            ("two Upgrades", handshake("/ws", "Upgrade: websocket\r\n"), "400"),
            ("no Connection", without("Connection"), "400"),
            ("another Connection", with("Connection", "keep-alive"), "400"),
            ("Connection: close", with("Connection", "close, Upgrade"), "400"),
            ("no version", without("Sec-WebSocket-Version"), "426"),
            ("version 8", with("Sec-WebSocket-Version", "8"), "426"),
            ("version 14", with("Sec-WebSocket-Version", "14"), "426"),
            ("version x", with("Sec-WebSocket-Version", "x"), "426"),
            ("two versions", handshake("/ws", "Sec-WebSocket-Version: 8\r\n"), "426"),
            ("no key", without("Sec-WebSocket-Key"), "400"),
            ("an empty key", with("Sec-WebSocket-Key", ""), "400"),
            ("a key of 15 bytes", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"), "400"),
            ("a key of 17 bytes", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSE="), "400"),
            (
                "a key that is not base64",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j!Q=="),
                "400",
            ),
            (
                "a key without its padding",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"),
                "400",
            ),
            ("two keys", handshake("/ws", &format!("Sec-WebSocket-Key: {key}\r\n")), "400"),
            ("a body", handshake("/ws", "Content-Length: 5\r\n") + "hello", "400"),
            ("no body", handshake("/ws", "Content-Length: 0\r\n"), "101"),
            (
                "a chunked body",
                handshake("/ws", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
                "400",
            ),
            ("nonsense", "nonsense\r\n\r\n".to_owned(), "400"),
        ],
    );
    assert_eq!(server.metrics.refused(Refused::Version).get(), 5);
    assert_eq!(server.metrics.refused(Refused::Path).get(), 4);
    assert_eq!(server.metrics.accepted.get(), 6);
}

#[test]
fn a_refusal_says_what_would_do() {
    let server = TestServer::start(config(sockets()));
    for (request, header) in [
        (with("Sec-WebSocket-Version", "8"), "sec-websocket-version: 13\r\n"),
        (without("Upgrade"), "upgrade: websocket\r\n"),
        (good().replace("GET", "PUT"), "allow: GET\r\n"),
        (handshake("/ws?refuse", ""), r#"{"code":"unauthorized"}"#),
    ] {
        let (_, answer) = answer(server.address(), request);
        assert!(answer.contains(header), "{header} in {answer}");
    }
}

#[test]
fn a_page_of_the_same_origin_may_connect() {
    let server = TestServer::start(config(sockets()));
    let from = |origin: &str| handshake("/ws", &format!("Origin: {origin}\r\n"));
    check(
        &server,
        [
            ("no browser", good(), "101"),
            ("the same host", from("http://salon.test"), "101"),
            ("behind TLS", from("https://salon.test"), "101"),
            ("other capitals", from("https://Salon.Test"), "101"),
            ("the port that is implied", from("https://salon.test:443"), "101"),
            ("another port", from("http://salon.test:8080"), "403"),
            ("another host", from("http://evil.test"), "403"),
            ("a host that begins so", from("http://salon.test.evil.test"), "403"),
            ("a host that ends so", from("http://evilsalon.test"), "403"),
            ("a host below", from("http://a.salon.test"), "403"),
            ("null", from("null"), "403"),
            ("nothing", from(""), "403"),
            ("no scheme", from("salon.test"), "403"),
            (
                "two origins",
                handshake("/ws", "Origin: http://salon.test\r\nOrigin: http://salon.test\r\n"),
                "403",
            ),
            ("two in one", from("http://salon.test http://evil.test"), "403"),
        ],
    );
    assert_eq!(server.metrics.refused(Refused::Origin).get(), 10);
}

#[test]
fn with_a_list_only_what_is_in_it_may_connect() {
    let list = ["https://chat.example", "http://localhost:3000", "tauri://localhost"];
    let server = TestServer::start(config(SocketConfig {
        origins: Some(list.map(str::to_owned).to_vec()),
        ..sockets()
    }));
    let from = |origin: &str| handshake("/ws", &format!("Origin: {origin}\r\n"));
    check(
        &server,
        [
            ("no browser", good(), "101"),
            ("the first", from("https://chat.example"), "101"),
            ("with its port", from("https://chat.example:443"), "101"),
            ("the second", from("http://localhost:3000"), "101"),
            ("an application", from("tauri://localhost"), "101"),
            ("the same host is not enough", from("http://salon.test"), "403"),
            ("another scheme", from("http://chat.example"), "403"),
            ("another port", from("http://localhost:3001"), "403"),
            ("longer", from("https://chat.example.evil.test"), "403"),
            ("null", from("null"), "403"),
        ],
    );
}

#[test]
fn the_bound_of_sockets_is_kept_and_given_back() {
    let server = TestServer::start(config(SocketConfig { sockets_max: 2, ..sockets() }));
    let mut first = server.connect();
    let _second = server.connect();
    let (status, refusal) = answer(server.address(), good());
    assert_eq!(status, "503");
    assert!(refusal.contains("retry-after: 5\r\n"), "{refusal}");
    assert_eq!(first.say_goodbye(), crate::client::goodbye());
    drop(first);
    // The place is free as soon as the server has seen our FIN.
    while answer(server.address(), good()).0 == "503" {}
}

#[test]
fn what_is_sent_behind_the_handshake_is_not_lost() {
    let server = TestServer::start(config(sockets()));
    let mut client = Client::tcp(server.address());
    let first = text("first");
    client.send([good().as_bytes(), &first, &text("second"), &first[..3]].concat());
    assert!(client.head().starts_with("HTTP/1.1 101"));
    assert_eq!(client.next(), Heard::Text("first".to_owned()));
    assert_eq!(client.next(), Heard::Text("second".to_owned()));
    client.send(&first[3..]);
    assert_eq!(client.next(), Heard::Text("first".to_owned()));
}

#[test]
fn a_connection_may_serve_requests_before_it_is_upgraded() {
    let server = TestServer::start(config(sockets()));
    let health = "GET /health HTTP/1.1\r\nHost: salon.test\r\n\r\n";
    let mut client = Client::tcp(server.address());
    client.send([health, health, &good()].concat());
    for _ in 0..2 {
        assert!(client.head().starts_with("HTTP/1.1 200"));
        client.skip("fine");
    }
    assert!(client.head().starts_with("HTTP/1.1 101"));
    assert_eq!(client.ask("still there?"), "still there?");
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let server = TestServer::start(ServerConfig {
        // actix-http's clock is exact to half a second.
        header_timeout: Duration::from_secs(1),
        ..config(sockets())
    });
    let mut silent = Client::tcp(server.address());
    let mut slow = Client::tcp(server.address());
    slow.send(&good()[..20]);
    for client in [&mut silent, &mut slow] {
        assert!(client.head().starts_with("HTTP/1.1 408"));
        client.rest();
    }
}

#[test]
fn a_panic_in_admit_is_an_answer() {
    let server = TestServer::start(config(SocketConfig { sockets_max: 1, ..sockets() }));
    let (status, _) = answer(server.address(), handshake("/ws?panic", ""));
    assert_eq!(status, "500");
    // The place it had is free again.
    assert_eq!(server.connect().ask("still there?"), "still there?");
}

#[test]
fn a_configuration_that_cannot_hold_is_refused() {
    let (said, _) = std::sync::mpsc::channel::<Called>();
    let metrics = std::sync::Arc::<salon_http::websocket::SocketMetrics>::default();
    let start = |config: ServerConfig| {
        let (said, shared) = (said.clone(), metrics.clone());
        let make = move |sockets| Puppet::new(sockets, shared.clone(), said.clone());
        actix_rt::System::new()
            .block_on(async { serve(config, metrics.clone(), |_| {}, make).map(drop) })
            .unwrap_err()
            .to_string()
    };
    let with = |sockets: SocketConfig| start(config(sockets));
    assert_eq!(
        with(SocketConfig { path: Some("ws".to_owned()), ..sockets() }),
        "configuration: path starts with /"
    );
    assert_eq!(
        with(SocketConfig { origins: Some(vec!["*".to_owned()]), ..sockets() }),
        "not an origin: *"
    );
    assert_eq!(
        start(ServerConfig { listen: Vec::new(), ..config(sockets()) }),
        "configuration: listen names at least one address"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = start(ServerConfig { listen: vec![address], ..config(sockets()) });
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
    let _: fn(&'static str) -> ServeError = ServeError::Config;
}
