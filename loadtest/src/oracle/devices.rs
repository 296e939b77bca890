//! Devices, and how far each has got in each room.
//!
//! Owns      cursors, holes, the session of a device and what it may still be shown.
//! Promises  a delivery in order costs one comparison, and allocates nothing.
//! Does not  look at content.

use salon_protocol::{Seq, UserId};

use super::Start;
use super::verdict::{Check, Verdict};

#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) room: u32,
    /// The newest event that the device holds of what was pushed to it.
    pub(super) seq: Seq,
    /// Set apart, because few rooms are ever stale or broken.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    /// What was skipped, as (first, last).
    holes: Vec<(Seq, Seq)>,
    /// What is to be read by pages, as (next, last).
    pages: Option<(Seq, Seq)>,
}

#[derive(Debug)]
pub(super) struct Device {
    pub(super) user: UserId,
    pub(super) name: Box<str>,
    /// Counts the sessions; 0: none yet.
    pub(super) session: u32,
    /// Recalls that were acknowledged when the session was asked for.
    pub(super) moment: u32,
    pub(super) retired: bool,
    /// By room.
    pub(super) cursors: Vec<Cursor>,
    /// The cursor that was used last.
    hint: u32,
}

impl Device {
    pub(super) fn new(user: UserId, name: &str) -> Self {
        Device {
            user,
            name: name.into(),
            session: 0,
            moment: 0,
            retired: false,
            cursors: Vec::new(),
            hint: 0,
        }
    }

    /// A new session: what the old one skipped is missed for good, positions count from now.
    pub(super) fn open(&mut self, moment: u32, starts: &[(u32, Start)], verdict: &mut Verdict) {
        self.close(verdict);
        self.session += 1;
        self.moment = moment;
        self.hint = 0;
        self.cursors.clear();
        for (room, start) in starts {
            let (seq, rare) = match *start {
                Start::After(seq) => (seq, None),
                Start::Stale { held, head } if held >= head => (head, None),
                Start::Stale { held, head } => {
                    let pages = Some((held + 1, head));
                    (head, Some(Box::new(Rare { pages, ..Rare::default() })))
                }
            };
            self.cursors.push(Cursor { room: *room, seq, rare });
        }
        self.cursors.sort_unstable_by_key(|cursor| cursor.room);
        self.cursors.dedup_by_key(|cursor| cursor.room);
    }

    /// Reports what was skipped; unread pages of an ended session are no fault.
    pub(super) fn close(&mut self, verdict: &mut Verdict) {
        for cursor in &mut self.cursors {
            let Some(rare) = &mut cursor.rare else { continue };
            for (first, last) in std::mem::take(&mut rare.holes) {
                verdict.note_many(Check::Missed, last - first + 1, || {
                    format!(
                        "{} was never sent seq {first} to {last} of a room, but later ones",
                        self.name
                    )
                });
            }
        }
    }

    pub(super) fn cursor(&mut self, room: u32) -> Option<&mut Cursor> {
        let index = self.find(room)?;
        self.cursors.get_mut(index)
    }

    #[inline]
    fn find(&mut self, room: u32) -> Option<usize> {
        let hinted = self.cursors.get(self.hint as usize);
        if hinted.is_some_and(|cursor| cursor.room == room) {
            return Some(self.hint as usize);
        }
        let index = self.cursors.binary_search_by_key(&room, |cursor| cursor.room).ok()?;
        self.hint = index as u32;
        Some(index)
    }

    /// Goes on to `seq` if it is the next one.
    #[inline]
    pub(super) fn advance(&mut self, room: u32, seq: Seq) -> bool {
        let Some(index) = self.find(room) else { return false };
        let cursor = &mut self.cursors[index];
        if seq != cursor.seq + 1 {
            return false;
        }
        cursor.seq = seq;
        true
    }

    /// A pushed event. `joining`: it is the device's own user's joining.
    pub(super) fn place(&mut self, room: u32, seq: Seq, joining: bool, verdict: &mut Verdict) {
        if self.advance(room, seq) {
            return;
        }
        let Some(index) = self.find(room) else {
            let at = self.cursors.partition_point(|cursor| cursor.room < room);
            self.cursors.insert(at, Cursor { room, seq, rare: None });
            return;
        };
        let cursor = &mut self.cursors[index];
        if seq > cursor.seq {
            // A member who came back sees nothing of the time between.
            if !joining {
                let hole = (cursor.seq + 1, seq - 1);
                cursor.rare.get_or_insert_default().holes.push(hole);
            }
            cursor.seq = seq;
            return;
        }
        let (held, name) = (cursor.seq, &self.name);
        if cursor.rare.as_mut().is_some_and(|rare| rare.fill(seq)) {
            verdict.note(Check::Reordered, || format!("{name} got seq {seq} after seq {held}"));
        } else {
            verdict.note(Check::Repeated, || {
                format!("{name} got seq {seq} though it held everything up to seq {held}")
            });
        }
    }

    /// An event of a page with which a stale room is caught up.
    pub(super) fn place_page(&mut self, room: u32, seq: Seq, verdict: &mut Verdict) {
        let name = self.name.clone();
        let Some(rare) = self.cursor(room).and_then(|cursor| cursor.rare.as_mut()) else { return };
        let Some((next, last)) = rare.pages else { return };
        if seq > last {
            return;
        }
        if seq < next {
            verdict.note(Check::Repeated, || {
                format!("{name} read seq {seq} in a page that begins at seq {next}")
            });
            return;
        }
        if seq > next {
            verdict.note_many(Check::Missed, seq - next, || {
                format!("a page showed {name} seq {seq} where seq {next} was due")
            });
        }
        rare.pages = (seq < last).then_some((seq + 1, last));
    }

    /// Whether something was skipped and not yet made good.
    pub(super) fn has_holes(&self) -> bool {
        let rare = self.cursors.iter().filter_map(|cursor| cursor.rare.as_ref());
        rare.into_iter().any(|rare| !rare.holes.is_empty())
    }
}

impl Cursor {
    /// The newest event up to which the device holds everything.
    pub(super) fn held(&self) -> Seq {
        match self.rare.as_ref().and_then(|rare| rare.pages) {
            Some((next, _)) => next - 1,
            None => self.seq,
        }
    }
}

impl Rare {
    /// Takes `seq` out of the holes; false when it is in none.
    fn fill(&mut self, seq: Seq) -> bool {
        let inside = |(first, last): &(Seq, Seq)| (*first..=*last).contains(&seq);
        let Some(index) = self.holes.iter().position(inside) else { return false };
        let (first, last) = self.holes.swap_remove(index);
        let parts = [(first, seq - 1), (seq + 1, last)];
        self.holes.extend(parts.into_iter().filter(|(first, last)| first <= last));
        true
    }
}
