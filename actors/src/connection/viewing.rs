//! Photo sessions that a socket views without being a member: it came in by a code, and what it asks of them
//! goes with its pass.
//!
//! Promises  a session that it came into is followed until it leaves, is dismissed, or the socket ends; as many
//!           comings as goings are told to the session.
//! Does not  decide who may come: that is done when he does (`session/serve.rs`), and whatever he asks is judged
//!           by the store.

use salon_protocol::request::History;
use salon_protocol::{LogId, Request, RoomId, Seq};
use salon_storage::model::{Pass, RoomKey};

use super::messages::Subscription;
use super::outlet::Outlet;
use super::state::Worker;
use crate::caller::{Answer, ConnId};

/// Sessions that one socket may view at once; the oldest makes room.
const VIEWED_MAX: usize = 16;

/// A session that a socket views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Viewed {
    pub(crate) session: RoomId,
    pub(crate) log: RoomKey,
    /// `None`: he is a member, and follows it anyway.
    pub(crate) pass: Option<Pass>,
}

/// The session that a request is about, if it is one that viewers may ask.
fn session_of(request: &Request) -> Option<RoomId> {
    Some(match request {
        Request::SendMessage(m) => m.room,
        Request::MessageRecall(m) => m.room,
        Request::MessageEdit(m) => m.room,
        Request::React(m) => m.room,
        Request::History(History { room: LogId::Room(room), .. }) => *room,
        Request::PhotoSessionGet(m) | Request::SessionMedia(m) | Request::PhotoSelections(m) => {
            m.session
        }
        Request::JoinSession(m) => m.session?,
        Request::PhotoList(m) => m.session,
        Request::PhotoGet(m) => m.session,
        Request::PhotoMark(m) => m.session,
        Request::PhotoSelectionExport(m) => m.session,
        Request::PhotoComment(m) => m.session,
        Request::PhotoComments(m) => m.session,
        Request::PhotoDownload(m) => m.session,
        _ => return None,
    })
}

impl Worker {
    /// How the user of a socket came into what he asks about, if he is no member of it.
    pub(super) fn pass_for(&mut self, id: ConnId, request: &Request) -> Option<Pass> {
        let conn = self.conn(id)?;
        if conn.viewed().is_empty() {
            return None;
        }
        let session = session_of(request)?;
        conn.viewed().iter().find(|viewed| viewed.session == session)?.pass
    }

    /// A socket has come into a session: it gets its answer, and then what is new there.
    pub(super) fn joined(
        &mut self,
        answer: Answer,
        viewed: Viewed,
        log: Option<Subscription>,
        out: &mut impl Outlet,
    ) {
        let id = answer.conn;
        self.answered(answer, out);
        let Some(conn) = self.conn(id).filter(|conn| conn.is_open()) else { return };
        let known = conn.viewed().iter().any(|one| one.session == viewed.session);
        let all = &mut conn.rare().viewed;
        all.retain(|one| one.session != viewed.session);
        let oldest = (all.len() >= VIEWED_MAX).then(|| all.remove(0));
        all.push(viewed);
        if !known {
            out.viewer(viewed.session, viewed.log, true);
        }
        if let Some(oldest) = oldest {
            self.gone(id, oldest, out);
        }
        let Some(log) = log else { return };
        if viewed.pass.is_some() {
            // Where it says, though it may have left the same session before.
            self.end_following(id, log.log, out);
            if let Some(conn) = self.conn(id) {
                conn.rare().left.retain(|(known, _)| *known != log.log);
            }
        }
        self.follow(id, log, out);
    }

    /// A socket leaves a session that it views.
    pub(super) fn leave_session(&mut self, id: ConnId, session: RoomId, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let place = conn.viewed().iter().position(|viewed| viewed.session == session);
        if let Some(place) = place {
            let viewed = conn.rare().viewed.remove(place);
            self.gone(id, viewed, out);
        }
    }

    /// The user of a socket has become a member of a log, or is none any more: what he views of it goes by that.
    pub(super) fn member_now(
        &mut self,
        id: ConnId,
        log: RoomKey,
        member: bool,
        out: &mut impl Outlet,
    ) {
        let Some(conn) = self.conn(id) else { return };
        let Some(place) = conn.viewed().iter().position(|viewed| viewed.log == log) else { return };
        let viewed = &mut conn.rare().viewed;
        if member {
            viewed[place].pass = None;
        } else {
            let session = viewed.remove(place).session;
            out.viewer(session, log, false);
        }
    }

    fn gone(&mut self, id: ConnId, viewed: Viewed, out: &mut impl Outlet) {
        out.viewer(viewed.session, viewed.log, false);
        if viewed.pass.is_some() {
            self.end_following(id, viewed.log, out);
        }
    }

    /// Viewers of a session get its log up to `last` and no further; members go on.
    pub(super) fn dismiss(
        &mut self,
        log: RoomKey,
        last: Seq,
        only_guests: bool,
        out: &mut impl Outlet,
    ) {
        let followers = self.followers.get(&log).map(|followers| &followers.list);
        let worker = self.number;
        let ids: Vec<ConnId> =
            followers.into_iter().flatten().map(|follower| follower.conn(worker)).collect();
        for id in ids {
            let Some(conn) = self.conn(id) else { continue };
            let goes = |viewed: &Viewed| {
                let guest = viewed.pass.is_some_and(|pass| pass.guest || !only_guests);
                viewed.log == log && guest
            };
            let Some(place) = conn.viewed().iter().position(goes) else { continue };
            let viewed = conn.rare().viewed.remove(place);
            out.viewer(viewed.session, viewed.log, false);
            self.unfollow(id, log, last, out);
        }
    }
}
