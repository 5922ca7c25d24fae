//! Checkpoints written on a thread of their own: the stream's thread pays for freezing only.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use alluvium_core::directory::{Directory, block_on};
use alluvium_core::{
    CheckpointStatistics, IncrementalCheckpointError as Error, IncrementalCheckpointManager,
    IncrementalCheckpointMetadata, Maintenance, MaintenanceReport, PreparedCheckpoint, WrittenCheckpoint,
};

pub use crate::scheduling::leave_the_core_to_wakers;

/// What the thread is given to do, in order.
enum Job<D> {
    Write(Box<PreparedCheckpoint<D>>),
    Maintain(Box<Maintenance<D>>),
}

/// What it gives back.
enum Done<D> {
    Written(Box<Result<WrittenCheckpoint<D>, Error>>),
    Maintained(MaintenanceReport),
}

/// A durable checkpoint that the background thread wrote.
#[derive(Debug, Clone)]
pub struct BackgroundCheckpoint {
    /// Its metadata, as it is on disk.
    pub metadata: IncrementalCheckpointMetadata,
    /// What it cost; `freeze_us` alone was the stream's.
    pub statistics: CheckpointStatistics,
}

/// Writes checkpoints, and does their maintenance, on a thread of its own.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::block_on;
/// use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
/// use alluvium::background::BackgroundWriter;
/// use alluvium::{NativeDirectory, SystemClock};
///
/// let scratch = tempfile::tempdir()?;
/// let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path())?);
/// let options = OpenOptions::new(Arc::new(SystemClock::new())).create(true);
/// let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options))?;
/// let mut writer = BackgroundWriter::start();
///
/// manager.put(b"key", b"1")?;
/// writer.checkpoint(&mut manager, 0)?;
/// manager.put(b"key", b"2")?;               // belongs to the next one
/// for durable in writer.wait(&mut manager)? {
///     assert_eq!(durable.statistics.keys_changed, 1);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping it waits for everything that was started.
#[derive(Debug)]
pub struct BackgroundWriter<D> {
    jobs: Option<Sender<Job<D>>>,
    /// Without a thread, the work is done by the caller, and this takes what came of it.
    own: Option<Sender<Done<D>>>,
    done: Receiver<Done<D>>,
    thread: Option<JoinHandle<()>>,
    /// Jobs that were given and have not come back.
    outstanding: usize,
    reports: VecDeque<MaintenanceReport>,
}

impl<D: Directory + Send + Sync + 'static> BackgroundWriter<D> {
    /// Starts the thread. If the system refuses to start one, the caller does the work itself, and waits for the disk.
    pub fn start() -> Self {
        let (jobs, inbox) = channel();
        let (outbox, done) = channel();
        let work = move || {
            leave_the_core_to_wakers();
            for job in inbox {
                // If the receiver is gone, what was written is durable all the same.
                if outbox.send(done_with(job)).is_err() {
                    break;
                }
            }
        };
        let (outstanding, reports) = (0, VecDeque::new());
        if let Ok(thread) = std::thread::Builder::new().name("checkpoints".to_owned()).spawn(work) {
            return Self { jobs: Some(jobs), own: None, done, thread: Some(thread), outstanding, reports };
        }
        let (outbox, done) = channel();
        Self { jobs: None, own: Some(outbox), done, thread: None, outstanding, reports }
    }

    /// Freezes a checkpoint and hands it over: microseconds. Gives its id; it is durable once
    /// [`poll`](Self::poll) or [`wait`](Self::wait) returns it.
    ///
    /// Fails with [`BufferOverflow`](Error::BufferOverflow) while as many as
    /// [`max_in_flight`](alluvium_core::CheckpointConfig::max_in_flight) are being written: poll,
    /// and try again.
    pub fn checkpoint(
        &mut self,
        manager: &mut IncrementalCheckpointManager<D>,
        wal_position: u64,
    ) -> Result<u64, Error> {
        let prepared = manager.prepare_checkpoint(wal_position)?;
        let id = prepared.id();
        self.give(Job::Write(Box::new(prepared)))?;
        Ok(id)
    }

    fn give(&mut self, job: Job<D>) -> Result<(), Error> {
        if let Some(own) = &self.own {
            own.send(done_with(job)).map_err(|_| stopped())?;
        } else {
            self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        }
        self.outstanding += 1;
        Ok(())
    }

    /// Takes note of what has become durable since the last call, without waiting.
    ///
    /// Fails with [`Poisoned`](Error::Poisoned) if the thread has panicked.
    pub fn poll(&mut self, manager: &mut IncrementalCheckpointManager<D>) -> Result<Vec<BackgroundCheckpoint>, Error> {
        let mut finished = Vec::new();
        loop {
            match self.done.try_recv() {
                Ok(done) => self.take(manager, done, &mut finished)?,
                Err(TryRecvError::Disconnected) if self.outstanding > 0 => return Err(stopped()),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(finished),
            }
        }
    }

    /// Waits until every checkpoint is durable and its maintenance is done.
    pub fn wait(&mut self, manager: &mut IncrementalCheckpointManager<D>) -> Result<Vec<BackgroundCheckpoint>, Error> {
        let mut finished = Vec::new();
        while self.outstanding > 0 {
            let done = self.done.recv().map_err(|_| stopped())?;
            self.take(manager, done, &mut finished)?;
        }
        Ok(finished)
    }

    fn take(
        &mut self,
        manager: &mut IncrementalCheckpointManager<D>,
        done: Done<D>,
        finished: &mut Vec<BackgroundCheckpoint>,
    ) -> Result<(), Error> {
        self.outstanding -= 1;
        match done {
            Done::Written(written) => {
                let checkpoint = manager.finish_checkpoint((*written)?)?;
                finished
                    .push(BackgroundCheckpoint { metadata: checkpoint.metadata, statistics: checkpoint.statistics });
                self.give(Job::Maintain(Box::new(checkpoint.maintenance)))
            }
            Done::Maintained(report) => {
                self.reports.push_back(report);
                Ok(())
            }
        }
    }

    /// The next report of maintenance that has not been asked for, oldest first.
    pub fn next_report(&mut self) -> Option<MaintenanceReport> {
        self.reports.pop_front()
    }
}

fn stopped() -> Error {
    Error::Poisoned("the background thread has stopped".into())
}

/// Does what was asked for.
fn done_with<D: Directory>(job: Job<D>) -> Done<D> {
    match job {
        Job::Write(prepared) => Done::Written(Box::new(block_on(prepared.write()))),
        Job::Maintain(maintenance) => Done::Maintained(block_on(maintenance.run())),
    }
}

impl<D> Drop for BackgroundWriter<D> {
    fn drop(&mut self) {
        // Closing the channel ends the thread once it has done what it was given.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
