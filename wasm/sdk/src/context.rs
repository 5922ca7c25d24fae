//! What an operator works with during one call: its state, its clocks, its outputs.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::Serialize;

use crate::host::{Entry, Host, Level};
use crate::time::Time;

/// The entries of a namespace that a call has touched, in the order in which it did.
type Touched = IndexMap<Vec<u8>, Cached, FxBuildHasher>;

#[derive(Debug, Default)]
struct Cached {
    value: Option<Vec<u8>>,
    is_changed: bool,
}

/// What a call has read of a namespace, and what it has changed there.
#[derive(Debug, Default)]
struct Cache {
    touched: Touched,
    /// What will be merged. No key is here and in `touched`.
    merges: Vec<Entry>,
}

/// What an operator works with during one call.
///
/// State is read through a cache and written at the end of the call: all reads that [`prefetch`](Self::prefetch) names
/// are one call to the host, and so are all writes to a namespace. The cache does not outlive the call, because the host
/// may undo it.
pub struct Context<'a> {
    host: &'a mut dyn Host,
    parameters: &'a BTreeMap<String, (String, Option<String>)>,
    caches: BTreeMap<u32, Cache>,
}

impl<'a> Context<'a> {
    /// Begins a call. The parameters have their values, and those of the checkpoint that the state comes from.
    pub fn new(host: &'a mut dyn Host, parameters: &'a BTreeMap<String, (String, Option<String>)>) -> Self {
        Self { host, parameters, caches: BTreeMap::new() }
    }

    /// Returns the host, for what has no method here. What waits in the cache is not seen by it before
    /// [`flush`](Self::flush).
    pub fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    /// Returns the value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|(value, _)| value.as_str())
    }

    /// Returns the value that a parameter had in the checkpoint that the state comes from.
    pub fn previous_parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.1.as_deref()
    }

    /// Returns the watermark: no record with an earlier time is expected.
    pub fn watermark(&mut self) -> Option<Time> {
        self.host.watermark().map(Time::from_ms)
    }

    /// Returns the processing time.
    pub fn processing_time(&mut self) -> Option<Time> {
        self.host.processing_time().map(Time::from_ms)
    }

    /// Emits a line of JSON to an output.
    pub fn emit(&mut self, output: u32, record: &impl Serialize) -> Result<(), String> {
        let line = serde_json::to_vec(record).map_err(|error| format!("a record that is no JSON: {error}"))?;
        self.host.emit(output, &line)
    }

    /// Emits bytes to an output, as they are.
    pub fn emit_bytes(&mut self, output: u32, record: &[u8]) -> Result<(), String> {
        self.host.emit(output, record)
    }

    /// Writes a message to the host's log.
    pub fn log(&mut self, level: Level, message: &str) {
        self.host.log(level, message);
    }

    /// Returns the number of a namespace.
    pub fn namespace(&mut self, name: &str) -> Result<u32, String> {
        self.host.namespace(name)
    }

    /// Reads entries that will be needed, all in one call to the host.
    pub fn prefetch<'k>(&mut self, namespace: u32, keys: impl IntoIterator<Item = &'k [u8]>) -> Result<(), String> {
        self.write_merges(namespace)?;
        let Cache { touched, .. } = self.caches.entry(namespace).or_default();
        let mut missing: Vec<&[u8]> = keys.into_iter().filter(|key| !touched.contains_key(*key)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let values = self.host.get_many(namespace, &missing)?;
        for (key, value) in missing.into_iter().zip(values) {
            touched.insert(key.to_vec(), Cached { value, is_changed: false });
        }
        Ok(())
    }

    /// Returns the value of a key.
    pub fn get(&mut self, namespace: u32, key: &[u8]) -> Result<Option<&[u8]>, String> {
        self.prefetch(namespace, [key])?;
        Ok(self.caches.get(&namespace).and_then(|cache| cache.touched.get(key)?.value.as_deref()))
    }

    /// Sets a key to a value, or deletes it.
    pub fn set(&mut self, namespace: u32, key: &[u8], value: Option<Vec<u8>>) -> Result<(), String> {
        self.write_merges(namespace)?;
        let cached = Cached { value, is_changed: true };
        self.caches.entry(namespace).or_default().touched.insert(key.to_vec(), cached);
        Ok(())
    }

    /// Merges a value into that of a key, by the operator that the namespace declares.
    pub fn merge(&mut self, namespace: u32, key: &[u8], value: Vec<u8>) -> Result<(), String> {
        let cache = self.caches.entry(namespace).or_default();
        match cache.touched.get(key) {
            Some(Cached { is_changed: true, .. }) => self.flush_namespace(namespace)?,
            Some(_) => drop(cache.touched.swap_remove(key)),
            None => {}
        }
        self.caches.entry(namespace).or_default().merges.push((key.to_vec(), value));
        Ok(())
    }

    /// Writes what has changed. The end of each call does this.
    pub fn flush(&mut self) -> Result<(), String> {
        let namespaces: Vec<u32> = self.caches.keys().copied().collect();
        namespaces.into_iter().try_for_each(|namespace| self.flush_namespace(namespace))
    }

    /// Writes what has changed in a namespace, and forgets what was read of it.
    pub(crate) fn flush_namespace(&mut self, namespace: u32) -> Result<(), String> {
        self.write_merges(namespace)?;
        let Some(Cache { touched, .. }) = self.caches.remove(&namespace) else { return Ok(()) };
        let cached = touched.iter().filter(|(_, cached)| cached.is_changed);
        let changes: Vec<_> = cached.map(|(key, cached)| (key.as_slice(), cached.value.as_deref())).collect();
        if changes.is_empty() { Ok(()) } else { self.host.apply(namespace, &changes) }
    }

    fn write_merges(&mut self, namespace: u32) -> Result<(), String> {
        let Some(cache) = self.caches.get_mut(&namespace).filter(|cache| !cache.merges.is_empty()) else {
            return Ok(());
        };
        let merges = std::mem::take(&mut cache.merges);
        let changes: Vec<_> = merges.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
        self.host.merge(namespace, &changes)
    }
}
