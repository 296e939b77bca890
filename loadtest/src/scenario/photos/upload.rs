//! Uploads.
//!
//! Owns      what is under way, the window of chunks, and going on after a lost connection.
//! Promises  at most [`UPLOAD_WINDOW_CHUNKS`] chunks without an answer; whatever happens an upload is
//!           begun again with its cid, and goes on where the server says.
//! Does not  choose what the server says: what it refuses for good ends the run.

use salon_protocol::limits::UPLOAD_WINDOW_CHUNKS;
use salon_protocol::photo::Bytes;
use salon_protocol::reply::{PhotoMade, UploadAt, UploadBegun};
use salon_protocol::request::{OneUpload, PhotoUploadBegin, PhotoUploadChunk, Purpose};
use salon_protocol::{ErrorCode, ErrorData, UploadId};

use super::course::{Later, Show};
use crate::client::Net;
use crate::clock::{MILLISECOND_NS, SECOND_NS};
use crate::wire::Frame;

/// References of uploads are above: the upload's number four times, and what is asked.
pub(super) const REFERENCE: u64 = 1 << 32;
const BEGIN: u64 = 0;
const CHUNK: u64 = 1;
const COMMIT: u64 = 2;

/// How far an upload is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Upload {
    photographer: usize,
    /// Named by the server, since the connection was made.
    at: Option<(UploadId, usize)>,
    sent: u64,
    in_flight: usize,
    /// Most bytes that the server ever had.
    kept: u64,
    /// When the commit was sent last.
    pub(super) commit_ns: u64,
    pub(super) is_done: bool,
}

/// The name of the `number`-th file.
fn name(number: usize) -> String {
    format!("DSC_{number:06}.JPG")
}

/// The number in a file's name.
pub(super) fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix("DSC_")?.strip_suffix(".JPG")?.parse().ok()
}

impl Show<'_> {
    /// Begins what may begin.
    pub(super) fn begin_uploads(&mut self, net: &mut Net) {
        let arguments = self.scene.arguments;
        while self.uploads.len() < arguments.photos {
            let number = self.uploads.len();
            if let Some(rate) = arguments.rate {
                let due_ns = (number as f64 / rate * SECOND_NS as f64) as u64;
                if self.now_ns < self.tally.begun_ns + due_ns {
                    return;
                }
            }
            let busy = |who: &usize| self.slots[*who].len() < arguments.at_once;
            let turns = (0..arguments.photographers).map(|who| (who + number) % self.slots.len());
            let Some(photographer) = turns.into_iter().find(busy) else { return };
            self.slots[photographer].push(number);
            self.uploads.push(Upload { photographer, ..Upload::default() });
            self.oracle.begun();
            self.counts.messages += 1;
            self.begin_upload(net, number);
        }
    }

    /// Begins, or goes on; nothing happens while he is not connected: he begins when he is.
    pub(super) fn begin_upload(&mut self, net: &mut Net, number: usize) {
        let upload = &mut self.uploads[number];
        if upload.is_done {
            return;
        }
        (upload.at, upload.in_flight) = (None, 0);
        let tag = 1 + upload.photographer;
        let (Some(session), Some(id)) = (self.session, self.links.up(tag)) else { return };
        let begin = PhotoUploadBegin {
            session,
            cid: self.scene.cids.cid(number as u32, self.scene.begun_ms),
            name: name(number),
            size: self.scene.pictures.size(number),
            mime: "image/jpeg".to_owned(),
            sha256: self.scene.sums[number].clone(),
            purpose: Purpose::Photo,
        };
        let reference = REFERENCE + number as u64 * 4 + BEGIN;
        net.request(id, self.scene.target.encoding, "photo_upload_begin", reference, &begin);
    }

    /// He is connected.
    pub(super) fn resume_uploads(&mut self, net: &mut Net, photographer: usize) {
        for number in self.slots[photographer].clone() {
            self.tally.resumed += 1;
            self.begin_upload(net, number);
        }
    }

    /// An answer to a request of an upload.
    pub(super) fn upload_answered(&mut self, net: &mut Net, reference: u64, frame: Frame<'_>) {
        let (number, what) = ((reference - REFERENCE) / 4, (reference - REFERENCE) % 4);
        let number = number as usize;
        let Some(upload) = self.uploads.get_mut(number).filter(|upload| !upload.is_done) else {
            return;
        };
        let data = match frame {
            Frame::Ok { data, .. } => data,
            Frame::Error { error, .. } => return self.upload_refused(net, number, what, &error),
            _ => return,
        };
        let said = match what {
            BEGIN => data.decode().map(|begun: UploadBegun| {
                upload.at = Some((begun.upload, begun.chunk));
                upload.sent = begun.offset;
                begun.offset
            }),
            CHUNK => data.decode().map(|at: UploadAt| {
                upload.in_flight = upload.in_flight.saturating_sub(1);
                at.offset
            }),
            _ => {
                match data.decode() {
                    Ok(made) => self.upload_is_done(number, made),
                    Err(error) => self.fail(format!("photo_upload_commit: {}", error.message)),
                }
                return;
            }
        };
        match said {
            Ok(offset) => {
                let more = offset.saturating_sub(upload.kept);
                upload.kept += more;
                self.tally.received_bytes += more;
                self.push_chunks(net, number);
            }
            Err(error) => self.fail(format!("the answer about an upload: {}", error.message)),
        }
    }

    fn push_chunks(&mut self, net: &mut Net, number: usize) {
        let size = self.scene.pictures.size(number);
        let encoding = self.scene.target.encoding;
        let upload = &mut self.uploads[number];
        let Some(id) = self.links.up(1 + upload.photographer) else { return };
        let Some((name, chunk)) = upload.at else { return };
        let reference = REFERENCE + number as u64 * 4;
        while upload.in_flight < UPLOAD_WINDOW_CHUNKS && upload.sent < size {
            let bytes = self.scene.pictures.read(number, upload.sent, chunk);
            let len = bytes.len() as u64;
            let request =
                PhotoUploadChunk { upload: name, offset: upload.sent, bytes: Bytes(bytes) };
            net.request(id, encoding, "photo_upload_chunk", reference + CHUNK, &request);
            upload.sent += len;
            upload.in_flight += 1;
        }
        if upload.in_flight == 0 && upload.sent == size {
            upload.commit_ns = self.scene.target.clock.now_ns();
            let request = OneUpload { upload: name };
            net.request(id, encoding, "photo_upload_commit", reference + COMMIT, &request);
        }
    }

    fn upload_refused(&mut self, net: &mut Net, number: usize, what: u64, error: &ErrorData) {
        self.counts.errors += 1;
        let words = format!("{:?}: {}", error.code, error.message);
        *self.troubles.entry(words.clone()).or_default() += 1;
        // Chunks that are under way are refused in the same way; one new beginning heals all.
        let first = self.uploads[number].at.take().is_some() || what == BEGIN;
        match error.retry_after_ms {
            _ if !first => {}
            Some(ms) => self.later(ms * MILLISECOND_NS, Later::Upload(number)),
            None if error.code == ErrorCode::Conflict => self.begin_upload(net, number),
            None => self.fail(format!("the upload of a photo is refused: {words}")),
        }
    }

    fn upload_is_done(&mut self, number: usize, made: PhotoMade) {
        let upload = &mut self.uploads[number];
        upload.is_done = true;
        let (photographer, commit_ns) = (upload.photographer, upload.commit_ns);
        self.slots[photographer].retain(|slot| *slot != number);
        self.tally.commit.record_ns(self.now_ns.saturating_sub(commit_ns));
        self.oracle.committed(number, made.photo, made.seq);
        self.numbers.insert(made.photo, number);
        self.committed.push(made.photo);
        self.counts.acks += 1;
        self.drops_due += self.scene.arguments.drop;
        if self.committed.len() == self.scene.arguments.photos {
            self.tally.committed_ns = self.now_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_number() {
        assert_eq!(number_of(&name(17)), Some(17));
        assert_eq!(number_of("IMG_000017.JPG"), None);
    }
}
