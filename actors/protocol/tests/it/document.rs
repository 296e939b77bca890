//! `PROTOCOL.md` shows vectors, and its tables are those of the code.

use salon_protocol::{CloseCode, ErrorCode, EventData, Request, SignalData, limits};

use crate::book::path;
use crate::vectors::{on_disk, reconnect_name};

pub(crate) fn text() -> String {
    std::fs::read_to_string(path("PROTOCOL.md")).unwrap()
}

/// The cells of the table behind `<!-- table: name -->`, row by row, without its head.
pub(crate) fn table(name: &str) -> Vec<Vec<String>> {
    let text = text();
    let marker = format!("<!-- table: {name} -->\n");
    let (_, table) = text.split_once(&marker).expect(name);
    let rows = table.lines().take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    rows.map(cells).collect()
}

/// A column without the backticks.
fn column(name: &str, place: usize) -> Vec<String> {
    table(name).iter().map(|row| row[place].trim_matches('`').to_owned()).collect()
}

/// The blocks in ```` ```language ````, each with the comment in the line before it.
fn blocks(language: &str) -> Vec<(String, String)> {
    let text = text();
    let opening = format!("\n```{language}\n");
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(&opening) {
        let comment = before.rsplit('\n').next().unwrap_or_default().to_owned();
        let (block, behind) = after.split_once("\n```").unwrap();
        blocks.push((comment, block.to_owned()));
        rest = behind;
    }
    blocks
}

#[test]
fn every_example_is_a_vector() {
    let book = on_disk();
    let vector_of = |comment: &str, kind: &str| {
        let name = comment.strip_prefix(&format!("<!-- {kind}: "));
        let name = name.and_then(|rest| rest.strip_suffix(" -->")).expect("an example has a name");
        book.frames.iter().find(|entry| entry.name == name).expect(name).clone()
    };
    let examples = blocks("json");
    assert!(examples.len() > 15);
    for (comment, example) in examples {
        assert_eq!(example, vector_of(&comment, "vector").json);
    }
    for (comment, example) in blocks("text") {
        assert_eq!(example.replace(' ', ""), vector_of(&comment, "msgpack").msgpack);
    }
}

#[test]
fn tables_name_what_the_code_names() {
    assert_eq!(column("requests", 0), Request::NAMES);
    assert_eq!(column("events", 0), EventData::NAMES);
    assert_eq!(column("signals", 0), SignalData::NAMES);
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(column("error codes", 0), codes);
    let statuses: Vec<_> =
        ErrorCode::ALL.iter().map(|code| code.http_status().to_string()).collect();
    assert_eq!(column("error codes", 1), statuses);
    let closes: Vec<_> = CloseCode::ALL.iter().map(|code| code.code().to_string()).collect();
    assert_eq!(column("close codes", 0), closes);
    let closes: Vec<_> = on_disk().closes.iter().map(|close| close.bye.is_some()).collect();
    assert_eq!(column("close codes", 1).iter().map(|bye| bye == "yes").collect::<Vec<_>>(), closes);
    let reconnect: Vec<_> =
        CloseCode::ALL.iter().map(|code| reconnect_name(code.reconnect())).collect();
    assert_eq!(column("close codes", 2), reconnect);
}

macro_rules! values {
    ($($name:ident)*) => {
        vec![$((stringify!($name), limits::$name.shown())),*]
    };
}

/// How a limit stands in the table.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($integer:ty)*) => {
        $(impl Shown for $integer {
            fn shown(&self) -> String {
                let digits = self.to_string();
                let places = digits.len();
                let comma = |place: usize| place > 0 && (places - place).is_multiple_of(3);
                let digit = |(place, digit)| {
                    if comma(place) { format!(",{digit}") } else { format!("{digit}") }
                };
                digits.chars().enumerate().map(digit).collect()
            }
        })*
    };
}

shown!(usize u64 i64 u32);

impl Shown for std::ops::RangeInclusive<usize> {
    fn shown(&self) -> String {
        format!("{}–{}", self.start(), self.end())
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let values = values! {
        FRAME_BYTES_MAX DEPTH_MAX INFLIGHT_MAX TEXT_CHARS_MAX TEXT_BYTES_MAX BODY_BYTES_MAX
        MENTIONS_MAX REACTION_KINDS_MAX EMOJI_BYTES_MAX PAGE_EVENTS_MAX PAGE_EVENTS_DEFAULT
        LIST_ITEMS_MAX LIST_ITEMS_DEFAULT QUERY_CHARS_MAX REPLAY_ROOM_EVENTS_MAX
        REPLAY_TOTAL_EVENTS_MAX ROOMS_NEWEST_MAX INBOX_EVENTS_KEPT INBOX_AGE_MS_KEPT
        MEMBERS_PER_CALL_MAX MEMBERS_LISTED_MAX ROOM_MEMBERS_MAX ROOMS_PER_USER_MAX FRIENDS_MAX
        ROOM_NAME_CHARS_MAX ANNOUNCEMENT_CHARS_MAX SLOW_MODE_MS_MAX DRAFT_CHARS_MAX
        REMARK_CHARS_MAX FRIEND_MESSAGE_CHARS_MAX USERS_PER_CALL_MAX RECEIPTS_MEMBERS_MAX
        READ_COUNTS_MEMBERS_MAX TYPING_MEMBERS_MAX RECEIPT_EVERY_MS UNREAD_MAX RECALL_WINDOW_MS
        RECALL_FLIGHT_MS EDIT_WINDOW_MS SOCKET_BACKLOG_BYTES_MAX SOCKETS_PER_USER_MAX
        SESSIONS_PER_USER_MAX AUTH_WITHIN_MS HEARTBEAT_MS HEARTBEAT_GRACE_MS PRESENCE_GRACE_MS
        MALFORMED_MAX MALFORMED_WINDOW_MS MALFORMED_BEFORE_AUTH_MAX USERNAME_CHARS PASSWORD_CHARS
        NICKNAME_CHARS_MAX BIO_CHARS_MAX DEVICE_CHARS_MAX UPLOAD_BYTES_MAX UPLOAD_CHUNK_BYTES
        UPLOAD_WINDOW_CHUNKS UPLOADS_PER_USER_MAX UPLOAD_LIFE_MS PHOTOS_PER_SESSION_MAX
        PHOTOS_PER_CALL_MAX FILE_NAME_CHARS_MAX PHOTO_TITLE_CHARS_MAX PHOTO_TAGS_MAX TAG_CHARS_MAX
        LISTS_PER_USER_MAX COMMENT_CHARS_MAX WATERMARK_CHARS_MAX CAMERAS_MAX SESSION_MEMBERS_MAX
        SESSION_VIEWERS_MAX SESSION_CODE_CHARS SESSION_GUESSES_MAX MEDIA_LIFE_MS SESSION_GRACE_MS
        COUNTS_EVERY_MS
    };
    let source = include_str!("../../src/limits.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    let constants: Vec<_> = constants.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(values.iter().map(|(name, _)| *name).collect::<Vec<_>>(), constants);
    let rows = column("limits", 0).into_iter().zip(column("limits", 1));
    let values: Vec<_> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(rows.collect::<Vec<_>>(), values);
}

#[test]
fn no_line_of_the_text_is_too_long() {
    for line in text().lines() {
        assert!(line.starts_with(['|', '{']) || line.chars().count() <= 120, "{line}");
    }
}
