//! What changes a session's log: who may, and the way to it.

use salon_protocol::photo::PhotoRole;
use salon_protocol::{ErrorCode, ErrorData};

use super::sessions::{self, Viewer, gone, not_allowed};
use super::{add, edit, people, say, settings};
use crate::error::Result;
use crate::model::{Change, Committed, Pass, PhotoChange, Visitor};
use crate::sql::conn::args;
use crate::sql::log::{self, Scene};
use crate::sql::tx::{Head, Tx};

/// Somebody who wants to change a session.
pub(super) struct Actor {
    pub(super) scene: Scene,
    pub(super) viewer: Viewer,
    pub(super) head: Head,
}

/// Applies a change to a session: one that only sessions know, or what any room knows and sessions have.
pub(crate) async fn apply(
    tx: &mut Tx,
    mut scene: Scene,
    head: Head,
    pass: Option<Pass>,
    change: Change,
) -> Result<Committed> {
    if let Change::Photos(change) = &change
        && let PhotoChange::Processed { photo, variants, failed } = &**change
    {
        return add::processed(tx, &scene, *photo, variants, failed.clone()).await;
    }
    let who = Visitor { user: scene.by, pass };
    let now = tx.now;
    let viewer = sessions::viewer(&mut tx.conn.borrow(), who, scene.room.id, now).await?;
    if !viewer.is_member {
        // He says something like a member, and has no other rights of one.
        scene.rank = 0;
    }
    let actor = Actor { scene, viewer, head };
    match change {
        Change::Photos(change) => photo_change(tx, &actor, *change).await,
        Change::Recall { .. } => log::message(tx, &actor.scene, change).await,
        Change::Edit { .. } | Change::React { .. } => {
            actor.may_comment()?;
            log::message(tx, &actor.scene, change).await
        }
        Change::Leave | Change::Kick { .. } => people::remove(tx, &actor, change).await,
        Change::Mute { user, until } => people::mute(tx, &actor, user, until).await,
        _ => {
            let text = "a photo session has no such thing";
            Err(ErrorData::new(ErrorCode::Forbidden, text).into())
        }
    }
}

async fn photo_change(tx: &mut Tx, actor: &Actor, change: PhotoChange) -> Result<Committed> {
    match change {
        PhotoChange::Update { update, code } => settings::update(tx, actor, update, code).await,
        PhotoChange::Close { reason } => settings::close(tx, actor, reason).await,
        PhotoChange::Member { user, role } => people::member(tx, actor, user, role).await,
        PhotoChange::Add(photo) => add::add(tx, actor, *photo).await,
        PhotoChange::Edit(update) => edit::edit(tx, actor, update).await,
        PhotoChange::Delete { photos } => edit::delete(tx, actor, photos).await,
        PhotoChange::Say { cid, content } => say::say(tx, actor, cid, content).await,
        PhotoChange::Processed { .. } => unreachable!("handled before"),
    }
}

impl Actor {
    /// Refuses whoever has not at least this role.
    pub(super) fn needs(&self, role: PhotoRole) -> std::result::Result<(), ErrorData> {
        self.viewer.needs(role)
    }

    /// Refuses whoever may not say anything.
    pub(super) fn may_comment(&self) -> std::result::Result<(), ErrorData> {
        if self.viewer.permissions.comment { Ok(()) } else { Err(not_allowed()) }
    }

    /// Refused with `gone` when the session has closed.
    pub(super) fn open(&self) -> std::result::Result<(), ErrorData> {
        if self.viewer.session.closed_at.is_some() { Err(gone()) } else { Ok(()) }
    }

    /// The answer when everything is so already.
    pub(super) fn already(&self) -> Committed {
        Committed { at: self.head.at, ..Scene::already(self.head.seq) }
    }
}

/// Signatures that were given until now are good no more.
pub(super) async fn lower(tx: &mut Tx, scene: &Scene) -> Result<()> {
    let query = "UPDATE photo_sessions SET media_version = media_version + 1 WHERE room_key = $1";
    tx.execute(query, args![scene.room.key]).await?;
    Ok(())
}
