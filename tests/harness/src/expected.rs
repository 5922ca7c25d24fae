//! What a checkpoint must bring back.

use std::collections::BTreeMap;

use alluvium_core::IncrementalCheckpointManager;
use alluvium_core::directory::Directory;
use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::position::ByPartition;
use alluvium_core::model::source_position::SourcePosition;

/// Everything that a checkpoint must bring back together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Expected {
    /// Keys and values.
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The entries of the declared namespaces by name, as they are stored. One without entries is left out.
    pub namespaces: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Positions in the sources.
    pub source_offsets: BTreeMap<String, u64>,
    /// Event time, in milliseconds.
    pub watermark: Option<i64>,
    /// The epoch.
    pub epoch: u64,
    /// The caller's position in the caller's own log.
    pub wal_position: u64,
    /// Short texts of the caller's.
    pub annotations: BTreeMap<String, String>,
    /// Positions in the sources.
    pub positions: ByPartition<SourcePosition>,
    /// Event time by input and partition, in milliseconds.
    pub watermarks: ByPartition<i64>,
    /// Processing time, in milliseconds.
    pub processing_time_ms: Option<i64>,
    /// The tokens of sinks.
    pub sinks: BTreeMap<String, Opaque>,
}

impl Expected {
    /// What a manager holds now.
    pub fn of<D: Directory>(manager: &IncrementalCheckpointManager<D>) -> Self {
        let content = |id| {
            let entries = manager.stored_in(id).expect("it is declared").iter();
            entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<BTreeMap<_, _>>()
        };
        let namespaces = manager.namespaces().iter().map(|declared| (declared.name.clone(), content(declared.id)));
        Self {
            namespaces: namespaces.filter(|(_, entries)| !entries.is_empty()).collect(),
            state: manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect(),
            source_offsets: manager.source_offsets().clone(),
            watermark: manager.watermark(),
            epoch: manager.epoch(),
            wal_position: manager.wal_position(),
            annotations: manager.annotations().clone(),
            positions: manager.position().positions.clone(),
            watermarks: manager.position().watermarks.clone(),
            processing_time_ms: manager.position().processing_time_ms,
            sinks: manager.position().sinks.clone(),
        }
    }
}
