//! Every bound of the protocol, with its unit in its name. What an operator may change is in the
//! server's configuration; these are the values that hold for everybody.

use crate::ids::Millis;

/// One frame from a client. Announced as `limits.frame`.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;
/// Nesting of maps and arrays in a frame, the frame itself included.
pub const DEPTH_MAX: usize = 32;
/// Requests of one socket that wait for their answer; above it `overloaded`.
pub const INFLIGHT_MAX: usize = 256;

/// A text message, in characters. Announced as `limits.text`.
pub const TEXT_CHARS_MAX: usize = 10_000;
/// A text message, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 40 * 1024;
/// The `body` of a `custom` or `image` message, in bytes of compact JSON.
pub const BODY_BYTES_MAX: usize = 8 * 1024;
/// Users named in `mentions`.
pub const MENTIONS_MAX: usize = 100;
/// Different emoji on one message.
pub const REACTION_KINDS_MAX: usize = 20;
/// One emoji, in bytes: long enough for joined families with skin tones.
pub const EMOJI_BYTES_MAX: usize = 64;

/// Events in one page of `history`. Announced as `limits.page`.
pub const PAGE_EVENTS_MAX: usize = 200;
/// Events of a page when the client names no limit.
pub const PAGE_EVENTS_DEFAULT: usize = 50;
/// Items in one page of any other list.
pub const LIST_ITEMS_MAX: usize = 100;
/// Items of a list when the client names no limit.
pub const LIST_ITEMS_DEFAULT: usize = 50;
/// A search expression, in characters.
pub const QUERY_CHARS_MAX: usize = 200;

/// Events that are replayed into one room at connect; a room further behind is `stale`.
pub const REPLAY_ROOM_EVENTS_MAX: u64 = 1_000;
/// Events that are replayed at connect over all rooms.
pub const REPLAY_TOTAL_EVENTS_MAX: u64 = 10_000;
/// Rooms listed in the answer to `auth` beside those that the client named.
pub const ROOMS_NEWEST_MAX: usize = 200;
/// Events that an inbox keeps at least.
pub const INBOX_EVENTS_KEPT: u64 = 1_000;
/// Age up to which an inbox keeps its events.
pub const INBOX_AGE_MS_KEPT: Millis = 90 * 24 * 3600 * 1000;

/// Users in one `create_room` or `invite`.
pub const MEMBERS_PER_CALL_MAX: usize = 200;
/// Members that `room_created` lists; above it only `count`.
pub const MEMBERS_LISTED_MAX: usize = 100;
/// Members of one room.
pub const ROOM_MEMBERS_MAX: u64 = 100_000;
/// Rooms that one user may be a member of.
pub const ROOMS_PER_USER_MAX: u64 = 5_000;
/// Friends and requests of one user.
pub const FRIENDS_MAX: u64 = 5_000;
/// Name of a room, in characters.
pub const ROOM_NAME_CHARS_MAX: usize = 100;
/// Announcement of a room, in characters.
pub const ANNOUNCEMENT_CHARS_MAX: usize = 2_000;
/// Slow mode: the longest pause that a room may ask for between two messages of a member.
pub const SLOW_MODE_MS_MAX: Millis = 3_600_000;
/// A conversation's draft, in characters.
pub const DRAFT_CHARS_MAX: usize = 10_000;
/// Private name of a friend, in characters.
pub const REMARK_CHARS_MAX: usize = 64;
/// The words that come with a friend request, in characters.
pub const FRIEND_MESSAGE_CHARS_MAX: usize = 200;
/// Ids in one `users_get`.
pub const USERS_PER_CALL_MAX: usize = 200;

/// Rooms up to this size tell all members who read what.
pub const RECEIPTS_MEMBERS_MAX: u64 = 100;
/// Rooms up to this size can be asked how many read a message.
pub const READ_COUNTS_MEMBERS_MAX: u64 = 500;
/// Rooms up to this size show who is typing.
pub const TYPING_MEMBERS_MAX: u64 = 50;
/// A receipt of the same member is told at most once in this time.
pub const RECEIPT_EVERY_MS: Millis = 1_000;
/// Counting of unread messages ends here; then `unread_more`.
pub const UNREAD_MAX: u64 = 999;

/// A message may be recalled by its sender for this long after its commit, by default.
pub const RECALL_WINDOW_MS: Millis = 120_000;
/// What the way from client to server may take on top of the recall window.
pub const RECALL_FLIGHT_MS: Millis = 3_000;
/// A message may be edited for this long.
pub const EDIT_WINDOW_MS: Millis = 24 * 3600 * 1000;

/// Memory that one socket's outgoing backlog may take.
pub const SOCKET_BACKLOG_BYTES_MAX: usize = 1024 * 1024;
/// Sockets of one user; the oldest idle one is closed for a newer one.
pub const SOCKETS_PER_USER_MAX: usize = 20;
/// Logins (devices) of one user.
pub const SESSIONS_PER_USER_MAX: usize = 10;
/// The first frame must have come by then.
pub const AUTH_WITHIN_MS: Millis = 10_000;
/// The server's WebSocket pings. Announced as `heartbeat_ms`.
pub const HEARTBEAT_MS: Millis = 25_000;
/// Silence after a ping that ends a socket.
pub const HEARTBEAT_GRACE_MS: Millis = 10_000;
/// Presence: a user who comes back within this time was never away.
pub const PRESENCE_GRACE_MS: Millis = 20_000;
/// Malformed frames within [`MALFORMED_WINDOW_MS`] that end a socket.
pub const MALFORMED_MAX: u32 = 20;
/// See [`MALFORMED_MAX`].
pub const MALFORMED_WINDOW_MS: Millis = 10_000;
/// Malformed frames before `auth` that end a socket.
pub const MALFORMED_BEFORE_AUTH_MAX: u32 = 3;

/// Username, in characters of `[a-z0-9_.-]`.
pub const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 3..=32;
/// Password, in characters.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// Nickname, in characters.
pub const NICKNAME_CHARS_MAX: usize = 64;
/// The words a user says about himself, in characters.
pub const BIO_CHARS_MAX: usize = 500;
/// Device id, in characters of `[A-Za-z0-9._-]`.
pub const DEVICE_CHARS_MAX: usize = 64;

/// One uploaded file, in bytes. Announced as `limits.upload`.
pub const UPLOAD_BYTES_MAX: u64 = 50_000_000;
/// The bytes of one chunk but the last, by default. Announced as `limits.chunk`.
pub const UPLOAD_CHUNK_BYTES: usize = 128 * 1024;
/// Chunks of one upload that wait for their answer.
pub const UPLOAD_WINDOW_CHUNKS: usize = 4;
/// Uploads of one user that go on at once.
pub const UPLOADS_PER_USER_MAX: usize = 4;
/// An upload that is not finished is kept so long.
pub const UPLOAD_LIFE_MS: Millis = 24 * 3600 * 1000;
/// Photos of one session.
pub const PHOTOS_PER_SESSION_MAX: u64 = 20_000;
/// Photos in one request.
pub const PHOTOS_PER_CALL_MAX: usize = 200;
/// The name of an uploaded file, in characters.
pub const FILE_NAME_CHARS_MAX: usize = 255;
/// The title of a photo, in characters.
pub const PHOTO_TITLE_CHARS_MAX: usize = 200;
/// Tags of one photo.
pub const PHOTO_TAGS_MAX: usize = 20;
/// A tag, or the name of a list, in characters.
pub const TAG_CHARS_MAX: usize = 40;
/// Named lists of one user in one session.
pub const LISTS_PER_USER_MAX: usize = 20;
/// A comment, in characters.
pub const COMMENT_CHARS_MAX: usize = 2_000;
/// The text of a watermark, in characters.
pub const WATERMARK_CHARS_MAX: usize = 64;
/// Cameras of one session whose clocks are set right.
pub const CAMERAS_MAX: usize = 20;
/// Members of one session: those who work on it, and clients.
pub const SESSION_MEMBERS_MAX: u64 = 100;
/// Viewers of one session at once, if its owner names no number.
pub const SESSION_VIEWERS_MAX: u64 = 10_000;
/// The access code of a session, in characters.
pub const SESSION_CODE_CHARS: usize = 8;
/// Wrong codes and grants for one session, from one address or by one user, in an hour.
pub const SESSION_GUESSES_MAX: u32 = 20;
/// The addresses of pictures are good for so long at most.
pub const MEDIA_LIFE_MS: Millis = 600_000;
/// A session that has expired is kept so long before it is deleted.
pub const SESSION_GRACE_MS: Millis = 30 * 24 * 3600 * 1000;
/// Counts of viewers and marks are told at most once in this time.
pub const COUNTS_EVERY_MS: Millis = 1_000;

const _: () = {
    assert!(UPLOAD_CHUNK_BYTES * 4 / 3 + 1024 < FRAME_BYTES_MAX);
    assert!(TEXT_BYTES_MAX + BODY_BYTES_MAX < FRAME_BYTES_MAX);
    assert!(FRAME_BYTES_MAX < SOCKET_BACKLOG_BYTES_MAX);
    assert!(TEXT_CHARS_MAX * 4 <= TEXT_BYTES_MAX);
    assert!(TYPING_MEMBERS_MAX <= RECEIPTS_MEMBERS_MAX);
    assert!(RECEIPTS_MEMBERS_MAX <= READ_COUNTS_MEMBERS_MAX);
    assert!(REPLAY_ROOM_EVENTS_MAX <= REPLAY_TOTAL_EVENTS_MAX);
    assert!(MEMBERS_LISTED_MAX <= MEMBERS_PER_CALL_MAX);
    assert!(PAGE_EVENTS_DEFAULT <= PAGE_EVENTS_MAX);
};
