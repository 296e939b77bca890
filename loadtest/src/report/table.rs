//! The result on the terminal.
//!
//! Owns      the layout of text.
//! Promises  plain text, no escapes: it can be redirected.
//! Does not  decide what is shown.

use std::fmt::Write;

use super::{Report, Table, readable};
use crate::measure::QUANTILES;

/// The report as text.
pub fn print(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\n{}: {}", report.scenario, report.about)?;
    let width = report.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
    for figure in &report.figures {
        let gap = width - figure.label.chars().count();
        writeln!(out, "  {}{}  {:>14}", figure.label, " ".repeat(gap), readable(figure.value))?;
    }
    if !report.distributions.is_empty() {
        writeln!(out)?;
        write_table(out, &distributions(report))?;
    }
    for table in &report.tables {
        writeln!(out)?;
        write_table(out, table)?;
    }
    for note in &report.notes {
        writeln!(out, "  * {note}")?;
    }
    if let Some(verdict) = &report.verdict {
        writeln!(out, "\noracle: {}", verdict.to_string().trim_end())?;
        if verdict.totals.rooms_unread > 0 {
            let unread = verdict.totals.rooms_unread;
            writeln!(
                out,
                "  (the history of {unread} rooms was not read: losses there are unknown)"
            )?;
        }
    }
    for broken in &report.broken {
        writeln!(out, "not kept: {broken}")?;
    }
    Ok(())
}

fn distributions(report: &Report) -> Table {
    let mut columns = vec!["latency, ms", "count", "mean"];
    columns.extend(QUANTILES.iter().map(|(name, _)| *name));
    let rows = report.distributions.iter().map(|distribution| {
        let summary = &distribution.summary;
        let mut row = vec![
            distribution.label.to_owned(),
            readable(summary.count as f64),
            readable(summary.mean_ms),
        ];
        row.extend(summary.quantiles_ms.iter().map(|value| readable(*value)));
        row
    });
    Table { title: String::new(), columns, rows: rows.collect() }
}

fn write_table(out: &mut String, table: &Table) -> std::fmt::Result {
    if !table.title.is_empty() {
        writeln!(out, "{}", table.title)?;
    }
    let width = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(table.columns[column].chars().count())
    };
    let widths: Vec<_> = (0..table.columns.len()).map(width).collect();
    let mut line = |cells: &[&str]| {
        for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            match index {
                0 => write!(out, "  {cell}{gap}")?,
                _ => write!(out, "  {gap}{cell}")?,
            }
        }
        writeln!(out)
    };
    line(&table.columns)?;
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(String::as_str).collect();
        line(&cells)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_there() {
        let text = print(&super::super::tests::example());
        for part in [
            "deliveries/s       1,234,567",
            "p99",
            "send to acknowledgement",
            "server",
            "* not durable",
            "oracle: clean",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
