//! Peers that do not take what is sent to them, and peers that send without end.

use salon_http::websocket::SocketConfig;

use crate::{
    client::{BINARY, CONTINUATION, Client, FIN, Heard, PING, frame, header},
    puppet::Called,
    server::{TestServer, config, sockets},
};

/// More than the kernel takes for a socket on any machine, in as many bites as there are ticks.
const FLOOD: &str = "!flood 200000";

fn opened(called: &Called) -> bool {
    matches!(called, Called::Opened(_))
}

#[test]
fn who_does_not_read_is_closed_within_his_bound_and_others_notice_nothing() {
    let server = TestServer::start(config(sockets()));
    let (mut slow, mut other) = (server.connect(), server.connect());
    slow.text(FLOOD);

    let Called::Gone { backlog_bytes_max } = server.called_but(opened) else { panic!() };
    assert!(backlog_bytes_max <= sockets().backlog_bytes_max, "{backlog_bytes_max}");
    assert_eq!(server.called(), Called::Closed(slow.local()));
    assert_eq!(other.ask("still there?"), "still there?");
    assert_eq!(server.metrics.slow_closes.get(), 1);

    // Reading on, it finds whole frames, then why it was closed.
    let heard = std::iter::repeat_with(|| slow.next())
        .find(|heard| *heard != Heard::Binary(vec![b'f'; 200_000]));
    assert_eq!(heard, Some(Heard::Close(Some(4101))));
    assert_eq!(slow.next(), Heard::End);
}

#[test]
fn who_never_reads_again_is_reset_and_leaves_nothing_behind() {
    let server = TestServer::start(config(SocketConfig { close_timeout_ticks: 1, ..sockets() }));
    let (mut slow, mut other) = (server.connect(), server.connect());
    slow.text(FLOOD);
    let gone = |called: &Called| opened(called) || matches!(called, Called::Gone { .. });
    assert_eq!(server.called_but(gone), Called::Closed(slow.local()));
    // A tick each time, until its time to close has passed.
    while other.ask("!count") != "1" {}
    assert_eq!(server.metrics.open.get(), 1);
    while server.metrics.backlog_bytes.get() > 0 {
        other.ask("a wake-up");
    }
}

#[test]
fn a_backlog_that_does_not_fall_ends_the_socket() {
    let server = TestServer::start(config(SocketConfig {
        backlog_bytes_max: 64 << 20,
        backlog_high_bytes: 600_000,
        drain_timeout_ticks: 3,
        ..sockets()
    }));
    let mut slow = server.connect();
    // Once, and then silence: it is the time that ends it, not the amount.
    slow.text("!burst 300 100000");
    assert_eq!(server.called_but(opened), Called::Closed(slow.local()));
    assert_eq!(server.metrics.slow_closes.get(), 1);
}

#[test]
fn who_reads_again_is_reported_as_drained() {
    let server =
        TestServer::start(config(SocketConfig { backlog_bytes_max: 64 << 20, ..sockets() }));
    let (mut slow, mut other) = (server.connect(), server.connect());
    slow.text("!burst 300 100000");
    slow.text("read only when there is room");
    assert_eq!(other.ask("still there?"), "still there?");
    for _ in 0..300 {
        assert_eq!(slow.next(), Heard::Binary(vec![b'x'; 100_000]));
    }
    assert_eq!(slow.next(), Heard::Text("read only when there is room".to_owned()));
    assert_eq!(server.called_but(opened), Called::Drained(slow.local()));
    assert_eq!(slow.ask("still there?"), "still there?");
    assert_eq!(server.stop(), []);
}

#[test]
fn answers_to_one_read_do_not_pass_the_bound() {
    // Each of the questions fits the bound, all together do not: reading waits for the writing.
    let server = TestServer::start(config(SocketConfig {
        backlog_bytes_max: 300_000,
        backlog_high_bytes: 100_000,
        ..sockets()
    }));
    let mut client = server.connect();
    let questions = vec![crate::client::text("!burst 1 90000"); 200].concat();
    client.send(&questions);
    for _ in 0..200 {
        assert_eq!(client.next(), Heard::Binary(vec![b'x'; 90_000]));
    }
    assert_eq!(server.metrics.slow_closes.get(), 0);
}

#[test]
fn a_flood_of_pings_is_answered_in_part_and_in_the_end() {
    let server = TestServer::start(config(sockets()));
    let mut client = server.connect();
    let pings: Vec<_> =
        (0..20_000u32).map(|number| frame(FIN | PING, number.to_be_bytes())).collect();
    client.send(pings.concat());
    let last = Heard::Pong(19_999u32.to_be_bytes().to_vec());
    let pongs = std::iter::repeat_with(|| client.next()).take_while(|heard| *heard != last);
    assert!(pongs.count() < 20_000 - 1);
    assert_eq!(client.ask("still there?"), "still there?");
}

#[test]
fn twenty_unfinished_messages_cost_what_has_arrived() {
    const MESSAGE_BYTES: usize = 8 << 20;
    let server = TestServer::start(config(SocketConfig {
        frame_bytes_max: MESSAGE_BYTES,
        message_bytes_max: MESSAGE_BYTES,
        ..sockets()
    }));
    let announced = header(FIN | BINARY, MESSAGE_BYTES as u64);
    let begun = [
        frame(BINARY, vec![7; MESSAGE_BYTES / 2]),
        frame(CONTINUATION, vec![7; MESSAGE_BYTES / 2 - 1]),
        frame(FIN | PING, "all of it?"),
    ]
    .concat();
    let before = resident_bytes();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect();
        client.send(&begun);
        assert_eq!(client.next(), Heard::Pong(b"all of it?".to_vec()));
        clients.push(client);
        // One that only announces costs nothing.
        let mut client = server.connect();
        client.send(&announced);
        clients.push(client);
    }
    let each = resident_bytes().saturating_sub(before) / 20;
    assert!(each < MESSAGE_BYTES * 3 / 2, "{each} bytes each");
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
