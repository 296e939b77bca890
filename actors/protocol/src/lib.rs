//! What goes over Salon's socket: the words that clients and server share, and nothing else.
//!
//! Owns      ids, limits, every frame as a type, the closed tables of error and close codes, and
//!           the one place that names a serialisation format ([`codec`]).
//! Promises  a frame means the same in JSON and in MessagePack; nothing is allocated by a length
//!           that a client merely declares; what is not understood is answered, never guessed.
//! Does not  know sockets, clocks, storage or who may do what.
//!
//! `PROTOCOL.md` beside this crate tells the same to authors of clients; its examples are the
//! golden vectors of `vectors.json`.

pub mod close_code;
pub mod codec;
pub mod content;
mod decode;
pub mod envelope;
pub mod error_code;
pub mod event;
pub mod framing;
pub mod ids;
pub mod limits;
mod messagepack;
pub mod photo;
pub mod reply;
pub mod request;

#[cfg(feature = "schema")]
pub mod schema;
pub mod signal;

pub use close_code::CloseCode;
pub use codec::Encoding;
pub use error_code::{ErrorCode, ErrorData};
pub use event::{Event, EventData};
pub use ids::{BlobId, Cid, LogId, Millis, PhotoId, RoomId, Seq, SessionId, UploadId, UserId};
pub use request::Request;
pub use signal::{Signal, SignalData};
