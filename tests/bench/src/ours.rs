//! Alluvium itself, on a directory of the file system.

use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium::SystemClock;
use alluvium_core::directory::block_on;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::{
    CheckpointConfig, CheckpointStatistics, FinishedCheckpoint, IncrementalCheckpointManager, OpenOptions,
};
use anyhow::{Context, Result};

use crate::contender::{Contender, Epoch, Kind, Recovered};
use crate::measure::timed;
use crate::workload::Records;

/// Alluvium among the contenders.
pub const KIND: Kind = Kind { name: "alluvium", open: |path| Ok(Box::new(Ours::open(path)?)), recover: recover_ours };

/// A manager, and the maintenance that its last checkpoint left.
#[derive(Debug)]
pub struct Ours {
    manager: IncrementalCheckpointManager<NativeDirectory>,
    finished: Option<FinishedCheckpoint<NativeDirectory>>,
}

impl Ours {
    /// Opens a directory, or starts from nothing in an empty one.
    pub fn open(path: &Path) -> Result<Self> {
        let directory = Arc::new(NativeDirectory::open_exclusive(path)?);
        let options = OpenOptions::new(Arc::new(SystemClock::new())).store_id(*b"alluvium-bench--").create(true);
        let manager = block_on(IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options))?;
        Ok(Self { manager, finished: None })
    }

    /// What the last checkpoint wrote.
    pub fn statistics(&self) -> Option<&CheckpointStatistics> {
        self.manager.last_statistics()
    }
}

impl Contender for Ours {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let manager = &mut self.manager;
        let (apply_us, applied) = timed(|| records.iter().try_for_each(|(key, value)| manager.put(key, value)));
        applied?;
        let position = manager.wal_position();
        let (stall_us, prepared) = timed(|| manager.prepare_checkpoint(position));
        let prepared = prepared?;
        let (write_us, written) = timed(|| block_on(prepared.write()));
        self.finished = Some(manager.finish_checkpoint(written?)?);
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us + write_us })
    }

    fn tidy(&mut self) -> Result<()> {
        let Some(finished) = self.finished.take() else { return Ok(()) };
        let report = block_on(finished.maintenance.run());
        anyhow::ensure!(report.errors.is_empty(), "maintenance: {}", report.errors.join("; "));
        Ok(())
    }
}

fn recover_ours(path: &Path) -> Result<Recovered> {
    let directory = NativeDirectory::open(path)?;
    let recovered = block_on(recover(&directory, &RecoverOptions::new()))?.context("no checkpoint")?;
    Ok(Recovered::State(Box::new(recovered.state)))
}
