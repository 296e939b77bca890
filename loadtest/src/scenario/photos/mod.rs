//! `photos`: a live session. Photographers upload, viewers watch, the owner takes some back.
//!
//! Owns      how long it takes from a commit until every viewer has the photo and its first picture,
//!           and the judgement that everybody has the same in the end.
//! Promises  all files are made before the clock starts; every event of every viewer passes the
//!           oracle; pictures are fetched as a browser does, and must be gone when they are taken back.
//! Does not  look at what is in a picture.

mod arguments;
mod course;
mod fetch;
mod finish;
mod links;
mod pictures;
mod report;
mod tally;
mod upload;
mod watch;

use crate::clock::epoch_ms;
use crate::crowd::{Account, Target};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::names::Cids;
use crate::report::{Live, Report};
use crate::stage::{Stage, raise_descriptors};

pub use arguments::PhotosArguments;
use course::Show;
use pictures::Pictures;

/// What does not change while it plays.
struct Scene<'a> {
    arguments: &'a PhotosArguments,
    target: &'a Target,
    /// The owner, the photographers, the viewers.
    accounts: Vec<Account>,
    pictures: Pictures,
    /// SHA-256 of each file.
    sums: Vec<String>,
    cids: Cids,
    begun_ms: u64,
    live: &'a Live,
}

/// Plays it.
pub fn run(arguments: &PhotosArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    let people = 1 + arguments.photographers + arguments.viewers;
    raise_descriptors(people + arguments.fetch + 1)?;
    stage.live.phase(format!("making {} files", arguments.photos));
    let begun_ms = epoch_ms();
    let salt = begun_ms ^ stage.common.seed;
    let pictures = Pictures::make(arguments.megapixels, arguments.bytes(), salt)?;
    let sums = (0..arguments.photos).map(|number| pictures.sha256(number)).collect();
    let accounts = super::enrol_many(stage, people)?;
    let (target, live, progress) = (stage.target.clone(), stage.live.clone(), Progress::default());
    let scene = Scene {
        arguments,
        target: &target,
        accounts,
        pictures,
        sums,
        cids: Cids::new(salt),
        begun_ms,
        live: &live,
    };
    let mut server = stage.server.take();
    let played = {
        let (scene, progress, server) = (&scene, &progress, server.as_mut());
        stage.crew(progress, vec![move || Show::new(scene).play(progress, server)])
    };
    stage.server = server;
    let played = played?.into_iter().next().unwrap_or_default();
    Ok(report::report(arguments, stage, &scene.pictures, played))
}
