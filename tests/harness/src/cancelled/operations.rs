//! Every operation, as a future that can be dropped, and what it promises on its way.

use std::sync::Arc;

use alluvium_core::directory::block_on;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{diff, inspect, verify};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager, archive, gc};

use super::directory::SlowDirectory;
use super::steps::{steps, sync_steps, two_at_once, two_syncs};
use crate::{Expected, keep, options};

pub(super) type Manager = IncrementalCheckpointManager<SlowDirectory>;

/// What is begun and then dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Checkpoint,
    Opaque,
    /// The three steps of a checkpoint, and puts between them.
    Steps,
    /// Two checkpoints on their way at once. The flag says that the first one is dropped and the second written.
    TwoAtOnce(bool),
    Sync,
    /// The three steps of a sync, and puts between them.
    SyncSteps,
    /// Two WAL files on their way at once. The flag is as above.
    TwoSyncs(bool),
    Restore,
    DeleteNewest,
    DeleteOldest,
    Cleanup,
    CollectGarbage,
    /// Keeps the oldest checkpoint, and releases it again.
    Keep,
    /// Rewrites what an earlier version wrote.
    Migrate,
    Read,
    Import,
    Open,
    Tools,
}

pub(super) const OPERATIONS: [Operation; 20] = [
    Operation::Checkpoint,
    Operation::Opaque,
    Operation::Steps,
    Operation::TwoAtOnce(false),
    Operation::TwoAtOnce(true),
    Operation::Sync,
    Operation::SyncSteps,
    Operation::TwoSyncs(false),
    Operation::TwoSyncs(true),
    Operation::Restore,
    Operation::DeleteNewest,
    Operation::DeleteOldest,
    Operation::Cleanup,
    Operation::CollectGarbage,
    Operation::Keep,
    Operation::Migrate,
    Operation::Read,
    Operation::Import,
    Operation::Open,
    Operation::Tools,
];

impl Operation {
    /// Whether the operation needs no manager that is open already.
    pub(super) fn is_cold(self) -> bool {
        matches!(self, Self::Import | Self::Open | Self::Tools)
    }
}

/// What may come back, and what is live.
#[derive(Debug, Clone)]
pub(super) struct Promised {
    /// What the manager holds, with what no checkpoint has.
    pub(super) live: Expected,
    /// What the live state becomes if the operation takes effect.
    pub(super) instead: Option<Expected>,
    /// What may come back. The last acknowledged is the first one.
    pub(super) acceptable: Vec<Expected>,
    /// Whether a WAL file can follow the newest checkpoint.
    pub(super) can_log: bool,
}

impl Promised {
    pub(super) fn put(&mut self, manager: &mut Manager, key: &str) {
        manager.put(key.as_bytes(), b"between").expect("there is room");
        self.live.state.insert(key.into(), b"between".to_vec());
    }

    /// The live state is about to be written, at this position.
    pub(super) fn submit(&mut self, wal_position: u64) -> Expected {
        self.live.wal_position = wal_position;
        self.acceptable.push(self.live.clone());
        self.live.clone()
    }

    pub(super) fn acknowledge(&mut self, expected: Expected) {
        self.acceptable.retain(|other| other.wal_position > expected.wal_position);
        self.acceptable.insert(0, expected);
    }
}

/// Archives a state from elsewhere. Returns the archive and what it holds.
fn foreign() -> (Vec<u8>, Expected) {
    let (directory, mut manager) = crate::fresh();
    manager.put(b"from", b"elsewhere").expect("there is room");
    crate::checkpoint(&mut manager);
    (block_on(archive::export(&*directory, None)).expect("it was just written"), Expected::of(&manager))
}

/// Runs an operation. `checkpoints` are the kept ones, oldest first, with what each holds.
pub(super) async fn run(
    operation: Operation,
    directory: &Arc<SlowDirectory>,
    manager: Option<&mut Manager>,
    checkpoints: &[(u64, Expected)],
    promised: &mut Promised,
) -> Result<(), Error> {
    let Some(manager) = manager else { return run_cold(operation, directory, checkpoints, promised).await };
    let position = manager.wal_position() + 1;
    match operation {
        Operation::Checkpoint => {
            promised.submit(position);
            manager.create_checkpoint(position).await.map(drop)
        }
        Operation::Opaque => {
            promised.live.source_offsets.insert("opaque".into(), 9);
            promised.submit(position);
            let (offsets, watermark) = (promised.live.source_offsets.clone(), promised.live.watermark);
            manager.create_checkpoint_with_state(position, offsets, watermark, b"opaque").await.map(drop)
        }
        Operation::Steps => steps(manager, promised).await,
        Operation::TwoAtOnce(drops_first) => two_at_once(manager, promised, drops_first).await,
        Operation::Sync => {
            promised.submit(position);
            manager.sync(position).await
        }
        // Where no WAL file can follow a checkpoint, the steps of a sync refuse.
        Operation::SyncSteps | Operation::TwoSyncs(_) if !promised.can_log => Ok(()),
        Operation::SyncSteps => sync_steps(manager, promised).await,
        Operation::TwoSyncs(drops_first) => two_syncs(manager, promised, drops_first).await,
        Operation::Restore => {
            let Some((oldest, expected)) = checkpoints.first() else { return Ok(()) };
            promised.instead = Some(expected.clone());
            promised.acceptable.push(expected.clone());
            manager.restore_checkpoint(*oldest).await.map(drop)
        }
        Operation::DeleteNewest => {
            let Some((newest, _)) = checkpoints.last() else { return Ok(()) };
            let before = checkpoints.len().checked_sub(2).map(|at| checkpoints[at].1.clone());
            promised.acceptable.push(before.unwrap_or_default());
            manager.delete_checkpoint(*newest).await.map(drop)
        }
        Operation::DeleteOldest => {
            let [(oldest, _), _, ..] = checkpoints else { return Ok(()) };
            manager.delete_checkpoint(*oldest).await.map(drop)
        }
        Operation::Cleanup => manager.cleanup_old_checkpoints_keep(1).await.map(drop),
        Operation::CollectGarbage => manager.collect_garbage().await.map(drop),
        Operation::Keep => {
            let Some((oldest, _)) = checkpoints.first() else { return Ok(()) };
            assert!(manager.kept_checkpoints().is_empty(), "a dropped call has kept something");
            manager.keep(*oldest).await?;
            manager.release(*oldest)
        }
        Operation::Migrate => {
            // What no checkpoint holds is in the rewritten one, too.
            promised.submit(manager.wal_position());
            manager.migrate().await.map(drop)
        }
        Operation::Read => {
            for metadata in manager.list_checkpoints().await? {
                manager.load_checkpoint_metadata(metadata.id).await?;
            }
            manager.find_latest_checkpoint().await?;
            manager.verify().await.map(drop)
        }
        Operation::Import | Operation::Open | Operation::Tools => unreachable!("it is cold"),
    }
}

async fn run_cold(
    operation: Operation,
    directory: &Arc<SlowDirectory>,
    checkpoints: &[(u64, Expected)],
    promised: &mut Promised,
) -> Result<(), Error> {
    match operation {
        Operation::Import => {
            let (bytes, expected) = foreign();
            promised.acceptable.push(expected);
            archive::import(&bytes, directory.clone(), keep(2), options()).await.map(drop)
        }
        Operation::Open => Manager::open(directory.clone(), keep(2), options()).await.map(drop),
        _ => {
            verify::verify(&**directory).await?;
            inspect::list_checkpoints(&**directory).await?;
            gc::plan(&**directory, Some(1)).await?;
            recover(&**directory, &RecoverOptions::new()).await?;
            if let [(from, _), .., (to, _)] = checkpoints {
                diff::diff(&**directory, *from, *to).await?;
                archive::export(&**directory, Some(*to)).await?;
            }
            Ok(())
        }
    }
}
