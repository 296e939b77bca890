//! What all handlers share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use salon_actors::Node;
use salon_protocol::Millis;
use salon_storage::contract::{Blobs, Bus, EndedSession, Store};

use crate::auth::{Passwords, REMEMBER_MS, RefreshTokens, Revoked, SmsSender, Tokens};
use crate::delivery::Delivery;
use crate::limit::AddressLimits;

/// How far back each look for ended logins goes: clocks of processes differ a little.
const LOOK_BACK_MS: Millis = 10_000;

/// Settings of the HTTP side.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// The address of a client is the last one in `X-Forwarded-For`, written by our own proxy.
    pub trust_proxy: bool,
    /// Whether requests have rates.
    pub rate_limits: bool,
    /// Whoever shows it may read `/metrics` from anywhere; without it only this machine may.
    pub metrics_token: Option<String>,
    /// The folder of which the free space is watched.
    pub data_folder: Option<std::path::PathBuf>,
    /// The version that the documents name.
    pub version: &'static str,
}

/// What all handlers share.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The living part.
    pub node: Arc<Node>,
    /// What survives.
    pub store: Arc<dyn Store>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// Refresh tokens.
    pub refresh: Arc<RefreshTokens>,
    /// Logins that ended a moment ago.
    pub revoked: Arc<Revoked>,
    /// Password hashes.
    pub passwords: Arc<Passwords>,
    /// Sends codes.
    pub sms: Arc<dyn SmsSender>,
    /// Settings.
    pub config: AppConfig,
    /// What is counted.
    pub metrics: Arc<Registry>,
    /// Rates by address.
    pub(crate) limits: Arc<AddressLimits>,
    /// Pictures on their way to browsers.
    pub(crate) delivery: Delivery,
}

/// The parts of an [`AppState`].
#[derive(Debug)]
pub struct AppParts {
    /// See [`AppState::node`].
    pub node: Arc<Node>,
    /// See [`AppState::store`].
    pub store: Arc<dyn Store>,
    /// See [`AppState::bus`].
    pub bus: Arc<dyn Bus>,
    /// See [`AppState::blobs`].
    pub blobs: Arc<dyn Blobs>,
    /// See [`AppState::tokens`].
    pub tokens: Arc<Tokens>,
    /// See [`AppState::refresh`].
    pub refresh: Arc<RefreshTokens>,
    /// See [`AppState::passwords`].
    pub passwords: Arc<Passwords>,
    /// See [`AppState::sms`].
    pub sms: Arc<dyn SmsSender>,
    /// See [`AppState::config`].
    pub config: AppConfig,
    /// See [`AppState::metrics`].
    pub metrics: Arc<Registry>,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: AppParts) -> Self {
        let AppParts { node, store, bus, blobs, tokens, refresh, passwords, sms, config, metrics } =
            parts;
        AppState {
            revoked: tokens.revoked().clone(),
            limits: Arc::new(AddressLimits::new(config.rate_limits)),
            delivery: Delivery::new(store.clone(), blobs.clone(), node.keys().clone()),
            node,
            store,
            bus,
            blobs,
            tokens,
            refresh,
            passwords,
            sms,
            config,
            metrics,
        }
    }

    /// What has to be done now and then, for as long as the server runs: hears of logins that
    /// another process has ended (`salon admin disable`), and forgets addresses that are quiet.
    pub async fn housekeeping(self) {
        let mut since = self.node.now() - REMEMBER_MS;
        let mut seconds = 0_u64;
        loop {
            match self.store.ended_sessions(since).await {
                Ok(ended) => {
                    since = since.max(self.node.now() - LOOK_BACK_MS);
                    ended.iter().for_each(|ended| self.session_ended(ended));
                }
                Err(error) => tracing::warn!(error = %error, "ended sessions were not read"),
            }
            if seconds.is_multiple_of(60) {
                self.limits.clean();
            }
            seconds += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn session_ended(&self, ended: &EndedSession) {
        if self.revoked.contains(ended.id) {
            return;
        }
        self.revoked.add(ended.id, ended.at);
        if ended.disabled {
            self.node.account_disabled(ended.user);
        } else {
            self.node.sessions_ended(ended.user, &[ended.id]);
        }
    }

    /// The address of a client.
    pub(crate) fn client_address(
        &self,
        peer: Option<SocketAddr>,
        headers: &actix_web::http::header::HeaderMap,
    ) -> std::net::IpAddr {
        let forwarded = || {
            let text = headers.get_all("x-forwarded-for").last()?.to_str().ok()?;
            text.rsplit(',').next()?.trim().parse().ok()
        };
        let forwarded = if self.config.trust_proxy { forwarded() } else { None };
        let peer = || peer.map(|peer| peer.ip());
        forwarded.or_else(peer).unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into())
    }
}
