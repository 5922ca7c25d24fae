//! What a host counts of its plugins, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::engine::{CheckpointReport, Recovery};
use crate::limits::Limit;

/// Upper bounds of the buckets that durations are counted in, in seconds.
const BUCKETS: [f64; 12] = [0.000_05, 0.000_25, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

type Labels = Vec<(&'static str, String)>;

/// The counts of one plugin, for as long as it is there.
#[derive(Debug)]
pub(crate) struct PluginMetrics {
    labels: Labels,
    checkpoints: Counter,
    syncs: Counter,
    restarts: Counter,
    batches: Counter,
    records: Counter,
    bytes_written: Counter,
    bytes_reclaimed: Counter,
    call: Histogram,
    stall: Histogram,
    freeze: Histogram,
    write: Histogram,
    state_keys: Gauge<u64, AtomicU64>,
    state_bytes: Gauge<u64, AtomicU64>,
    recovery_s: Gauge<f64, AtomicU64>,
    recovery_bytes: Gauge<u64, AtomicU64>,
    checkpoint_id: Gauge<u64, AtomicU64>,
    disk_bytes: Gauge<u64, AtomicU64>,
    /// How often each limit was reached; and traps, under `trap`.
    ends: Mutex<BTreeMap<&'static str, Counter>>,
}

impl PluginMetrics {
    fn new(labels: Labels) -> Self {
        let histogram = || Histogram::new(BUCKETS);
        Self {
            labels,
            checkpoints: Counter::default(),
            syncs: Counter::default(),
            restarts: Counter::default(),
            batches: Counter::default(),
            records: Counter::default(),
            bytes_written: Counter::default(),
            bytes_reclaimed: Counter::default(),
            call: histogram(),
            stall: histogram(),
            freeze: histogram(),
            write: histogram(),
            state_keys: Gauge::default(),
            state_bytes: Gauge::default(),
            recovery_s: Gauge::default(),
            recovery_bytes: Gauge::default(),
            checkpoint_id: Gauge::default(),
            disk_bytes: Gauge::default(),
            ends: Mutex::default(),
        }
    }

    pub(crate) fn recovered(&self, recovery: Option<&Recovery>, took: Duration) {
        self.recovery_s.set(took.as_secs_f64());
        if let Some(recovery) = recovery {
            self.recovery_bytes.set(recovery.bytes_read);
            self.state_keys.set(recovery.key_count);
            self.checkpoint_id.set(recovery.checkpoint_id);
        }
    }

    /// `call` is how long the plugin took for the batch.
    pub(crate) fn fed(&self, records: u64, call: Duration) {
        self.call.observe(call.as_secs_f64());
        self.batches.inc();
        self.records.inc_by(records);
    }

    /// `stall` is how long the stream stood still for it.
    pub(crate) fn checkpointed(&self, report: &CheckpointReport, stall: Duration) {
        let of_us = |us| Duration::from_micros(us).as_secs_f64();
        self.checkpoints.inc();
        self.bytes_written.inc_by(report.bytes_written);
        self.bytes_reclaimed.inc_by(report.maintenance.reclaimed_bytes);
        self.stall.observe(stall.as_secs_f64());
        self.freeze.observe(of_us(report.freeze_us));
        self.write.observe(of_us(report.write_us));
        self.state_keys.set(report.info.key_count);
        self.state_bytes.set(report.info.size_bytes);
        self.checkpoint_id.set(report.info.id);
    }

    pub(crate) fn synced(&self, stall: Duration) {
        self.syncs.inc();
        self.stall.observe(stall.as_secs_f64());
    }

    pub(crate) fn restarted(&self) {
        self.restarts.inc();
    }

    pub(crate) fn takes_disk(&self, bytes: u64) {
        self.disk_bytes.set(bytes);
    }

    pub(crate) fn ended(&self, limit: Option<Limit>) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.entry(limit.map_or("trap", Limit::name)).or_default().inc();
    }
}

/// The plugins of a host, each counted under its own labels.
#[derive(Debug)]
pub(crate) struct Registry {
    plugins: Arc<Plugins>,
    exposed: prometheus_client::registry::Registry,
}

impl Default for Registry {
    fn default() -> Self {
        let plugins = Arc::new(Plugins::default());
        let mut exposed = prometheus_client::registry::Registry::with_prefix("alluvium");
        exposed.register_collector(Box::new(Arc::clone(&plugins)));
        Self { plugins, exposed }
    }
}

impl Registry {
    /// Begins to count a plugin.
    pub(crate) fn add(&self, plugin: &str, directory: &str) -> Arc<PluginMetrics> {
        let labels = vec![("plugin", plugin.to_owned()), ("directory", directory.to_owned())];
        let metrics = Arc::new(PluginMetrics::new(labels));
        let mut all = self.plugins.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that were closed go when the list would grow.
        if all.len() == all.capacity() {
            all.retain(|one| one.strong_count() > 0);
        }
        all.push(Arc::downgrade(&metrics));
        metrics
    }

    /// Everything in Prometheus's text form, as `OpenMetrics` 1.0 has it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.exposed);
        text
    }
}

/// The plugins that are there; a closed one has no lines.
#[derive(Debug, Default)]
struct Plugins(Mutex<Vec<Weak<PluginMetrics>>>);

/// A name, its meaning, and where its number is.
type Metric<T> = (&'static str, &'static str, fn(&PluginMetrics) -> &T);

const COUNTERS: [Metric<Counter>; 7] = [
    ("checkpoints", "Checkpoints taken.", |counts| &counts.checkpoints),
    ("syncs", "WAL files written between checkpoints.", |counts| &counts.syncs),
    ("restarts", "Restarts from the last checkpoint.", |counts| &counts.restarts),
    ("batches", "Batches of records fed.", |counts| &counts.batches),
    ("records", "Records fed.", |counts| &counts.records),
    ("written_bytes", "Bytes that checkpoints wrote.", |counts| &counts.bytes_written),
    ("reclaimed_bytes", "Bytes of files that no kept checkpoint needs.", |counts| &counts.bytes_reclaimed),
];

const GAUGES: [Metric<Gauge<u64, AtomicU64>>; 5] = [
    ("checkpoint_id", "The newest checkpoint.", |counts| &counts.checkpoint_id),
    ("state_keys", "Keys of the state, at the newest checkpoint.", |counts| &counts.state_keys),
    ("state_bytes", "Bytes of the state, at the newest checkpoint.", |counts| &counts.state_bytes),
    ("disk_bytes", "Bytes of the directory's files, at the newest checkpoint.", |counts| &counts.disk_bytes),
    ("recovery_bytes", "Bytes that the last recovery read.", |counts| &counts.recovery_bytes),
];

const RECOVERY: Metric<Gauge<f64, AtomicU64>> =
    ("recovery_seconds", "How long the last start took, with its recovery.", |counts| &counts.recovery_s);

const HISTOGRAMS: [Metric<Histogram>; 4] = [
    ("call_seconds", "How long the plugin took for a batch.", |counts| &counts.call),
    ("stall_seconds", "How long the stream stood still for a checkpoint or sync.", |counts| &counts.stall),
    ("freeze_seconds", "How long freezing a checkpoint took.", |counts| &counts.freeze),
    ("write_seconds", "How long writing a checkpoint took.", |counts| &counts.write),
];

impl Collector for Plugins {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        all.sort_by(|one, other| one.labels.cmp(&other.labels));
        for metric in COUNTERS {
            encode(&mut encoder, &all, metric)?;
        }
        for metric in GAUGES {
            encode(&mut encoder, &all, metric)?;
        }
        encode(&mut encoder, &all, RECOVERY)?;
        for metric in HISTOGRAMS {
            encode(&mut encoder, &all, metric)?;
        }
        let help = "Plugins stopped, by the limit that they reached, or by a trap.";
        let mut ends = encoder.encode_descriptor("ends", help, None, MetricType::Counter)?;
        for plugin in &all {
            for (why, count) in &*plugin.ends.lock().unwrap_or_else(PoisonError::into_inner) {
                let mut labels = plugin.labels.clone();
                labels.push(("why", (*why).to_owned()));
                count.encode(ends.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// One metric of every plugin.
fn encode<T: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    all: &[Arc<PluginMetrics>],
    (name, help, value): Metric<T>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, T::TYPE)?;
    for plugin in all {
        value(plugin).encode(family.encode_family(&plugin.labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plugin_has_its_lines_and_a_closed_one_none() {
        let registry = Registry::default();
        let one = registry.add("delays", "/state/\"a\"\n");
        let other = registry.add("alerts", "/state/b");
        one.fed(1_000, Duration::ZERO);
        one.fed(500, Duration::ZERO);
        one.ended(Some(Limit::Time));
        one.ended(None);
        one.ended(None);
        let text = registry.text();
        let labels = "plugin=\"delays\",directory=\"/state/\\\"a\\\"\\n\"";
        for line in [
            format!("alluvium_records_total{{{labels}}} 1500"),
            "alluvium_records_total{plugin=\"alerts\",directory=\"/state/b\"} 0".to_owned(),
            format!("alluvium_ends_total{{{labels},why=\"time\"}} 1"),
            format!("alluvium_ends_total{{{labels},why=\"trap\"}} 2"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        drop(other);
        assert!(!registry.text().contains("alerts"));
    }

    #[test]
    fn buckets_are_cumulative() {
        let registry = Registry::default();
        let plugin = registry.add("delays", "/state");
        for micros in [10, 50, 51, 2_000, 60_000_000] {
            plugin.synced(Duration::from_micros(micros));
        }
        let text = registry.text();
        let of = |bound: &str| {
            let labels = "plugin=\"delays\",directory=\"/state\"";
            let bucket = |line: &str| {
                let (before, count) = line.rsplit_once(' ')?;
                let bucket = before.strip_prefix("alluvium_stall_seconds_bucket{")?;
                (bucket.contains(labels) && bucket.contains(&format!("le=\"{bound}\""))).then(|| count.to_owned())
            };
            text.lines().find_map(bucket).unwrap_or_else(|| panic!("{bound} in\n{text}"))
        };
        assert_eq!(["0.00005", "0.00025", "0.001", "0.005", "30.0", "+Inf"].map(of), ["2", "3", "3", "4", "4", "5"]);
        assert!(text.contains("\nalluvium_stall_seconds_count{plugin=\"delays\",directory=\"/state\"} 5\n"), "{text}");
    }

    /// The names and kinds that dashboards are built on.
    #[test]
    fn names_and_kinds_stay() {
        let registry = Registry::default();
        let text = registry.text();
        let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE alluvium_")).collect();
        assert_eq!(
            kinds,
            [
                "checkpoints counter",
                "syncs counter",
                "restarts counter",
                "batches counter",
                "records counter",
                "written_bytes counter",
                "reclaimed_bytes counter",
                "checkpoint_id gauge",
                "state_keys gauge",
                "state_bytes gauge",
                "disk_bytes gauge",
                "recovery_bytes gauge",
                "recovery_seconds gauge",
                "call_seconds histogram",
                "stall_seconds histogram",
                "freeze_seconds histogram",
                "write_seconds histogram",
                "ends counter",
            ]
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
