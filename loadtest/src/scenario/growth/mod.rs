//! `growth`: what a delivery and a socket cost as there are more of them.
//!
//! `point` measures one size with a server of its own; here the sizes are gone through and put into
//! tables and a chart.
//!
//! Owns      the two series: sockets in one room, and rooms among the same people.
//! Promises  within a series only the size changes: fan-out has the same messages in flight, the
//!           chat the same people, the same members in each room and the same messages per second.
//!           All in one run, each size as often as asked, in turn.
//! Does not  judge: what stays flat is seen.

mod point;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use salon_protocol::limits::{ROOM_MEMBERS_MAX, ROOMS_NEWEST_MAX};
use serde_json::json;

use super::median;
use crate::arguments::{Common, seconds};
use crate::failure::Failure;
use crate::oracle::Verdict;
use crate::report::{Panel, Report, Table, readable, write_panels};
use crate::stage::{Stage, raise_descriptors};
use point::{Point, Size};

/// What is shown of each size: the name in JSON, for people, and where it is.
type Shown = (&'static str, &'static str, fn(&Point) -> f64);

const SHOWN: [Shown; 6] = [
    ("server_cpu_us_per_delivery", "CPU per delivery, µs", |point| point.cpu_us_per_delivery),
    ("deliveries_per_write", "deliveries per write", |point| point.deliveries_per_write),
    ("rss_bytes_per_socket", "memory per socket, bytes", |point| point.bytes_per_socket),
    ("deliveries_per_s", "deliveries/s", |point| point.deliveries_per_s),
    ("p50_ms", "p50 ms", |point| point.p50_ms),
    ("p99_ms", "p99 ms", |point| point.p99_ms),
];
/// Of these, the first so many are drawn.
const DRAWN: usize = 3;

/// Arguments of `growth`.
#[derive(Clone, Debug, Args)]
pub struct GrowthArguments {
    /// Numbers of sockets in the one room of the fan-out.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    pub sockets: Vec<usize>,
    /// Numbers of rooms in the chat.
    #[arg(long, value_name = "R,…", value_delimiter = ',',
          default_values_t = [1, 100, 1_000, 10_000])]
    pub rooms: Vec<usize>,
    /// Messages in flight in the fan-out; a message is done when all have it.
    #[arg(long, value_name = "W", default_value_t = 16)]
    pub window: u32,
    /// People of the chat, with one socket each, however many rooms there are.
    #[arg(long, value_name = "C", default_value_t = 1_000)]
    pub clients: usize,
    /// Members of each room of the chat.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub room_size: usize,
    /// Messages per second in the chat, by schedule.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 2_000)]
    pub rate: u64,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How long each size is measured.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub duration: Duration,
    /// Ends each size after so many messages.
    #[arg(long, value_name = "N")]
    pub messages: Option<u64>,
    /// How long the server may settle before a look at its memory.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub settle: Duration,
    /// How often all sizes are measured in turn.
    #[arg(long, value_name = "R", default_value_t = 1)]
    pub repeat: usize,
    /// Writes a chart to a file, as SVG.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub chart: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl GrowthArguments {
    fn check(&self) -> Result<(), Failure> {
        let GrowthArguments { clients, room_size, .. } = *self;
        let most = self.rooms.iter().copied().max().unwrap_or(0);
        let words = if self.common.url.is_some() || self.common.data_dir.is_some() {
            "growth starts every size with an empty server; leave out --url and --data-dir"
                .to_owned()
        } else if self.common.threads > 1 {
            "growth holds one core against one core; --threads is for connect, idle and chat"
                .to_owned()
        } else if self.sockets.is_empty() || self.rooms.is_empty() {
            "name at least one number of --sockets and one of --rooms".to_owned()
        } else if self.sockets.iter().any(|count| *count == 0 || *count as u64 > ROOM_MEMBERS_MAX) {
            format!("a room has 1 to {ROOM_MEMBERS_MAX} members; that is what --sockets may be")
        } else if self.rooms.contains(&0) || self.window == 0 || self.rate == 0 {
            "--rooms, --window and --rate are at least 1".to_owned()
        } else if room_size == 0 || room_size > clients {
            format!("{clients} people cannot be {room_size} in a room")
        } else if (most * room_size).div_ceil(clients) > ROOMS_NEWEST_MAX {
            format!(
                "{most} rooms of {room_size} are more than {ROOMS_NEWEST_MAX} for each of \
                 {clients} people, more than one sees; use more --clients"
            )
        } else {
            return Ok(());
        };
        Err(Failure::Usage(words))
    }

    fn sizes(&self) -> impl Iterator<Item = Size> + use<'_> {
        let sockets = self.sockets.iter().copied().map(Size::Sockets);
        sockets.chain(self.rooms.iter().copied().map(Size::Rooms))
    }
}

/// Plays it.
pub fn run(arguments: &GrowthArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    let sockets = arguments.sockets.iter().copied().max().unwrap_or(0);
    raise_descriptors(sockets.max(arguments.clients))?;
    let (mut points, mut verdict, mut broken) = (Vec::new(), Verdict::default(), Vec::new());
    let repeat = arguments.repeat.max(1);
    for turn in 1..=repeat {
        for size in arguments.sizes() {
            stage.live.phase(format!("{}, {turn} of {repeat}", size.words()));
            stage.target.interrupt.check()?;
            let measured = point::measure(arguments, stage, size)?;
            verdict.absorb(measured.verdict);
            let at = |what: String| format!("{}: {what}", size.words());
            broken.extend(measured.troubles.into_iter().map(at));
            points.push((size, measured.point));
        }
    }
    let report = report(arguments, stage, &points, verdict, broken);
    if let Some(path) = &arguments.chart {
        let panels = panels(arguments, &points);
        write_panels("What a delivery and a socket cost as work grows", &panels, DRAWN, path)?;
    }
    Ok(report)
}

fn report(
    arguments: &GrowthArguments,
    stage: &Stage,
    points: &[(Size, Point)],
    verdict: Verdict,
    broken: Vec<String>,
) -> Report {
    let GrowthArguments { window, clients, room_size, rate, .. } = arguments;
    let about = format!(
        "fan-out with {window} in flight to more and more sockets, chat of {clients} people at \
         {rate} messages/s in more and more rooms of {room_size}"
    );
    let mut report = stage.report("growth", about);
    report.settings.extend([
        ("sockets", json!(arguments.sockets)),
        ("rooms", json!(arguments.rooms)),
        ("window", json!(window)),
        ("clients", json!(clients)),
        ("room_size", json!(room_size)),
        ("rate_per_s", json!(rate)),
        ("text_bytes", json!(arguments.text_bytes)),
        ("repeat", json!(arguments.repeat)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
    ]);
    let sockets: Vec<_> = arguments.sockets.iter().copied().map(Size::Sockets).collect();
    let rooms: Vec<_> = arguments.rooms.iter().copied().map(Size::Rooms).collect();
    report.tables.push(table("Fan-out, by sockets in the room", "sockets", &sockets, points));
    report.tables.push(table("Chat, by rooms", "rooms", &rooms, points));
    for size in arguments.sizes() {
        let values = SHOWN.map(|(name, _, of)| (name.to_owned(), json!(middle(points, size, of))));
        let mut part = serde_json::Map::from_iter(values);
        part.insert("series".to_owned(), json!(size.series()));
        part.insert("size".to_owned(), json!(size.count()));
        report.parts.push(part.into());
    }
    report.verdict = Some(verdict);
    report.broken = broken;
    report
}

/// The median at one size.
fn middle(points: &[(Size, Point)], size: Size, of: fn(&Point) -> f64) -> f64 {
    let there = points.iter().filter(|(other, _)| *other == size);
    median(there.map(|(_, point)| of(point)).collect())
}

fn table(title: &str, first: &'static str, sizes: &[Size], points: &[(Size, Point)]) -> Table {
    let columns = std::iter::once(first).chain(SHOWN.map(|(_, label, _)| label)).collect();
    let row = |size: &Size| {
        let values = SHOWN.map(|(_, _, of)| readable(middle(points, *size, of)));
        let count = readable(size.count() as f64);
        let count = count.split('.').next().unwrap_or_default().to_owned();
        std::iter::once(count).chain(values).collect()
    };
    Table { title: title.to_owned(), columns, rows: sizes.iter().map(row).collect() }
}

/// A row of panels for each series.
fn panels(arguments: &GrowthArguments, points: &[(Size, Point)]) -> Vec<Panel> {
    let mut panels = Vec::new();
    for series in ["sockets", "rooms"] {
        let of = |size: &Size| size.series() == series;
        let mut sizes: Vec<_> = arguments.sizes().filter(of).collect();
        sizes.sort_by_key(|size| size.count());
        for (_, label, figure) in &SHOWN[..DRAWN] {
            let at = |size: &Size| (size.count() as f64, middle(points, *size, *figure));
            let x_label =
                if series == "sockets" { "sockets in one room, fan-out" } else { "rooms, chat" };
            let points = sizes.iter().map(at).collect();
            panels.push(Panel { title: (*label).to_owned(), x_label, points });
        }
    }
    panels
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    fn parsed(words: &str) -> GrowthArguments {
        let words = ["loadtest", "growth"].into_iter().chain(words.split_whitespace());
        match Arguments::parse_from(words).scenario {
            Scenario::Growth(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        assert!(parsed("").check().is_ok());
        assert_eq!(parsed("--sockets 5,7").sockets, [5, 7]);
        for words in [
            "--url http://127.0.0.1:1",
            "--data-dir /tmp",
            "--threads 2",
            "--sockets 0",
            "--sockets 100001",
            "--rooms 1,0",
            "--rooms 20001",
            "--room-size 1001",
            "--rate 0",
        ] {
            assert!(matches!(parsed(words).check(), Err(Failure::Usage(_))), "{words}");
        }
    }

    #[test]
    fn tables_and_panels_have_every_size_with_its_median() {
        let arguments = parsed("--sockets 10,100 --rooms 1,10");
        let point = |cpu_us_per_delivery| Point { cpu_us_per_delivery, ..Point::default() };
        let points: Vec<_> = [3.0, 1.0, 2.0]
            .into_iter()
            .flat_map(|cpu| arguments.sizes().map(move |size| (size, point(cpu))))
            .collect();
        let panels = panels(&arguments, &points);
        assert_eq!(panels.len(), 2 * DRAWN);
        assert_eq!(panels[0].points, [(10.0, 2.0), (100.0, 2.0)]);
        let sizes: Vec<_> = arguments.sizes().collect();
        let table = table("all", "size", &sizes, &points);
        let firsts: Vec<_> = table.rows.iter().map(|row| (&*row[0], &*row[1])).collect();
        assert_eq!(firsts, [("10", "2.00"), ("100", "2.00"), ("1", "2.00"), ("10", "2.00")]);
    }
}
