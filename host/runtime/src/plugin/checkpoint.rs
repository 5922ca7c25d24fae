//! Making what a plugin did durable.

use std::time::Instant;

use crate::engine::CheckpointReport;
use crate::error::RuntimeError;
use crate::plugin::{Plugin, micros};

impl Plugin {
    /// Begins a checkpoint of state, offsets and watermark, in the next epoch, and returns: the plugin works on while
    /// the checkpoint is written. What comes after belongs to the next one. It is durable once
    /// [`finished_checkpoints`](Self::finished_checkpoints) or [`wait_for_checkpoints`](Self::wait_for_checkpoints)
    /// returns it.
    ///
    /// The engine component does one thing at a time: it writes the checkpoint in pieces of about a millisecond, one
    /// after each batch and one whenever [`finished_checkpoints`](Self::finished_checkpoints) asks. A thread does the syncs
    /// and frees the space of deleted files, and the stream continues. In a worker process, which starts no threads, the
    /// stream waits. While other checkpoints wait behind it, the pieces are longer and the
    /// stream waits for syncs too. The native engine has a thread for all of it.
    ///
    /// If too many checkpoints are being written, the error is [`Backpressure`](crate::EngineError::Backpressure), and only
    /// the epoch has changed.
    pub fn begin_checkpoint(&mut self) -> Result<(), RuntimeError> {
        self.may_write()?;
        let begun = Instant::now();
        self.with_engine(|engine| {
            let epoch = engine.epoch()?.saturating_add(1);
            engine.set_epoch(epoch)?;
            engine.begin_checkpoint(0)
        })?;
        self.output.at_checkpoint();
        self.stalls.push_back(begun.elapsed());
        Ok(())
    }

    /// Returns the checkpoints that were begun and have become durable since this was last asked, oldest first,
    /// without waiting.
    pub fn finished_checkpoints(&mut self) -> Result<Vec<CheckpointReport>, RuntimeError> {
        self.finished(false)
    }

    /// Waits until every checkpoint that was begun is durable, and returns those that were not told yet.
    pub fn wait_for_checkpoints(&mut self) -> Result<Vec<CheckpointReport>, RuntimeError> {
        let finished = self.finished(true)?;
        self.wrote()?;
        Ok(finished)
    }

    fn finished(&mut self, wait: bool) -> Result<Vec<CheckpointReport>, RuntimeError> {
        let finished = self.with_engine(|engine| engine.finished_checkpoints(wait))?;
        for report in &finished {
            let stall = self.stalls.pop_front().unwrap_or_default();
            self.metrics.checkpointed(report, stall);
            tracing::info!(plugin = %self.identity().name, directory = %self.path.display(), id = report.info.id,
                bytes_written = report.bytes_written, keys_changed = report.info.keys_changed,
                state_bytes = report.info.size_bytes, freeze_us = report.freeze_us, write_us = report.write_us,
                stall_us = micros(stall), "checkpoint");
        }
        Ok(finished)
    }

    /// Takes a checkpoint of state, offsets and watermark, in the next epoch; when it returns, the
    /// checkpoint is durable.
    pub fn checkpoint(&mut self) -> Result<CheckpointReport, RuntimeError> {
        self.may_write()?;
        let begun = Instant::now();
        let report = self.with_engine(|engine| {
            let epoch = engine.epoch()?.saturating_add(1);
            engine.set_epoch(epoch)?;
            // The log between checkpoints is the engine's own; of the caller's there is none.
            engine.checkpoint(0)
        })?;
        self.output.at_checkpoint();
        self.metrics.checkpointed(&report, begun.elapsed());
        tracing::info!(plugin = %self.identity().name, directory = %self.path.display(), id = report.info.id,
            bytes_written = report.bytes_written, keys_changed = report.info.keys_changed,
            state_bytes = report.info.size_bytes, freeze_us = report.freeze_us, write_us = report.write_us,
            stall_us = micros(begun.elapsed()), "checkpoint");
        self.wrote()?;
        Ok(report)
    }

    /// Does the same without a checkpoint: it writes a WAL after the newest one, or the first checkpoint.
    pub fn sync(&mut self) -> Result<(), RuntimeError> {
        self.may_write()?;
        let begun = Instant::now();
        self.with_engine(|engine| engine.sync(0))?;
        self.metrics.synced(begun.elapsed());
        tracing::debug!(plugin = %self.identity().name, directory = %self.path.display(),
            stall_us = micros(begun.elapsed()), "sync");
        self.wrote()
    }

    /// Before anything is written: not too often, and no more than what is there leaves.
    fn may_write(&mut self) -> Result<(), RuntimeError> {
        self.rate_limit.take(self.options.clock.monotonic_us())?;
        let limits = self.limits;
        self.with_engine(|engine| engine.hold_to_disk_limits(&limits))
    }

    fn wrote(&mut self) -> Result<(), RuntimeError> {
        let bytes = self.with_engine(|engine| engine.disk_bytes())?;
        self.metrics.takes_disk(bytes);
        Ok(())
    }
}
