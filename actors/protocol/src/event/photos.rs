//! Events of live photo sessions.

use serde::{Deserialize, Serialize};

use crate::ids::{Millis, PhotoId, Seq, UserId};
use crate::photo::{PermissionsByRole, Photo, PhotoStatus};

/// Data of `new_photo`. One that was taken back since has only `photo` and `retracted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum NewPhoto {
    /// Viewers see it from now on. In pages and replays as it is now.
    Shown(Box<Photo>),
    /// It is not shown any more.
    Retracted(RetractedPhoto),
}

/// What is left of a photo in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RetractedPhoto {
    /// The photo.
    pub photo: PhotoId,
    /// True.
    pub retracted: bool,
}

/// Data of `photo_pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoPending {
    /// The photo.
    pub photo: PhotoId,
    /// Who added it.
    pub by: UserId,
}

/// Data of `photo_status_updated`, the event and the signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoStatusUpdated {
    /// The photo.
    pub photo: PhotoId,
    /// How far it is.
    pub status: PhotoStatus,
    /// The longer sides of the variants that are there.
    pub variants: Vec<u32>,
    /// With `failed`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Data of `photos_updated`: only what changed, the same for all photos but the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotosUpdated {
    /// The photos.
    pub photos: Vec<PhotoId>,
    /// Who did it.
    pub by: UserId,
    /// The new title; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The new tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Whether they are before all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// The new places, one for each photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<i64>>,
}

/// Data of `photo_deleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoDeleted {
    /// The photos.
    pub photos: Vec<PhotoId>,
    /// The events that showed them, where they were shown: those are shells now.
    pub targets: Vec<Seq>,
    /// Who did it.
    pub by: UserId,
    /// True: they are hidden, and may be shown again by another `new_photo`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Data of `session_updated`: only what changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionUpdated {
    /// Who did it.
    pub by: UserId,
    /// The new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The new cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<PhotoId>,
    /// Whether new photos wait for an editor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<bool>,
    /// Whether guests may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<bool>,
    /// When it closes; 0: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// What clients and guests may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<PermissionsByRole>,
    /// True: there is another code; whoever came by the old one is out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code: bool,
}

/// Why a session closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Its owner closed it.
    Closed,
    /// Its time is over.
    Expired,
    /// Its owner deleted it.
    Deleted,
}

/// Data of `session_closed`: for viewers the last event of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionClosed {
    /// Who did it; its owner, if nobody.
    pub by: UserId,
    /// Why.
    pub reason: CloseReason,
}
