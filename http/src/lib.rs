//! Everything between Salon and the wire: HTTP handlers and the sockets' I/O.
//!
//! Owns      the one `actix_server::Server` with actix-web for HTTP and, beside it, the WebSocket
//!           layer built directly on actix-http's upgrade service.
//! Promises  every buffer, queue and wait has a bound; one write per socket and wake-up; every
//!           error of HTTP is `{code, message, request_id, details?}` with the fitting status.
//! Does not  decide who may do what in a room: the store's transactions do.
//!
//! Reading order: `server` → `websocket/` (usable without Salon) → `socket` (Salon on top of it) →
//! `router` (every route on one screen) → `auth/`, `routes/`, `delivery/`, `ops`, `docs`, `page`.

pub mod auth;
mod delivery;
mod docs;
mod error;
mod extract;
mod limit;
mod metrics;
mod ops;
mod page;
mod request_log;
mod router;
mod routes;
pub mod server;
mod socket;
mod state;
mod unread;
pub mod websocket;

pub use metrics::register as register_socket_metrics;
pub use router::configure;
pub use socket::SalonSockets;
pub use state::{AppConfig, AppParts, AppState};
