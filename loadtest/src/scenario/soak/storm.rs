//! A crowd that comes at once, and goes.
//!
//! Owns      the crowd's accounts.
//! Promises  their tokens are young enough; they live in no room, so nobody is told of them.
//! Does not  stay.

use super::SoakArguments;
use super::toll::Toll;
use crate::clock::{MILLISECOND_NS, SECOND_NS};
use crate::crowd::{Account, Greeting, Opening, Target, enrol, open};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::names;

/// Until everybody is in.
const IN_WITHIN_NS: u64 = 10 * SECOND_NS;
/// Tokens that are older may have ended before the crowd is in.
const TOKEN_AGE_NS_MAX: u64 = 600 * SECOND_NS;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Storm {
    names: Vec<String>,
    accounts: Vec<Account>,
    enrolled_ns: u64,
}

impl Storm {
    /// Makes the accounts, if a storm was asked for.
    pub(super) fn gather(arguments: &SoakArguments, target: &Target) -> Result<Storm, Failure> {
        let tag = format!("{}-storm", arguments.common.run);
        let sockets = arguments.storm.map_or(0, |_| arguments.storm_sockets);
        let names = (0..sockets).map(|number| names::user(&tag, number)).collect();
        let mut storm = Storm { names, ..Storm::default() };
        storm.enrol(target)?;
        Ok(storm)
    }

    fn enrol(&mut self, target: &Target) -> Result<(), Failure> {
        self.enrolled_ns = target.clock.now_ns();
        self.accounts = enrol(target, &self.names, "storm")?;
        Ok(())
    }

    /// Everybody connects, authenticates, and goes when the last one is in.
    pub(super) fn come(
        &mut self,
        target: &Target,
        progress: &Progress,
        toll: &mut Toll,
    ) -> Result<(), Failure> {
        if target.clock.now_ns() - self.enrolled_ns > TOKEN_AGE_NS_MAX {
            self.enrol(target)?;
        }
        let mut net = target.net()?;
        let begun_ns = target.clock.now_ns();
        let opening = Opening {
            accounts: &self.accounts,
            device: "storm",
            in_flight: self.accounts.len(),
            heads: false,
            greeting: Greeting::Auth,
            progress,
        };
        match open(&mut net, target, opening) {
            Ok(report) => {
                let took_ns = target.clock.now_ns() - begun_ns;
                toll.storm.record_ns(took_ns);
                if let Some(first) = report.first_error {
                    let errors = report.errors;
                    toll.broken
                        .push(format!("{errors} sockets of a storm did not get in: {first}"));
                }
                if took_ns > IN_WITHIN_NS {
                    let ms = took_ns / MILLISECOND_NS;
                    toll.broken.push(format!("a storm needed {ms} ms to get in"));
                }
                Ok(())
            }
            Err(Failure::Server(words)) => {
                toll.broken.push(format!("a storm did not get in: {words}"));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}
