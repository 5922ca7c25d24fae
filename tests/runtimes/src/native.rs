//! The engine and the plugin's logic as Rust crates: the same work without any WebAssembly.

use std::path::Path;
use std::sync::Arc;

use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointConfig, Columns, IncrementalCheckpointManager, ManualClock, OpenOptions};
use alluvium::NativeDirectory;
use delays::route;
use flights::{Header, Records};

use crate::Batch;

/// What the clock says in the component too: see `clock.wat`.
const NOW_MS: u64 = 1_700_000_000_000;

pub(crate) struct Manager(IncrementalCheckpointManager<NativeDirectory>);

impl Manager {
    /// A real file system keeps every promise, so `strict` changes nothing here.
    pub(crate) fn open(directory: &str, _strict: bool) -> Result<Self, String> {
        if !Path::new(directory).exists() {
            NativeDirectory::create(directory).map_err(|error| error.to_string())?;
        }
        let directory = Arc::new(NativeDirectory::open_exclusive(directory).map_err(|error| error.to_string())?);
        let options = OpenOptions::new(Arc::new(ManualClock::new(NOW_MS))).store_id([0; 16]).create(true);
        let config = CheckpointConfig::new().with_max_retained(3);
        let manager = block_on(IncrementalCheckpointManager::open(directory, config, options));
        manager.map(Self).map_err(|error| error.to_string())
    }

    /// None: `open` would have failed.
    #[expect(clippy::unused_self, reason = "as the component's")]
    pub(crate) fn weaker_promises(&self) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn consumed(&self) -> u64 {
        self.0.source_offsets().get("input").copied().unwrap_or(0)
    }

    pub(crate) fn checkpoint(&mut self, consumed: u64) -> Result<u64, String> {
        self.0.set_source_offset("input", consumed).map_err(|error| error.to_string())?;
        let metadata = block_on(self.0.create_checkpoint(0)).map_err(|error| error.to_string())?;
        Ok(metadata.id)
    }
}

pub(crate) struct Plugin(Header);

impl Plugin {
    pub(crate) fn open(header: &[String]) -> Result<Self, String> {
        Header::find(header).map(Self)
    }

    pub(crate) fn process(&mut self, manager: &mut Manager, batch: &Batch) -> Result<(), String> {
        let records = Records { count: batch.count, field_lens: &batch.field_lens, fields: &batch.fields };
        let changes = route::aggregate(&self.0, &records);
        let changes = changes.map_err(|failure| batch.failure(failure.record, &failure.text))?;
        let values = changes
            .iter()
            .map(|(key, change)| route::merge(key, manager.0.get(key.as_bytes()), change))
            .collect::<Result<Vec<_>, _>>()?;
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|error| error.to_string());
        let keys: String = changes.keys().map(String::as_str).collect();
        let update = Columns {
            ops: &vec![0; changes.len()],
            key_lens: &changes.keys().map(|key| len(key.as_bytes())).collect::<Result<Vec<_>, _>>()?,
            value_lens: &values.iter().map(|value| len(value)).collect::<Result<Vec<_>, _>>()?,
            keys: keys.as_bytes(),
            values: &values.concat(),
        };
        manager.0.apply(&update).map(drop).map_err(|error| error.to_string())
    }

    #[expect(clippy::unused_self, reason = "as the component's")]
    pub(crate) fn results(&self, manager: &Manager) -> Result<Vec<String>, String> {
        manager.0.iter().map(|(key, value)| route::line(key, value)).collect()
    }
}
