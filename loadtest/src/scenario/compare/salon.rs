//! Salon's parts: the scenarios as they are, each with a server of its own.
//!
//! Owns      the reading of their reports.
//! Promises  the same figures as the scenario prints by itself.
//! Does not  measure.

use super::CompareArguments;
use super::sample::{Figure, Sample, What};
use crate::failure::Failure;
use crate::report::Report;
use crate::scenario::{chat, connect, fanout, idle};
use crate::stage::Stage;

/// Measures one part.
pub(super) fn measure(
    arguments: &CompareArguments,
    outer: &Stage,
    what: What,
) -> Result<Sample, Failure> {
    let interrupt = outer.target.interrupt.clone();
    let mut stage = Stage::with_server(&arguments.quiet(), String::new(), interrupt)?;
    let mut report = match what {
        What::Fanout => fanout::run(&arguments.fanout(), &mut stage)?,
        What::Chat => chat::run(&arguments.chat(), &mut stage)?,
        What::Connect => {
            // As for the others, the second wave counts.
            connect::run(&arguments.connect(), &mut stage)?;
            connect::run(&arguments.connect(), &mut stage)?
        }
        What::Idle => idle::run(&arguments.idle(), &mut stage)?,
    };
    report.broken.extend(stage.panics());
    Ok(sample(report))
}

fn sample(report: Report) -> Sample {
    let mut sample = Sample::default();
    for (name, figure) in [
        ("deliveries_per_s", Figure::PerSecond),
        ("connections_per_s", Figure::PerSecond),
        ("server_cpu_us_per_delivery", Figure::CpuUs),
        ("server_cpu_us_per_connection", Figure::CpuUs),
        ("rss_bytes_per_socket", Figure::SocketBytes),
    ] {
        if let Some(found) = report.figures.iter().find(|figure| figure.name == name) {
            sample.set(figure, found.value);
        }
    }
    let latency = |name| report.distributions.iter().find(|found| found.name == name);
    if let Some(found) = latency("delivery").or(latency("handshake")) {
        sample.set(Figure::P50Ms, found.summary.quantile_ms("p50"));
        sample.set(Figure::P99Ms, found.summary.quantile_ms("p99"));
    }
    sample.verdict = report.verdict.unwrap_or_default();
    sample.troubles = report.broken;
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Latency;

    #[test]
    fn a_report_is_read_by_the_names_of_its_figures() {
        let mut latency = Latency::default();
        (1..=100).for_each(|ms| latency.record_ns(ms * 1_000_000));
        let mut report = Report::default();
        report.figure("connections_per_s", "", 5.0);
        report.figure("server_cpu_us_per_connection", "", 7.0);
        report.distribution("handshake", "", latency.summary());
        report.broken.push("too late".to_owned());
        let sample = sample(report);
        assert_eq!(sample.get(Figure::PerSecond), Some(5.0));
        assert_eq!(sample.get(Figure::CpuUs), Some(7.0));
        assert_eq!(sample.get(Figure::SocketBytes), None);
        assert!(sample.get(Figure::P50Ms).is_some_and(|ms| (ms - 50.0).abs() < 0.1));
        assert_eq!(sample.troubles, ["too late"]);
    }
}
