//! What can be asked of `photos`.
//!
//! Owns      its flags, and which of them go together.
//! Promises  what cannot be played is refused before anything begins.
//! Does not  decide when something happens.

use clap::Args;
use salon_protocol::limits::{PHOTOS_PER_SESSION_MAX, UPLOAD_BYTES_MAX, UPLOADS_PER_USER_MAX};

use crate::arguments::Common;
use crate::failure::Failure;

/// Arguments of `photos`.
#[derive(Clone, Debug, Args)]
pub struct PhotosArguments {
    /// Members who upload.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub photographers: usize,
    /// People who came by the code, with one socket each.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub viewers: usize,
    /// Photos in all.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub photos: usize,
    /// Uploads begun per second in all. Default: as one ends the next one begins.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// Uploads of each photographer at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub at_once: usize,
    /// Size of a picture in millions of pixels.
    #[arg(long, value_name = "MP", default_value_t = 12.0)]
    pub megapixels: f64,
    /// Size of a file, about. Default: a third of a byte for each pixel.
    #[arg(long, value_name = "BYTES")]
    pub bytes: Option<u64>,
    /// Photos that the owner takes back in between: every other one is hidden, the rest deleted.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub retract: usize,
    /// With each photo, so many viewers lose their connection and come back.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub drop: usize,
    /// Viewers who fetch the picture of 400 pixels of every photo.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub fetch: usize,
    /// Kills the server so often (SIGKILL) while files come and are processed, and starts it again;
    /// the last time, of several, when all files have come.
    #[arg(long, value_name = "TIMES", num_args = 0..=1, require_equals = true,
          default_missing_value = "3", conflicts_with = "url")]
    pub kill: Option<u32>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl PhotosArguments {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let words = if self.common.threads > 1 {
            "photos plays in one thread; --threads is for connect, idle and chat".into()
        } else if self.photographers == 0 || self.viewers == 0 {
            "photos needs at least one photographer and one viewer".into()
        } else if self.photos == 0 || self.photos as u64 > PHOTOS_PER_SESSION_MAX {
            format!("--photos is 1 to {PHOTOS_PER_SESSION_MAX}")
        } else if !(1..=UPLOADS_PER_USER_MAX).contains(&self.at_once) {
            format!("--at-once is 1 to {UPLOADS_PER_USER_MAX}")
        } else if !(0.01..=100.0).contains(&self.megapixels) {
            "--megapixels is 0.01 to 100".into()
        } else if !(1_000..=UPLOAD_BYTES_MAX / 2).contains(&self.bytes()) {
            format!("--bytes is 1000 to {}", UPLOAD_BYTES_MAX / 2)
        } else if self.retract > self.photos {
            "--retract is more than --photos".into()
        } else if self.rate.is_some_and(|rate| !(0.001..=10_000.0).contains(&rate)) {
            "--rate is 0.001 to 10000 per second".into()
        } else {
            return Ok(());
        };
        Err(Failure::Usage(words))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.unwrap_or_else(|| ((self.megapixels * 1e6 / 3.0) as u64).max(1_000))
    }

    pub(super) fn kills(&self) -> u32 {
        self.kill.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    fn parsed(words: &str) -> PhotosArguments {
        let words = ["loadtest", "photos"].into_iter().chain(words.split_whitespace());
        match Arguments::parse_from(words).scenario {
            Scenario::Photos(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        assert!(parsed("").check().is_ok() && parsed("--megapixels 0.01").check().is_ok());
        assert_eq!((parsed("").bytes(), parsed("").kills()), (4_000_000, 0));
        assert_eq!((parsed("--kill").kills(), parsed("--kill=1").kills()), (3, 1));
        for words in [
            "--threads 2",
            "--photographers 0",
            "--viewers 0",
            "--photos 0",
            "--at-once 5",
            "--megapixels 0",
            "--bytes 10",
            "--photos 5 --retract 6",
            "--rate 0",
        ] {
            assert!(matches!(parsed(words).check(), Err(Failure::Usage(_))), "{words}");
        }
    }
}
