//! How a worker's connections think: their life from the first frame to the last.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashTable;
use salon_protocol::close_code::Bye;
use salon_protocol::envelope::RequestEnvelope;
use salon_protocol::reply::AuthRenewed;
use salon_protocol::request::Auth;
use salon_protocol::{
    CloseCode, Encoding, ErrorCode, ErrorData, Millis, Request, Seq, SessionId, UserId, codec,
    limits,
};
use salon_storage::model::RoomKey;
use smallvec::SmallVec;

use super::catch_up::{CatchUp, Pace, Reads};
use super::messages::{Greeting, Incoming, Open, SignalKey, Subscription, Target, ToWorker, Who};
use super::outlet::{Count, Outlet};
use super::requests::Waiting;
use super::subscriptions::Followers;
use super::viewing::Viewed;
use crate::caller::{Claims, ConnId, UserShared};
use crate::rate::RateLimits;

/// Frames and bytes that wait behind an `auth` that is not answered yet.
const QUEUED_FRAMES_MAX: usize = 256;
const QUEUED_BYTES_MAX: usize = 512 * 1024;

/// Bounds of the socket layer that the connections have to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// Above it, a socket is slow until it has drained.
    pub(crate) high_bytes: usize,
}

/// All connections of one worker thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) number: u16,
    pub(super) backlog: Backlog,
    pub(super) pace: Pace,
    pub(super) rates: RateLimits,
    /// By the socket's slot.
    pub(super) conns: Vec<Option<Box<Conn>>>,
    /// Boxed, because tables are half empty at worst.
    pub(super) followers: HashMap<RoomKey, Box<Followers>, foldhash::fast::RandomState>,
    /// Slots of the sockets of users, from `auth` on, by user.
    users: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// Requests of all connections that wait for their answers.
    pub(super) waiting: usize,
    /// Running seconds.
    pub(super) ticks: u32,
    /// Pages of logs for sockets that are behind.
    pub(super) reads: Reads,
    /// Logs whose reading failed, to be tried again.
    pub(super) failed_reads: Vec<(ConnId, RoomKey, Seq)>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(super) id: ConnId,
    /// Decided by the first frame.
    pub(super) encoding: Option<Encoding>,
    pub(super) phase: Phase,
    /// Logs that it follows, with their place in [`Followers`].
    pub(super) logs: Vec<(RoomKey, u32)>,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) next_ticket: u32,
    /// Its backlog is above the high mark.
    pub(super) slow: bool,
    pub(super) catch_up: Option<Box<CatchUp>>,
    /// Absent as long as all is well.
    rare: Option<Box<Rare>>,
}

/// What few connections need.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Logs that its user has left in this session, with the last event that it got.
    pub(super) left: Vec<(RoomKey, u32)>,
    /// The newest signals, while it is slow.
    pub(super) latest: Vec<(SignalKey, Bytes)>,
    /// Photo sessions that it views.
    pub(super) viewed: Vec<Viewed>,
    /// The server stops; the connection closes as soon as its requests are answered, and is asked
    /// back after so many milliseconds.
    leaving: Option<u64>,
    malformed: u32,
    malformed_since: Millis,
}

impl Conn {
    /// Whose it is, from `auth` on.
    fn user(&self) -> Option<UserId> {
        match &self.phase {
            Phase::Opening(opening) => Some(opening.user),
            Phase::Open { user, .. } => Some(user.user.id),
            Phase::Fresh(_) | Phase::Closed => None,
        }
    }

    /// See [`Rare::left`].
    pub(super) fn left(&self) -> &[(RoomKey, u32)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.left)
    }

    /// See [`Rare::viewed`].
    pub(super) fn viewed(&self) -> &[Viewed] {
        self.rare.as_ref().map_or(&[], |rare| &rare.viewed)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    fn leaving(&self) -> Option<u64> {
        self.rare.as_ref()?.leaving
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Waiting for `auth`.
    Fresh(Option<Box<Claims>>),
    /// `auth` is being answered.
    Opening(Box<Opening>),
    Open {
        user: Arc<UserShared>,
        session: SessionId,
    },
    /// Nothing more is heard or said.
    Closed,
}

#[derive(Debug)]
pub(super) struct Opening {
    user: UserId,
    session: SessionId,
    ticket: u32,
    reference: Option<u64>,
    header: Option<Claims>,
    /// Frames that came behind `auth`.
    queued: Vec<Queued>,
    queued_bytes: usize,
    /// Changes of what the user follows that came meanwhile.
    changes: Vec<ToWorker>,
}

#[derive(Debug)]
enum Queued {
    Text(String),
    Binary(Vec<u8>),
}

impl Queued {
    fn from(frame: Incoming<'_>) -> Self {
        match frame {
            Incoming::Text(text) => Queued::Text(text.to_owned()),
            Incoming::Binary(bytes) => Queued::Binary(bytes.to_vec()),
        }
    }

    fn incoming(&self) -> Incoming<'_> {
        match self {
            Queued::Text(text) => Incoming::Text(text),
            Queued::Binary(bytes) => Incoming::Binary(bytes),
        }
    }
}

impl Worker {
    pub(crate) fn new(number: u16, backlog: Backlog, pace: Pace, rates: RateLimits) -> Self {
        Worker {
            number,
            backlog,
            pace,
            rates,
            conns: Vec::new(),
            followers: HashMap::default(),
            users: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
            waiting: 0,
            ticks: 0,
            reads: Reads::default(),
            failed_reads: Vec::new(),
        }
    }

    /// Nothing is remembered of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let gone = self.conns.iter().all(Option::is_none) && self.users.is_empty();
        let idle = self.waiting == 0 && self.failed_reads.is_empty();
        gone && idle && self.reads.is_empty() && self.followers.is_empty()
    }

    /// A socket has opened.
    pub(crate) fn opened(&mut self, id: ConnId, greeting: Greeting) {
        let slot = id.slot as usize;
        if self.conns.len() <= slot {
            self.conns.resize_with(slot + 1, || None);
        }
        self.conns[slot] = Some(Box::new(Conn {
            id,
            encoding: None,
            phase: Phase::Fresh(greeting.claims.map(Box::new)),
            logs: Vec::new(),
            waiting: VecDeque::new(),
            next_ticket: 0,
            slow: false,
            catch_up: None,
            rare: None,
        }));
    }

    /// The connection, if it is still the one that is meant.
    pub(super) fn conn(&mut self, id: ConnId) -> Option<&mut Conn> {
        let conn = self.conns.get_mut(id.slot as usize)?.as_deref_mut()?;
        (conn.id == id).then_some(conn)
    }

    /// The time for `auth` is over.
    pub(crate) fn deadline(&mut self, id: ConnId, out: &mut impl Outlet) {
        if self.conn(id).is_some_and(|conn| matches!(conn.phase, Phase::Fresh(_))) {
            self.close(id, CloseCode::Unauthorized, None, out);
        }
    }

    /// A frame has come.
    pub(crate) fn frame(&mut self, id: ConnId, frame: Incoming<'_>, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        conn.encoding.get_or_insert(frame.encoding());
        match &mut conn.phase {
            Phase::Closed => {}
            Phase::Opening(opening) => {
                opening.queued_bytes += frame.len();
                if opening.queued.len() < QUEUED_FRAMES_MAX
                    && opening.queued_bytes <= QUEUED_BYTES_MAX
                {
                    opening.queued.push(Queued::from(frame));
                } else {
                    self.close(id, CloseCode::Flood, None, out);
                }
            }
            Phase::Fresh(_) | Phase::Open { .. } => {
                let envelope = match frame {
                    Incoming::Text(text) => RequestEnvelope::from_json(text),
                    Incoming::Binary(bytes) => RequestEnvelope::from_messagepack(bytes),
                };
                match envelope {
                    Ok(envelope) => self.envelope(id, &envelope, out),
                    Err(error) => self.malformed(id, &error.into(), out),
                }
            }
        }
    }

    fn envelope(&mut self, id: ConnId, envelope: &RequestEnvelope<'_>, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let open = matches!(conn.phase, Phase::Open { .. });
        if !open && envelope.kind != "auth" {
            let error = ErrorData::new(ErrorCode::Unauthorized, "the first frame is auth");
            self.refuse(id, envelope.reference, &error, out);
            return self.close(id, CloseCode::Unauthorized, None, out);
        }
        match Request::decode(envelope) {
            Ok(Request::Auth(auth)) if open => self.renew(id, envelope.reference, auth, out),
            Ok(Request::Auth(auth)) => self.auth(id, envelope.reference, auth, out),
            Ok(request) => self.request(id, envelope.reference, request, out),
            Err(error) => self.refuse(id, envelope.reference, &error, out),
        }
    }

    /// Answers a frame that is none; too many of them end the socket.
    fn malformed(&mut self, id: ConnId, error: &ErrorData, out: &mut impl Outlet) {
        self.refuse(id, None, error, out);
        let now = out.now();
        let Some(conn) = self.conn(id) else { return };
        let rare = conn.rare();
        if now - rare.malformed_since > limits::MALFORMED_WINDOW_MS {
            (rare.malformed, rare.malformed_since) = (0, now);
        }
        rare.malformed += 1;
        let malformed = rare.malformed;
        let limit = match conn.phase {
            Phase::Open { .. } => limits::MALFORMED_MAX,
            _ => limits::MALFORMED_BEFORE_AUTH_MAX,
        };
        if malformed >= limit {
            self.close(id, CloseCode::Flood, None, out);
        }
    }

    /// Sends an error.
    pub(super) fn refuse(
        &mut self,
        id: ConnId,
        reference: Option<u64>,
        error: &ErrorData,
        out: &mut impl Outlet,
    ) {
        out.count(Count::RequestError, 1);
        let Some(conn) = self.conn(id) else { return };
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        self.control(id, codec::error(encoding, reference, error), out);
    }

    /// Sends a frame that is no event and no signal: it always goes out.
    pub(super) fn control(&mut self, id: ConnId, frame: Bytes, out: &mut impl Outlet) {
        let backlog = out.send(id, frame);
        self.note_backlog(id, backlog);
    }

    /// The token that counts: the frame's, if it is of the same user as the header's.
    fn claims(
        header: Option<Claims>,
        token: Option<&str>,
        out: &mut impl Outlet,
    ) -> Option<Claims> {
        let Some(token) = token else { return header };
        let claims = out.verify(token)?;
        match header {
            Some(header) if header.user != claims.user => None,
            _ => Some(claims),
        }
    }

    fn auth(&mut self, id: ConnId, reference: Option<u64>, auth: Auth, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let Phase::Fresh(header) = &conn.phase else { return };
        let header = header.as_deref().copied();
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        let Some(claims) = Self::claims(header, auth.token.as_deref(), out) else {
            return self.unauthorized(id, reference, out);
        };
        let Some(conn) = self.conn(id) else { return };
        let ticket = conn.next_ticket;
        conn.next_ticket += 1;
        conn.phase = Phase::Opening(Box::new(Opening {
            user: claims.user,
            session: claims.session,
            ticket,
            reference,
            header,
            queued: Vec::new(),
            queued_bytes: 0,
            changes: Vec::new(),
        }));
        // From here on, changes of what the user follows are kept for it.
        let (conns, hasher) = (&self.conns, &self.hasher);
        let user_at = |slot: &u32| conns.get(*slot as usize)?.as_ref()?.user();
        let hash_at = |slot: &u32| hasher.hash_one(user_at(slot));
        self.users.insert_unique(hasher.hash_one(Some(claims.user)), id.slot, hash_at);
        let open = Open { conn: id, ticket, reference, encoding, claims, auth };
        if let Err(error) = out.open(open) {
            self.not_opened(id, &error, None, out);
        }
    }

    fn unauthorized(&mut self, id: ConnId, reference: Option<u64>, out: &mut impl Outlet) {
        let error = ErrorData::new(ErrorCode::Unauthorized, "the token is not valid");
        self.refuse(id, reference, &error, out);
        self.close(id, CloseCode::Unauthorized, None, out);
    }

    /// A newer token on a socket that is open already.
    fn renew(&mut self, id: ConnId, reference: Option<u64>, auth: Auth, out: &mut impl Outlet) {
        let claims = auth.token.as_deref().and_then(|token| out.verify(token));
        let Some(conn) = self.conn(id) else { return };
        let Phase::Open { user, session } = &mut conn.phase else { return };
        match claims {
            Some(claims) if claims.user == user.user.id => {
                *session = claims.session;
                let encoding = conn.encoding.unwrap_or(Encoding::Json);
                let renewed = AuthRenewed { expires_at: claims.expires_at };
                self.control(id, codec::ok(encoding, reference, &renewed), out);
            }
            _ => self.unauthorized(id, reference, out),
        }
    }

    /// Takes in what an actor tells.
    pub(crate) fn told(&mut self, message: ToWorker, out: &mut impl Outlet) {
        match message {
            ToWorker::Answers(answers) => {
                for answer in answers {
                    self.answered(answer, out);
                }
            }
            ToWorker::Opened { conn, ticket, frame, user, session, logs } => {
                self.session_opened(conn, ticket, frame, (user, session), logs, out);
            }
            ToWorker::NotOpened { conn, error, close } => {
                self.not_opened(conn, &error, close, out);
            }
            ToWorker::Events(batch) => self.events(&batch, out),
            ToWorker::Announce { log, head } => self.announced(log, head, out),
            ToWorker::Signal(signal) => self.signal(&signal, out),
            ToWorker::Subscribe { user, .. } | ToWorker::Unsubscribe { user, .. } => {
                self.membership(user, message, out);
            }
            ToWorker::Joined { answer, viewed, log } => self.joined(answer, viewed, log, out),
            ToWorker::Dismiss { log, last, only_guests } => {
                self.dismiss(log, last, only_guests, out);
            }
            ToWorker::Close { who, code } => self.close_all(who, code, out),
            ToWorker::Shutdown { spread_ms } => self.shutdown(spread_ms, out),
            ToWorker::LogRead(read) => self.log_read(read, out),
            ToWorker::Lost(target) => self.lost(target, out),
            ToWorker::Report(user) => self.report(user, out),
        }
    }

    fn session_opened(
        &mut self,
        id: ConnId,
        ticket: u32,
        frame: Bytes,
        (user, session): (Arc<UserShared>, SessionId),
        logs: Vec<Subscription>,
        out: &mut impl Outlet,
    ) {
        let fresh = Phase::Open { user: user.clone(), session };
        let Some(conn) = self.conn(id) else {
            // It went while it was being opened: its user has to hear of it once more.
            return out.closed(user.user.id, id);
        };
        let opening = match std::mem::replace(&mut conn.phase, fresh) {
            Phase::Opening(opening) if opening.ticket == ticket => opening,
            other => {
                // An `auth` that was given up. The user's actor takes the socket for open, and is
                // right when another `auth` of the same user has come since.
                let again = match &other {
                    Phase::Opening(opening) => opening.user == user.user.id,
                    Phase::Open { user: now, .. } => now.user == user.user,
                    Phase::Fresh(_) | Phase::Closed => false,
                };
                conn.phase = other;
                if !again {
                    out.closed(user.user.id, id);
                }
                return;
            }
        };
        conn.logs.reserve_exact(logs.len());
        out.count(Count::Opened, 1);
        self.control(id, frame, out);
        for log in logs {
            self.follow(id, log, out);
        }
        for change in opening.changes {
            self.membership_of(id, &change, out);
        }
        for queued in opening.queued {
            self.frame(id, queued.incoming(), out);
        }
    }

    fn not_opened(
        &mut self,
        id: ConnId,
        error: &ErrorData,
        close: Option<CloseCode>,
        out: &mut impl Outlet,
    ) {
        let Some(conn) = self.conn(id) else { return };
        let opening = match std::mem::replace(&mut conn.phase, Phase::Closed) {
            Phase::Opening(opening) => opening,
            other => {
                conn.phase = other;
                return;
            }
        };
        conn.phase = Phase::Fresh(opening.header.map(Box::new));
        self.forget_user(opening.user, id);
        // It may be taken for open from an earlier `auth`.
        out.closed(opening.user, id);
        self.refuse(id, opening.reference, error, out);
        match close {
            Some(code) => self.close(id, code, None, out),
            // It may try again on the same socket; what came behind is refused like any request
            // before `auth`.
            None => {
                out.await_auth(id);
                for queued in opening.queued {
                    self.frame(id, queued.incoming(), out);
                }
            }
        }
    }

    /// A change of what a user follows, for all his sockets here.
    fn membership(&mut self, user: UserId, message: ToWorker, out: &mut impl Outlet) {
        for id in self.conns_of(user) {
            let Some(conn) = self.conn(id) else { continue };
            match &mut conn.phase {
                // What it will follow is being read just now; this comes on top.
                Phase::Opening(opening) => opening.changes.push(copy_of(&message)),
                _ => self.membership_of(id, &message, out),
            }
        }
    }

    fn membership_of(&mut self, id: ConnId, message: &ToWorker, out: &mut impl Outlet) {
        match message {
            ToWorker::Subscribe { log, .. } => {
                self.member_now(id, log.log, true, out);
                self.follow(id, *log, out);
            }
            ToWorker::Unsubscribe { log, last, .. } => {
                self.member_now(id, *log, false, out);
                self.unfollow(id, *log, *last, out);
            }
            _ => {}
        }
    }

    /// The sockets of a user on this worker, in a fixed order.
    pub(super) fn conns_of(&self, user: UserId) -> SmallVec<[ConnId; 4]> {
        let slots = self.users.iter_hash(self.hasher.hash_one(Some(user)));
        let conns = slots.filter_map(|slot| self.conns.get(*slot as usize)?.as_deref());
        let his = conns.filter(|conn| conn.user() == Some(user));
        let mut ids: SmallVec<[ConnId; 4]> = his.map(|conn| conn.id).collect();
        ids.sort_unstable_by_key(|id| id.slot);
        ids
    }

    fn close_all(&mut self, who: Who, code: CloseCode, out: &mut impl Outlet) {
        match who {
            Who::Conn(id) => self.close(id, code, None, out),
            Who::User(user) | Who::Session(user, _) => {
                for id in self.conns_of(user) {
                    let of_session = |conn: &Conn| match (&conn.phase, who) {
                        (Phase::Open { session, .. }, Who::Session(_, ended)) => *session == ended,
                        (Phase::Opening(opening), Who::Session(_, ended)) => {
                            opening.session == ended
                        }
                        _ => true,
                    };
                    if self.conn(id).is_some_and(|conn| of_session(conn)) {
                        self.close(id, code, None, out);
                    }
                }
            }
        }
    }

    /// Says goodbye and closes.
    pub(super) fn close(
        &mut self,
        id: ConnId,
        code: CloseCode,
        retry_after_ms: Option<u64>,
        out: &mut impl Outlet,
    ) {
        let Some(conn) = self.conn(id) else { return };
        if matches!(conn.phase, Phase::Closed) {
            return;
        }
        // Whoever has said nothing yet has not chosen a language either.
        if let Some(encoding) = conn.encoding {
            let bye = Bye { retry_after_ms, ..Bye::from(code) };
            out.send(id, codec::bye(encoding, &bye));
        }
        out.close(id, code);
        self.let_go(id, out);
    }

    /// The socket is gone.
    pub(crate) fn closed(&mut self, id: ConnId, out: &mut impl Outlet) {
        self.let_go(id, out);
        if self.conn(id).is_some() {
            self.conns[id.slot as usize] = None;
        }
    }

    /// Forgets everything that concerns others.
    fn let_go(&mut self, id: ConnId, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        let phase = std::mem::replace(&mut conn.phase, Phase::Closed);
        conn.catch_up = None;
        let viewed = conn.rare.take().map(|rare| rare.viewed).unwrap_or_default();
        let waiting = std::mem::take(&mut conn.waiting).len();
        let logs = std::mem::take(&mut conn.logs);
        self.waiting -= waiting;
        for viewed in viewed {
            out.viewer(viewed.session, viewed.log, false);
        }
        for (log, _) in logs {
            self.drop_follower(log, id.slot, out);
        }
        match phase {
            Phase::Open { user, .. } => {
                out.count(Count::Closed, 1);
                self.forget_user(user.user.id, id);
                out.closed(user.user.id, id);
            }
            Phase::Opening(opening) => {
                self.forget_user(opening.user, id);
                out.closed(opening.user, id);
            }
            Phase::Fresh(_) | Phase::Closed => {}
        }
    }

    fn forget_user(&mut self, user: UserId, id: ConnId) {
        let hash = self.hasher.hash_one(Some(user));
        if let Ok(entry) = self.users.find_entry(hash, |slot| *slot == id.slot) {
            entry.remove();
        }
    }

    /// Something was lost that nothing makes good: whoever comes back finds what is true.
    pub(crate) fn begin_anew(&mut self, out: &mut impl Outlet) {
        let ids: Vec<ConnId> = self.conns.iter().flatten().map(|conn| conn.id).collect();
        for (place, id) in ids.iter().enumerate() {
            let retry_after_ms = 500 + place as u64 % 5_000;
            self.close(*id, CloseCode::Overloaded, Some(retry_after_ms), out);
        }
    }

    /// Tells everybody to come back, spread over time, and closes.
    fn shutdown(&mut self, spread_ms: u64, out: &mut impl Outlet) {
        let ids: Vec<ConnId> = self.conns.iter().flatten().map(|conn| conn.id).collect();
        for (place, id) in ids.iter().enumerate() {
            // Spread evenly, in an order that has nothing to do with time: a stride through them.
            let share = (place as u64).wrapping_mul(0x9E37_79B9) % ids.len().max(1) as u64;
            let retry_after_ms = 500 + spread_ms * share / ids.len().max(1) as u64;
            if let Some(conn) = self.conn(*id) {
                conn.rare().leaving = Some(retry_after_ms);
            }
            self.leave_if_answered(*id, out);
        }
    }

    /// While the server stops: closes a connection all of whose requests are answered.
    pub(super) fn leave_if_answered(&mut self, id: ConnId, out: &mut impl Outlet) {
        let Some(conn) = self.conn(id) else { return };
        if let (Some(retry_after_ms), true) = (conn.leaving(), conn.waiting.is_empty()) {
            self.close(id, CloseCode::Shutdown, Some(retry_after_ms), out);
        }
    }

    /// Whether the server stops.
    pub(super) fn is_leaving(&mut self, id: ConnId) -> bool {
        self.conn(id).is_some_and(|conn| conn.leaving().is_some())
    }

    fn report(&mut self, user: UserId, out: &mut impl Outlet) {
        for id in self.conns_of(user) {
            if self.conn(id).is_some_and(|conn| matches!(conn.phase, Phase::Open { .. })) {
                out.report(user, id);
            }
        }
    }

    /// A second of running time has passed.
    pub(crate) fn tick(&mut self, out: &mut impl Outlet) {
        self.ticks += 1;
        if self.waiting > 0 {
            self.give_up_late(out);
        }
        self.retry_reads(out);
    }

    /// What was asked of an actor that died will not be answered.
    fn lost(&mut self, target: Target, out: &mut impl Outlet) {
        if self.waiting > 0 {
            self.give_up(out, |waiting, _| waiting.target == Some(target));
        }
        let Target::User(user) = target else { return };
        for id in self.conns_of(user) {
            if self.conn(id).is_some_and(|conn| matches!(conn.phase, Phase::Opening(_))) {
                let error = super::requests::lost_answer();
                self.not_opened(id, &error, None, out);
            }
        }
    }
}

/// Subscriptions and their ends are plain values.
fn copy_of(message: &ToWorker) -> ToWorker {
    match message {
        ToWorker::Subscribe { user, log } => ToWorker::Subscribe { user: *user, log: *log },
        ToWorker::Unsubscribe { user, log, last } => {
            ToWorker::Unsubscribe { user: *user, log: *log, last: *last }
        }
        _ => ToWorker::Answers(Vec::new()),
    }
}
