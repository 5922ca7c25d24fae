//! Readers on a real directory while a writer replaces its checkpoints and collects garbage. Each read gives exactly
//! what the writer had at one of its commits, and never less than what was acknowledged before the read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use alluvium::NativeDirectory;
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::inspect::{find_state, list_checkpoints};
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointError as Error, RecoveryManager, State, archive, gc};
use alluvium_test_harness::{keep, open_with, options};

const KEYS: u64 = 40;
/// How often each reader reads at least.
const ROUNDS: u64 = 25;
/// How many commits the writer makes meanwhile at least.
const COMMITS: u64 = 100;

/// Returns what the state is after a commit. Checkpoints are at even positions, and all keys change with them; syncs
/// are at odd ones, and one key changes with them.
fn state_at(position: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let step = position & !1;
    let synced = position.div_ceil(2) * 2 - 1;
    let keys = (0..KEYS).map(|key| (key.to_be_bytes().to_vec(), step.to_be_bytes().repeat(500)));
    keys.chain([(b"synced".to_vec(), synced.to_be_bytes().to_vec())]).collect()
}

/// What the threads tell each other.
#[derive(Default)]
struct Shared {
    /// The position of the last commit that was acknowledged.
    acknowledged: AtomicU64,
    /// The readers are done.
    is_read: AtomicBool,
    /// The writer has ended.
    is_written: AtomicBool,
}

/// Says that the writer has ended, also if it panics.
struct Ending<'s>(&'s Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_written.store(true, Ordering::Release);
    }
}

/// Commits until all is read, and says which commit was acknowledged last.
fn write(path: &Path, shared: &Shared) {
    let _ending = Ending(shared);
    let directory = Arc::new(NativeDirectory::open_exclusive(path).unwrap());
    let mut manager = open_with(&directory, keep(1), options()).unwrap();
    for position in 2_u64.. {
        if position.is_multiple_of(2) {
            for (key, value) in state_at(position) {
                manager.put(&key, &value).unwrap();
            }
            let opaque = position.to_be_bytes();
            block_on(manager.create_checkpoint_with_state(position, BTreeMap::new(), None, &opaque)).unwrap();
        } else {
            manager.put(b"synced", &position.to_be_bytes()).unwrap();
            block_on(manager.sync(position)).unwrap();
        }
        if position.is_multiple_of(10) {
            assert_eq!(block_on(manager.collect_garbage()).unwrap().errors, [""; 0]);
        }
        shared.acknowledged.store(position, Ordering::Release);
        if shared.is_read.load(Ordering::Acquire) {
            return;
        }
    }
}

/// Checks a state that was read, by the position that was read with it.
fn check(state: &State, position: u64, at_least: u64) {
    assert!(position >= at_least, "position {position}, after {at_least} was acknowledged");
    let found: BTreeMap<_, _> = state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert!(found == state_at(position), "{} keys at position {position} are not what was written", found.len());
}

type Reader = fn(&NativeDirectory, u64);

const READERS: [Reader; 4] = [
    |directory, at_least| {
        for fallback in [false, true] {
            let recovered = block_on(recover(directory, &RecoverOptions::new().allow_fallback(fallback)));
            let recovered = recovered.unwrap().unwrap();
            assert!(recovered.skipped.is_empty() && recovered.wal.cut.is_none(), "{:?}", recovered.skipped);
            check(&recovered.state, recovered.position().wal_position, at_least);
        }
    },
    |directory, at_least| {
        let recovered = block_on(RecoveryManager::recover_simple(directory)).unwrap();
        check(&recovered.state, recovered.wal_position, at_least);
        let opaque = recovered.wal_position & !1;
        assert_eq!(recovered.opaque_state, Some(opaque.to_be_bytes().to_vec()));
    },
    |directory, at_least| {
        let archive = block_on(archive::export(directory, None)).unwrap();
        let unpacked: MemoryDirectory = archive::read(&archive).unwrap();
        let recovered = block_on(recover(&unpacked, &RecoverOptions::new())).unwrap().unwrap();
        // An archive holds no WAL.
        check(&recovered.state, recovered.metadata.wal_position, at_least & !1);
        let report = block_on(verify(directory)).unwrap();
        assert!(!report.is_damaged() && report.checkpoints > 0, "{report:?}");
    },
    |directory, at_least| {
        let listed = block_on(list_checkpoints(directory)).unwrap();
        let newest = listed.iter().find_map(|summary| summary.metadata.as_ref().ok()).unwrap();
        assert!(newest.wal_position >= at_least & !1, "{newest:?}");
        // One that is asked for by its id is there or not, but it is never damaged.
        match block_on(find_state(directory, newest.id)) {
            Ok(opaque) => assert_eq!(opaque, Some(newest.wal_position.to_be_bytes().to_vec())),
            Err(error) => assert!(matches!(error, Error::NotFound(_)), "{error:?}"),
        }
        let planned = block_on(gc::plan(directory, None)).unwrap();
        assert!(planned.files.iter().all(|file| !file.why.contains("damaged")), "{planned:?}");
    },
];

/// Reads until it has read often enough, and the writer has committed often enough. Returns how often it has read.
fn read(path: &Path, shared: &Shared, reader: Reader) -> u64 {
    let acknowledged = || shared.acknowledged.load(Ordering::Acquire);
    let mut rounds = 0;
    while !shared.is_written.load(Ordering::Acquire) && (rounds < ROUNDS || acknowledged() < COMMITS) {
        match acknowledged() {
            0 => thread::yield_now(),
            position => {
                reader(&NativeDirectory::open(path).unwrap(), position);
                rounds += 1;
            }
        }
    }
    rounds
}

#[test]
fn readers_beside_a_writer_read_what_it_committed() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, shared) = (scratch.path(), &Shared::default());
    thread::scope(|scope| {
        let readers = READERS.map(|reader| scope.spawn(move || read(path, shared, reader)));
        let writer = scope.spawn(move || write(path, shared));
        let rounds = readers.map(thread::ScopedJoinHandle::join);
        shared.is_read.store(true, Ordering::Release);
        writer.join().unwrap();
        println!("{rounds:?} rounds beside {} commits", shared.acknowledged.load(Ordering::Acquire));
        assert!(rounds.iter().all(|rounds| rounds.as_ref().is_ok_and(|rounds| *rounds >= ROUNDS)), "{rounds:?}");
    });
}
