//! Login by phone: a code is sent, and shown again.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use salon_protocol::request::check_device;
use salon_protocol::{ErrorCode, ErrorData, Millis, UserId};
use salon_storage::StoreError;
use salon_storage::contract::{AccountName, CodeCheck};
use salon_storage::model::{Account, AccountRole, NewAccount};
use serde::Deserialize;
use uuid::Uuid;

use super::login::{LoggedIn, log_in};
use crate::error::{ApiError, ApiResult};
use crate::extract::{Body, Client};
use crate::limit::Act;
use crate::state::AppState;

/// A code is good for so long,
const LIFE_MS: Millis = 5 * 60 * 1_000;
/// for so many tries,
const TRIES_MAX: u32 = 5;
/// and the next one comes at the earliest so long after it.
const PAUSE_MS: Millis = 60 * 1_000;

/// Body of `POST /api/auth/code`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct SendCode {
    /// E.164 (`+8613800138000`), or a number of mainland China without its prefix.
    pub(crate) phone: String,
}

/// Body of `POST /api/auth/code/verify`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct VerifyCode {
    /// As when it was sent.
    pub(crate) phone: String,
    /// Six digits.
    pub(crate) code: String,
    /// 1 to 64 characters of `[A-Za-z0-9._-]`.
    #[serde(default)]
    pub(crate) device: Option<String>,
}

pub(crate) async fn send(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<SendCode>,
) -> ApiResult<HttpResponse> {
    state.limits.take(Act::Code, address)?;
    let phone = checked_phone(&body.phone)?;
    let code = random_code()?;
    state.store.save_code(&phone, hash(&phone, &code), PAUSE_MS).await?;
    if let Err(error) = state.sms.send(&phone, &code).await {
        tracing::error!(error, "a code was not sent");
        let error = ErrorData::new(ErrorCode::Unavailable, "the code could not be sent");
        return Err(error.retry_after(PAUSE_MS).into());
    }
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn verify(
    state: Data<AppState>,
    Client(address): Client,
    Body(body): Body<VerifyCode>,
) -> ApiResult<Json<LoggedIn>> {
    state.limits.take(Act::Login, address)?;
    let VerifyCode { phone, code, device } = body;
    let phone = checked_phone(&phone)?;
    device.as_deref().map_or(Ok(()), check_device)?;
    let check = state.store.check_code(&phone, hash(&phone, &code), LIFE_MS, TRIES_MAX).await?;
    match check {
        CodeCheck::Right => {}
        CodeCheck::Wrong(left) => {
            let error = ErrorData::new(ErrorCode::Unauthorized, "the code is wrong");
            let details = serde_json::json!({ "tries_left": left });
            return Err(error.with_details(details).into());
        }
        CodeCheck::Gone => {
            let text = "the code is too old or was tried too often; ask for another";
            return Err(ApiError::new(ErrorCode::Unauthorized, text));
        }
    }
    let account = find_or_make(&state, &phone).await?;
    Ok(Json(log_in(&state, &account, device).await?))
}

/// The account of a phone number; the first login makes it.
async fn find_or_make(state: &AppState, phone: &str) -> ApiResult<Account> {
    let name = AccountName::Phone(phone.to_owned());
    if let Some(account) = state.store.account(name.clone()).await? {
        return Ok(account);
    }
    // Nothing of the number: strangers see the name.
    let number = random_code()?;
    let new = NewAccount {
        id: UserId::new(Uuid::now_v7()),
        username: None,
        phone: Some(phone.to_owned()),
        password_hash: None,
        nickname: format!("user{number}"),
        role: AccountRole::User,
    };
    match state.store.create_account(new).await {
        Ok(account) => Ok(account),
        // Two logins at once: the other one has made it.
        Err(StoreError::Refused(error)) if error.code == ErrorCode::Conflict => {
            let account = state.store.account(name).await?;
            account.ok_or_else(|| ApiError::new(ErrorCode::Internal, "internal error"))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn random_code() -> ApiResult<String> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| ApiError::new(ErrorCode::Internal, "internal error"))?;
    Ok(format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000))
}

/// A code has a million values: its hash protects it from a look into the table, no more. Bound to
/// the phone, so that equal codes do not look equal.
fn hash(phone: &str, code: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, phone.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(hmac::sign(&key, code.as_bytes()).as_ref());
    hash
}

fn checked_phone(phone: &str) -> Result<String, ErrorData> {
    let text: String = phone.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('+') {
        Some(number) if digits(number) && (8..=15).contains(&number.len()) => Ok(text),
        None if digits(&text) && text.len() == 11 && text.starts_with('1') => {
            Ok(format!("+86{text}"))
        }
        _ => Err(ErrorData::field("phone", "expected a number such as +8613800138000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones() {
        assert_eq!(checked_phone("+49 (171) 123-4567").unwrap(), "+491711234567");
        assert_eq!(checked_phone("13800138000").unwrap(), "+8613800138000");
        for wrong in ["", "+", "123", "+12", "+1234567890123456", "0171123456", "+49x711234567"] {
            assert!(checked_phone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_are_six_digits_and_hashes_differ_by_phone() {
        for _ in 0..100 {
            let code = random_code().unwrap();
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert_ne!(hash("+491", "123456"), hash("+492", "123456"));
        assert_ne!(hash("+491", "123456"), hash("+491", "123457"));
    }
}
