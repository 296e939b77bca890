//! Who is silent is asked, and who does not answer is closed.

use salon_http::websocket::SocketConfig;

use crate::{
    client::{FIN, Heard, PONG, frame},
    puppet::Called,
    server::{TestServer, config, sockets},
};

fn server(heartbeat_grace_ticks: u32) -> TestServer {
    TestServer::start(config(SocketConfig {
        heartbeat_ticks: 2,
        heartbeat_grace_ticks,
        close_timeout_ticks: 1,
        ..sockets()
    }))
}

/// Long enough for a client that the system keeps waiting.
const LONG_TICKS: u32 = 200;

#[test]
fn who_answers_stays() {
    let server = server(LONG_TICKS);
    let mut client = server.connect();
    for _ in 0..5 {
        assert_eq!(client.next(), Heard::Ping(Vec::new()));
        client.send(frame(FIN | PONG, ""));
    }
    assert_eq!(server.called(), Called::Opened(client.local()));
    assert_eq!(server.stop(), []);
}

#[test]
fn who_does_not_answer_is_closed() {
    let server = server(3);
    let mut client = server.connect();
    assert_eq!(client.next(), Heard::Ping(Vec::new()));
    assert_eq!(client.next(), Heard::Close(Some(1001)));
    // It does not say Close either, and TCP ends all the same.
    assert_eq!(client.next(), Heard::End);
    assert_eq!(server.called(), Called::Opened(client.local()));
    assert_eq!(server.called(), Called::Closed(client.local()));
    assert_eq!(server.metrics.silent_closes.get(), 1);
}

#[test]
fn any_frame_counts_as_life() {
    let server = server(LONG_TICKS);
    let mut client = server.connect();
    for _ in 0..5 {
        assert_eq!(client.next(), Heard::Ping(Vec::new()));
        client.text("alive");
        // A ping may have crossed the text.
        while client.next() != Heard::Text("alive".to_owned()) {}
    }
}

#[test]
fn a_deadline_comes_once_unless_the_socket_goes() {
    let server = server(LONG_TICKS);
    let mut client = server.connect();
    assert_eq!(server.called(), Called::Opened(client.local()));
    client.text("!deadline 1");
    assert_eq!(server.called(), Called::Deadline(client.local()));
    client.text("!deadline 100000");
    client.text("!close 4001 late");
    assert_eq!(server.called(), Called::Closed(client.local()));
    assert_eq!(server.stop(), []);
}
