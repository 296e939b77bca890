//! Requests on their way to an actor and back.

use std::collections::VecDeque;

use salon_protocol::reply::{Empty, Pong};
use salon_protocol::{Encoding, ErrorCode, ErrorData, Request, codec, limits};

use super::messages::Target;
use super::outlet::{Count, Outlet};
use super::state::{Phase, Worker};
use crate::caller::{Answer, Caller, ConnId};
use crate::rate::Class;
use crate::room::RoomRequest;
use crate::upload::UploadRequest;

/// A request that has no answer after so many running seconds gets one from here.
const ANSWER_WITHIN_TICKS: u32 = 20;

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    ticket: u32,
    reference: Option<u64>,
    pub(super) target: Option<Target>,
    since_tick: u32,
}

/// The answer to a request that nobody will answer any more.
pub(super) fn lost_answer() -> ErrorData {
    let text = "the answer was lost; try again with the same cid";
    ErrorData::new(ErrorCode::Unavailable, text).retry_after(500)
}

impl Worker {
    /// A request on an open session.
    pub(super) fn request(
        &mut self,
        id: ConnId,
        reference: Option<u64>,
        request: Request,
        out: &mut impl Outlet,
    ) {
        let (rates, now, tick) = (self.rates, out.now(), self.ticks);
        let pass = self.pass_for(id, &request);
        out.count(Count::Request, 1);
        if self.is_leaving(id) {
            let error = ErrorData::new(ErrorCode::Unavailable, "the server is shutting down");
            return self.refuse(id, reference, &error.retry_after(1_000), out);
        }
        let Some(conn) = self.conn(id) else { return };
        let Phase::Open { user, .. } = &conn.phase else { return };
        let encoding = conn.encoding.unwrap_or(Encoding::Json);
        let class = Class::of(&request);
        let ticket = conn.next_ticket;
        let caller = Caller {
            conn: id,
            ticket,
            reference,
            encoding,
            user: user.user,
            pass,
            guest: user.guest,
        };
        if let Err(wait_ms) = user.admit(&rates, class, now) {
            if class == Class::Typing {
                return self.control(id, codec::ok(encoding, reference, &Empty {}), out);
            }
            let text = format!("too many requests of the class {}", class_name(class));
            let error = ErrorData::new(ErrorCode::RateLimited, text).retry_after(wait_ms);
            return self.refuse(id, reference, &error, out);
        }
        if user.guest && !guests_may(&request) {
            let error = ErrorData::new(ErrorCode::Forbidden, "guests have no account for that");
            return self.refuse(id, reference, &error, out);
        }
        if conn.waiting.len() >= limits::INFLIGHT_MAX {
            let text = "too many requests wait for their answer";
            let error = ErrorData::new(ErrorCode::Overloaded, text).retry_after(500);
            return self.refuse(id, reference, &error, out);
        }
        if let Request::Ping(_) = request {
            let pong = Pong { server_time: now };
            return self.control(id, codec::ok(encoding, reference, &pong), out);
        }
        conn.next_ticket = conn.next_ticket.wrapping_add(1);
        let (target, asked) = self.dispatch(caller, request, out);
        match asked {
            Ok(()) => {
                let Some(conn) = self.conn(id) else { return };
                let waiting =
                    Waiting { ticket: caller.ticket, reference, target, since_tick: tick };
                conn.waiting.push_back(waiting);
                self.waiting += 1;
                if target.is_none() {
                    let frame = codec::ok(encoding, reference, &Empty {});
                    self.answered(Answer { conn: id, ticket: caller.ticket, frame }, out);
                }
            }
            Err(error) => self.refuse(id, reference, &error, out),
        }
    }

    /// The table of contents: which request goes to which actor. Without a target it is answered
    /// at once.
    fn dispatch(
        &mut self,
        caller: Caller,
        request: Request,
        out: &mut impl Outlet,
    ) -> (Option<Target>, Result<(), ErrorData>) {
        match RoomRequest::from_frame(request, caller.pass) {
            Ok((room, request)) => (Some(Target::Room(room)), out.ask_room(room, caller, request)),
            Err(Request::MessageDelivered(delivered)) => {
                for (room, seq) in delivered.rooms.0 {
                    // One that cannot be told now is told again by the client's next one.
                    let _ = out.ask_room(room, caller, RoomRequest::Delivered(seq));
                }
                (None, Ok(()))
            }
            Err(Request::LeaveSession(leave)) => {
                self.leave_session(caller.conn, leave.session, out);
                (None, Ok(()))
            }
            Err(request) => match UploadRequest::from_frame(request) {
                Ok((upload, request)) => {
                    (Some(Target::Upload(upload)), out.ask_upload(upload, caller, request))
                }
                Err(request) => (Some(Target::User(caller.user.id)), out.ask_user(caller, request)),
            },
        }
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, answer: Answer, out: &mut impl Outlet) {
        let Some(conn) = self.conn(answer.conn) else { return };
        let place = conn.waiting.iter().position(|waiting| waiting.ticket == answer.ticket);
        // Without a place it was given up before, and has its answer.
        let Some(place) = place else { return };
        conn.waiting.remove(place);
        if conn.waiting.is_empty() && conn.waiting.capacity() > 8 {
            conn.waiting = VecDeque::new();
        }
        self.waiting -= 1;
        self.control(answer.conn, answer.frame, out);
        self.leave_if_answered(answer.conn, out);
    }

    pub(super) fn give_up_late(&mut self, out: &mut impl Outlet) {
        self.give_up(out, |waiting, tick| tick - waiting.since_tick > ANSWER_WITHIN_TICKS);
    }

    /// Answers requests that will not be answered otherwise.
    pub(super) fn give_up(&mut self, out: &mut impl Outlet, lost: impl Fn(&Waiting, u32) -> bool) {
        let tick = self.ticks;
        let mut given_up: Vec<(ConnId, Option<u64>)> = Vec::new();
        for conn in self.conns.iter_mut().flatten() {
            let id = conn.id;
            conn.waiting.retain(|waiting| {
                let lost = lost(waiting, tick);
                if lost {
                    given_up.push((id, waiting.reference));
                }
                !lost
            });
        }
        self.waiting -= given_up.len();
        out.count(Count::LostAnswer, given_up.len() as u64);
        for (id, reference) in given_up {
            self.refuse(id, reference, &lost_answer(), out);
            self.leave_if_answered(id, out);
        }
    }
}

/// Whoever came without an account may look, and take part in the sessions that he views.
fn guests_may(request: &Request) -> bool {
    use Request as R;
    let asks = matches!(request, R::Auth(_) | R::Ping(_) | R::UsersGet(_) | R::Typing(_));
    let reads = matches!(request, R::History(_) | R::MessageRead(_) | R::MessageDelivered(_));
    let views = matches!(
        request,
        R::JoinSession(_)
            | R::LeaveSession(_)
            | R::PhotoSessionGet(_)
            | R::SessionMedia(_)
            | R::PhotoList(_)
            | R::PhotoGet(_)
            | R::PhotoSelections(_)
            | R::PhotoSelectionExport(_)
            | R::PhotoComments(_)
            | R::PhotoDownload(_)
    );
    let acts = matches!(
        request,
        R::SendMessage(_)
            | R::MessageRecall(_)
            | R::MessageEdit(_)
            | R::React(_)
            | R::PhotoMark(_)
            | R::PhotoComment(_)
    );
    asks || reads || views || acts
}

fn class_name(class: Class) -> String {
    format!("{class:?}").to_lowercase()
}
