//! What a host counts of its plugins, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::engine::{CheckpointReport, Recovery};
use crate::limits::Limit;

/// Upper bounds of the buckets that durations are counted in, in seconds.
const BUCKETS: [f64; 12] = [0.000_05, 0.000_25, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Durations, counted by length.
#[derive(Debug, Clone, Default)]
struct Histogram {
    /// One for each bound, and one for what is longer than all of them.
    counts: [u64; BUCKETS.len() + 1],
    sum_s: f64,
}

impl Histogram {
    fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.counts[bucket] += 1;
        self.sum_s += seconds;
    }
}

/// What is counted of one plugin.
#[derive(Debug, Clone, Default)]
struct Counts {
    checkpoints: u64,
    syncs: u64,
    restarts: u64,
    batches: u64,
    records: u64,
    bytes_written: u64,
    bytes_reclaimed: u64,
    stall: Histogram,
    freeze: Histogram,
    write: Histogram,
    state_keys: u64,
    state_bytes: u64,
    recovery_s: f64,
    recovery_bytes: u64,
    checkpoint_id: u64,
    disk_bytes: u64,
    /// How often each limit was run into; and traps, under `trap`.
    ends: BTreeMap<&'static str, u64>,
}

/// The counts of one plugin, for as long as it is there.
#[derive(Debug)]
pub(crate) struct PluginMetrics {
    /// Its labels, as they are written.
    labels: String,
    counts: Mutex<Counts>,
}

impl PluginMetrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Numbers are whole whoever panicked between two of them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recovered(&self, recovery: Option<&Recovery>, took: Duration) {
        let mut counts = self.counts();
        counts.recovery_s = took.as_secs_f64();
        if let Some(recovery) = recovery {
            counts.recovery_bytes = recovery.bytes_read;
            counts.state_keys = recovery.key_count;
            counts.checkpoint_id = recovery.checkpoint_id;
        }
    }

    pub(crate) fn fed(&self, records: u32) {
        let mut counts = self.counts();
        counts.batches += 1;
        counts.records += u64::from(records);
    }

    /// `stall` is how long the stream stood still for it.
    pub(crate) fn checkpointed(&self, report: &CheckpointReport, stall: Duration) {
        let mut counts = self.counts();
        counts.checkpoints += 1;
        counts.bytes_written += report.bytes_written;
        counts.bytes_reclaimed += report.maintenance.reclaimed_bytes;
        counts.stall.observe(stall);
        counts.freeze.observe(Duration::from_micros(report.freeze_us));
        counts.write.observe(Duration::from_micros(report.write_us));
        counts.state_keys = report.info.key_count;
        counts.state_bytes = report.info.size_bytes;
        counts.checkpoint_id = report.info.id;
    }

    pub(crate) fn synced(&self, stall: Duration) {
        let mut counts = self.counts();
        counts.syncs += 1;
        counts.stall.observe(stall);
    }

    pub(crate) fn restarted(&self) {
        self.counts().restarts += 1;
    }

    pub(crate) fn takes_disk(&self, bytes: u64) {
        self.counts().disk_bytes = bytes;
    }

    pub(crate) fn ended(&self, limit: Option<Limit>) {
        *self.counts().ends.entry(limit.map_or("trap", Limit::name)).or_default() += 1;
    }
}

/// The plugins of a host, each counted under its own labels.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Vec<Weak<PluginMetrics>>>);

impl Registry {
    /// Begins to count a plugin.
    pub(crate) fn add(&self, plugin: &str, directory: &str) -> Arc<PluginMetrics> {
        let labels = format!("plugin=\"{}\",directory=\"{}\"", label(plugin), label(directory));
        let metrics = Arc::new(PluginMetrics { labels, counts: Mutex::default() });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that were closed go when the list would grow.
        if all.len() == all.capacity() {
            all.retain(|one| one.strong_count() > 0);
        }
        all.push(Arc::downgrade(&metrics));
        metrics
    }

    /// Everything in Prometheus's text form, version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        all.sort_by(|one, other| one.labels.cmp(&other.labels));
        let all: Vec<_> = all.iter().map(|one| (one.labels.as_str(), one.counts().clone())).collect();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write_all(&mut text, &all);
        text
    }
}

/// A label's value, escaped as the format asks.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A name, its meaning, and where its number is.
type Metric<T> = (&'static str, &'static str, fn(&Counts) -> &T);

type All<'a> = [(&'a str, Counts)];

fn write_all(out: &mut String, all: &All<'_>) -> fmt::Result {
    let counter: [Metric<u64>; 7] = [
        ("checkpoints_total", "Checkpoints taken.", |counts| &counts.checkpoints),
        ("syncs_total", "Logs written between checkpoints.", |counts| &counts.syncs),
        ("restarts_total", "Starts anew from the last checkpoint.", |counts| &counts.restarts),
        ("batches_total", "Batches of records fed.", |counts| &counts.batches),
        ("records_total", "Records fed.", |counts| &counts.records),
        ("written_bytes_total", "Bytes that checkpoints wrote.", |counts| &counts.bytes_written),
        ("reclaimed_bytes_total", "Bytes of files that no kept checkpoint needs.", |counts| &counts.bytes_reclaimed),
    ];
    for (name, help, value) in counter {
        single(out, all, (name, "counter", help), |counts| value(counts).to_string())?;
    }
    let gauge: [Metric<u64>; 5] = [
        ("checkpoint_id", "The newest checkpoint.", |counts| &counts.checkpoint_id),
        ("state_keys", "Keys of the state, at the newest checkpoint.", |counts| &counts.state_keys),
        ("state_bytes", "Bytes of the state, at the newest checkpoint.", |counts| &counts.state_bytes),
        ("disk_bytes", "Bytes of the directory's files, at the newest checkpoint.", |counts| &counts.disk_bytes),
        ("recovery_bytes", "Bytes that the last recovery read.", |counts| &counts.recovery_bytes),
    ];
    for (name, help, value) in gauge {
        single(out, all, (name, "gauge", help), |counts| value(counts).to_string())?;
    }
    let recovery = ("recovery_seconds", "gauge", "How long the last start took, recovery and all.");
    single(out, all, recovery, |counts| counts.recovery_s.to_string())?;
    let histograms: [Metric<Histogram>; 3] = [
        ("stall_seconds", "How long the stream stood still for a checkpoint or sync.", |counts| &counts.stall),
        ("freeze_seconds", "How long freezing a checkpoint took.", |counts| &counts.freeze),
        ("write_seconds", "How long writing a checkpoint took.", |counts| &counts.write),
    ];
    for (name, help, value) in histograms {
        header(out, name, "histogram", help)?;
        for (labels, counts) in all {
            histogram(out, name, labels, value(counts))?;
        }
    }
    header(out, "ends_total", "counter", "Plugins stopped, by the limit that they ran into, or by a trap.")?;
    for (labels, counts) in all {
        for (why, count) in &counts.ends {
            writeln!(out, "alluvium_ends_total{{{labels},why=\"{why}\"}} {count}")?;
        }
    }
    Ok(())
}

fn header(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP alluvium_{name} {help}\n# TYPE alluvium_{name} {kind}")
}

fn single(
    out: &mut String,
    all: &All<'_>,
    (name, kind, help): (&str, &str, &str),
    value: impl Fn(&Counts) -> String,
) -> fmt::Result {
    header(out, name, kind, help)?;
    for (labels, counts) in all {
        writeln!(out, "alluvium_{name}{{{labels}}} {}", value(counts))?;
    }
    Ok(())
}

fn histogram(out: &mut String, name: &str, labels: &str, histogram: &Histogram) -> fmt::Result {
    let mut total = 0;
    for (at, count) in histogram.counts.iter().enumerate() {
        total += count;
        let bound = BUCKETS.get(at).map_or_else(|| "+Inf".to_owned(), f64::to_string);
        writeln!(out, "alluvium_{name}_bucket{{{labels},le=\"{bound}\"}} {total}")?;
    }
    writeln!(out, "alluvium_{name}_sum{{{labels}}} {}", histogram.sum_s)?;
    writeln!(out, "alluvium_{name}_count{{{labels}}} {total}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plugin_has_its_lines_and_a_closed_one_none() {
        let registry = Registry::default();
        let one = registry.add("delays", "/state/\"a\"\n");
        let other = registry.add("alerts", "/state/b");
        one.fed(1_000);
        one.fed(500);
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
        let mut stall = Histogram::default();
        for micros in [10, 50, 51, 2_000, 60_000_000] {
            stall.observe(Duration::from_micros(micros));
        }
        let mut text = String::new();
        histogram(&mut text, "stall_seconds", "a=\"b\"", &stall).unwrap();
        let of = |bound: &str| {
            let start = format!("alluvium_stall_seconds_bucket{{a=\"b\",le=\"{bound}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{bound} in\n{text}"))
        };
        assert_eq!(["0.00005", "0.00025", "0.001", "0.005", "30", "+Inf"].map(of), ["2", "3", "3", "4", "4", "5"]);
        assert!(text.ends_with("alluvium_stall_seconds_count{a=\"b\"} 5\n"), "{text}");
    }
}
