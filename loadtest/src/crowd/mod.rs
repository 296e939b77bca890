//! The people of a load test: their accounts, sockets and rooms.
//!
//! `enrol` makes accounts, `found` makes rooms, `open` opens sockets, `read` reads whole histories,
//! `search` looks for words.
//! Each is one job for the event loop, driven until it is done.
//!
//! Owns      what every scenario needs before and after its own traffic.
//! Promises  many at once, in a bounded number of connections; a job that makes no progress for the
//!           target's patience ends with an error.
//! Does not  measure, except how long opening takes.

mod enrol;
mod found;
mod open;
mod read;
mod search;

use std::net::SocketAddr;
use std::time::Duration;

use salon_protocol::request::{Auth, Positions};
use salon_protocol::{Encoding, UserId};

use crate::client::{Dialect, Handler, Net, SocketId};
use crate::clock::{Clock, MILLISECOND_NS};
use crate::failure::Failure;
use crate::interrupt::Interrupt;

pub use enrol::enrol;
pub use found::{RoomPlan, found};
pub use open::{Greeting, Opened, Opening, Report, open};
pub use read::{Reading, read};
pub use search::{Search, search};

/// The number of the `auth` request on every socket.
pub const AUTH_REFERENCE: u64 = 0;

/// How long a turn of the loop waits at most, so that ctrl-c is noticed.
pub const TURN_MAX: Duration = Duration::from_millis(50);

/// What is talked to, and how.
#[derive(Clone, Debug)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// What it speaks.
    pub dialect: Dialect,
    /// How requests are written.
    pub encoding: Encoding,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// The clock of the run.
    pub clock: Clock,
    /// Without any progress for so long, a job is given up.
    pub patience: Duration,
    /// Whether measuring loops look for events without ever sleeping, so that the server is not
    /// charged with waking them up.
    pub spin: bool,
}

impl Target {
    /// An event loop for it.
    pub fn net(&self) -> Result<Net, Failure> {
        Net::speaking(self.address, self.dialect).map_err(Failure::system("making an event loop"))
    }

    /// How long a turn of a measuring loop waits.
    pub fn turn_max(&self) -> Duration {
        if self.spin { Duration::ZERO } else { TURN_MAX }
    }
}

/// A user who is logged in.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who he is.
    pub user: UserId,
    /// What he logs in with.
    pub name: String,
    /// His access token.
    pub token: String,
}

/// Opens the session of a socket.
pub fn authenticate(
    net: &mut Net,
    id: SocketId,
    encoding: Encoding,
    account: &Account,
    device: &str,
    positions: Option<(Positions, Option<String>)>,
) {
    let (rooms, epoch) = match positions {
        Some((rooms, epoch)) => (Some(rooms), epoch),
        None => (None, None),
    };
    let token = Some(account.token.clone());
    let auth = Auth { token, device: Some(device.to_owned()), rooms, inbox: None, epoch };
    net.request(id, encoding, "auth", AUTH_REFERENCE, &auth);
}

/// What a job for the event loop says about itself.
pub(crate) trait Job: Handler {
    /// Begins what can be begun.
    fn begin(&mut self, net: &mut Net, now_ns: u64) -> Result<(), Failure>;

    /// Anything that grows with progress.
    fn progress(&self) -> u64;

    fn is_done(&self) -> bool;

    /// What is being waited for.
    fn waits_for(&self) -> String;
}

/// Drives a job until it is done.
pub(crate) fn drive<J: Job>(net: &mut Net, job: &mut J, target: &Target) -> Result<(), Failure> {
    let (mut progress, mut since_ns) = (job.progress(), target.clock.now_ns());
    loop {
        let now_ns = target.clock.now_ns();
        job.begin(net, now_ns)?;
        if job.is_done() {
            return Ok(());
        }
        net.turn(job, TURN_MAX).map_err(Failure::system("waiting for sockets"))?;
        target.interrupt.check()?;
        if job.progress() != progress {
            (progress, since_ns) = (job.progress(), now_ns);
        } else if now_ns.saturating_sub(since_ns) > target.patience.as_nanos() as u64 {
            return Err(Failure::Server(format!(
                "no progress for {} s with {}",
                (now_ns - since_ns) / (1_000 * MILLISECOND_NS),
                job.waits_for()
            )));
        }
    }
}
