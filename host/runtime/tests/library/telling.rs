//! What a host reports: events for subscribers of `tracing`, and counts for Prometheus.

use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{Bench, flights, put, refused};

/// Writes events down, as `message name=value …`.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 = match field.name() {
            "message" => format!("{value:?} {}", self.0),
            name => format!("{} {name}={value:?}", self.0),
        };
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("alluvium_host")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn every_step_is_an_event() {
    let listener = Listener::default();
    // For the whole process: one for this thread alone would miss events that another was first to pass.
    tracing::subscriber::set_global_default(listener.clone()).expect("there is no other subscriber");
    let bench = Bench::new();
    let mut plugin = bench.start(&bench.code(&(put(8, 100) + "(unreachable)")), "one", None);
    plugin.checkpoint().unwrap();
    plugin.sync().unwrap();
    refused(plugin.feed(0, &flights(1, 1)));
    plugin.restart().unwrap();
    plugin.close();
    let here = bench.path("one").display().to_string();
    let lines: Vec<String> = listener.0.lock().unwrap().iter().filter(|line| line.contains(&here)).cloned().collect();
    for (at, words) in [
        (0, &["started", "plugin=delays", "took_us="][..]),
        (1, &["checkpoint", "id=1", "bytes_written=", "stall_us=", "state_bytes="]),
        (2, &["sync", "stall_us="]),
        (3, &["stopped: the plugin ended in mid-call", "unreachable"]),
        (4, &["closed"]),
    ] {
        let line = lines.get(at).unwrap_or_else(|| panic!("no event {at}: {lines:#?}"));
        for word in words {
            assert!(line.contains(word), "{word} is missing in {line}");
        }
    }
}

#[test]
fn every_step_is_counted() {
    let bench = Bench::new();
    let mut plugin = bench.neighbour();
    for batch in 0..3 {
        plugin.feed(0, &flights(batch * 100 + 1, 100)).unwrap();
        plugin.checkpoint().unwrap();
    }
    plugin.restart().unwrap();
    let text = bench.host.metrics();
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("alluvium_{name}{{"))).expect(name);
        assert!(line.contains("plugin=\"delays\""), "{line}");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    for (name, expected) in [
        ("checkpoints_total", 3.0),
        ("batches_total", 3.0),
        ("records_total", 300.0),
        ("restarts_total", 1.0),
        ("checkpoint_id", 3.0),
        ("state_keys", 1.0),
        ("stall_seconds_count", 3.0),
        ("freeze_seconds_count", 3.0),
    ] {
        assert!((value(name) - expected).abs() < 1e-9, "{name}: {} where {expected} was expected", value(name));
    }
    for name in ["written_bytes_total", "state_bytes", "disk_bytes", "recovery_bytes", "recovery_seconds"] {
        assert!(value(name) > 0.0, "{name}");
    }
    // Each metric is declared once, before its lines.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split('{').next().unwrap();
        let family =
            ["_bucket", "_sum", "_count", "_total"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let declared = text.matches(&format!("# TYPE {family} ")).count();
        assert_eq!(declared, 1, "{family}");
    }
}
