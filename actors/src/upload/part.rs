//! What is on disk of an upload.
//!
//! Promises  every function here may block, and is called where that is no harm; a file never has more than was
//!           written through here, and is read again from its beginning when it is opened.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use salon_pictures::{Claim, Inspection, Limits, inspect};
use salon_protocol::{ErrorCode, ErrorData, PhotoId, UploadId};

use crate::session::{refused, sha256};

/// Where a picture's size is looked for while it comes; what is behind it is found when it is complete.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// Where the bytes of a complete upload are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the folder of uploads.
    File(PathBuf),
    /// They were moved already, and the server ended before it was committed.
    Blob(PhotoId),
}

/// An upload's file.
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    received: u64,
    hash: digest::Context,
    /// Its beginning, until it is known to be a picture.
    head: Option<Vec<u8>>,
    mime: String,
    size: u64,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Part").field("received", &self.received).finish_non_exhaustive()
    }
}

/// Makes the folder of uploads.
pub(crate) fn folder_is_ready(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

fn path(folder: &Path, upload: UploadId) -> PathBuf {
    folder.join(upload.to_string())
}

/// Deletes an upload's file; one that is not there is no error.
pub(crate) fn remove(folder: &Path, upload: UploadId) -> Result<(), ErrorData> {
    match std::fs::remove_file(path(folder, upload)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(broken(&error)),
        _ => Ok(()),
    }
}

/// What the operator reads in the log, and the client need not know.
fn broken(error: &std::io::Error) -> ErrorData {
    tracing::warn!(error = %error, "an upload cannot be written");
    ErrorData::new(ErrorCode::Unavailable, "the upload cannot be written now").retry_after(2_000)
}

impl Part {
    /// Opens an upload's file, or begins it. `size` and `mime` are what the client says.
    pub(crate) fn open(
        folder: &Path,
        upload: UploadId,
        size: u64,
        mime: &str,
    ) -> Result<Part, ErrorData> {
        Self::try_open(folder, upload, size, mime).map_err(|error| broken(&error))
    }

    fn try_open(folder: &Path, upload: UploadId, size: u64, mime: &str) -> std::io::Result<Part> {
        let path = path(folder, upload);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut hash = sha256();
        let mut received = 0_u64;
        let mut head = Vec::new();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let bytes = &buffer[..count];
            hash.update(bytes);
            head.extend_from_slice(&bytes[..count.min(HEAD_BYTES_MAX - head.len())]);
            received += count as u64;
        }
        if received > size {
            // It was never written so by this server.
            file.set_len(0)?;
            return Self::try_open(folder, upload, size, mime);
        }
        let mime = mime.to_owned();
        Ok(Part { path, file, received, hash, head: Some(head), mime, size })
    }

    /// Bytes that are there.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes behind what is there. Refused for good when it turns out to be no picture.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<u64, ErrorData> {
        if let Err(error) = self.file.write_all(bytes) {
            // What was written of it does not count.
            let _ = self.file.set_len(self.received);
            return Err(broken(&error));
        }
        self.hash.update(bytes);
        self.received += bytes.len() as u64;
        self.recognise(bytes)?;
        Ok(self.received)
    }

    fn recognise(&mut self, bytes: &[u8]) -> Result<(), ErrorData> {
        let Some(head) = &mut self.head else { return Ok(()) };
        head.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX - head.len())]);
        let claim = Claim { mime: Some(&self.mime), bytes_total: self.size };
        match inspect(head, &claim, &Limits::default()) {
            Ok(Inspection::More) if head.len() < HEAD_BYTES_MAX => {}
            Ok(_) => self.head = None,
            Err(refusal) => return Err(refused(&refusal)),
        }
        Ok(())
    }

    /// SHA-256 of what is there, in lower case.
    pub(crate) fn sha256(&self) -> String {
        let digest = self.hash.clone().finish();
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Nothing of it is lost by a power cut from here on.
    pub(crate) fn sync(&self) -> Result<(), ErrorData> {
        self.file.sync_all().map_err(|error| broken(&error))
    }
}
