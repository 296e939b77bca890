//! Who comes: passwords, access and refresh tokens, codes by phone.

mod password;
mod refresh;
mod revoked;
mod sms;
mod token;

pub use password::{PasswordCost, Passwords};
pub use refresh::RefreshTokens;
pub use revoked::Revoked;
pub use sms::{LogSms, SmsSender};
pub use token::{Secret, Tokens};

pub(crate) use password::PasswordBusy;
pub(crate) use revoked::REMEMBER_MS;
