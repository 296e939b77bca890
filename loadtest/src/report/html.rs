//! The result as one page that can be sent to somebody.
//!
//! Owns      the page.
//! Promises  one file: no scripts, nothing loaded from anywhere, readable in light and dark.
//! Does not  show anything that the JSON does not have.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Report, Table, chart, readable};
use crate::clock::utc;
use crate::failure::Failure;
use crate::measure::QUANTILES;
use crate::oracle::Check;

const STYLE: &str = "
:root{--page:#fff;--ink:#1c1e21;--soft:#6a7078;--rule:#d9dde2;--mark:#2563eb;--good:#15803d;--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--page:#15181c;--ink:#e6e8ea;--soft:#9aa1a9;--rule:#31363c;
--mark:#7aa2ff;--good:#4ade80;--bad:#f87171}}
body{background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:800px;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .5rem;border-bottom:1px solid var(--rule);text-align:right;
font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left}th{color:var(--soft);font-weight:500}
code,pre{font:13px/1.5 ui-monospace,monospace;overflow-x:auto}pre{white-space:pre-wrap}
svg{width:100%;height:auto}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.grid{stroke:var(--rule);stroke-width:1}.line{fill:none;stroke:var(--mark);stroke-width:2}
.bar{fill:var(--mark)}.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
";

/// Columns of the timeline that are drawn, with titles and units.
const DRAWN: [(&str, &str, &str); 8] = [
    ("deliveries_per_s", "Deliveries per second", ""),
    ("acks_per_s", "Acknowledged messages per second", ""),
    ("connections_per_s", "Connections per second", ""),
    ("connected", "Sockets open", ""),
    ("ack_p99_ms", "99th percentile of acknowledgement", " ms"),
    ("server_cpu_percent", "Processor of the server", "%"),
    ("server_rss_mb", "Memory of the server", " MB"),
    ("errors_per_s", "Errors per second", ""),
];

/// Writes the report to `path`.
pub fn write_html(report: &Report, path: &Path) -> Result<(), Failure> {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut page, report);
    fs::write(path, page).map_err(Failure::system(format!("--html {}", path.display())))
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    let title = escape(report.scenario);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Salon load test: {title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1><p>{}</p>",
        escape(&report.about)
    )?;
    write_verdict(out, report)?;
    write_figures(out, report)?;
    for table in &report.tables {
        write_table(out, table)?;
    }
    for note in &report.notes {
        write!(out, "<p class=\"soft\">* {}</p>", escape(note))?;
    }
    write_latencies(out, report)?;
    for (column, title, unit) in DRAWN {
        let series = report.timeline.series(column).unwrap_or_default();
        if series.len() > 1 && series.iter().any(|point| point.1 > 0.0) {
            write!(out, "<h2>{title}</h2>{}", chart::line(&series, unit))?;
        }
    }
    write_circumstances(out, report)?;
    writeln!(out, "</body></html>")
}

fn write_verdict(out: &mut String, report: &Report) -> std::fmt::Result {
    if let Some(verdict) = &report.verdict {
        let class = if verdict.is_clean() { "good" } else { "bad" };
        write!(out, "<pre class=\"{class}\">{}</pre>", escape(verdict.to_string().trim_end()))?;
        write!(out, "<details><summary class=\"soft\">what was checked</summary><table>")?;
        for check in Check::ALL {
            let (name, meaning) = (check.name(), escape(check.meaning()));
            let count = verdict.count(*check);
            write!(out, "<tr><td>{name}: {meaning}</td><td>{count}</td></tr>")?;
        }
        write!(out, "</table></details>")?;
    }
    for broken in &report.broken {
        write!(out, "<p class=\"bad\">not kept: {}</p>", escape(broken))?;
    }
    Ok(())
}

fn write_figures(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.figures.is_empty() {
        return Ok(());
    }
    write!(out, "<h2>Results</h2><table>")?;
    for figure in &report.figures {
        let (label, value) = (escape(figure.label), readable(figure.value));
        write!(out, "<tr><td>{label}</td><td>{value}</td></tr>")?;
    }
    write!(out, "</table>")
}

fn write_table(out: &mut String, table: &Table) -> std::fmt::Result {
    write!(out, "<h2>{}</h2><table><tr>", escape(&table.title))?;
    for column in &table.columns {
        write!(out, "<th>{}</th>", escape(column))?;
    }
    write!(out, "</tr>")?;
    for row in &table.rows {
        write!(out, "<tr>")?;
        for cell in row {
            write!(out, "<td>{}</td>", escape(cell))?;
        }
        write!(out, "</tr>")?;
    }
    write!(out, "</table>")
}

fn write_latencies(out: &mut String, report: &Report) -> std::fmt::Result {
    for distribution in &report.distributions {
        let summary = &distribution.summary;
        write!(out, "<h2>Latency: {}</h2><table><tr><th>ms</th>", escape(distribution.label))?;
        for (name, _) in QUANTILES {
            write!(out, "<th>{}</th>", name.replace('_', "."))?;
        }
        write!(out, "</tr><tr><td>{} values</td>", readable(summary.count as f64))?;
        for value in summary.quantiles_ms {
            write!(out, "<td>{}</td>", readable(value))?;
        }
        write!(out, "</tr></table>{}", chart::bars(&summary.bars))?;
    }
    Ok(())
}

fn write_circumstances(out: &mut String, report: &Report) -> std::fmt::Result {
    write!(out, "<h2>Circumstances</h2><table>")?;
    if let Some(machine) = &report.machine {
        let memory_gb = readable(machine.memory_bytes as f64 / 1e9);
        for (name, value) in [
            ("processor", format!("{}, {} cores", machine.cpu_model, machine.cpu_cores)),
            ("memory", format!("{memory_gb} GB")),
            ("kernel", machine.kernel.clone()),
            ("harness", format!("loadtest {}", machine.loadtest_version)),
        ] {
            write!(out, "<tr><td>{name}</td><td>{}</td></tr>", escape(&value))?;
        }
    }
    for (name, value) in &report.settings {
        write!(out, "<tr><td>{name}</td><td>{}</td></tr>", escape(&value.to_string()))?;
    }
    let begun = utc(report.begun_epoch_ms);
    write!(out, "<tr><td>begun</td><td>{begun}</td></tr></table>")?;
    write!(out, "<p class=\"soft\">Again:</p><pre>{}</pre>", escape(&report.command))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_with_nothing_from_outside() {
        let mut page = String::new();
        write(&mut page, &super::super::tests::example()).unwrap();
        assert!(page.contains("&lt;angles&gt; &amp;"));
        assert_eq!(page.matches("<svg").count(), 3);
        for outside in ["http://", "https://", "<script", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme:dark"));
    }
}
