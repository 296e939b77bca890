//! One write per socket and wake-up, whatever piled up.

use crate::{
    client::{Client, Heard, text},
    server::{TestServer, config, sockets},
};

/// How many writes the server makes from one question to the next, but for the answer to the first.
fn writes(client: &mut Client, between: impl FnOnce(&mut Client)) -> u64 {
    let before: u64 = client.ask("!writes").parse().unwrap();
    between(client);
    let after: u64 = client.ask("!writes").parse().unwrap();
    after - before - 1
}

#[test]
fn sixteen_messages_of_one_callback_leave_in_one_write() {
    let server = TestServer::start(config(sockets()));
    let mut client = server.connect();
    let writes = writes(&mut client, |client| {
        client.text("!burst 16 100");
        for _ in 0..16 {
            assert_eq!(client.next(), Heard::Binary(vec![b'x'; 100]));
        }
    });
    assert_eq!(writes, 1);
}

#[test]
fn messages_that_arrive_together_are_answered_together() {
    let server = TestServer::start(config(sockets()));
    let mut client = server.connect();
    let writes = writes(&mut client, |client| {
        let questions: Vec<_> = (0..50).map(|number| text(&number.to_string())).collect();
        client.send(questions.concat());
        for number in 0..50 {
            assert_eq!(client.next(), Heard::Text(number.to_string()));
        }
    });
    assert_eq!(writes, 1);
}

#[test]
fn every_socket_gets_its_own_write() {
    let server = TestServer::start(config(sockets()));
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    let (first, others) = clients.split_first_mut().unwrap();
    let writes = writes(first, |first| {
        first.send([text("!all one"), text("!all two"), text("!all three")].concat());
        for client in std::iter::once(first).chain(others) {
            for word in ["one", "two", "three"] {
                assert_eq!(client.next(), Heard::Text(word.to_owned()));
            }
        }
    });
    assert_eq!(writes, 10);
}

#[test]
fn large_segments_are_written_from_where_they_lie() {
    let server = TestServer::start(config(sockets()));
    let mut client = server.connect();
    let writes = writes(&mut client, |client| {
        client.text("!burst 20 5000");
        for _ in 0..20 {
            assert_eq!(client.next(), Heard::Binary(vec![b'x'; 5000]));
        }
    });
    assert_eq!(writes, 1);
}
