//! The metrics of a run, as Prometheus reads them.

use std::fmt;

use alluvium_host::Host;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

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

/// A name, its meaning, and how to find its number.
pub(in crate::run) type Metric<T, N> = (&'static str, &'static str, fn(&T) -> N);

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
        for (name, help, value) in OF_RUN {
            if let Some(value) = value(self) {
                let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(encoder)?;
            }
        }
        of_process(&mut encoder)?;
        for (name, help, value) in OF_INPUTS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for input in &self.inputs {
                if let Some(value) = value(input) {
                    ConstGauge::new(value).encode(family.encode_family(&labels(input))?)?;
                }
            }
        }
        for (name, help, value) in COUNTS_OF_INPUTS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for input in &self.inputs {
                ConstCounter::new(value(input)).encode(family.encode_family(&labels(input))?)?;
            }
        }
        let help = "Records that were left out, because they could not be read or the plugin refused them.";
        let mut family = encoder.encode_descriptor("input_left_out", help, None, MetricType::Counter)?;
        for input in &self.inputs {
            for (why, count) in [("unreadable", input.unreadable), ("refused", input.refused)] {
                let [name, partition] = labels(input);
                ConstCounter::new(count).encode(family.encode_family(&[name, partition, ("why", why)])?)?;
            }
        }
        let help = "Records emitted by this process.";
        let mut family = encoder.encode_descriptor("output_records", help, None, MetricType::Counter)?;
        for OutputStatus { name, records, .. } in &self.outputs {
            ConstCounter::new(*records).encode(family.encode_family(&[("output", name.as_str())])?)?;
        }
        let help = "Bytes of the output that are published.";
        let mut family = encoder.encode_descriptor("output_published_bytes", help, None, MetricType::Gauge)?;
        for OutputStatus { name, published_bytes, .. } in &self.outputs {
            if let Some(bytes) = published_bytes {
                ConstGauge::new(*bytes).encode(family.encode_family(&[("output", name.as_str())])?)?;
            }
        }
        Ok(())
    }
}

/// Encodes what is known of this process.
pub(in crate::run) fn of_process(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(bytes) = resident_bytes() else { return Ok(()) };
    let help = "The memory of this process.";
    let encoder = encoder.encode_descriptor("process_resident_memory", help, Some(&Unit::Bytes), MetricType::Gauge)?;
    ConstGauge::new(bytes).encode(encoder)
}

fn labels(input: &InputStatus) -> [(&str, &str); 2] {
    [("input", &input.name), ("partition", &input.partition)]
}

#[allow(clippy::cast_precision_loss, reason = "a metric is a floating-point number")]
pub(in crate::run) fn number(number: u64) -> f64 {
    number as f64
}

#[allow(clippy::cast_precision_loss, reason = "a metric is a floating-point number")]
pub(in crate::run) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}

pub(in crate::run) fn age(since: Timestamp) -> f64 {
    Timestamp::now().duration_since(since).as_secs_f64().max(0.0)
}

/// The resident memory of this process, if the system says it.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
