//! A writer with a random history.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::CheckpointConfig;
use alluvium_core::directory::{MemoryDirectory, block_on};
use fastrand::Rng;

use crate::{Expected, Files, Manager, empty, keep, memory, open_with, options};

/// A writer, and what decides what it does.
pub(super) struct Writer {
    pub(super) source: Arc<MemoryDirectory>,
    manager: Manager,
    random: Rng,
}

/// Returns what a restart would find in a directory with these files.
pub(super) fn content(files: &Files) -> Result<Expected, String> {
    let directory = memory(files.clone());
    let opened = open_with(&directory, keep(10), options().create(false)).map_err(|error| error.to_string())?;
    Ok(Expected::of(&opened))
}

impl Writer {
    /// A writer that has taken a first checkpoint.
    pub(super) fn new(random: Rng) -> Self {
        let mut writer = Self::open(empty(), random).expect("an empty directory in memory opens");
        writer.put();
        writer.checkpoint();
        writer
    }

    /// A writer that opens what another one has left.
    pub(super) fn over(files: Files, random: Rng) -> Result<Self, String> {
        Self::open(memory(files), random)
    }

    fn open(source: Arc<MemoryDirectory>, mut random: Rng) -> Result<Self, String> {
        let config: CheckpointConfig = keep(random.usize(1..=3)).with_incremental(random.u8(..4) > 0);
        let options = options().writer(random.u64(1..));
        let manager = open_with(&source, config, options).map_err(|error| error.to_string())?;
        Ok(Self { source, manager, random })
    }

    /// Does something that changes the directory.
    pub(super) fn step(&mut self) {
        self.put();
        match self.random.u8(..12) {
            0..4 => self.checkpoint(),
            4 => {
                let position = self.manager.wal_position() + 1;
                let state = self.random.u64(..).to_be_bytes();
                let taken = self.manager.create_checkpoint_with_state(position, BTreeMap::new(), None, &state);
                block_on(taken).expect("memory does not fail");
            }
            5..9 => block_on(self.manager.sync(self.manager.wal_position() + 1)).expect("memory does not fail"),
            9 => drop(block_on(self.manager.collect_garbage()).expect("memory does not fail")),
            10 => {
                let listed = block_on(self.manager.list_checkpoints()).expect("memory does not fail");
                if let [newest, _, ..] = &listed[..] {
                    block_on(self.manager.delete_checkpoint(newest.id)).expect("memory does not fail");
                }
            }
            _ => {
                let listed = block_on(self.manager.list_checkpoints()).expect("memory does not fail");
                let oldest = listed.last().expect("there is one at least");
                block_on(self.manager.restore_checkpoint(oldest.id)).expect("memory does not fail");
            }
        }
    }

    fn put(&mut self) {
        let key = [b'a' + self.random.u8(..6)];
        let bytes = if self.random.u8(..4) == 0 { 20_000 } else { 8 };
        let value = [self.random.u8(..)].repeat(bytes);
        self.manager.put(&key, &value).expect("there is room");
    }

    fn checkpoint(&mut self) {
        let position = self.manager.wal_position() + 1;
        block_on(self.manager.create_checkpoint(position)).expect("memory does not fail");
    }
}
