//! What can go wrong with a sink.

use std::io;
use std::sync::Arc;

/// An error of a sink. Its text names the sink.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{sink_name}: {what}")]
pub struct SinkError {
    kind: SinkErrorKind,
    sink_name: String,
    what: String,
    #[source]
    cause: Option<Arc<io::Error>>,
}

/// The kind of error: what a caller can decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkErrorKind {
    /// It cannot be opened.
    Open,
    /// Writing or reading failed.
    Io,
    /// The token is none of this sink's.
    Token,
    /// What the token stands for is neither visible nor prepared: the output was lost or changed.
    Missing,
    /// Something else is there than this stream wrote.
    Replaced,
    /// More is visible than the token stands for, and the sink cannot take it back.
    Ahead,
    /// Another writer owns the output now.
    Fenced,
    /// The sink cannot do what was asked.
    Unsupported,
}

impl SinkError {
    /// Returns the error of this kind in the sink with this name.
    pub fn new(kind: SinkErrorKind, sink_name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind, sink_name: sink_name.into(), what: what.into(), cause: None }
    }

    /// Returns the error of an operation of the system.
    pub fn io(kind: SinkErrorKind, sink_name: impl Into<String>, error: io::Error) -> Self {
        let what = error.to_string();
        Self { cause: Some(Arc::new(error)), ..Self::new(kind, sink_name, what) }
    }

    /// Says it in these words instead of the system's.
    #[must_use]
    pub fn says(self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self }
    }

    /// Returns its kind.
    pub fn kind(&self) -> SinkErrorKind {
        self.kind
    }

    /// Returns the name of the sink.
    pub fn sink_name(&self) -> &str {
        &self.sink_name
    }

    /// Returns the text without the sink.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Returns the error of the system, if there was one.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.cause.as_deref()
    }

    /// Whether the same call may succeed later, as after a lost connection.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, SinkErrorKind::Io | SinkErrorKind::Open)
            && self.io_error().is_some_and(crate::is_lost_connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_connection_is_transient() {
        let error = |kind, cause: io::ErrorKind| SinkError::io(kind, "out", cause.into());
        let lost = error(SinkErrorKind::Io, io::ErrorKind::ConnectionReset);
        assert!(lost.is_transient());
        assert_eq!(lost.to_string(), "out: connection reset");
        assert!(!error(SinkErrorKind::Io, io::ErrorKind::StorageFull).is_transient());
        assert!(!error(SinkErrorKind::Missing, io::ErrorKind::ConnectionReset).is_transient());
    }
}
