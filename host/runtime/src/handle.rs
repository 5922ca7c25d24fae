//! Plugins for asynchronous callers: each on a thread of its own, asked by futures that any executor
//! can wait for.
//!
//! A call into a plugin may take as long as its limit allows, and a checkpoint waits for the disk. No
//! executor's thread does: the future that a call gives is woken when the answer is there.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll};

use futures_channel::oneshot::{self, Receiver};

use crate::engine::CheckpointReport;
use crate::error::RuntimeError;
use crate::host::Host;
use crate::module::Module;
use crate::operator::Batch;
use crate::plugin::Plugin;
use crate::plugin_options::PluginOptions;
use crate::stack::thread_bytes;
use crate::threads::cannot_start;

type Job = Box<dyn FnOnce(&mut Plugin) + Send>;

/// A plugin on a thread of its own.
///
/// Calls are worked through in the order in which they were made. To drop a future does not take its
/// call back. To drop the handle closes the plugin once everything asked for is done.
#[derive(Debug)]
pub struct PluginHandle {
    jobs: Sender<Job>,
}

impl Host {
    /// As [`start`](Self::start), on a thread of the plugin's own.
    pub fn spawn(
        &self,
        module: &Module,
        path: impl Into<PathBuf>,
        options: PluginOptions,
    ) -> Answer<Result<PluginHandle, RuntimeError>> {
        let (host, module, path) = (self.clone(), module.clone(), path.into());
        let bytes = thread_bytes(host.limits(&options).stack_bytes);
        let (asked, answer) = oneshot::channel();
        let (jobs, inbox) = channel::<Job>();
        let start = move || {
            stand_behind(options.niceness)?;
            host.start(&module, path, &options)
        };
        let work = move || match start() {
            Err(error) => drop(asked.send(Err(error))),
            Ok(mut plugin) => {
                // A caller who no longer waits has dropped the handle: the plugin is closed at once.
                let _ = asked.send(Ok(PluginHandle { jobs }));
                for job in inbox {
                    job(&mut plugin);
                }
                plugin.close();
            }
        };
        match std::thread::Builder::new().name("plugin".to_owned()).stack_size(bytes).spawn(work) {
            Ok(_) => Answer(answer),
            Err(error) => {
                let (asked, answer) = oneshot::channel();
                let why = cannot_start(format_args!("a thread with a stack of {bytes} bytes"), &error);
                let _ = asked.send(Err(RuntimeError::Host(why)));
                Answer(answer)
            }
        }
    }
}

/// Lowers the priority of this thread, and of the threads that it starts. It cannot be raised again without a right.
fn stand_behind(niceness: u8) -> Result<(), RuntimeError> {
    if niceness == 0 {
        return Ok(());
    }
    if niceness > 19 {
        return Err(RuntimeError::Host(format!("a niceness of {niceness}: it goes from 0 to 19")));
    }
    // Elsewhere than on Linux this would be the whole process.
    #[cfg(target_os = "linux")]
    return rustix::process::nice(i32::from(niceness))
        .map(drop)
        .map_err(|error| RuntimeError::Host(format!("the priority of a plugin's thread: {error}")));
    #[cfg(not(target_os = "linux"))]
    Err(RuntimeError::Host("a thread has no niceness of its own on this system".to_owned()))
}

impl PluginHandle {
    /// Has something done with the plugin, and gives what comes of it.
    pub fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError> + Send + 'static,
    ) -> Answer<Result<T, RuntimeError>> {
        let (asked, answer) = oneshot::channel();
        // If the thread has ended, the job and its sender are dropped, and the answer says so.
        let _ = self.jobs.send(Box::new(move |plugin| drop(asked.send(work(plugin)))));
        Answer(answer)
    }

    /// As [`Plugin::begin`].
    pub fn begin(&self, input: u32, header: Vec<String>) -> Answer<Result<(), RuntimeError>> {
        self.with(move |plugin| plugin.begin(input, &header))
    }

    /// As [`Plugin::feed`]. Wait for one batch before the next is given: what waits is in memory.
    pub fn feed(&self, input: u32, batch: Batch) -> Answer<Result<(), RuntimeError>> {
        self.with(move |plugin| plugin.feed(input, &batch))
    }

    /// As [`Plugin::checkpoint`].
    pub fn checkpoint(&self) -> Answer<Result<CheckpointReport, RuntimeError>> {
        self.with(Plugin::checkpoint)
    }

    /// As [`Plugin::restart`].
    pub fn restart(&self) -> Answer<Result<(), RuntimeError>> {
        self.with(Plugin::restart)
    }
}

/// A result on its way from a plugin's thread.
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Answer<T>(Receiver<T>);

impl<T> Future for Answer<Result<T, RuntimeError>> {
    type Output = Result<T, RuntimeError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gone = |_| Err(RuntimeError::Host("the plugin's thread has ended".to_owned()));
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or_else(gone))
    }
}
