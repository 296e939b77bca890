//! What this machine can do at best: the same frames to the same number of sockets, with no server.
//!
//! A bare loop takes a message from a socket and writes its event to all sockets. It runs in a
//! process of its own (`loadtest floor`), on the core where the server would run, and the harness's
//! own client drives and checks it as it does a server.
//!
//! Owns      the loop, in its two forms, and the starting of it.
//! Promises  nothing is done but what any server must do: read, encode once, write to everybody.
//! Does not  authenticate, store, or know rooms.

mod fan;
mod peer;

use std::io;
use std::path::PathBuf;

use clap::ValueEnum;

pub use fan::{NOBODY, serve};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::server::{Launch, SERVER_CORE, Server};

/// How the floor writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Whatever is pending for a socket in one write.
    Coalesce,
    /// Every frame in a write of its own.
    Plain,
}

impl Mode {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Coalesce => "floor-coalesce",
            Mode::Plain => "floor-plain",
        }
    }

    const fn argument(self) -> &'static str {
        match self {
            Mode::Coalesce => "coalesce",
            Mode::Plain => "plain",
        }
    }
}

/// Starts a floor in a process of its own.
pub fn start(mode: Mode, pin: bool, interrupt: &Interrupt) -> Result<Server, Failure> {
    let mut floor = Server::new(Launch {
        path: own_binary().map_err(Failure::system("finding the harness's own binary"))?,
        arguments: ["floor", "--mode", mode.argument()].map(str::to_owned).to_vec(),
        probed: false,
        data_dir: std::env::temp_dir(),
        env: Vec::new(),
        core: pin.then_some(SERVER_CORE),
        log: None,
    })?;
    floor.spawn()?;
    floor.wait_ready(interrupt)?;
    Ok(floor)
}

fn own_binary() -> io::Result<PathBuf> {
    std::env::current_exe()
}
