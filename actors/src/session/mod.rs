//! Live photo sessions: who may come in, uploads, and the processing of photos.
//!
//! A session is a room of its own kind, and its actor is the room's: what changes its log goes through
//! [`room`](crate::room), in one order with what is said there. Here is what a room has not.
//!
//! Owns      codes, grants and signatures ([`access`]); what is asked of sessions and changes no log
//!           ([`serve`]); the way from a file to a photo ([`develop`]) on threads of its own ([`pool`]), with
//!           its watermark ([`marks`]); counts ([`counts`]); what is due ([`housekeeping`]).
//! Does not  receive files: that is [`upload`](crate::upload)'s. Does not decide who may do what: the store does.

mod access;
mod counts;
mod develop;
mod guesses;
mod housekeeping;
mod marks;
mod pool;
mod serve;

pub(crate) use access::sha256;
pub use access::{MediaScope, SessionKeys, normalised_code};
pub(crate) use counts::Viewers;
pub(crate) use develop::{
    blocking, commit_photo, commit_watermark, original_is_there, photo_of, refused,
};
pub use guesses::{Guess, Guesser, Guesses};
pub(crate) use housekeeping::run as keep_house;
pub(crate) use serve::serve;

/// Where photos are made.
#[derive(Debug)]
pub(crate) struct Studio {
    pool: pool::Pool,
    marks: marks::Marks,
}

impl Studio {
    /// `font`: tried first for watermarks.
    pub(crate) fn new(font: Option<std::path::PathBuf>) -> Self {
        Studio { pool: pool::Pool::default(), marks: marks::Marks::new(font) }
    }

    fn pool(&self) -> &pool::Pool {
        &self.pool
    }

    fn marks(&self) -> &marks::Marks {
        &self.marks
    }
}
