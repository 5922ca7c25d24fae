//! What a checkpoint holds on its way, and how its preparation is undone if it is dropped.

use std::sync::Arc;

use crate::changelog::Changelog;
use crate::commit::in_flight::{InFlight, Taken};
use crate::commit::statistics::CheckpointStatistics;
use crate::error::IncrementalCheckpointError as Error;
use crate::seeded_defects::{self, Defect};

/// What a prepared checkpoint holds. If it is dropped before [`release`](Self::release), the preparation is undone.
#[derive(Debug)]
pub(crate) struct Held {
    in_flight: Arc<InFlight>,
    place: u64,
    taken: Option<Taken>,
}

impl Held {
    /// Adds a checkpoint that was just prepared.
    pub(crate) fn join(in_flight: &Arc<InFlight>, taken: Taken) -> Self {
        let mut queues = in_flight.lock();
        queues.unfinished += 1;
        Self { in_flight: in_flight.clone(), place: queues.checkpoints.join(), taken: Some(taken) }
    }

    /// Returns the changes to write.
    pub(crate) fn changes(&self) -> &Changelog {
        &self.taken().changes
    }

    /// Returns the checkpoint that this one continues.
    pub(crate) fn parent(&self) -> Option<u64> {
        self.taken().parent
    }

    fn taken(&self) -> &Taken {
        self.taken.as_ref().expect("it is released last")
    }

    /// Begins the write. Takes over the changes of the checkpoints before this one that were dropped.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        let Some(dropped) = self.in_flight.lock().checkpoints.begin(self.place) else {
            return Err(Error::InvalidInput(format!(
                "checkpoint {} must be written after the one that was prepared before it: write them in order",
                self.taken().id
            )));
        };
        let own = self.taken.take();
        self.taken = dropped.into_iter().chain(own).reduce(|mut older, newer| {
            older.changes.append(newer.changes);
            older
        });
        Ok(())
    }

    /// Drops the changes, because from now on files may exist. Nothing is undone any more.
    pub(crate) fn release(&mut self) {
        self.taken = None;
    }

    /// Notes that the checkpoint is durable.
    pub(crate) fn written(self, statistics: CheckpointStatistics) -> Unfinished {
        self.in_flight.lock().checkpoints.end(self.place);
        Unfinished { in_flight: self.in_flight.clone(), statistics: Some(statistics) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut taken) = self.taken.take() {
            if seeded_defects::is(Defect::LoseDropped) {
                taken.changes = Changelog::default();
            }
            let mut queues = self.in_flight.lock();
            queues.unfinished -= 1;
            queues.checkpoints.give_back(self.place, taken);
            self.in_flight.note_return();
        }
    }
}

/// A durable checkpoint that the manager does not know of. If it is dropped, the manager learns of it all the same.
#[derive(Debug)]
pub(crate) struct Unfinished {
    in_flight: Arc<InFlight>,
    statistics: Option<CheckpointStatistics>,
}

impl Unfinished {
    /// Tells whether the checkpoint was prepared by the manager with this `in_flight`.
    pub(crate) fn is_of(&self, in_flight: &Arc<InFlight>) -> bool {
        Arc::ptr_eq(&self.in_flight, in_flight)
    }

    /// Returns what the checkpoint cost.
    pub(crate) fn finish(mut self) -> CheckpointStatistics {
        self.in_flight.lock().unfinished -= 1;
        self.statistics.take().expect("it is finished once")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(statistics) = self.statistics.take() {
            let mut queues = self.in_flight.lock();
            queues.unfinished -= 1;
            queues.durable.push(statistics);
        }
    }
}
