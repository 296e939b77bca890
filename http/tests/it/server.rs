//! A server in this process, stopped when the test ends.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_server::ServerHandle;
use actix_web::web;
use salon_http::{
    server::{ServerConfig, serve},
    websocket::{Application, SocketConfig, SocketMetrics, Sockets},
};

use crate::{
    client::{Client, PATIENCE},
    puppet::{Called, Puppet},
};

pub(crate) struct TestServer {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) metrics: Arc<SocketMetrics>,
    called: Receiver<Called>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Bounds that no test meets by accident: ticks of a hundredth of a second, and all the time in the
/// world counted in them.
pub(crate) fn sockets() -> SocketConfig {
    SocketConfig {
        tick: Duration::from_millis(10),
        heartbeat_ticks: 1_000_000,
        close_timeout_ticks: 1_000_000,
        drain_timeout_ticks: 1_000_000,
        ..SocketConfig::default()
    }
}

/// One worker on a port of the system's choice.
pub(crate) fn config(sockets: SocketConfig) -> ServerConfig {
    ServerConfig {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        workers: 1,
        sockets,
        ..ServerConfig::default()
    }
}

impl TestServer {
    /// A server with puppets for applications, and `/health` beside them.
    pub(crate) fn start(config: ServerConfig) -> TestServer {
        let (said, called) = mpsc::channel();
        let metrics = Arc::new(SocketMetrics::default());
        let shared = metrics.clone();
        let make = move |sockets| Puppet::new(sockets, shared.clone(), said.clone());
        let (addresses, handle, thread) = run(config, metrics.clone(), make);
        TestServer { addresses, metrics, called, handle, thread: Some(thread) }
    }

    /// A server with any other application.
    pub(crate) fn start_with<A: Application>(
        config: ServerConfig,
        make: impl Fn(Sockets) -> A + Clone + Send + 'static,
    ) -> TestServer {
        let metrics = Arc::new(SocketMetrics::default());
        let (addresses, handle, thread) = run(config, metrics.clone(), make);
        TestServer { addresses, metrics, called: mpsc::channel().1, handle, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// The next thing that the application was called with, but for what `skip` skips.
    pub(crate) fn called_but(&self, skip: impl Fn(&Called) -> bool) -> Called {
        loop {
            let called = self.called.recv_timeout(PATIENCE).unwrap();
            if !skip(&called) {
                return called;
            }
        }
    }

    pub(crate) fn called(&self) -> Called {
        self.called_but(|_| false)
    }

    /// Stops the server and tells what the application was still called with.
    pub(crate) fn stop(mut self) -> Vec<Called> {
        self.end_with(false);
        self.called.try_iter().collect()
    }

    pub(crate) fn stop_gracefully(mut self) {
        self.end_with(true);
    }

    fn end_with(&mut self, graceful: bool) {
        // The command is on its way with the call; the future only tells when it is done.
        drop(self.handle.stop(graceful));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the server panicked");
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end_with(false);
    }
}

fn run<A: Application>(
    config: ServerConfig,
    metrics: Arc<SocketMetrics>,
    make: impl Fn(Sockets) -> A + Clone + Send + 'static,
) -> (Vec<SocketAddr>, ServerHandle, JoinHandle<()>) {
    let (started, start) = mpsc::channel();
    let thread = thread::spawn(move || {
        let routes = |routes: &mut web::ServiceConfig| {
            routes.route("/health", web::get().to(|| async { "fine" }));
        };
        actix_rt::System::new().block_on(async move {
            let running = serve(config, metrics, routes, make).unwrap();
            started.send((running.addresses, running.server.handle())).unwrap();
            running.server.await.unwrap();
        });
    });
    let (addresses, handle) = start.recv_timeout(PATIENCE).unwrap();
    (addresses, handle, thread)
}
