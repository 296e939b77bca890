//! The store on SQLite and PostgreSQL.

mod backup;
mod blobs;
mod bus;
mod postgres;
mod postgres_server;
mod sqlite;
