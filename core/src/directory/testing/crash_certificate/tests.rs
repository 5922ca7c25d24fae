use crate::directory::block_on::block_on;
use crate::directory::contract::{Directory, Entry, NewFile};
use crate::directory::error::DirectoryError;
use crate::directory::testing::crash_certificate::{CrashReport, Storage, certify};
use crate::directory::testing::simulated::{Node, Nodes, SimulatedDirectory};

#[test]
fn the_simulation_passes() {
    let states = block_on(certify(|| SimulatedDirectory::new(3))).assert();
    assert!(states > 250, "only {states}");
}

/// A promise that a storage breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    LosesAcknowledged,
    CommitsFirst,
    Tears,
    DeletesComeBack,
}

/// The simulation, except that a failure breaks one promise.
struct Breaking(SimulatedDirectory, Wrong);

impl Directory for Breaking {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.0.list().await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.0.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.0.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let mut batch = batch;
        if self.1 == Wrong::CommitsFirst {
            batch.rotate_right(1);
        }
        self.0.create(batch).await
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        if self.1 == Wrong::DeletesComeBack && paths.iter().any(|path| path == "wal/1") {
            return Ok(());
        }
        self.0.delete(paths).await
    }
}

impl Storage for Breaking {
    type Handle<'a> = &'a Self;

    async fn open(&self) -> Result<&Self, DirectoryError> {
        Ok(self)
    }
    fn fail_after(&self, steps: u64) {
        self.0.fail_after(steps);
    }
    fn has_failed(&self) -> bool {
        self.0.has_failed()
    }
    fn after_failure(&self, seed: u64) -> Vec<Self> {
        let broken = |mut nodes: Nodes| {
            let last = nodes
                .iter()
                .filter(|(_, node)| matches!(node, Node::File(_)))
                .map(|(path, _)| path.clone())
                .next_back();
            match (self.1, last) {
                (Wrong::LosesAcknowledged, Some(path)) => drop(nodes.remove(&path)),
                (Wrong::Tears, Some(path)) => drop(nodes.insert(path, Node::File(b"torn".to_vec()))),
                _ => {}
            }
            Self(SimulatedDirectory::from_nodes(seed, nodes), self.1)
        };
        self.0.crash_states().into_iter().map(broken).collect()
    }
}

#[test]
fn each_broken_promise_is_found() {
    for (wrong, told) in [
        (Wrong::LosesAcknowledged, "was acknowledged, but is gone"),
        (Wrong::CommitsFirst, "exists without"),
        (Wrong::Tears, "not what was created"),
        (Wrong::DeletesComeBack, "was deleted"),
    ] {
        let report = block_on(certify(|| Breaking(SimulatedDirectory::new(1), wrong)));
        assert!(report.violations.iter().any(|what| what.contains(told)), "{wrong:?}: {report:?}");
    }
}

#[test]
#[should_panic(expected = "does the power ever fail?")]
fn a_report_without_states_is_a_failure() {
    CrashReport::default().assert();
}
