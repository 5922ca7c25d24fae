//! Whether this writer may still write.

use std::sync::OnceLock;

use crate::error::IncrementalCheckpointError as Error;

/// The first failure that made this writer unfit. It is set once and read without a lock, so that
/// the stream's thread never waits for a checkpoint that is being encoded.
#[derive(Debug, Default)]
pub(crate) struct Health(OnceLock<Error>);

impl Health {
    /// Fails with the first reason, if there is one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.0.get().cloned().map_or(Ok(()), Err)
    }

    /// Refuses all later work. After a failed write it is unknown what is on disk, so every later call
    /// gets the first reason until the directory is reopened.
    pub(crate) fn poison(&self, error: &Error) {
        self.0.get_or_init(|| match error {
            Error::Fenced(_) | Error::Poisoned(_) => error.clone(),
            other => Error::Poisoned(other.to_string()),
        });
    }
}
