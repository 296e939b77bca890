//! What an operator decides about the living part.

use salon_protocol::{Millis, limits};

use crate::rate::RateLimits;

/// Settings of a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Whether requests have rates.
    pub rate_limits: bool,
    /// See [`limits::RECALL_WINDOW_MS`]; only announced here.
    pub recall_window_ms: Millis,
    /// A room that nobody asks anything of for so long is put to sleep.
    pub room_idle_ms: Millis,
    /// A user without a socket is forgotten after so long.
    pub user_idle_ms: Millis,
    /// The font that is tried first for watermarks; others of the machine come behind it.
    pub watermark_font: Option<std::path::PathBuf>,
    /// See [`limits::PRESENCE_GRACE_MS`].
    pub presence_grace_ms: Millis,
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            rate_limits: true,
            recall_window_ms: limits::RECALL_WINDOW_MS,
            room_idle_ms: 60_000,
            user_idle_ms: 30_000,
            watermark_font: None,
            presence_grace_ms: limits::PRESENCE_GRACE_MS,
        }
    }
}

impl NodeConfig {
    pub(crate) fn rates(&self) -> RateLimits {
        RateLimits { on: self.rate_limits }
    }

    /// The bounds that a client is told.
    pub(crate) fn announced(&self) -> salon_protocol::reply::Limits {
        salon_protocol::reply::Limits {
            frame: limits::FRAME_BYTES_MAX,
            text: limits::TEXT_CHARS_MAX,
            page: limits::PAGE_EVENTS_MAX,
            replay_room: limits::REPLAY_ROOM_EVENTS_MAX,
            replay_total: limits::REPLAY_TOTAL_EVENTS_MAX,
            rooms: limits::ROOMS_PER_USER_MAX,
            members_call: limits::MEMBERS_PER_CALL_MAX,
            inflight: limits::INFLIGHT_MAX,
            recall_ms: self.recall_window_ms,
            upload: limits::UPLOAD_BYTES_MAX,
            chunk: limits::UPLOAD_CHUNK_BYTES,
            rate: self.rates().announced(),
        }
    }
}
