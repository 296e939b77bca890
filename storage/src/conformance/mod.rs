//! The suite that every implementation of the contracts must pass.
//!
//! A case is a function over a [`World`]: a fresh store and a clock that stands still until it is
//! moved. [`CASES`] lists all of them; [`conformance!`](crate::conformance!) makes each a test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a case fails by panicking")]

mod accounts;
mod conversations;
mod friends;
mod log;
mod membership;
mod meta;
mod pages;
mod photos;
mod rooms;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::BoxFuture;
use salon_protocol::content::{Content, HistoryFor, MessageKind};
use salon_protocol::{
    Cid, ErrorCode, ErrorData, Event, EventData, LogId, Millis, RoomId, Seq, UserId, request,
};
use uuid::Uuid;

use crate::StoreError;
use crate::contract::{Clock, Store};
use crate::model::{
    AccountRole, Change, Committed, FriendChange, Made, NewAccount, NewGroup, OpResult, RoomOp,
    RoomRef, UserRef,
};

/// A clock that stands still.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

/// When the clock of a [`World`] begins.
pub const START: Millis = 1_767_225_600_000;

impl Default for TestClock {
    fn default() -> Self {
        TestClock(AtomicI64::new(START))
    }
}

impl TestClock {
    /// Moves it, backwards too.
    pub fn advance(&self, ms: Millis) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// A fresh store and its clock.
#[derive(Clone, Debug)]
pub struct World {
    /// The store under test.
    pub store: Arc<dyn Store>,
    /// The clock it was opened with.
    pub clock: Arc<TestClock>,
}

/// A case: its name and what it does. It panics when the store fails it.
pub type Case = (&'static str, fn(World) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($module:ident::{$($case:ident),* $(,)?})*) => {
        /// All cases.
        pub const CASES: &[Case] = &[
            $($((concat!(stringify!($module), "::", stringify!($case)),
                |world| Box::pin($module::$case(world)))),*),*
        ];

        /// Makes each case a test of its own. `$factory` is an async function that gives a
        /// [`World`](crate::conformance::World) and something to keep alive.
        #[macro_export]
        macro_rules! conformance {
            ($factory:path) => {
                $($($crate::conformance_test!($factory, $module, $case);)*)*
            };
        }
    };
}

/// One case of [`conformance!`](crate::conformance!).
#[macro_export]
macro_rules! conformance_test {
    ($factory:path, $module:ident, $case:ident) => {
        #[tokio::test]
        async fn $case() {
            let (world, _keep) = $factory().await;
            $crate::conformance::run(concat!(stringify!($module), "::", stringify!($case)), world)
                .await;
        }
    };
}

cases! {
    accounts::{accounts_are_found_by_each_name, names_are_taken_once, profiles_change_and_clear,
               users_are_searched_by_name_and_phone, profiles_keep_the_order}
    sessions::{a_device_has_one_session, sessions_have_a_bound, tokens_rotate_once,
               a_disabled_account_cannot_refresh, sessions_end_as_told, codes_are_spent,
               codes_have_a_pause_and_a_life}
    friends::{friends_are_made_by_two, requests_that_cross_make_friends,
              a_rejection_is_silent, a_friendship_ends, a_block_stops_requests_and_rooms,
              a_block_hides_what_was_read,
              remarks_are_private, lists_of_friends_have_pages}
    rooms::{a_group_begins_with_its_members, a_room_is_made_once_per_cid,
            unknown_and_blocked_members_are_named, two_have_one_direct_room,
            strangers_have_no_direct_room, snapshots_tell_the_members, cursors_only_grow,
            who_has_read_is_told, rooms_tell_about_themselves, members_are_listed_by_role}
    membership::{roles_decide, the_owner_hands_over, who_was_kicked_sees_nothing_more,
                 who_comes_again_does_not_see_the_gap, members_come_by_link_and_invitation,
                 the_last_one_closes_the_room, muted_members_are_silent,
                 who_comes_again_is_still_muted, rooms_change_their_name,
                 direct_rooms_have_no_members_to_change, changes_repeat_without_harm}
    log::{numbers_have_no_holes, a_cid_is_one_message, a_cid_with_other_content_is_a_conflict,
          only_members_write, time_does_not_go_back, mentions_are_of_members,
          replies_point_into_the_room, a_message_is_recalled, recall_has_a_window,
          a_recall_repeats_its_answer, a_message_is_edited, an_edit_is_gone_after_recall,
          reactions_are_summed, reactions_have_a_bound, many_rooms_commit_together,
          each_room_of_a_commit_has_its_answers,
          refusals_leave_others_alone}
    pages::{pages_go_both_ways, pages_begin_at_the_join, all_history_is_for_all,
            pages_have_types, pages_have_a_size, the_inbox_is_a_log, positions_read_on, many_read_on_at_once,
            much_that_is_asked_at_once_is_read_in_parts}
    conversations::{a_socket_opens_with_everything, ended_sessions_do_not_open, many_sessions_open_at_once,
                    unread_counts_others_above_the_cursor, conversations_are_ordered,
                    conversations_hide_until_the_next_message, drafts_and_mutes_are_kept,
                    words_are_found, what_was_recalled_is_not_found, others_rooms_are_not_found,
                    hits_have_pages, a_room_is_no_word, a_page_of_hits_ends_early}
    photos::{a_session_is_made_once_per_cid, sessions_are_listed_for_members, session_members_have_roles,
             sessions_open_among_the_rooms, a_pass_is_good_as_long_as_its_code,
             settings_are_for_owners_and_some_for_editors, a_closed_session_is_for_its_members,
             sessions_expire_and_are_forgotten, a_session_is_deleted,
             uploads_begin_and_go_on, an_upload_becomes_one_photo, a_watermark_is_uploaded_by_the_owner,
             the_gate_keeps_photos_back, what_is_taken_back_leaves_shells,
             photos_are_claimed_and_processed, photos_have_an_order, a_burst_is_put_in_order,
             viewers_say_something, clients_are_silent_where_they_may_not_comment,
             photos_are_commented, members_find_what_was_said,
             photos_have_pages, photos_are_liked, photos_are_selected, selections_are_exported,
             downloads_have_what_is_there_now}
    meta::{secrets_are_made_once, a_probe_works, a_closed_store_says_so}
}

/// Runs one case by its name.
pub async fn run(name: &str, world: World) {
    let case = CASES.iter().find(|(known, _)| *known == name);
    let (_, case) = case.unwrap_or_else(|| panic!("no case {name}"));
    case(world).await;
}

impl World {
    /// Makes a user with this username.
    pub async fn user(&self, name: &str) -> UserRef {
        let new = NewAccount {
            id: UserId::new(Uuid::now_v7()),
            username: Some(name.into()),
            phone: None,
            password_hash: None,
            nickname: name.into(),
            role: AccountRole::User,
        };
        self.store.create_account(new).await.unwrap().user
    }

    /// Makes a group.
    pub async fn group(&self, owner: UserRef, members: &[UserRef]) -> RoomRef {
        self.make_group(owner, members, HistoryFor::SinceJoin).await.room
    }

    /// Makes a group and tells all about it.
    pub async fn make_group(
        &self,
        owner: UserRef,
        members: &[UserRef],
        history: HistoryFor,
    ) -> Made {
        let members = members.iter().map(|user| user.id).collect();
        let id = RoomId::new(Uuid::now_v7());
        let new = NewGroup { id, cid: cid(), name: "tea".into(), members, history };
        self.store.create_group(owner, new).await.unwrap()
    }

    /// Makes two users friends.
    pub async fn befriend(&self, one: UserRef, other: UserRef) {
        let ask = FriendChange::Request { message: None };
        self.store.change_friend(one, other.id, ask).await.unwrap();
        self.store.change_friend(other, one.id, FriendChange::Accept).await.unwrap();
    }

    /// Asks a room for one change.
    pub async fn try_op(&self, room: RoomRef, by: UserRef, change: Change) -> OpResult {
        let mut results = self.store.commit(room, vec![RoomOp::new(by, change)]).await.unwrap();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    /// Asks a room for one change that must be done.
    #[track_caller]
    pub fn op(
        &self,
        room: RoomRef,
        by: UserRef,
        change: Change,
    ) -> impl Future<Output = Committed> {
        let world = self.clone();
        async move { world.try_op(room, by, change).await.unwrap() }
    }

    /// Says something.
    pub async fn say(&self, room: RoomRef, by: UserRef, text: &str) -> Committed {
        self.op(room, by, send(text)).await
    }

    /// A page of a room's log.
    pub async fn page(&self, viewer: UserRef, room: RoomRef) -> Vec<Event> {
        let page = history(LogId::Room(room.id));
        self.store.history(viewer.into(), page).await.unwrap().events
    }

    /// A page of a user's inbox.
    pub async fn inbox(&self, user: UserRef) -> Vec<Event> {
        self.store.history(user.into(), history(LogId::Inbox)).await.unwrap().events
    }
}

/// A name for a request.
pub fn cid() -> Cid {
    Cid::new(Uuid::now_v7())
}

/// A text message.
pub fn text(text: &str) -> Content {
    Content { text: Some(text.into()), ..Content::empty(MessageKind::Text) }
}

/// The sending of a text message.
pub fn send(words: &str) -> Change {
    Change::Send { cid: cid(), content: text(words) }
}

/// The newest page of a log, as long as allowed.
pub fn history(room: LogId) -> request::History {
    request::History { room, before: None, after: None, types: None, limit: Some(200) }
}

/// The types of events, in order.
pub fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.data.name()).collect()
}

/// The positions of events, in order.
pub fn seqs(events: &[Event]) -> Vec<Seq> {
    events.iter().map(|event| event.seq).collect()
}

/// The texts of the messages among events; `-` for one that was recalled.
pub fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match &event.data {
        EventData::NewMessage(message) if message.recalled => Some("-".to_owned()),
        EventData::NewMessage(message) => message.text.clone(),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// The code of a refusal.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) -> ErrorData {
    match result {
        Err(StoreError::Refused(error)) => *error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The code of a refused change.
#[track_caller]
pub fn code(result: OpResult) -> ErrorCode {
    result.expect_err("it must be refused").code
}
