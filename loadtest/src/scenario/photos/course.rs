//! The course of a session, from its founding to the last look at it.
//!
//! Owns      the event loop, what comes when, and who gets which answer.
//! Promises  nothing is waited for longer than the target's patience: while files come that is an
//!           error, afterwards the oracle says who has not got what.
//! Does not  keep what is measured.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use foldhash::fast::FixedState;
use salon_protocol::photo::{Photo, PhotoRole};
use salon_protocol::reply::{Media, SessionInfo, SessionMade};
use salon_protocol::request::{PhotoSessionCreate, PhotoSessionMember, SessionSettings};
use salon_protocol::{Encoding, ErrorData, PhotoId, RoomId, Seq};

use super::Scene;
use super::fetch::{Fetcher, MEDIA_REFERENCE};
use super::finish::{HISTORY_REFERENCE, LIST_REFERENCE};
use super::links::Links;
use super::tally::Tally;
use super::upload::{REFERENCE as UPLOAD_REFERENCE, Upload};
use super::watch::{JOIN_REFERENCE, RETRACT_REFERENCE, Retraction, Viewer};
use crate::client::{Closed, Handler, Net, Peer};
use crate::clock::MILLISECOND_NS;
use crate::crowd::{AUTH_REFERENCE, authenticate};
use crate::failure::Failure;
use crate::measure::{Counts, Progress};
use crate::oracle::{Photos, Told};
use crate::random::Random;
use crate::scenario::{DEVICE, in_words};
use crate::server::Server;
use crate::wire::{self, Frame};

const CREATE_REFERENCE: u64 = 1;
const MEMBER_REFERENCE: u64 = 2;
/// Before somebody who is refused for the moment asks again.
const RETRY_MS: u64 = 200;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Founding,
    Gathering,
    Shooting,
    Settling,
    Looking,
    Over,
}

/// What is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Later {
    Join(usize),
    Upload(usize),
    Retract(usize),
    Fetch(usize),
    Look,
}

/// See the module.
pub(super) struct Show<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) phase: Phase,
    pub(super) now_ns: u64,
    /// Grows with everything that comes about.
    pub(super) steps: u64,
    pub(super) links: Links,
    pub(super) session: Option<RoomId>,
    pub(super) code: String,
    members: usize,
    pub(super) viewers: Vec<Viewer>,
    pub(super) fetchers: Vec<Fetcher>,
    pub(super) uploads: Vec<Upload>,
    /// Uploads of each photographer.
    pub(super) slots: Vec<Vec<usize>>,
    /// Which file a photo was.
    pub(super) numbers: HashMap<PhotoId, usize, FixedState>,
    pub(super) committed: Vec<PhotoId>,
    pub(super) retractions: Vec<Retraction>,
    /// When a photo was asked to be taken back.
    pub(super) asked_ns: HashMap<PhotoId, u64, FixedState>,
    /// Viewers who have yet to lose their connections.
    pub(super) drops_due: usize,
    pub(super) history: Vec<(Seq, Told)>,
    pub(super) list: Vec<Photo>,
    pub(super) later: Vec<(u64, Later)>,
    pub(super) random: Random,
    pub(super) oracle: Photos,
    pub(super) tally: Tally,
    pub(super) counts: Counts,
    pub(super) troubles: BTreeMap<String, u64>,
    pub(super) broken: BTreeMap<String, u64>,
    failure: Option<Failure>,
}

impl<'a> Show<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Show<'a> {
        let arguments = scene.arguments;
        let fetchers = arguments.fetch.max(usize::from(arguments.retract > 0));
        let fetchers = fetchers.min(arguments.viewers);
        Show {
            scene,
            phase: Phase::Founding,
            now_ns: 0,
            steps: 0,
            links: Links::new(scene.accounts.len()),
            session: None,
            code: String::new(),
            members: 0,
            viewers: (0..arguments.viewers).map(|_| Viewer::default()).collect(),
            fetchers: (0..fetchers).map(|_| Fetcher::default()).collect(),
            uploads: Vec::with_capacity(arguments.photos),
            slots: vec![Vec::new(); arguments.photographers],
            numbers: HashMap::default(),
            committed: Vec::new(),
            retractions: Vec::new(),
            asked_ns: HashMap::default(),
            drops_due: 0,
            history: Vec::new(),
            list: Vec::new(),
            later: Vec::new(),
            random: Random::new(arguments.common.seed),
            oracle: Photos::new(arguments.viewers),
            tally: Tally::default(),
            counts: Counts::default(),
            troubles: BTreeMap::new(),
            broken: BTreeMap::new(),
            failure: None,
        }
    }

    /// Plays all of it.
    pub(super) fn play(
        mut self,
        progress: &Progress,
        mut server: Option<&mut Server>,
    ) -> Result<Tally, Failure> {
        let target = self.scene.target;
        let mut net = target.net()?;
        let (mut told, mut told_connected) = (Counts::default(), 0);
        let (mut steps, mut since_ns) = (0, target.clock.now_ns());
        self.scene.live.phase("founding the session");
        self.links.want(0..1);
        while self.phase != Phase::Over {
            self.now_ns = target.clock.now_ns();
            self.begin(&mut net, server.as_deref_mut(), progress)?;
            net.turn(&mut self, target.turn_max())
                .map_err(Failure::system("waiting for sockets"))?;
            progress.publish(self.counts, &mut told);
            progress.publish_connected(self.links.up_count() as u64, &mut told_connected);
            target.interrupt.check()?;
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.steps != steps {
                (steps, since_ns) = (self.steps, target.clock.now_ns());
            } else if self.now_ns.saturating_sub(since_ns) > target.patience.as_nanos() as u64 {
                self.stalled()?;
                since_ns = self.now_ns;
            }
        }
        self.tally.verdict = self.oracle.finish(&self.history, &self.list);
        self.tally.broken.extend(in_words(&self.broken));
        Ok(self.tally)
    }

    /// Nothing has happened for too long.
    fn stalled(&mut self) -> Result<(), Failure> {
        let (done, all) = (self.committed.len(), self.scene.arguments.photos);
        let words = format!(
            "no progress for {} s while {:?}: {} sockets are open, {done} of {all} photos committed, \
             answered with {:?}",
            self.scene.target.patience.as_secs(),
            self.phase,
            self.links.up_count(),
            self.troubles,
        );
        if self.phase != Phase::Settling {
            return Err(Failure::Server(words));
        }
        self.tally.broken.push(words);
        self.fetchers.iter_mut().for_each(|fetcher| *fetcher = Fetcher::default());
        self.end_settling();
        Ok(())
    }

    fn begin(
        &mut self,
        net: &mut Net,
        server: Option<&mut Server>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        self.links.open(net, self.now_ns)?;
        self.try_again(net);
        match self.phase {
            Phase::Gathering if self.links.all_up() => {
                self.enter(Phase::Shooting, "uploading");
                self.tally.begun_ns = self.now_ns;
                self.tally.usage.follow(server.as_deref().and_then(Server::pid));
            }
            Phase::Shooting => {
                self.begin_uploads(net);
                self.retract(net);
                self.drop_some(net);
                let all = self.committed.len() == self.scene.arguments.photos;
                if let Some(server) = server.filter(|_| self.kill_is_due(all)) {
                    self.kill(server, progress)?;
                } else if all
                    && self.retractions.iter().all(|retraction| retraction.is_done)
                    && self.retractions.len() == self.scene.arguments.retract
                {
                    self.enter(Phase::Settling, "waiting until everybody has everything");
                }
            }
            Phase::Settling if self.has_just_settled() => {
                self.tally.settled_ns = self.now_ns;
                self.tally.usage.stop();
                self.fetch_what_is_gone(net);
            }
            Phase::Settling
                if self.tally.settled_ns > 0 && self.fetchers.iter().all(Fetcher::is_idle) =>
            {
                self.end_settling();
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether it is new that everybody has everything.
    fn has_just_settled(&self) -> bool {
        self.tally.settled_ns == 0 && self.links.all_up() && self.oracle.is_settled()
    }

    fn end_settling(&mut self) {
        if self.tally.settled_ns == 0 {
            self.tally.settled_ns = self.now_ns;
            self.tally.usage.stop();
        }
        self.enter(Phase::Looking, "reading the session");
        self.later(0, Later::Look);
    }

    pub(super) fn enter(&mut self, phase: Phase, words: &str) {
        self.scene.live.phase(words);
        self.phase = phase;
        self.steps += 1;
    }

    fn try_again(&mut self, net: &mut Net) {
        let now_ns = self.now_ns;
        let due: Vec<_> = self.later.extract_if(.., |later| later.0 <= now_ns).collect();
        for (_, what) in due {
            match what {
                Later::Join(viewer) => self.join(net, viewer),
                Later::Upload(number) => self.begin_upload(net, number),
                Later::Retract(number) => self.ask_retraction(net, number),
                Later::Fetch(viewer) => self.fetch_next(net, viewer),
                Later::Look => self.look(net),
            }
        }
    }

    pub(super) fn later(&mut self, ns: u64, what: Later) {
        self.later.push((self.now_ns + ns, what));
    }

    fn drop_some(&mut self, net: &mut Net) {
        for _ in 0..std::mem::take(&mut self.drops_due) {
            let viewer = self.random.index(self.viewers.len());
            let tag = self.tag_of(viewer);
            if let Some(id) = self.links.up(tag) {
                net.cut(id);
                self.lost(net, tag);
                self.tally.drops += 1;
            }
        }
    }

    /// Whether so much has come that the next kill is due.
    fn kill_is_due(&self, all: bool) -> bool {
        let (done, kills) = (self.tally.kills, self.scene.arguments.kills());
        if done >= kills {
            return false;
        }
        if kills > 1 && done + 1 == kills {
            return all;
        }
        let photos = 0..self.scene.arguments.photos;
        let bytes: u64 = photos.map(|number| self.scene.pictures.size(number)).sum();
        self.tally.received_bytes * u64::from(kills.max(2)) >= bytes * u64::from(done + 1)
    }

    /// Kills the server and starts it again on its data.
    fn kill(&mut self, server: &mut Server, progress: &Progress) -> Result<(), Failure> {
        self.tally.kills += 1;
        self.tally.usage.stop();
        server.kill()?;
        server.spawn()?;
        progress.set_server_pid(server.pid());
        self.tally.usage.follow(server.pid());
        server.wait_ready(&self.scene.target.interrupt)?;
        self.steps += 1;
        Ok(())
    }

    pub(super) fn tag_of(&self, viewer: usize) -> usize {
        1 + self.scene.arguments.photographers + viewer
    }

    fn viewer_of(&self, tag: usize) -> Option<usize> {
        tag.checked_sub(1 + self.scene.arguments.photographers)
    }

    fn photographers(&self) -> Range<usize> {
        1..1 + self.scene.arguments.photographers
    }

    pub(super) fn fail(&mut self, words: String) {
        self.failure.get_or_insert(Failure::Server(words));
    }

    fn lost(&mut self, net: &mut Net, tag: usize) {
        self.links.lost(tag, self.now_ns);
        if let Some(viewer) = self.viewer_of(tag) {
            self.media_came(net, viewer, None);
        }
    }

    /// The answer to `auth`.
    fn greeted(&mut self, net: &mut Net, tag: usize) {
        match self.viewer_of(tag) {
            Some(viewer) => return self.join(net, viewer),
            None => self.links.is_in(tag),
        }
        match (tag, self.session) {
            (0, None) => self.found(net),
            (0, Some(_)) if self.phase == Phase::Founding => self.next_member(net),
            (0, Some(_)) => self.ask_retractions_again(net),
            _ => self.resume_uploads(net, tag - 1),
        }
    }

    fn found(&mut self, net: &mut Net) {
        let viewers_max = (self.viewers.len() as u64 + 1_000).min(100_000);
        let settings =
            SessionSettings { viewers_max: Some(viewers_max), ..SessionSettings::default() };
        let cid = self.scene.cids.cid(u32::MAX, self.scene.begun_ms);
        let request = PhotoSessionCreate { cid, title: "loadtest".to_owned(), settings };
        let Some(id) = self.links.up(0) else { return };
        let (encoding, reference) = (self.scene.target.encoding, CREATE_REFERENCE);
        net.request(id, encoding, "photo_session_create", reference, &request);
    }

    /// Lets the next photographer in; when all are, everybody may come.
    fn next_member(&mut self, net: &mut Net) {
        let (Some(session), Some(id)) = (self.session, self.links.up(0)) else { return };
        if self.members == self.photographers().len() {
            self.enter(Phase::Gathering, "everybody joins");
            return self.links.want(1..self.links.count());
        }
        let user = self.scene.accounts[1 + self.members].user;
        let role = Some(PhotoRole::Photographer);
        let request = PhotoSessionMember { session, user, role };
        let (encoding, reference) = (self.scene.target.encoding, MEMBER_REFERENCE);
        net.request(id, encoding, "photo_session_member", reference, &request);
    }

    fn answered(&mut self, net: &mut Net, tag: usize, reference: u64, frame: Frame<'_>) {
        self.steps += 1;
        if reference >= UPLOAD_REFERENCE {
            return self.upload_answered(net, reference, frame);
        }
        let data = match frame {
            Frame::Ok { data, .. } => data,
            Frame::Error { error, .. } => return self.refused(net, tag, reference, &error),
            _ => return,
        };
        let viewer = self.viewer_of(tag);
        let read = match (reference, viewer) {
            (AUTH_REFERENCE, _) => {
                self.greeted(net, tag);
                Ok(())
            }
            (CREATE_REFERENCE, _) => data.decode().map(|made: SessionMade| {
                (self.session, self.code) = (Some(made.session), made.code);
                self.next_member(net);
            }),
            (MEMBER_REFERENCE, _) => {
                self.members += 1;
                self.next_member(net);
                Ok(())
            }
            (JOIN_REFERENCE, Some(viewer)) => {
                data.decode().map(|info: SessionInfo| self.joined(net, viewer, info))
            }
            (MEDIA_REFERENCE, Some(viewer)) => {
                data.decode().map(|media: Media| self.media_came(net, viewer, Some(media.query)))
            }
            (LIST_REFERENCE, _) => data.decode().map(|page| self.took_list(net, page)),
            (HISTORY_REFERENCE, _) => data.decode().map(|page| self.took_history(net, page)),
            (RETRACT_REFERENCE.., _) => {
                self.retracted(net, (reference - RETRACT_REFERENCE) as usize);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = read {
            self.fail(format!("an answer is not understood: {}", error.message));
        }
    }

    fn refused(&mut self, net: &mut Net, tag: usize, reference: u64, error: &ErrorData) {
        self.counts.errors += 1;
        let words = format!("{:?}: {} (request {reference})", error.code, error.message);
        *self.troubles.entry(words.clone()).or_default() += 1;
        let number = (reference.saturating_sub(RETRACT_REFERENCE)) as usize;
        let again = match (reference, self.viewer_of(tag)) {
            (AUTH_REFERENCE, _) => {
                if let Some(id) = self.links.any(tag) {
                    net.cut(id);
                }
                return self.lost(net, tag);
            }
            (JOIN_REFERENCE, Some(viewer)) => Later::Join(viewer),
            (LIST_REFERENCE | HISTORY_REFERENCE, _) => Later::Look,
            (RETRACT_REFERENCE.., _) if error.retry_after_ms.is_some() => Later::Retract(number),
            // It was done, and the answer was lost.
            (RETRACT_REFERENCE.., _) if self.was_asked_before(number) => {
                return self.retracted(net, number);
            }
            _ => return self.fail(words),
        };
        match error.retry_after_ms {
            Some(ms) => self.later(ms.max(RETRY_MS) * MILLISECOND_NS, again),
            None => self.fail(words),
        }
    }
}

impl Handler for Show<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        let tag = peer.tag as usize;
        match tag.checked_sub(self.links.count()) {
            Some(fetcher) => self.fetcher_opened(net, fetcher),
            None => {
                let (encoding, account) = (self.scene.target.encoding, &self.scene.accounts[tag]);
                authenticate(net, peer.id, encoding, account, DEVICE, None);
            }
        }
    }

    fn reading(&mut self, _: Peer) {
        self.now_ns = self.scene.target.clock.now_ns();
    }

    fn message(&mut self, net: &mut Net, peer: Peer, encoding: Encoding, payload: &[u8]) {
        let tag = peer.tag as usize;
        let viewer = self.viewer_of(tag);
        match wire::frame(encoding, payload) {
            Ok(Frame::Event(event)) => {
                self.steps += 1;
                if let Some(viewer) = viewer {
                    self.saw(net, viewer, &event);
                }
            }
            Ok(Frame::Signal(signal)) => {
                if let Some(viewer) = viewer {
                    self.signalled(net, viewer, &signal.data);
                }
            }
            Ok(
                frame @ (Frame::Ok { reference: Some(reference), .. }
                | Frame::Error { reference: Some(reference), .. }),
            ) => self.answered(net, tag, reference, frame),
            Ok(_) => {}
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn response(&mut self, net: &mut Net, peer: Peer, status: u16, body: &[u8]) {
        if let Some(fetcher) = (peer.tag as usize).checked_sub(self.links.count()) {
            self.fetched(net, fetcher, status, body);
        }
    }

    fn closed(&mut self, net: &mut Net, peer: Peer, why: Closed) {
        let tag = peer.tag as usize;
        match tag.checked_sub(self.links.count()) {
            Some(fetcher) => self.fetcher_lost(fetcher),
            None => {
                self.counts.errors += 1;
                *self.troubles.entry(why.to_string()).or_default() += 1;
                self.lost(net, tag);
            }
        }
    }
}
