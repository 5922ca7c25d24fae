//! A directory that holds files of checkpoints and no checkpoint is half of a copy, or its metadata was lost. It
//! is refused as that, and nothing in it is deleted. A plain crash never leaves such a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, Node, SimulatedDirectory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::verify::verify;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
    RecoveryManager, archive, gc,
};

type Files = BTreeMap<String, Vec<u8>>;

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id([7; 16]).create(true)
}

fn open_with<D: Directory>(directory: &Arc<D>, options: OpenOptions) -> Result<IncrementalCheckpointManager<D>, Error> {
    block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options))
}

fn open<D: Directory>(directory: &Arc<D>) -> Result<IncrementalCheckpointManager<D>, Error> {
    open_with(directory, options())
}

fn checkpoint<D: Directory>(manager: &mut IncrementalCheckpointManager<D>) -> u64 {
    let position = manager.wal_position();
    block_on(manager.create_checkpoint(position)).unwrap().id
}

/// Writes checkpoints 1 and 2, with an opaque state in the second, and a WAL file after it.
fn written() -> Files {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    manager.put(b"bank", b"silt").unwrap();
    block_on(manager.create_checkpoint_with_state(1, BTreeMap::new(), None, b"opaque")).unwrap();
    manager.put(b"bar", b"sand").unwrap();
    block_on(manager.sync(2)).unwrap();
    directory.to_files()
}

fn without_metadata() -> Files {
    let mut files = written();
    files.retain(|path, _| !path.ends_with("metadata.json"));
    files
}

/// Holds every way of looking at the directory, and of opening it, to a refusal that names what was found.
fn check_refused(files: &Files, named: &[&str]) {
    let directory = Arc::new(MemoryDirectory::from_files(files.clone()));
    let not_allowed = open_with(&directory, options().create(false)).map(drop);
    let refusals = [
        open(&directory).map(drop),
        not_allowed,
        open_with(&directory, options().allow_fallback(true)).map(drop),
        block_on(recover(&*directory, &RecoverOptions::new())).map(drop),
        block_on(RecoveryManager::recover_simple(&*directory)).map(drop),
        block_on(gc::plan(&*directory, None)).map(drop),
    ];
    for refusal in refusals {
        let error = refusal.expect_err("no checkpoint, but files of checkpoints");
        let text = error.to_string();
        assert_eq!(error.reaction().name(), "corruption", "{text}");
        assert!(named.iter().all(|what| text.contains(what)), "{named:?} in {text}");
    }
    let report = block_on(verify(&*directory)).unwrap();
    assert!(report.is_damaged(), "{report:?}");
    assert_eq!(directory.to_files(), *files, "nothing was changed");
}

#[test]
fn files_of_checkpoints_without_any_checkpoint_are_refused() {
    let files = without_metadata();
    check_refused(&files, &["no checkpoint", "2 segments", "1 WAL files", "1 partial checkpoints"]);
    for kind in ["segments/", "wal/", "checkpoint_"] {
        let mut alone = files.clone();
        alone.retain(|path, _| path.starts_with(kind));
        let first = alone.keys().next().unwrap().clone();
        check_refused(&alone, &["no checkpoint", &first]);
    }
}

#[test]
fn the_only_segment_of_the_only_checkpoint_is_refused_too() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    let mut files = directory.to_files();
    files.retain(|path, _| path.starts_with("segments/"));
    check_refused(&files, &["no checkpoint", "1 segments"]);
}

#[test]
fn what_is_no_loss_begins() {
    let nodes = |nodes: &[(&str, Node)]| nodes.iter().map(|(path, node)| ((*path).to_string(), node.clone())).collect();
    let file = |content: &[u8]| Node::File(content.to_vec());
    for (nodes, id) in [
        (nodes(&[]), 1),
        (nodes(&[("notes.txt", file(b"mine")), ("segments/readme", file(b"mine"))]), 1),
        // Every checkpoint was deleted on purpose.
        (nodes(&[("checkpoint_0000000000000004/deleted", file(b""))]), 5),
        // LaminarDB leaves empty directories when it crashes.
        (nodes(&[("checkpoint_0000000000000003", Node::EmptyDirectory)]), 4),
        // A write that was interrupted before its file had a name.
        (nodes(&[("segments/.tmp-1-1", Node::Temporary(vec![1]))]), 1),
    ] {
        let directory = Arc::new(SimulatedDirectory::from_nodes(1, nodes));
        let refused = open_with(&directory, options().create(false)).map(drop);
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
        assert!(!block_on(verify(&*directory)).unwrap().is_damaged());
        assert_eq!(checkpoint(&mut open(&directory).unwrap()), id);
    }
}

#[test]
fn creating_must_be_asked_for() {
    let directory = Arc::new(MemoryDirectory::new());
    let refused = open_with(&directory, OpenOptions::new(Arc::new(ManualClock::new(0)))).map(drop);
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
}

/// Lets the power fail during every call of `act`, and opens every state that this may leave.
fn check_crashes(act: impl Fn(&Arc<SimulatedDirectory>) -> Result<(), Error>) -> usize {
    let mut examined = 0;
    for call in 0.. {
        let directory = Arc::new(SimulatedDirectory::new(call));
        directory.crash_at(call);
        let done = act(&directory).is_ok();
        for state in directory.crash_states() {
            let names: Vec<_> = state.keys().cloned().collect();
            let state = Arc::new(SimulatedDirectory::from_nodes(1, state));
            assert!(!block_on(verify(&*state)).unwrap().is_damaged(), "call {call}: {names:?}");
            let mut manager = open(&state).unwrap_or_else(|error| panic!("call {call}: {error}: {names:?}"));
            checkpoint(&mut manager);
            checkpoint(&mut manager);
            examined += 1;
        }
        if done {
            return examined;
        }
    }
    unreachable!()
}

#[test]
fn a_crash_in_the_first_checkpoint_is_no_loss() {
    let examined = check_crashes(|directory| {
        let mut manager = open(directory)?;
        for n in 0..40_u8 {
            manager.put(&[n], &vec![n; 300_000])?;
        }
        block_on(manager.create_checkpoint_with_state(1, BTreeMap::new(), None, b"opaque"))?;
        Ok(())
    });
    assert!(examined > 20, "{examined} states");
}

#[test]
fn a_crash_while_every_checkpoint_is_deleted_is_no_loss() {
    for newest_first in [false, true] {
        let examined = check_crashes(|directory| {
            let mut manager = open(directory)?;
            manager.put(b"bed", b"gravel")?;
            block_on(manager.create_checkpoint(1))?;
            manager.put(b"bank", b"silt")?;
            block_on(manager.create_checkpoint(2))?;
            manager.put(b"bar", b"sand")?;
            block_on(manager.sync(3))?;
            for id in if newest_first { [2, 1] } else { [1, 2] } {
                block_on(manager.delete_checkpoint(id))?;
            }
            // The working state is still there, and the next checkpoint builds on it.
            block_on(manager.create_checkpoint(4))?;
            Ok(())
        });
        assert!(examined > 20, "{examined} states");
    }
}

#[test]
fn once_there_is_a_checkpoint_nothing_remembers_the_beginning() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    let names: Vec<_> = directory.to_files().into_keys().collect();
    assert_eq!(names, ["checkpoint_0000000000000001/metadata.json", "segments/0000000000000001.base"]);
}

/// Deletes the only checkpoint on purpose, opens the directory again, and lets `act` take the next checkpoint.
fn after_deleting_all(act: impl FnOnce(&Arc<MemoryDirectory>)) -> Files {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    block_on(manager.delete_checkpoint(1)).unwrap();
    // The working state still builds on its segment.
    assert!(directory.to_files().keys().any(|path| path.starts_with("segments/")));
    drop(manager);
    act(&directory);
    directory.to_files()
}

/// Takes away the newest metadata, as a slow copy may, and holds the rest to a refusal.
fn check_half_copy(mut files: Files) {
    let newest = files.keys().rfind(|path| path.ends_with("/metadata.json")).unwrap().clone();
    files.remove(&newest);
    check_refused(&files, &["no checkpoint", "1 segments"]);
}

#[test]
fn half_a_copy_is_refused_after_all_checkpoints_were_deleted_once() {
    let files = after_deleting_all(|directory| {
        let mut manager = open(directory).unwrap();
        manager.put(b"bank", b"silt").unwrap();
        assert_eq!(checkpoint(&mut manager), 2);
        assert_eq!(manager.last_maintenance().unwrap().errors, [""; 0]);
    });
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["checkpoint_0000000000000002/metadata.json", "segments/0000000000000002.base"],
        "what the deleted checkpoint left is garbage"
    );
    check_half_copy(files);
}

#[test]
fn half_a_copy_of_an_import_is_refused_after_all_checkpoints_were_deleted_once() {
    let other = Arc::new(MemoryDirectory::new());
    let mut manager = open(&other).unwrap();
    manager.put(b"bank", b"silt").unwrap();
    checkpoint(&mut manager);
    let archive = block_on(archive::export(&*other, None)).unwrap();
    check_half_copy(after_deleting_all(|directory| {
        let imported = archive::import(&archive, directory.clone(), CheckpointConfig::new(), options());
        assert_eq!(block_on(imported).unwrap().id, 2);
    }));
}
