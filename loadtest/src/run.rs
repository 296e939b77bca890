//! From a command line to an exit status.
//!
//! Owns      the choice of the scenario, and where its result goes.
//! Promises  the result is printed and written before the status is given.
//! Does not  end the process.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Common, Scenario};
use crate::failure::Failure;
use crate::floor;
use crate::interrupt::Interrupt;
use crate::report::{Report, print, write_html, write_json};
use crate::scenario;
use crate::stage::Stage;

/// Something is wrong with the server.
pub const EXIT_FINDINGS: u8 = 1;
/// The run could not be done.
pub const EXIT_FAILURE: u8 = 2;

/// Does what the command line says; the first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let parsed = match Arguments::try_parse_from(&words) {
        Ok(parsed) => parsed,
        Err(error) => error.exit(),
    };
    let interrupt = match Interrupt::on_signals() {
        Ok(interrupt) => interrupt,
        Err(error) => return failed(&Failure::system("watching for ctrl-c")(error)),
    };
    match play(&parsed.scenario, command(&words), interrupt) {
        Ok(Some(report)) if !report.is_clean() => ExitCode::from(EXIT_FINDINGS),
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprintln!("loadtest: {failure}");
    ExitCode::from(EXIT_FAILURE)
}

/// Plays one scenario, prints and writes its result.
pub fn play(
    scenario: &Scenario,
    command: String,
    interrupt: Interrupt,
) -> Result<Option<Report>, Failure> {
    if let Scenario::Floor { mode } = scenario {
        // The harness kills its floor; should it be killed itself, the floor goes with it.
        let parent_gone = Some(rustix::process::Signal::KILL);
        rustix::process::set_parent_process_death_signal(parent_gone)?;
        floor::serve(*mode).map_err(Failure::system("the floor"))?;
        return Ok(None);
    }
    let Some(common) = scenario.common() else { return Ok(None) };
    let mut stage = match scenario {
        Scenario::FloorBench(_) | Scenario::Compare(_) | Scenario::Growth(_) => {
            Stage::empty(common, command, interrupt)?
        }
        _ => Stage::with_server(common, command, interrupt)?,
    };
    let mut report = match scenario {
        Scenario::Connect(arguments) => scenario::connect::run(arguments, &mut stage)?,
        Scenario::Idle(arguments) => scenario::idle::run(arguments, &mut stage)?,
        Scenario::Fanout(arguments) => scenario::fanout::run(arguments, &mut stage)?,
        Scenario::Chat(arguments) => scenario::chat::run(arguments, &mut stage)?,
        Scenario::Busy(arguments) => scenario::busy::run(arguments, &mut stage)?,
        Scenario::LargeRoom(arguments) => scenario::large_room::run(arguments, &mut stage)?,
        Scenario::Growth(arguments) => scenario::growth::run(arguments, &mut stage)?,
        Scenario::Catchup(arguments) => scenario::catchup::run(arguments, &mut stage)?,
        Scenario::Photos(arguments) => scenario::photos::run(arguments, &mut stage)?,
        Scenario::Compare(arguments) => scenario::compare::run(arguments, &mut stage)?,
        Scenario::Soak(arguments) => scenario::soak::run(arguments, &mut stage)?,
        Scenario::FloorBench(arguments) => scenario::floor_bench::run(arguments, &mut stage)?,
        Scenario::Floor { .. } => return Ok(None),
    };
    report.broken.extend(stage.panics());
    drop(stage);
    publish(&report, common)?;
    Ok(Some(report))
}

fn publish(report: &Report, common: &Common) -> Result<(), Failure> {
    let text = print(report);
    io::stdout().write_all(text.as_bytes()).map_err(Failure::system("printing the result"))?;
    if let Some(path) = &common.json {
        write_json(report, path)?;
    }
    if let Some(path) = &common.html {
        write_html(report, path)?;
    }
    Ok(())
}

/// The command line as one would type it. The program's path is left out: it is of one machine.
fn command(words: &[OsString]) -> String {
    let quoted = words.iter().skip(1).map(|word| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c);
        if word.chars().all(plain) && !word.is_empty() {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    std::iter::once("loadtest".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_can_be_typed_again() {
        let words = ["/some/where/loadtest", "chat", "--env", "A=b c", "it's"];
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        assert_eq!(command(&words), "loadtest chat --env 'A=b c' 'it'\\''s'");
    }
}
