//! Handlers, one file per noun.

pub(crate) mod blobs;
pub(crate) mod codes;
pub(crate) mod downloads;
pub(crate) mod guest;
pub(crate) mod login;
pub(crate) mod profile;
pub(crate) mod sessions;
