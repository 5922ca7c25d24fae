//! Compaction creates its files behind the stream, before the checkpoint that will name them. Until then
//! they are not garbage and count for nothing. If their creation fails, only space is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, Fault, SimulatedDirectory, block_on};
use alluvium_core::tools::verify::verify;
use alluvium_core::{
    CheckpointConfig, FinishedCheckpoint, IncrementalCheckpointError as Error, IncrementalCheckpointManager,
    MaintenanceReport, ManualClock, OpenOptions,
};

type Manager = IncrementalCheckpointManager<SimulatedDirectory>;

fn open(directory: &Arc<SimulatedDirectory>) -> Manager {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
    block_on(Manager::open(directory.clone(), CheckpointConfig::new(), options)).unwrap()
}

/// Makes a checkpoint without its maintenance. Every key has a large value, and one of the values changes.
fn step(manager: &mut Manager, n: u8) -> Result<FinishedCheckpoint<SimulatedDirectory>, Error> {
    manager.put(&[n % 4], &vec![n; 100_000]).unwrap();
    let prepared = manager.prepare_checkpoint(0).unwrap();
    let written = block_on(prepared.write())?;
    manager.finish_checkpoint(written)
}

fn maintain(finished: FinishedCheckpoint<SimulatedDirectory>) -> MaintenanceReport {
    block_on(finished.maintenance.run())
}

fn segments(directory: &SimulatedDirectory) -> BTreeSet<String> {
    directory.to_nodes().into_keys().filter(|path| path.starts_with("segments/")).collect()
}

/// Makes checkpoints until compaction has created files that no metadata names yet. Returns their paths, and
/// the number of checkpoints.
fn with_uncommitted_files() -> (Arc<SimulatedDirectory>, Manager, BTreeSet<String>, u8) {
    let directory = Arc::new(SimulatedDirectory::new(1));
    let mut manager = open(&directory);
    for n in 0.. {
        let finished = step(&mut manager, n).unwrap();
        let before = segments(&directory);
        let report = maintain(finished);
        assert_eq!(report.errors, [""; 0]);
        if report.rebased_bytes > 0 {
            let created = segments(&directory).difference(&before).cloned().collect();
            return (directory, manager, created, n + 1);
        }
    }
    unreachable!("deltas that outgrow the state are compacted")
}

#[test]
fn the_next_checkpoint_publishes_them_and_does_not_write_them_again() {
    let (directory, mut manager, uncommitted, n) = with_uncommitted_files();
    assert!(!uncommitted.is_empty());
    let rebased: u64 = uncommitted.iter().map(|path| bytes(&directory, path)).sum();
    let calls = directory.calls().len();
    let finished = step(&mut manager, n).unwrap();
    assert_eq!(finished.statistics.rebased_bytes, rebased);
    let named: BTreeSet<String> = finished.metadata.sst_files.iter().cloned().collect();
    assert!(uncommitted.is_subset(&named), "{uncommitted:?} of {named:?}");
    assert_eq!(directory.calls().len() - calls, 2, "one batch is created, and the directory is listed once");
    maintain(finished);
    let (len, value) = (manager.len(), manager.get(&[n % 4]).unwrap().to_vec());
    let again = open(&directory);
    assert_eq!((again.len(), again.get(&[n % 4]).unwrap()), (len, &value[..]));
}

fn bytes(directory: &SimulatedDirectory, path: &str) -> u64 {
    block_on(directory.read(path)).unwrap().len() as u64
}

#[test]
fn another_checkpoints_collection_leaves_them_alone() {
    let (directory, mut manager, uncommitted, n) = with_uncommitted_files();
    // They wait for the next checkpoint.
    block_on(manager.cleanup_old_checkpoints()).unwrap();
    assert!(uncommitted.is_subset(&segments(&directory)));
    // A checkpoint is in flight that has taken them from the ledger and has not named them yet.
    manager.put(&[9], b"1").unwrap();
    let first = manager.prepare_checkpoint(0).unwrap();
    block_on(manager.cleanup_old_checkpoints()).unwrap();
    let written = block_on(first.write()).unwrap();
    maintain(manager.finish_checkpoint(written).unwrap());
    assert!(uncommitted.is_subset(&segments(&directory)));
    maintain(step(&mut manager, n).unwrap());
    assert_eq!(block_on(verify(&*directory)).unwrap().findings, []);
}

#[test]
fn a_restore_deletes_them() {
    let (directory, mut manager, uncommitted, _) = with_uncommitted_files();
    let id = manager.latest_checkpoint_id().unwrap();
    block_on(manager.restore_checkpoint(id)).unwrap();
    assert!(uncommitted.is_disjoint(&segments(&directory)), "{uncommitted:?}");
    assert_eq!(block_on(verify(&*directory)).unwrap().checkpoints, 3);
}

#[test]
fn a_writer_that_lost_them_is_fenced_and_the_directory_stays_as_it_was() {
    let (directory, mut manager, uncommitted, n) = with_uncommitted_files();
    // Another writer deletes them as garbage.
    block_on(directory.delete(&uncommitted.into_iter().collect::<Vec<_>>())).unwrap();
    let before = directory.to_nodes();
    let newest = open(&directory).latest_checkpoint_id();
    let error = step(&mut manager, n).unwrap_err();
    assert!(matches!(&error, Error::Fenced(why) if why.contains("is gone")), "{error}");
    let left = directory.to_nodes();
    assert!(before.iter().all(|(path, node)| left.get(path) == Some(node)));
    assert_eq!(open(&directory).latest_checkpoint_id(), newest);
    assert!(manager.prepare_checkpoint(0).is_err());
}

/// Does what [`with_uncommitted_files`] does, but the creation of the files fails. Returns what maintenance
/// reported.
fn with_failing_creation(kind: DirectoryErrorKind) -> (Arc<SimulatedDirectory>, Manager, MaintenanceReport, u8) {
    let (same, _, _, steps) = with_uncommitted_files();
    let directory = Arc::new(SimulatedDirectory::new(1));
    let mut manager = open(&directory);
    // The last call of the same steps is the one that creates the files.
    directory.inject(Fault { call: same.calls().len() as u64 - 1, kind, lasting: false });
    let reports = (0..steps).map(|n| maintain(step(&mut manager, n).unwrap()));
    let report = reports.last().unwrap();
    assert_eq!((report.errors.len(), report.rebased_bytes), (1, 0), "{report:?}");
    (directory, manager, report, steps)
}

#[test]
fn a_full_disk_prevents_the_compaction_and_nothing_else() {
    let (directory, mut manager, report, n) = with_failing_creation(DirectoryErrorKind::NoSpace);
    assert!(report.errors[0].contains("compaction"), "{report:?}");
    // The next maintenance does what was left undone, and deletes what the failure left.
    let report = maintain(step(&mut manager, n).unwrap());
    assert!(report.errors.is_empty() && report.rebased_bytes > 0, "{report:?}");
    maintain(step(&mut manager, n + 1).unwrap());
    // A temporary file is deleted after the next opening, as always.
    let findings = block_on(verify(&*directory)).unwrap().findings;
    assert!(findings.iter().all(|finding| finding.path.contains(".tmp-")), "{findings:?}");
}

#[test]
fn after_any_other_failure_nothing_more_is_written() {
    let (directory, mut manager, report, _) = with_failing_creation(DirectoryErrorKind::Io);
    let newest = manager.latest_checkpoint_id();
    manager.put(b"more", b"1").unwrap();
    let refused = manager.prepare_checkpoint(0).unwrap_err();
    assert!(matches!(&refused, Error::Poisoned(why) if report.errors[0].contains(why)), "{refused}: {report:?}");
    // After reopening, the newest checkpoint is whole and the manager works.
    let mut manager = open(&directory);
    assert_eq!(manager.latest_checkpoint_id(), newest);
    for n in 0..3 {
        maintain(step(&mut manager, n).unwrap());
    }
    assert_eq!(block_on(verify(&*directory)).unwrap().checkpoints, 3);
}
