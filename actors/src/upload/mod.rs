//! A file that comes in pieces, from a socket to the disk, until it is a photo.
//!
//! Owns      what is on disk of it, and how far that is.
//! Does not  keep pieces in memory but the one that is being written; decide who may upload, or what becomes of
//!           the file: that is the store's and [`session`](crate::session)'s.
//! Born      by the registry, with the first request about it; on any thread.
//! Dies      a minute after the last request, and when it has become something. What is on disk stays, and the
//!           next life goes on from there: so a lost connection and a killed server are the same.
//! Pressure  `UPLOAD_WINDOW_CHUNKS` pieces wait; above, `overloaded`.
//!
//! Up1  `offset` of an answer is on disk (the operating system has it; a power cut is found by the checksum).
//! Up2  requests are answered in the order in which they came.
//! Up3  nothing becomes a photo that has another checksum than was said.

mod actor;
mod messages;
mod part;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use actor::UploadActor;
pub(crate) use messages::{UploadInput, UploadMessage, UploadRequest};
pub(crate) use part::{Source, folder_is_ready, remove};
