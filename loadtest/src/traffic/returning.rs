//! Leaving, and coming back with positions.
//!
//! Owns      what a client holds while it is away.
//! Promises  the oracle begins a new session where the client named its positions: what was missed
//!           has to be pushed, all of it, in order.
//! Does not  connect: whoever opens the socket tells what was answered.

use salon_protocol::RoomId;
use salon_protocol::reply::AuthOk;
use salon_protocol::request::Positions;

use super::Traffic;
use crate::client::{Net, SocketId};
use crate::measure::Progress;
use crate::oracle::{Moment, Start};

impl Traffic<'_> {
    /// The client says goodbye and stays away until it has [returned](Traffic::returned).
    pub fn leaves(&mut self, net: &mut Net, client: usize) {
        let client = &mut self.clients[client];
        if std::mem::replace(&mut client.is_away, true) {
            return;
        }
        net.leave(client.id);
        for (room, _) in client.held() {
            self.rooms[room as usize].members -= 1;
        }
    }

    /// Now, for [`Traffic::returned`]; to be taken when `auth` is written.
    pub fn moment(&self) -> Moment {
        self.oracle.moment()
    }

    /// What the client names when it comes back.
    pub fn positions(&self, client: usize) -> Positions {
        let held = self.clients[client].held();
        Positions(held.map(|(room, seq)| (self.rooms[room as usize].id, seq)).collect())
    }

    /// The client is back: `auth` was written at `asked` with its positions, and answered now.
    pub fn returned(&mut self, client: usize, id: SocketId, asked: Moment, answer: &AuthOk) {
        let held: Vec<_> = self.clients[client].held().collect();
        let mut starts = Vec::with_capacity(held.len());
        for (room, seq) in held {
            let place = &mut self.rooms[room as usize];
            let name: RoomId = place.id;
            place.members += 1;
            starts.push((place.index, Start::After(seq)));
            match answer.rooms.iter().find(|head| head.id == name) {
                None => self.trouble("the answer to auth lacks a room of the user"),
                Some(head) if head.seq < seq => {
                    self.trouble("a room ends before what a client has got of it");
                }
                Some(head) => place.head = place.head.max(head.seq),
            }
            if answer.stale.contains(&name.to_string()) {
                self.trouble("a room is stale, though little was missed");
            }
        }
        let client = &mut self.clients[client];
        (client.id, client.is_away) = (id, false);
        self.counts.connections += 1;
        self.oracle.session_opened(client.device, asked, &starts);
    }

    /// Whether the client holds everything that is known to be there.
    pub fn has_all(&self, client: usize) -> bool {
        self.clients[client].held().all(|(room, seq)| seq >= self.rooms[room as usize].head)
    }

    /// Tells what has happened so far; a run does so by itself.
    pub fn publish(&mut self, progress: &Progress) {
        progress.publish(self.counts, &mut self.told);
    }

    /// Events that came so far.
    pub fn deliveries(&self) -> u64 {
        self.counts.deliveries
    }
}
