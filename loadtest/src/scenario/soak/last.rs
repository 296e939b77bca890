//! The last look: histories, searches, the verdict.
//!
//! Owns      what is checked when everything has come to rest.
//! Promises  every room is read from its first event to its last. No word of a recalled message is
//!           found by anybody; words of others are, or the search was not worth asking.
//! Does not  look at rooms of which the oracle knows nothing.

use super::device_name;
use super::figures::Seen;
use super::people::People;
use super::recent::Known;
use crate::client::Net;
use crate::clock::SECOND_NS;
use crate::crowd::{Account, Reading, Search, enrol, read, search};
use crate::failure::Failure;
use crate::wire::Page;

/// Recalled messages that are searched for, each by two members.
const RECALLED_MAX: usize = 100;
/// Messages that have to be found.
const FOUND_MAX: usize = 10;
/// How far the index may be behind the log.
const INDEX_WITHIN_NS: u64 = 15 * SECOND_NS;

impl People<'_> {
    pub(super) fn last_look(mut self, net: Net) -> Result<Seen, Failure> {
        drop(net);
        // Those of the beginning may have ended.
        let names: Vec<_> = self.scene.accounts[0].iter().map(|it| it.name.clone()).collect();
        let accounts = enrol(self.target, &names, &device_name(usize::MAX))?;
        self.read_histories(&accounts)?;
        self.search_recalled(&accounts)?;
        self.search_others(&accounts)?;
        let People { oracle, troubles, mut seen, .. } = self;
        seen.verdict = oracle.finish();
        seen.troubles = troubles;
        Ok(seen)
    }

    fn read_histories(&mut self, accounts: &[Account]) -> Result<(), Failure> {
        let asked = self.oracle.moment();
        let rooms: Vec<_> = self.rooms.iter().map(|room| (room.id, room.index)).collect();
        let reader = |room: usize| {
            let members = &self.scene.rooms[room].members;
            &accounts[members[self.random.index(members.len())]]
        };
        let mut reader = reader;
        let readings: Vec<_> = (0..)
            .zip(&rooms)
            .map(|(number, (room, _))| Reading { room: *room, reader: reader(number) })
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
        for (_, room) in rooms {
            self.oracle.history_ended(room);
        }
        Ok(())
    }

    /// Two members of the message's room look for each of its texts.
    fn searches<'a>(&self, known: &Known, accounts: &'a [Account]) -> Vec<Search<'a>> {
        let members = &self.scene.rooms[known.room as usize].members;
        let two = [known.seq as usize % members.len(), (known.seq as usize + 1) % members.len()];
        let number = |member: usize| {
            let reader = &accounts[members[member]];
            known.numbers.iter().map(move |number| (reader, *number))
        };
        let words = self.words;
        let search = |(reader, number)| Search { reader, words: words.word(number) };
        two.into_iter().flat_map(number).map(search).collect()
    }

    fn search_recalled(&mut self, accounts: &[Account]) -> Result<(), Failure> {
        let recalled = self.recent.all_recalled();
        // Spread over the run, the newest one included.
        let step = recalled.len().div_ceil(RECALLED_MAX).max(1);
        let some: Vec<_> = recalled.iter().rev().step_by(step).cloned().collect();
        let (mut searches, mut of) = (Vec::new(), Vec::new());
        for known in &some {
            searches.extend(self.searches(known, accounts));
            of.resize(searches.len(), known);
        }
        self.seen.searches += searches.len() as u64;
        let hits = search(self.target, &searches)?;
        for ((known, search), _) in
            of.iter().zip(&searches).zip(hits).filter(|(_, hits)| !hits.is_empty())
        {
            let (room, seq) = (self.rooms[known.room as usize].id, known.seq);
            let name = &search.reader.name;
            self.trouble(format!("{name} finds the recalled message at seq {seq} of room {room}"));
        }
        Ok(())
    }

    fn search_others(&mut self, accounts: &[Account]) -> Result<(), Failure> {
        let others: Vec<_> = self.recent.all_unchanged().take(FOUND_MAX).cloned().collect();
        let begun_ns = self.target.clock.now_ns();
        for known in others {
            let searches = self.searches(&known, accounts);
            self.seen.searches += searches.len() as u64;
            loop {
                let found = search(self.target, &searches)?;
                let right =
                    |hits: &Vec<salon_protocol::Event>| hits.len() == 1 && hits[0].seq == known.seq;
                let took_ns = self.target.clock.now_ns() - begun_ns;
                if found.iter().all(right) {
                    self.seen.index_lag.record_ns(took_ns);
                    break;
                }
                if took_ns > INDEX_WITHIN_NS {
                    let (room, seq) = (self.rooms[known.room as usize].id, known.seq);
                    let seconds = INDEX_WITHIN_NS / SECOND_NS;
                    let words = format!(
                        "after {seconds} s a search does not find the message at seq {seq} of room {room}"
                    );
                    self.trouble(words);
                    break;
                }
                self.target.interrupt.check()?;
            }
        }
        Ok(())
    }
}
