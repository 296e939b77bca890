//! The closed table of error codes, the same on the socket and over HTTP.

use serde::{Deserialize, Serialize};

use crate::ids::Millis;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $status:literal,)*) => {
        /// What went wrong, by what the client can do about it. A client treats a code that it
        /// does not know by `retry_after_ms`: present means "try again".
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of the table.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The word on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The HTTP status that goes with the code.
            pub const fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }
        }
    };
}

error_codes! {
    /// Not a frame: broken JSON or MessagePack, no `type`, a wrong `ref`, too deep.
    BadFrame "bad_frame" 400,
    /// The frame is understood, a field is not; `details` names it.
    BadRequest "bad_request" 400,
    /// No valid token, or not authenticated yet.
    Unauthorized "unauthorized" 401,
    /// Not allowed. A room that does not exist and a room of others look the same.
    Forbidden "forbidden" 403,
    /// Something inside a room that one may see is not there.
    NotFound "not_found" 404,
    /// It contradicts what is stored: another content under the same `cid`, a name that is taken.
    Conflict "conflict" 409,
    /// A field is longer than its limit.
    TooLarge "too_large" 413,
    /// A frame type that this server does not know.
    UnknownType "unknown_type" 400,
    /// Too many requests; `retry_after_ms` says when.
    RateLimited "rate_limited" 429,
    /// The store cannot be reached or is full; nothing was done, or it will be found done when
    /// the request is repeated with the same `cid`.
    Unavailable "unavailable" 503,
    /// A queue is full; the request was not done.
    Overloaded "overloaded" 503,
    /// Too late: the time for it is over, or it was recalled.
    Gone "gone" 410,
    /// A count has reached its maximum.
    LimitReached "limit_reached" 409,
    /// A fault of the server.
    Internal "internal" 500,
}

/// The `data` of an `error` frame; over HTTP the body, with a `request_id` beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorData {
    /// From the table.
    pub code: ErrorCode,
    /// For people; not to be parsed.
    pub message: String,
    /// Present when a repetition can succeed, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// More about it: `{field, reason}`, `{users}`, `{until}`, `{window_ms}`, `{offset}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl ErrorData {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ErrorData { code, message: message.into(), retry_after_ms: None, details: None }
    }

    /// `bad_request` for one field.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let (field, reason) = (field.into(), reason.into());
        ErrorData::new(ErrorCode::BadRequest, format!("{field}: {reason}"))
            .with_details(serde_json::json!({ "field": field, "reason": reason }))
    }

    /// `too_large` for one field.
    pub fn too_large(field: &str, reason: impl Into<String>) -> Self {
        ErrorData { code: ErrorCode::TooLarge, ..ErrorData::field(field, reason) }
    }

    /// The one answer for what does not exist and what is not the asker's: it must not be
    /// possible to tell them apart.
    pub fn forbidden_room() -> Self {
        ErrorData::new(ErrorCode::Forbidden, "no such room, or you are not a member of it")
    }

    /// Adds the time after which a repetition can succeed.
    #[must_use]
    pub fn retry_after(mut self, ms: Millis) -> Self {
        self.retry_after_ms = Some(ms.max(0).unsigned_abs());
        self
    }

    /// Adds details.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_are_the_names_of_the_table() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert!((400..600).contains(&code.http_status()));
        }
    }
}
