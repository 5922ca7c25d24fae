//! A writer at work in a directory in memory, beside which others read.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

pub(crate) type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// A writer at work, and what each of its checkpoints and WAL files holds.
pub(crate) struct Writer {
    manager: IncrementalCheckpointManager<MemoryDirectory>,
    steps: u64,
    pub(crate) states: Vec<(u64, State)>,
    /// Deletes its newest checkpoint now and then.
    deletes: bool,
}

impl Writer {
    pub(crate) fn new(directory: &Arc<MemoryDirectory>, retained: usize, deletes: bool) -> Self {
        let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id([7; 16]).create(true);
        let config = CheckpointConfig::new().with_max_retained(retained);
        let manager = IncrementalCheckpointManager::open(directory.clone(), config, options);
        let mut writer = Self { manager: block_on(manager).unwrap(), steps: 0, states: Vec::new(), deletes };
        for _ in 0..3 {
            writer.step();
        }
        writer
    }

    fn note(&mut self) {
        let state = self.manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        self.states.push((self.manager.latest_checkpoint_id().unwrap(), state));
    }

    /// Takes a checkpoint that replaces the ones before, and makes changes after it durable.
    pub(crate) fn step(&mut self) {
        self.steps += 1;
        let value = u8::try_from(self.steps).unwrap();
        for key in 0..4_u64 {
            self.manager.put(&(self.steps * key).to_be_bytes(), &vec![value; 50_000]).unwrap();
        }
        let state = self.steps.to_be_bytes();
        block_on(self.manager.create_checkpoint_with_state(self.steps, BTreeMap::new(), None, &state)).unwrap();
        self.note();
        for _ in 0..2 {
            self.manager.put(b"synced", &self.steps.to_be_bytes()).unwrap();
            block_on(self.manager.sync(self.steps)).unwrap();
            self.note();
        }
        if self.deletes && self.steps.is_multiple_of(2) {
            let newest = self.manager.latest_checkpoint_id().unwrap();
            block_on(self.manager.delete_checkpoint(newest)).unwrap();
        }
    }
}

/// Returns a state as the writer notes it.
pub(crate) fn contents<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> State {
    entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
