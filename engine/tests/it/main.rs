//! The binary, from outside: every test starts its own `salon` and talks to it as its users do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod accounts;
mod boot;
mod client;
mod harness;
mod operations;
mod page;
mod photos;
mod protection;
mod restart;
mod salon_js;
mod server;
mod story;
mod tidy;
