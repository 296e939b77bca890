//! A WebSocket client that can misbehave: it writes raw bytes and writes down what it hears.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

/// Nothing in these tests takes longer, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;
/// The flag of the last frame of a message.
pub(crate) const FIN: u8 = 0x80;

/// What a client hears.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// FIN.
    End,
    /// RST.
    Reset,
    /// Nothing within the patience.
    Silence,
    /// A frame that no server may send.
    Nonsense(String),
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Heard::Text(text) if text.len() > 60 => write!(f, "Text({} bytes)", text.len()),
            Heard::Text(text) => write!(f, "Text({text:?})"),
            Heard::Binary(bytes) if bytes.len() > 20 => write!(f, "Binary({} bytes)", bytes.len()),
            Heard::Binary(bytes) => write!(f, "Binary({bytes:x?})"),
            Heard::Ping(payload) => write!(f, "Ping({payload:x?})"),
            Heard::Pong(payload) => write!(f, "Pong({payload:x?})"),
            Heard::Close(code) => write!(f, "Close({code:?})"),
            Heard::End => f.write_str("End"),
            Heard::Reset => f.write_str("Reset"),
            Heard::Silence => f.write_str("Silence"),
            Heard::Nonsense(what) => write!(f, "Nonsense({what})"),
        }
    }
}

/// A header with the shortest length.
pub(crate) fn header(first: u8, payload_bytes: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload_bytes {
        0..126 => bytes.push(0x80 | payload_bytes as u8),
        126..0x1_0000 => {
            bytes.push(0xFE);
            bytes.extend((payload_bytes as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0xFF);
            bytes.extend(payload_bytes.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// A masked frame. `first` is the opcode with whatever flags.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    frame(FIN | TEXT, text)
}

pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(FIN | CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A handshake as it should be, with `extra` header lines.
pub(crate) fn handshake(path: &str, extra: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: salon.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extra}\r\n"
    )
}

pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// A TCP connection and no more.
    pub(crate) fn tcp(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream, unread: Vec::new() }
    }

    /// An open WebSocket.
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let mut client = Client::tcp(address);
        client.send(handshake("/ws", ""));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(
            head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{head}"
        );
        client
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn text(&mut self, message: &str) {
        self.send(text(message));
    }

    /// Asks and expects a text as the next thing heard.
    pub(crate) fn ask(&mut self, question: &str) -> String {
        self.text(question);
        match self.next() {
            Heard::Text(answer) => answer,
            other => panic!("{question} was answered by {other:?}"),
        }
    }

    /// Ends our half of the connection.
    pub(crate) fn shutdown(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// The head of a response.
    pub(crate) fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.unread.drain(..at + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            if let Err(end) = self.fill() {
                panic!("{end:?} instead of a response; so far {:?}", self.unread);
            }
        }
    }

    /// Reads what must come next.
    pub(crate) fn skip(&mut self, expected: &str) {
        while self.unread.len() < expected.len() {
            assert_eq!(self.fill(), Ok(()));
        }
        assert_eq!(self.unread.drain(..expected.len()).collect::<Vec<_>>(), expected.as_bytes());
    }

    /// Everything up to the end of the connection, which must be orderly.
    pub(crate) fn rest(&mut self) -> String {
        loop {
            if let Err(end) = self.fill() {
                assert_eq!(end, Heard::End);
                return String::from_utf8(std::mem::take(&mut self.unread)).unwrap();
            }
        }
    }

    /// The next frame, or how the connection ended.
    pub(crate) fn next(&mut self) -> Heard {
        loop {
            if let Some((heard, frame_bytes)) = parse(&self.unread) {
                self.unread.drain(..frame_bytes);
                return heard;
            }
            if let Err(end) = self.fill() {
                return end;
            }
        }
    }

    /// The rest of a conversation that ended in an orderly way on both sides.
    pub(crate) fn say_goodbye(&mut self) -> Vec<Heard> {
        self.send(close(1000, ""));
        vec![self.next(), self.next()]
    }

    fn fill(&mut self) -> Result<(), Heard> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Heard::End),
            Ok(read) => {
                self.unread.extend_from_slice(&chunk[..read]);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::ConnectionReset => Err(Heard::Reset),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Heard::Silence),
                _ => panic!("{error}"),
            },
        }
    }
}

/// What a server says orderly after our Close 1000.
pub(crate) fn goodbye() -> Vec<Heard> {
    vec![Heard::Close(Some(1000)), Heard::End]
}

fn parse(bytes: &[u8]) -> Option<(Heard, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    if first & 0x70 != 0 || first & FIN == 0 || second & 0x80 != 0 {
        return Some((Heard::Nonsense(format!("{first:02x} {second:02x}")), bytes.len()));
    }
    let (length, start, least) = match second {
        126 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 4, 126),
        127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 10, 65_536),
        short => (u64::from(short), 2, 0),
    };
    if length < least {
        return Some((Heard::Nonsense("length is not shortest".to_owned()), bytes.len()));
    }
    let end = start + length as usize;
    let payload = bytes.get(start..end)?.to_vec();
    let heard = match first & 0x0F {
        TEXT => String::from_utf8(payload).map_or(Heard::Nonsense("UTF-8".to_owned()), Heard::Text),
        BINARY => Heard::Binary(payload),
        PING => Heard::Ping(payload),
        PONG => Heard::Pong(payload),
        CLOSE => match payload.first_chunk() {
            Some(code) => Heard::Close(Some(u16::from_be_bytes(*code))),
            None if payload.is_empty() => Heard::Close(None),
            None => Heard::Nonsense("close of one byte".to_owned()),
        },
        other => Heard::Nonsense(format!("opcode {other}")),
    };
    Some((heard, end))
}
