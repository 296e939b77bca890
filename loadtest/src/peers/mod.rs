//! Other servers that people would use instead, to be measured beside Salon.
//!
//! They are small JavaScript files in the folder `loadtest/peers`, written as a good engineer would
//! write them with each library's recommended settings, and compiled into the harness.
//!
//! Owns      which peers there are, fetching their libraries from npm, and starting them.
//! Promises  what is missing is said in a sentence and is no failure; a peer is killed with its owner,
//!           and ends by itself when the harness is killed.
//! Does not  measure. A peer is neither durable nor does it know who somebody is.

mod install;
mod programs;

use std::path::PathBuf;
use std::time::Duration;

use crate::client::Dialect;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::server::{Launch, SERVER_CORE, Server};

pub use install::{Installed, install};

const MANIFEST: &str = include_str!("../../peers/package.json");

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Socket.IO.
    SocketIo,
    /// A bare WebSocket library, with rooms written by hand.
    Ws,
}

impl Peer {
    /// All of them.
    pub const ALL: [Peer; 2] = [Peer::SocketIo, Peer::Ws];

    /// Its name and version.
    pub fn name(self) -> String {
        let (name, package) = match self {
            Peer::SocketIo => ("Socket.IO", "socket.io"),
            Peer::Ws => ("ws", "ws"),
        };
        let manifest: serde_json::Value = serde_json::from_str(MANIFEST).unwrap_or_default();
        let version = manifest["dependencies"][package].as_str().unwrap_or_default();
        format!("{name} {version}")
    }

    /// What it speaks.
    pub const fn dialect(self) -> Dialect {
        match self {
            Peer::SocketIo => Dialect::SocketIo,
            Peer::Ws => Dialect::Plain,
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Peer::SocketIo => "socketio.js",
            Peer::Ws => "ws.js",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Peer::SocketIo => include_str!("../../peers/socketio.js"),
            Peer::Ws => include_str!("../../peers/ws.js"),
        }
    }
}

/// Why there are no peers.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// Something is missing here; the rest can be measured without.
    #[error("{0}")]
    Missing(String),
    /// The run has to end.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Starts a peer in a process of its own.
pub fn start(
    peer: Peer,
    installed: &Installed,
    pin: bool,
    interrupt: &Interrupt,
) -> Result<Server, Failure> {
    let script: PathBuf = installed.folder.join(peer.file());
    let mut server = Server::new(Launch {
        path: installed.node.clone(),
        // It watches us by our number.
        arguments: vec![script.to_string_lossy().into_owned(), std::process::id().to_string()],
        probed: false,
        data_dir: installed.folder.clone(),
        env: vec![("NODE_ENV".to_owned(), "production".to_owned())],
        core: pin.then_some(SERVER_CORE),
        log: None,
    })?;
    server.spawn()?;
    server.wait_ready(interrupt)?;
    Ok(server)
}

/// How long npm may take; a slow line takes a minute.
const NPM_WITHIN: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_exact() {
        for peer in Peer::ALL {
            let name = peer.name();
            let version = name.rsplit(' ').next().unwrap();
            assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3);
            assert!(peer.source().contains("'use strict'"));
        }
    }
}
