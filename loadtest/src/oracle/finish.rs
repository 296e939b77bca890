//! What can only be judged at the end, when every room's history has been read.
//!
//! Owns      losses, phantoms, promises, recalls and the reaching of the end.
//! Promises  a room whose history was not read is counted, not guessed about.
//! Does not  look at the order of deliveries, which was judged as they came.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use salon_protocol::Seq;

use super::messages::{Messages, NONE};
use super::rooms::{Name, Room};
use super::seen::Change;
use super::verdict::{Check, Verdict};
use super::{Device, Oracle};

pub(super) fn judge(oracle: Oracle) -> Verdict {
    let Oracle { mut messages, mut devices, mut rooms, mut verdict, recalls, .. } = oracle;
    for device in &mut devices {
        device.close(&mut verdict);
    }
    for (index, room) in (0..).zip(&mut rooms) {
        room.resolve(index, &mut messages, &mut verdict);
    }
    for room in &rooms {
        match (room.name, room.head) {
            (Name::Inbox(_), _) => {}
            (Name::Room(_), None) if room.slots().next().is_some() => {
                verdict.totals.rooms_unread += 1;
            }
            (Name::Room(_), _) => judge_room(room, &messages, &mut verdict),
        }
    }
    judge_messages(&rooms, &messages, &mut verdict);
    messages.check_order(&mut verdict);
    for device in devices.iter().filter(|device| !device.retired) {
        judge_device(device, &rooms, &mut verdict);
    }
    verdict.totals.messages = messages.count();
    verdict.totals.recalls = u64::from(recalls);
    verdict
}

/// Everything that was delivered stands in the history, everything in it was sent, every promised
/// change is there, and what was recalled is a tombstone.
fn judge_room(room: &Room, messages: &Messages, verdict: &mut Verdict) {
    let name = room.name;
    for (seq, slot) in room.slots() {
        if slot.delivered && !slot.recorded {
            verdict.note(Check::Phantom, || {
                format!("{name}: seq {seq} was delivered and is not in the history")
            });
        }
        if !slot.known || !slot.is_message {
            continue;
        }
        match messages.get(slot.message) {
            None => verdict
                .note(Check::Phantom, || format!("{name}: nobody sent the message at seq {seq}")),
            Some(message) if message.is_refused() => verdict.note(Check::Phantom, || {
                format!("{name}: {} was refused, and yet it stands at seq {seq}", message.cid())
            }),
            Some(_) => {}
        }
    }
    for (seq, promised) in &room.promised {
        if room.changes.get(seq) != Some(promised) {
            verdict.note(Check::Lost, || {
                format!("{name}: an acknowledged {promised:?} is not in the history at seq {seq}")
            });
        }
    }
    judge_edits(room, verdict);
    for (seq, change) in &room.changes {
        let Change::Recall { target } = change else { continue };
        if room.get(*target).is_some_and(|slot| slot.recorded && !slot.tombstone) {
            verdict.note(Check::Unrecalled, || {
                format!(
                    "{name}: seq {target} was recalled at seq {seq}, the history shows it still"
                )
            });
        }
    }
}

/// A message shows as many edits as stand behind it.
fn judge_edits(room: &Room, verdict: &mut Verdict) {
    let mut edits: HashMap<Seq, u64, FixedState> = HashMap::default();
    for change in room.changes.values() {
        if let Change::Edit { target } = change {
            *edits.entry(*target).or_default() += 1;
        }
    }
    for (target, count) in edits {
        let Some(slot) = room.get(target).filter(|slot| slot.recorded && !slot.tombstone) else {
            continue;
        };
        let (name, version) = (room.name, slot.version);
        if version != count {
            verdict.note(Check::Divergent, || {
                format!(
                    "{name}: the history shows version {version} of seq {target}, \
                     and {count} edits of it"
                )
            });
        }
    }
}

/// Every acknowledged message stands where it was said.
fn judge_messages(rooms: &[Room], messages: &Messages, verdict: &mut Verdict) {
    for (index, message) in messages.iter() {
        verdict.totals.refused += u64::from(message.is_refused());
        let Some(seq) = message.acked_seq() else { continue };
        verdict.totals.acked += 1;
        let Some(room) = rooms.get(message.room as usize).filter(|room| room.head.is_some()) else {
            continue;
        };
        let slot = room.get(seq).filter(|slot| slot.recorded);
        let there = slot.map_or(NONE, |slot| slot.message);
        if there != index {
            verdict.note(Check::Lost, || {
                let name = room.name;
                let cid = message.cid();
                let text = message.words().map_or(String::new(), |words| format!(" ({words:?})"));
                let instead = match (there, message.seen_seq()) {
                    (NONE, None) => "is nowhere".to_owned(),
                    (_, None) => "another one is there".to_owned(),
                    (_, Some(seen)) => format!("was seen at seq {seen}"),
                };
                format!("{name}: {cid}{text} was acknowledged at seq {seq} and {instead}")
            });
        } else if slot.is_some_and(|slot| slot.at() != message.acked_at()) {
            verdict.note(Check::AckMismatch, || {
                let (cid, at) = (message.cid(), message.acked_at());
                format!("{cid} was acknowledged at seq {seq} with another time ({at}) than it has")
            });
        }
    }
}

/// A device has reached the end of every room that it follows, or of its membership.
fn judge_device(device: &Device, rooms: &[Room], verdict: &mut Verdict) {
    for cursor in &device.cursors {
        let Some(room) = rooms.get(cursor.room as usize) else { continue };
        let Some(head) = room.head else { continue };
        let gone = room.gone.get(&device.user).filter(|(_, gone)| *gone).map(|(seq, _)| *seq);
        // Who is online sees himself go; who is not, learns it elsewhere.
        let (due, last): (Seq, Seq) = gone.map_or((head, head), |seq| (seq - 1, seq));
        let (held, name, room) = (cursor.held(), &device.name, room.name);
        if held < due {
            verdict.note_many(Check::Missed, due - held, || {
                format!("{room}: {name} has got up to seq {held}, the end is seq {due}")
            });
        } else if held > last && gone.is_some() {
            verdict.note(Check::Phantom, || {
                format!("{room}: {name} got seq {held}, but his membership ended at seq {last}")
            });
        }
    }
}
