//! What the rest of the house may ask of storage: small traits, one noun each.
//!
//! Rules for all: ids, texts and limits are already checked by whoever asks; who may do what is
//! decided here, in the transaction that does it. A call that changes something has committed it
//! when it returns `Ok`; a call that is repeated with the same `cid` gives the first answer. Time
//! comes from the [`Clock`] that the store was opened with.

mod accounts;
mod blobs;
mod bus;
mod clock;
mod conversations;
mod friends;
mod log;
mod meta;
mod photos;
mod rooms;
mod sessions;

pub use accounts::{AccountName, Accounts};
pub use blobs::{BlobError, Blobs, PIECE_BYTES_MAX, Pieces, Reading};
pub use bus::{Bell, Bus, BusHealth, Topic};
pub use clock::{Clock, SystemClock};
pub use conversations::Conversations;
pub use friends::Friends;
pub use log::Log;
pub use meta::Meta;
pub use photos::{DeletedSession, Photos};
pub use rooms::Rooms;
pub use sessions::{CodeCheck, EndedSession, NewSession, Rotation, Sessions, Which};

/// Everything that must survive a restart.
pub trait Store:
    Accounts + Sessions + Friends + Rooms + Log + Conversations + Photos + Meta + std::fmt::Debug
{
}

impl<T> Store for T where
    T: Accounts
        + Sessions
        + Friends
        + Rooms
        + Log
        + Conversations
        + Photos
        + Meta
        + std::fmt::Debug
{
}
