//! Checkpoints that are kept by their ids: retention leaves them, also in later sessions, until they are released.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, Node, SimulatedDirectory, block_on};
use alluvium_core::tools::inspect;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
    archive, gc,
};

type Manager<D> = IncrementalCheckpointManager<D>;

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id([5; 16]).create(true)
}

fn open_with<D: Directory>(directory: &Arc<D>, options: OpenOptions) -> Manager<D> {
    let config = CheckpointConfig::new().with_max_retained(2);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

fn open<D: Directory>(directory: &Arc<D>) -> Manager<D> {
    open_with(directory, options())
}

/// Takes `count` checkpoints, each of which changes a key of its own and one that all share.
fn checkpoints<D: Directory>(manager: &mut Manager<D>, count: u64) {
    for _ in 0..count {
        let position = manager.wal_position() + 1;
        manager.put(b"newest", &position.to_be_bytes()).unwrap();
        manager.put(&position.to_be_bytes(), &vec![1; 20_000]).unwrap();
        block_on(manager.create_checkpoint(position)).unwrap();
    }
}

fn ids<D: Directory>(manager: &Manager<D>) -> Vec<u64> {
    block_on(manager.list_checkpoints()).unwrap().iter().map(|checkpoint| checkpoint.id).collect()
}

fn check_refused(refused: Result<impl std::fmt::Debug, Error>, words: &[&str]) {
    let error = refused.unwrap_err();
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
}

/// Holds checkpoint `id` to the state that it had: that of position `id`.
fn check_whole<D: Directory>(directory: &Arc<D>, id: u64) {
    let manager = open_with(directory, options().checkpoint(Some(id)));
    assert_eq!(manager.get(b"newest"), Some(&id.to_be_bytes()[..]));
    assert_eq!(manager.len() as u64, id + 1);
}

#[test]
fn retention_leaves_it_over_sessions_until_it_is_released() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    block_on(manager.keep(1)).unwrap();
    checkpoints(&mut manager, 3);
    assert_eq!(ids(&manager), [5, 4, 1], "the newest two, and beside them what is kept");
    for session in 1..4 {
        manager = open(&directory);
        assert_eq!(manager.kept_checkpoints(), [1].into());
        checkpoints(&mut manager, 4);
        block_on(manager.cleanup_old_checkpoints_keep(1)).unwrap();
        block_on(manager.collect_garbage()).unwrap();
        assert_eq!(ids(&manager), [5 + 4 * session, 1]);
        check_whole(&directory, 1);
        assert_eq!(block_on(inspect::kept_checkpoints(&*directory)).unwrap(), [1].into());
        let planned = block_on(gc::plan(&*directory, Some(1))).unwrap();
        assert!(planned.files.iter().all(|file| file.keep), "{planned:?}");
    }
    manager.release(1).unwrap();
    checkpoints(&mut manager, 2);
    assert_eq!(ids(&manager), [19, 18]);
    assert_eq!(open(&directory).kept_checkpoints(), BTreeSet::new());
}

#[test]
fn the_next_checkpoint_makes_it_durable() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    drop(manager);
    let mut manager = open(&directory);
    assert_eq!(manager.kept_checkpoints(), BTreeSet::new());
    block_on(manager.keep(1)).unwrap();
    checkpoints(&mut manager, 1);
    // A release is durable with the next checkpoint too.
    manager.release(1).unwrap();
    let mut manager = open(&directory);
    assert_eq!(manager.kept_checkpoints(), [1].into());
    manager.release(1).unwrap();
    checkpoints(&mut manager, 1);
    assert_eq!(open(&directory).kept_checkpoints(), BTreeSet::new());
}

#[test]
fn what_does_not_exist_or_is_not_kept_is_named() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 4);
    for id in [0, 1, 5, u64::MAX] {
        check_refused(block_on(manager.keep(id)), &["does not exist", &id.to_string()]);
        check_refused(manager.release(id), &["is not kept", &id.to_string()]);
    }
    assert_eq!(manager.kept_checkpoints(), BTreeSet::new());
}

#[test]
fn it_is_not_deleted_by_its_id_either() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    let before = directory.to_files();
    check_refused(block_on(manager.delete_checkpoint(1)), &["checkpoint 1 is kept", "release"]);
    assert_eq!(directory.to_files(), before);
    manager.release(1).unwrap();
    block_on(manager.delete_checkpoint(1)).unwrap();
    assert_eq!(ids(&manager), [2]);
}

#[test]
fn the_only_checkpoint_that_says_so_is_not_deleted() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    checkpoints(&mut manager, 1);
    check_refused(block_on(manager.delete_checkpoint(3)), &["only checkpoint 3", "checkpoint 1 is kept"]);
    checkpoints(&mut manager, 1);
    block_on(manager.delete_checkpoint(4)).unwrap();
    assert_eq!(open(&directory).kept_checkpoints(), [1].into());
    // If it is released, nothing is lost with the checkpoint.
    manager.release(1).unwrap();
    block_on(manager.delete_checkpoint(3)).unwrap();
}

#[test]
fn going_back_does_not_change_what_is_kept() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    checkpoints(&mut manager, 2);
    let files = directory.to_files();
    // A restore continues from the older state.
    block_on(manager.restore_checkpoint(1)).unwrap();
    assert_eq!(open(&directory).kept_checkpoints(), [1].into());
    assert_eq!(ids(&manager), [5, 4, 1]);
    block_on(manager.restore_checkpoint(99)).unwrap_err();
    assert_eq!(manager.kept_checkpoints(), [1].into());
    // An opener that asks for an older checkpoint, or falls back to one, learns it from the newest.
    let directory = Arc::new(MemoryDirectory::from_files(files.clone()));
    assert_eq!(open_with(&directory, options().checkpoint(Some(1))).kept_checkpoints(), [1].into());
    let mut damaged = files;
    let newest = damaged.keys().rfind(|path| path.starts_with("segments/")).unwrap().clone();
    damaged.insert(newest, b"damaged".to_vec());
    let directory = Arc::new(MemoryDirectory::from_files(damaged));
    let mut manager = open_with(&directory, options().allow_fallback(true));
    assert_eq!(manager.recovered().unwrap().checkpoint_id, 3);
    assert_eq!(manager.kept_checkpoints(), [1].into());
    checkpoints(&mut manager, 3);
    assert_eq!(ids(&manager), [7, 6, 1]);
}

#[test]
fn an_import_keeps_what_the_directory_keeps_and_nothing_else() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    block_on(manager.keep(1)).unwrap();
    checkpoints(&mut manager, 1);
    drop(manager);
    let exported = block_on(archive::export(&*directory, None)).unwrap();
    let config = CheckpointConfig::new().with_max_retained(1);
    let into = |directory: &Arc<MemoryDirectory>| {
        block_on(archive::import(&exported, directory.clone(), config.clone(), options())).unwrap().id
    };
    assert_eq!(into(&directory), 4);
    assert_eq!(ids(&open(&directory)), [4, 1]);
    // Elsewhere there is no checkpoint 1, so none is kept.
    let elsewhere = Arc::new(MemoryDirectory::new());
    assert_eq!(into(&elsewhere), 3);
    let mut manager = open(&elsewhere);
    assert_eq!(manager.kept_checkpoints(), BTreeSet::new());
    assert_eq!(block_on(inspect::kept_checkpoints(&*elsewhere)).unwrap(), BTreeSet::new());
    checkpoints(&mut manager, 1);
    assert_eq!(manager.kept_checkpoints(), BTreeSet::new());
}

#[test]
fn maintenance_that_runs_later_leaves_it() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoints(&mut manager, 2);
    let prepared = manager.prepare_checkpoint(3).unwrap();
    let finished = manager.finish_checkpoint(block_on(prepared.write()).unwrap()).unwrap();
    block_on(manager.keep(1)).unwrap();
    let report = block_on(finished.maintenance.run());
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(ids(&manager), [3, 2, 1]);
}

#[test]
fn a_crash_at_any_point_keeps_it_or_says_that_it_does_not() {
    let (mut examined, mut kept, mut released) = (0, 0, 0);
    for call in 0.. {
        let directory = Arc::new(SimulatedDirectory::new(call));
        let mut manager = open(&directory);
        checkpoints(&mut manager, 2);
        block_on(manager.keep(1)).unwrap();
        directory.crash_at(directory.calls().len() as u64 + call);
        let mut act = || {
            for position in [3, 4, 5] {
                manager.put(b"newest", &[position])?;
                block_on(manager.create_checkpoint(position.into()))?;
                if position == 4 {
                    manager.release(1)?;
                }
            }
            Ok::<_, Error>(())
        };
        let done = act().is_ok();
        for state in directory.crash_states() {
            let there = state.contains_key("checkpoint_0000000000000001/metadata.json");
            let whole: Vec<u64> = (3..=5)
                .filter(|id| matches!(state.get(&format!("checkpoint_{id:016x}/metadata.json")), Some(Node::File(_))))
                .collect();
            let directory = Arc::new(SimulatedDirectory::from_nodes(1, state));
            let mut manager = open(&directory);
            let newest = manager.latest_checkpoint_id().unwrap();
            let is_kept = newest == 3 || newest == 4;
            assert_eq!(manager.kept_checkpoints().contains(&1), is_kept, "call {call}: {newest} of {whole:?}");
            // Until the release is durable, the checkpoint is there, also where nothing says yet that it is kept.
            assert!(there || newest == 5, "call {call}: {newest}");
            for _ in 0..3 {
                let position = manager.wal_position() + 1;
                manager.put(b"more", &position.to_be_bytes()).unwrap();
                block_on(manager.create_checkpoint(position)).unwrap();
            }
            assert_eq!(ids(&manager).contains(&1), is_kept, "call {call}: {newest}");
            if is_kept {
                check_whole(&directory, 1);
            }
            (kept, released) = (kept + u64::from(is_kept), released + u64::from(newest == 5));
            examined += 1;
        }
        if done {
            break;
        }
    }
    assert!(examined > 20 && kept > 5 && released > 0, "{examined} states, {kept} kept, {released} released");
}
