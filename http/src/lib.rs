//! Everything between Salon and the wire: HTTP handlers and the sockets' I/O.
//!
//! Owns      the one `actix_server::Server` with actix-web for HTTP and, beside it, the WebSocket
//!           layer built directly on actix-http's upgrade service.
//! Promises  every buffer, queue and wait has a bound; one write per socket and wake-up.
//! Does not  decide who may do what in a room: that is the actors'.

pub mod server;
pub mod websocket;
