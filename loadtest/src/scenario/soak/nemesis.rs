//! What is done to the server, and when.
//!
//! Owns      the closed list of nemeses and their agenda.
//! Promises  pure: the same seed and times make the same agenda. One thing at a time.
//! Does not  do anything.

use crate::random::Random;

/// Something that happens to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nemesis {
    Kill,
    Stop,
    Cut,
    Storm,
    Term,
    DiskFull,
}

impl Nemesis {
    pub(super) const ALL: &[Nemesis] = &[
        Nemesis::Kill,
        Nemesis::Stop,
        Nemesis::Cut,
        Nemesis::Storm,
        Nemesis::Term,
        Nemesis::DiskFull,
    ];

    /// Its flag.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Nemesis::Kill => "kill",
            Nemesis::Stop => "stop",
            Nemesis::Cut => "cut",
            Nemesis::Storm => "storm",
            Nemesis::Term => "term",
            Nemesis::DiskFull => "disk-full",
        }
    }

    /// Whether it can only be done to a server that is started here.
    pub(super) const fn needs_process(self) -> bool {
        !matches!(self, Nemesis::Cut | Nemesis::Storm)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    nemesis: Nemesis,
    every_ns: u64,
    due_ns: u64,
}

/// When what is due.
#[derive(Debug)]
pub(super) struct Agenda {
    entries: Vec<Entry>,
    random: Random,
}

impl Agenda {
    /// Everything comes for the first time when its interval has passed since `now_ns`, more or less.
    pub(super) fn new(
        what: impl IntoIterator<Item = (Nemesis, std::time::Duration)>,
        now_ns: u64,
        random: Random,
    ) -> Agenda {
        let mut agenda = Agenda { entries: Vec::new(), random };
        for (nemesis, every) in what {
            let every_ns = every.as_nanos() as u64;
            let due_ns = agenda.after(now_ns, every_ns);
            agenda.entries.push(Entry { nemesis, every_ns, due_ns });
        }
        agenda
    }

    /// What has been due for the longest time.
    pub(super) fn due(&self, now_ns: u64) -> Option<Nemesis> {
        let due = self.entries.iter().filter(|entry| entry.due_ns <= now_ns);
        due.min_by_key(|entry| entry.due_ns).map(|entry| entry.nemesis)
    }

    /// It was done; its interval begins anew.
    pub(super) fn done(&mut self, nemesis: Nemesis, now_ns: u64) {
        let Some(index) = self.entries.iter().position(|entry| entry.nemesis == nemesis) else {
            return;
        };
        self.entries[index].due_ns = self.after(now_ns, self.entries[index].every_ns);
    }

    /// A quarter earlier or later, so that nothing keeps time with the server's own timers.
    fn after(&mut self, now_ns: u64, every_ns: u64) -> u64 {
        now_ns + self.random.between(every_ns / 4 * 3, every_ns / 4 * 5)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_waits_longest_comes_first_and_comes_again() {
        let what = [(Nemesis::Kill, Duration::from_nanos(1_000)), (Nemesis::Cut, Duration::ZERO)];
        let mut agenda = Agenda::new(what, 10, Random::new(1));
        assert_eq!(agenda.due(9), None);
        assert_eq!(agenda.due(10), Some(Nemesis::Cut));
        assert_eq!(agenda.due(2_000), Some(Nemesis::Cut));
        agenda.done(Nemesis::Cut, 2_000);
        assert_eq!(agenda.due(2_000), Some(Nemesis::Kill));
        agenda.done(Nemesis::Kill, 2_000);
        assert_eq!(agenda.due(2_700), Some(Nemesis::Cut));
        agenda.done(Nemesis::Cut, 9_000);
        assert_eq!(agenda.due(2_700), None);
    }
}
