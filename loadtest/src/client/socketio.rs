//! The text frames of Socket.IO 5 over Engine.IO 4, on a direct WebSocket.
//!
//! A frame begins with the digit of an Engine.IO packet; behind a 4 (message) comes the digit of a
//! Socket.IO packet, an optional acknowledgement number, and JSON. Sources: the protocol documents
//! "Engine.IO protocol v4" and "Socket.IO protocol v5" on socket.io/docs.
//!
//! Owns      reading and writing of what a client without binary data, polling and namespaces needs.
//! Promises  what is not understood to the last byte is [`Packet::Unknown`].
//! Does not  keep state: whoever reads answers.

use serde::Serialize;

/// Where the server takes WebSockets.
pub(super) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";
/// Asks for the default namespace; sent once the server has said [`Packet::Open`].
pub(super) const CONNECT: &[u8] = b"40";
/// The server's heartbeat, and the answer to it.
pub(super) const PING: &[u8] = b"2";
pub(super) const PONG: &[u8] = b"3";

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// Engine.IO is open.
    Open,
    /// The namespace is joined.
    Connected,
    /// An event with one argument.
    Event {
        name: &'a str,
        argument: &'a str,
    },
    /// The answer to the event with this number, with one argument.
    Ack {
        id: u64,
        argument: &'a str,
    },
    /// The server ends the connection, or refuses it.
    Ended,
    Unknown,
}

/// Reads one text frame.
pub(super) fn read(payload: &[u8]) -> Packet<'_> {
    let Ok(text) = std::str::from_utf8(payload) else { return Packet::Unknown };
    let Some((kind, rest)) = text.split_at_checked(1) else { return Packet::Unknown };
    match kind {
        "0" => Packet::Open,
        "1" => Packet::Ended,
        "4" => message(rest).unwrap_or(Packet::Unknown),
        _ => Packet::Unknown,
    }
}

fn message(text: &str) -> Option<Packet<'_>> {
    let (kind, rest) = text.split_at_checked(1)?;
    match kind {
        "0" => Some(Packet::Connected),
        "1" | "4" => Some(Packet::Ended),
        "2" => {
            // The name has no escapes: it is one of ours.
            let (name, rest) = rest.strip_prefix("[\"")?.split_once('"')?;
            let argument = rest.strip_prefix(',')?.strip_suffix(']')?;
            Some(Packet::Event { name, argument })
        }
        "3" => {
            let (id, rest) = rest.split_at_checked(rest.find('[')?)?;
            let argument = rest.strip_prefix('[')?.strip_suffix(']')?;
            Some(Packet::Ack { id: id.parse().ok()?, argument })
        }
        _ => None,
    }
}

/// An event that asks to be acknowledged.
pub(super) fn event<T: Serialize>(name: &str, id: u64, argument: &T) -> Vec<u8> {
    let mut out = format!("42{id}[\"{name}\",").into_bytes();
    // What the harness sends has string keys, and a buffer takes all bytes.
    let _ = serde_json::to_writer(&mut out, argument);
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says() {
        let open = br#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        for (payload, packet) in [
            (&open[..], Packet::Open),
            (br#"40{"sid":"y"}"#, Packet::Connected),
            (br#"42["news",{"a":[1]}]"#, Packet::Event { name: "news", argument: r#"{"a":[1]}"# }),
            (br#"4317[{"seq":1}]"#, Packet::Ack { id: 17, argument: r#"{"seq":1}"# }),
            (br#"430[]"#, Packet::Ack { id: 0, argument: "" }),
            (br#"44{"message":"no"}"#, Packet::Ended),
            (b"41", Packet::Ended),
            (b"1", Packet::Ended),
        ] {
            assert_eq!(read(payload), packet, "{}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn what_no_server_says() {
        for payload in
            ["", "4", "9", "é", "42", "42[]", "42[\"a\"]", "42[\"a\",1", "43[1]", "43x[1]", "45-[]"]
        {
            assert_eq!(read(payload.as_bytes()), Packet::Unknown, "{payload}");
        }
        assert_eq!(read(&[0xFF, 0xFE]), Packet::Unknown);
    }

    #[test]
    fn what_the_client_says() {
        let bytes = event("join", 7, &serde_json::json!({ "room": "r" }));
        assert_eq!(String::from_utf8_lossy(&bytes), r#"427["join",{"room":"r"}]"#);
    }
}
