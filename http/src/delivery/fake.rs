//! A store of photos for tests, in memory, and blobs in a folder of the test's own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use salon_actors::{MediaScope, SessionKeys};
use salon_protocol::photo::PhotoState;
use salon_protocol::{Cid, Millis, PhotoId, RoomId};
use salon_storage::blob::ObjectBlobs;
use salon_storage::contract::Blobs;
use salon_storage::model::{Download, PhotoFile};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Delivery, Files};

pub(crate) const NOW: Millis = 1_767_225_630_000;

/// A PNG of 3 by 2 pixels that says more than its pixels.
pub(crate) const PNG: &[u8] = include_bytes!("../../../actors/pictures/tests/it/tiny.png");

#[derive(Debug, Default)]
pub(crate) struct FakeFiles {
    pub(crate) photos: Mutex<HashMap<PhotoId, PhotoFile>>,
    pub(crate) downloads: Mutex<HashMap<Cid, Download>>,
    pub(crate) counted: Mutex<Vec<PhotoId>>,
}

#[async_trait]
impl Files for FakeFiles {
    async fn photo_file(&self, photo: PhotoId) -> salon_storage::Result<Option<PhotoFile>> {
        Ok(self.photos.lock().unwrap().get(&photo).cloned())
    }

    async fn download(&self, name: Cid) -> salon_storage::Result<Option<Download>> {
        Ok(self.downloads.lock().unwrap().get(&name).cloned())
    }

    async fn count_downloads(&self, photos: Vec<PhotoId>) -> salon_storage::Result<()> {
        self.counted.lock().unwrap().extend(photos);
        Ok(())
    }
}

/// A photo with the variants 400 and 2048.
pub(crate) fn file(name: &str, state: PhotoState) -> PhotoFile {
    let mime = if name.to_lowercase().ends_with("png") { "image/png" } else { "image/jpeg" };
    PhotoFile {
        photo: PhotoId::new(Uuid::now_v7()),
        session: RoomId::new(Uuid::now_v7()),
        media_version: 3,
        state: Some(state),
        name: name.into(),
        mime: mime.into(),
        bytes: 10,
        variants: vec![2048, 400],
    }
}

pub(crate) struct House {
    pub(crate) delivery: Delivery,
    pub(crate) files: Arc<FakeFiles>,
    pub(crate) folder: TempDir,
}

impl House {
    pub(crate) fn new() -> House {
        let (folder, files) = (tempfile::tempdir().unwrap(), Arc::new(FakeFiles::default()));
        let blobs: Arc<dyn Blobs> = Arc::new(ObjectBlobs::local(folder.path()).unwrap());
        let keys = SessionKeys::new(b"a secret of tests");
        House { delivery: Delivery::of(files.clone(), blobs, keys), files, folder }
    }

    /// Adds a photo with these bytes as all of its files, and a PNG as its original.
    pub(crate) async fn add(&self, file: &PhotoFile, bytes: &'static [u8]) {
        let (blob, blobs) = (file.photo.blob(), &self.delivery.blobs);
        blobs.put(blob, "original", Bytes::from_static(PNG)).await.unwrap();
        for side in &file.variants {
            blobs.put(blob, &side.to_string(), Bytes::from_static(bytes)).await.unwrap();
        }
        self.set(file);
    }

    pub(crate) fn set(&self, file: &PhotoFile) {
        self.files.photos.lock().unwrap().insert(file.photo, file.clone());
    }

    pub(crate) fn query(&self, file: &PhotoFile, scope: MediaScope) -> String {
        self.delivery.keys.media(file.session, file.media_version, scope, NOW).query
    }
}
