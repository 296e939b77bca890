//! One client, and how far it has got in each of its rooms.
//!
//! Owns      the seq that comes next, by room.
//! Promises  who is in one room keeps no list; who is in many looks at one of them at a time.
//! Does not  judge: that is the oracle's.

use salon_protocol::{Seq, UserId};

use crate::client::SocketId;
use crate::oracle::DeviceIndex;

/// What comes next for who is in no room.
const NOTHING: Seq = Seq::MAX;

#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: SocketId,
    pub(super) user: UserId,
    pub(super) device: DeviceIndex,
    /// The room that it looks at.
    pub(super) room: u32,
    /// Without a socket, by its own will.
    pub(super) is_away: bool,
    /// The seq that comes next there.
    pub(super) next: Seq,
    /// Rooms and what comes next in them, in the order of the rooms; stale for the room that it
    /// looks at. Empty: there is but one.
    seats: Vec<(u32, Seq)>,
}

impl Client {
    /// In these rooms, of which it holds everything up to a seq.
    pub(super) fn new(
        id: SocketId,
        user: UserId,
        device: DeviceIndex,
        rooms: &[(usize, Seq)],
    ) -> Client {
        let mut seats: Vec<_> = rooms.iter().map(|(room, seq)| (*room as u32, seq + 1)).collect();
        seats.sort_unstable();
        let (room, next) = seats.first().copied().unwrap_or((0, NOTHING));
        if seats.len() < 2 {
            seats = Vec::new();
        }
        Client { id, user, device, room, is_away: false, next, seats }
    }

    /// Whether it is in any room.
    pub(super) fn is_in_one(&self) -> bool {
        self.next != NOTHING
    }

    /// Whether it is in several rooms.
    #[inline]
    pub(super) fn is_in_many(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Looks at another room; false: it is not in that one.
    pub(super) fn turn_to(&mut self, room: u32) -> bool {
        if room == self.room {
            return true;
        }
        let seat = |of: u32| self.seats.binary_search_by_key(&of, |(room, _)| *room);
        let (Ok(from), Ok(to)) = (seat(self.room), seat(room)) else { return false };
        self.seats[from].1 = self.next;
        (self.room, self.next) = self.seats[to];
        true
    }

    /// Its rooms and the newest seq that it holds of each.
    pub(super) fn held(&self) -> impl Iterator<Item = (u32, Seq)> + '_ {
        let current = self.is_in_one().then(|| (self.room, self.next - 1));
        let others = self.seats.iter().filter(|(room, _)| *room != self.room);
        current.into_iter().chain(others.map(|(room, next)| (*room, next - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Oracle, Texts};

    fn client(rooms: &[(usize, Seq)]) -> Client {
        let user = UserId::from_bytes([1; 16]);
        let device = Oracle::new(Texts::Fingerprints).device(user, "it");
        Client::new(SocketId::default(), user, device, rooms)
    }

    #[test]
    fn each_room_keeps_its_place() {
        let mut client = client(&[(7, 70), (3, 30), (5, 50)]);
        assert!(client.is_in_many() && client.turn_to(5));
        client.next += 1;
        assert!(client.turn_to(7) && !client.turn_to(4));
        assert_eq!((client.room, client.next), (7, 71));
        let mut held: Vec<_> = client.held().collect();
        held.sort_unstable();
        assert_eq!(held, [(3, 30), (5, 51), (7, 70)]);
    }

    #[test]
    fn who_is_in_one_room_keeps_no_list() {
        let mut client = client(&[(2, 9)]);
        assert!(!client.is_in_many() && client.turn_to(2) && !client.turn_to(3));
        assert_eq!(client.held().collect::<Vec<_>>(), [(2, 9)]);
    }

    #[test]
    fn who_is_in_no_room_holds_nothing() {
        let client = client(&[]);
        assert!(!client.is_in_one() && client.held().next().is_none());
    }
}
