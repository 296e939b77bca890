//! The ids and times that the vectors are made of.

use salon_protocol::{BlobId, Cid, LogId, Millis, PhotoId, RoomId, SessionId, UploadId, UserId};

pub(crate) const AT: Millis = 1_767_225_600_000;

pub(crate) fn ann() -> UserId {
    UserId::parse("0192e4a0-0000-7000-8000-00000000000a").unwrap()
}

pub(crate) fn bob() -> UserId {
    UserId::parse("0192e4a0-0000-7000-8000-00000000000b").unwrap()
}

pub(crate) fn eve() -> UserId {
    UserId::parse("0192e4a0-0000-7000-8000-00000000000e").unwrap()
}

/// A group.
pub(crate) fn club() -> RoomId {
    RoomId::parse("0192e4a0-1111-7000-8000-000000000001").unwrap()
}

/// The direct room of Ann and Bob.
pub(crate) fn pair() -> RoomId {
    RoomId::parse("0192e4a0-1111-7000-8000-000000000002").unwrap()
}

pub(crate) fn in_club() -> LogId {
    LogId::Room(club())
}

pub(crate) fn cid(number: u8) -> Cid {
    Cid::parse(&format!("7c9e6679-7425-40de-944b-e07fc1f9{number:04x}")).unwrap()
}

pub(crate) fn login() -> SessionId {
    SessionId::parse("0192e4a0-2222-7000-8000-000000000001").unwrap()
}

pub(crate) fn picture() -> BlobId {
    BlobId::parse("0192e4a0-3333-7000-8000-000000000001").unwrap()
}

/// A live photo session.
pub(crate) fn wedding() -> RoomId {
    RoomId::parse("0192e4a0-1111-7000-8000-000000000003").unwrap()
}

pub(crate) fn photo(number: u8) -> PhotoId {
    PhotoId::parse(&format!("0192e4a0-4444-7000-8000-00000000{number:04x}")).unwrap()
}

pub(crate) fn upload() -> UploadId {
    UploadId::parse("0192e4a0-5555-7000-8000-000000000001").unwrap()
}
