//! The suite for a sink whose records wait in the directory of a job. Each process is one of a later generation.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_connectors::sink::{Publication, SharedPlace, Sink, SinkErrorKind, from_url_of_job};
use alluvium_connectors::testing::{SinkFixture, sink_suite};
use alluvium_connectors::{Batch, Opaque};
use alluvium_core::directory::MemoryDirectory;

struct InJob<F, A> {
    fixture: F,
    address: A,
    directories: BTreeMap<String, Arc<MemoryDirectory>>,
    generation: u64,
}

impl<F: SinkFixture, A: Fn(&F, &str) -> String> SinkFixture for InJob<F, A> {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        // It makes the target.
        drop(self.fixture.open(target));
        let mut sink = from_url_of_job(&(self.address)(&self.fixture, target)).unwrap();
        assert!(sink.needs_place());
        self.generation += 1;
        let directory = Arc::clone(self.directories.entry(target.to_owned()).or_default());
        sink.wait_in(Box::new(SharedPlace::new(directory, target, self.generation)));
        assert!(!sink.needs_place());
        sink
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        self.fixture.visible(target)
    }
}

/// Runs the suite for the sinks at these addresses, on the targets that the fixture makes. If a target refuses what an
/// earlier process sends, it is shown too.
pub(crate) fn sink_suite_in_job<F: SinkFixture>(fixture: F, refuses: bool, address: impl Fn(&F, &str) -> String) {
    let mut job = InJob { fixture, address, directories: BTreeMap::new(), generation: 0 };
    let report = sink_suite(&mut job);
    assert_eq!(report.assert(), 23, "{report:?}");
    if refuses {
        an_earlier_process_publishes_nothing(&mut job);
    }
}

fn epoch(sink: &mut dyn Sink, record: &str) -> Opaque {
    sink.write(&Batch::of_raw([record.as_bytes()])).unwrap();
    sink.prepare().unwrap()
}

/// A process stands still after its checkpoint was committed, or before that. It continues when a later one has begun.
fn an_earlier_process_publishes_nothing(job: &mut dyn SinkFixture) {
    for is_committed in [true, false] {
        let target = if is_committed { "committed" } else { "prepared" };
        let mut old = job.open(target);
        old.recover(&[]).unwrap();
        let first = epoch(&mut *old, "a");
        old.publish(&first).unwrap();
        let second = epoch(&mut *old, "b");
        let mut new = job.open(target);
        let (token, found) =
            if is_committed { (second.clone(), Publication::Now) } else { (first.clone(), Publication::Before) };
        assert_eq!(new.recover(&[token]).unwrap(), [found], "{target}");
        let expected = if is_committed { vec!["a", "b"] } else { vec!["a"] };
        assert_eq!(job.visible(target), expected);
        // A server may answer that it has these records already.
        if is_committed && let Err(error) = old.publish(&second) {
            assert_eq!(error.kind(), SinkErrorKind::Fenced, "{error}");
        }
        assert_eq!(job.visible(target), expected);
        let third = epoch(&mut *new, "c");
        new.publish(&third).unwrap();
        let mut late = job.open(target);
        late.recover(&[third]).unwrap();
        assert_eq!(job.visible(target), [expected, vec!["c"]].concat());
        // It cannot prepare anything either.
        old.abort().and_then(|()| old.write(&Batch::of_raw([&b"d"[..]]))).and_then(|()| old.prepare()).unwrap_err();
    }
}
