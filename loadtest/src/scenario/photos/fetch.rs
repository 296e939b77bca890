//! Pictures over HTTP, as some viewers fetch them.
//!
//! Owns      a connection for each of them, and what it has to fetch.
//! Promises  one request at a time on each; a lost connection is made again, an old signature is
//!           renewed once.
//! Does not  decode pictures: a JPEG is known by how it begins.

use std::collections::VecDeque;

use salon_protocol::PhotoId;
use salon_protocol::request::OneSession;

use super::course::{Later, Show};
use crate::client::{Kind, Net, Request, SocketId};
use crate::clock::MILLISECOND_NS;

pub(super) const MEDIA_REFERENCE: u64 = 4;
const RETRY_NS: u64 = 100 * MILLISECOND_NS;

/// A picture that is to be fetched, or to be gone.
#[derive(Clone, Copy, Debug)]
struct Errand {
    photo: PhotoId,
    gone: bool,
    /// The signature was renewed for it.
    renewed: bool,
}

/// One viewer's connection.
#[derive(Debug, Default)]
pub(super) struct Fetcher {
    id: Option<SocketId>,
    is_open: bool,
    queue: VecDeque<Errand>,
    /// The first of the queue is being fetched, since then.
    since_ns: Option<u64>,
    waits_for_media: bool,
}

impl Fetcher {
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Show<'_> {
    /// Has a viewer fetch a picture; `gone`: it must not be given.
    pub(super) fn fetch(&mut self, net: &mut Net, viewer: usize, photo: PhotoId, gone: bool) {
        if let Some(fetcher) = self.fetchers.get_mut(viewer) {
            fetcher.queue.push_back(Errand { photo, gone, renewed: false });
            self.fetch_next(net, viewer);
        }
    }

    pub(super) fn fetch_next(&mut self, net: &mut Net, viewer: usize) {
        let tag = (self.links.count() + viewer) as u32;
        let Some(fetcher) = self.fetchers.get_mut(viewer) else { return };
        let Some(errand) = fetcher.queue.front() else { return };
        if fetcher.since_ns.is_some() || fetcher.waits_for_media {
            return;
        }
        match fetcher.id {
            None => match net.connect(Kind::Http, tag) {
                Ok(id) => (fetcher.id, fetcher.is_open) = (Some(id), false),
                Err(error) => self.fail(format!("cannot connect: {error}")),
            },
            Some(id) if fetcher.is_open => {
                let path = format!("/blobs/{}/400?{}", errand.photo, self.viewers[viewer].query);
                fetcher.since_ns = Some(self.now_ns);
                net.http(id, Request { method: "GET", path: &path, token: None, body: &[] });
            }
            Some(_) => {}
        }
    }

    pub(super) fn fetcher_opened(&mut self, net: &mut Net, viewer: usize) {
        self.fetchers[viewer].is_open = true;
        self.fetch_next(net, viewer);
    }

    pub(super) fn fetcher_lost(&mut self, viewer: usize) {
        let fetcher = &mut self.fetchers[viewer];
        (fetcher.id, fetcher.is_open, fetcher.since_ns) = (None, false, None);
        self.later(RETRY_NS, Later::Fetch(viewer));
    }

    pub(super) fn fetched(&mut self, net: &mut Net, viewer: usize, status: u16, body: &[u8]) {
        let fetcher = &mut self.fetchers[viewer];
        let Some(since_ns) = fetcher.since_ns.take() else { return };
        let Some(mut errand) = fetcher.queue.pop_front() else { return };
        self.steps += 1;
        let photo = errand.photo;
        match status {
            403 if !errand.renewed => {
                errand.renewed = true;
                fetcher.queue.push_front(errand);
                fetcher.waits_for_media = true;
                return self.ask_media(net, viewer);
            }
            429 | 503 => {
                fetcher.queue.push_front(errand);
                return self.later(RETRY_NS, Later::Fetch(viewer));
            }
            410 if errand.gone => self.tally.refused += 1,
            _ if errand.gone => self.oracle.was_given(photo, status),
            410 if self.oracle.may_be_gone(photo) => {}
            200 if body.starts_with(&[0xFF, 0xD8]) => {
                self.tally.fetched.record_ns(self.now_ns.saturating_sub(since_ns));
                self.tally.fetched_bytes += body.len() as u64;
            }
            _ => {
                let len = body.len();
                let words = format!("a picture of 400 pixels: status {status}, {len} bytes");
                *self.broken.entry(words).or_default() += 1;
            }
        }
        self.fetch_next(net, viewer);
    }

    /// Asks for another signature; whoever is not connected gets one when he joins.
    fn ask_media(&mut self, net: &mut Net, viewer: usize) {
        if let (Some(session), Some(id)) = (self.session, self.links.up(self.tag_of(viewer))) {
            let (encoding, request) = (self.scene.target.encoding, OneSession { session });
            net.request(id, encoding, "session_media", MEDIA_REFERENCE, &request);
        } else {
            self.fetchers[viewer].waits_for_media = false;
        }
    }

    /// A signature came, or the viewer has lost his connection and gets one when he is back.
    pub(super) fn media_came(&mut self, net: &mut Net, viewer: usize, query: Option<String>) {
        if let Some(query) = query {
            self.viewers[viewer].query = query;
        }
        if let Some(fetcher) = self.fetchers.get_mut(viewer) {
            fetcher.waits_for_media = false;
            self.fetch_next(net, viewer);
        }
    }
}
