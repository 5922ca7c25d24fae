//! The manager is used while a deletion runs. At each of its steps, everything that a manager can do is tried.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alluvium_core::directory::block_on;
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{
    CheckpointConfig, Deletion, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock,
    OpenOptions, PreparedCheckpoint, PreparedSync, WrittenCheckpoint,
};

use crate::polling::{poll_and_drop, poll_to_end};
use crate::stopping::Stopping;

type Manager = IncrementalCheckpointManager<Stopping>;
type State = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(directory: &Arc<Stopping>) -> Manager {
    let config = CheckpointConfig::new().with_max_in_flight(3).with_max_retained(10).with_recovery_read_ratio(1.2);
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true).writer(7).store_id([3; 16]);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

fn state(manager: &Manager) -> State {
    manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn ids(manager: &Manager) -> Vec<u64> {
    block_on(manager.list_checkpoints()).unwrap().iter().map(|checkpoint| checkpoint.id).collect()
}

/// A manager at work, and what was prepared and not finished.
struct Work {
    manager: Manager,
    prepared: Option<PreparedCheckpoint<Stopping>>,
    written: Option<WrittenCheckpoint<Stopping>>,
    syncing: Option<PreparedSync<Stopping>>,
    /// A checkpoint that the manager promised to keep.
    kept: Option<u64>,
    /// What was changed last, and is in the state.
    changes: u8,
}

impl Work {
    /// Four checkpoints, and a WAL file after the last. Each changes all keys, so that each has files of its own.
    fn new(directory: &Arc<Stopping>) -> Self {
        let (prepared, written, syncing) = (None, None, None);
        let mut work = Self { manager: open(directory), prepared, written, syncing, kept: None, changes: 0 };
        for part in 0..4_u8 {
            for number in 0..200_u32 {
                work.manager.put(&number.to_be_bytes(), &[part; 2_000]).unwrap();
            }
            work.checkpoint().unwrap();
        }
        work.sync().unwrap();
        work
    }

    fn change(&mut self) {
        self.changes += 1;
        self.manager.put(b"changes", &[self.changes]).unwrap();
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        self.change();
        block_on(self.manager.create_checkpoint(0)).map(drop)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.change();
        block_on(self.manager.sync(0))
    }

    /// Finishes what was begun.
    fn settle(&mut self) {
        if let Some(syncing) = self.syncing.take() {
            self.manager.finish_sync(block_on(syncing.write()).unwrap()).unwrap();
        }
        if let Some(prepared) = self.prepared.take() {
            self.written = Some(block_on(prepared.write()).unwrap());
        }
        if let Some(written) = self.written.take() {
            block_on(self.manager.finish_checkpoint(written).unwrap().maintenance.run());
        }
    }
}

/// What is done while a deletion runs. It returns what the manager answered.
type Action = (&'static str, fn(&mut Work) -> Result<(), Error>);

const ACTIONS: [Action; 11] = [
    ("a checkpoint", Work::checkpoint),
    ("two checkpoints", |work| work.checkpoint().and_then(|()| work.checkpoint())),
    ("a WAL file", Work::sync),
    ("a checkpoint that is written later", |work| {
        work.change();
        work.prepared = Some(work.manager.prepare_checkpoint(0)?);
        Ok(())
    }),
    ("a checkpoint that is finished later", |work| {
        work.change();
        work.written = Some(block_on(work.manager.prepare_checkpoint(0)?.write())?);
        Ok(())
    }),
    ("a checkpoint that is dropped", |work| {
        work.change();
        work.manager.prepare_checkpoint(0).map(drop)
    }),
    ("a WAL file that is written later", |work| {
        work.change();
        work.syncing = work.manager.prepare_sync(0)?;
        Ok(())
    }),
    ("keeping the oldest", |work| keep(work, 1)),
    ("keeping the newest", |work| keep(work, 4)),
    ("a restore", |work| block_on(work.manager.restore_checkpoint(2)).map(drop)),
    ("the deletion of another one", |work| block_on(work.manager.delete_checkpoint(3)).map(drop)),
];

fn keep(work: &mut Work, id: u64) -> Result<(), Error> {
    block_on(work.manager.keep(id))?;
    work.kept = Some(id);
    Ok(())
}

type Prepare = (&'static str, fn(&mut Manager) -> Result<Deletion<Stopping>, Error>, &'static [u64]);

const DELETIONS: [Prepare; 5] = [
    ("a cleanup", |manager| manager.prepare_cleanup(1), &[1, 2, 3]),
    ("the deletion of the oldest", |manager| manager.prepare_deletion(1), &[1]),
    ("the deletion of an old one", |manager| manager.prepare_deletion(2), &[2]),
    ("the deletion of the newest", |manager| manager.prepare_deletion(4), &[4]),
    ("a collection", Manager::prepare_garbage_collection, &[]),
];

/// Runs a deletion and at one of its steps an action. Returns whether there is such a step.
fn try_at(step: u32, (deletion, prepare, going): Prepare, (action, act): Action) -> bool {
    let what = format!("{deletion}, at step {step} {action}");
    let directory = Arc::new(Stopping::default());
    let mut work = Work::new(&directory);
    let prepared = prepare(&mut work.manager).unwrap();
    directory.stops.store(true, Ordering::Relaxed);
    let mut done = None;
    let deleted = poll_to_end(prepared.run(), |at| {
        if at == step {
            directory.stops.store(false, Ordering::Relaxed);
            done = Some(act(&mut work));
            directory.stops.store(true, Ordering::Relaxed);
        }
    });
    directory.stops.store(false, Ordering::Relaxed);
    let Some(done) = done else { return false };
    // What a manager refuses beside a deletion is about that deletion, and does not end its work.
    if let Err(error) = &done {
        assert!(matches!(error, Error::NotFound(_) | Error::InvalidInput(_) | Error::Wal(_)), "{what}: {error}");
    }
    match &deleted {
        Ok(report) => assert_eq!(report.errors, [""; 0], "{what}"),
        Err(error) => assert!(matches!(error, Error::NotFound(_) | Error::InvalidInput(_)), "{what}: {error}"),
    }
    let left = ids(&work.manager);
    if deleted.is_ok() {
        let promised = |id: &u64| work.kept == Some(*id) || (done.is_ok() && action == "a restore" && *id == 2);
        let wrong: Vec<_> = going.iter().filter(|id| left.contains(id) && !promised(id)).collect();
        assert!(wrong.is_empty(), "{what}: {wrong:?} of {left:?}");
    }
    assert!(work.kept.is_none_or(|id| left.contains(&id)), "{what}: {left:?}");
    work.settle();
    let newest = ids(&work.manager).first().copied();
    assert_eq!(work.manager.latest_checkpoint_id(), newest, "{what}");
    // The manager continues to work, and nothing is lost.
    work.sync().unwrap_or_else(|error| panic!("{what}: {error}"));
    let synced = state(&work.manager);
    assert_eq!(state(&open_as_another(&directory)), synced, "{what}: after a WAL file");
    block_on(work.manager.collect_garbage()).unwrap();
    // What compaction has ready for the next checkpoint is all that may be left over.
    let mut found = block_on(verify(&*directory)).unwrap().findings;
    found.retain(|finding| finding.severity != Severity::Leftover);
    assert_eq!(found, [], "{what}");
    assert_eq!(state(&open_as_another(&directory)), synced, "{what}: after a collection");
    true
}

/// Reads the directory as the next writer does.
fn open_as_another(directory: &Arc<Stopping>) -> Manager {
    let options = OpenOptions::new(Arc::new(ManualClock::new(2_000)));
    block_on(Manager::open(directory.clone(), CheckpointConfig::new(), options)).unwrap()
}

#[test]
fn the_manager_is_free_while_a_deletion_runs() {
    for deletion in DELETIONS {
        for action in ACTIONS {
            let mut steps = 0;
            while try_at(steps, deletion, action) {
                steps += 1;
            }
            assert!(steps >= 1, "{} has {steps} steps", deletion.0);
        }
    }
}

#[test]
fn a_deletion_that_is_dropped_deletes_nothing_that_counts() {
    for deletion in DELETIONS {
        for step in 0.. {
            let directory = Arc::new(Stopping::default());
            let mut work = Work::new(&directory);
            let expected = if deletion.2.contains(&4) { None } else { Some(state(&work.manager)) };
            let prepared = (deletion.1)(&mut work.manager).unwrap();
            directory.stops.store(true, Ordering::Relaxed);
            let is_done = poll_and_drop(prepared.run(), step);
            directory.stops.store(false, Ordering::Relaxed);
            if is_done {
                break;
            }
            let what = format!("{} is dropped at step {step}", deletion.0);
            if let Some(expected) = expected {
                assert_eq!(state(&open_as_another(&directory)), expected, "{what}");
            }
            let mut work = Work { manager: open(&directory), ..work };
            work.sync().unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(state(&open_as_another(&directory)), state(&work.manager), "{what}");
        }
    }
}

#[test]
fn a_checkpoint_that_is_being_restored_is_not_deleted() {
    for (deletion, prepare, _) in DELETIONS {
        for step in 0.. {
            let what = format!("{deletion}, at step {step} of a restore");
            let directory = Arc::new(Stopping::default());
            let mut work = Work::new(&directory);
            let mut prepared = Some(prepare(&mut work.manager).unwrap());
            directory.stops.store(true, Ordering::Relaxed);
            let restored = poll_to_end(work.manager.restore_checkpoint(2), |at| {
                if at == step {
                    directory.stops.store(false, Ordering::Relaxed);
                    let deleted = block_on(prepared.take().unwrap().run());
                    let is_known = |error: &Error| matches!(error, Error::InvalidInput(_) | Error::NotFound(_));
                    assert!(deleted.as_ref().err().is_none_or(is_known), "{what}: {deleted:?}");
                    directory.stops.store(true, Ordering::Relaxed);
                }
            });
            directory.stops.store(false, Ordering::Relaxed);
            if prepared.is_some() {
                break;
            }
            restored.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(state(&open_as_another(&directory)), state(&work.manager), "{what}");
        }
    }
}
