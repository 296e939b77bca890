//! One socket of the floor.
//!
//! Owns      its stream, an unfinished request, and how much of the log it has been written.
//! Promises  the least that a WebSocket server can do.
//! Does not  answer pings or closes: the harness sends none.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

/// A head of HTTP, or a frame of a client, and how many bytes it takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Head(usize),
    /// Opcode, and where the payload lies.
    Frame {
        opcode: u8,
        start: usize,
        end: usize,
    },
    Part,
}

#[derive(Debug)]
pub(super) struct FloorPeer {
    pub(super) stream: TcpStream,
    pub(super) upgraded: bool,
    /// The kernel takes no more.
    pub(super) blocked: bool,
    /// Bytes of the log that it has been written.
    pub(super) written: u64,
    pub(super) partial: Vec<u8>,
}

impl FloorPeer {
    pub(super) fn new(stream: TcpStream, written: u64) -> Self {
        FloorPeer { stream, upgraded: false, blocked: false, written, partial: Vec::new() }
    }

    /// Reads what there is into `scratch`, behind what was left over. False: the peer is gone.
    pub(super) fn read(&mut self, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        scratch.append(&mut self.partial);
        let mut space = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut space) {
                Ok(0) => return false,
                Ok(read) => {
                    scratch.extend_from_slice(&space[..read]);
                    if read < space.len() {
                        return true;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// What stands at the beginning of `bytes`.
    pub(super) fn parse(&self, bytes: &[u8]) -> Taken {
        if self.upgraded {
            return frame(bytes);
        }
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        end.map_or(Taken::Part, |end| Taken::Head(end + 4))
    }

    /// One write; false: the peer is gone.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        match self.stream.write(bytes) {
            Ok(taken) => {
                self.written += taken as u64;
                self.blocked = taken < bytes.len();
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked = true;
                true
            }
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }
}

/// A frame with the mask 0, as the harness's client sends them.
fn frame(bytes: &[u8]) -> Taken {
    let &[first, second, ..] = bytes else { return Taken::Part };
    let (header, len) = match second & 0x7F {
        126 => match bytes.get(2..4) {
            Some(len) => (8, usize::from(u16::from_be_bytes([len[0], len[1]]))),
            None => return Taken::Part,
        },
        127 => return Taken::Part,
        short => (6, usize::from(short)),
    };
    if bytes.len() < header + len {
        return Taken::Part;
    }
    Taken::Frame { opcode: first & 0x0F, start: header, end: header + len }
}

#[cfg(test)]
mod tests {
    use salon_protocol::Encoding;

    use super::*;
    use crate::client;

    #[test]
    fn the_clients_frames_are_read() {
        let mut bytes = Vec::new();
        client::request(&mut bytes, Encoding::Json, "ping", 1, &"x".repeat(200));
        let Taken::Frame { opcode: 1, start: 8, end } = frame(&bytes) else { panic!() };
        assert_eq!(end, bytes.len());
        for end in 0..bytes.len() {
            assert_eq!(frame(&bytes[..end]), Taken::Part);
        }
    }
}
