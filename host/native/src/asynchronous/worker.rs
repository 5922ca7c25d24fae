//! A thread that does one thing after another, and futures of what comes of it.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use futures_channel::oneshot::{self, Receiver};

type Job = Box<dyn FnOnce() + Send>;

/// The thread. Dropping it waits until the thread has done what it was given.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, inbox) = channel::<Job>();
        let work = move || inbox.into_iter().for_each(|job| job());
        let thread = std::thread::Builder::new().name("alluvium".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Gives the thread something to do. The receiver reports `Canceled` if it panics.
    pub(super) fn give<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move || {
            // The receiver may be gone: then only the effect of the work was wanted.
            let _ = sender.send(work());
        });
        if let Some(jobs) = &self.jobs {
            // A thread that has panicked drops the job, and the receiver says so.
            let _ = jobs.send(job);
        }
        receiver
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Closing the channel ends the thread after its last job.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic.
            let _ = thread.join();
        }
    }
}
