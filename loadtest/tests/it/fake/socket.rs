//! One connection of the fake server: HTTP, and after an upgrade frames.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;

use salon_protocol::envelope::RequestEnvelope;
use salon_protocol::{Encoding, Request};

use super::world::World;

const GRANT: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Serves until the other side goes.
pub(super) fn serve(world: &Mutex<World>, number: u64, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    let upgraded = speak_http(world, &mut stream, &mut bytes);
    if upgraded && stream.write_all(GRANT.as_bytes()).is_ok() {
        world.lock().unwrap().connected(number, stream.try_clone().unwrap());
        speak_frames(world, number, &mut stream, &mut bytes);
        world.lock().unwrap().disconnected(number);
    }
}

/// More bytes; false: there will be none.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut space = [0; 4096];
    match stream.read(&mut space) {
        Ok(read) if read > 0 => {
            bytes.extend_from_slice(&space[..read]);
            true
        }
        _ => false,
    }
}

/// Answers requests until one asks for a WebSocket.
fn speak_http(world: &Mutex<World>, stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if more(stream, bytes) {
                continue;
            }
            return false;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        if head.starts_with("get /ws ") {
            bytes.drain(..end + 4);
            return true;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        while bytes.len() < end + 4 + length {
            if !more(stream, bytes) {
                return false;
            }
        }
        let body = bytes[end + 4..end + 4 + length].to_vec();
        bytes.drain(..end + 4 + length);
        let path = head.split(' ').nth(1).unwrap_or("");
        let (status, body) = world.lock().unwrap().answer_http(path, &body);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
            return false;
        }
    }
}

fn speak_frames(world: &Mutex<World>, number: u64, stream: &mut TcpStream, bytes: &mut Vec<u8>) {
    loop {
        while let Some((opcode, payload)) = take_frame(bytes) {
            let encoding = match opcode {
                1 => Encoding::Json,
                2 => Encoding::MessagePack,
                _ => return,
            };
            let text = String::from_utf8_lossy(&payload);
            let envelope = match encoding {
                Encoding::Json => RequestEnvelope::from_json(&text),
                Encoding::MessagePack => RequestEnvelope::from_messagepack(&payload),
            };
            let envelope = envelope.expect("the harness writes frames");
            let request = Request::decode(&envelope).expect("the harness writes requests");
            world.lock().unwrap().answer(number, encoding, envelope.reference, request);
        }
        if !more(stream, bytes) {
            return;
        }
    }
}

/// A whole frame of a client, unmasked.
fn take_frame(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (start, length) = match second & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => panic!("the harness sends no frame as long as this"),
        short => (2, usize::from(short)),
    };
    let mask: [u8; 4] = bytes.get(start..start + 4)?.try_into().unwrap();
    let payload = bytes.get(start + 4..start + 4 + length)?;
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    bytes.drain(..start + 4 + length);
    Some((first & 0x0F, payload))
}
