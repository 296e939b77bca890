//! The store on SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod blobs;
mod bus;
mod fake_s3;
mod journal;
mod postgres;
mod postgres_server;
mod sqlite;
