//! soak (being written)
use crate::arguments::{Common, seconds};
use crate::failure::Failure;
use crate::report::Report;
use crate::stage::Stage;
use clap::Args;
use std::time::Duration;
/// Arguments of `soak`.
#[derive(Clone, Debug, Args)]
pub struct SoakArguments {
    /// x
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "20", value_parser = seconds)]
    pub kill: Option<Duration>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
}
/// x
pub fn run(_: &SoakArguments, stage: &mut Stage) -> Result<Report, Failure> {
    Ok(stage.report("soak", ""))
}
