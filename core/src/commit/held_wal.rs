//! What a WAL file holds on its way.

use std::sync::Arc;

use crate::changelog::Changelog;
use crate::commit::in_flight::InFlight;
use crate::error::IncrementalCheckpointError as Error;

/// What a prepared WAL file holds. If it is dropped before [`release`](Self::release), the next WAL file holds it.
#[derive(Debug)]
pub(crate) struct HeldWal {
    in_flight: Arc<InFlight>,
    /// The checkpoint that the file follows.
    base: u64,
    place: u64,
    tail: Option<Changelog>,
}

impl HeldWal {
    /// Adds a WAL file that was just prepared and that follows `base`. It takes over what the ones before it gave
    /// back. Returns `None` if the deletion of `base` has begun.
    pub(crate) fn join(in_flight: &Arc<InFlight>, base: u64, mut tail: Changelog) -> Option<Self> {
        let mut queues = in_flight.lock();
        if queues.deleted.ids.contains(&base) {
            return None;
        }
        while let Some(mut older) = queues.wal.take_last() {
            older.append(tail);
            tail = older;
        }
        Some(Self { in_flight: in_flight.clone(), base, place: queues.wal.join(), tail: Some(tail) })
    }

    /// Returns the checkpoint that the file follows.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Begins the write. Returns what to write: the changes of this file, and before them those of the files before
    /// it that were dropped.
    pub(crate) fn begin(&mut self) -> Result<&Changelog, Error> {
        let mut queues = self.in_flight.lock();
        // If a newer checkpoint has begun another line of WAL files, it holds what those before this one held.
        if queues.wal_base == Some(self.base) {
            let Some(dropped) = queues.wal.begin(self.place) else {
                return Err(Error::InvalidInput(
                    "a WAL file must be written after the one that was prepared before it: write them in order".into(),
                ));
            };
            let own = self.tail.take();
            self.tail = dropped.into_iter().chain(own).reduce(|mut older, newer| {
                older.append(newer);
                older
            });
        }
        drop(queues);
        Ok(self.tail.as_ref().expect("it is released last"))
    }

    /// Drops the changes, because from now on the file may exist.
    pub(crate) fn release(&mut self) {
        self.tail = None;
    }

    /// Notes that the file is durable, or that a checkpoint holds all of it.
    pub(crate) fn written(mut self) {
        self.release();
        let mut queues = self.in_flight.lock();
        if queues.wal_base == Some(self.base) {
            queues.wal.end(self.place);
        }
    }
}

impl Drop for HeldWal {
    fn drop(&mut self) {
        if let Some(tail) = self.tail.take() {
            let mut queues = self.in_flight.lock();
            if queues.wal_base == Some(self.base) {
                queues.wal.give_back(self.place, tail);
            }
        }
    }
}
