//! A store in memory, of which a test watches each change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alluvium_wasi_runner::keyvalue::{MemoryValues, Trouble, Values};

/// Whether a change is about to happen, or has happened and was not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// What a test does at each change, given by its number.
type Watch = Box<dyn Fn(usize, Moment) -> Result<(), Trouble> + Send + Sync>;

/// A store that calls a function before and after each change.
pub(crate) struct Watched {
    inner: Arc<MemoryValues>,
    changes: AtomicUsize,
    watch: Watch,
}

impl Watched {
    pub(crate) fn new(
        inner: &Arc<MemoryValues>,
        watch: impl Fn(usize, Moment) -> Result<(), Trouble> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), changes: AtomicUsize::new(0), watch: Box::new(watch) })
    }

    /// Returns how many changes there were.
    pub(crate) fn changes(&self) -> usize {
        self.changes.load(Ordering::Relaxed)
    }

    fn change<T>(&self, change: impl FnOnce(&MemoryValues) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let number = self.changes.fetch_add(1, Ordering::Relaxed);
        (self.watch)(number, Moment::Before)?;
        let answer = change(&self.inner)?;
        (self.watch)(number, Moment::After)?;
        Ok(answer)
    }
}

impl Values for Watched {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
        self.inner.get(key)
    }

    fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Trouble> {
        self.change(|inner| inner.set(key, value))
    }

    fn delete(&self, key: &str) -> Result<(), Trouble> {
        self.change(|inner| inner.delete(key))
    }

    fn keys(&self) -> Result<Vec<String>, Trouble> {
        self.inner.keys()
    }

    /// Adding nothing is a change, too, so that a test has something to watch between two others.
    fn increment(&self, key: &str, delta: u64) -> Result<u64, Trouble> {
        self.change(|inner| inner.increment(key, delta))
    }
}
