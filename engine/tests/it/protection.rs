//! What must not work, and what it costs those who try.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::client::{Client, Encoding, group, text};
use crate::server::Server;

/// A socket without a client behind it.
fn raw(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream
}

/// The code of the close frame that comes next.
fn close_code(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let close = bytes.iter().position(|byte| *byte == 0x88).unwrap();
    u16::from_be_bytes([bytes[close + 2], bytes[close + 3]])
}

/// Memory of the process, in bytes.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_declared_length_is_refused_before_anything_of_it_is_sent() {
    let server = Server::start();
    let mut stream = raw(&server);
    let mut header = vec![0x82, 0xFF];
    header.extend((1_u64 << 40).to_be_bytes());
    header.extend([0; 4]);
    stream.write_all(&header).unwrap();
    assert_eq!(close_code(&mut stream), 1009);
}

#[test]
fn unfinished_messages_stay_within_their_bound() {
    let server = Server::start();
    let before = resident(&server);
    let part = vec![0x20; 200 * 1024];
    let mut header = vec![0x01, 0xFF];
    header.extend((part.len() as u64).to_be_bytes());
    header.extend([0; 4]);
    let mut streams: Vec<_> = (0..20).map(|_| raw(&server)).collect();
    for stream in &mut streams {
        // A first fragment that fits, and a second that does not: the sum is what counts.
        stream.write_all(&header).unwrap();
        stream.write_all(&part).unwrap();
        header[0] = 0x00;
        stream.write_all(&header).unwrap();
        header[0] = 0x01;
        assert_eq!(close_code(stream), 1009);
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 20 * 384 * 1024, "{grown} bytes for 20 sockets");
}

#[test]
fn only_pages_of_our_own_open_sockets() {
    let server = Server::start();
    let from = |origin: &str| Client::open_from(&server, Encoding::Json, Some(origin)).err();
    assert_eq!(from("https://evil.example"), Some(403));
    assert_eq!(from(&format!("http://{}", server.address)), None);
    assert_eq!(from(&format!("http://{}.evil.example", server.address)), Some(403));
}

#[test]
fn nothing_is_heard_before_auth() {
    let server = Server::start();
    let mut client = Client::open(&server, Encoding::Json);
    assert_eq!(client.refused("conversations", json!({})), "unauthorized");
    let mut client = Client::open(&server, Encoding::Json);
    client.send("auth", json!({ "token": "eyJhbGciOiJub25lIn0.e30." }));
    assert_eq!(client.closed().0, 4001);
}

#[test]
fn nonsense_is_answered_and_then_shown_out() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut client = Client::json(&server, &ann);
    for nonsense in ["", "{", "[]", "nul", "{\"type\":7}", "{\"type\":\"ping\"}}"] {
        client.send_text(nonsense);
        assert_eq!(client.expect("error")["data"]["code"], "bad_frame", "{nonsense}");
    }
    client.nothing_else();
    for _ in 0..50 {
        client.send_text("{");
    }
    assert_eq!(client.closed().0, 4102);
}

#[test]
fn floods_are_slowed_down_and_told_so() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut at_ann = Client::json(&server, &ann);
    assert!(at_ann.welcome["limits"]["rate"].is_object(), "{}", at_ann.welcome);
    let room = group(&mut at_ann, "flooded", &[]);
    let asked: Vec<_> = (0..400)
        .map(|number| at_ann.send("send_message", text(&room, &number.to_string())))
        .collect();
    let answers: Vec<_> = asked.into_iter().map(|reference| at_ann.answer(reference)).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer["type"] == "error").collect();
    assert!(!refused.is_empty());
    for answer in &refused {
        assert_eq!(answer["data"]["code"], "rate_limited");
        assert!(answer["data"]["retry_after_ms"].as_u64().unwrap() > 0);
    }
    // What was answered with ok is there, and nothing else.
    let sent = answers.len() - refused.len();
    let types = json!(["new_message"]);
    let page = at_ann.ok("history", json!({ "room": room, "types": types, "limit": 200 }));
    assert_eq!(page["events"].as_array().unwrap().len(), sent.min(200));
}

#[test]
fn a_reader_that_stops_reading_loses_nothing_and_disturbs_nobody() {
    let server = Server::start_with(&[("SALON_RATE_LIMITS", "off")]);
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let mut at_ann = Client::json(&server, &ann);
    let room = group(&mut at_ann, "busy", &[&bob]);
    let mut at_bob = Client::json(&server, &bob);
    let before = resident(&server);
    let words = "x".repeat(8_000);
    // Bob reads nothing of this: 16 MB, far more than the kernel and we keep for him.
    for _ in 0..2_000 {
        at_ann.ok("send_message", text(&room, &words));
        at_ann.expect("new_message");
    }
    let grown = resident(&server).saturating_sub(before);
    // He costs a megabyte; the rest is the store's caches, which are bounded, too.
    assert!(grown < 64 << 20, "{grown} bytes");
    // Now he reads: everything, in order, or the rest after coming back.
    let mut seqs = Vec::new();
    while seqs.len() < 2_000 {
        seqs.push(at_bob.expect("new_message")["seq"].as_u64().unwrap());
    }
    let first = seqs[0];
    assert!(seqs.iter().enumerate().all(|(number, seq)| *seq == first + number as u64));
}
