//! The end: the histories are read, the oracle judges.
//!
//! Owns      the last look at every room.
//! Promises  every room of this thread is read from its first event to its last.
//! Does not  run while messages are sent.

use super::Traffic;
use crate::crowd::{Account, Reading, read};
use crate::failure::Failure;
use crate::oracle::Verdict;
use crate::wire::Page;

impl Traffic<'_> {
    /// Reads the history of every room as `reader_of(room number)` and judges.
    pub fn verify<'r>(
        mut self,
        reader_of: impl Fn(usize) -> &'r Account,
    ) -> Result<Verdict, Failure> {
        let asked = self.oracle.moment();
        let rooms: Vec<_> = self.rooms.iter().map(|room| (room.id, room.index)).collect();
        let readings: Vec<_> = (0..)
            .zip(&rooms)
            .map(|(number, (room, _))| Reading { room: *room, reader: reader_of(number) })
            .collect();
        let oracle = &mut self.oracle;
        read(self.target, &readings, &mut |number, page| {
            let room = rooms[number].1;
            match page {
                Page::Plain(messages) => {
                    for message in &messages {
                        oracle.history_message(asked, room, &message.seen());
                    }
                }
                Page::Mixed(events) => oracle.history(asked, room, &events),
            }
        })?;
        for (_, room) in &rooms {
            self.oracle.history_ended(*room);
        }
        Ok(self.oracle.finish())
    }

    /// Judges without histories, which the floor does not have.
    pub fn judge(self) -> Verdict {
        self.oracle.finish()
    }
}
