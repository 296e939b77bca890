//! How presence thinks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use salon_protocol::{Millis, UserId};

use super::messages::{Effect, PresenceInput};

/// Everybody who is there.
#[derive(Debug)]
pub(crate) struct State {
    grace_ms: Millis,
    users: HashMap<UserId, Entry>,
    /// Who has gone, in the order in which their grace ends.
    leaving: VecDeque<(Millis, UserId)>,
}

#[derive(Debug)]
struct Entry {
    friends: Arc<[UserId]>,
    /// Since when he has no socket.
    left_at: Option<Millis>,
}

impl State {
    pub(crate) fn new(grace_ms: Millis) -> Self {
        State { grace_ms, users: HashMap::new(), leaving: VecDeque::new() }
    }

    pub(crate) fn handle(&mut self, input: PresenceInput, now: Millis, out: &mut Vec<Effect>) {
        match input {
            PresenceInput::Arrived { user, friends } => self.arrived(user, friends, out),
            PresenceInput::Left { user } => {
                if let Some(entry) = self.users.get_mut(&user)
                    && entry.left_at.is_none()
                {
                    entry.left_at = Some(now);
                    self.leaving.push_back((now + self.grace_ms, user));
                }
            }
            PresenceInput::Friendship { one, other, see } => {
                self.friendship(one, other, see, out);
                self.friendship(other, one, see, out);
            }
            PresenceInput::Wake => self.wake(now, out),
            PresenceInput::Drain => {
                let seen: BTreeMap<UserId, Millis> = self
                    .users
                    .iter()
                    .map(|(user, entry)| (*user, entry.left_at.unwrap_or(now)))
                    .collect();
                if !seen.is_empty() {
                    out.push(Effect::SaveLastSeen(seen.into_iter().collect()));
                }
            }
        }
    }

    /// When it wants to be woken, if ever.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.leaving.front().map(|(at, _)| *at)
    }

    fn arrived(&mut self, user: UserId, friends: Arc<[UserId]>, out: &mut Vec<Effect>) {
        let back = self.users.insert(user, Entry { friends: friends.clone(), left_at: None });
        if back.is_some() {
            return;
        }
        out.push(Effect::Mark { user, online: true });
        for friend in friends.iter().filter(|friend| self.users.contains_key(*friend)) {
            out.push(Effect::Tell { to: *friend, about: user, online: true, last_seen: None });
        }
    }

    fn wake(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let mut gone = Vec::new();
        while let Some((at, user)) = self.leaving.front().copied() {
            if at > now {
                break;
            }
            self.leaving.pop_front();
            // He may have come back, and gone again later.
            let left_at = self.users.get(&user).and_then(|entry| entry.left_at);
            let Some(left_at) = left_at.filter(|left_at| left_at + self.grace_ms <= now) else {
                continue;
            };
            let Some(entry) = self.users.remove(&user) else { continue };
            out.push(Effect::Mark { user, online: false });
            for friend in entry.friends.iter().filter(|one| self.users.contains_key(*one)) {
                let last_seen = Some(left_at);
                out.push(Effect::Tell { to: *friend, about: user, online: false, last_seen });
            }
            gone.push((user, left_at));
        }
        if !gone.is_empty() {
            out.push(Effect::SaveLastSeen(gone));
        }
    }

    /// One direction: what `user` is told about `friend`, and who is told about `user`.
    fn friendship(&mut self, user: UserId, friend: UserId, see: bool, out: &mut Vec<Effect>) {
        let friend_online = self.users.contains_key(&friend);
        let Some(entry) = self.users.get_mut(&user) else { return };
        let others = entry.friends.iter().copied().filter(|one| *one != friend);
        entry.friends = if see { others.chain([friend]).collect() } else { others.collect() };
        if friend_online {
            // A friend no more is shown as away, without a time.
            let told = Effect::Tell { to: user, about: friend, online: see, last_seen: None };
            out.push(told);
        }
    }
}
