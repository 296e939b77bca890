//! The one server: actix-web for HTTP, and beside it the sockets, on the same addresses.
//!
//! Owns      listeners, worker threads and the HTTP settings.
//! Promises  one application per worker thread, made on that thread, where actix actors can be
//!           started; the addresses that are really bound are told; nothing is listened to before
//!           everything could be bound.
//! Does not  handle signals, and does not drain: whoever stops it says goodbye to the sockets first
//!           ([`Sockets::close`]), waits for [`SocketMetrics::open`] to fall, then stops the server.

use std::{
    convert::Infallible,
    fmt,
    future::ready,
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, error::DispatchError};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{ServiceFactory, fn_service, map_config};
use actix_web::{App, HttpRequest, HttpResponse, dev::AppConfig, middleware::from_fn, web};
use tokio::net::{TcpSocket, TcpStream};

use crate::unread::hold_request_body;
use crate::websocket::{
    Application, Refusal, Rules, SocketConfig, SocketMetrics, Sockets, Worker, upgrade,
};

/// How the server listens and what it grants to HTTP clients.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Addresses to listen on; port 0 lets the system choose. At least one. Default 127.0.0.1:8080.
    pub listen: Vec<SocketAddr>,
    /// Worker threads, 1–512. Default: as many as there are processors.
    pub workers: usize,
    /// Connections that the system may keep for us until they are accepted. Default 2048.
    pub accept_backlog: u32,
    /// HTTP connections that a worker serves at once; above it none are accepted. A connection that
    /// became a socket does not count here but in `sockets_max`. Default 25,600.
    pub http_connections_max: usize,
    /// Time for the head of the first request to arrive (slowloris). Default 5 s.
    pub header_timeout: Duration,
    /// How long a connection may idle between two requests. Default 15 s.
    pub keep_alive: Duration,
    /// How long the last answer may take to go out on a connection that is being ended. Default 1 s.
    pub disconnect_timeout: Duration,
    /// How long a graceful stop waits for HTTP requests in flight, in whole seconds. Default 10 s.
    pub shutdown_timeout: Duration,
    /// The sockets.
    pub sockets: SocketConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            accept_backlog: 2048,
            http_connections_max: 25_600,
            header_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            disconnect_timeout: Duration::from_secs(1),
            shutdown_timeout: Duration::from_secs(10),
            sockets: SocketConfig::default(),
        }
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration contradicts itself.
    #[error("configuration: {0}")]
    Config(&'static str),
    /// An entry of the allow list is not `scheme://host[:port]`.
    #[error("not an origin: {0}")]
    Origin(String),
    /// An address could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address as configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A server that was started.
pub struct Running {
    /// What was bound, in the order of `listen`, with the ports that the system chose.
    pub addresses: Vec<SocketAddr>,
    /// The server runs while this is polled, and it ends when the server has stopped. Its `handle`
    /// stops it.
    pub server: Server,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Binds the addresses and starts the server. To be called inside an actix `System`.
///
/// `configure` sets up actix-web on every worker; the sockets' path is taken. `application` makes
/// the application of every worker.
pub fn serve<C, F, A>(
    config: ServerConfig,
    metrics: Arc<SocketMetrics>,
    configure: C,
    application: F,
) -> Result<Running, ServeError>
where
    C: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    F: Fn(Sockets) -> A + Clone + Send + 'static,
    A: Application,
{
    config.sockets.check().map_err(ServeError::Config)?;
    if config.listen.is_empty() {
        return Err(ServeError::Config("listen names at least one address"));
    }
    if !(1..=512).contains(&config.workers) {
        return Err(ServeError::Config("workers is between 1 and 512"));
    }
    let rules = Arc::new(Rules::new(&config.sockets).map_err(ServeError::Origin)?);
    let listeners = bind_all(&config)?;

    let mut builder = Server::build()
        .workers(config.workers)
        .max_concurrent_connections(config.http_connections_max)
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let mut addresses = Vec::new();
    for (address, listener) in listeners {
        addresses.push(address);
        let (config, configure, application) =
            (config.clone(), configure.clone(), application.clone());
        let (rules, metrics, stopping) = (rules.clone(), metrics.clone(), stopping.clone());
        let service = move || {
            let worker =
                Worker::of_this_thread(&config.sockets, &rules, &metrics, application.clone());
            http_service(&config, address, stopping.clone(), &configure, worker)
        };
        builder = builder
            .listen(format!("salon {address}"), listener, service)
            .map_err(|source| ServeError::Bind { address, source })?;
    }
    let server = builder.run();
    Ok(Running { addresses, server })
}

/// Binds all addresses or none.
fn bind_all(config: &ServerConfig) -> Result<Vec<(SocketAddr, TcpListener)>, ServeError> {
    let bind = |address: SocketAddr| -> io::Result<(SocketAddr, TcpListener)> {
        // Not `std`, which keeps 128 connections for us and no more.
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(config.accept_backlog)?.into_std()?;
        Ok((listener.local_addr()?, listener))
    };
    let bind = |&address| bind(address).map_err(|source| ServeError::Bind { address, source });
    config.listen.iter().map(bind).collect()
}

/// What one worker does with the connections to one address.
fn http_service<A: Application, C: Fn(&mut web::ServiceConfig)>(
    config: &ServerConfig,
    address: SocketAddr,
    stopping: GracefulShutdownSignal,
    configure: &C,
    worker: Rc<Worker<A>>,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
+ use<A, C> {
    let app = App::new().wrap(from_fn(hold_request_body)).configure(|routes| {
        take_path(routes, config.sockets.path.as_deref(), &worker);
        configure(routes);
    });
    HttpService::build()
        // Lets a graceful stop end idle connections instead of waiting for them, as actix-web's own
        // server does.
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(config.keep_alive)
        .client_request_timeout(config.header_timeout)
        .client_disconnect_timeout(config.disconnect_timeout)
        .tcp_nodelay(true)
        .local_addr(address)
        .upgrade(fn_service(move |(request, framed)| {
            let worker = worker.clone();
            async move {
                upgrade(worker, request, framed).await;
                Ok::<(), Infallible>(())
            }
        }))
        .finish(map_config(app, |()| AppConfig::default()))
        .tcp()
}

/// Answers requests to the sockets' path that actix-http does not take for upgrades.
fn take_path<A: Application>(
    routes: &mut web::ServiceConfig,
    path: Option<&str>,
    worker: &Rc<Worker<A>>,
) {
    let Some(path) = path else { return };
    let worker = worker.clone();
    let refuse = move |request: HttpRequest| ready(respond(worker.refuse_plain(request.head())));
    routes.service(web::resource(path).to(refuse));
}

fn respond(refusal: Refusal) -> HttpResponse {
    let mut response = HttpResponse::build(refusal.status);
    response.content_type("application/json").force_close();
    for header in refusal.headers {
        response.append_header(header);
    }
    response.body(refusal.body)
}
