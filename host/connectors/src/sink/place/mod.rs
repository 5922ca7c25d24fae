//! Where the records of a sink wait until they are published.

mod local;
mod shared;

use std::borrow::Cow;
use std::error::Error;
use std::{fmt, io};

pub use local::LocalPlace;
pub use shared::SharedPlace;

/// A place where the records of a sink wait until they are published. It belongs to one sink.
///
/// It keeps two things, each of which is replaced as a whole: the records of the newest epoch, and a note. What it
/// has kept is durable. A sink that publishes to a server needs such a place, because a server can't hold back what
/// it was given until the checkpoint is committed.
///
/// [`LocalPlace`] is a directory of this machine, and [`SharedPlace`] is one that all processes of a job see.
pub trait WaitingPlace: fmt::Debug + Send {
    /// Returns what errors call it.
    fn name(&self) -> String;

    /// Takes it for this sink. It comes before anything else, and before each recovery.
    ///
    /// If another process has it, the error is [`WouldBlock`](io::ErrorKind::WouldBlock). If a later process has taken
    /// it over, the error is [`Superseded`], as that of everything below that keeps something.
    fn take(&mut self) -> io::Result<()>;

    /// Returns the records that were kept last, by this process or by one before it.
    fn records(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// Begins an epoch. It has no bytes yet, and those of the epoch before stay until they are replaced.
    fn begin(&mut self) -> io::Result<()>;

    /// Appends bytes to the epoch.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns all bytes of the epoch, whether they are kept yet or not.
    fn written(&mut self) -> io::Result<Cow<'_, [u8]>>;

    /// Keeps the epoch in the place of the one before. More may be appended later, and kept again.
    fn keep(&mut self) -> io::Result<()>;

    /// Forgets the epoch. What was kept stays until another epoch takes its place.
    fn end(&mut self);

    /// Returns the note that was kept last, by this process or by one before it.
    fn note(&mut self) -> io::Result<Option<String>>;

    /// Keeps a note in the place of the one before.
    fn keep_note(&mut self, note: &str) -> io::Result<()>;
}

/// The error of a place that a later process has taken over. It is inside an [`io::Error`].
///
/// ```
/// use std::io;
/// use alluvium_connectors::sink::Superseded;
///
/// assert!(Superseded::is(&io::Error::other(Superseded)));
/// assert!(!Superseded::is(&io::ErrorKind::NotFound.into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a later process has taken it over")]
pub struct Superseded;

impl Superseded {
    /// Whether an error is this one.
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Self>)
    }
}
