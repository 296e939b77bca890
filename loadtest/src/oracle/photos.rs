//! What is promised about the photos of one live session.
//!
//! Owns      what each viewer was told, what was committed and taken back, and the comparison with the
//!           session's history and list in the end.
//! Promises  pure; a few bytes for each viewer and event. Every photo is shown once in this story:
//!           nobody shows again what he took back.
//! Does not  know sockets, pictures or time.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use salon_protocol::event::NewPhoto;
use salon_protocol::photo::{Photo, PhotoStatus};
use salon_protocol::{EventData, PhotoId, Seq};

use super::verdict::{Check, Verdict};

/// The longer sides of the pictures that every photo has in the end.
pub const VARIANTS: [u32; 3] = [400, 1024, 2048];

/// An event of a session, reduced to what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A photo with all that is known of it.
    Shown(PhotoId),
    /// What is left of one that was taken back.
    Shell(PhotoId),
    /// All its pictures are there.
    Ready(PhotoId),
    /// They were taken back.
    Gone(Vec<PhotoId>),
    /// Something else.
    Other,
}

impl Told {
    /// Reduces an event.
    pub fn of(data: &EventData) -> Told {
        match data {
            EventData::NewPhoto(NewPhoto::Shown(photo)) => Told::Shown(photo.photo),
            EventData::NewPhoto(NewPhoto::Retracted(photo)) => Told::Shell(photo.photo),
            EventData::PhotoStatusUpdated(now) if now.status == PhotoStatus::Ready => {
                Told::Ready(now.photo)
            }
            EventData::PhotoDeleted(gone) => Told::Gone(gone.photos.clone()),
            _ => Told::Other,
        }
    }
}

/// A photo that anybody spoke of.
#[derive(Debug)]
struct Known {
    photo: PhotoId,
    /// Where the commit's answer says it is.
    committed: Option<Seq>,
    /// Somebody asked to take it back.
    asked: bool,
    /// That was acknowledged, as the so-many-th.
    retracted: Option<u32>,
    /// Viewers that were told so.
    ready: usize,
    gone: usize,
}

/// What a viewer has of a photo.
#[derive(Clone, Copy, Debug, Default)]
struct Had {
    /// 0: nothing was shown.
    at: Seq,
    ready: bool,
    gone: bool,
}

#[derive(Debug, Default)]
struct Viewer {
    /// Everything above it is for him.
    from: Seq,
    /// Up to there the newest session replays.
    replay: Seq,
    /// Retractions that were acknowledged when he asked for it.
    knew: u32,
    /// Rising.
    seqs: Vec<Seq>,
    has: Vec<Had>,
}

/// See the module.
#[derive(Debug)]
pub struct Photos {
    index: HashMap<PhotoId, usize, FixedState>,
    known: Vec<Known>,
    /// By upload: which photo it became.
    uploads: HashMap<usize, (PhotoId, Seq), FixedState>,
    viewers: Vec<Viewer>,
    retractions: u32,
    verdict: Verdict,
}

impl Photos {
    /// Nobody has seen anything.
    pub fn new(viewers: usize) -> Photos {
        let viewers = (0..viewers).map(|_| Viewer::default()).collect();
        Photos {
            index: HashMap::default(),
            known: Vec::new(),
            uploads: HashMap::default(),
            viewers,
            retractions: 0,
            verdict: Verdict::default(),
        }
    }

    fn number(&mut self, photo: PhotoId) -> usize {
        let next = self.known.len();
        let number = *self.index.entry(photo).or_insert(next);
        if number == next {
            self.known.push(Known {
                photo,
                committed: None,
                asked: false,
                retracted: None,
                ready: 0,
                gone: 0,
            });
        }
        number
    }

    /// An upload was begun for the first time.
    pub fn begun(&mut self) {
        self.verdict.totals.messages += 1;
    }

    /// A commit was answered; the same upload may be answered again.
    pub fn committed(&mut self, upload: usize, photo: PhotoId, seq: Seq) {
        let number = self.number(photo);
        match self.uploads.insert(upload, (photo, seq)) {
            None => {
                self.verdict.totals.acked += 1;
                if self.known[number].committed.replace(seq).is_some() {
                    let words = || format!("two uploads became one photo {photo}");
                    self.verdict.note(Check::AckMismatch, words);
                }
            }
            Some(before) if before != (photo, seq) => {
                let words = || {
                    let (first, at) = before;
                    format!("upload {upload} became {first} at {at}, then {photo} at {seq}")
                };
                self.verdict.note(Check::AckMismatch, words);
            }
            Some(_) => {}
        }
    }

    /// Somebody asks to take a photo back; from now on it may be gone.
    pub fn retracting(&mut self, photo: PhotoId) {
        let number = self.number(photo);
        self.known[number].asked = true;
    }

    /// That was acknowledged; from now on nobody may be shown it who asks.
    pub fn retracted(&mut self, photo: PhotoId) {
        let number = self.number(photo);
        if self.known[number].retracted.is_none() {
            self.known[number].retracted = Some(self.retractions);
            self.retractions += 1;
            self.verdict.totals.recalls += 1;
        }
    }

    /// Whether somebody asked to take it back.
    pub fn may_be_gone(&self, photo: PhotoId) -> bool {
        self.index.get(&photo).is_some_and(|number| self.known[*number].asked)
    }

    /// A viewer asks to join: what is acknowledged by now, a replay may not show.
    pub fn joining(&mut self, viewer: usize) {
        self.viewers[viewer].knew = self.retractions;
    }

    /// A viewer is in; `head` is the newest event, `again`: everything since what he had is replayed.
    pub fn joined(&mut self, viewer: usize, head: Seq, again: bool) {
        self.verdict.totals.sessions += 1;
        let viewer = &mut self.viewers[viewer];
        viewer.replay = head;
        if !again {
            viewer.from = head;
        }
    }

    /// The newest event that a viewer has, or where he began.
    pub fn position(&self, viewer: usize) -> Seq {
        let viewer = &self.viewers[viewer];
        viewer.seqs.last().copied().unwrap_or(viewer.from)
    }

    /// Whether what a viewer gets at `seq` is a replay.
    pub fn is_replay(&self, viewer: usize, seq: Seq) -> bool {
        seq <= self.viewers[viewer].replay
    }

    /// A viewer was told something.
    pub fn saw(&mut self, viewer: usize, seq: Seq, told: &Told) {
        self.verdict.totals.deliveries += 1;
        if seq <= self.position(viewer) {
            let had = self.viewers[viewer].seqs.binary_search(&seq).is_ok();
            let check = if had { Check::Repeated } else { Check::Reordered };
            let last = self.position(viewer);
            let words = || format!("viewer {viewer} was told {told:?} at {seq}, having {last}");
            self.verdict.note(check, words);
        } else {
            self.viewers[viewer].seqs.push(seq);
        }
        match told {
            Told::Shown(photo) => self.shown(viewer, seq, *photo, true),
            Told::Shell(photo) => self.shown(viewer, seq, *photo, false),
            Told::Ready(photo) => {
                let number = self.number(*photo);
                if !std::mem::replace(&mut self.has(viewer, number).ready, true) {
                    self.known[number].ready += 1;
                }
            }
            Told::Gone(photos) => {
                for photo in photos {
                    let number = self.number(*photo);
                    if !std::mem::replace(&mut self.has(viewer, number).gone, true) {
                        self.known[number].gone += 1;
                    }
                }
            }
            Told::Other => {}
        }
    }

    fn shown(&mut self, viewer: usize, seq: Seq, photo: PhotoId, whole: bool) {
        let number = self.number(photo);
        let before = std::mem::replace(&mut self.has(viewer, number).at, seq);
        if before != 0 && before != seq {
            let words = || format!("viewer {viewer} was shown {photo} at {before} and at {seq}");
            self.verdict.note(Check::Doubled, words);
        }
        let (known, viewer_now) = (&self.known[number], &self.viewers[viewer]);
        let knew = known.retracted.is_some_and(|retraction| retraction < viewer_now.knew);
        if whole && knew && seq <= viewer_now.replay {
            let words = || format!("viewer {viewer} came back, and was shown {photo} at {seq}");
            self.verdict.note(Check::Unrecalled, words);
        }
    }

    fn has(&mut self, viewer: usize, number: usize) -> &mut Had {
        let has = &mut self.viewers[viewer].has;
        if has.len() <= number {
            has.resize(number + 1, Had::default());
        }
        &mut has[number]
    }

    /// A picture of a photo that was taken back was given.
    pub fn was_given(&mut self, photo: PhotoId, status: u16) {
        let words = || format!("a picture of {photo}, which was taken back, answers {status}");
        self.verdict.note(Check::Unrecalled, words);
    }

    /// Whether every viewer knows that every photo is ready or gone.
    pub fn is_settled(&self) -> bool {
        let viewers = self.viewers.len();
        self.known
            .iter()
            .filter(|known| known.committed.is_some())
            .all(|known| if known.asked { known.gone == viewers } else { known.ready == viewers })
    }

    /// Compares everything with the session as a viewer reads it in the end: all of its events, and
    /// all of its list.
    pub fn finish(mut self, history: &[(Seq, Told)], list: &[Photo]) -> Verdict {
        self.verdict.totals.history_events += history.len() as u64;
        for pair in history.windows(2).filter(|pair| pair[1].0 != pair[0].0 + 1) {
            let words = || format!("{} follows {} in the history", pair[1].0, pair[0].0);
            self.verdict.note(Check::Gap, words);
        }
        let places = self.read_history(history);
        self.check_commits(&places);
        self.check_list(list);
        self.check_viewers(history, &places);
        self.verdict
    }

    /// Where each photo is shown, by its number: 0 for nowhere.
    fn read_history(&mut self, history: &[(Seq, Told)]) -> Vec<Seq> {
        let mut places = vec![0; self.known.len()];
        for (seq, told) in history {
            let (photo, whole) = match told {
                Told::Shown(photo) => (*photo, true),
                Told::Shell(photo) => (*photo, false),
                _ => continue,
            };
            let number = self.number(photo);
            places.resize(self.known.len(), 0);
            let before = std::mem::replace(&mut places[number], *seq);
            let known = &self.known[number];
            if before != 0 {
                let words = || format!("{photo} stands at {before} and at {seq}");
                self.verdict.note(Check::Doubled, words);
            }
            if whole && known.retracted.is_some() {
                let words = || format!("the history shows {photo} at {seq}, which was taken back");
                self.verdict.note(Check::Unrecalled, words);
            } else if !whole && !known.asked {
                let words = || format!("{photo} at {seq} is a shell, and nobody took it back");
                self.verdict.note(Check::Lost, words);
            }
        }
        places
    }

    fn check_commits(&mut self, places: &[Seq]) {
        for (known, place) in self.known.iter().zip(places) {
            let photo = known.photo;
            match known.committed {
                None => {
                    let words = || format!("{photo} at {place} was never committed");
                    self.verdict.note(Check::Phantom, words);
                }
                Some(seq) if *place == 0 => {
                    let words = || format!("{photo} was committed at {seq}, and is not there");
                    self.verdict.note(Check::Lost, words);
                }
                Some(seq) if *place != seq => {
                    let words = || format!("{photo} was committed at {seq}, and is at {place}");
                    self.verdict.note(Check::AckMismatch, words);
                }
                Some(_) => {}
            }
        }
    }

    fn check_list(&mut self, list: &[Photo]) {
        let mut listed = vec![0_u32; self.known.len()];
        for item in list {
            let photo = item.photo;
            let Some(number) = self.index.get(&photo).copied() else {
                self.verdict.note(Check::Phantom, || format!("the list has an unknown {photo}"));
                continue;
            };
            listed[number] += 1;
            if self.known[number].retracted.is_some() {
                let words = || format!("the list has {photo}, which was taken back");
                self.verdict.note(Check::Unrecalled, words);
            } else if item.status != PhotoStatus::Ready
                || VARIANTS.iter().any(|variant| !item.variants.contains(variant))
            {
                let words = || format!("{photo} is {:?} with {:?}", item.status, item.variants);
                self.verdict.note(Check::Unready, words);
            }
        }
        for (known, listed) in self.known.iter().zip(listed) {
            let photo = known.photo;
            let due = known.committed.is_some() && !known.asked;
            if due && listed == 0 {
                self.verdict.note(Check::Lost, || format!("the list has no {photo}"));
            } else if listed > 1 {
                self.verdict.note(Check::Doubled, || format!("the list has {photo} twice"));
            }
        }
    }

    fn check_viewers(&mut self, history: &[(Seq, Told)], places: &[Seq]) {
        for (number, viewer) in self.viewers.iter().enumerate() {
            let mut had = viewer.seqs.iter().copied().peekable();
            for (seq, told) in history.iter().filter(|(seq, _)| *seq > viewer.from) {
                while let Some(early) = had.next_if(|had| had < seq) {
                    let words = || format!("viewer {number} had {early}, which is not there");
                    self.verdict.note(Check::Phantom, words);
                }
                if had.next_if_eq(seq).is_none() {
                    let words = || format!("viewer {number} never got {told:?} at {seq}");
                    self.verdict.note(Check::Missed, words);
                }
            }
            for beyond in had {
                let words = || format!("viewer {number} had {beyond}, which is not there");
                self.verdict.note(Check::Phantom, words);
            }
            for (known, place) in self.known.iter().zip(places) {
                let index = self.index.get(&known.photo).copied().unwrap_or(usize::MAX);
                let had = viewer.has.get(index).copied().unwrap_or_default();
                let photo = known.photo;
                if had.at != 0 && had.at != *place && *place != 0 {
                    let words =
                        || format!("viewer {number} has {photo} at {}, not {place}", had.at);
                    self.verdict.note(Check::Divergent, words);
                }
                if had.at != 0 && known.retracted.is_some() && !had.gone {
                    let words = || format!("viewer {number} still shows {photo}");
                    self.verdict.note(Check::Unrecalled, words);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
