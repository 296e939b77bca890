//! The world as a simulated worker's connections see it.

use bytes::Bytes;
use salon_protocol::{
    CloseCode, ErrorCode, ErrorData, Millis, Request, RoomId, Seq, SessionId, UploadId, UserId,
    limits,
};
use salon_storage::model::RoomKey;
use uuid::Uuid;

use super::actors::{RoomBody, Rooms, UserBody, Users};
use super::agenda::Agenda;
use super::hall::Hall;
use super::happening::{Asked, Asker, Happening, NodeLife, Question};
use super::net::Net;
use super::{ROOM_IDLE_MS, USER_IDLE_MS};
use crate::bell::Ringing as _;
use crate::caller::{Caller, Claims, ConnId};
use crate::connection::{Count, Open, Outlet, ReadLog};
use crate::publish::Reach as _;
use crate::room::{Room, RoomInput, RoomRequest};
use crate::upload::UploadRequest;
use crate::user::{User, UserInput};
use salon_storage::contract::{Bus as _, Topic};

pub(super) struct Outside<'a> {
    pub(super) node: NodeLife,
    pub(super) number: u16,
    pub(super) hall: &'a Hall,
    pub(super) rooms: &'a mut Rooms,
    pub(super) users: &'a mut Users,
    pub(super) net: &'a mut Net,
    pub(super) agenda: &'a mut Agenda,
}

/// A room's actor begins.
pub(super) fn new_room(id: RoomId, now: Millis) -> RoomBody {
    RoomBody { id, room: Room::new(id, ROOM_IDLE_MS, now), log: None }
}

impl Outside<'_> {
    fn tell_user(&mut self, user: UserId, input: UserInput) -> Result<(), ErrorData> {
        let (now, hall) = (self.agenda.now(), self.hall);
        self.users.send(user, input, now, || {
            hall.users_here.borrow_mut().insert(user);
            hall.bus.listen(Topic::User(user));
            UserBody { id: user, user: User::new(USER_IDLE_MS, now), shared: None, inbox: None }
        })?;
        Ok(())
    }
}

impl Outlet for Outside<'_> {
    fn now(&self) -> Millis {
        self.agenda.now()
    }

    fn send(&mut self, conn: ConnId, frame: Bytes) -> usize {
        self.net.send(self.node, conn, frame, self.agenda)
    }

    fn close(&mut self, conn: ConnId, _: CloseCode) {
        self.net.close(self.node, conn, self.agenda);
    }

    fn await_auth(&mut self, conn: ConnId) {
        if let Some(socket) = self.net.of(self.node, conn) {
            let us = limits::AUTH_WITHIN_MS.unsigned_abs() * 1_000;
            self.agenda.after_us(us, Happening::Deadline(socket));
        }
    }

    /// A token is the user's number.
    fn verify(&mut self, token: &str) -> Option<Claims> {
        let number: u128 = token.parse().ok()?;
        let (user, session) = (UserId::new(Uuid::from_u128(number)), Uuid::from_u128(number));
        Some(Claims { user, session: SessionId::new(session), expires_at: Millis::MAX })
    }

    fn open(&mut self, open: Open) -> Result<(), ErrorData> {
        self.tell_user(open.claims.user, UserInput::Open(Box::new(open)))
    }

    fn ask_room(
        &mut self,
        room: RoomId,
        caller: Caller,
        request: RoomRequest,
    ) -> Result<(), ErrorData> {
        let (now, input) = (self.agenda.now(), RoomInput::Request(caller, request));
        self.rooms.send(room, input, now, || new_room(room, now))?;
        Ok(())
    }

    fn ask_user(&mut self, caller: Caller, request: Request) -> Result<(), ErrorData> {
        self.tell_user(caller.user.id, UserInput::Request(caller, Box::new(request)))
    }

    /// Nobody uploads here.
    fn ask_upload(&mut self, _: UploadId, _: Caller, _: UploadRequest) -> Result<(), ErrorData> {
        Err(ErrorData::new(ErrorCode::NotFound, "there is no such upload"))
    }

    fn viewer(&mut self, _: RoomId, _: RoomKey, _: bool) {}

    fn report(&mut self, user: UserId, conn: ConnId) {
        // A user who cannot be told is told by the next report.
        let _ = self.tell_user(user, UserInput::Found { conn });
    }

    fn closed(&mut self, user: UserId, conn: ConnId) {
        self.users.tell(user, UserInput::Closed(conn));
    }

    fn register(&mut self, log: RoomKey) -> Seq {
        self.hall.follow(log, self.number)
    }

    fn unregister(&mut self, log: RoomKey) {
        self.hall.unfollow(log, self.number);
    }

    fn head(&self, log: RoomKey) -> Seq {
        self.hall.directory().head(log)
    }

    fn read_log(&mut self, read: ReadLog) {
        let by = Asker { node: self.node, actor: 0 };
        let question = Question { by, what: Asked::ReadLog(self.number, read) };
        self.agenda.between_us(50, 5_000, Happening::Asked(Box::new(question)));
    }

    fn count(&mut self, _: Count, _: u64) {}
}
