//! Handlers, one file per noun.

pub(crate) mod codes;
pub(crate) mod login;
pub(crate) mod profile;
pub(crate) mod sessions;
