//! Logins and codes.

use async_trait::async_trait;
use salon_protocol::limits::SESSIONS_PER_USER_MAX;
use salon_protocol::{ErrorCode, ErrorData, Millis, SessionId, UserId};

use super::SqlStore;
use super::accounts::{account_columns, account_from};
use super::conn::{Row, args};
use super::tx::Tx;
use crate::contract::{CodeCheck, EndedSession, NewSession, Rotation, Sessions, Which};
use crate::error::Result;
use crate::model::{AccountStatus, Session};

#[async_trait]
impl Sessions for SqlStore {
    async fn start_session(&self, new: NewSession) -> Result<Vec<SessionId>> {
        self.write(move |tx| Box::pin(start(tx, new))).await
    }

    async fn rotate_session(
        &self,
        id: SessionId,
        generation: u32,
        presented: [u8; 32],
        next: [u8; 32],
        expires_at: Millis,
    ) -> Result<Rotation> {
        self.write(move |tx| Box::pin(rotate(tx, id, generation, presented, next, expires_at)))
            .await
    }

    async fn end_sessions(&self, user: UserId, which: Which) -> Result<Vec<SessionId>> {
        self.write(move |tx| {
            Box::pin(async move {
                let open = open_sessions(tx, user).await?;
                let ended: Vec<SessionId> = open
                    .into_iter()
                    .map(|session| session.id)
                    .filter(|id| match which {
                        Which::One(one) => *id == one,
                        Which::All => true,
                        Which::AllBut(one) => *id != one,
                    })
                    .collect();
                end(tx, &ended).await?;
                Ok(ended)
            })
        })
        .await
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        let mut reader = self.reader().await?;
        let rows = reader.borrow().all(OPEN, args![user.as_bytes()]).await?;
        rows.iter().map(|row| session_from(row, 0)).collect()
    }

    async fn ended_sessions(&self, since: Millis) -> Result<Vec<EndedSession>> {
        let mut reader = self.reader().await?;
        let rows = reader
            .borrow()
            .all(
                "SELECT s.id, u.id, s.ended_at, u.status FROM sessions s
                 JOIN users u ON u.user_key = s.user_key
                 WHERE s.ended_at IS NOT NULL AND s.ended_at >= $1 ORDER BY s.ended_at",
                args![since],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(EndedSession {
                    id: SessionId::from_bytes(row.id(0)?),
                    user: UserId::from_bytes(row.id(1)?),
                    at: row.int(2)?,
                    disabled: row.flag(3)?,
                })
            })
            .collect()
    }

    async fn save_code(&self, phone: &str, hash: [u8; 32], pause_ms: Millis) -> Result<()> {
        let phone = phone.to_owned();
        self.write(move |tx| Box::pin(save_code(tx, phone, hash, pause_ms))).await
    }

    async fn check_code(
        &self,
        phone: &str,
        hash: [u8; 32],
        life_ms: Millis,
        tries_max: u32,
    ) -> Result<CodeCheck> {
        let phone = phone.to_owned();
        self.write(move |tx| Box::pin(check_code(tx, phone, hash, life_ms, tries_max))).await
    }
}

/// A user's open sessions, the most recently used first.
const OPEN: &str = "SELECT s.id, u.id, s.device, s.created_at, s.used_at, s.expires_at
    FROM sessions s JOIN users u ON u.user_key = s.user_key
    WHERE u.id = $1 AND s.ended_at IS NULL ORDER BY s.used_at DESC, s.created_at DESC";

fn session_from(row: &Row, first: usize) -> Result<Session> {
    Ok(Session {
        id: SessionId::from_bytes(row.id(first)?),
        user: UserId::from_bytes(row.id(first + 1)?),
        device: row.text(first + 2)?,
        created_at: row.int(first + 3)?,
        used_at: row.int(first + 4)?,
        expires_at: row.int(first + 5)?,
    })
}

async fn open_sessions(tx: &mut Tx, user: UserId) -> Result<Vec<Session>> {
    let rows = tx.all(OPEN, args![user.as_bytes()]).await?;
    rows.iter().map(|row| session_from(row, 0)).collect()
}

async fn end(tx: &mut Tx, ended: &[SessionId]) -> Result<()> {
    for id in ended {
        tx.execute("UPDATE sessions SET ended_at = $2 WHERE id = $1", args![id.as_bytes(), tx.now])
            .await?;
    }
    Ok(())
}

async fn start(tx: &mut Tx, new: NewSession) -> Result<Vec<SessionId>> {
    let open = open_sessions(tx, new.user).await?;
    let (same, others): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|session| session.device == new.device);
    let surplus = others.into_iter().skip(SESSIONS_PER_USER_MAX - 1);
    let ended: Vec<SessionId> = same.into_iter().chain(surplus).map(|session| session.id).collect();
    end(tx, &ended).await?;
    let inserted = tx
        .execute(
            "INSERT INTO sessions (id, user_key, device, created_at, used_at, expires_at,
                                   generation, refresh_hash)
             SELECT $1, user_key, $3, $4, $4, $5, 0, $6 FROM users WHERE id = $2 AND status = 0",
            args![
                new.id.as_bytes(),
                new.user.as_bytes(),
                new.device,
                tx.now,
                new.expires_at,
                &new.refresh_hash
            ],
        )
        .await?;
    if inserted == 0 {
        return Err(ErrorData::new(ErrorCode::Forbidden, "this account may not log in").into());
    }
    Ok(ended)
}

async fn rotate(
    tx: &mut Tx,
    id: SessionId,
    generation: u32,
    presented: [u8; 32],
    next: [u8; 32],
    expires_at: Millis,
) -> Result<Rotation> {
    let query = concat!(
        "SELECT ",
        account_columns!(),
        ", s.expires_at, s.ended_at, s.device, s.created_at
          FROM sessions s JOIN users u ON u.user_key = s.user_key WHERE s.id = $1"
    );
    let Some(row) = tx.first(query, args![id.as_bytes()]).await? else {
        return Ok(Rotation::Refused);
    };
    let account = account_from(&row)?;
    let ended = row.opt_int(14)?.is_some() || row.int(13)? <= tx.now;
    if ended || account.status != AccountStatus::Active {
        return Ok(Rotation::Refused);
    }
    // Compared where it is written: two nodes may have read the same one.
    let rotated = tx
        .execute(
            "UPDATE sessions SET generation = generation + 1, refresh_hash = $2, used_at = $3,
                                 expires_at = $4
             WHERE id = $1 AND generation = $5 AND refresh_hash = $6",
            args![id.as_bytes(), &next, tx.now, expires_at, i64::from(generation), &presented],
        )
        .await?;
    if rotated == 0 {
        // Genuine, but not the newest: it was spent, and whoever has the newest is not who has
        // this one.
        end(tx, &[id]).await?;
        return Ok(Rotation::Reused(account.user.id));
    }
    let session = Session {
        id,
        user: account.user.id,
        device: row.text(15)?,
        created_at: row.int(16)?,
        used_at: tx.now,
        expires_at,
    };
    Ok(Rotation::Rotated(Box::new(account), session))
}

async fn save_code(tx: &mut Tx, phone: String, hash: [u8; 32], pause_ms: Millis) -> Result<()> {
    let query = "SELECT sent_at FROM phone_codes WHERE phone = $1";
    if let Some(row) = tx.first(query, args![phone.as_str()]).await? {
        let wait_ms = row.int(0)? + pause_ms - tx.now;
        if wait_ms > 0 {
            let error = ErrorData::new(ErrorCode::RateLimited, "a code was sent a moment ago");
            return Err(error.retry_after(wait_ms).into());
        }
    }
    tx.execute(
        "INSERT INTO phone_codes (phone, code_hash, sent_at, tries) VALUES ($1, $2, $3, 0)
         ON CONFLICT (phone) DO UPDATE SET code_hash = $2, sent_at = $3, tries = 0",
        args![phone, &hash, tx.now],
    )
    .await?;
    Ok(())
}

async fn check_code(
    tx: &mut Tx,
    phone: String,
    hash: [u8; 32],
    life_ms: Millis,
    tries_max: u32,
) -> Result<CodeCheck> {
    // Counted before it is compared: two nodes may try at once.
    let counted = tx
        .execute(
            "UPDATE phone_codes SET tries = tries + 1
             WHERE phone = $1 AND tries < $2 AND sent_at >= $3",
            args![phone.as_str(), i64::from(tries_max), tx.now - life_ms],
        )
        .await?;
    if counted == 0 {
        return Ok(CodeCheck::Gone);
    }
    let query = "SELECT code_hash, tries FROM phone_codes WHERE phone = $1";
    let row = tx.one(query, args![phone.as_str()]).await?;
    let tries = u32::try_from(row.int(1)?).unwrap_or(tries_max);
    let right = aws_lc_rs::constant_time::verify_slices_are_equal(&row.blob(0)?, &hash).is_ok();
    if right {
        // Spent, but still there: it keeps the pause until the next one.
        tx.execute(
            "UPDATE phone_codes SET tries = $2 WHERE phone = $1",
            args![phone, i64::from(tries_max)],
        )
        .await?;
        return Ok(CodeCheck::Right);
    }
    Ok(CodeCheck::Wrong(tries_max.saturating_sub(tries)))
}
