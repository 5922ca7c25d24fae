//! A rebase creates its files behind the stream, ahead of the checkpoint that will name them: until
//! then they are nobody's garbage, count for nothing, and cost nothing but space when they fail.

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
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000)));
    block_on(Manager::open(directory.clone(), CheckpointConfig::new(), options)).unwrap()
}

/// A checkpoint without its maintenance. Every key has a large value, of which one changes.
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

/// Checkpoints until a rebase has created files that no metadata names yet; gives their names.
fn with_files_ahead() -> (Arc<SimulatedDirectory>, Manager, BTreeSet<String>, u8) {
    let directory = Arc::new(SimulatedDirectory::new(1));
    let mut manager = open(&directory);
    for n in 0.. {
        let finished = step(&mut manager, n).unwrap();
        let before = segments(&directory);
        let report = maintain(finished);
        assert_eq!(report.errors, [""; 0]);
        if report.rebased_bytes > 0 {
            let ahead = segments(&directory).difference(&before).cloned().collect();
            return (directory, manager, ahead, n + 1);
        }
    }
    unreachable!("deltas that outgrow the state are rebased")
}

#[test]
fn they_are_published_with_the_next_checkpoint_and_not_written_again() {
    let (directory, mut manager, ahead, n) = with_files_ahead();
    assert!(!ahead.is_empty());
    let rebased: u64 = ahead.iter().map(|path| bytes(&directory, path)).sum();
    let calls = directory.calls().len();
    let finished = step(&mut manager, n).unwrap();
    assert_eq!(finished.statistics.rebased_bytes, rebased);
    let named: BTreeSet<String> = finished.metadata.sst_files.iter().cloned().collect();
    assert!(ahead.is_subset(&named), "{ahead:?} of {named:?}");
    assert_eq!(directory.calls().len() - calls, 2, "one batch created, and one look at who was there");
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
    let (directory, mut manager, ahead, n) = with_files_ahead();
    // While they wait.
    block_on(manager.cleanup_old_checkpoints()).unwrap();
    assert!(ahead.is_subset(&segments(&directory)));
    // In flight: taken out of the ledger by the one that will name them, and not named yet.
    manager.put(&[9], b"1").unwrap();
    let first = manager.prepare_checkpoint(0).unwrap();
    block_on(manager.cleanup_old_checkpoints()).unwrap();
    let written = block_on(first.write()).unwrap();
    maintain(manager.finish_checkpoint(written).unwrap());
    assert!(ahead.is_subset(&segments(&directory)));
    maintain(step(&mut manager, n).unwrap());
    assert_eq!(block_on(verify(&*directory)).unwrap().findings, []);
}

#[test]
fn a_restore_gives_them_up() {
    let (directory, mut manager, ahead, _) = with_files_ahead();
    let id = manager.latest_checkpoint_id().unwrap();
    block_on(manager.restore_checkpoint(id)).unwrap();
    assert!(ahead.is_disjoint(&segments(&directory)), "{ahead:?}");
    assert_eq!(block_on(verify(&*directory)).unwrap().checkpoints, 3);
}

#[test]
fn whoever_lost_them_is_fenced_and_the_directory_as_it_was() {
    let (directory, mut manager, ahead, n) = with_files_ahead();
    // Somebody else took them for garbage.
    block_on(directory.delete(&ahead.into_iter().collect::<Vec<_>>())).unwrap();
    let before = directory.to_nodes();
    let newest = open(&directory).latest_checkpoint_id();
    let error = step(&mut manager, n).unwrap_err();
    assert!(matches!(&error, Error::Fenced(why) if why.contains("is gone")), "{error}");
    let left = directory.to_nodes();
    assert!(before.iter().all(|(path, node)| left.get(path) == Some(node)));
    assert_eq!(open(&directory).latest_checkpoint_id(), newest);
    assert!(manager.prepare_checkpoint(0).is_err());
}

/// As [`with_files_ahead`], but their creation fails; gives what the maintenance reported.
fn with_failing_creation(kind: DirectoryErrorKind) -> (Arc<SimulatedDirectory>, Manager, MaintenanceReport, u8) {
    let (same, _, _, steps) = with_files_ahead();
    let directory = Arc::new(SimulatedDirectory::new(1));
    let mut manager = open(&directory);
    // The last call of the same steps is the one that creates them.
    directory.inject(Fault { call: same.calls().len() as u64 - 1, kind, lasting: false });
    let reports = (0..steps).map(|n| maintain(step(&mut manager, n).unwrap()));
    let report = reports.last().unwrap();
    assert_eq!((report.errors.len(), report.rebased_bytes), (1, 0), "{report:?}");
    (directory, manager, report, steps)
}

#[test]
fn a_full_disk_costs_the_rebase_and_nothing_else() {
    let (directory, mut manager, report, n) = with_failing_creation(DirectoryErrorKind::NoSpace);
    assert!(report.errors[0].contains("compaction"), "{report:?}");
    // The next one takes up what was left undone, and what the failure left goes.
    let report = maintain(step(&mut manager, n).unwrap());
    assert!(report.errors.is_empty() && report.rebased_bytes > 0, "{report:?}");
    maintain(step(&mut manager, n + 1).unwrap());
    // A half-made file without a name goes with the next opening, as always.
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
    // Opened anew, the newest checkpoint is whole, and work goes on.
    let mut manager = open(&directory);
    assert_eq!(manager.latest_checkpoint_id(), newest);
    for n in 0..3 {
        maintain(step(&mut manager, n).unwrap());
    }
    assert_eq!(block_on(verify(&*directory)).unwrap().checkpoints, 3);
}
