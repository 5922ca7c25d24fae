//! Stopping long work. Core reads no clock: its caller says when the work of a call must end.

use std::fmt;
use std::sync::Arc;

use crate::error::IncrementalCheckpointError as Error;

/// How much work is done between two questions: keys that are visited, and for every [`BYTES`] of long keys one more.
pub(crate) const STEP: usize = 4_096;
/// So many bytes are as much work as a key.
pub(crate) const BYTES: usize = 256;

/// Asks the caller of long work whether it must end.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use alluvium_core::{State, model::stop::Stop};
///
/// let ended = Arc::new(AtomicBool::new(false));
/// let asked = ended.clone();
/// let mut state = State::new();
/// state.put(b"AA:JFK-LAX", b"12")?;
/// state.stop_when(Some(Stop::new(move || asked.load(Ordering::Relaxed))));
/// let mut walk = state.walk(b"");
/// assert_eq!(state.next_page(&mut walk, 10, 1_000)?.len(), 1);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    /// Stops work as soon as `must_end` returns true. It is asked every few thousand keys.
    pub fn new(must_end: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(must_end))
    }

    /// Asks whether work must end now.
    pub fn must_end(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

/// Long work, in steps after which it may be stopped.
pub(crate) struct Steps<'a> {
    stop: Option<&'a Stop>,
    done: usize,
}

impl<'a> Steps<'a> {
    /// Work that begins now.
    pub(crate) fn new(stop: Option<&'a Stop>) -> Self {
        Self { stop, done: 0 }
    }

    /// Takes note of work that is about to be done, and fails if none must be done any more.
    #[inline]
    pub(crate) fn take(&mut self, work: usize) -> Result<(), Error> {
        self.done += work;
        if self.done < STEP { Ok(()) } else { self.ask() }
    }

    #[cold]
    fn ask(&mut self) -> Result<(), Error> {
        self.done = 0;
        match self.stop {
            Some(stop) if stop.must_end() => Err(stopped()),
            _ => Ok(()),
        }
    }
}

/// Says that work was stopped.
pub(crate) fn stopped() -> Error {
    Error::LimitExceeded("the work was stopped by its caller before its end".into())
}
