//! Everything from outside, through the public functions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exif;
mod header;
mod hostile;
mod make;
mod marks;
mod strip;
mod variants;
