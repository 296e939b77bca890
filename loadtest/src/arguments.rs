//! The command line.
//!
//! Owns      what can be asked of the harness; its comments are the manual.
//! Promises  every unit is named; every scenario runs with no argument at all.
//! Does not  check what only a run can know.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use salon_protocol::Encoding;

use crate::floor::Mode;
use crate::scenario::{
    busy::BusyArguments, catchup::CatchupArguments, chat::ChatArguments, compare::CompareArguments,
    connect::ConnectArguments, fanout::FanoutArguments, floor_bench::FloorBenchArguments,
    growth::GrowthArguments, idle::IdleArguments, large_room::LargeRoomArguments,
    photos::PhotosArguments, soak::SoakArguments,
};

/// Puts load on a Salon server and proves that nothing is lost.
///
/// Exit status: 0 all was checked and right, 1 something is wrong (it is printed), 2 the run could
/// not be done.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub scenario: Scenario,
}

/// The scenarios.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// Connections per second: sockets are opened and authenticated, so many at once.
    Connect(ConnectArguments),
    /// Memory per socket: authenticated sockets stay open and do nothing.
    Idle(IdleArguments),
    /// Deliveries per second in one large room, beside the floor of the machine.
    Fanout(FanoutArguments),
    /// Messages per second and latencies in many small rooms.
    Chat(ChatArguments),
    /// Deliveries per second and per write to people who are in many busy rooms, beside one room.
    Busy(BusyArguments),
    /// What a message costs in a room of very many, few of whom are there.
    LargeRoom(LargeRoomArguments),
    /// What a delivery and a socket cost as sockets and rooms become more: tables and a chart.
    Growth(GrowthArguments),
    /// How long until everybody has everything after a restart, and who is slowed by it.
    Catchup(CatchupArguments),
    /// A live photo session: uploads, and how long until every viewer has every picture.
    Photos(PhotosArguments),
    /// The same measurements of Salon, the floor, Socket.IO and `ws`, in turn.
    ///
    /// Socket.IO and `ws` need Node.js and are fetched once with npm; where that does not work they
    /// are left out, with the reason.
    Compare(CompareArguments),
    /// Reliability: mixed traffic of people who come and go, while the server is killed and tormented.
    Soak(SoakArguments),
    /// A bare loop with no server in it; started by `fanout`.
    #[command(hide = true)]
    Floor {
        /// How it writes.
        #[arg(long, value_enum)]
        mode: Mode,
    },
    /// The floor alone, without a server.
    #[command(hide = true)]
    FloorBench(FloorBenchArguments),
}

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EncodingChoice {
    /// Text frames.
    Json,
    /// Binary frames.
    Msgpack,
}

impl From<EncodingChoice> for Encoding {
    fn from(choice: EncodingChoice) -> Self {
        match choice {
            EncodingChoice::Json => Encoding::Json,
            EncodingChoice::Msgpack => Encoding::MessagePack,
        }
    }
}

/// What all scenarios understand.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The server's binary, started as `PATH serve`. Default: `salon` beside this program.
    #[arg(long, value_name = "PATH", conflicts_with = "url", help_heading = "Server")]
    pub server: Option<PathBuf>,
    /// Use a server that is running already. Its processor and memory are then not measured, and
    /// nothing can be done to it.
    #[arg(long, value_name = "http://HOST:PORT", help_heading = "Server")]
    pub url: Option<String>,
    /// A variable for the server. May be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, help_heading = "Server")]
    pub env: Vec<(String, String)>,
    /// Where the server keeps its data; it is kept. Default: a temporary directory.
    #[arg(long, value_name = "DIR", help_heading = "Server")]
    pub data_dir: Option<PathBuf>,
    /// Writes what the server prints to a file.
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub server_log: Option<PathBuf>,
    /// Keeps the server (and the floor) on core 0 and the harness on core 1, which then never
    /// sleeps while it measures.
    #[arg(long, help_heading = "Client")]
    pub pin: bool,
    /// Client threads, for `connect`, `idle` and `chat`.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Client")]
    pub threads: usize,
    /// How frames are written.
    #[arg(long, value_enum, default_value = "msgpack", help_heading = "Client")]
    pub encoding: EncodingChoice,
    /// Begins the names of the users, so that runs on one server can share or avoid each other's.
    #[arg(long, value_name = "TAG", default_value = "lt", help_heading = "Client")]
    pub run: String,
    /// Seed of all random decisions.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Client")]
    pub seed: u64,
    /// Gives up when nothing has happened for so long.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds,
          help_heading = "Client")]
    pub patience: Duration,
    /// Writes the result to a file.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub json: Option<PathBuf>,
    /// Writes the result to a page with charts.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub html: Option<PathBuf>,
    /// Shows nothing while it runs.
    #[arg(long, help_heading = "Result")]
    pub quiet: bool,
}

impl Scenario {
    /// The common arguments, where there are some.
    pub fn common(&self) -> Option<&Common> {
        match self {
            Scenario::Connect(arguments) => Some(&arguments.common),
            Scenario::Idle(arguments) => Some(&arguments.common),
            Scenario::Fanout(arguments) => Some(&arguments.common),
            Scenario::Chat(arguments) => Some(&arguments.common),
            Scenario::Busy(arguments) => Some(&arguments.common),
            Scenario::LargeRoom(arguments) => Some(&arguments.common),
            Scenario::Growth(arguments) => Some(&arguments.common),
            Scenario::Catchup(arguments) => Some(&arguments.common),
            Scenario::Photos(arguments) => Some(&arguments.common),
            Scenario::Compare(arguments) => Some(&arguments.common),
            Scenario::Soak(arguments) => Some(&arguments.common),
            Scenario::FloorBench(arguments) => Some(&arguments.common),
            Scenario::Floor { .. } => None,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A time in seconds, such as `30` or `0.5`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "expected a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let names = [
            "connect",
            "idle",
            "fanout",
            "chat",
            "busy",
            "large-room",
            "growth",
            "catchup",
            "photos",
            "compare",
            "soak",
        ];
        for scenario in names {
            let arguments = Arguments::try_parse_from(["loadtest", scenario]).unwrap();
            assert!(arguments.scenario.common().is_some());
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(seconds("-1").is_err() && seconds("x").is_err());
        assert_eq!(key_value("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
    }

    #[test]
    fn a_flag_with_an_interval_may_stand_alone() {
        let parse = |flag| match Arguments::try_parse_from(["loadtest", "soak", flag]) {
            Ok(Arguments { scenario: Scenario::Soak(soak) }) => soak.kill,
            other => panic!("{other:?}"),
        };
        assert_eq!(parse("--kill"), Some(Duration::from_secs(20)));
        assert_eq!(parse("--kill=7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("--seed=7"), None);
    }
}
