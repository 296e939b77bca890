//! Friends and blocks.

use async_trait::async_trait;
use salon_protocol::event::{FriendRequested, FriendUpdated, OneFriend};
use salon_protocol::reply::{FriendItem, FriendRequestItem, FriendState, Friendship, Items};
use salon_protocol::request::Direction;
use salon_protocol::{ErrorCode, ErrorData, EventData, Millis, RoomId, UserId, limits};

use super::SqlStore;
use super::accounts::{public_columns, public_from};
use super::conn::{args, int_list, sql};
use super::cursor::Cursor;
use super::opening::WATCHERS;
use super::rooms::refresh_direct;
use super::tx::Tx;
use crate::contract::Friends;
use crate::error::Result;
use crate::model::{FriendChange, FriendChanged, InboxEvent, UserKey, UserRef};

const NONE: i64 = 0;
const REQUESTED: i64 = 1;
const ASKED: i64 = 2;
const FRIENDS: i64 = 3;

/// A request that was turned down may come again after this time.
const ASK_AGAIN_MS: Millis = 30 * 24 * 3600 * 1000;

fn state_from(number: i64) -> FriendState {
    match number {
        REQUESTED => FriendState::Requested,
        ASKED => FriendState::Asked,
        FRIENDS => FriendState::Friends,
        _ => FriendState::None,
    }
}

#[async_trait]
impl Friends for SqlStore {
    async fn change_friend(
        &self,
        by: UserRef,
        peer: UserId,
        change: FriendChange,
    ) -> Result<FriendChanged> {
        self.write(move |tx| Box::pin(apply(tx, by, peer, change))).await
    }

    async fn friends(
        &self,
        user: UserRef,
        blocked: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<FriendItem>> {
        let [after] = Cursor::<1>::parse(cursor)?.unwrap_or([0]);
        let mut reader = self.reader().await?;
        let query = concat!(
            "SELECT ",
            public_columns!(),
            ", f.remark, f.at, u.last_seen_at, f.peer_key
              FROM friends f JOIN users u ON u.user_key = f.peer_key
              WHERE f.user_key = $1 AND f.peer_key > $2
                AND ((f.state = 3 AND f.blocked = 0 AND $3 = 0) OR (f.blocked = 1 AND $3 = 1))
              ORDER BY f.peer_key LIMIT $4"
        );
        let params = args![user.key, after, blocked, limit + 1];
        let mut rows = reader.borrow().all(query, params).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let cursor = match rows.last() {
            Some(last) if more => Some(Cursor::write([last.int(8)?])),
            _ => None,
        };
        let items = rows
            .iter()
            .map(|row| {
                Ok(FriendItem {
                    user: public_from(row, 0)?,
                    remark: row.opt_text(5)?,
                    online: false,
                    last_seen: row.opt_int(7)?.filter(|_| !blocked),
                    since: row.int(6)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Items { items, cursor })
    }

    async fn friend_requests(
        &self,
        user: UserRef,
        direction: Direction,
        outgoing_since: Millis,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Items<FriendRequestItem>> {
        let [at, peer] = Cursor::<2>::parse(cursor)?.unwrap_or([i64::MAX; 2]);
        let (state, since) = match direction {
            Direction::Incoming => (ASKED, 0),
            Direction::Outgoing => (REQUESTED, outgoing_since),
        };
        let mut reader = self.reader().await?;
        let query = concat!(
            "SELECT ",
            public_columns!(),
            ", f.message, f.at, f.peer_key FROM friends f JOIN users u ON u.user_key = f.peer_key
              WHERE f.user_key = $1 AND f.state = $2 AND f.at >= $3 AND f.blocked = 0
                AND (f.at, f.peer_key) < ($4, $5)
              ORDER BY f.at DESC, f.peer_key DESC LIMIT $6"
        );
        let params = args![user.key, state, since, at, peer, limit + 1];
        let mut rows = reader.borrow().all(query, params).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let cursor = match rows.last() {
            Some(last) if more => Some(Cursor::write([last.int(6)?, last.int(7)?])),
            _ => None,
        };
        let items = rows
            .iter()
            .map(|row| {
                let user = public_from(row, 0)?;
                Ok(FriendRequestItem { user, message: row.opt_text(5)?, at: row.int(6)? })
            })
            .collect::<Result<_>>()?;
        Ok(Items { items, cursor })
    }

    async fn watchers(&self, user: UserRef) -> Result<Vec<UserId>> {
        let mut reader = self.reader().await?;
        let rows = reader.borrow().all(WATCHERS, vec![int_list([user.key.0])]).await?;
        rows.iter().map(|row| Ok(UserId::from_bytes(row.id(1)?))).collect()
    }
}

/// Those of `users` who block `by` or are blocked by him.
pub(super) async fn blocked_among(
    tx: &mut Tx,
    by: UserRef,
    users: &[UserRef],
) -> Result<Vec<UserRef>> {
    let query = sql!(
        "SELECT CASE WHEN user_key = $1 THEN peer_key ELSE user_key END FROM friends
         WHERE blocked = 1 AND ((user_key = $1 AND peer_key IN " [ints "$2"] ")
                             OR (peer_key = $1 AND user_key IN " [ints "$2"] "))"
    );
    among(tx, query, by, users).await
}

/// Those of `users` who are friends of `by`.
pub(super) async fn friends_among(
    tx: &mut Tx,
    by: UserRef,
    users: &[UserRef],
) -> Result<Vec<UserRef>> {
    let query = sql!(
        "SELECT peer_key FROM friends
         WHERE state = 3 AND user_key = $1 AND peer_key IN " [ints "$2"]
    );
    among(tx, query, by, users).await
}

async fn among(
    tx: &mut Tx,
    query: super::conn::Sql,
    by: UserRef,
    users: &[UserRef],
) -> Result<Vec<UserRef>> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let list = int_list(users.iter().map(|user| user.key.0));
    let rows = tx.all(query, vec![by.key.into(), list]).await?;
    let keys: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    Ok(users.iter().copied().filter(|user| keys.contains(&user.key.0)).collect())
}

/// One direction between two users.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    state: i64,
    blocked: bool,
    at: Millis,
}

async fn side(tx: &mut Tx, user: UserRef, peer: UserRef) -> Result<Side> {
    let row = tx
        .first(
            "SELECT state, blocked, at FROM friends WHERE user_key = $1 AND peer_key = $2",
            args![user.key, peer.key],
        )
        .await?;
    match row {
        Some(row) => Ok(Side { state: row.int(0)?, blocked: row.flag(1)?, at: row.int(2)? }),
        None => Ok(Side::default()),
    }
}

async fn set_state(
    tx: &mut Tx,
    user: UserRef,
    peer: UserRef,
    state: i64,
    message: Option<&str>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO friends (user_key, peer_key, state, message, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_key, peer_key)
         DO UPDATE SET state = $3, message = $4, at = $5,
                       remark = CASE WHEN $3 = 3 THEN friends.remark ELSE NULL END",
        args![user.key, peer.key, state, message.map(str::to_owned), tx.now],
    )
    .await?;
    Ok(())
}

/// Two users in the middle of a change.
struct Pair {
    by: UserRef,
    peer: UserRef,
    /// How the one who asks stands to the other.
    mine: Side,
    /// How the other stands to him.
    theirs: Side,
}

async fn apply(
    tx: &mut Tx,
    by: UserRef,
    peer: UserId,
    change: FriendChange,
) -> Result<FriendChanged> {
    if peer == by.id {
        return Err(ErrorData::field("user", "is yourself").into());
    }
    let query = "SELECT user_key FROM users WHERE id = $1 AND status <> 2 AND role <> 2";
    let row = tx.first(query, args![peer.as_bytes()]).await?;
    let row = row.ok_or_else(|| ErrorData::new(ErrorCode::NotFound, "there is no such user"))?;
    let peer = UserRef { key: UserKey(row.int(0)?), id: peer };
    let (mine, theirs) = (side(tx, by, peer).await?, side(tx, peer, by).await?);
    let pair = Pair { by, peer, mine, theirs };
    let inbox = match change {
        FriendChange::Request { message } => pair.request(tx, message).await?,
        FriendChange::Accept => pair.accept(tx).await?,
        FriendChange::Reject => pair.reject(tx).await?,
        FriendChange::Remove => pair.remove(tx).await?,
        FriendChange::Remark { remark } => pair.remark(tx, remark).await?,
        FriendChange::Block { on } => pair.block(tx, on).await?,
    };
    pair.outcome(tx, inbox).await
}

impl Pair {
    fn sees(mine: Side, theirs: Side) -> bool {
        mine.state == FRIENDS && !mine.blocked && !theirs.blocked
    }

    async fn outcome(&self, tx: &mut Tx, inbox: Vec<InboxEvent>) -> Result<FriendChanged> {
        let (mine, theirs) =
            (side(tx, self.by, self.peer).await?, side(tx, self.peer, self.by).await?);
        let (before, now) = (Pair::sees(self.mine, self.theirs), Pair::sees(mine, theirs));
        let direct: Option<RoomId> = refresh_direct(tx, self.by, self.peer).await?;
        Ok(FriendChanged {
            state: Friendship { state: state_from(mine.state), blocked: mine.blocked },
            inbox,
            direct,
            see_each_other: (before != now).then_some(now),
        })
    }

    async fn request(&self, tx: &mut Tx, message: Option<String>) -> Result<Vec<InboxEvent>> {
        if self.mine.blocked || self.theirs.blocked {
            let text = "this user does not take requests from you";
            return Err(ErrorData::new(ErrorCode::Forbidden, text).into());
        }
        match (self.mine.state, self.theirs.state) {
            (FRIENDS, _) => return Ok(Vec::new()),
            // He has asked, whether I turned it down since or not.
            (ASKED, _) | (NONE, REQUESTED) => return self.befriend(tx).await,
            (REQUESTED, ASKED) => return Ok(Vec::new()),
            (REQUESTED, _) if tx.now - self.mine.at < ASK_AGAIN_MS => return Ok(Vec::new()),
            _ => {}
        }
        self.check_count(tx, self.by).await?;
        set_state(tx, self.by, self.peer, REQUESTED, message.as_deref()).await?;
        set_state(tx, self.peer, self.by, ASKED, message.as_deref()).await?;
        let data = EventData::FriendRequested(FriendRequested { user: self.by.id, message });
        tx.tell(&[self.peer], self.by.key, &data).await
    }

    async fn check_count(&self, tx: &mut Tx, user: UserRef) -> Result<()> {
        let query = "SELECT count(*) FROM friends WHERE user_key = $1 AND state <> 0";
        let count = tx.one(query, args![user.key]).await?.number(0)?;
        if count >= limits::FRIENDS_MAX {
            let text = "there are too many friends and requests";
            return Err(ErrorData::new(ErrorCode::LimitReached, text).into());
        }
        Ok(())
    }

    async fn befriend(&self, tx: &mut Tx) -> Result<Vec<InboxEvent>> {
        set_state(tx, self.by, self.peer, FRIENDS, None).await?;
        set_state(tx, self.peer, self.by, FRIENDS, None).await?;
        self.tell_both(tx, EventData::FriendAccepted).await
    }

    async fn tell_both(
        &self,
        tx: &mut Tx,
        data: impl Fn(OneFriend) -> EventData,
    ) -> Result<Vec<InboxEvent>> {
        let mine = data(OneFriend { user: self.peer.id });
        let theirs = data(OneFriend { user: self.by.id });
        let mut told = tx.tell(&[self.by], self.by.key, &mine).await?;
        told.extend(tx.tell(&[self.peer], self.by.key, &theirs).await?);
        Ok(told)
    }

    async fn accept(&self, tx: &mut Tx) -> Result<Vec<InboxEvent>> {
        match self.mine.state {
            FRIENDS => Ok(Vec::new()),
            ASKED => {
                self.check_count(tx, self.by).await?;
                self.befriend(tx).await
            }
            _ => Err(ErrorData::new(ErrorCode::NotFound, "there is no such request").into()),
        }
    }

    /// Silent: the other one's side stays as it is, so that he does not learn of it.
    async fn reject(&self, tx: &mut Tx) -> Result<Vec<InboxEvent>> {
        if self.mine.state == ASKED {
            set_state(tx, self.by, self.peer, NONE, None).await?;
        }
        Ok(Vec::new())
    }

    async fn remove(&self, tx: &mut Tx) -> Result<Vec<InboxEvent>> {
        if self.mine.state == NONE {
            return Ok(Vec::new());
        }
        let were_friends = self.mine.state == FRIENDS;
        set_state(tx, self.by, self.peer, NONE, None).await?;
        set_state(tx, self.peer, self.by, NONE, None).await?;
        if !were_friends {
            // A request that is taken back.
            return Ok(Vec::new());
        }
        self.tell_both(tx, EventData::FriendRemoved).await
    }

    async fn remark(&self, tx: &mut Tx, remark: String) -> Result<Vec<InboxEvent>> {
        if self.mine.state != FRIENDS {
            return Err(ErrorData::new(ErrorCode::NotFound, "he is not a friend").into());
        }
        let stored = Some(remark.clone()).filter(|remark| !remark.is_empty());
        let changed = tx
            .execute(
                sql!(
                    "UPDATE friends SET remark = $3 WHERE user_key = $1 AND peer_key = $2
                     AND remark " [sqlite "IS NOT" postgres "IS DISTINCT FROM"] " $3"
                ),
                args![self.by.key, self.peer.key, stored],
            )
            .await?;
        if changed == 0 {
            return Ok(Vec::new());
        }
        let user = self.peer.id;
        let data = FriendUpdated { user, remark: Some(remark), blocked: None };
        tx.tell(&[self.by], self.by.key, &EventData::FriendUpdated(data)).await
    }

    async fn block(&self, tx: &mut Tx, on: bool) -> Result<Vec<InboxEvent>> {
        if self.mine.blocked == on {
            return Ok(Vec::new());
        }
        tx.execute(
            "INSERT INTO friends (user_key, peer_key, state, blocked, at) VALUES ($1, $2, 0, $3, $4)
             ON CONFLICT (user_key, peer_key) DO UPDATE SET blocked = $3",
            args![self.by.key, self.peer.key, on, tx.now],
        )
        .await?;
        let user = self.peer.id;
        let data = FriendUpdated { user, remark: None, blocked: Some(on) };
        tx.tell(&[self.by], self.by.key, &EventData::FriendUpdated(data)).await
    }
}
