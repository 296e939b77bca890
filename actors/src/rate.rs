//! How often a user may ask for what: one bucket per class of request, over all his sockets.

use std::collections::BTreeMap;

use salon_protocol::{Millis, Request};

/// Requests that share a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `send_message`.
    Send,
    /// Recall, edit, reaction.
    Change,
    /// Making and changing rooms and memberships.
    Room,
    /// Friends.
    Friend,
    /// Receipts.
    Receipt,
    /// `typing`; above its rate it is dropped without an error.
    Typing,
    /// Reading.
    Query,
    /// Search.
    Search,
    /// `ping` and `auth`.
    Session,
    /// Uploads begun and ended.
    Upload,
    /// Pieces of uploads.
    Chunk,
}

const CLASSES: [(Class, &str, u32, Millis); 11] = [
    (Class::Send, "send", 100, 10_000),
    (Class::Change, "change", 100, 10_000),
    (Class::Room, "room", 60, 60_000),
    (Class::Friend, "friend", 60, 60_000),
    (Class::Receipt, "receipt", 200, 10_000),
    (Class::Typing, "typing", 10, 10_000),
    (Class::Query, "query", 200, 10_000),
    (Class::Search, "search", 30, 10_000),
    (Class::Session, "session", 30, 10_000),
    (Class::Upload, "upload", 600, 60_000),
    // 25 MB/s.
    (Class::Chunk, "chunk", 2_000, 10_000),
];

impl Class {
    /// The class of a request.
    pub(crate) fn of(request: &Request) -> Class {
        match request {
            Request::Auth(_) | Request::Ping(_) => Class::Session,
            Request::SendMessage(_) | Request::PhotoComment(_) => Class::Send,
            Request::MessageRecall(_)
            | Request::MessageEdit(_)
            | Request::React(_)
            | Request::PhotoUpdate(_)
            | Request::PhotoDelete(_)
            | Request::PhotoMark(_) => Class::Change,
            Request::CreateRoom(_)
            | Request::OpenDirect(_)
            | Request::JoinRoom(_)
            | Request::LeaveRoom(_)
            | Request::Invite(_)
            | Request::Kick(_)
            | Request::SetRole(_)
            | Request::Mute(_)
            | Request::RoomUpdate(_)
            | Request::RoomLink(_)
            | Request::ConversationUpdate(_)
            | Request::PhotoSessionCreate(_)
            | Request::PhotoSessionUpdate(_)
            | Request::PhotoSessionClose(_)
            | Request::PhotoSessionDelete(_)
            | Request::PhotoSessionMember(_)
            | Request::JoinSession(_)
            | Request::LeaveSession(_)
            | Request::PhotoDownload(_) => Class::Room,
            Request::FriendRequest(_)
            | Request::FriendAccept(_)
            | Request::FriendReject(_)
            | Request::FriendRemove(_)
            | Request::FriendRemark(_)
            | Request::FriendBlock(_) => Class::Friend,
            Request::MessageRead(_) | Request::MessageDelivered(_) => Class::Receipt,
            Request::Typing(_) => Class::Typing,
            Request::SearchMessages(_) | Request::SearchUsers(_) => Class::Search,
            Request::RoomGet(_)
            | Request::RoomMembers(_)
            | Request::ReadBy(_)
            | Request::History(_)
            | Request::Conversations(_)
            | Request::Friends(_)
            | Request::FriendRequests(_)
            | Request::UsersGet(_)
            | Request::PhotoSessionList(_)
            | Request::PhotoSessionGet(_)
            | Request::SessionMedia(_)
            | Request::PhotoList(_)
            | Request::PhotoGet(_)
            | Request::PhotoSelections(_)
            | Request::PhotoSelectionExport(_)
            | Request::PhotoComments(_) => Class::Query,
            Request::PhotoUploadBegin(_)
            | Request::PhotoUploadCommit(_)
            | Request::PhotoUploadAbort(_) => Class::Upload,
            Request::PhotoUploadChunk(_) => Class::Chunk,
        }
    }
}

/// The limits of a server: on, or off for load tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// Off: everything is admitted.
    pub(crate) on: bool,
}

impl RateLimits {
    /// For the answer to `auth`: `[count, per_ms]` by class.
    pub(crate) fn announced(&self) -> BTreeMap<String, (u32, Millis)> {
        let all = CLASSES.iter().filter(|_| self.on);
        all.map(|(_, name, count, per_ms)| ((*name).to_owned(), (*count, *per_ms))).collect()
    }
}

/// A user's buckets, each as the time at which it is empty again (GCRA, in microseconds). Who only
/// listens has none.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    empty_at_us: Option<Box<[i64; CLASSES.len()]>>,
}

impl Buckets {
    /// Takes one request; an error says after how many milliseconds there is room for it.
    pub(crate) fn take(
        &mut self,
        limits: &RateLimits,
        class: Class,
        now: Millis,
    ) -> Result<(), Millis> {
        if !limits.on {
            return Ok(());
        }
        let (_, _, count, per_ms) = CLASSES[class as usize];
        let per_us = per_ms * 1_000;
        let step_us = per_us / i64::from(count);
        let now_us = now * 1_000;
        let bucket = &mut self.empty_at_us.get_or_insert_default()[class as usize];
        // A clock that was set back must not shut anybody out for longer than a full bucket, also
        // when the answer is no: the bucket drains from the time that is now.
        *bucket = (*bucket).clamp(now_us, now_us + per_us);
        let over_us = *bucket + step_us - now_us - per_us;
        if over_us > 0 {
            return Err((over_us + 999) / 1_000);
        }
        *bucket += step_us;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: RateLimits = RateLimits { on: true };
    const NOW: Millis = 1_767_225_600_000;

    #[test]
    fn the_table_is_in_the_order_of_the_classes() {
        for (place, (class, ..)) in CLASSES.iter().enumerate() {
            assert_eq!(*class as usize, place);
        }
    }

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let mut buckets = Buckets::default();
        for _ in 0..100 {
            assert_eq!(buckets.take(&ON, Class::Send, NOW), Ok(()));
        }
        assert_eq!(buckets.take(&ON, Class::Send, NOW), Err(100));
        assert_eq!(buckets.take(&ON, Class::Send, NOW + 99), Err(1));
        assert_eq!(buckets.take(&ON, Class::Send, NOW + 100), Ok(()));
        assert_eq!(buckets.take(&ON, Class::Send, NOW + 100), Err(100));
        assert_eq!(buckets.take(&ON, Class::Typing, NOW), Ok(()), "classes are apart");
        for _ in 0..100 {
            assert_eq!(buckets.take(&ON, Class::Send, NOW + 60_000), Ok(()));
        }
        assert!(buckets.take(&ON, Class::Send, NOW + 60_000).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let mut buckets = Buckets::default();
        assert_eq!(buckets.take(&ON, Class::Send, NOW + 3_600_000), Ok(()));
        assert!(buckets.take(&ON, Class::Send, NOW).is_err_and(|wait| wait <= 10_000));
        assert_eq!(buckets.take(&ON, Class::Send, NOW + 10_000), Ok(()));
    }

    #[test]
    fn off_means_off() {
        let (mut buckets, off) = (Buckets::default(), RateLimits { on: false });
        for _ in 0..10_000 {
            assert_eq!(buckets.take(&off, Class::Search, NOW), Ok(()));
        }
        assert!(off.announced().is_empty());
        assert_eq!(ON.announced()["send"], (100, 10_000));
    }
}
