//! What happened before the operation that is dropped.

use std::sync::Arc;

use alluvium_core::directory::block_on;

use super::directory::SlowDirectory;
use super::operations::{Manager, Promised};
use crate::golden::all_of_version_2;
use crate::{Expected, Files, keep, open_with, options};

/// A past of a directory and its manager. Each ends with changes that nothing has written.
#[derive(Debug, Clone, Copy)]
pub(super) enum History {
    /// Nothing was written.
    Fresh,
    /// Checkpoints, and more of them than are kept.
    Checkpoints,
    /// Two WAL files follow the newest checkpoint.
    Logged,
    /// The same, and the manager was opened just now.
    Reopened,
    /// Checkpoints of large values, so that compaction creates files after the next one.
    Compacts,
    /// The same and one more, so that compaction has created files that the next one publishes.
    Compacted,
    /// Each checkpoint is the whole state.
    Full,
    /// An earlier version wrote the checkpoints, and a WAL file after the newest of them.
    Older,
}

pub(super) const HISTORIES: [History; 8] = [
    History::Fresh,
    History::Checkpoints,
    History::Logged,
    History::Reopened,
    History::Compacts,
    History::Compacted,
    History::Full,
    History::Older,
];

/// A directory and a manager with a history.
pub(super) struct Scene {
    pub(super) directory: Arc<SlowDirectory>,
    pub(super) manager: Manager,
    /// The kept checkpoints, oldest first, with what each holds.
    pub(super) checkpoints: Vec<(u64, Expected)>,
    pub(super) promised: Promised,
}

/// Opens the directory as every history does.
pub(super) fn open(directory: &Arc<SlowDirectory>) -> Result<Manager, String> {
    open_as(directory, true)
}

fn open_as(directory: &Arc<SlowDirectory>, incremental: bool) -> Result<Manager, String> {
    let config = keep(2).with_max_in_flight(2).with_incremental(incremental);
    open_with(directory, config, options()).map_err(|error| format!("refused to open: {error}"))
}

impl History {
    pub(super) fn play(self) -> Scene {
        if let Self::Older = self {
            return play_older();
        }
        let directory = Arc::new(SlowDirectory::holding(Files::new()));
        let incremental = !matches!(self, Self::Full);
        let mut manager = open_as(&directory, incremental).expect("it is empty");
        let mut checkpoints = Vec::new();
        let rounds = match self {
            Self::Fresh => 0,
            Self::Compacted => 4,
            Self::Checkpoints | Self::Compacts | Self::Logged | Self::Reopened | Self::Full | Self::Older => 3,
        };
        let value_bytes = if let Self::Compacts | Self::Compacted = self { 100_000 } else { 10 };
        let value = |round: u8| vec![round; value_bytes];
        for round in 0..rounds {
            put(&mut manager, round, &value(round));
            let id = crate::checkpoint(&mut manager);
            checkpoints.push((id, Expected::of(&manager)));
        }
        let compacted = manager.last_maintenance().is_some_and(|report| report.rebased_bytes > 0);
        assert_eq!(compacted, matches!(self, Self::Compacted), "{self:?} is not what it says");
        checkpoints.drain(..checkpoints.len().saturating_sub(2));
        let mut durable = checkpoints.last().map(|(_, expected)| expected.clone()).unwrap_or_default();
        if let Self::Logged | Self::Reopened = self {
            for round in [100, 101] {
                put(&mut manager, round, &[round; 10]);
                block_on(manager.sync(manager.wal_position() + 1)).expect("memory does not fail");
            }
            durable = Expected::of(&manager);
        }
        if let Self::Reopened = self {
            manager = open_as(&directory, incremental).expect("it is whole");
        }
        put(&mut manager, rounds, &value(rounds));
        manager.delete(&[1]).expect("it is short");
        let promised =
            Promised { live: Expected::of(&manager), instead: None, acceptable: vec![durable], can_log: rounds > 0 };
        Scene { directory, manager, checkpoints, promised }
    }
}

/// Opens a directory of an earlier version.
fn play_older() -> Scene {
    let golden = all_of_version_2().into_iter().find(|golden| golden.name == "logged").expect("it is stored");
    let durable = golden.expected(golden.latest(), golden.logged.len()).clone();
    let directory = Arc::new(SlowDirectory::holding(golden.files));
    let mut manager = open_as(&directory, true).expect("it is whole");
    put(&mut manager, 0, b"later");
    // No WAL file can follow a checkpoint of an earlier version.
    let promised = Promised { live: Expected::of(&manager), instead: None, acceptable: vec![durable], can_log: false };
    Scene { directory, manager, checkpoints: golden.checkpoints.into_iter().collect(), promised }
}

fn put(manager: &mut Manager, round: u8, value: &[u8]) {
    manager.put(&[round % 4], value).expect("there is room");
    manager.put(&[10 + round], &[round]).expect("there is room");
    manager.set_epoch(manager.epoch() + 1).expect("forward");
    let offset = manager.source_offsets().get("input").copied().unwrap_or(0);
    manager.set_source_offset("input", offset + 1).expect("forward");
}
