//! The status page of a process of a job.

use maud::{Markup, html};

use super::super::super::service::{framed, lag_text, position_text, shown, time, time_of};
use super::{Newest, Seen};
use crate::output::grouped;

/// Returns the page.
pub(super) fn page(seen: &Seen) -> String {
    let place = html! { "This is process " (seen.process) " of the job " code { (shown(&seen.job)) } "." };
    let body = match &seen.committed {
        Some(newest) => html! { (job(newest)) (workers(newest)) (inputs(newest)) },
        None if seen.is_first() => html! { p { "No epoch is committed yet." } },
        None => html! { p { "Process 0 shows the job." } },
    };
    framed("alluvium cluster run", &seen.plugin, seen.unready().as_deref(), &place, &body)
}

fn job(newest: &Newest) -> Markup {
    let manifest = &newest.manifest;
    html! {
        h2 { "Job" }
        div.scroll { table { tbody {
            tr { td { "generation" } td.number { (manifest.generation) } }
            tr { td { "epoch" } td.number { (grouped(manifest.position.epoch)) } }
            tr { td { "committed" } td.number { (time(newest.at)) } }
            tr { td { "epochs of this generation" } td.number { (grouped(newest.epochs)) } }
            tr { td { "keys" } td.number { (grouped(manifest.keys())) } }
            tr { td { "bytes of the state" } td.number { (grouped(manifest.bytes())) } }
            tr { td { "bytes given to the outputs" } td.number { (grouped(newest.output_bytes)) } }
            tr { td { "records that were left out" } td.number { (grouped(newest.left_out)) } }
            tr { td { "watermark" } td.number { (manifest.position.watermark.map_or("none yet".to_owned(), time_of)) } }
            tr { td { "inputs" } td.number { (if newest.is_finished { "ended" } else { "being read" }) } }
        } } }
    }
}

fn workers(newest: &Newest) -> Markup {
    html! {
        h2 { "Workers" }
        div.scroll { table {
            thead { tr {
                th.number { "worker" } th.number { "records" } th.number { "keys" } th.number { "bytes" }
                th.number { "stood still" }
            } }
            tbody { @for (number, worker) in newest.workers.iter().enumerate() { tr {
                td.number { (number) } td.number { (grouped(worker.records)) } td.number { (grouped(worker.keys)) }
                td.number { (grouped(worker.bytes)) } td.number { (format!("{:.1?}", worker.stall)) }
            } } }
        } }
    }
}

fn inputs(newest: &Newest) -> Markup {
    let position = &newest.manifest.position;
    let event_time = |input: &str, partition: &str| {
        let at = position.watermarks.get(input).and_then(|partitions| partitions.get(partition));
        at.map_or("none yet".to_owned(), |at| time_of(*at))
    };
    let lag = |input: &str, partition: &str| {
        let lag = newest.lags.get(input).and_then(|of_input| of_input.get(partition)).copied().unwrap_or_default();
        lag_text(lag.records, lag.bytes)
    };
    html! {
        h2 { "Inputs" }
        div.scroll { table {
            thead { tr { th { "input" } th { "partition" } th { "position" } th { "event time" } th.number { "lag" } } }
            tbody { @for (input, partitions) in &position.positions { @for (partition, at) in partitions { tr {
                td { (shown(input)) } td { (shown(partition)) } td { code { (shown(&position_text(at))) } }
                td { (event_time(input, partition)) }
                td.number { (lag(input, partition)) }
            } } } }
        } }
    }
}
