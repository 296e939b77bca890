//! `floor-bench` (hidden): what the machine can do, without any server.
//!
//! Owns      nothing of its own: it is `fanout` without the server.
//! Promises  the same figures as the floor's rows in `fanout`.
//! Does not  need a server.

use clap::Args;

use super::fanout::{FanoutArguments, Part, Results, comparison, measure_floor};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::floor::Mode;
use crate::measure::Progress;
use crate::report::{Report, Table};
use crate::stage::{Stage, raise_descriptors};

/// Arguments of `floor-bench`.
#[derive(Clone, Debug, Args)]
pub struct FloorBenchArguments {
    /// Windows to measure, separated by commas.
    #[arg(long, value_name = "W,…", default_value = "1,16,64", value_delimiter = ',')]
    pub windows: Vec<u32>,
    /// Sockets.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub sockets: usize,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How long each part is measured.
    #[arg(long, value_name = "SECONDS", default_value = "3",
          value_parser = crate::arguments::seconds)]
    pub duration: std::time::Duration,
    /// How often.
    #[arg(long, value_name = "R", default_value_t = 3)]
    pub repeat: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

/// Plays it.
pub fn run(arguments: &FloorBenchArguments, stage: &mut Stage) -> Result<Report, Failure> {
    raise_descriptors(arguments.sockets)?;
    let about = format!("{} sockets, a bare loop", arguments.sockets);
    let mut tables: Vec<Table> = Vec::new();
    let mut broken = Vec::new();
    for window in &arguments.windows {
        let fanout = FanoutArguments {
            sockets: arguments.sockets,
            window: *window,
            text_bytes: arguments.text_bytes,
            duration: arguments.duration,
            messages: None,
            repeat: arguments.repeat,
            no_floor: false,
            common: arguments.common.clone(),
        };
        let progress = Progress::default();
        let (target, live) = (stage.target.clone(), stage.live.clone());
        let part = Part { arguments: &fanout, target: &target, live: &live, progress: &progress };
        let bench = || {
            let mut results = Results::default();
            for _ in 0..arguments.repeat.max(1) {
                measure_floor(&part, Mode::Coalesce, &mut results)?;
                measure_floor(&part, Mode::Plain, &mut results)?;
            }
            Ok(results)
        };
        let results = stage.crew(&progress, vec![bench])?.into_iter().next().unwrap_or_default();
        let title = format!("window {window}");
        tables.push(Table { title, ..comparison(&results) });
        broken.extend(results.troubles);
        if !results.verdict.is_clean() {
            broken.push(results.verdict.to_string());
        }
    }
    Ok(Report { tables, broken, ..stage.report("floor-bench", about) })
}
