//! Echoes every message: `cargo run -p salon-http --example echo -- 127.0.0.1:0`.
//!
//! For conformance suites and for measuring the socket layer by itself. Prints the bound address.

use std::{error::Error, net::SocketAddr, sync::Arc};

use actix_http::RequestHead;
use salon_http::{
    server::{ServerConfig, serve},
    websocket::{Application, Message, Refusal, SocketConfig, SocketId, SocketMetrics, Sockets},
};
use salon_protocol::framing::{Opcode, frame};

struct Echo(Sockets);

impl Application for Echo {
    type Admission = ();

    fn admit(&self, _head: &RequestHead, _peer: Option<SocketAddr>) -> Result<(), Refusal> {
        Ok(())
    }

    fn opened(&self, _id: SocketId, (): ()) {}

    fn message(&self, id: SocketId, message: Message<'_>) {
        let frame = match message {
            Message::Text(text) => frame(Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => frame(Opcode::Binary, bytes),
        };
        self.0.send(id, frame);
    }

    fn closed(&self, _id: SocketId) {}
}

#[actix_rt::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let config = ServerConfig {
        listen: vec![address.parse()?],
        workers: 1,
        sockets: SocketConfig { path: None, ..SocketConfig::default() },
        ..ServerConfig::default()
    };
    let running = serve(config, Arc::new(SocketMetrics::default()), |_| {}, Echo)?;
    for address in &running.addresses {
        println!("{address}");
    }
    let handle = running.server.handle();
    actix_rt::spawn(async move {
        // An error means that the signal cannot be heard; then somebody kills the process.
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.stop(false).await;
        }
    });
    running.server.await?;
    Ok(())
}
