//! From opened to closed: each once, whoever ends it; one application per worker; actors beside it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
    time::Duration,
};

use actix::{Actor, Addr, Context, Handler, Message as ActorMessage};
use actix_http::RequestHead;
use salon_http::{
    server::ServerConfig,
    websocket::{Application, Message, Refusal, SocketConfig, SocketId, Sockets},
};
use salon_protocol::framing::{Opcode, frame};

use crate::{
    client::{Client, FIN, Heard, close, goodbye, header, text},
    puppet::Called,
    server::{TestServer, config, sockets},
};

/// Plays one socket's life and checks that the application saw it once.
fn check(play: impl FnOnce(&mut Client)) {
    let server = TestServer::start(config(sockets()));
    let mut client = server.connect();
    let address = client.local();
    assert_eq!(server.called(), Called::Opened(address));
    play(&mut client);
    assert_eq!(server.called(), Called::Closed(address));
    let mut other = server.connect();
    assert_eq!(other.ask("still there?"), "still there?");
    let after = server.stop();
    assert!(matches!(after[..], [Called::Opened(_)]), "{after:?}");
}

#[test]
fn the_client_says_goodbye() {
    check(|client| assert_eq!(client.say_goodbye(), goodbye()));
}

#[test]
fn the_client_goes_without_a_word() {
    check(|client| client.shutdown());
    // In the middle of a frame.
    check(|client| {
        client.send(header(FIN | 1, 100));
        client.shutdown();
    });
}

#[test]
fn the_client_breaks_the_protocol() {
    check(|client| {
        client.send([0xFF; 10]);
        assert_eq!([client.next(), client.next()], [Heard::Close(Some(1002)), Heard::End]);
    });
}

#[test]
fn the_application_closes() {
    check(|client| {
        client.text("!close 4001 why");
        assert_eq!(client.next(), Heard::Close(Some(4001)));
        client.send(close(4001, ""));
        assert_eq!(client.next(), Heard::End);
    });
}

#[test]
fn the_application_aborts() {
    check(|client| {
        client.text("!abort");
        assert_eq!(client.next(), Heard::Reset);
    });
}

#[test]
fn the_application_panics() {
    check(|client| {
        client.text("!panic");
        assert_eq!(client.next(), Heard::Close(Some(1011)));
        client.send(close(1011, ""));
        assert_eq!(client.next(), Heard::End);
    });
}

#[test]
fn a_client_that_does_not_answer_a_close_is_cut_off() {
    let server = TestServer::start(config(SocketConfig { close_timeout_ticks: 1, ..sockets() }));
    let mut client = server.connect();
    client.text("!close 1001 bye");
    assert_eq!([client.next(), client.next()], [Heard::Close(Some(1001)), Heard::End]);
}

#[test]
fn what_is_pending_goes_out_before_the_close() {
    let server =
        TestServer::start(config(SocketConfig { backlog_bytes_max: 64 << 20, ..sockets() }));
    let mut client = server.connect();
    client.send([text("!burst 200 100000"), text("!close 1001 bye")].concat());
    for _ in 0..200 {
        assert_eq!(client.next(), Heard::Binary(vec![b'x'; 100_000]));
    }
    assert_eq!(client.next(), Heard::Close(Some(1001)));
}

#[test]
fn a_graceful_stop_does_not_wait_for_who_idles() {
    let hour = Duration::from_secs(3600);
    let server = TestServer::start(ServerConfig {
        keep_alive: hour,
        shutdown_timeout: hour,
        ..config(sockets())
    });
    let mut idle = Client::tcp(server.address());
    idle.send("GET /health HTTP/1.1\r\nHost: salon.test\r\n\r\n");
    assert!(idle.head().starts_with("HTTP/1.1 200"));
    server.stop_gracefully();
    assert_eq!(idle.rest(), "fine");
}

#[derive(ActorMessage)]
#[rtype(result = "()")]
struct Said(SocketId, String);

/// An actor of the worker, as the parts of Salon are.
struct Shouter(Sockets);

impl Actor for Shouter {
    type Context = Context<Self>;
}

impl Handler<Said> for Shouter {
    type Result = ();

    fn handle(&mut self, Said(id, text): Said, _: &mut Context<Self>) {
        self.0.send(id, frame(Opcode::Text, text.to_uppercase().as_bytes()));
    }
}

struct Shouting {
    shouter: Addr<Shouter>,
    thread: ThreadId,
}

impl Application for Shouting {
    type Admission = ();

    fn admit(&self, _: &RequestHead, _: Option<SocketAddr>) -> Result<(), Refusal> {
        Ok(())
    }

    fn opened(&self, _: SocketId, (): ()) {}

    fn message(&self, id: SocketId, message: Message<'_>) {
        assert_eq!(thread::current().id(), self.thread);
        if let Message::Text(text) = message {
            self.shouter.try_send(Said(id, text.to_owned())).unwrap();
        }
    }

    fn closed(&self, _: SocketId) {}
}

#[test]
fn every_worker_has_one_application_and_actors_can_be_started_in_it() {
    let workers = Arc::new(Mutex::new(Vec::new()));
    let made = workers.clone();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let two = ServerConfig { workers: 2, listen: vec![any_port; 2], ..config(sockets()) };
    let server = TestServer::start_with(two, move |sockets| {
        actix_rt::Arbiter::try_current().expect("a worker is an arbiter");
        let thread = thread::current().id();
        made.lock().unwrap().push(thread);
        Shouting { shouter: Shouter(sockets).start(), thread }
    });
    assert_ne!(server.addresses[0], server.addresses[1]);
    for address in server.addresses.iter().cycle().take(8) {
        assert_eq!(Client::connect(*address).ask("shout"), "SHOUT");
    }
    let workers = workers.lock().unwrap();
    assert_eq!(workers.len(), 2, "one for each worker, not for each address");
    assert_ne!(workers[0], workers[1]);
}

/// actix-http would read a chunked body that nobody wants to its end, which may never come.
#[test]
fn a_body_without_an_end_keeps_no_connection() {
    // actix-http's clock is up to half a second behind: a shorter time would be over at once.
    let disconnect_timeout = Duration::from_secs(1);
    let server = TestServer::start(ServerConfig { disconnect_timeout, ..config(sockets()) });
    let clients = ["/health", "/ws", "/nothing"].map(|path| {
        let mut client = Client::tcp(server.addresses[0]);
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: salon.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        ));
        client
    });
    for mut client in clients {
        assert!(client.head().contains("\r\nconnection: close\r\n"));
        client.rest();
    }
}
