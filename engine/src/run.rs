//! `salon serve`: start, wait, drain.

use std::time::{Duration, Instant};

use salon_http::server::{ServerConfig, serve as serve_http};
use salon_http::websocket::SocketConfig;
use salon_http::{SalonSockets, configure};
use salon_protocol::{CloseCode, limits};
use salon_storage::contract::Meta as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::wiring::{Parts, assemble};
use crate::{folder, telemetry};

/// Runs the server until it is told to stop.
pub(crate) fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::start(&config)?;
    let held = folder::hold(&config.data_dir)?;
    let outcome = actix_rt::System::new().block_on(run(&config));
    drop(held);
    outcome
}

async fn run(config: &Config) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let parts = assemble(config).await?;
    let running = start_http(config, &parts)?;
    let addresses: Vec<String> =
        running.addresses.iter().map(|address| format!("http://{address}")).collect();
    let data = config.data_dir.display();
    println!(
        "Salon {} listening on {} (data in {data})",
        env!("CARGO_PKG_VERSION"),
        addresses.join(", ")
    );
    tracing::info!(addresses = addresses.join(", "), data = %data, "started");
    let housekeeping = actix_rt::spawn(parts.app.clone().housekeeping());
    let server = running.server;
    let handle = server.handle();
    let served = actix_rt::spawn(server);

    stop.next().await;
    tracing::info!("stopping");
    let drained = async {
        drain(config, &parts).await;
        handle.stop(true).await;
    };
    tokio::select! {
        () = drained => {}
        () = stop.next() => {
            tracing::warn!("stopping at once");
            handle.stop(false).await;
        }
    }
    housekeeping.abort();
    // The server has been told to stop; what is left of it ends with the process.
    let _ = tokio::time::timeout(Duration::from_secs(2), served).await;
    parts.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn start_http(config: &Config, parts: &Parts) -> anyhow::Result<salon_http::server::Running> {
    let sockets = SocketConfig {
        origins: config.allowed_origins.clone(),
        sockets_max: config.sockets_max,
        frame_bytes_max: limits::FRAME_BYTES_MAX,
        message_bytes_max: limits::FRAME_BYTES_MAX,
        backlog_bytes_max: limits::SOCKET_BACKLOG_BYTES_MAX,
        slow_close_code: CloseCode::SlowConsumer.code(),
        ..SocketConfig::default()
    };
    let high_bytes = sockets.backlog_high_bytes;
    let server = ServerConfig {
        listen: config.listen.clone(),
        workers: config.workers,
        sockets,
        ..ServerConfig::default()
    };
    let (routes, state) = (parts.app.clone(), parts.app.clone());
    let running = serve_http(
        server,
        parts.sockets.clone(),
        move |service| configure(&routes, service),
        move |sockets| SalonSockets::start(&state, sockets, high_bytes),
    )?;
    Ok(running)
}

/// Tells everybody to come back, and waits until they have gone.
async fn drain(config: &Config, parts: &Parts) {
    let deadline = Instant::now() + Duration::from_secs(config.drain_seconds);
    // Clients come back to whatever takes over, each at another moment.
    let open = parts.sockets.open.get();
    let spread_ms = (open / 2).clamp(500, 30_000);
    parts.node.drain(spread_ms);
    while parts.sockets.open.get() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tracing::info!(sockets.left = parts.sockets.open.get(), "drained");
}

/// The signals that mean stop.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        // Above the limit on the size of files (`ulimit -f`) a write fails like on a full disk,
        // instead of ending the process.
        const SIGXFSZ: i32 = 25;
        let _ = signal(SignalKind::from_raw(SIGXFSZ))?;
        Ok(StopSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
