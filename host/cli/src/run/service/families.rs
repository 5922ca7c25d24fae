//! Encodes metrics from tables of their names, meanings and values.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// A name, its meaning, and how to find its number.
pub(in crate::run) type Metric<T, N> = (&'static str, &'static str, fn(&T) -> N);

/// Encodes the gauges of one thing. A number that is not known is left out.
pub(in crate::run) fn gauges<T>(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[Metric<T, Option<f64>>],
    of: &T,
) -> fmt::Result {
    for (name, help, value) in metrics {
        if let Some(value) = value(of) {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
    }
    Ok(())
}

/// Encodes the counters of one thing.
pub(in crate::run) fn counters<T>(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[Metric<T, u64>],
    of: &T,
) -> fmt::Result {
    for (name, help, value) in metrics {
        ConstCounter::new(value(of)).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
    }
    Ok(())
}

/// Encodes the gauges of several things, each with its labels.
pub(in crate::run) fn labelled_gauges<'a, T: 'a, L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[Metric<T, Option<f64>>],
    of: &(impl Iterator<Item = (L, &'a T)> + Clone),
) -> fmt::Result {
    for (name, help, value) in metrics {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, of) in of.clone() {
            if let Some(value) = value(of) {
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}

/// Encodes the counters of several things, each with its labels.
pub(in crate::run) fn labelled_counters<'a, T: 'a, L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[Metric<T, u64>],
    of: &(impl Iterator<Item = (L, &'a T)> + Clone),
) -> fmt::Result {
    for (name, help, value) in metrics {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, of) in of.clone() {
            ConstCounter::new(value(of)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Encodes what is known of this process.
pub(in crate::run) fn of_process(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(bytes) = resident_bytes() else { return Ok(()) };
    let help = "The memory of this process.";
    let encoder = encoder.encode_descriptor("process_resident_memory", help, Some(&Unit::Bytes), MetricType::Gauge)?;
    ConstGauge::new(bytes).encode(encoder)
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
