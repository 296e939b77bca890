//! Viewers, and the owner who takes photos back.
//!
//! Owns      joining by code, coming back with a grant, and what is measured at a viewer.
//! Promises  every event of a viewer is told to the oracle; what is replayed is not measured.
//! Does not  judge.

use salon_protocol::event::NewPhoto;
use salon_protocol::photo::PhotoState;
use salon_protocol::reply::SessionInfo;
use salon_protocol::request::{JoinSession, PhotoUpdate, Photos};
use salon_protocol::{Event, EventData, LogId, PhotoId, SignalData};

use super::course::Show;
use super::upload::number_of;
use crate::client::Net;
use crate::oracle::Told;

pub(super) const JOIN_REFERENCE: u64 = 3;
/// References of retractions are above, by their number.
pub(super) const RETRACT_REFERENCE: u64 = 1 << 20;

/// The picture that viewers show first.
const FIRST: u32 = 400;

/// What a viewer keeps for his next connection.
#[derive(Debug, Default)]
pub(super) struct Viewer {
    grant: Option<String>,
    /// What opens the pictures.
    pub(super) query: String,
    /// By file: whether he knows that there is a picture of 400 pixels.
    pub(super) has_first: Vec<bool>,
}

/// A photo that is taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retraction {
    pub(super) photo: PhotoId,
    hide: bool,
    pub(super) is_done: bool,
    /// It was asked for more than once.
    again: bool,
}

impl Show<'_> {
    pub(super) fn join(&mut self, net: &mut Net, viewer: usize) {
        let Some(id) = self.links.any(self.tag_of(viewer)) else { return };
        let grant = self.viewers[viewer].grant.clone();
        let request = match grant {
            None => JoinSession { code: Some(self.code.clone()), ..JoinSession::default() },
            Some(grant) => JoinSession {
                session: self.session,
                code: None,
                grant: Some(grant),
                after: Some(self.oracle.position(viewer)),
            },
        };
        self.oracle.joining(viewer);
        net.request(id, self.scene.target.encoding, "join_session", JOIN_REFERENCE, &request);
    }

    pub(super) fn joined(&mut self, net: &mut Net, viewer: usize, info: SessionInfo) {
        let again = self.viewers[viewer].grant.is_some();
        if info.stale {
            let words = "a viewer missed more than is replayed; use a smaller --drop";
            return self.fail(words.to_owned());
        }
        let (photos, place) = (self.scene.arguments.photos, &mut self.viewers[viewer]);
        place.has_first.resize(photos, false);
        place.grant = info.grant.or(place.grant.take());
        if place.grant.is_none() {
            return self.fail("join_session answers without a grant".to_owned());
        }
        if let Some(media) = info.media {
            place.query = media.query;
        }
        self.oracle.joined(viewer, info.seq, again);
        self.links.is_in(self.tag_of(viewer));
        self.counts.connections += 1;
        self.fetch_next(net, viewer);
        if viewer + 1 == self.viewers.len() {
            // Should he have been reading: from the beginning.
            self.look(net);
        }
    }

    /// A viewer got an event.
    pub(super) fn saw(&mut self, net: &mut Net, viewer: usize, event: &Event) {
        if self.session.map(LogId::Room) != Some(event.room) {
            return;
        }
        self.counts.deliveries += 1;
        let live = !self.oracle.is_replay(viewer, event.seq);
        self.oracle.saw(viewer, event.seq, &Told::of(&event.data));
        match &event.data {
            EventData::NewPhoto(NewPhoto::Shown(photo)) => {
                let Some(number) = number_of(&photo.name) else { return };
                self.numbers.insert(photo.photo, number);
                if let Some(upload) = self.uploads.get(number).filter(|_| live) {
                    let took_ns = self.now_ns.saturating_sub(upload.commit_ns);
                    self.tally.new_photo.record_ns(took_ns);
                }
                self.heard_of(net, viewer, photo.photo, &photo.variants, live);
            }
            EventData::PhotoStatusUpdated(now) => {
                self.heard_of(net, viewer, now.photo, &now.variants, live);
            }
            EventData::PhotoDeleted(gone) if live => {
                for photo in &gone.photos {
                    if let Some(asked_ns) = self.asked_ns.get(photo) {
                        self.tally.deleted.record_ns(self.now_ns.saturating_sub(*asked_ns));
                    }
                }
            }
            _ => {}
        }
    }

    /// A viewer got a signal.
    pub(super) fn signalled(&mut self, net: &mut Net, viewer: usize, signal: &SignalData) {
        if let SignalData::PhotoStatusUpdated(now) = signal {
            self.heard_of(net, viewer, now.photo, &now.variants, true);
        }
    }

    /// A viewer knows which pictures there are.
    fn heard_of(
        &mut self,
        net: &mut Net,
        viewer: usize,
        photo: PhotoId,
        variants: &[u32],
        live: bool,
    ) {
        let Some(number) = self.numbers.get(&photo).copied() else { return };
        let Some(has) = self.viewers[viewer].has_first.get_mut(number) else { return };
        if *has || !variants.contains(&FIRST) {
            return;
        }
        *has = true;
        if live {
            let took_ns = self.now_ns.saturating_sub(self.uploads[number].commit_ns);
            self.tally.first_picture.record_ns(took_ns);
        }
        if viewer < self.scene.arguments.fetch {
            self.fetch(net, viewer, photo, false);
        }
    }

    /// Takes back what is due.
    pub(super) fn retract(&mut self, net: &mut Net) {
        let arguments = self.scene.arguments;
        loop {
            let (count, all) = (self.retractions.len(), arguments.retract);
            let due = (count + 1) * arguments.photos / (all + 1);
            if count == all || self.committed.len() < due.max(count + 1) {
                return;
            }
            let oracle = &self.oracle;
            let left: Vec<_> =
                self.committed.iter().filter(|photo| !oracle.may_be_gone(**photo)).collect();
            let Some(photo) = self.random.pick(&left).map(|photo| **photo) else { return };
            let hide = count.is_multiple_of(2);
            self.retractions.push(Retraction { photo, hide, is_done: false, again: false });
            self.oracle.retracting(photo);
            self.asked_ns.insert(photo, self.now_ns);
            self.ask_retraction(net, count);
        }
    }

    /// Asks, or asks again what was not answered; nothing happens while the owner is not connected.
    pub(super) fn ask_retraction(&mut self, net: &mut Net, number: usize) {
        let (Some(session), Some(id)) = (self.session, self.links.up(0)) else { return };
        let Retraction { photo, hide, is_done, .. } = self.retractions[number];
        if is_done {
            return;
        }
        let (encoding, photos) = (self.scene.target.encoding, vec![photo]);
        let reference = RETRACT_REFERENCE + number as u64;
        if hide {
            let update = PhotoUpdate {
                session,
                photos,
                state: Some(PhotoState::Hidden),
                title: None,
                tags: None,
                pinned: None,
                behind: None,
            };
            net.request(id, encoding, "photo_update", reference, &update);
        } else {
            net.request(id, encoding, "photo_delete", reference, &Photos { session, photos });
        }
    }

    /// The owner is connected again.
    pub(super) fn ask_retractions_again(&mut self, net: &mut Net) {
        for number in 0..self.retractions.len() {
            if !self.retractions[number].is_done {
                self.retractions[number].again = true;
                self.ask_retraction(net, number);
            }
        }
    }

    /// Whether what the server refuses is already so.
    pub(super) fn was_asked_before(&self, number: usize) -> bool {
        self.retractions.get(number).is_some_and(|retraction| retraction.again)
    }

    pub(super) fn retracted(&mut self, net: &mut Net, number: usize) {
        let Some(retraction) = self.retractions.get_mut(number) else { return };
        if !std::mem::replace(&mut retraction.is_done, true) {
            let photo = retraction.photo;
            self.oracle.retracted(photo);
            let fetcher = self.random.index(self.fetchers.len());
            self.fetch(net, fetcher, photo, true);
        }
    }
}
