//! What can be said of a job without taking part in it.

use std::collections::BTreeMap;

use alluvium_core::directory::{DirectoryErrorKind, block_on};
use alluvium_core::job::{JobManifest, StoreId, ownership};
use alluvium_core::model::hash_range::HashRange;

use crate::committer::{FINISHED, LAG, collect};
use crate::error::ClusterError;
use crate::lag::Lag;
use crate::storage::Storage;

/// What a job is like, as its log says.
#[derive(Debug, Clone)]
pub struct JobStatus {
    /// The newest manifest.
    pub manifest: JobManifest,
    /// Whether all inputs have ended.
    pub is_finished: bool,
    /// What was there of each input and not read, when the newest epoch was committed.
    pub lags: BTreeMap<String, Lag>,
    /// The parts of the state.
    pub parts: Vec<PartStatus>,
}

/// A part of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartStatus {
    /// The directory.
    pub store: StoreId,
    /// The range of hashes.
    pub range: HashRange,
    /// The number of keys.
    pub keys: u64,
    /// The bytes of keys and values.
    pub bytes: u64,
    /// How many other directories it still needs.
    pub others: usize,
}

impl JobStatus {
    /// Reads the newest manifest of a job. Returns `None` if the job has not begun.
    pub fn read<S: Storage>(storage: &S) -> Result<Option<Self>, ClusterError> {
        let log = match storage.log_to_read() {
            Err(error) if error.kind() == DirectoryErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let Some(manifest) = block_on(JobManifest::find(&log, None))? else { return Ok(None) };
        let part = |part: &alluvium_core::job::JobPart| PartStatus {
            store: part.store,
            range: part.range,
            keys: part.keys,
            bytes: part.bytes,
            others: part.others.len(),
        };
        let is_finished = manifest.position.annotations.contains_key(FINISHED);
        let lags = manifest.position.annotations.get(LAG).map(|lags| serde_json::from_str(lags)).transpose();
        let lags = lags.map_err(|error| ClusterError::Damaged(format!("the annotation {LAG} of the log: {error}")))?;
        let parts = manifest.parts.iter().map(part).collect();
        Ok(Some(Self { manifest, is_finished, lags: lags.unwrap_or_default(), parts }))
    }

    /// Returns, for a start with this many workers, the parts that each worker would read: the number of keys and
    /// bytes are estimates, which take the keys to be spread evenly. Nothing is written but the new manifests, until
    /// compaction brings the records into the new directories.
    pub fn rescale(&self, workers: u32) -> Vec<Vec<(StoreId, u64)>> {
        let share = |range: HashRange, part: &PartStatus| {
            let common = range.intersection(part.range)?;
            let width = |range: HashRange| u128::from(range.last() - range.first()) + 1;
            let bytes = u128::from(part.bytes) * width(common) / width(part.range);
            Some((part.store, u64::try_from(bytes).unwrap_or(u64::MAX)))
        };
        let of_range = |range| self.parts.iter().filter_map(|part| share(range, part)).collect();
        ownership::ranges(workers).into_iter().map(of_range).collect()
    }
}

/// Returns the directories that nothing needs any more. Unless `only_look` is set, they are deleted.
pub fn unneeded_directories<S: Storage>(storage: &S, only_look: bool) -> Result<Vec<StoreId>, ClusterError> {
    collect(storage, &storage.log_to_read()?, only_look)
}
