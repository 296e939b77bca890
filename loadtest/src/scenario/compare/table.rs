//! Everybody side by side.
//!
//! Owns      the table and what must be known to read it.
//! Promises  a ratio is made of two medians, Salon's being 1; what cannot be compared is a dash.
//! Does not  hide what was worse.

use super::sample::{Figure, Samples, What, Who};
use crate::report::{Table, readable};

const NOTHING: &str = "–";

/// One row for each scenario and server.
pub(super) fn side_by_side(samples: &Samples) -> Table {
    let columns = vec![
        "medians",
        "per second",
        "min",
        "max",
        "CPU µs each",
        "p50 ms",
        "p99 ms",
        "bytes/socket",
        "rate, Salon = 1",
        "cost, Salon = 1",
    ];
    let mut rows = Vec::new();
    for what in What::ALL {
        for who in samples.who(what) {
            rows.push(row(samples, what, who));
        }
    }
    Table { title: "Salon and others".to_owned(), columns, rows }
}

fn row(samples: &Samples, what: What, who: Who) -> Vec<String> {
    let median = |figure| samples.median(who, what, figure);
    let rates = samples.values(who, what, Figure::PerSecond);
    let cost = if what == What::Idle { Figure::SocketBytes } else { Figure::CpuUs };
    let cells = [
        median(Figure::PerSecond),
        rates.iter().copied().reduce(f64::min),
        rates.iter().copied().reduce(f64::max),
        median(Figure::CpuUs),
        median(Figure::P50Ms),
        median(Figure::P99Ms),
        median(Figure::SocketBytes),
        ratio(samples, what, who, Figure::PerSecond),
        ratio(samples, what, who, cost),
    ];
    let shown = cells.map(|cell| cell.map_or(NOTHING.to_owned(), readable));
    std::iter::once(format!("{}: {}", what.name(), who.name())).chain(shown).collect()
}

fn ratio(samples: &Samples, what: What, who: Who, figure: Figure) -> Option<f64> {
    let salon = samples.median(Who::Salon, what, figure).filter(|salon| *salon > 0.0)?;
    Some(samples.median(who, what, figure)? / salon)
}

/// What stands below the table.
pub(super) fn notes(encoding: &str, with_peers: bool) -> Vec<String> {
    let mut notes = vec![
        "per second and each: deliveries in fan-out and chat, connections in connect; latency: send \
         to delivery, or connect to welcome; cost: CPU, in idle memory"
            .to_owned(),
        "Salon stores every message before anybody gets it, and checks who connects; the floor is a \
         bare loop in which every socket gets everything, so it has no chat"
            .to_owned(),
    ];
    if with_peers {
        notes.push(format!(
            "Socket.IO and ws are neither durable nor authenticated: they keep nothing, and believe \
             whoever connects; they speak JSON, Salon and the floor {encoding}"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::peers::Peer;

    fn sample(figure: Figure, value: f64) -> Sample {
        let mut sample = Sample::default();
        sample.set(figure, value);
        sample
    }

    #[test]
    fn rows_have_medians_and_ratios_to_salon() {
        let mut samples = Samples::default();
        let ws = Who::Peer(Peer::Ws);
        for (salon, other) in [(100.0, 10.0), (300.0, 30.0), (200.0, 20.0)] {
            samples.add(Who::Salon, What::Fanout, sample(Figure::PerSecond, salon));
            samples.add(ws, What::Fanout, sample(Figure::PerSecond, other));
        }
        samples.add(Who::Salon, What::Idle, sample(Figure::SocketBytes, 1_000.0));
        samples.add(ws, What::Idle, sample(Figure::SocketBytes, 5_000.0));
        let table = side_by_side(&samples);
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        let cells = |row: usize, columns: [usize; 4]| columns.map(|at| table.rows[row][at].clone());
        assert_eq!(cells(0, [1, 2, 3, 8]), ["200", "100", "300", "1.00"]);
        assert_eq!(cells(1, [1, 5, 8, 9]), ["20.0", NOTHING, "0.100", NOTHING]);
        assert_eq!(cells(3, [1, 7, 8, 9]), [NOTHING, "5,000", NOTHING, "5.00"]);
        assert!(table.rows[1][0].starts_with("fan-out: ws "));
    }

    #[test]
    fn a_server_without_a_figure_has_no_ratio() {
        let mut samples = Samples::default();
        samples.add(Who::Salon, What::Idle, sample(Figure::SocketBytes, -5.0));
        assert_eq!(side_by_side(&samples).rows[0][9], NOTHING);
    }
}
