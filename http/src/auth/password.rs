//! Password hashes: argon2id, off the workers, with a bound on how many are computed at once.
//!
//! The cost is OWASP's: 19 MiB, two passes. Checking takes the same time whether the account
//! exists or not.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use salon_protocol::{ErrorCode, ErrorData};
use tokio::sync::Semaphore;

/// Hashes that wait for their turn; above, `overloaded`.
const WAITING_MAX: usize = 256;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        PasswordCost { memory_kib: 19_456, passes: 2 }
    }
}

/// Computes hashes.
#[derive(Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Verified when there is no account, so that it takes the same time.
    nobody: String,
}

/// Too many wait already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswordBusy;

impl From<PasswordBusy> for ErrorData {
    fn from(_: PasswordBusy) -> Self {
        let text = "too many logins at once";
        ErrorData::new(ErrorCode::Overloaded, text).retry_after(1_000)
    }
}

impl Passwords {
    /// At most `parallel` at once. An error means that the cost makes no sense.
    pub fn new(cost: PasswordCost, parallel: usize) -> Result<Self, String> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None);
        let params = params.map_err(|error| format!("password cost: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon2.hash_password(b"nobody has this password");
        let nobody = nobody.map_err(|error| format!("password cost: {error}"))?.to_string();
        Ok(Passwords {
            argon2,
            running: Arc::new(Semaphore::new(parallel.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            nobody,
        })
    }

    /// The hash of a new password, in PHC form, computed at once: for the command line.
    pub fn hash_now(&self, password: &str) -> Result<String, String> {
        let hashed = self.argon2.hash_password(password.as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| error.to_string())
    }

    /// The hash of a new password, in PHC form.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordBusy> {
        let argon2 = self.argon2.clone();
        let hashed = self.run(move || argon2.hash_password(password.as_bytes())).await?;
        // The hash of any bytes can be computed; if not, nobody gets in.
        Ok(hashed.map(|hash| hash.to_string()).unwrap_or_default())
    }

    /// Whether a password has this hash; without a hash it takes as long, and is wrong.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordBusy> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let argon2 = self.argon2.clone();
        let right = self
            .run(move || argon2.verify_password(password.as_bytes(), hash.as_str()).is_ok())
            .await?;
        Ok(right && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordBusy> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordBusy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| PasswordBusy)?;
        let done = tokio::task::spawn_blocking(move || {
            let value = work();
            drop((waiting, running));
            value
        });
        done.await.map_err(|_| PasswordBusy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_has_its_own_hash_only() {
        let cost = PasswordCost { memory_kib: 8, passes: 1 };
        let passwords = Passwords::new(cost, 2).unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        let verify = |password: &str, hash: Option<&str>| {
            passwords.verify(password.into(), hash.map(str::to_owned))
        };
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!verify("nobody has this password", None).await.unwrap());
        assert_ne!(hash, passwords.hash("correct horse".into()).await.unwrap());
        assert!(Passwords::new(PasswordCost { memory_kib: 0, passes: 0 }, 1).is_err());
    }
}
