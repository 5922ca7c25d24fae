//! The metadata of a checkpoint, with the fields of LaminarDB.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use alluvium_core::{Clock, IncrementalCheckpointMetadata as CoreMetadata};
use serde::{Deserialize, Serialize, Serializer};

use crate::SystemClock;
use crate::error::IncrementalCheckpointError as Error;

/// What a checkpoint is: its position in the stream, its size and its files.
///
/// Unlike in LaminarDB, every field is set and true.
///
/// ```
/// use alluvium::IncrementalCheckpointMetadata;
///
/// let metadata = IncrementalCheckpointMetadata::new(1, 100);
/// let again = IncrementalCheckpointMetadata::from_json(&metadata.to_json()?)?;
/// assert_eq!(again, metadata);
/// # Ok::<(), alluvium::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncrementalCheckpointMetadata {
    /// The id. Ids start at 1 and are never given twice.
    pub id: u64,
    /// The epoch that this checkpoint closes.
    pub epoch: u64,
    /// When it was prepared, in seconds of Unix time.
    pub timestamp: u64,
    /// The position in a log of the caller's own.
    pub wal_position: u64,
    /// The offset of each source: how far it was consumed.
    #[serde(serialize_with = "sorted")]
    pub source_offsets: HashMap<String, u64>,
    /// The watermark in milliseconds of Unix time, if there was one.
    pub watermark: Option<i64>,
    /// Bytes of all files that hold its state.
    pub size_bytes: u64,
    /// Live keys.
    pub key_count: u64,
    /// Whether it shares files with an earlier checkpoint.
    pub is_incremental: bool,
    /// The checkpoint whose state it continues.
    pub parent_id: Option<u64>,
    /// The files that hold its state, relative to the checkpoint directory.
    pub sst_files: Vec<String>,
}

/// Writes a map in the order of its keys: equal metadata gives equal bytes.
fn sorted<S: Serializer>(offsets: &HashMap<String, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    offsets.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
}

impl IncrementalCheckpointMetadata {
    /// Returns metadata without a parent, state or position, with the time of now.
    ///
    /// ```
    /// let metadata = alluvium::IncrementalCheckpointMetadata::new(1, 100);
    /// assert_eq!((metadata.id, metadata.epoch, metadata.is_incremental), (1, 100, true));
    /// ```
    #[must_use]
    pub fn new(id: u64, epoch: u64) -> Self {
        Self {
            timestamp: SystemClock::new().unix_ms() / 1_000,
            is_incremental: true,
            ..CoreMetadata::new(id, epoch).into()
        }
    }

    /// Returns the path of the checkpoint's own directory.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let path = alluvium::IncrementalCheckpointMetadata::new(26, 0).checkpoint_path(Path::new("state"));
    /// assert_eq!(path, Path::new("state/checkpoint_000000000000001a"));
    /// ```
    #[must_use]
    pub fn checkpoint_path(&self, base_dir: &Path) -> PathBuf {
        base_dir.join(CoreMetadata::new(self.id, self.epoch).checkpoint_path())
    }

    /// Writes the JSON that LaminarDB reads. Equal metadata gives equal bytes.
    ///
    /// ```
    /// let json = alluvium::IncrementalCheckpointMetadata::new(1, 100).to_json()?;
    /// assert!(json.starts_with("{\n  \"id\": 1,\n  \"epoch\": 100,"));
    /// # Ok::<(), alluvium::IncrementalCheckpointError>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(CoreMetadata::from(self.clone()).to_json()?)
    }

    /// Reads JSON that [`to_json`](Self::to_json), LaminarDB or a checkpoint of Alluvium has.
    ///
    /// ```
    /// assert!(alluvium::IncrementalCheckpointMetadata::from_json("{ half").is_err());
    /// ```
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Ok(CoreMetadata::from_json(json)?.into())
    }
}

impl From<CoreMetadata> for IncrementalCheckpointMetadata {
    fn from(core: CoreMetadata) -> Self {
        Self {
            id: core.id,
            epoch: core.epoch,
            timestamp: core.timestamp,
            wal_position: core.wal_position,
            source_offsets: core.source_offsets.into_iter().collect(),
            watermark: core.watermark,
            size_bytes: core.size_bytes,
            key_count: core.key_count,
            is_incremental: core.is_incremental,
            parent_id: core.parent_id,
            sst_files: core.sst_files,
        }
    }
}

impl From<IncrementalCheckpointMetadata> for CoreMetadata {
    fn from(metadata: IncrementalCheckpointMetadata) -> Self {
        Self {
            timestamp: metadata.timestamp,
            wal_position: metadata.wal_position,
            source_offsets: metadata.source_offsets.into_iter().collect(),
            watermark: metadata.watermark,
            size_bytes: metadata.size_bytes,
            key_count: metadata.key_count,
            is_incremental: metadata.is_incremental,
            parent_id: metadata.parent_id,
            sst_files: metadata.sst_files,
            ..Self::new(metadata.id, metadata.epoch)
        }
    }
}
