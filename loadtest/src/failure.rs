//! Why a run could not be done. Exit code 2, where a finding is exit code 1.
//!
//! Owns      the errors of the crate.
//! Promises  every message tells what to do.
//! Does not  judge the server: that is the oracle's.

use std::io;

/// By what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments do not go together, or ask for more than the machine has.
    #[error("{0}")]
    Usage(String),
    /// There is no server, or it does not start or answer.
    #[error("{0}")]
    NoServer(String),
    /// The server does something with which the scenario cannot go on.
    #[error("the server does not do what the scenario needs: {0}")]
    Server(String),
    /// The system refuses something.
    #[error("{doing}: {source}")]
    System {
        /// What was tried.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// Names what was tried when the system refused.
    pub fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        move |source| Failure::System { doing: doing.into(), source }
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Failure::System { doing: "a system call failed".to_owned(), source: error.into() }
    }
}
