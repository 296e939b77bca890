//! How what a room wants told goes out to those who follow it.

use salon_protocol::SignalData;
use salon_protocol::signal::{CursorMoved, Typing};
use salon_storage::model::RoomRef;

use super::messages::Effect;
use crate::connection::SignalTo;
use crate::publish::Publish;

/// Performs an effect that tells; the others are not for here.
pub(crate) fn tell(node: &impl Publish, log: RoomRef, effect: Effect) {
    match effect {
        Effect::Publish(events) => node.publish_room(log, &events),
        Effect::Announce(head) => node.announce(log.key, head),
        Effect::Cursor { user, seq, read, only_own } => {
            let moved = CursorMoved { user, seq };
            let data = if read {
                SignalData::MessageRead(moved)
            } else {
                SignalData::MessageDelivered(moved)
            };
            let to = if only_own {
                SignalTo::User(user)
            } else {
                SignalTo::Log { log: log.key, except: None }
            };
            node.signal(to, Some(log), user, data);
        }
        Effect::Typing(user) => {
            let to = SignalTo::Log { log: log.key, except: Some(user) };
            node.signal(to, Some(log), user, SignalData::Typing(Typing { user }));
        }
        _ => {}
    }
}
