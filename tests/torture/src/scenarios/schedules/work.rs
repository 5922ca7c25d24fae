//! What one of two writers does, and the directory that both find.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::{Expected, Files, empty, keep, open_with, options};

/// Checkpoints that are there when both open; the last is the newest.
const BEFORE: u64 = 3;

/// A directory of which each call gives way once before it is made.
pub(super) type Yielding = FaultyDirectory<MemoryDirectory>;

pub(super) fn yielding(inner: &Arc<MemoryDirectory>) -> Arc<Yielding> {
    Arc::new(FaultyDirectory::over(inner.clone()).giving_way())
}

/// What a writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Sync,
    Checkpoint,
    DeleteNewest,
    DeleteOldest,
    Restore,
    Cleanup,
    /// Opens at the beginning of its work, and then syncs.
    OpenAndSync,
    /// Opens at the beginning of its work, and then takes a checkpoint.
    OpenAndCheckpoint,
}

pub(super) const WORKS: [Work; 8] = [
    Work::Sync,
    Work::Checkpoint,
    Work::DeleteNewest,
    Work::DeleteOldest,
    Work::Restore,
    Work::Cleanup,
    Work::OpenAndSync,
    Work::OpenAndCheckpoint,
];

/// How a writer ended: what must be there if it was acknowledged, and what may be there if it was not.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) acknowledged: Option<Expected>,
    pub(super) submitted: Option<Expected>,
    pub(super) error: Option<Error>,
}

pub(super) type Manager = IncrementalCheckpointManager<Yielding>;

/// Puts a key that only this writer puts, and returns what its state is once that is durable.
fn put(manager: &mut Manager, name: &str) -> Result<Expected, Error> {
    manager.put(name.as_bytes(), b"was here")?;
    Ok(Expected { wal_position: 10, ..Expected::of(manager) })
}

impl Work {
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::OpenAndSync | Self::OpenAndCheckpoint)
    }

    pub(super) fn only_deletes(self) -> bool {
        matches!(self, Self::DeleteNewest | Self::DeleteOldest | Self::Cleanup)
    }

    /// Whether it puts a key, which is then in the state.
    pub(super) fn puts(self) -> bool {
        matches!(self, Self::Sync | Self::Checkpoint) || self.opens()
    }

    pub(super) async fn run(
        self,
        mut manager: Option<Manager>,
        directory: Arc<Yielding>,
        name: &str,
        before: &Before,
    ) -> Ended {
        let mut ended = Ended::default();
        if let Err(error) = self.try_run(&mut manager, directory, name, before, &mut ended).await {
            ended.error = Some(error);
        }
        ended
    }

    async fn try_run(
        self,
        manager: &mut Option<Manager>,
        directory: Arc<Yielding>,
        name: &str,
        before: &Before,
        ended: &mut Ended,
    ) -> Result<(), Error> {
        let mut opened;
        let manager = if let Some(manager) = manager {
            manager
        } else {
            opened = IncrementalCheckpointManager::open(directory, keep(2), options()).await?;
            &mut opened
        };
        match self {
            Self::Sync | Self::OpenAndSync => {
                let expected = put(manager, name)?;
                ended.submitted = Some(expected.clone());
                manager.sync(10).await?;
                ended.acknowledged = Some(expected);
            }
            Self::Checkpoint | Self::OpenAndCheckpoint => {
                let expected = put(manager, name)?;
                ended.submitted = Some(expected.clone());
                manager.create_checkpoint(10).await?;
                ended.acknowledged = Some(expected);
            }
            Self::DeleteNewest => {
                let expected = before.checkpoints[before.checkpoints.len() - 2].clone();
                ended.submitted = Some(expected.clone());
                manager.delete_checkpoint(BEFORE).await?;
                ended.acknowledged = Some(expected);
            }
            Self::DeleteOldest => drop(manager.delete_checkpoint(1).await?),
            Self::Restore => {
                ended.submitted = Some(before.checkpoints[0].clone());
                manager.restore_checkpoint(1).await?;
                ended.acknowledged = Some(before.checkpoints[0].clone());
            }
            Self::Cleanup => {
                manager.cleanup_old_checkpoints_keep(1).await?;
                manager.collect_garbage().await?;
            }
        }
        Ok(())
    }
}

/// The directory that both find, and what each of its checkpoints holds.
pub(super) struct Before {
    pub(super) files: Files,
    pub(super) checkpoints: Vec<Expected>,
}

impl Before {
    pub(super) fn new() -> Self {
        let directory = empty();
        let mut manager = open_with(&directory, keep(10), options()).expect("an empty directory in memory opens");
        let mut checkpoints = Vec::new();
        for round in 1..=BEFORE {
            manager.put(format!("round {round}").as_bytes(), b"before both").expect("room for a key");
            block_on(manager.create_checkpoint(round)).expect("memory does not fail");
            checkpoints.push(Expected::of(&manager));
        }
        Self { files: directory.to_files(), checkpoints }
    }
}
