//! Checkpoints that were begun: each is written in pieces, and the oldest first.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use alluvium_core::{
    CheckpointStatistics, IncrementalCheckpointError, IncrementalCheckpointMetadata, MaintenanceReport,
    PreparedCheckpoint, WrittenCheckpoint,
};

use super::Storage;
use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints::CheckpointReport;
use super::convert;
use super::open_manager::Manager;
use super::pieces;

type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// The checkpoints that were begun and have not been told of yet.
#[derive(Default)]
pub(super) struct InFlight {
    begun: VecDeque<Begun>,
    done: Vec<CheckpointReport>,
    /// Why the oldest one failed. Those after it fail for the same reason.
    failed: Option<IncrementalCheckpointError>,
}

/// How far one checkpoint is.
enum Begun {
    Writing(Work<Result<WrittenCheckpoint<Storage>, IncrementalCheckpointError>>),
    Maintaining(Box<(IncrementalCheckpointMetadata, CheckpointStatistics)>, Work<MaintenanceReport>),
}

impl InFlight {
    /// Begins with a checkpoint that is frozen. Nothing of it is written yet.
    pub(super) fn begin(&mut self, prepared: PreparedCheckpoint<Storage>) {
        self.begun.push_back(Begun::Writing(Box::pin(prepared.write())));
    }

    /// Does the next piece of work, or with `to_the_end` all of it.
    pub(super) fn advance(&mut self, manager: &mut Manager, to_the_end: bool) {
        while let Some(begun) = self.begun.pop_front() {
            if let Some(begun) = self.piece(begun, manager) {
                self.begun.push_front(begun);
            }
            if !to_the_end {
                return;
            }
        }
    }

    /// Does one piece of the oldest checkpoint's work; returns what is left of it.
    fn piece(&mut self, begun: Begun, manager: &mut Manager) -> Option<Begun> {
        match begun {
            Begun::Writing(mut work) => match pieces::advance(work.as_mut()) {
                Poll::Pending => Some(Begun::Writing(work)),
                Poll::Ready(written) => match written.and_then(|written| manager.finish_checkpoint(written)) {
                    Ok(finished) => {
                        let known = Box::new((finished.metadata, finished.statistics));
                        Some(Begun::Maintaining(known, Box::pin(finished.maintenance.run())))
                    }
                    Err(error) => {
                        self.failed.get_or_insert(error);
                        None
                    }
                },
            },
            Begun::Maintaining(known, mut work) => match pieces::advance(work.as_mut()) {
                Poll::Pending => Some(Begun::Maintaining(known, work)),
                Poll::Ready(maintenance) => {
                    let (metadata, statistics) = *known;
                    self.done.push(convert::report(&metadata, &statistics, maintenance));
                    None
                }
            },
        }
    }

    /// Returns the checkpoints that have become durable since this was last asked, oldest first; after them, once,
    /// why one failed.
    pub(super) fn take(&mut self) -> Result<Vec<CheckpointReport>, Error> {
        match self.failed.take_if(|_| self.done.is_empty()) {
            Some(error) => Err(convert::error(error)),
            None => Ok(std::mem::take(&mut self.done)),
        }
    }
}
