//! What `photos` says.
//!
//! Owns      names and units of its figures.
//! Promises  what was not measured is not shown.
//! Does not  measure.

use serde_json::json;

use super::PhotosArguments;
use super::pictures::Pictures;
use super::tally::Tally;
use crate::clock::{MILLISECOND_NS, SECOND_NS};
use crate::report::Report;
use crate::stage::Stage;

pub(super) fn report(
    arguments: &PhotosArguments,
    stage: &Stage,
    pictures: &Pictures,
    tally: Tally,
) -> Report {
    let PhotosArguments { photographers, viewers, photos, megapixels, .. } = arguments;
    let about = format!(
        "{photographers} photographers upload {photos} photos of {megapixels} megapixels and {} kB \
         for {viewers} viewers",
        pictures.size(0) / 1_000
    );
    let mut report = stage.report("photos", about);
    report.settings.extend([
        ("photographers", json!(photographers)),
        ("viewers", json!(viewers)),
        ("photos", json!(photos)),
        ("rate_per_s", json!(arguments.rate)),
        ("at_once", json!(arguments.at_once)),
        ("megapixels", json!(megapixels)),
        ("bytes", json!(pictures.size(0))),
        ("retract", json!(arguments.retract)),
        ("drop", json!(arguments.drop)),
        ("fetch", json!(arguments.fetch)),
        ("kill", json!(arguments.kills())),
    ]);
    figures(&mut report, *photos as f64, &tally);
    for (name, label, latency) in [
        ("commit", "commit to its answer", &tally.commit),
        ("new_photo", "commit to new_photo", &tally.new_photo),
        ("first_picture", "commit to the picture of 400", &tally.first_picture),
        ("photo_deleted", "taking back to photo_deleted", &tally.deleted),
        ("fetch", "fetching a picture of 400", &tally.fetched),
    ] {
        report.distribution(name, label, latency.summary());
    }
    if arguments.kills() > tally.kills {
        report.broken.push(format!("the server was killed but {} times", tally.kills));
    }
    report.verdict = Some(tally.verdict);
    report.broken.extend(tally.broken);
    report
}

fn figures(report: &mut Report, photos: f64, tally: &Tally) {
    let since = |end_ns: u64| end_ns.saturating_sub(tally.begun_ns).max(1) as f64;
    let (uploading, all) = (since(tally.committed_ns), since(tally.settled_ns));
    let second = SECOND_NS as f64;
    report.figure("uploads_per_s", "photos committed/s", photos * second / uploading);
    let bytes = tally.received_bytes as f64;
    report.figure("upload_mb_per_s", "uploaded, MB/s", bytes / 1e6 * second / uploading);
    report.figure("ready_per_s", "photos ready at all viewers/s", photos * second / all);
    let usage = &tally.usage;
    if usage.cpu_ns > 0 {
        let cpu_ms = usage.cpu_ns as f64 / MILLISECOND_NS as f64 / photos;
        report.figure("server_cpu_ms_per_photo", "server CPU per photo, ms", cpu_ms);
        let (before, peak) = (usage.before_bytes as f64 / 1e6, usage.peak_bytes as f64 / 1e6);
        report.figure("server_rss_before_mb", "server memory before, MB", before);
        report.figure("server_rss_peak_mb", "server memory at most, MB", peak);
    }
    let count = tally.fetched.count() as f64;
    report.figure("pictures_fetched", "pictures fetched", count);
    if count > 0.0 {
        let mean = tally.fetched_bytes as f64 / 1e3 / count;
        report.figure("picture_kb", "  kB of each", mean);
    }
    for (name, label, value) in [
        ("retracted", "photos taken back", tally.verdict.totals.recalls),
        ("pictures_gone", "pictures that answer 410", tally.refused),
        ("viewers_dropped", "viewers who lost their connection", tally.drops),
        ("server_kills", "times the server was killed", u64::from(tally.kills)),
        ("uploads_resumed", "uploads that went on", tally.resumed),
    ] {
        if value > 0 {
            report.figure(name, label, value as f64);
        }
    }
}
