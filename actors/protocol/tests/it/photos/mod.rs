//! Vectors of live photo sessions.

pub(crate) mod answers;
pub(crate) mod pushes;
pub(crate) mod refused;
pub(crate) mod requests;

use salon_protocol::photo::{Photo, PhotoStatus};

use crate::people::*;

/// As viewers are told of it at first.
pub(crate) fn new_photo() -> Photo {
    Photo {
        photo: photo(1),
        by: bob(),
        name: "DSC_0001.JPG".into(),
        title: None,
        tags: Vec::new(),
        width: 6_000,
        height: 4_000,
        thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI".into(),
        colour: "#7a8fa0".into(),
        taken_at: Some(AT - 5_000),
        order: 1_024,
        pinned: false,
        status: PhotoStatus::Processing,
        variants: Vec::new(),
        state: None,
        seq: None,
        likes: None,
        comments: None,
        selected: None,
        liked: false,
        lists: Vec::new(),
    }
}
