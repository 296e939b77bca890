//! Sessions: how they are stored, and what somebody is in one.

use salon_protocol::photo::{Cameras, Permissions, PermissionsByRole, PhotoRole, Watermark};
use salon_protocol::reply::{Items, SessionInfo, SessionSettingsNow};
use salon_protocol::{ErrorCode, ErrorData, Millis, PhotoId, RoomId, Seq, UserId, limits, request};

use super::{LIVE, PENDING};
use crate::error::{Result, StoreError};
use crate::model::{RoomKey, RoomRef, SessionView, UserKey, UserRef, Visitor};
use crate::sql::conn::{Conn, Row, Sql, args, int_list, sql};
use crate::sql::cursor::Cursor;
use crate::sql::event_row::from_json;
use crate::sql::tail::Tail;

/// A session as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) room: RoomRef,
    pub(crate) owner: UserRef,
    pub(crate) title: String,
    pub(crate) cover: Option<PhotoId>,
    cover_live: bool,
    pub(crate) code_version: u32,
    pub(crate) media_version: u32,
    pub(crate) gate: bool,
    pub(crate) guests: bool,
    pub(crate) viewers_max: u64,
    /// 0: never.
    pub(crate) expires_at: Millis,
    pub(crate) closed_at: Option<Millis>,
    pub(crate) permissions: PermissionsByRole,
    pub(crate) watermark: Watermark,
    pub(crate) cameras: Cameras,
    downloads: u64,
    created_at: Millis,
    head: Seq,
}

/// Somebody in a session.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) session: Stored,
    pub(crate) user: UserRef,
    pub(crate) is_member: bool,
    pub(crate) role: PhotoRole,
    pub(crate) permissions: Permissions,
    pub(crate) muted_until: Millis,
}

/// A photo role as a number; 0 is none.
pub(crate) const fn role_number(role: PhotoRole) -> i64 {
    match role {
        PhotoRole::Guest => 0,
        PhotoRole::Client => 1,
        PhotoRole::Photographer => 2,
        PhotoRole::Editor => 3,
        PhotoRole::Owner => 4,
    }
}

pub(crate) fn role_from(number: i64) -> Result<PhotoRole> {
    match number {
        1 => Ok(PhotoRole::Client),
        2 => Ok(PhotoRole::Photographer),
        3 => Ok(PhotoRole::Editor),
        4 => Ok(PhotoRole::Owner),
        other => Err(StoreError::Internal(format!("photo role {other}"))),
    }
}

/// The columns that [`stored_from`] reads, with the membership of the user `$1` behind them.
macro_rules! session_sql {
    ($($filter:tt)*) => {
        sql!(
            "SELECT r.room_key, r.id, r.name, r.created_at, o.user_key, o.id, c.id, c.state,
                    s.code_version, s.media_version, s.gate, s.guests, s.viewers_max, s.expires_at,
                    s.closed_at, s.permissions, s.watermark, s.cameras, s.downloads, "
            [sqlite "COALESCE((SELECT event_key & 4294967295 FROM events
                      WHERE event_key > r.room_key << 32 AND event_key < (r.room_key + 1) << 32
                      ORDER BY event_key DESC LIMIT 1), 0)"
             postgres "r.head"]
            ", COALESCE(m.role, -1), COALESCE(m.photo_role, 0), COALESCE(m.muted_until, 0)
             FROM rooms r JOIN photo_sessions s ON s.room_key = r.room_key
             JOIN users o ON o.user_key = s.owner_key
             LEFT JOIN photos c ON c.photo_key = s.cover_key
             LEFT JOIN members m ON m.room_key = r.room_key AND m.user_key = $1
             WHERE r.closed_at IS NULL"
            $($filter)*
        )
    };
}

const ONE: Sql = session_sql!(" AND r.id = $2");
const MINE: Sql = session_sql!(
    " AND r.room_key < $2 AND r.room_key IN
         (SELECT room_key FROM members WHERE user_key = $1 AND role >= 0)
     ORDER BY r.room_key DESC LIMIT $3"
);

fn narrow(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| StoreError::Internal(format!("{number} is no version")))
}

fn stored_from(row: &Row) -> Result<Stored> {
    Ok(Stored {
        room: RoomRef { key: RoomKey(row.int(0)?), id: RoomId::from_bytes(row.id(1)?) },
        title: row.opt_text(2)?.unwrap_or_default(),
        created_at: row.int(3)?,
        owner: UserRef { key: UserKey(row.int(4)?), id: UserId::from_bytes(row.id(5)?) },
        cover: row.opt_id(6)?.map(PhotoId::from_bytes),
        cover_live: row.opt_int(7)? == Some(LIVE),
        code_version: narrow(row.int(8)?)?,
        media_version: narrow(row.int(9)?)?,
        gate: row.flag(10)?,
        guests: row.flag(11)?,
        viewers_max: row.number(12)?,
        expires_at: row.int(13)?,
        closed_at: row.opt_int(14)?,
        permissions: from_json(&row.text(15)?)?,
        watermark: from_json(&row.text(16)?)?,
        cameras: from_json(&row.text(17)?)?,
        downloads: row.number(18)?,
        head: row.number(19)?,
    })
}

/// What somebody is in a session. Refused with `forbidden` when he is nothing in it, and with `gone`
/// when his pass was good until it closed.
pub(crate) async fn viewer(
    conn: &mut Conn<'_>,
    who: Visitor,
    session: RoomId,
    now: Millis,
) -> Result<Viewer> {
    let row = conn.first(ONE, args![who.user.key, session.as_bytes()]).await?;
    let row = row.ok_or_else(ErrorData::forbidden_room)?;
    viewer_from(&row, who, now)
}

fn viewer_from(row: &Row, who: Visitor, now: Millis) -> Result<Viewer> {
    let session = stored_from(row)?;
    let is_member = row.int(20)? >= 0;
    let role = if is_member {
        role_from(row.int(21)?)?
    } else {
        session.admits(who, now)?;
        PhotoRole::Guest
    };
    let permissions = session.permissions.of(role);
    if !permissions.view {
        return Err(ErrorData::forbidden_room().into());
    }
    let muted_until = row.int(22)?;
    Ok(Viewer { session, user: who.user, is_member, role, permissions, muted_until })
}

/// The answer to whoever wants something of a session that has closed.
pub(crate) fn gone() -> ErrorData {
    ErrorData::new(ErrorCode::Gone, "the session has closed")
}

impl Stored {
    /// Whether a pass is good.
    fn admits(&self, who: Visitor, now: Millis) -> std::result::Result<(), ErrorData> {
        let pass = who.pass.filter(|pass| pass.code_version == self.code_version);
        let pass = pass.ok_or_else(ErrorData::forbidden_room)?;
        let expired = self.expires_at > 0 && self.expires_at <= now;
        if self.closed_at.is_some() || expired {
            return Err(gone());
        }
        if pass.guest && !self.guests {
            return Err(ErrorData::forbidden_room());
        }
        Ok(())
    }

    /// Refused with `gone` when it has closed.
    pub(crate) fn open(&self) -> std::result::Result<(), ErrorData> {
        if self.closed_at.is_some() { Err(gone()) } else { Ok(()) }
    }
}

impl Viewer {
    /// Refuses whoever has not at least this role.
    pub(crate) fn needs(&self, role: PhotoRole) -> std::result::Result<(), ErrorData> {
        if self.role >= role { Ok(()) } else { Err(not_allowed()) }
    }

    /// The smallest state of a photo that he sees, and the largest.
    pub(crate) const fn sees(&self) -> (i64, i64) {
        if self.role.is_staff() { (PENDING, super::HIDDEN) } else { (LIVE, LIVE) }
    }

    fn info(&self, counts: Counts, tail: &Tail) -> SessionInfo {
        let session = &self.session;
        let staff = self.role.is_staff();
        let tail_head = tail.head(session.room.key).map_or(0, |head| head.seq);
        SessionInfo {
            room: session.room.id,
            title: session.title.clone(),
            owner: session.owner.id,
            cover: session.cover.filter(|_| staff || session.cover_live),
            seq: session.head.max(tail_head),
            role: self.role,
            permissions: self.permissions,
            gate: session.gate,
            photos: counts.live,
            pending: if staff { counts.pending } else { 0 },
            viewers: 0,
            expires_at: Some(session.expires_at).filter(|at| *at > 0),
            closed_at: session.closed_at,
            created_at: session.created_at,
            media: None,
            grant: None,
            stale: false,
            settings: None,
        }
    }

    fn settings(&self) -> Option<SessionSettingsNow> {
        let session = &self.session;
        (self.role >= PhotoRole::Editor).then(|| SessionSettingsNow {
            code: String::new(),
            guests: session.guests,
            viewers_max: session.viewers_max,
            permissions: session.permissions,
            watermark: session.watermark.clone(),
            cameras: session.cameras.clone(),
            downloads: session.downloads,
        })
    }
}

/// What the role does not allow.
pub(crate) fn not_allowed() -> ErrorData {
    ErrorData::new(ErrorCode::Forbidden, "your role in this session does not allow it")
}

/// Photos of a session.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    live: u64,
    pending: u64,
}

async fn counts(
    conn: &mut Conn<'_>,
    rooms: &[RoomKey],
) -> Result<std::collections::HashMap<RoomKey, Counts>> {
    let query = sql!(
        "SELECT room_key, state, count(*) FROM photos
         WHERE room_key IN " [ints "$1"] " AND state IN (0, 1) GROUP BY room_key, state"
    );
    let mut counts = std::collections::HashMap::<RoomKey, Counts>::new();
    for row in conn.all(query, vec![int_list(rooms.iter().map(|room| room.0))]).await? {
        let of = counts.entry(RoomKey(row.int(0)?)).or_default();
        let count = row.number(2)?;
        if row.int(1)? == LIVE { of.live = count } else { of.pending = count }
    }
    Ok(counts)
}

pub(super) async fn view(
    conn: &mut Conn<'_>,
    tail: &Tail,
    who: Visitor,
    session: RoomId,
    now: Millis,
) -> Result<SessionView> {
    let viewer = viewer(conn, who, session, now).await?;
    let room = viewer.session.room;
    let counts = counts(conn, &[room.key]).await?.remove(&room.key).unwrap_or_default();
    let info = SessionInfo { settings: viewer.settings(), ..viewer.info(counts, tail) };
    let staff = staff(conn, room.key).await?;
    let Stored { watermark, code_version, media_version, viewers_max, .. } = viewer.session;
    Ok(SessionView { info, room, watermark, code_version, media_version, viewers_max, staff })
}

/// Those who work on a session.
pub(super) async fn staff(conn: &mut Conn<'_>, room: RoomKey) -> Result<Vec<UserId>> {
    let rows = conn
        .all(
            "SELECT u.id FROM members m JOIN users u ON u.user_key = m.user_key
             WHERE m.room_key = $1 AND m.role >= 0 AND m.photo_role >= 2 ORDER BY m.user_key",
            args![room],
        )
        .await?;
    rows.iter().map(|row| Ok(UserId::from_bytes(row.id(0)?))).collect()
}

pub(super) async fn mine(
    conn: &mut Conn<'_>,
    tail: &Tail,
    user: UserRef,
    page: request::Page,
    now: Millis,
) -> Result<Items<SessionInfo>> {
    let [before] = Cursor::<1>::parse(page.cursor.as_deref())?.unwrap_or([i64::MAX]);
    let limit = page.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    let mut rows = conn.all(MINE, args![user.key, before, limit + 1]).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let cursor = match rows.last() {
        Some(last) if more => Some(Cursor::write([last.int(0)?])),
        _ => None,
    };
    let mut viewers = Vec::with_capacity(rows.len());
    for row in &rows {
        match viewer_from(row, user.into(), now) {
            Ok(viewer) => viewers.push(viewer),
            // A client of a session that clients may not see now.
            Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let rooms: Vec<RoomKey> = viewers.iter().map(|viewer| viewer.session.room.key).collect();
    let counts = counts(conn, &rooms).await?;
    let info = |viewer: &Viewer| {
        let counts = counts.get(&viewer.session.room.key).copied().unwrap_or_default();
        viewer.info(counts, tail)
    };
    Ok(Items { items: viewers.iter().map(info).collect(), cursor })
}

pub(super) async fn by_code(
    conn: &mut Conn<'_>,
    code_hash: [u8; 32],
) -> Result<Option<(RoomId, u32)>> {
    let query = "SELECT r.id, s.code_version FROM photo_sessions s
                 JOIN rooms r ON r.room_key = s.room_key
                 WHERE s.code_hash = $1 AND r.closed_at IS NULL";
    let row = conn.first(query, args![&code_hash]).await?;
    row.map(|row| Ok((RoomId::from_bytes(row.id(0)?), narrow(row.int(1)?)?))).transpose()
}
