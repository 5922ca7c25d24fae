//! A sink in memory, for tests and examples.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};

/// Where a [`MemorySink`] writes to: it outlives the sink, as a file does. Clones are the same target.
#[derive(Debug, Clone, Default)]
pub struct MemoryTarget(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    visible: Vec<Vec<u8>>,
    /// Records that come after the visible ones.
    prepared: Vec<Vec<u8>>,
}

impl MemoryTarget {
    /// Returns an empty target.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the records that are visible.
    pub fn visible(&self) -> Vec<Vec<u8>> {
        self.lock().visible.clone()
    }

    /// Returns a sink that writes to it.
    pub fn sink(&self) -> MemorySink {
        MemorySink { target: self.clone(), written: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink over a [`MemoryTarget`]. A token is the number of records that are visible once it is published.
#[derive(Debug)]
pub struct MemorySink {
    target: MemoryTarget,
    /// Written, and not prepared.
    written: Vec<Vec<u8>>,
}

impl MemorySink {
    fn error(&self, kind: Kind, what: impl Into<String>) -> SinkError {
        SinkError::new(kind, self.name(), what)
    }

    fn count_of(&self, token: &Opaque) -> Result<usize, SinkError> {
        let count = opaque::as_text(token).and_then(|text| text.parse().ok());
        count.ok_or_else(|| self.error(Kind::Token, format!("{} is no token of a sink in memory", Shown(token))))
    }
}

impl Sink for MemorySink {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let counts = committed.iter().map(|token| self.count_of(token)).collect::<Result<Vec<_>, _>>()?;
        let count = counts.iter().copied().max().unwrap_or(0);
        let before = self.target.lock().visible.len();
        self.publish_until(count)?;
        let mut content = self.target.lock();
        content.visible.truncate(count);
        content.prepared.clear();
        self.written.clear();
        let found = |count: usize| if count <= before { Publication::Before } else { Publication::Now };
        Ok(counts.into_iter().map(found).collect())
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        self.written.extend(records.records().map(|record| record.bytes().to_vec()));
        Ok(())
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        let mut content = self.target.lock();
        content.prepared.append(&mut self.written);
        Ok(opaque::of_numbers((content.visible.len() + content.prepared.len()).to_string()))
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        self.publish_until(self.count_of(committed)?)
    }

    fn abort(&mut self) -> Result<(), SinkError> {
        self.target.lock().prepared.clear();
        self.written.clear();
        Ok(())
    }

    fn published_bytes(&self) -> Option<u64> {
        Some(self.target.lock().visible.iter().map(|record| record.len() as u64).sum())
    }
}

impl MemorySink {
    fn publish_until(&self, count: usize) -> Result<(), SinkError> {
        let mut content = self.target.lock();
        let new = count.saturating_sub(content.visible.len());
        if new > content.prepared.len() {
            let there = content.visible.len() + content.prepared.len();
            return Err(self.error(Kind::Missing, format!("{there} of the {count} records are there")));
        }
        let Content { visible, prepared } = &mut *content;
        visible.extend(prepared.drain(..new));
        Ok(())
    }
}
