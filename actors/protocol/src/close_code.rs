//! The closed table of codes with which the server closes a socket, and what a client does next.

use serde::{Deserialize, Serialize};

/// What a client does after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// Not by itself: the person has to do something first. Codes 4000 to 4099.
    Never,
    /// With exponential backoff and full jitter. Codes 4100 to 4199 and all below 4000.
    WithBackoff,
    /// After the `retry_after_ms` of the `bye`. Codes 4200 to 4299.
    AfterDelay,
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $reason:literal,)*) => {
        /// Why the server closes a socket.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($(#[$doc])* $variant,)*
        }

        impl CloseCode {
            /// All codes, in the order of the table.
            pub const ALL: &[CloseCode] = &[$(CloseCode::$variant),*];

            /// The number in the WebSocket close frame.
            pub const fn code(self) -> u16 {
                match self { $(CloseCode::$variant => $code,)* }
            }

            /// The reason beside it, for people.
            pub const fn reason(self) -> &'static str {
                match self { $(CloseCode::$variant => $reason,)* }
            }
        }
    };
}

close_codes! {
    /// The peer did not answer a WebSocket ping.
    Silent 1001 "no answer to ping",
    /// The peer broke RFC 6455.
    Protocol 1002 "protocol error",
    /// A text frame is not UTF-8.
    NotUtf8 1007 "invalid utf-8",
    /// A frame is longer than `limits.frame`; refused on its declared length.
    TooBig 1009 "frame too big",
    /// A fault of the server.
    Internal 1011 "internal error",
    /// No `auth` in time, a request before it, or a token that is not valid.
    Unauthorized 4001 "token invalid or late",
    /// The login was ended: logout, another device ended it, the password changed.
    SessionEnded 4002 "session ended",
    /// The account was disabled.
    Disabled 4003 "account disabled",
    /// A newer socket of the same device took over, or one socket too many of a user.
    Replaced 4004 "replaced by a newer connection",
    /// The client does not read as fast as it is written to.
    SlowConsumer 4101 "slow consumer",
    /// Too many malformed frames.
    Flood 4102 "too many malformed frames",
    /// The server stops; another one is, or will be, there.
    Shutdown 4200 "server is shutting down",
    /// The server could not keep up and lost track of what its sockets have got.
    Overloaded 4201 "server is overloaded",
}

impl CloseCode {
    /// What the client does next.
    pub const fn reconnect(self) -> Reconnect {
        reconnect(self.code())
    }
}

/// What a client does after a close with `code`, known or not.
pub const fn reconnect(code: u16) -> Reconnect {
    match code {
        4000..=4099 => Reconnect::Never,
        4200..=4299 => Reconnect::AfterDelay,
        _ => Reconnect::WithBackoff,
    }
}

/// The `data` of the `bye` frame that comes before a close with a code of 4000 and above, except
/// before [`CloseCode::SlowConsumer`]: there is no room for it then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bye {
    /// The code of the close frame that follows.
    pub code: u16,
    /// For people.
    pub reason: String,
    /// Present when the client is asked to come back: after so many milliseconds, before anything
    /// else that it would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl From<CloseCode> for Bye {
    fn from(code: CloseCode) -> Self {
        Bye { code: code.code(), reason: code.reason().into(), retry_after_ms: None }
    }
}
