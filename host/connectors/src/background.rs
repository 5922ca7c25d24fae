//! Tasks of callers without a runtime.

use std::future::Future;
use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A thread that runs tasks. All waiting for them is done here, so the caller may be within another runtime.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Handle,
    /// Dropping it ends the thread. Waiting for that would panic within another runtime.
    _end: oneshot::Sender<()>,
}

impl Background {
    /// Starts a thread with this name.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        // A runtime with threads of its own panics if the system refuses to start one.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let tasks = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let work = move || {
            // The sender is only ever dropped.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self { tasks, _end: end })
    }

    /// Runs a task beside the caller.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn(task)
    }

    /// Waits for a task, which ends by itself.
    pub(crate) fn wait<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> T {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.spawn(async move {
            let _ = sender.send(task.await);
        });
        receiver.recv().expect("a task that ends")
    }
}
