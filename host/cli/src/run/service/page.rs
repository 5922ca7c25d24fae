//! The status page: a run on one screen, in plain HTML that needs nothing else.

use alluvium_connectors::sink::Guarantee;
use alluvium_host::text::printable;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::status::{Checkpoint, InputStatus, OutputStatus, Snapshot};
use crate::output::grouped;

/// How often a browser asks for the page again, in seconds.
const REFRESH: u32 = 2;

const STYLE: &str = "\
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .92em; overflow-wrap: anywhere; }
.good { color: light-dark(#176b2c, #7fd694); } .bad { color: light-dark(#a32020, #ff9b9b); font-weight: 600; }";

/// Returns the page.
pub(super) fn page(run: &Snapshot) -> String {
    let unready = run.is_unready();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(REFRESH);
                title { "alluvium run: " (shown(&run.plugin)) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "alluvium run " code { (shown(&run.plugin)) } }
                    p {
                        @match unready {
                            None => span.good { "Ready." },
                            Some(why) => span.bad { "Not ready: " (shown(&why)) "." },
                        }
                        " Its checkpoints are in " code { (shown(&run.dir)) } ". Metrics are at " a href="/metrics" { "/metrics" } "."
                    }
                    (inputs(run))
                    (outputs(&run.outputs))
                    (checkpoints(run))
                    (limits(run))
                }
            }
        }
    }
    .into_string()
}

fn inputs(run: &Snapshot) -> Markup {
    html! {
        h2 { "Inputs" }
        p { "Watermark: " (run.watermark_ms.map_or("none yet".to_owned(), time_of)) }
        div.scroll { table {
            thead { tr {
                th { "input" } th { "source" } th.number { "records" } th { "position" } th.number { "lag" }
                th { "event time" } th.number { "left out" } th { "state" }
            } }
            tbody { @for input in &run.inputs { tr {
                td { (shown(&input.name)) @if !input.partition.is_empty() { " / " (shown(&input.partition)) } }
                td { code { (shown(&input.source)) } }
                td.number { (grouped(input.records)) }
                td { code { (shown(&input.position_text())) } }
                td.number { (lag(input)) }
                td { (input.time_ms.map_or("none yet".to_owned(), time_of)) }
                td.number { (grouped(input.unreadable + input.refused)) }
                td { @match &input.reader.trouble {
                    Some(why) => span.bad { (shown(why)) },
                    None => (if input.reader.has_ended { "ended" } else { "reading" }),
                } }
            } } }
        } }
    }
}

fn outputs(outputs: &[OutputStatus]) -> Markup {
    html! {
        h2 { "Outputs" }
        div.scroll { table {
            thead { tr { th { "output" } th { "to" } th.number { "records by this run" } th.number { "bytes" } th { "after a crash" } } }
            tbody { @for output in outputs { tr {
                td { (shown(&output.name)) }
                td { code { (shown(&output.sink)) } }
                td.number { (grouped(output.records)) }
                td.number { (output.published_bytes.map_or("unknown".to_owned(), grouped)) }
                td { (promise(output.guarantee)) }
            } } }
        } }
    }
}

fn checkpoints(run: &Snapshot) -> Markup {
    html! {
        h2 { "Checkpoints of this run" }
        p { "Last made durable: " (run.synced.map_or("not yet".to_owned(), time)) }
        div.scroll { table {
            thead { tr {
                th.number { "id" } th { "taken" } th.number { "records" } th.number { "keys" } th.number { "changed" }
                th.number { "bytes written" } th.number { "freeze" } th.number { "write" }
            } }
            tbody { @for Checkpoint { id, at, records, keys, keys_changed, bytes_written, freeze, write } in &run.checkpoints { tr {
                td.number { (id) } td { (time(*at)) } td.number { (grouped(*records)) } td.number { (grouped(*keys)) }
                td.number { (grouped(*keys_changed)) } td.number { (grouped(*bytes_written)) }
                td.number { (format!("{freeze:.1?}")) } td.number { (format!("{write:.1?}")) }
            } } }
        } }
    }
}

fn limits(run: &Snapshot) -> Markup {
    html! {
        h2 { "Limits" }
        div.scroll { table {
            tbody {
                tr { td { "memory of plugin and engine now" } td.number { (grouped(run.memory_bytes as u64)) " bytes" } }
                @for (name, limit) in &run.limits { tr { td { (name) } td.number { (limit) } } }
            }
        } }
    }
}

fn lag(input: &InputStatus) -> String {
    let records = input.reader.progress.lag_records.map(|records| format!("{} records", grouped(records)));
    let bytes = || input.lag_bytes().map(|bytes| format!("{} bytes", grouped(bytes)));
    records.or_else(bytes).unwrap_or_else(|| "unknown".to_owned())
}

fn promise(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::ExactlyOnce => "exactly once",
        Guarantee::AtLeastOnce => "at least once",
        Guarantee::AtMostOnce => "at most once",
        _ => "unknown",
    }
}

/// What others chose is shown as text, and control characters as codes.
fn shown(text: &str) -> String {
    printable(text).to_string()
}

fn time_of(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| format!("{milliseconds} ms"), time)
}

fn time(at: Timestamp) -> String {
    format!("{at:.0}")
}
