//! WAL files whose checkpoint is missing, as a live copy leaves them that missed the newest checkpoint: they
//! are reported, never replayed, and deleted only by an explicit collection.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, Node, SimulatedDirectory, block_on};
use alluvium_core::tools::inspect::list_checkpoints;
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions, gc};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

fn open(directory: &Arc<MemoryDirectory>, config: CheckpointConfig) -> Manager {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

fn checkpoint(manager: &mut Manager) -> u64 {
    let position = manager.wal_position();
    block_on(manager.create_checkpoint(position)).unwrap().id
}

fn sync(manager: &mut Manager, key: &str) {
    manager.put(key.as_bytes(), b"synced").unwrap();
    block_on(manager.sync(manager.wal_position() + 1)).unwrap();
}

fn wal(directory: &MemoryDirectory) -> Vec<String> {
    directory.to_files().into_keys().filter(|path| path.starts_with("wal/")).collect()
}

/// Returns a directory with checkpoint 1 and the WAL files after checkpoint 2, which is missing itself.
fn half_copied() -> Arc<MemoryDirectory> {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory, CheckpointConfig::new());
    manager.put(b"a", b"1").unwrap();
    checkpoint(&mut manager);
    manager.put(b"b", b"2").unwrap();
    checkpoint(&mut manager);
    for key in ["c", "d", "e", "f"] {
        sync(&mut manager, key);
    }
    let mut files = directory.to_files();
    files.remove("checkpoint_0000000000000002/metadata.json").unwrap();
    Arc::new(MemoryDirectory::from_files(files))
}

#[test]
fn an_id_that_only_wal_files_mention_is_not_given_again() {
    let directory = half_copied();
    let mut manager = open(&directory, CheckpointConfig::new());
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(manager.len(), 1, "the WAL files of checkpoint 2 are not replayed");
    assert_eq!(checkpoint(&mut manager), 3);
    let again = open(&directory, CheckpointConfig::new());
    assert_eq!((again.latest_checkpoint_id(), again.len()), (Some(3), 1));
    assert_eq!(again.recovered().unwrap().wal_entries, 0);
}

#[test]
fn an_id_that_any_name_mentions_is_not_given_again() {
    let names = [
        ("checkpoint_0000000000000007/metadata.json", Node::Other),
        ("checkpoint_0000000000000007/metadata.json", Node::Temporary(Vec::new())),
        ("checkpoint_0000000000000007/state.bin", Node::Temporary(Vec::new())),
        ("checkpoint_0000000000000007/deleted", Node::File(Vec::new())),
        ("checkpoint_0000000000000007", Node::EmptyDirectory),
        ("wal/0000000000000007-0000000000000001.log", Node::Other),
        ("wal/0000000000000007-0000000000000001.log", Node::Temporary(Vec::new())),
    ];
    for (path, node) in names {
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        for (path, content) in half_copied().to_files() {
            nodes.insert(path, Node::File(content));
        }
        nodes.insert(path.into(), node.clone());
        let directory = Arc::new(SimulatedDirectory::from_nodes(1, nodes));
        // A link where the newest metadata should be is damage, so that checkpoint 1 is asked for.
        let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true).checkpoint(Some(1));
        let manager = IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options);
        let prepared = block_on(manager).unwrap().prepare_checkpoint(9).unwrap();
        assert_eq!(prepared.id(), 8, "{path}: {node:?}");
    }
}

#[test]
fn orphans_are_reported_by_verification_and_by_the_list() {
    let directory = half_copied();
    let report = block_on(verify(&*directory)).unwrap();
    let orphans: Vec<_> =
        report.findings.iter().filter(|finding| finding.severity.name() == "orphan").map(|f| f.path.clone()).collect();
    assert_eq!(orphans, wal(&directory));
    assert!(report.findings.iter().any(|finding| finding.what.contains("checkpoint 2 is missing")), "{report:?}");
    assert!(!report.is_damaged(), "recovery opens checkpoint 1");
    let listed = block_on(list_checkpoints(&*directory)).unwrap();
    let missing = listed.iter().find(|summary| summary.id == 2).expect("checkpoint 2 is listed as missing");
    let reason = missing.metadata.as_ref().unwrap_err();
    assert!(reason.contains("missing") && reason.contains("4 WAL files"), "{reason}");
}

#[test]
fn only_an_explicit_collection_deletes_orphans_and_it_says_so() {
    for retained in [1, 3] {
        let directory = half_copied();
        let orphans = wal(&directory);
        let config = || CheckpointConfig::new().with_max_retained(retained);
        let mut manager = open(&directory, config());
        for _ in 0..4 {
            checkpoint(&mut manager);
        }
        block_on(manager.cleanup_old_checkpoints()).unwrap();
        let oldest = block_on(manager.list_checkpoints()).unwrap().last().unwrap().id;
        if retained > 1 {
            block_on(manager.delete_checkpoint(oldest)).unwrap();
        }
        assert_eq!(wal(&directory), orphans, "{retained} retained");
        for report in [block_on(gc::plan(&*directory, None)), block_on(manager.collect_garbage())] {
            for path in &orphans {
                let files = report.as_ref().unwrap().files.iter();
                let verdict = files.clone().find(|file| file.path == *path).expect("a verdict on each file");
                assert!(!verdict.keep && verdict.why.contains("checkpoint 2 is missing"), "{verdict:?}");
            }
        }
        assert_eq!(wal(&directory), Vec::<String>::new());
    }
}

#[test]
fn an_id_stays_remembered_when_its_last_orphan_is_collected() {
    let directory = half_copied();
    let mut manager = open(&directory, CheckpointConfig::new());
    block_on(manager.collect_garbage()).unwrap();
    assert_eq!(wal(&directory), Vec::<String>::new());
    drop(manager);
    assert_eq!(checkpoint(&mut open(&directory, CheckpointConfig::new())), 3);
}

#[test]
fn the_wal_of_a_checkpoint_that_was_deleted_on_purpose_is_a_leftover() {
    // The deletion of checkpoint 2 was cut short after its metadata: the mark is there, and the WAL files are.
    let mut files = half_copied().to_files();
    files.insert("checkpoint_0000000000000002/deleted".into(), Vec::new());
    let directory = Arc::new(MemoryDirectory::from_files(files));
    let report = block_on(verify(&*directory)).unwrap();
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Leftover), "{report:?}");
    let mut manager = open(&directory, CheckpointConfig::new());
    assert_eq!(checkpoint(&mut manager), 3);
    assert_eq!(wal(&directory), Vec::<String>::new());
}

/// Ends every deletion of the directory's life at each call, and looks whether a WAL file is then taken for an
/// orphan, although nothing was lost.
#[test]
fn a_deletion_that_a_crash_cuts_short_leaves_no_orphan() {
    let mut examined = 0;
    for (retained, deletes_newest) in [(1, false), (2, false), (2, true)] {
        let act = |directory: &Arc<SimulatedDirectory>| {
            let config = CheckpointConfig::new().with_max_retained(retained);
            let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
            let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), config, options))?;
            for round in 0..3_u64 {
                manager.put(b"round", &round.to_be_bytes())?;
                block_on(manager.create_checkpoint(round))?;
                for key in [b"a", b"b"] {
                    manager.put(key, &round.to_be_bytes())?;
                    block_on(manager.sync(round))?;
                }
                if deletes_newest && round > 0 {
                    let newest = manager.latest_checkpoint_id().unwrap();
                    block_on(manager.delete_checkpoint(newest))?;
                }
            }
            Ok::<(), alluvium_core::IncrementalCheckpointError>(())
        };
        for call in 0.. {
            let directory = Arc::new(SimulatedDirectory::new(call));
            directory.crash_at(call);
            let done = act(&directory).is_ok();
            for state in directory.crash_states() {
                let state = Arc::new(SimulatedDirectory::from_nodes(1, state));
                let report = block_on(verify(&*state)).unwrap();
                let orphan = report.findings.iter().find(|finding| finding.severity.name() == "orphan");
                assert_eq!(orphan, None, "retained {retained}, call {call}");
                // The directory works on, and recovery never meets a gap in a WAL.
                let config = CheckpointConfig::new().with_max_retained(retained);
                let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
                let mut manager =
                    block_on(IncrementalCheckpointManager::open(state.clone(), config, options.clone())).unwrap();
                if let Some(newest) = manager.latest_checkpoint_id() {
                    block_on(manager.delete_checkpoint(newest)).unwrap();
                }
                drop(manager);
                block_on(IncrementalCheckpointManager::open(state, CheckpointConfig::new(), options)).unwrap();
                examined += 1;
            }
            if done {
                break;
            }
        }
    }
    assert!(examined > 100, "{examined} states");
}
