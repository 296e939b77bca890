//! What the oracle says: the closed table of checks, findings in words, the verdict.
//!
//! Owns      names and meanings of the checks, the counters, the first few examples of each.
//! Promises  words are made for the examples only; counting a finding allocates nothing.
//! Does not  decide what is a finding.

use std::fmt;

/// Examples that are kept of each check.
pub const EXAMPLES_MAX: usize = 5;

macro_rules! checks {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal,)*) => {
        /// What can be wrong with a server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Check {
            /// All checks, in the order of reports.
            pub const ALL: &[Check] = &[$(Check::$variant),*];

            /// The word in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Check::$variant => $name,)* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Check::$variant => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

checks! {
    /// Acknowledged, and not in the room's history where the acknowledgement said.
    Lost "LOST",
    /// One cid stands at two places.
    Doubled "DOUBLED",
    /// Delivered or in the history, and never sent (or refused); or delivered and not in the history.
    Phantom "PHANTOM",
    /// The history's seq is not contiguous from its beginning, or its time runs backwards.
    Gap "GAP",
    /// A device got an event after a later one of the same room.
    Reordered "REORDERED",
    /// A device got an event that it had.
    Repeated "REPEATED",
    /// A device never got an event of a room that it was to follow.
    Missed "MISSED",
    /// Two readers saw different content at the same place.
    Divergent "DIVERGENT",
    /// Two acknowledgements of one cid name different places.
    AckMismatch "ACK_MISMATCH",
    /// The text of a recalled message was shown to who asked after the recall was acknowledged.
    Unrecalled "UNRECALLED",
    /// Two messages of one socket into one room, neither sent twice, stand in the wrong order.
    Fifo "FIFO",
    /// A photo that was committed does not have all its pictures in the end.
    Unready "UNREADY",
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which promise it breaks.
    pub check: Check,
    /// What happened, where and to whom.
    pub words: String,
}

/// How much was looked at; a clean verdict over nothing says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages that clients sent, repetitions not counted.
    pub messages: u64,
    /// Of these: acknowledged.
    pub acked: u64,
    /// Of these: refused for good.
    pub refused: u64,
    /// Events that devices got.
    pub deliveries: u64,
    /// Events in final histories.
    pub history_events: u64,
    /// Events in pages and search results on the way.
    pub events_read: u64,
    /// Sessions of devices.
    pub sessions: u64,
    /// Recalls that were acknowledged.
    pub recalls: u64,
    /// Rooms in which something happened and whose history was not read, so that nothing is known
    /// about losses there.
    pub rooms_unread: u64,
}

impl Totals {
    fn absorb(&mut self, other: Totals) {
        self.messages += other.messages;
        self.acked += other.acked;
        self.refused += other.refused;
        self.deliveries += other.deliveries;
        self.history_events += other.history_events;
        self.events_read += other.events_read;
        self.sessions += other.sessions;
        self.recalls += other.recalls;
        self.rooms_unread += other.rooms_unread;
    }
}

/// What the oracle found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    counts: [u64; Check::ALL.len()],
    examples: Vec<Finding>,
    /// How much was looked at.
    pub totals: Totals,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// How often `check` failed.
    pub fn count(&self, check: Check) -> u64 {
        self.counts[check as usize]
    }

    /// How many findings there are in all.
    pub fn findings(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The first few findings of each check.
    pub fn examples(&self) -> &[Finding] {
        &self.examples
    }

    /// Adds the verdict of another oracle, which looked at other devices.
    pub fn absorb(&mut self, other: Verdict) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for finding in other.examples {
            self.keep(finding);
        }
        self.totals.absorb(other.totals);
    }

    /// Counts a finding; `words` is asked only for an example.
    pub(super) fn note(&mut self, check: Check, words: impl FnOnce() -> String) {
        self.note_many(check, 1, words);
    }

    /// Counts `count` findings that one sentence tells.
    pub(super) fn note_many(&mut self, check: Check, count: u64, words: impl FnOnce() -> String) {
        self.counts[check as usize] += count;
        if self.examples_of(check) < EXAMPLES_MAX {
            self.examples.push(Finding { check, words: words() });
        }
    }

    fn keep(&mut self, finding: Finding) {
        if self.examples_of(finding.check) < EXAMPLES_MAX {
            self.examples.push(finding);
        }
    }

    fn examples_of(&self, check: Check) -> usize {
        self.examples.iter().filter(|finding| finding.check == check).count()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        if self.is_clean() {
            return write!(
                out,
                "clean: {} messages, {} acknowledged, {} deliveries, {} events of history, all checked",
                totals.messages, totals.acked, totals.deliveries, totals.history_events,
            );
        }
        writeln!(out, "{} findings", self.findings())?;
        for check in Check::ALL.iter().filter(|check| self.count(**check) > 0) {
            writeln!(out, "  {:<12} {:>8}  {}", check, self.count(*check), check.meaning())?;
            for finding in self.examples.iter().filter(|finding| finding.check == *check) {
                writeln!(out, "      {}", finding.words)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_few_and_counts_are_exact() {
        let mut verdict = Verdict::default();
        assert!(verdict.is_clean());
        for number in 0..20 {
            verdict.note(Check::Lost, || format!("number {number}"));
        }
        verdict.note_many(Check::Missed, 7, || "seven".to_owned());
        assert_eq!((verdict.count(Check::Lost), verdict.count(Check::Missed)), (20, 7));
        assert_eq!(verdict.examples().len(), EXAMPLES_MAX + 1);
        let mut sum = verdict.clone();
        sum.absorb(verdict);
        assert_eq!((sum.findings(), sum.examples().len()), (54, EXAMPLES_MAX + 2));
        assert!(sum.to_string().contains("LOST"));
    }
}
