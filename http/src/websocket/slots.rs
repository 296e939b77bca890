//! Names for sockets that are cheap to look up and harmless when they are stale.
//!
//! Owns      [`SocketId`] and the table behind it.
//! Promises  a name is never given twice: a slot that is used again has another generation.
//! Does not  know what is kept in the table.

use std::fmt;

/// A socket of one worker. The name stays unique for the life of the worker; on another worker it
/// means another socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    slot: u32,
    generation: u32,
}

impl SocketId {
    /// The name from its parts.
    pub fn new(slot: u32, generation: u32) -> Self {
        SocketId { slot, generation }
    }

    /// The place in the worker's table: small numbers, used again. For tables beside it, and for
    /// spreading work that is due for many sockets at once.
    pub fn slot(self) -> u32 {
        self.slot
    }

    /// Tells one holder of the place from the next.
    pub fn generation(self) -> u32 {
        self.generation
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// A table of `T` whose keys are [`SocketId`].
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Slots { slots: Vec::new(), free: Vec::new() }
    }

    /// Puts in what `make` makes for its name. `None` when all 2^32 slots are taken.
    pub(super) fn insert_with(&mut self, make: impl FnOnce(SocketId) -> T) -> Option<SocketId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).ok()?;
                self.slots.push(Slot { generation: 0, value: None });
                slot
            }
        };
        let entry = &mut self.slots[slot as usize];
        let id = SocketId { slot, generation: entry.generation };
        entry.value = Some(make(id));
        Some(id)
    }

    pub(super) fn get(&self, id: SocketId) -> Option<&T> {
        let slot = self.slots.get(id.slot as usize)?;
        if slot.generation == id.generation { slot.value.as_ref() } else { None }
    }

    pub(super) fn remove(&mut self, id: SocketId) -> Option<T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(value)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_name_finds_nothing() {
        let mut slots = Slots::new();
        let first = slots.insert_with(|_| "first").unwrap();
        assert_eq!(slots.get(first), Some(&"first"));
        assert_eq!(slots.remove(first), Some("first"));
        assert_eq!(slots.remove(first), None);

        let second = slots.insert_with(|_| "second").unwrap();
        assert_eq!(second.slot(), first.slot(), "the slot is used again");
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get(second), Some(&"second"));
        assert_eq!(slots.len(), 1);
    }
}
