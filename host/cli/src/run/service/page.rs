//! The status page of a run.

use alluvium_connectors::sink::Guarantee;
use maud::{Markup, html};

use super::frame::{framed, lag_text, shown, time, time_of};
use super::status::{Checkpoint, InputStatus, OutputStatus, Snapshot};
use crate::output::grouped;

/// Returns the page.
pub(super) fn page(run: &Snapshot) -> String {
    let unready = run.is_unready();
    let place = html! { "Its checkpoints are in " code { (shown(&run.dir)) } "." };
    let body = html! { (inputs(run)) (outputs(&run.outputs)) (checkpoints(run)) (limits(run)) };
    framed("alluvium run", &run.plugin, unready.as_deref(), &place, &body)
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
    lag_text(input.reader.progress.lag_records, input.lag_bytes())
}

fn promise(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::ExactlyOnce => "exactly once",
        Guarantee::AtLeastOnce => "at least once",
        Guarantee::AtMostOnce => "at most once",
        _ => "unknown",
    }
}
