//! A manager at work on a directory, and the journal of what it was promised meanwhile.

use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, archive};

use super::journal::Journal;
use crate::{Expected, keep, open_with, options};

/// What a workload is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Puts a key, new or not.
    Put,
    /// Deletes a key, if there is one.
    Delete,
    /// Takes a checkpoint.
    Checkpoint,
    /// Keeps the newest checkpoint alone.
    Cleanup,
    /// Deletes the newest checkpoint.
    DeleteCheckpoint,
    /// Makes the oldest checkpoint the newest.
    Restore,
    /// Closes and opens again.
    Reopen,
    /// Takes a checkpoint with an opaque state beside.
    Opaque,
    /// Imports an archive.
    Import,
    /// Makes what was put durable by a log, without a checkpoint.
    Flush,
}

/// All of them.
pub const ACTIONS: [Action; 10] = [
    Action::Put,
    Action::Delete,
    Action::Checkpoint,
    Action::Cleanup,
    Action::DeleteCheckpoint,
    Action::Restore,
    Action::Reopen,
    Action::Opaque,
    Action::Import,
    Action::Flush,
];

/// Why a session stopped.
#[derive(Debug)]
pub enum Stop {
    /// The directory or the manager refused.
    Refused(Error),
    /// What came back is not what was promised.
    Violation(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// See the module.
pub struct Session<D: Directory> {
    directory: Arc<D>,
    manager: Option<IncrementalCheckpointManager<D>>,
    config: CheckpointConfig,
    /// What the live state must be.
    expected: Expected,
    /// What was promised.
    pub journal: Journal,
    steps: u64,
    on_journal: Box<dyn Fn(&Journal)>,
}

impl<D: Directory> Session<D> {
    /// Over a directory of which `journal` is known; it is opened by the first action that needs it.
    pub fn new(directory: Arc<D>, journal: Journal) -> Self {
        Self {
            directory,
            manager: None,
            config: keep(journal.retained),
            expected: Expected::default(),
            journal,
            steps: 0,
            on_journal: Box::new(|_| {}),
        }
    }

    /// Calls `note` whenever a promise is made or given back.
    #[must_use]
    pub fn on_journal(mut self, note: impl Fn(&Journal) + 'static) -> Self {
        self.on_journal = Box::new(note);
        self
    }

    fn promise(&mut self, change: impl FnOnce(&mut Journal)) {
        change(&mut self.journal);
        (self.on_journal)(&self.journal);
    }

    /// Opens, and holds what came to the journal; what came is then the only thing that may.
    pub fn open(&mut self) -> Result<(), Stop> {
        self.manager = None;
        let manager = open_with(&self.directory, self.config.clone(), options())?;
        let found = Expected::of(&manager);
        if !self.journal.acceptable.contains(&found) {
            let expected = &self.journal.acceptable;
            return Err(Stop::Violation(format!("came back with {found:?}\n  but was promised one of {expected:?}")));
        }
        // Whether it was acknowledged or not, it counts for retention from now on.
        let newest = manager.latest_checkpoint_id();
        let unknown = newest.filter(|id| !self.journal.kept.contains_key(id));
        let unknown = match unknown {
            Some(id) => Some((
                id,
                Expected::of(&open_with(&self.directory, self.config.clone(), options().checkpoint(Some(id)))?),
            )),
            None => None,
        };
        self.promise(|journal| {
            journal.acknowledge(&found);
            journal.kept.extend(unknown);
            journal.keep(journal.retained);
            // A log that nobody acknowledged, but that is there: deleting newer checkpoints leads back to it.
            if let Some(id) = newest.filter(|id| journal.kept.get(id) != Some(&found)) {
                journal.tails.entry(id).or_default().push(found.clone());
            }
        });
        self.expected = found;
        self.manager = Some(manager);
        Ok(())
    }

    fn opened(&mut self) -> Result<&mut IncrementalCheckpointManager<D>, Stop> {
        if self.manager.is_none() {
            self.open()?;
        }
        self.manager.as_mut().ok_or_else(|| Stop::Violation("not open".into()))
    }

    /// Runs one action.
    pub fn act(&mut self, action: Action) -> Result<(), Stop> {
        self.opened()?;
        self.steps += 1;
        match action {
            Action::Put => self.put(),
            Action::Delete => self.delete(),
            Action::Checkpoint => self.checkpoint(None),
            Action::Opaque => self.checkpoint(Some(b"opaque, and the caller's own")),
            Action::Cleanup => self.cleanup(),
            Action::DeleteCheckpoint => self.delete_checkpoint(),
            Action::Restore => self.restore(),
            Action::Reopen => self.open(),
            Action::Import => self.import(),
            Action::Flush => self.flush(),
        }
    }

    fn put(&mut self) -> Result<(), Stop> {
        let step = self.steps;
        let key = format!("key {}", step % 3).into_bytes();
        // Position and step make every value one of a kind.
        let value = format!("value {step} after position {}", self.expected.wal_position).into_bytes();
        self.opened()?.put(&key, &value)?;
        self.expected.state.insert(key, value);
        Ok(())
    }

    fn delete(&mut self) -> Result<(), Stop> {
        let Some(key) = self.expected.state.keys().next().cloned() else { return Ok(()) };
        self.opened()?.delete(&key)?;
        self.expected.state.remove(&key);
        Ok(())
    }

    /// Moves epoch, offsets, watermark and position on together, so that no two checkpoints share one.
    fn advance(&self) -> Expected {
        let mut next = self.expected.clone();
        next.epoch += 1;
        next.wal_position += 1;
        let position = next.wal_position;
        next.source_offsets.insert("input".into(), position * 10);
        next.watermark = i64::try_from(position * 1_000).ok();
        next
    }

    fn checkpoint(&mut self, opaque: Option<&[u8]>) -> Result<(), Stop> {
        let next = self.advance();
        self.promise(|journal| journal.checkpointing(&next));
        let manager = self.opened()?;
        manager.set_epoch(next.epoch)?;
        let metadata = if let Some(state) = opaque {
            let offsets = next.source_offsets.clone();
            block_on(manager.create_checkpoint_with_state(next.wal_position, offsets, next.watermark, state))?
        } else {
            manager.set_source_offset("input", next.source_offsets["input"])?;
            manager.set_watermark(next.watermark.unwrap_or_default());
            block_on(manager.create_checkpoint(next.wal_position))?
        };
        self.acknowledge(metadata.id, next);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let next = self.advance();
        let kept = self.journal.kept.clone();
        // Where there is nothing that a log could follow, this takes a checkpoint.
        self.promise(|journal| journal.checkpointing(&next));
        let manager = self.opened()?;
        manager.set_epoch(next.epoch)?;
        manager.set_source_offset("input", next.source_offsets["input"])?;
        manager.set_watermark(next.watermark.unwrap_or_default());
        block_on(manager.sync(next.wal_position))?;
        let newest = manager.latest_checkpoint_id();
        self.expected = next.clone();
        self.promise(|journal| {
            journal.acknowledge(&next);
            match newest {
                Some(id) if kept.contains_key(&id) => {
                    journal.kept = kept;
                    journal.tails.entry(id).or_default().push(next);
                }
                Some(id) => {
                    journal.kept.insert(id, next);
                    journal.keep(journal.retained);
                }
                None => {}
            }
        });
        Ok(())
    }

    fn acknowledge(&mut self, id: u64, expected: Expected) {
        self.expected = expected.clone();
        self.promise(|journal| journal.checkpointed(id, expected));
    }

    fn cleanup(&mut self) -> Result<(), Stop> {
        self.promise(|journal| journal.keep(1));
        block_on(self.opened()?.cleanup_old_checkpoints_keep(1))?;
        Ok(())
    }

    /// The newest goes; what comes back is then the one before it, or nothing.
    fn delete_checkpoint(&mut self) -> Result<(), Stop> {
        let listed = block_on(self.opened()?.list_checkpoints())?;
        let Some(newest) = listed.first() else { return Ok(()) };
        let mut before = vec![Expected::default()];
        if let Some(metadata) = listed.get(1) {
            // Known only to whoever took it: not ours to delete up to.
            let Some(expected) = self.journal.kept.get(&metadata.id) else { return Ok(()) };
            before = vec![expected.clone()];
            // A crash may have left the logs that came after it.
            before.extend(self.journal.tails.get(&metadata.id).cloned().unwrap_or_default());
        }
        self.promise(|journal| {
            for expected in &before {
                journal.submit(expected);
            }
            journal.kept.remove(&newest.id);
        });
        let id = newest.id;
        block_on(self.opened()?.delete_checkpoint(id))?;
        self.promise(|journal| journal.acceptable = before);
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Stop> {
        let Some((id, expected)) = self.journal.kept.first_key_value() else { return Ok(()) };
        let (id, expected) = (*id, expected.clone());
        self.promise(|journal| journal.checkpointing(&expected));
        let metadata = block_on(self.opened()?.restore_checkpoint(id))?;
        self.acknowledge(metadata.id, expected);
        Ok(())
    }

    fn import(&mut self) -> Result<(), Stop> {
        let (bytes, expected) = foreign_archive();
        self.promise(|journal| journal.checkpointing(&expected));
        self.manager = None;
        let imported = archive::import(&bytes, self.directory.clone(), self.config.clone(), options());
        let metadata = block_on(imported)?;
        self.acknowledge(metadata.id, expected);
        self.open()
    }

    /// The live state against the model, and every kept checkpoint against what it must hold.
    pub fn check(&mut self) -> Result<(), Stop> {
        self.opened()?;
        let kept = self.journal.kept.clone();
        let expected = self.expected.clone();
        let config = self.config.clone();
        let directory = self.directory.clone();
        let live = Expected::of(self.opened()?);
        // The position is the newest checkpoint's: puts since then do not move it.
        if live.state != expected.state {
            return Err(Stop::Violation(format!("the live state is {:?}, not {:?}", live.state, expected.state)));
        }
        for (id, expected) in kept {
            let found = open_with(&directory, config.clone(), options().checkpoint(Some(id)));
            let found = found.map_err(|error| match error {
                // The directory's own trouble says nothing about the checkpoint.
                Error::Io(ref io) if io.kind() != DirectoryErrorKind::NotFound => Stop::Refused(error),
                Error::Fenced(_) => Stop::Refused(error),
                _ => Stop::Violation(format!("kept checkpoint {id}: {error}")),
            })?;
            if Expected::of(&found) != expected {
                return Err(Stop::Violation(format!(
                    "kept checkpoint {id} holds {:?}, not {expected:?}",
                    Expected::of(&found)
                )));
            }
        }
        Ok(())
    }
}

/// An archive from elsewhere, and what it holds.
fn foreign_archive() -> (Vec<u8>, Expected) {
    let directory = Arc::new(MemoryDirectory::new());
    let manager = open_with(&directory, keep(1), options().store_id([9; 16]));
    let mut manager = manager.expect("an empty directory in memory opens");
    let build = |manager: &mut IncrementalCheckpointManager<MemoryDirectory>| {
        manager.put(b"from", b"elsewhere")?;
        manager.set_epoch(5_000)?;
        manager.set_source_offset("input", 50_000)?;
        manager.set_watermark(5_000_000);
        block_on(manager.create_checkpoint(5_000))
    };
    build(&mut manager).expect("memory does not fail");
    let bytes = block_on(archive::export(&*directory, None)).expect("what was just written");
    (bytes, Expected::of(&manager))
}

/// The `index`th workload of up to three actions, between two checkpoints before it and one after;
/// `None` past the last.
pub fn workload(index: u64) -> Option<Vec<Action>> {
    let count = ACTIONS.len() as u64;
    let mut index = index;
    for length in 0..=3_u32 {
        let of_length = count.pow(length) * 2;
        if index < of_length {
            let mut actions = Vec::new();
            // In a fresh directory and in one with a history.
            if index % 2 == 1 {
                actions.extend([Action::Put, Action::Checkpoint, Action::Put, Action::Checkpoint]);
            }
            index /= 2;
            for _ in 0..length {
                actions.push(ACTIONS[usize::try_from(index % count).unwrap_or_default()]);
                index /= count;
            }
            actions.extend([Action::Put, Action::Checkpoint]);
            return Some(actions);
        }
        index -= of_length;
    }
    None
}

/// The `index`th history of the long run: every workload first, then longer ones, drawn by seed.
pub fn history(index: u64, seed: u64) -> Vec<Action> {
    // A stride without a common divisor visits all of them, spread over what differs.
    let spread = seed.wrapping_add(index).wrapping_mul(617) % workloads();
    if let Some(actions) = workload(spread).filter(|_| index < workloads()) {
        return actions;
    }
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index);
    let mut actions: Vec<Action> = (0..random.u32(4..=10))
        .map(|_| match random.u8(0..8) {
            0..2 => Action::Put,
            2 => Action::Checkpoint,
            _ => ACTIONS[random.usize(0..ACTIONS.len())],
        })
        .collect();
    actions.extend([Action::Put, Action::Checkpoint]);
    actions
}

/// How many workloads there are.
pub fn workloads() -> u64 {
    (0..=3).map(|length| (ACTIONS.len() as u64).pow(length) * 2).sum()
}
