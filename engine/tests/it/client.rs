//! A person at a socket.
//!
//! Owns      one connection, and what has come and was not yet looked at.
//! Promises  a wait that is in vain fails within [`PATIENCE`]; every frame that comes is kept until
//!           a test asks for it, so that nothing unexpected is overlooked by [`Client::nothing_else`].

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use crate::server::{Person, Server};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    MessagePack,
}

pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    encoding: Encoding,
    reference: u64,
    /// Events and signals.
    pushed: VecDeque<Value>,
    /// Answers that nobody has asked for yet.
    answers: Vec<Value>,
    /// What `auth` was answered.
    pub(crate) welcome: Value,
}

impl Client {
    /// Opened, and not authenticated.
    pub(crate) fn open(server: &Server, encoding: Encoding) -> Client {
        Client::open_from(server, encoding, None).unwrap()
    }

    pub(crate) fn open_from(
        server: &Server,
        encoding: Encoding,
        origin: Option<&str>,
    ) -> Result<Client, u16> {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse().unwrap());
        }
        let socket = match tungstenite::client(request, stream) {
            Ok((socket, _)) => socket,
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                return Err(answer.status().as_u16());
            }
            Err(error) => panic!("{error}"),
        };
        let (pushed, answers) = (VecDeque::new(), Vec::new());
        Ok(Client { socket, encoding, reference: 0, pushed, answers, welcome: Value::Null })
    }

    /// Authenticated; follows everything from now on.
    pub(crate) fn connect(server: &Server, person: &Person, encoding: Encoding) -> Client {
        Client::resume(server, person, encoding, json!({}))
    }

    /// Authenticated, with positions: `{rooms, inbox, epoch, device}`.
    pub(crate) fn resume(
        server: &Server,
        person: &Person,
        encoding: Encoding,
        mut positions: Value,
    ) -> Client {
        let mut client = Client::open(server, encoding);
        positions["token"] = person.token.clone().into();
        client.welcome = client.ok("auth", positions);
        client
    }

    pub(crate) fn json(server: &Server, person: &Person) -> Client {
        Client::connect(server, person, Encoding::Json)
    }

    /// Sends bytes as they are, in one message.
    pub(crate) fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn send(&mut self, kind: &str, data: Value) -> u64 {
        self.reference += 1;
        let frame = json!({ "type": kind, "ref": self.reference, "data": data });
        let message = match self.encoding {
            Encoding::Json => Message::text(frame.to_string()),
            Encoding::MessagePack => Message::binary(rmp_serde::to_vec_named(&frame).unwrap()),
        };
        self.socket.send(message).unwrap();
        self.reference
    }

    /// The answer to a request; whatever comes before it is kept.
    #[track_caller]
    pub(crate) fn answer(&mut self, reference: u64) -> Value {
        if let Some(place) = self.answers.iter().position(|frame| frame["ref"] == reference) {
            return self.answers.swap_remove(place);
        }
        loop {
            let frame = self.frame("an answer");
            if frame["ref"] == reference {
                return frame;
            }
            self.keep(frame);
        }
    }

    fn keep(&mut self, frame: Value) {
        if frame["ref"].is_null() {
            self.pushed.push_back(frame);
        } else {
            self.answers.push(frame);
        }
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, kind: &str, data: Value) -> Value {
        let reference = self.send(kind, data);
        self.answer(reference)
    }

    /// The `data` of the answer, which has to be `ok`.
    #[track_caller]
    pub(crate) fn ok(&mut self, kind: &str, data: Value) -> Value {
        let mut answer = self.ask(kind, data);
        assert_eq!(answer["type"], "ok", "{kind}: {answer}");
        answer["data"].take()
    }

    /// Asks until the answer is the one hoped for: for what follows the log a moment later. To be used
    /// with rate limits off.
    #[track_caller]
    pub(crate) fn ok_when(
        &mut self,
        kind: &str,
        data: &Value,
        hoped: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.ok(kind, data.clone());
            if hoped(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{kind}: {answer}");
        }
    }

    /// The code of the answer, which has to be `error`.
    #[track_caller]
    pub(crate) fn refused(&mut self, kind: &str, data: Value) -> String {
        let answer = self.ask(kind, data);
        assert_eq!(answer["type"], "error", "{kind}: {answer}");
        answer["data"]["code"].as_str().unwrap().to_owned()
    }

    /// The next event or signal of a type; others are kept.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str) -> Value {
        if let Some(place) = self.pushed.iter().position(|frame| frame["type"] == kind) {
            return self.pushed.remove(place).unwrap();
        }
        loop {
            let frame = self.frame(kind);
            if frame["type"] == kind {
                return frame;
            }
            self.keep(frame);
        }
    }

    /// The next events of any log, in the order in which they come.
    #[track_caller]
    pub(crate) fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            match self.pushed.pop_front() {
                Some(frame) if frame["seq"].is_u64() => events.push(frame),
                Some(_) => {}
                None => {
                    let frame = self.frame("an event");
                    self.keep(frame);
                }
            }
        }
        events
    }

    /// Everything that was pushed before now: a ping goes out, and what comes before its answer was
    /// under way.
    pub(crate) fn pushed(&mut self) -> Vec<Value> {
        self.ok("ping", json!({}));
        self.pushed.drain(..).collect()
    }

    /// Nothing was pushed that no test has looked at.
    #[track_caller]
    pub(crate) fn nothing_else(&mut self) {
        let left = self.pushed();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Waits for the server's close; its code and reason.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> (u16, String) {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Ok(_) => {}
                Err(error) => panic!("ended without a close frame: {error}"),
            }
        }
    }

    #[track_caller]
    fn frame(&mut self, awaited: &str) -> Value {
        loop {
            let message = self.socket.read();
            match message.unwrap_or_else(|error| panic!("waiting for {awaited}: {error}")) {
                Message::Text(text) => {
                    assert_eq!(self.encoding, Encoding::Json);
                    return serde_json::from_str(text.as_str()).unwrap();
                }
                Message::Binary(bytes) => {
                    assert_eq!(self.encoding, Encoding::MessagePack);
                    return rmp_serde::from_slice(&bytes).unwrap();
                }
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }
}

/// A new client id.
pub(crate) fn cid() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A text message with a new client id.
pub(crate) fn text(room: &Value, text: &str) -> Value {
    json!({ "room": room, "cid": cid(), "kind": "text", "text": text })
}

/// A group of the founder and others; returns its id.
pub(crate) fn group(founder: &mut Client, name: &str, members: &[&Person]) -> Value {
    let ids: Vec<_> = members.iter().map(|person| person.id.as_str()).collect();
    founder.ok("create_room", json!({ "cid": cid(), "name": name, "members": ids }))["room"].take()
}
