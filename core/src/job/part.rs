//! What one worker hands to a commit: a checkpoint of its directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::job::store_id::StoreId;
use crate::model::hash_range::HashRange;
use crate::model::hex_digits;

/// A worker's part of the job's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobPart {
    /// The worker's directory.
    pub store: StoreId,
    /// The checkpoint in it.
    pub checkpoint: u64,
    /// The hashes of the keys that the worker owns.
    pub range: HashRange,
    /// The number of its keys.
    pub keys: u64,
    /// The bytes of its keys and values.
    pub bytes: u64,
    /// The digest of its state. The digests of all parts add up to that of the job.
    #[serde(with = "hex_digits")]
    pub digest: u64,
    /// The other directories whose segments the checkpoint names.
    pub others: BTreeSet<StoreId>,
}

impl JobPart {
    /// Returns what a worker hands to a commit, given the metadata of its checkpoint. `owned` is the range of its
    /// directory.
    ///
    /// A checkpoint that LaminarDB wrote is [`InvalidInput`](Error::InvalidInput).
    pub fn of(metadata: &IncrementalCheckpointMetadata, owned: HashRange) -> Result<Self, Error> {
        let no_state = || Error::InvalidInput(format!("checkpoint {} has no keyed state", metadata.id));
        let fields = metadata.alluvium.as_ref().ok_or_else(no_state)?;
        Ok(Self {
            store: StoreId(fields.store_id),
            checkpoint: metadata.id,
            range: owned,
            keys: metadata.key_count,
            bytes: fields.state_bytes,
            digest: fields.state_digest,
            others: fields.segments.iter().filter_map(|entry| entry.store.map(StoreId)).collect(),
        })
    }
}
