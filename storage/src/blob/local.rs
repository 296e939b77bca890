//! What is done with local files directly.
//!
//! Owns      moving a finished file in without reading it, reading in pieces, and deleting a whole folder.
//! Promises  no file is seen under its name before it is whole and on disk; nothing waits for the disk on a
//!           thread that has other work.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use object_store::path::Path as ObjectPath;

use crate::contract::{BlobError, PIECE_BYTES_MAX, Reading};

/// The folder of a local store.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Folder { root: root.to_owned() }
    }

    fn place(&self, path: &ObjectPath) -> PathBuf {
        self.root.join(path.as_ref())
    }

    /// Moves a file to its place: a new name where the filesystem is the same, else a copy.
    pub(super) async fn take(&self, path: ObjectPath, file: &Path) -> Result<(), BlobError> {
        let (root, place, file) = (self.root.clone(), self.place(&path), file.to_owned());
        blocking(move || take(&root, &place, &file)).await
    }

    /// Opens a file and reads the first piece: most variants are no larger, and cost one change of threads.
    pub(super) async fn stream(
        &self,
        path: ObjectPath,
        range: Range<u64>,
    ) -> Result<Reading, BlobError> {
        let place = self.place(&path);
        let (size, first) = blocking(move || {
            let mut file = File::open(place)?;
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Err(ErrorKind::NotFound.into());
            }
            let end = range.end.min(meta.len());
            let start = range.start.min(end);
            if start > 0 {
                file.seek(SeekFrom::Start(start))?;
            }
            Ok((meta.len(), Part { file, left: end - start }.next()?))
        })
        .await?;
        let pieces = stream::try_unfold(Step::Have(first), |step| async move {
            let found = match step {
                Step::Have(found) => found,
                Step::Read(part) if part.left == 0 => None,
                Step::Read(part) => blocking(move || part.next()).await?,
            };
            Ok(found.map(|(bytes, part)| (bytes, Step::Read(part))))
        });
        Ok(Reading { size, pieces: pieces.boxed() })
    }

    /// Removes a folder with all that is in it.
    pub(super) async fn delete(&self, path: ObjectPath) -> Result<(), BlobError> {
        let place = self.place(&path);
        blocking(move || match fs::remove_dir_all(place) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

/// What is still to be read of an open file.
struct Part {
    file: File,
    left: u64,
}

enum Step {
    /// The first piece was read when the file was opened.
    Have(Option<(Bytes, Part)>),
    Read(Part),
}

impl Part {
    fn next(mut self) -> io::Result<Option<(Bytes, Part)>> {
        let length = self.left.min(PIECE_BYTES_MAX as u64);
        if length == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(length as usize);
        self.file.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= length;
        Ok(Some((bytes.into(), self)))
    }
}

fn take(root: &Path, place: &Path, file: &Path) -> io::Result<()> {
    let folder = place.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // The bytes before the name: a name that survives a power cut must not be of an empty file.
    File::open(file)?.sync_all()?;
    match fs::rename(file, place) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => copy(file, place)?,
        other => other?,
    }
    // The name, and the names of the folders above, which may be new.
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// From another filesystem. Under a name that the store takes for none until it is whole.
fn copy(file: &Path, place: &Path) -> io::Result<()> {
    let mut name = place.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push("#0");
    let unfinished = place.with_file_name(name);
    fs::copy(file, &unfinished)?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, place)?;
    fs::remove_file(file)
}

/// Does what waits for the disk on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Err(BlobError::NotFound),
        Ok(Err(error)) => Err(BlobError::Unavailable(error.to_string())),
        Err(error) => Err(BlobError::Unavailable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_filesystem_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (file, place) = (folder.path().join("upload"), folder.path().join("original"));
        fs::write(&file, b"0123456789").unwrap();
        copy(&file, &place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"0123456789");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
