//! Accounts.

use async_trait::async_trait;
use salon_protocol::reply::PublicProfile;
use salon_protocol::{ErrorCode, ErrorData, Millis, UserId};
use serde_json::json;

use super::SqlStore;
use super::conn::{Row, args, blob_list, sql};
use super::rooms::INBOX;
use super::tx::Tx;
use crate::contract::{AccountName, Accounts};
use crate::error::{Result, StoreError};
use crate::model::{
    Account, AccountChange, AccountRole, AccountStatus, NewAccount, RoomKey, UserKey, UserRef,
};

const ACTIVE: i64 = 0;
const DISABLED: i64 = 1;
const DELETED: i64 = 2;

fn role_number(role: AccountRole) -> i64 {
    match role {
        AccountRole::User => 0,
        AccountRole::Admin => 1,
        AccountRole::Guest => 2,
    }
}

fn status_number(status: AccountStatus) -> i64 {
    match status {
        AccountStatus::Active => ACTIVE,
        AccountStatus::Disabled => DISABLED,
        AccountStatus::Deleted => DELETED,
    }
}

/// The columns that [`account_from`] reads, of `users u`.
macro_rules! account_columns {
    () => {
        "u.user_key, u.id, u.inbox_key, u.username, u.phone, u.password_hash, u.nickname, \
         u.avatar, u.bio, u.language, u.role, u.status, u.created_at"
    };
}
pub(super) use account_columns;

/// Reads an account from the first columns of a row.
pub(super) fn account_from(row: &Row) -> Result<Account> {
    Ok(Account {
        user: UserRef { key: UserKey(row.int(0)?), id: UserId::from_bytes(row.id(1)?) },
        inbox: RoomKey(row.int(2)?),
        username: row.opt_text(3)?,
        phone: row.opt_text(4)?,
        password_hash: row.opt_text(5)?,
        nickname: row.text(6)?,
        avatar: row.opt_text(7)?,
        bio: row.opt_text(8)?,
        language: row.opt_text(9)?,
        role: match row.int(10)? {
            0 => AccountRole::User,
            1 => AccountRole::Admin,
            2 => AccountRole::Guest,
            other => return Err(StoreError::Internal(format!("account role {other}"))),
        },
        status: match row.int(11)? {
            ACTIVE => AccountStatus::Active,
            DISABLED => AccountStatus::Disabled,
            DELETED => AccountStatus::Deleted,
            other => return Err(StoreError::Internal(format!("account status {other}"))),
        },
        created_at: row.int(12)?,
    })
}

/// The columns that [`public_from`] reads, of `users u`.
macro_rules! public_columns {
    () => {
        "u.id, u.nickname, u.avatar, u.bio, u.status"
    };
}
pub(super) use public_columns;

/// Reads a public profile from five columns of a row, beginning with `first`.
pub(super) fn public_from(row: &Row, first: usize) -> Result<PublicProfile> {
    let deleted = row.int(first + 4)? == DELETED;
    Ok(PublicProfile {
        id: UserId::from_bytes(row.id(first)?),
        nickname: if deleted { String::new() } else { row.text(first + 1)? },
        avatar: row.opt_text(first + 2)?.filter(|_| !deleted),
        bio: row.opt_text(first + 3)?.filter(|_| !deleted),
        deleted,
    })
}

/// The numbers of users, each once, in the order of their ids' first appearance. Refused with
/// `bad_request` when some are unknown or no longer active.
pub(super) async fn users_by_id(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<UserRef>> {
    let query = sql!(
        "SELECT user_key, id FROM users WHERE status = 0 AND id IN " [blobs "$1"]
    );
    let rows = tx.all(query, vec![blob_list(ids.iter().map(UserId::as_bytes))]).await?;
    let mut found = std::collections::HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(UserId::from_bytes(row.id(1)?), UserKey(row.int(0)?));
    }
    let unknown: Vec<UserId> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
    if !unknown.is_empty() {
        let error = ErrorData::new(ErrorCode::BadRequest, "some users do not exist");
        return Err(error.with_details(json!({ "users": unknown })).into());
    }
    let mut users = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(key) = found.remove(id) {
            users.push(UserRef { key, id: *id });
        }
    }
    Ok(users)
}

/// Users for `details.users`.
pub(super) fn users_json(users: &[UserRef]) -> Vec<UserId> {
    users.iter().map(|user| user.id).collect()
}

#[async_trait]
impl Accounts for SqlStore {
    async fn create_account(&self, new: NewAccount) -> Result<Account> {
        self.write(move |tx| Box::pin(create(tx, new))).await
    }

    async fn account(&self, name: AccountName) -> Result<Option<Account>> {
        let (query, arg) = match name {
            AccountName::Id(id) => (
                concat!("SELECT ", account_columns!(), " FROM users u WHERE u.id = $1"),
                args![id.as_bytes()],
            ),
            AccountName::Username(username) => (
                concat!("SELECT ", account_columns!(), " FROM users u WHERE u.username = $1"),
                args![username],
            ),
            AccountName::Phone(phone) => (
                concat!("SELECT ", account_columns!(), " FROM users u WHERE u.phone = $1"),
                args![phone],
            ),
        };
        let mut reader = self.reader().await?;
        reader.borrow().first(query, arg).await?.map(|row| account_from(&row)).transpose()
    }

    async fn update_account(&self, user: UserId, change: AccountChange) -> Result<Account> {
        self.write(move |tx| Box::pin(update(tx, user, change))).await
    }

    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<PublicProfile>> {
        let mut reader = self.reader().await?;
        let query = sql!("SELECT u.id, u.nickname, u.avatar, u.bio, u.status
             FROM users u WHERE u.id IN " [blobs "$1"]);
        let ids_list = blob_list(ids.iter().map(UserId::as_bytes));
        let mut found = std::collections::HashMap::new();
        for row in reader.borrow().all(query, vec![ids_list]).await? {
            let profile = public_from(&row, 0)?;
            found.insert(profile.id, profile);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    async fn search_users(
        &self,
        asker: UserId,
        q: &str,
        limit: usize,
    ) -> Result<Vec<PublicProfile>> {
        let fold = q.to_lowercase();
        // Everything that begins with `fold`, as a range of the index.
        let end = format!("{fold}\u{10FFFF}");
        let mut reader = self.reader().await?;
        let query = concat!(
            "SELECT ",
            public_columns!(),
            " FROM users u WHERE u.status = 0 AND u.role <> 2 AND u.id <> $1 AND
              (u.phone = $2 OR u.username = $3 OR (u.nickname_fold >= $3 AND u.nickname_fold < $4))
              ORDER BY u.nickname_fold, u.user_key LIMIT $5"
        );
        let params = args![asker.as_bytes(), q, fold, end, limit];
        let rows = reader.borrow().all(query, params).await?;
        rows.iter().map(|row| public_from(row, 0)).collect()
    }

    async fn save_last_seen(&self, seen: Vec<(UserId, Millis)>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for (user, at) in seen {
                    tx.execute(
                        "UPDATE users SET last_seen_at = $2 WHERE id = $1",
                        args![user.as_bytes(), at],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn create(tx: &mut Tx, new: NewAccount) -> Result<Account> {
    let taken = tx
        .first(
            "SELECT username = $1 FROM users WHERE username = $1 OR phone = $2",
            args![new.username.clone(), new.phone.clone()],
        )
        .await?;
    if taken.is_some() {
        return Err(ErrorData::new(ErrorCode::Conflict, "this name is taken").into());
    }
    // The inbox is a log like any other; its outer id is never shown.
    let inbox_id = *uuid::Uuid::now_v7().as_bytes();
    let inbox = tx
        .one(
            "INSERT INTO rooms (id, kind, created_at) VALUES ($1, $2, $3) RETURNING room_key",
            args![&inbox_id, INBOX, tx.now],
        )
        .await?;
    let params = args![
        new.id.as_bytes(),
        new.username,
        new.phone,
        new.password_hash,
        new.nickname.as_str(),
        new.nickname.to_lowercase(),
        role_number(new.role),
        inbox.int(0)?,
        tx.now,
    ];
    tx.execute(
        "INSERT INTO users (id, username, phone, password_hash, nickname, nickname_fold, role,
                            inbox_key, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params,
    )
    .await?;
    read(tx, new.id).await
}

async fn read(tx: &mut Tx, user: UserId) -> Result<Account> {
    let query = concat!("SELECT ", account_columns!(), " FROM users u WHERE u.id = $1");
    let row = tx.first(query, args![user.as_bytes()]).await?;
    let missing = || ErrorData::new(ErrorCode::NotFound, "there is no such user");
    account_from(&row.ok_or_else(missing)?)
}

async fn update(tx: &mut Tx, user: UserId, change: AccountChange) -> Result<Account> {
    let old = read(tx, user).await?;
    let keep = |new: Option<String>, old: Option<String>| match new {
        Some(text) => Some(text).filter(|text| !text.is_empty()),
        None => old,
    };
    let nickname = change.nickname.unwrap_or(old.nickname);
    let params = args![
        old.user.key,
        nickname.as_str(),
        nickname.to_lowercase(),
        keep(change.avatar, old.avatar),
        keep(change.bio, old.bio),
        keep(change.language, old.language),
        keep(change.password_hash, old.password_hash),
        role_number(change.role.unwrap_or(old.role)),
        status_number(change.status.unwrap_or(old.status)),
    ];
    tx.execute(
        "UPDATE users SET nickname = $2, nickname_fold = $3, avatar = $4, bio = $5, language = $6,
                          password_hash = $7, role = $8, status = $9
         WHERE user_key = $1",
        params,
    )
    .await?;
    read(tx, user).await
}
