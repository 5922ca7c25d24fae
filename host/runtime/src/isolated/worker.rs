//! A worker as its host sees it: asked over a socket, believed in nothing, and killed when it does not keep to that.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alluvium::NativeDirectory;
use alluvium_core::Clock;
use alluvium_core::model::stop::Stop;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RuntimeError;
use crate::isolated::budget::{Size, decode};
use crate::isolated::death::{self, Allowed};
use crate::isolated::frame::{self, Broken, Until};
use crate::isolated::message::{Now, Question};
use crate::isolated::starter::{self, Starter};
use crate::limits::{Limit, Limits};
use crate::operator::INPUT;

/// A worker process with one engine, which instances of plugins work over.
pub(super) struct Worker {
    child: Child,
    socket: UnixStream,
    /// The number of the next instance, and those that are to be dropped with the next question.
    next_number: u32,
    dropped: Vec<u32>,
    /// Why it is gone, if it is.
    ended: Option<String>,
    clock: Arc<dyn Clock + Send + Sync>,
    pub(super) limits: Limits,
    grace: Duration,
    memory_bytes: u64,
    /// The directory, whose lock is held here and in the worker.
    pub(super) directory: NativeDirectory,
    /// Lives for as long as the worker, which ends with the thread that it was started on.
    _starter: Starter,
}

/// A worker that an engine and its operators share.
pub(super) type SharedWorker = Arc<Mutex<Worker>>;

/// Borrows a worker for one question.
pub(super) fn lock(worker: &Mutex<Worker>) -> MutexGuard<'_, Worker> {
    // A panic between question and answer leaves the wrong answer behind: no worse than what a worker may say.
    worker.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a question may take: time beside the grace, and memory for its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room<'a> {
    pub(super) time: Duration,
    pub(super) size: Size,
    /// Ends the question earlier, when it says so.
    pub(super) stop: Option<&'a Stop>,
}

impl Worker {
    pub(super) fn new(
        (child, socket): (Child, UnixStream),
        starter: Starter,
        directory: NativeDirectory,
        clock: Arc<dyn Clock + Send + Sync>,
        limits: Limits,
        (grace, memory_bytes): (Duration, u64),
    ) -> Self {
        Self {
            child,
            socket,
            next_number: 1,
            dropped: Vec::new(),
            ended: None,
            clock,
            limits,
            grace,
            memory_bytes,
            directory,
            _starter: starter,
        }
    }

    /// A number for another instance; the first has 0.
    pub(super) fn next_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Has an instance dropped, when there is something to ask. There is no waiting for that alone.
    pub(super) fn drop_later(&mut self, number: u32) {
        self.dropped.push(number);
    }

    /// Asks a question, and returns the answer.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        question: &Question<'_>,
        room: Room<'_>,
    ) -> Result<T, RuntimeError> {
        self.ask_with(question, &[], room, INPUT)
    }

    /// Asks a question that comes with descriptors; a refusal is of `what`.
    pub(super) fn ask_with<T: DeserializeOwned>(
        &mut self,
        question: &Question<'_>,
        descriptors: &[BorrowedFd<'_>],
        room: Room<'_>,
        what: &'static str,
    ) -> Result<T, RuntimeError> {
        let message = (Now::of(&*self.clock), std::mem::take(&mut self.dropped), question);
        self.say(&message, descriptors, room, what)
    }

    /// Sends a message, and waits for its answer.
    pub(super) fn say<T: DeserializeOwned>(
        &mut self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
        room: Room<'_>,
        what: &'static str,
    ) -> Result<T, RuntimeError> {
        if let Some(why) = &self.ended {
            return Err(RuntimeError::Ended { why: why.clone() });
        }
        let body = postcard::to_allocvec(message)
            .map_err(|error| RuntimeError::Host(format!("a message to a worker: {error}")))?;
        let deadline = Instant::now().checked_add(room.time.saturating_add(self.grace));
        let deadline = deadline.unwrap_or_else(|| Instant::now() + Duration::from_hours(24 * 365));
        let until = Until { deadline, stop: room.stop };
        let answer = frame::send(&self.socket, &body, descriptors, Some(until))
            .and_then(|()| frame::receive(&self.socket, room.size.bytes, until))
            .and_then(|answer| decode::<T>(&answer, room.size));
        match answer {
            Ok(answer) => answer.map_err(|error| error.into_error(what)),
            Err(broken) => Err(self.end(broken, room.time)),
        }
    }

    /// Ends a worker that does not do what was agreed.
    pub(super) fn end(&mut self, broken: Broken, time: Duration) -> RuntimeError {
        let allowed = Allowed {
            time: time.saturating_add(self.grace),
            memory_bytes: self.memory_bytes,
            file_bytes: self.limits.disk_bytes,
        };
        let error = death::explain(&mut self.child, broken, allowed);
        starter::end(&mut self.child);
        self.ended = Some(error.to_string());
        error
    }

    /// Ends a worker that is past a limit which it was to hold itself to.
    pub(super) fn over(&mut self, limit: Limit, why: String) -> RuntimeError {
        starter::end(&mut self.child);
        let error = RuntimeError::Limit { who: "the plugin", limit, why };
        self.ended = Some(error.to_string());
        error
    }

    /// Ends a worker whose answer is none that an honest one gives.
    pub(super) fn lied(&mut self, what: String) -> RuntimeError {
        self.end(Broken::Form(what), Duration::ZERO)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Before the directory is let go: nothing writes there any more.
        starter::end(&mut self.child);
    }
}
