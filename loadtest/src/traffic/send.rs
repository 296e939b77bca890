//! Sending, and what the answers do.
//!
//! Owns      the numbering of messages and the windows of the senders.
//! Promises  the oracle knows a message before its bytes leave.
//! Does not  repeat what was refused: it counts.

use salon_protocol::content::MessageKind;
use salon_protocol::request::SendMessage;
use salon_protocol::{ErrorCode, ErrorData, Millis, RoomId, Seq};

use super::{Kind, Sent, Traffic};
use crate::client::Net;
use crate::clock::epoch_ms;
use crate::names::write_text;
use crate::oracle::Ack;
use crate::wire::Acknowledged;

/// What an answer's number is more than its message's; 0 is `auth`.
const REFERENCE_OFFSET: u64 = 1;

impl Traffic<'_> {
    /// One message of `sender`, which was to be sent at `at_ns`.
    pub(super) fn send(&mut self, net: &mut Net, sender: u32, at_ns: u64) {
        let number = self.sent.len() as u32;
        let cid = self.cids.cid(number, epoch_ms());
        write_text(&mut self.text, number, self.style.text_bytes);
        let by = &self.senders[sender as usize];
        let from = &self.clients[by.client as usize];
        let room = &self.rooms[by.room as usize];
        self.oracle.sent(from.device, room.index, cid, &self.text);
        self.sent.push(Sent { cid, at_ns, sender, seen: 0, answered: false });
        let message = SendMessage {
            room: room.id,
            cid,
            kind: MessageKind::Text,
            text: Some(self.text.clone()),
            body: None,
            reply_to: None,
            mentions: None,
        };
        let reference = u64::from(number) + REFERENCE_OFFSET;
        net.request(from.id, self.target.encoding, "send_message", reference, &message);
        self.counts.messages += 1;
    }

    /// Sends what the windows allow, up to the `last` message.
    pub(super) fn send_ready(&mut self, net: &mut Net, last: Option<u64>) {
        let mut ready = std::mem::take(&mut self.ready);
        for sender in ready.drain(..) {
            while last.is_none_or(|last| (self.sent.len() as u64) < last)
                && self.senders[sender as usize].window.take()
            {
                let now_ns = self.target.clock.now_ns();
                self.send(net, sender, now_ns);
            }
        }
        // Nothing was added meanwhile: sending does not call back.
        self.ready = ready;
    }

    /// A message is done: its sender may go on.
    #[inline]
    pub(super) fn completed(&mut self, sender: u32) {
        self.senders[sender as usize].window.give_back();
        self.ready.push(sender);
    }

    pub(super) fn acknowledged(&mut self, answer: Acknowledged) {
        let number = answer.reference.wrapping_sub(REFERENCE_OFFSET);
        self.answered_yes(number, answer.room, answer.seq, answer.at);
    }

    /// A message has its place.
    pub(super) fn answered_yes(&mut self, number: u64, room: RoomId, seq: Seq, at: Millis) {
        let Some(sent) = self.sent.get_mut(number as usize) else {
            return self.trouble("an answer to a request that was never made");
        };
        let by = &self.senders[sent.sender as usize];
        let from = &self.clients[by.client as usize];
        let place = &mut self.rooms[by.room as usize];
        if place.id != room {
            return self.trouble("an acknowledgement names another room");
        }
        place.head = place.head.max(seq);
        self.oracle.acked(from.user, sent.cid, Ack { seq, at });
        if !std::mem::replace(&mut sent.answered, true) {
            self.answered += 1;
            self.counts.acks += 1;
            if self.style.kind == Kind::Server {
                let taken_ns = self.now_ns.saturating_sub(sent.at_ns);
                self.ack.record_ns(taken_ns);
                self.lately.record_ns(taken_ns);
            }
        }
    }

    /// A message was refused.
    pub(super) fn answered_no(&mut self, reference: Option<u64>, error: &ErrorData) {
        self.trouble(format!("error {}: {}", error.code.name(), error.message));
        let number = reference.and_then(|reference| reference.checked_sub(REFERENCE_OFFSET));
        let Some(sent) = number.and_then(|number| self.sent.get_mut(number as usize)) else {
            return;
        };
        let (sender, cid) = (sent.sender, sent.cid);
        if !std::mem::replace(&mut sent.answered, true) {
            self.answered += 1;
        }
        // Of the others it is not known whether they were done.
        if !matches!(error.code, ErrorCode::Unavailable | ErrorCode::Internal) {
            let client = self.senders[sender as usize].client;
            self.oracle.refused(self.clients[client as usize].user, cid);
        }
        self.completed(sender);
    }
}
