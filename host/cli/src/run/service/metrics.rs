//! The metrics of a run, as Prometheus reads them.

use std::fmt;

use alluvium_host::Host;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

use super::families::{Metric, age, gauges, labelled_counters, labelled_gauges, number, of_process, seconds};
use super::status::{InputStatus, OutputStatus, Snapshot, Status};

/// What ends a text in the `OpenMetrics` form.
const END: &str = "# EOF\n";

/// Everything in Prometheus's text form: what the host counts of the plugin, and then what the run knows.
pub(super) fn exposition(host: &Host, status: &Status) -> String {
    let mut registry = Registry::with_prefix("alluvium");
    registry.register_collector(Box::new(status.snapshot()));
    let mut text = host.metrics();
    text.truncate(text.strip_suffix(END).unwrap_or(&text).len());
    // Writing to a string does not fail.
    let _ = text::encode(&mut text, &registry);
    text
}

const OF_INPUTS: [Metric<InputStatus, Option<f64>>; 7] = [
    ("input_position_records", "Records consumed, by earlier runs too.", |input| Some(number(input.records))),
    ("input_read_bytes", "Bytes of the input that were consumed.", |input| Some(number(input.consumed_bytes))),
    ("input_lag_bytes", "Bytes that are there and not consumed.", |input| input.lag_bytes().map(number)),
    ("input_lag_records", "Records that are there and not read.", |input| {
        input.reader.progress.lag_records.map(number)
    }),
    ("input_connected", "Whether the input can be read.", |input| Some(number(input.reader.trouble.is_none().into()))),
    ("input_ended", "Whether the input has no more records.", |input| Some(number(input.reader.has_ended.into()))),
    ("input_watermark_timestamp_seconds", "The largest event time.", |input| input.time_ms.map(seconds)),
];

const COUNTS_OF_INPUTS: [Metric<InputStatus, u64>; 2] = [
    ("input_records", "Records consumed by this process.", |input| input.records_now),
    ("input_connections_lost", "Connections that were lost.", |input| input.reader.lost),
];

const COUNTS_OF_OUTPUTS: [Metric<OutputStatus, u64>; 1] =
    [("output_records", "Records emitted by this process.", |output| output.records)];

const OF_OUTPUTS: [Metric<OutputStatus, Option<f64>>; 1] =
    [("output_published_bytes", "Bytes of the output that are published.", |output| {
        output.published_bytes.map(number)
    })];

const OF_RUN: [Metric<Snapshot, Option<f64>>; 6] = [
    ("ready", "Whether it processes records.", |run| Some(number(run.is_unready().is_none().into()))),
    ("watermark_timestamp_seconds", "The watermark of all inputs.", |run| run.watermark_ms.map(seconds)),
    ("checkpoint_timestamp_seconds", "When this process took its last checkpoint.", |run| {
        run.checkpointed.map(|at| seconds(at.as_millisecond()))
    }),
    ("checkpoint_age_seconds", "How long ago that is.", |run| run.checkpointed.map(age)),
    ("sync_age_seconds", "How long ago the state was made durable.", |run| run.synced.map(age)),
    ("wasm_memory_bytes", "The memory of WebAssembly that plugin and engine take.", |run| {
        Some(number(run.memory_bytes as u64))
    }),
];

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        gauges(&mut encoder, &OF_RUN, self)?;
        of_process(&mut encoder)?;
        let inputs = self.inputs.iter().map(|input| (labels(input), input));
        labelled_gauges(&mut encoder, &OF_INPUTS, &inputs)?;
        labelled_counters(&mut encoder, &COUNTS_OF_INPUTS, &inputs)?;
        let help = "Records that were left out, because they could not be read or the plugin refused them.";
        let mut family = encoder.encode_descriptor("input_left_out", help, None, MetricType::Counter)?;
        for input in &self.inputs {
            for (why, count) in [("unreadable", input.unreadable), ("refused", input.refused)] {
                let [name, partition] = labels(input);
                ConstCounter::new(count).encode(family.encode_family(&[name, partition, ("why", why)])?)?;
            }
        }
        let outputs = self.outputs.iter().map(|output| ([("output", output.name.as_str())], output));
        labelled_counters(&mut encoder, &COUNTS_OF_OUTPUTS, &outputs)?;
        labelled_gauges(&mut encoder, &OF_OUTPUTS, &outputs)
    }
}

fn labels(input: &InputStatus) -> [(&str, &str); 2] {
    [("input", &input.name), ("partition", &input.partition)]
}
