//! What can be asked of `soak`.
//!
//! Owns      its flags, and which of them go together.
//! Promises  what needs the server's process is refused when there is none, before anything begins.
//! Does not  decide what a nemesis does.

use std::time::Duration;

use clap::Args;

use super::nemesis::Nemesis;
use crate::arguments::{Common, seconds};
use crate::failure::Failure;

/// Arguments of `soak`.
#[derive(Clone, Debug, Args)]
pub struct SoakArguments {
    /// People.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub users: usize,
    /// Devices of each, every one with its own login and positions.
    #[arg(long, value_name = "D", default_value_t = 2)]
    pub devices: usize,
    /// Rooms; everybody is in three of five.
    #[arg(long, value_name = "R", default_value_t = 5)]
    pub rooms: usize,
    /// Messages per second in all, sent by schedule; edits, recalls, reactions, receipts and reads
    /// come on top.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 200)]
    pub rate: u64,
    /// Length of a message's text.
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    pub text_bytes: usize,
    /// How long people write.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub duration: Duration,
    /// People write until so many things were done to the server, instead of for a time.
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub rounds: Option<u64>,
    /// Kills the server every so many seconds (SIGKILL) and starts it again; every second time it is
    /// killed once more while it starts.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", value_parser = seconds, help_heading = "Nemeses")]
    pub kill: Option<Duration>,
    /// Halts the server every so many seconds (SIGSTOP) for a while.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", value_parser = seconds, help_heading = "Nemeses")]
    pub stop: Option<Duration>,
    /// How long it is halted.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds,
          help_heading = "Nemeses")]
    pub stop_for: Duration,
    /// Cuts connections every so many seconds, some by a reset, some politely.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "2", value_parser = seconds, help_heading = "Nemeses")]
    pub cut: Option<Duration>,
    /// Lets a crowd come at once and go again every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", value_parser = seconds, help_heading = "Nemeses")]
    pub storm: Option<Duration>,
    /// Sockets of that crowd.
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Nemeses")]
    pub storm_sockets: usize,
    /// Asks the server every so many seconds to end (SIGTERM) and starts it again.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", value_parser = seconds, help_heading = "Nemeses")]
    pub term: Option<Duration>,
    /// Fills the server's disk every so many seconds (its files may not grow) for a while.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "20", value_parser = seconds, help_heading = "Nemeses")]
    pub disk_full: Option<Duration>,
    /// How long it is full.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds,
          help_heading = "Nemeses")]
    pub disk_full_for: Duration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}

impl SoakArguments {
    /// How often a nemesis comes; `None`: not at all.
    pub(super) fn every(&self, nemesis: Nemesis) -> Option<Duration> {
        match nemesis {
            Nemesis::Kill => self.kill,
            Nemesis::Stop => self.stop,
            Nemesis::Cut => self.cut,
            Nemesis::Storm => self.storm,
            Nemesis::Term => self.term,
            Nemesis::DiskFull => self.disk_full,
        }
    }

    /// The nemeses that were asked for.
    pub(super) fn nemeses(&self) -> impl Iterator<Item = Nemesis> + use<'_> {
        Nemesis::ALL.iter().copied().filter(|nemesis| self.every(*nemesis).is_some())
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let refuse = |words: String| Err(Failure::Usage(words));
        let SoakArguments { users, devices, rooms, .. } = *self;
        if devices == 0 || rooms == 0 || rooms > users {
            return refuse(format!(
                "{users} users on {devices} devices cannot fill {rooms} rooms; --devices is at \
                 least 1, --rooms 1 to --users"
            ));
        }
        let needs_process = self.nemeses().find(|nemesis| nemesis.needs_process());
        if let (Some(url), Some(nemesis)) = (&self.common.url, needs_process) {
            let flag = nemesis.name();
            return refuse(format!(
                "--{flag} needs a server that is started here, and {url} is not; leave out --url, \
                 or use --cut and --storm alone"
            ));
        }
        if self.rounds.is_some() && self.nemeses().next().is_none() {
            return refuse("--rounds counts what is done to the server; name a nemesis".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Scenario};

    fn parsed(flags: &[&str]) -> SoakArguments {
        let words = ["loadtest", "soak"].into_iter().chain(flags.iter().copied());
        match Arguments::parse_from(words).scenario {
            Scenario::Soak(soak) => soak,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let url = "--url=http://127.0.0.1:1";
        for flags in
            [&["--kill", url][..], &["--disk-full=5", url], &["--rounds=5"], &["--rooms=17"]]
        {
            assert!(matches!(parsed(flags).check(), Err(Failure::Usage(_))), "{flags:?}");
        }
        for flags in [&[][..], &["--cut", "--storm", url], &["--kill=3", "--rounds=5"]] {
            assert!(parsed(flags).check().is_ok(), "{flags:?}");
        }
    }

    #[test]
    fn several_nemeses_with_their_intervals() {
        let soak = parsed(&["--kill", "--stop=7", "--disk-full"]);
        let found: Vec<_> = soak.nemeses().map(|it| (it, soak.every(it))).collect();
        let seconds = |number| Some(Duration::from_secs(number));
        let expected = [
            (Nemesis::Kill, seconds(20)),
            (Nemesis::Stop, seconds(7)),
            (Nemesis::DiskFull, seconds(20)),
        ];
        assert_eq!(found, expected);
    }
}
