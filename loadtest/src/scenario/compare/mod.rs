//! `compare`: Salon, the floor and what people would use instead, by the same measurements.
//!
//! `salon` measures Salon with the scenarios as they are, `bare` whatever keeps nothing (the floor
//! and the peers), `sample` is what both bring, `table` puts it side by side.
//!
//! Owns      the order of things: A B C D, A B C D, so that a noisy machine hits all alike.
//! Promises  one client, one core against one core, a fresh process for each part; every delivery is
//!           checked by the oracle, so that nobody wins by not delivering. A peer that cannot be had
//!           is left out with its reason; one that fails is told as broken, and the others go on.
//! Does not  compare what only Salon does: the peers store nothing and believe everybody.

mod bare;
mod salon;
mod sample;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::chat::ChatArguments;
use super::connect::ConnectArguments;
use super::fanout::FanoutArguments;
use super::idle::IdleArguments;
use crate::arguments::{Common, seconds};
use crate::failure::Failure;
use crate::peers::{self, Installed, Peer, Unavailable};
use crate::report::Report;
use crate::stage::{Stage, raise_descriptors};
use sample::{Sample, Samples, What, Who};

/// Handshakes at once in `connect`, as that scenario has it.
const IN_FLIGHT: usize = 64;

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
pub struct CompareArguments {
    /// Sockets in the one room of the fan-out.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub sockets: usize,
    /// Messages in flight in the fan-out; a message is done when all have it.
    #[arg(long, value_name = "W", default_value_t = 16)]
    pub window: u32,
    /// People in the chat, each with one message under way.
    #[arg(long, value_name = "C", default_value_t = 1_000)]
    pub clients: usize,
    /// Rooms of the chat, among which they are divided.
    #[arg(long, value_name = "R", default_value_t = 100)]
    pub rooms: usize,
    /// Sockets that are opened for the cost of a connection and for the memory of an idle one.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub connections: usize,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub text_bytes: usize,
    /// How long each part of fan-out and chat is measured.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub duration: Duration,
    /// Ends each part of fan-out and chat after so many messages, and leaves out the warming up.
    #[arg(long, value_name = "N")]
    pub messages: Option<u64>,
    /// How long a server may settle before a look at its memory, and between waves of connections.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub settle: Duration,
    /// How often all are measured in turn.
    #[arg(long, value_name = "R", default_value_t = 3)]
    pub repeat: usize,
    /// Where Socket.IO and `ws` are kept; they are fetched once. Default: in the temporary directory.
    #[arg(long, value_name = "DIR")]
    pub peers_dir: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl CompareArguments {
    fn check(&self) -> Result<(), Failure> {
        let common = &self.common;
        let words = if common.url.is_some() {
            "compare measures processors and memory: it starts every server itself; leave out --url"
        } else if common.data_dir.is_some() {
            "compare starts every part with an empty server; leave out --data-dir"
        } else if common.threads > 1 {
            "compare holds one core against one core; --threads is for connect, idle and chat"
        } else if self.sockets == 0 || self.connections == 0 {
            "nothing can be measured with 0 sockets"
        } else if self.rooms == 0 || self.rooms > self.clients {
            "the clients cannot fill the rooms; --rooms is 1 to --clients"
        } else {
            return Ok(());
        };
        Err(Failure::Usage(words.to_owned()))
    }

    /// For the parts: they show nothing by themselves.
    fn quiet(&self) -> Common {
        Common { quiet: true, json: None, html: None, ..self.common.clone() }
    }

    fn fanout(&self) -> FanoutArguments {
        FanoutArguments {
            sockets: self.sockets,
            window: self.window,
            text_bytes: self.text_bytes,
            duration: self.duration,
            messages: self.messages,
            repeat: 1,
            no_floor: true,
            common: self.quiet(),
        }
    }

    fn chat(&self) -> ChatArguments {
        ChatArguments {
            clients: self.clients,
            rooms: self.rooms,
            window: 1,
            rate: None,
            text_bytes: self.text_bytes,
            duration: self.duration,
            messages: self.messages,
            common: self.quiet(),
        }
    }

    fn connect(&self) -> ConnectArguments {
        let (sockets, in_flight) = (self.connections, IN_FLIGHT);
        ConnectArguments { sockets, in_flight, common: self.quiet() }
    }

    fn idle(&self) -> IdleArguments {
        let (duration, settle) = (Duration::ZERO, self.settle);
        IdleArguments { sockets: self.connections, duration, settle, common: self.quiet() }
    }
}

/// Plays it.
pub fn run(arguments: &CompareArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    raise_descriptors(arguments.sockets.max(arguments.clients).max(arguments.connections))?;
    stage.live.phase("fetching Socket.IO and ws");
    let path = std::env::var_os("PATH");
    let folder = arguments.peers_dir.as_deref();
    let mut notes = Vec::new();
    let installed = match peers::install(folder, path.as_deref(), &stage.target.interrupt) {
        Ok(installed) => Some(installed),
        Err(Unavailable::Failed(failure)) => return Err(failure),
        Err(Unavailable::Missing(why)) => {
            let names = Peer::ALL.map(Peer::name).join(" and ");
            notes.push(format!("SKIPPED: {names}: {why}"));
            stage.live.note(&notes[0]);
            None
        }
    };
    let mut who = vec![Who::Salon, Who::Floor];
    if installed.is_some() {
        who.extend(Peer::ALL.map(Who::Peer));
    }
    let (samples, broken) = in_turn(arguments, stage, who, installed.as_ref())?;
    let mut report = report(arguments, stage, &samples, installed.as_ref());
    report.notes.splice(0..0, notes);
    report.broken.extend(broken);
    Ok(report)
}

/// Measures everything as often as it was asked for.
fn in_turn(
    arguments: &CompareArguments,
    stage: &Stage,
    mut who: Vec<Who>,
    installed: Option<&Installed>,
) -> Result<(Samples, Vec<String>), Failure> {
    let (mut samples, mut broken) = (Samples::default(), Vec::new());
    let repeat = arguments.repeat.max(1);
    for what in What::ALL {
        for turn in 1..=repeat {
            for one in who.clone().into_iter().filter(|one| one.can(what)) {
                stage.live.phase(format!("{}, {turn} of {repeat}: {}", what.name(), one.name()));
                stage.target.interrupt.check()?;
                match measure(arguments, stage, one, what, installed) {
                    Ok(sample) => {
                        let told = sample.broken(one, what);
                        told.iter().for_each(|words| stage.live.note(words));
                        broken.extend(told);
                        samples.add(one, what, sample);
                    }
                    Err(failure @ Failure::Interrupted) => return Err(failure),
                    Err(failure) if matches!(one, Who::Peer(_)) => {
                        broken.push(format!("{}, {}: {failure}", what.name(), one.name()));
                        who.retain(|other| *other != one);
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
    Ok((samples, broken))
}

fn measure(
    arguments: &CompareArguments,
    stage: &Stage,
    who: Who,
    what: What,
    installed: Option<&Installed>,
) -> Result<Sample, Failure> {
    match who {
        Who::Salon => salon::measure(arguments, stage, what),
        _ => bare::measure(arguments, stage, who, what, installed),
    }
}

fn report(
    arguments: &CompareArguments,
    stage: &Stage,
    samples: &Samples,
    installed: Option<&Installed>,
) -> Report {
    let CompareArguments { sockets, window, clients, rooms, connections, repeat, .. } = arguments;
    let about = format!(
        "fan-out to {sockets} sockets with {window} messages in flight, chat of {clients} people \
         in {rooms} rooms, {connections} connections, {connections} idle sockets"
    );
    let mut report = stage.report("compare", about);
    report.settings.extend([
        ("sockets", json!(sockets)),
        ("window", json!(window)),
        ("clients", json!(clients)),
        ("rooms", json!(rooms)),
        ("connections", json!(connections)),
        ("text_bytes", json!(arguments.text_bytes)),
        ("repeat", json!(repeat)),
        ("duration_s", json!(arguments.duration.as_secs_f64())),
        ("settle_s", json!(arguments.settle.as_secs_f64())),
        ("node", json!(installed.map(|installed| &installed.node_version))),
    ]);
    report.tables.push(table::side_by_side(samples));
    report.parts = samples.to_json();
    report.verdict = Some(samples.verdict());
    report.notes = table::notes(&format!("{:?}", stage.target.encoding), installed.is_some());
    report
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let checked = |words: &str| {
            let words = ["loadtest", "compare"].into_iter().chain(words.split_whitespace());
            match Arguments::parse_from(words).scenario {
                Scenario::Compare(arguments) => arguments.check(),
                other => panic!("{other:?}"),
            }
        };
        assert!(checked("").is_ok());
        for words in [
            "--url http://127.0.0.1:1",
            "--data-dir /tmp",
            "--threads 2",
            "--sockets 0",
            "--connections 0",
            "--clients 3 --rooms 4",
        ] {
            assert!(matches!(checked(words), Err(Failure::Usage(_))), "{words}");
        }
    }
}
