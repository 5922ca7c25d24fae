//! The thread that requests run on, so that callers need no runtime.

use std::future::Future;
use std::io;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with a runtime. A caller only waits for a task on it, so the caller may be in another runtime or in none.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Handle,
    /// Dropping it ends the thread. Waiting for that would panic within another runtime.
    _end: oneshot::Sender<()>,
}

impl Background {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        // A runtime with threads of its own panics if the system refuses to start one.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let tasks = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let work = move || {
            // The sender is only ever dropped.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("alluvium-object".to_owned()).spawn(work)?;
        Ok(Self { tasks, _end: end })
    }

    /// Runs a task on the thread and waits for its result. Dropping the returned future does not stop the task.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        task: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        self.tasks.spawn(task).await.unwrap_or_else(|ended| {
            Err(DirectoryError::new(DirectoryErrorKind::Io, operation, "")
                .because(format!("the request ended: {ended}")))
        })
    }
}
