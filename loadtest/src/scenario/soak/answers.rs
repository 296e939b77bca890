//! What is asked, and what comes of the answers.
//!
//! Owns      the data of every request, and the meaning of its `ok` or `error` for the oracle.
//! Promises  what the server asks to repeat is repeated; a refusal that cannot be right is told.
//! Does not  choose what is asked.

use salon_protocol::content::MessageKind;
use salon_protocol::envelope::Raw;
use salon_protocol::limits::PAGE_EVENTS_MAX;
use salon_protocol::reply::{self, Done, Sent};
use salon_protocol::request::{
    History, MessageDelivered, MessageEdit, OneMessage, OneRoom, Page, Positions, React, Request,
    SendMessage,
};
use salon_protocol::{ErrorCode, ErrorData, LogId, Seq};

use super::errand::{Errand, Order};
use super::people::People;
use super::recent::Known;
use crate::client::Net;
use crate::clock::MILLISECOND_NS;
use crate::oracle::{Ack, Change};

/// How long to wait when the server names no time.
const RETRY_MS: u64 = 200;
/// Events of a look back.
const LOOK_BACK_EVENTS: usize = 20;

impl People<'_> {
    /// The oracle hears of it before the server does.
    pub(super) fn tell_oracle(&mut self, device: usize, errand: &Errand) {
        match errand {
            Errand::Send { room, cid, number, .. } => {
                let text = self.words.text(*number, self.arguments.text_bytes);
                let (from, room) = (self.devices[device].index, self.rooms[*room as usize].index);
                self.oracle.sent(from, room, *cid, &text);
            }
            Errand::Edit { room, target, number, .. } => {
                let text = self.words.text(*number, self.arguments.text_bytes);
                self.oracle.edit_sent(self.rooms[*room as usize].index, *target, &text);
            }
            Errand::Recall { room, target } => {
                self.oracle.recall_sent(self.rooms[*room as usize].index, *target);
            }
            _ => {}
        }
    }

    /// The data of its frame.
    pub(super) fn request(&mut self, device: usize, errand: &Errand) -> Request {
        let id = |room: &u32| self.rooms[*room as usize].id;
        let text = |number: &u32| self.words.text(*number, self.arguments.text_bytes);
        let history = |room: &u32, before, after, limit| {
            let (room, limit) = (LogId::Room(id(room)), Some(limit));
            Request::History(History { room, before, after, types: None, limit })
        };
        match errand {
            Errand::Send { room, cid, number, .. } => Request::SendMessage(SendMessage {
                room: id(room),
                cid: *cid,
                kind: MessageKind::Text,
                text: Some(text(number)),
                body: None,
                reply_to: None,
                mentions: None,
            }),
            Errand::Edit { room, target, cid, number } => {
                let (room, seq, cid) = (id(room), *target, Some(*cid));
                Request::MessageEdit(MessageEdit { room, seq, cid, text: text(number) })
            }
            Errand::Recall { room, target } => {
                Request::MessageRecall(OneMessage { room: id(room), seq: *target })
            }
            Errand::React { room, target, emoji } => {
                let emoji = (*emoji).to_owned();
                Request::React(React { room: id(room), seq: *target, emoji, on: true })
            }
            Errand::Read { room, seq } => {
                Request::MessageRead(OneMessage { room: id(room), seq: *seq })
            }
            Errand::Page { room, before } => history(room, *before, None, LOOK_BACK_EVENTS),
            Errand::CatchUp { room, after } => history(room, None, Some(*after), PAGE_EVENTS_MAX),
            Errand::Typing { room } => Request::Typing(OneRoom { room: id(room) }),
            Errand::Conversations => Request::Conversations(Page::default()),
            Errand::Delivered => {
                let rooms = self.devices[device].rooms.clone();
                let held =
                    |room: u32| Some((self.rooms[room as usize].id, self.held(device, room)?));
                let rooms = Positions(rooms.into_iter().filter_map(held).collect());
                Request::MessageDelivered(MessageDelivered { rooms })
            }
        }
    }

    /// A request was done.
    pub(super) fn answered(&mut self, net: &mut Net, device: usize, number: u64, data: Raw<'_>) {
        let Some(order) = self.devices[device].answered(number) else {
            return self.trouble("an answer to a request that was not made");
        };
        let name = order.errand.name();
        *self.seen.done.entry(name).or_insert(0) += 1;
        let outcome = match order.errand.clone() {
            Errand::Send { room, number, recall_at_once, .. } => data
                .decode()
                .map(|sent| self.sent(net, device, &order, room, number, sent, recall_at_once)),
            Errand::Edit { room, target, .. } => {
                data.decode().map(|done| self.changed(room, &done, Change::Edit { target }))
            }
            Errand::React { room, target, .. } => {
                data.decode().map(|done| self.changed(room, &done, Change::Reaction { target }))
            }
            Errand::Recall { room, target } => data.decode().map(|done: Done| {
                self.oracle.recall_acked(self.rooms[room as usize].index, target);
                self.recent.recalled(room, target);
                self.changed(room, &done, Change::Recall { target });
            }),
            Errand::Read { seq, .. } => data.decode().map(|done: Done| {
                if done.seq < seq {
                    self.trouble("a read mark stays behind what was read");
                }
            }),
            Errand::Page { room, before } => data.decode().map(|page: reply::History| {
                if page.events.iter().any(|event| before.is_some_and(|seq| event.seq >= seq)) {
                    self.trouble("a page of history goes beyond what was asked for");
                }
                self.oracle.read(order.asked, self.rooms[room as usize].index, &page.events);
            }),
            Errand::CatchUp { room, after } => {
                data.decode().map(|page| self.caught_up(device, &order, room, after, &page))
            }
            Errand::Conversations => data.decode().map(|_: reply::Conversations| ()),
            Errand::Typing { .. } | Errand::Delivered => Ok(()),
        };
        if let Err(error) = outcome {
            self.trouble(format!("the answer to {name}: {}", error.message));
        }
        self.pump(net, device);
    }

    #[expect(clippy::too_many_arguments, reason = "all parts of one answer")]
    fn sent(
        &mut self,
        net: &mut Net,
        device: usize,
        order: &Order,
        room: u32,
        number: u32,
        sent: Sent,
        recall_at_once: bool,
    ) {
        let Errand::Send { cid, .. } = order.errand else { return };
        let account = self.devices[device].account.user;
        let user = self.devices[device].user;
        if sent.room != self.rooms[room as usize].id {
            return self.trouble("an acknowledgement names another room");
        }
        if sent.duplicate && order.tries == 1 {
            self.trouble("a message that was sent once was acknowledged as a repetition");
        }
        self.oracle.acked(account, cid, Ack { seq: sent.seq, at: sent.at });
        self.heard_of(room, sent.seq);
        self.weather.acked();
        self.counts.acks += 1;
        let took_ns = self.now_ns.saturating_sub(order.due_ns);
        self.seen.ack.record_ns(took_ns);
        self.lately.record_ns(took_ns);
        let known = Known { room, seq: sent.seq, numbers: vec![number] };
        if !recall_at_once {
            return self.recent.add(user, known);
        }
        self.recent.leaving(known);
        self.devices[device].wants(Errand::Recall { room, target: sent.seq }, self.now_ns);
        self.pump(net, device);
    }

    fn changed(&mut self, room: u32, done: &Done, change: Change) {
        self.heard_of(room, done.seq);
        self.oracle.change_acked(self.rooms[room as usize].index, done.seq, change);
    }

    fn caught_up(
        &mut self,
        device: usize,
        order: &Order,
        room: u32,
        after: Seq,
        page: &reply::History,
    ) {
        let (to, index) = (self.devices[device].index, self.rooms[room as usize].index);
        self.oracle.caught_up(to, order.asked, index, &page.events);
        self.seen.caught_up += page.events.len() as u64;
        let last = page.events.last().map_or(after, |event| event.seq);
        match page.more {
            true if last > after => {
                let errand = Errand::CatchUp { room, after: last };
                self.devices[device].wants(errand, self.now_ns);
            }
            true => self.trouble("a page of history says that there is more, and does not go on"),
            false => {}
        }
    }

    /// A request was not done.
    pub(super) fn refused(&mut self, device: usize, number: u64, error: ErrorData) {
        let Some(order) = self.devices[device].answered(number) else {
            return self.trouble("an error for a request that was not made");
        };
        let (name, code) = (order.errand.name(), error.code);
        *self.seen.errors.entry(format!("{name}: {}", code.name())).or_insert(0) += 1;
        self.counts.errors += 1;
        let is_passing = code != ErrorCode::Internal
            && (error.retry_after_ms.is_some()
                || matches!(code, ErrorCode::Unavailable | ErrorCode::Overloaded));
        if is_passing {
            self.weather.refused();
        } else if !order.errand.allows(code) {
            self.trouble(format!("{name} was refused: {}: {}", code.name(), error.message));
        }
        // After `internal` nobody knows whether it was done.
        if is_passing || code == ErrorCode::Internal {
            let ms = error.retry_after_ms.unwrap_or(RETRY_MS);
            let at_ns = self.now_ns + ms * MILLISECOND_NS;
            return self.devices[device].wants_later(order, at_ns);
        }
        if let Errand::Send { cid, .. } = order.errand {
            self.oracle.refused(self.devices[device].account.user, cid);
        }
    }
}
