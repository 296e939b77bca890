//! How a user's actor thinks.

use std::collections::VecDeque;

use salon_protocol::{CloseCode, Millis, Request, limits};
use smallvec::SmallVec;

use super::messages::{Effect, UserInput};
use crate::caller::{Caller, ConnId};

/// Requests of one user that wait.
pub(crate) const QUEUE_MAX: usize = 512;

/// A user's actor.
#[derive(Debug)]
pub(crate) struct User {
    idle_ms: Millis,
    /// The oldest first. Most have one.
    sockets: SmallVec<[Socket; 1]>,
    /// Sockets whose session is being opened.
    opening: usize,
    queue: VecDeque<(Caller, Box<Request>)>,
    serving: bool,
    /// Since when there is no socket.
    alone_since: Option<Millis>,
}

#[derive(Debug)]
struct Socket {
    conn: ConnId,
    /// Not known of a socket that was found by a later life of the actor.
    device: Option<Box<str>>,
}

impl User {
    pub(crate) fn new(idle_ms: Millis, now: Millis) -> Self {
        User {
            idle_ms,
            sockets: SmallVec::new(),
            opening: 0,
            queue: VecDeque::new(),
            serving: false,
            alone_since: Some(now),
        }
    }

    pub(crate) fn handle(&mut self, input: UserInput, now: Millis, out: &mut Vec<Effect>) {
        match input {
            UserInput::Open(open) => {
                self.opening += 1;
                out.push(Effect::Open(open));
            }
            UserInput::Opened { conn, device } => {
                self.opening = self.opening.saturating_sub(1);
                self.opened(conn, Some(device.into_boxed_str()), out);
            }
            UserInput::NotOpened => {
                self.opening = self.opening.saturating_sub(1);
                self.alone(now, out);
            }
            UserInput::Found { conn } => {
                if !self.sockets.iter().any(|socket| socket.conn == conn) {
                    self.opened(conn, None, out);
                }
            }
            UserInput::Closed(conn) => {
                self.sockets.retain(|socket| socket.conn != conn);
                self.alone(now, out);
            }
            UserInput::Request(caller, request) => {
                if self.queue.len() >= QUEUE_MAX {
                    return out.push(Effect::Overloaded(caller));
                }
                self.queue.push_back((caller, request));
                self.serve_next(out);
            }
            UserInput::Served => {
                self.serving = false;
                self.serve_next(out);
            }
            UserInput::Wake => {
                let idle = self.alone_since.is_some_and(|since| now - since >= self.idle_ms);
                if idle && self.is_at_rest() {
                    out.push(Effect::Sleep);
                }
            }
            UserInput::Last => {}
        }
    }

    /// When it wants to be woken, if ever.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.alone_since.filter(|_| self.is_at_rest()).map(|since| since + self.idle_ms)
    }

    fn is_at_rest(&self) -> bool {
        self.sockets.is_empty() && self.opening == 0 && self.queue.is_empty() && !self.serving
    }

    /// User1 and User2.
    fn opened(&mut self, conn: ConnId, device: Option<Box<str>>, out: &mut Vec<Effect>) {
        // The same socket once more, after an `auth` that was given up, replaces nobody.
        self.sockets.retain(|older| older.conn != conn);
        if let Some(device) = &device {
            for older in self.sockets.iter().filter(|older| older.device.as_ref() == Some(device)) {
                out.push(Effect::Close(older.conn, CloseCode::Replaced));
            }
            self.sockets.retain(|older| older.device.as_ref() != Some(device));
        }
        if self.sockets.len() >= limits::SOCKETS_PER_USER_MAX {
            let oldest = self.sockets.remove(0);
            out.push(Effect::Close(oldest.conn, CloseCode::Replaced));
        }
        self.sockets.push(Socket { conn, device });
        self.sockets.shrink_to_fit();
        self.alone_since = None;
    }

    fn alone(&mut self, now: Millis, out: &mut Vec<Effect>) {
        if self.sockets.is_empty() && self.alone_since.is_none() {
            self.alone_since = Some(now);
            out.push(Effect::Left);
        }
    }

    fn serve_next(&mut self, out: &mut Vec<Effect>) {
        if self.serving {
            return;
        }
        if let Some((caller, request)) = self.queue.pop_front() {
            self.serving = true;
            out.push(Effect::Serve(caller, request));
        } else {
            self.queue.shrink_to_fit();
        }
    }
}
