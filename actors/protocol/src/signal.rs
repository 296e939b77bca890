//! Signals: what is worth telling now and stands in no log. Whoever is away misses them; a socket
//! that is slow gets only the newest of each kind.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::envelope::{Raw, ServerEnvelope};
use crate::error_code::{ErrorCode, ErrorData};
use crate::event::PhotoStatusUpdated;
use crate::ids::{LogId, Millis, PhotoId, Seq, UploadId, UserId};

/// A signal as a client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The room that it is about, if any.
    pub room: Option<LogId>,
    /// What it says.
    pub data: SignalData,
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 2 + usize::from(self.room.is_some());
        let mut frame = serializer.serialize_struct("Signal", fields)?;
        frame.serialize_field("type", self.data.name())?;
        if let Some(room) = &self.room {
            frame.serialize_field("room", room)?;
        }
        frame.serialize_field("data", &self.data)?;
        frame.end()
    }
}

impl Signal {
    /// Reads a signal from the envelope of a frame. For clients.
    pub fn decode(envelope: &ServerEnvelope<'_>) -> Result<Signal, ErrorData> {
        let data = SignalData::from_raw(&envelope.kind, envelope.data)?;
        Ok(Signal { room: envelope.room, data })
    }
}

macro_rules! signals {
    ($($(#[doc = $doc:literal])* $name:literal $variant:ident($data:ty);)*) => {
        /// What a signal says.
        #[derive(Clone, Debug, PartialEq)]
        pub enum SignalData {
            $($(#[doc = $doc])* $variant($data),)*
        }

        impl SignalData {
            /// All signal types.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The frame type.
            pub const fn name(&self) -> &'static str {
                match self { $(SignalData::$variant(_) => $name,)* }
            }

            /// Decodes the data of a signal of type `kind`.
            pub fn from_raw(kind: &str, data: Raw<'_>) -> Result<SignalData, ErrorData> {
                match kind {
                    $($name => data.decode().map(SignalData::$variant),)*
                    _ => Err(ErrorData::new(ErrorCode::UnknownType, "not a signal")),
                }
            }
        }

        impl Serialize for SignalData {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(SignalData::$variant(data) => data.serialize(serializer),)* }
            }
        }

        #[cfg(feature = "schema")]
        pub(crate) fn schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<crate::schema::PushSchema> {
            vec![$(crate::schema::PushSchema {
                name: $name,
                about: concat!($($doc),*),
                data: generator.subschema_for::<$data>(),
            }),*]
        }
    };
}

signals! {
    /// A member has read up to `seq`.
    "message_read" MessageRead(CursorMoved);
    /// A member's device has got everything up to `seq`.
    "message_delivered" MessageDelivered(CursorMoved);
    /// A member is typing; show it for 5 s.
    "typing" Typing(Typing);
    /// A friend came or went.
    "presence" Presence(Presence);
    /// How many view a photo session.
    "session_viewers" SessionViewers(SessionViewers);
    /// How far an upload of one's own is, on all devices.
    "upload_progress" UploadProgress(UploadProgress);
    /// A variant of a photo is there.
    "photo_status_updated" PhotoStatusUpdated(PhotoStatusUpdated);
    /// Photos have other counts of likes and comments.
    "photo_counts" PhotoCounts(PhotoCounts);
    /// For those who work on a session: somebody's list has changed.
    "photo_selection" PhotoSelection(PhotoSelection);
}

/// Data of `message_read` and `message_delivered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CursorMoved {
    /// Whose cursor.
    pub user: UserId,
    /// Up to here.
    pub seq: Seq,
}

/// Data of `typing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Typing {
    /// Who.
    pub user: UserId,
}

/// Data of `presence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Presence {
    /// Who.
    pub user: UserId,
    /// On any device.
    pub online: bool,
    /// When he was last there, if he is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Millis>,
}

/// Data of `session_viewers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionViewers {
    /// Sockets that view it.
    pub viewers: u64,
}

/// Data of `upload_progress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UploadProgress {
    /// The upload.
    pub upload: UploadId,
    /// The name of the file.
    pub name: String,
    /// Bytes that are there.
    pub received: u64,
    /// Bytes in all.
    pub size: u64,
    /// Once it is a photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<PhotoId>,
}

/// The counts of one photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoCount {
    /// The photo.
    pub photo: PhotoId,
    /// By how many it is liked.
    pub likes: u64,
    /// How many comments it has.
    pub comments: u64,
}

/// Data of `photo_counts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoCounts {
    /// Those whose counts changed in the last second.
    pub photos: Vec<PhotoCount>,
}

/// Data of `photo_selection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoSelection {
    /// Whose list.
    pub user: UserId,
    /// Its name.
    pub list: String,
    /// Photos in it.
    pub count: u64,
}
