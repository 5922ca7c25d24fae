//! Why a job stopped.

use alluvium_connectors::sink::SinkError;
use alluvium_connectors::source::SourceError;
use alluvium_core::IncrementalCheckpointError;
use alluvium_core::directory::DirectoryError;

/// Why a job stopped. What was committed is safe, and the job continues there when it is started again.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The job was claimed by a later generation, or the storage failed.
    #[error("{0}")]
    Checkpoint(#[from] IncrementalCheckpointError),
    /// The storage failed.
    #[error("{0}")]
    Storage(#[from] DirectoryError),
    /// An input could not be read.
    #[error("{0}")]
    Source(String),
    /// An output could not be written.
    #[error("{0}")]
    Sink(String),
    /// The operator refused a record, or broke a rule.
    #[error("{0}")]
    Operator(String),
    /// The processes could not be connected, or a connection was lost.
    #[error("{0}")]
    Network(String),
    /// The options cannot work.
    #[error("{0}")]
    Options(String),
    /// What was opened is not what was committed.
    #[error("{0}")]
    Damaged(String),
    /// A thread of the job panicked: this is a fault of an operator, a source or a sink, or of this crate.
    #[error("{0}")]
    Panicked(String),
    /// The caller stopped the job.
    #[error("the job was stopped")]
    Stopped,
}

impl From<SourceError> for ClusterError {
    fn from(error: SourceError) -> Self {
        Self::Source(error.to_string())
    }
}

impl From<SinkError> for ClusterError {
    fn from(error: SinkError) -> Self {
        Self::Sink(error.to_string())
    }
}

#[cfg(feature = "plugins")]
impl From<alluvium_host::RuntimeError> for ClusterError {
    fn from(error: alluvium_host::RuntimeError) -> Self {
        Self::Operator(error.to_string())
    }
}
