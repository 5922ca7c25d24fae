//! An epoch is committed, and its output cannot be shown: the next start shows it, also that of the last epoch.

use std::path::Path;

use alluvium_cluster::{ClusterError, Ended, Input, Job, JobOptions, NativeOperator, NativeStorage};
use alluvium_connectors::sink::{Guarantee, MemorySink, MemoryTarget, Publication, Sink, SinkError, SinkErrorKind};
use alluvium_connectors::source::{FileSource, Format};
use alluvium_connectors::{Batch, Opaque};
use alluvium_test_cluster::counts::Counts;
use alluvium_test_cluster::expected::{Expected, in_epochs};

/// A sink whose server is away from a publication on.
struct Away {
    sink: MemorySink,
    /// How many publications come before that.
    left: usize,
}

impl Sink for Away {
    fn name(&self) -> &str {
        self.sink.name()
    }
    fn guarantee(&self) -> Guarantee {
        self.sink.guarantee()
    }
    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        self.sink.recover(committed)
    }
    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        self.sink.write(records)
    }
    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        self.sink.prepare()
    }
    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        let away = || SinkError::new(SinkErrorKind::Io, self.sink.name(), "the server is away");
        self.left = self.left.checked_sub(1).ok_or_else(away)?;
        self.sink.publish(committed)
    }
    fn abort(&mut self) -> Result<(), SinkError> {
        self.sink.abort()
    }
}

fn run(folder: &Path, target: &MemoryTarget, publications: usize) -> Result<Ended, ClusterError> {
    let input = folder.join("0.in");
    let open = move || Ok(Box::new(FileSource::new(&input).format(Format::Lines).final_record(true)) as _);
    let job = Job::new(NativeStorage::new(folder.join("job")), NativeOperator::new(Counts { every: 3 }))
        .input(Input::new("records", open))
        .options(JobOptions::new().epoch_records(25.try_into().unwrap()))
        .output("counts", Box::new(Away { sink: target.sink(), left: publications }))?;
    Ok(job.run()?.ended)
}

#[test]
fn what_was_committed_and_not_shown_is_shown_by_the_next_start() {
    let records: Vec<String> = (0..110).map(|at| format!("w{} {at}", at % 7)).collect();
    let expected = Expected::of(in_epochs(std::slice::from_ref(&records), 25), 3).output;
    for publications in 0.. {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("0.in"), records.join("\n")).unwrap();
        let target = MemoryTarget::new();
        let visible = || target.visible().into_iter().map(|record| String::from_utf8(record).unwrap());
        let is_complete = match run(folder.path(), &target, publications) {
            Ok(ended) => ended == Ended::Finished,
            Err(error) => {
                assert!(error.to_string().contains("the server is away"), "{error}");
                false
            }
        };
        // The first start has all of it to do, the next one what is left, and the last one nothing.
        for _ in 0..2 {
            assert_eq!(run(folder.path(), &target, usize::MAX).unwrap(), Ended::Finished);
            assert_eq!(visible().collect::<Vec<_>>(), expected, "the server was away after {publications}");
        }
        if is_complete {
            assert!(publications > 4, "{publications}");
            return;
        }
    }
}
