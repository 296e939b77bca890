//! Puts the parts together: the only file that names implementations.

use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use salon_actors::{Node, NodeConfig, NodeMetrics, NodeParts, SessionKeys};
use salon_http::auth::{LogSms, Passwords, RefreshTokens, Secret, Tokens};
use salon_http::websocket::SocketMetrics;
use salon_http::{AppConfig, AppParts, AppState};
use salon_storage::blob::ObjectBlobs;
use salon_storage::bus::AloneBus;
use salon_storage::contract::{Blobs, Bus, Meta as _, Store, SystemClock};
use salon_storage::sql::{OpenOptions, SqlStore};
use uuid::Uuid;

use crate::config::Config;

/// Everything that a running server consists of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) node: Arc<Node>,
    pub(crate) app: AppState,
    pub(crate) sockets: Arc<SocketMetrics>,
}

/// How the store is opened.
pub(crate) fn open_options(config: &Config) -> OpenOptions {
    OpenOptions {
        durability: config.durability,
        readers: config.readers,
        rules: config.rules,
        ..OpenOptions::new(config.database.clone())
    }
}

/// Opens the store and starts the node on the current arbiter.
pub(crate) async fn assemble(config: &Config) -> anyhow::Result<Parts> {
    let store = SqlStore::open(open_options(config)).await.context("cannot open the store")?;
    let store = Arc::new(store);
    let secret = signing_secret(config, &store).await?;
    let tokens = Arc::new(Tokens::new(&secret, &config.jwt_secrets_accepted));
    let bus: Arc<dyn Bus> = Arc::new(AloneBus::default());
    let blobs = match &config.bucket {
        None => ObjectBlobs::local(&config.data_dir.join("blobs")),
        Some(bucket) => ObjectBlobs::s3(bucket),
    };
    let blobs: Arc<dyn Blobs> = Arc::new(blobs.context("cannot open the blob store")?);
    let keys = SessionKeys::new(kept_secret(&store, "photos").await?.as_bytes());
    let passwords = Passwords::new(config.password_cost, config.workers);
    let node_metrics = NodeMetrics::default();
    let sockets = Arc::new(SocketMetrics::default());
    let node = Node::start(NodeParts {
        store: store.clone() as Arc<dyn Store>,
        bus: bus.clone(),
        clock: Arc::new(SystemClock),
        tokens: tokens.clone(),
        blobs: blobs.clone(),
        keys,
        uploads: config.data_dir.join("uploads"),
        config: NodeConfig {
            rate_limits: config.rate_limits,
            recall_window_ms: config.rules.recall_window_ms,
            watermark_font: config.watermark_font.clone(),
            ..NodeConfig::default()
        },
        metrics: node_metrics.clone(),
    });
    let mut registry = Registry::with_prefix("salon");
    node_metrics.register(&mut registry);
    store.metrics().register(&mut registry);
    salon_http::register_socket_metrics(&mut registry, &sockets, &node, &store);
    let app = AppState::new(AppParts {
        node: node.clone(),
        store: store.clone(),
        bus,
        blobs,
        tokens,
        refresh: Arc::new(RefreshTokens::new(&secret)),
        passwords: Arc::new(passwords.map_err(anyhow::Error::msg)?),
        sms: Arc::new(LogSms),
        config: AppConfig {
            trust_proxy: config.trust_proxy,
            rate_limits: config.rate_limits,
            metrics_token: config.metrics_token.clone(),
            data_folder: Some(config.data_dir.clone()),
            version: env!("CARGO_PKG_VERSION"),
        },
        metrics: Arc::new(registry),
    });
    Ok(Parts { store, node, app, sockets })
}

/// The configured secret, or the one that the database keeps for all nodes.
async fn signing_secret(config: &Config, store: &SqlStore) -> anyhow::Result<Secret> {
    if let Some(secret) = &config.jwt_secret {
        return Ok(secret.clone());
    }
    Secret::new(kept_secret(store, "jwt").await?).map_err(anyhow::Error::msg)
}

/// A secret that the database keeps for all nodes.
async fn kept_secret(store: &SqlStore, name: &str) -> anyhow::Result<String> {
    // 244 random bits.
    let fresh = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    store.secret(name, fresh).await.context("cannot keep a secret")
}
