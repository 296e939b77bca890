//! What the crate promises to authors of clients: the golden vectors, the document, the schema.
//!
//! `UPDATE_VECTORS=1 cargo test -p salon-protocol` writes `vectors.json` from the values in here;
//! without it the file is compared, byte for byte.

// Helpers of tests are tests to us, but not to clippy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod book;
mod document;
mod odd;
mod people;
mod photos;
mod pushes;
mod refused;
mod requests;
#[cfg(feature = "schema")]
mod schema;
mod vectors;
