//! Beginning beside the files of lost checkpoints: they stay until a collection is asked for, and nothing that a
//! name among them mentions is given again.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, Node, SimulatedDirectory, block_on};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions, gc,
};

type Files = BTreeMap<String, Vec<u8>>;
type Manager = IncrementalCheckpointManager<MemoryDirectory>;

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id([9; 16])
}

fn open(directory: &Arc<MemoryDirectory>, options: OpenOptions) -> Manager {
    let config = CheckpointConfig::new().with_max_retained(2);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

/// Writes checkpoints and WAL files, and then loses all metadata.
fn lost() -> Files {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory, options().create(true));
    for n in 0..3_u64 {
        manager.put(&n.to_be_bytes(), b"lost").unwrap();
        block_on(manager.create_checkpoint_with_state(n, BTreeMap::new(), None, b"opaque")).unwrap();
        manager.put(b"synced", &n.to_be_bytes()).unwrap();
        block_on(manager.sync(n)).unwrap();
    }
    let mut files = directory.to_files();
    files.retain(|path, _| !path.ends_with("metadata.json"));
    assert!(files.len() > 4, "{files:?}");
    files
}

fn check_untouched(directory: &MemoryDirectory, lost: &Files, when: &str) {
    let files = directory.to_files();
    for (path, content) in lost {
        assert_eq!(files.get(path), Some(content), "{path} {when}");
    }
}

#[test]
fn the_remains_stay_over_sessions_until_a_collection_is_asked_for() {
    let lost = lost();
    let directory = Arc::new(MemoryDirectory::from_files(lost.clone()));
    let mut manager = open(&directory, options().begin_beside_remains(true));
    assert!(manager.is_empty() && manager.latest_checkpoint_id().is_none());
    for session in 0..3_u64 {
        for n in 0..4_u64 {
            manager.put(b"new", &n.to_be_bytes()).unwrap();
            let taken = block_on(manager.create_checkpoint(session)).unwrap();
            assert_eq!(taken.id, 4 + 4 * session + n, "ids above all that any name mentions");
            for path in &taken.sst_files {
                assert!(!lost.contains_key(path), "{path} was given before");
            }
            check_untouched(&directory, &lost, "after a checkpoint");
        }
        block_on(manager.cleanup_old_checkpoints_keep(1)).unwrap();
        check_untouched(&directory, &lost, "after a cleanup");
        // Neither the option nor anything else is needed to open it from now on.
        manager = open(&directory, options());
    }
    let planned = block_on(gc::plan(&*directory, None)).unwrap();
    // What the new checkpoints do not need has gone, as ever.
    let is_mark = |path: &str| path.ends_with("/deleted") || path.ends_with(".remains");
    let new = planned.files.iter().filter(|file| !lost.contains_key(&file.path) && !is_mark(&file.path));
    assert!(new.clone().count() > 2 && new.clone().all(|file| file.keep), "{planned:?}");
    for path in lost.keys() {
        let verdict = planned.files.iter().find(|file| file.path == *path).unwrap();
        assert!(!verdict.keep, "{verdict:?}");
    }
    block_on(manager.collect_garbage()).unwrap();
    let files = directory.to_files();
    assert!(lost.keys().all(|path| !files.contains_key(path)), "{:?}", files.keys());
    assert_eq!(open(&directory, options()).get(b"new"), Some(&3_u64.to_be_bytes()[..]));
    // From then on the directory is like any other: nothing says any more that it began beside remains.
    manager.put(b"new", b"again").unwrap();
    block_on(manager.create_checkpoint(9)).unwrap();
    let left: Vec<_> = directory.to_files().into_keys().filter(|path| is_mark(path)).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn half_a_copy_of_a_directory_that_began_beside_remains_is_refused() {
    let directory = Arc::new(MemoryDirectory::from_files(lost()));
    let mut manager = open(&directory, options().begin_beside_remains(true));
    manager.put(b"new", b"1").unwrap();
    let taken = block_on(manager.create_checkpoint_with_state(1, BTreeMap::new(), None, b"opaque")).unwrap();
    let mut files = directory.to_files();
    files.remove(&format!("{}/metadata.json", taken.checkpoint_path())).unwrap();
    let directory = Arc::new(MemoryDirectory::from_files(files.clone()));
    let refused = Manager::open(directory.clone(), CheckpointConfig::new(), options().create(true));
    assert!(matches!(block_on(refused), Err(Error::CheckpointsLost { .. })));
    // It can be begun beside them once more, and the remains of both losses stay.
    let mut manager = open(&directory, options().begin_beside_remains(true));
    for n in 1..4_u64 {
        manager.put(b"newer", &n.to_be_bytes()).unwrap();
        assert_eq!(block_on(manager.create_checkpoint(n)).unwrap().id, taken.id + n);
    }
    files.retain(|path, _| !path.ends_with("/deleted"));
    check_untouched(&directory, &files, "after the second loss");
}

#[test]
fn what_a_deleted_checkpoint_leaves_is_no_remains() {
    let lost = lost();
    let directory = Arc::new(MemoryDirectory::from_files(lost.clone()));
    let mut manager = open(&directory, options().begin_beside_remains(true));
    manager.put(b"new", b"1").unwrap();
    let taken = block_on(manager.create_checkpoint(1)).unwrap();
    block_on(manager.delete_checkpoint(taken.id)).unwrap();
    let left = &taken.sst_files[0];
    assert!(directory.to_files().contains_key(left), "the working state builds on it");
    manager = open(&directory, options().create(true));
    block_on(manager.create_checkpoint(2)).unwrap();
    assert!(!directory.to_files().contains_key(left), "{left}");
    check_untouched(&directory, &lost, "after the maintenance");
}

#[test]
fn without_remains_it_begins_as_any_other() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory, options().begin_beside_remains(true));
    assert_eq!(block_on(manager.create_checkpoint(0)).unwrap().id, 1);
    // With a checkpoint there, it opens that.
    let manager = open(&directory, options().begin_beside_remains(true));
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
}

#[test]
fn a_crash_in_the_first_checkpoint_beside_remains_deletes_nothing() {
    let lost = lost();
    let nodes = || lost.iter().map(|(path, content)| (path.clone(), Node::File(content.clone()))).collect();
    let mut examined = 0;
    for call in 0.. {
        let directory = Arc::new(SimulatedDirectory::from_nodes(call, nodes()));
        directory.crash_at(call);
        let act = || {
            let options = options().begin_beside_remains(true);
            let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options);
            let mut manager = block_on(manager)?;
            manager.put(b"new", b"1")?;
            block_on(manager.create_checkpoint(1))
        };
        let done = act().is_ok();
        for state in directory.crash_states() {
            let directory = Arc::new(SimulatedDirectory::from_nodes(1, state));
            let options = options().begin_beside_remains(true);
            let config = CheckpointConfig::new();
            let manager = IncrementalCheckpointManager::open(directory.clone(), config, options);
            let mut manager = block_on(manager).unwrap();
            for _ in 0..2 {
                block_on(manager.create_checkpoint(1)).unwrap();
            }
            let nodes = directory.to_nodes();
            for path in lost.keys() {
                assert!(nodes.contains_key(path), "{path} is gone after a crash in call {call}");
            }
            examined += 1;
        }
        if done {
            break;
        }
    }
    assert!(examined > 8, "{examined} states");
}
