//! What a job reads: inputs with partitions, each read by one worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alluvium_connectors::source::{Partition, Position, Reader, Renamed, Source, fits, renamed};

use crate::error::ClusterError;

/// How long it is waited for what comes after the position of a file that may have been renamed. One that is followed may
/// have nothing there for now.
const PATIENCE: Duration = Duration::from_secs(1);

/// Opens a source. Each worker that reads has one of its own.
pub type OpenSource = Arc<dyn Fn() -> Result<Box<dyn Source>, ClusterError> + Send + Sync>;

/// Reads an event time, in milliseconds of Unix time, from the field that holds it. A record may have none.
pub type ReadTime = Arc<dyn Fn(&[u8]) -> Result<Option<i64>, String> + Send + Sync>;

/// An input of a job.
#[derive(Clone)]
pub struct Input {
    name: String,
    open: OpenSource,
    pub(crate) time: Option<(String, ReadTime)>,
    grows: bool,
    /// Opens the source with files as they are.
    open_as_it_is: Option<OpenSource>,
}

impl Input {
    /// Returns an input of this name, which the operator knows.
    pub fn new(
        name: impl Into<String>,
        open: impl Fn() -> Result<Box<dyn Source>, ClusterError> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), open: Arc::new(open), time: None, grows: false, open_as_it_is: None }
    }

    /// Sets the column of event times, and what reads them. Without it, the input does not move the watermark.
    #[must_use]
    pub fn time(
        self,
        column: impl Into<String>,
        read: impl Fn(&[u8]) -> Result<Option<i64>, String> + Send + Sync + 'static,
    ) -> Self {
        Self { time: Some((column.into(), Arc::new(read))), ..self }
    }

    /// Looks for partitions that come while the job runs. When there are some, the generation ends with
    /// [`Ended::Grown`](crate::Ended::Grown), and the next one reads them, too.
    #[must_use]
    pub fn grows(self, grows: bool) -> Self {
        Self { grows, ..self }
    }

    /// Sets how the source is opened to find out whether a file is one that was read under another name: without
    /// following it. Otherwise a short file that is followed may be taken for one that has not grown yet.
    #[must_use]
    pub fn as_it_is(self, open: impl Fn() -> Result<Box<dyn Source>, ClusterError> + Send + Sync + 'static) -> Self {
        Self { open_as_it_is: Some(Arc::new(open)), ..self }
    }

    /// Whether it is looked for new partitions.
    pub(crate) fn is_growing(&self) -> bool {
        self.grows
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names of the partitions that there are now, in order.
    pub(crate) fn partitions(&self) -> Result<Vec<String>, ClusterError> {
        let mut names = self.listed()?;
        if names.is_empty() {
            return Err(ClusterError::Source(format!("the input {} has no partitions: no file matches", self.name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the names of the partitions that there are now. There may be none.
    pub(crate) fn listed(&self) -> Result<Vec<String>, ClusterError> {
        let found = (self.open)()?.partitions()?;
        Ok(found.iter().map(|partition| partition.name().to_owned()).collect())
    }

    /// Opens a partition at its beginning.
    pub(crate) fn open(&self, partition: &str) -> Result<Box<dyn Reader>, ClusterError> {
        open(&self.open, partition)
    }

    /// Finds the partitions that were read under another name. `known` has the positions by those names.
    pub(crate) fn renamed(
        &self,
        partitions: &[String],
        known: &BTreeMap<String, Position>,
    ) -> Result<Renamed, ClusterError> {
        let is_same = |name: &str, position: &Position| self.fits(name, position);
        renamed(partitions.iter().map(String::as_str), known, is_same)
    }

    /// Whether a partition has what is before a position, and is not another one.
    pub(crate) fn fits(&self, partition: &str, position: &Position) -> Result<bool, ClusterError> {
        match &self.open_as_it_is {
            Some(as_it_is) => fits(position, None, || open(as_it_is, partition)),
            None => fits(position, Some(PATIENCE), || self.open(partition)),
        }
    }
}

fn open(source: &OpenSource, partition: &str) -> Result<Box<dyn Reader>, ClusterError> {
    let named = Partition::new(partition).map_err(|error| ClusterError::Source(error.to_string()))?;
    Ok(source()?.open(&named)?)
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}
