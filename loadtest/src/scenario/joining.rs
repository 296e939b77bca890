//! Everybody opens a socket and takes his seats.
//!
//! Owns      the opening of sockets before anything is measured.
//! Promises  the accounts are the clients, in the same order; each sees all its rooms in `auth`.
//! Does not  go on when a socket cannot be opened: then nothing would be measured that was asked for.

use salon_protocol::RoomId;

use super::DEVICE;
use crate::client::Net;
use crate::crowd::{Account, Greeting, Opening, Target, open};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::traffic::Traffic;

/// Handshakes at once; opening is not what is measured here.
const IN_FLIGHT: usize = 128;

/// Opens a socket for every account and adds it to the traffic. `rooms_of`: the rooms of a client,
/// by number and id.
pub(super) fn join(
    net: &mut Net,
    target: &Target,
    traffic: &mut Traffic<'_>,
    accounts: &[Account],
    progress: &Progress,
    rooms_of: &dyn Fn(usize) -> Vec<(usize, RoomId)>,
) -> Result<(), Failure> {
    let (device, in_flight, heads, greeting) = (DEVICE, IN_FLIGHT, true, Greeting::Auth);
    let opening = Opening { accounts, device, in_flight, heads, greeting, progress };
    let opened = open(net, target, opening)?;
    if let Some(first) = opened.first_error {
        let errors = opened.errors;
        return Err(Failure::Server(format!("{errors} sockets could not be opened: {first}")));
    }
    for (client, (socket, account)) in opened.sockets.iter().zip(accounts).enumerate() {
        let lacks = || Failure::Server(format!("{} does not see a room in auth", account.name));
        let head = |(number, id): (usize, RoomId)| {
            let head = socket.heads.iter().find(|(known, _)| *known == id);
            head.map(|(_, seq)| (number, *seq)).ok_or_else(lacks)
        };
        let rooms: Vec<_> = rooms_of(client).into_iter().map(head).collect::<Result<_, _>>()?;
        traffic.add_guest(socket.id.ok_or_else(lacks)?, account.user, &rooms);
    }
    Ok(())
}
