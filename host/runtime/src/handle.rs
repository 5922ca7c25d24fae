//! Plugins for asynchronous callers: each on a thread of its own, asked by futures that any executor
//! can wait for.
//!
//! A call into a plugin may take as long as its limit allows, and a checkpoint waits for the disk. No
//! executor's thread does: the future that a call gives is woken when the answer is there.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::engine::CheckpointReport;
use crate::error::RuntimeError;
use crate::host::Host;
use crate::module::Module;
use crate::operator::Records;
use crate::plugin::Plugin;
use crate::plugin_options::PluginOptions;

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
        let (asked, answer) = slot();
        let (jobs, inbox) = channel::<Job>();
        let work = move || match host.start(&module, path, &options) {
            Err(error) => asked.answer(Err(error)),
            Ok(mut plugin) => {
                asked.answer(Ok(PluginHandle { jobs }));
                for job in inbox {
                    job(&mut plugin);
                }
                plugin.close();
            }
        };
        // A thread that cannot be started drops its half of the slot, which is an answer as well.
        let _ = std::thread::Builder::new().name("plugin".to_owned()).spawn(work);
        answer
    }
}

impl PluginHandle {
    /// Has something done with the plugin, and gives what comes of it.
    pub fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError> + Send + 'static,
    ) -> Answer<Result<T, RuntimeError>> {
        let (asked, answer) = slot();
        // A thread that is gone drops the job, and with it the half of the slot.
        let _ = self.jobs.send(Box::new(move |plugin| asked.answer(work(plugin))));
        answer
    }

    /// As [`Plugin::begin`].
    pub fn begin(&self, header: Vec<String>) -> Answer<Result<(), RuntimeError>> {
        self.with(move |plugin| plugin.begin(&header))
    }

    /// As [`Plugin::feed`]. Wait for one batch before the next is given: what waits is in memory.
    pub fn feed(&self, batch: Records) -> Answer<Result<(), RuntimeError>> {
        self.with(move |plugin| plugin.feed(&batch))
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
#[must_use = "a future gives its answer to who waits for it"]
#[derive(Debug)]
pub struct Answer<T>(Arc<Mutex<Slot<T>>>);

/// The thread's half: it answers, or is dropped.
struct Asked<T>(Arc<Mutex<Slot<T>>>);

#[derive(Debug)]
enum Slot<T> {
    Waiting(Option<Waker>),
    Answered(T),
    /// Nobody is left to answer.
    Abandoned,
}

fn slot<T>() -> (Asked<T>, Answer<T>) {
    let slot = Arc::new(Mutex::new(Slot::Waiting(None)));
    (Asked(Arc::clone(&slot)), Answer(slot))
}

impl<T> Asked<T> {
    fn answer(self, value: T) {
        self.set(Slot::Answered(value));
    }

    fn set(&self, to: Slot<T>) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Slot::Waiting(waker) = &mut *slot else { return };
        let waker = waker.take();
        *slot = to;
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.set(Slot::Abandoned);
    }
}

impl<T> Future for Answer<Result<T, RuntimeError>> {
    type Output = Result<T, RuntimeError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *slot, Slot::Abandoned) {
            Slot::Answered(answer) => Poll::Ready(answer),
            Slot::Waiting(_) => {
                *slot = Slot::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
            Slot::Abandoned => Poll::Ready(Err(RuntimeError::Host("the plugin's thread is gone".to_owned()))),
        }
    }
}
