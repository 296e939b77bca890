//! The sockets of all people.
//!
//! Owns      who is connected, who has to connect, and when.
//! Promises  a bounded number of handshakes at once; whoever loses his socket gets another one.
//! Does not  know what is said.

use crate::client::{Kind, Net, SocketId};
use crate::clock::MILLISECOND_NS;
use crate::failure::Failure;

/// Handshakes at once.
const OPENING_MAX: usize = 64;
/// Before another try.
const RETRY_NS: u64 = 100 * MILLISECOND_NS;

/// How far a socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// Nobody asked for it.
    #[default]
    Unwanted,
    Wanted,
    Opening,
    Up,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    id: Option<SocketId>,
    way: Way,
    due_ns: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Link>,
    opening: usize,
    wanted: usize,
}

impl Links {
    pub(super) fn new(count: usize) -> Links {
        Links { links: vec![Link::default(); count], opening: 0, wanted: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.links.len()
    }

    /// These shall be connected.
    pub(super) fn want(&mut self, tags: std::ops::Range<usize>) {
        for tag in tags {
            if self.links[tag].way == Way::Unwanted {
                self.links[tag].way = Way::Wanted;
                self.wanted += 1;
            }
        }
    }

    /// Begins what is due.
    pub(super) fn open(&mut self, net: &mut Net, now_ns: u64) -> Result<(), Failure> {
        if self.wanted == 0 {
            return Ok(());
        }
        for (tag, link) in self.links.iter_mut().enumerate() {
            if self.opening >= OPENING_MAX {
                break;
            }
            if link.way == Way::Wanted && link.due_ns <= now_ns {
                let id = net.connect(Kind::WebSocket, tag as u32);
                link.id = Some(id.map_err(Failure::system("connecting"))?);
                link.way = Way::Opening;
                (self.opening, self.wanted) = (self.opening + 1, self.wanted - 1);
            }
        }
        Ok(())
    }

    /// It is in.
    pub(super) fn is_in(&mut self, tag: usize) {
        if self.links[tag].way == Way::Opening {
            self.links[tag].way = Way::Up;
            self.opening -= 1;
        }
    }

    /// The socket is no more.
    pub(super) fn lost(&mut self, tag: usize, now_ns: u64) {
        match std::mem::replace(&mut self.links[tag].way, Way::Wanted) {
            Way::Opening => self.opening -= 1,
            Way::Wanted => return,
            Way::Up | Way::Unwanted => {}
        }
        self.wanted += 1;
        self.links[tag].id = None;
        self.links[tag].due_ns = now_ns + RETRY_NS;
    }

    /// The socket of one who is in.
    pub(super) fn up(&self, tag: usize) -> Option<SocketId> {
        let link = self.links[tag];
        link.id.filter(|_| link.way == Way::Up)
    }

    /// The socket, even when one is not in yet.
    pub(super) fn any(&self, tag: usize) -> Option<SocketId> {
        self.links[tag].id
    }

    pub(super) fn all_up(&self) -> bool {
        self.links.iter().all(|link| link.way == Way::Up)
    }

    pub(super) fn up_count(&self) -> usize {
        self.links.iter().filter(|link| link.way == Way::Up).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_lost_comes_back_later() {
        let mut links = Links::new(2);
        assert!(!links.all_up());
        links.want(0..2);
        links.want(0..2);
        assert_eq!(links.wanted, 2);
        let mut net = Net::new(([127, 0, 0, 1], 9).into()).unwrap();
        links.open(&mut net, 0).unwrap();
        assert_eq!((links.opening, links.wanted, links.up(0)), (2, 0, None));
        links.is_in(0);
        links.is_in(1);
        assert!(links.all_up() && links.up(0).is_some());
        links.lost(1, 0);
        assert_eq!((links.up_count(), links.any(1)), (1, None));
        links.open(&mut net, RETRY_NS - 1).unwrap();
        assert_eq!(links.opening, 0);
        links.open(&mut net, RETRY_NS).unwrap();
        links.lost(1, RETRY_NS);
        links.lost(1, RETRY_NS);
        assert_eq!((links.opening, links.wanted), (0, 1));
    }
}
