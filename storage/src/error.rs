//! What can go wrong in the store, by what the caller can do about it.

use salon_protocol::{ErrorCode, ErrorData};

/// The result of every call to the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a call did not give what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The store was asked for something that its rules forbid. The answer is final, nothing
    /// changed, and it can be sent to the client as it is.
    #[error("refused: {}", .0.message)]
    Refused(Box<ErrorData>),
    /// The database cannot be reached, is full, or is too busy. Nothing is acknowledged; a
    /// repetition with the same `cid` finds out whether it was done.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault: the data or the code is not what it should be.
    #[error("internal: {0}")]
    Internal(String),
}

/// When a client may try again after [`StoreError::Unavailable`].
const RETRY_AFTER_MS: i64 = 1_000;

impl StoreError {
    /// What the client is told. Texts of the database stay in the log.
    pub fn to_error_data(&self) -> ErrorData {
        match self {
            StoreError::Refused(error) => (**error).clone(),
            StoreError::Unavailable(_) => {
                let text = "the store is unavailable; try again with the same cid";
                ErrorData::new(ErrorCode::Unavailable, text).retry_after(RETRY_AFTER_MS)
            }
            StoreError::Internal(_) => ErrorData::new(ErrorCode::Internal, "internal error"),
        }
    }
}

impl From<ErrorData> for StoreError {
    fn from(error: ErrorData) -> Self {
        StoreError::Refused(Box::new(error))
    }
}
