//! A manager at work on a directory, and the journal of what it was promised meanwhile.

use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, block_on};
use alluvium_core::{IncrementalCheckpointError, archive};

use super::journal::Journal;
use super::subject::{CoreManager, Subject};
use super::workloads::Action;
use crate::{Expected, keep, open_with, options};

/// Why a session stopped.
#[derive(Debug)]
pub enum Stop<E = IncrementalCheckpointError> {
    /// The directory or the manager refused.
    Refused(E),
    /// What came back is not what was promised.
    Violation(String),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Self::Refused(error)
    }
}

/// A manager at work on a directory, and its journal.
pub struct Session<S: Subject> {
    subject: S,
    /// What the live state must be.
    expected: Expected,
    /// What was promised.
    pub journal: Journal,
    steps: u64,
    on_journal: Box<dyn Fn(&Journal)>,
}

impl<D: Directory> Session<CoreManager<D>> {
    /// Core's manager over a directory of which `journal` is known; the first action opens it.
    pub fn new(directory: Arc<D>, journal: Journal) -> Self {
        Self::over(CoreManager::new(directory, journal.retained), journal)
    }
}

impl<S: Subject> Session<S> {
    /// A subject over a directory of which `journal` is known; the first action opens it.
    pub fn over(subject: S, journal: Journal) -> Self {
        Self { subject, expected: Expected::default(), journal, steps: 0, on_journal: Box::new(|_| {}) }
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

    /// Opens, and compares what came back with the journal. From then on only that may come back.
    pub fn open(&mut self) -> Result<(), Stop<S::Error>> {
        let opened = self.try_open();
        if opened.is_err() {
            self.subject.close();
        }
        opened
    }

    fn try_open(&mut self) -> Result<(), Stop<S::Error>> {
        self.subject.open()?;
        let found = self.subject.content();
        if !self.journal.acceptable.contains(&found) {
            let expected = &self.journal.acceptable;
            return Err(Stop::Violation(format!("came back with {found:?}\n  but was promised one of {expected:?}")));
        }
        // Whether it was acknowledged or not, it counts for retention from now on.
        let newest = self.subject.latest()?;
        let unknown = match newest.filter(|id| !self.journal.kept.contains_key(id)) {
            Some(id) => Some((id, self.subject.content_of(id)?)),
            None => None,
        };
        self.promise(|journal| {
            journal.acknowledge(&found);
            journal.kept.extend(unknown);
            journal.keep(journal.retained);
            // The WAL after this checkpoint may hold more than what was acknowledged. Deleting newer
            // checkpoints leads back to it.
            if let Some(id) = newest.filter(|id| journal.kept.get(id) != Some(&found)) {
                journal.tails.entry(id).or_default().push(found.clone());
            }
        });
        self.expected = found;
        Ok(())
    }

    fn opened(&mut self) -> Result<&mut S, Stop<S::Error>> {
        if !self.subject.is_open() {
            self.open()?;
        }
        Ok(&mut self.subject)
    }

    /// Closes the manager, as when the process exits.
    pub fn close(&mut self) {
        self.subject.close();
    }

    /// Runs one action.
    pub fn act(&mut self, action: Action) -> Result<(), Stop<S::Error>> {
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

    fn put(&mut self) -> Result<(), Stop<S::Error>> {
        let step = self.steps;
        let key = format!("key {}", step % 3).into_bytes();
        // Position and step make every value one of a kind.
        let value = format!("value {step} after position {}", self.expected.wal_position).into_bytes();
        self.opened()?.put(&key, &value)?;
        self.expected.state.insert(key, value);
        Ok(())
    }

    fn delete(&mut self) -> Result<(), Stop<S::Error>> {
        let Some(key) = self.expected.state.keys().next().cloned() else { return Ok(()) };
        self.opened()?.delete(&key)?;
        self.expected.state.remove(&key);
        Ok(())
    }

    /// Advances epoch, offsets, watermark and position together, so that no two checkpoints share one.
    fn advance(&self) -> Expected {
        let mut next = self.expected.clone();
        next.epoch += 1;
        next.wal_position += 1;
        let position = next.wal_position;
        next.source_offsets.insert("input".into(), position * 10);
        next.watermark = i64::try_from(position * 1_000).ok();
        next
    }

    fn checkpoint(&mut self, opaque: Option<&[u8]>) -> Result<(), Stop<S::Error>> {
        let next = self.advance();
        self.promise(|journal| journal.checkpointing(&next));
        let subject = self.opened()?;
        let id = match opaque {
            Some(state) => subject.checkpoint_with_state(&next, state)?,
            None => subject.checkpoint(&next)?,
        };
        self.acknowledge(id, next);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop<S::Error>> {
        let next = self.advance();
        let kept = self.journal.kept.clone();
        // Where there is nothing that a WAL segment could follow, this takes a checkpoint.
        self.promise(|journal| journal.checkpointing(&next));
        let subject = self.opened()?;
        subject.sync(&next)?;
        let newest = subject.latest()?;
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

    fn cleanup(&mut self) -> Result<(), Stop<S::Error>> {
        self.promise(|journal| journal.keep(1));
        self.opened()?.keep_newest()?;
        Ok(())
    }

    /// Deletes the newest checkpoint; what comes back is then the one before it, or nothing.
    fn delete_checkpoint(&mut self) -> Result<(), Stop<S::Error>> {
        let listed = self.opened()?.listed()?;
        let Some(newest) = listed.first().copied() else { return Ok(()) };
        let mut before = vec![Expected::default()];
        if let Some(id) = listed.get(1) {
            // A checkpoint that this session knows nothing of: it does not delete up to that one.
            let Some(expected) = self.journal.kept.get(id) else { return Ok(()) };
            before = vec![expected.clone()];
            // A crash may have left the WAL segments that came after it.
            before.extend(self.journal.tails.get(id).cloned().unwrap_or_default());
        }
        self.promise(|journal| {
            for expected in &before {
                journal.submit(expected);
            }
            journal.kept.remove(&newest);
        });
        self.opened()?.delete_checkpoint(newest)?;
        self.promise(|journal| journal.acceptable = before);
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Stop<S::Error>> {
        let Some((id, expected)) = self.journal.kept.first_key_value() else { return Ok(()) };
        let (id, expected) = (*id, expected.clone());
        self.promise(|journal| journal.checkpointing(&expected));
        let restored = self.opened()?.restore(id)?;
        self.acknowledge(restored, expected);
        Ok(())
    }

    fn import(&mut self) -> Result<(), Stop<S::Error>> {
        let (bytes, expected) = foreign_archive();
        self.promise(|journal| journal.checkpointing(&expected));
        self.subject.close();
        let id = self.subject.import(&bytes)?;
        self.acknowledge(id, expected);
        self.open()
    }

    /// Holds the live state to the model, and every kept checkpoint to what it must hold.
    pub fn check(&mut self) -> Result<(), Stop<S::Error>> {
        // The position is the newest checkpoint's: puts since then do not move it.
        let live = self.opened()?.content().state;
        if live != self.expected.state {
            return Err(Stop::Violation(format!("the live state is {live:?}, not {:?}", self.expected.state)));
        }
        for (id, expected) in &self.journal.kept {
            let found = match self.subject.content_of(*id) {
                Ok(found) => found,
                Err(error) if self.subject.is_trouble_of_the_directory(&error) => return Err(Stop::Refused(error)),
                Err(error) => return Err(Stop::Violation(format!("kept checkpoint {id}: {error:?}"))),
            };
            if found != *expected {
                return Err(Stop::Violation(format!("kept checkpoint {id} holds {found:?}, not {expected:?}")));
            }
        }
        Ok(())
    }
}

/// Returns an archive from elsewhere, and what it holds.
fn foreign_archive() -> (Vec<u8>, Expected) {
    let directory = Arc::new(MemoryDirectory::new());
    let options = options().store_id([9; 16]);
    let mut manager = open_with(&directory, keep(1), options).expect("an empty directory in memory opens");
    manager.put(b"from", b"elsewhere").expect("there is room");
    manager.set_epoch(5_000).expect("forward");
    manager.set_source_offset("input", 50_000).expect("forward");
    manager.set_watermark(5_000_000);
    block_on(manager.create_checkpoint(5_000)).expect("memory does not fail");
    let bytes = block_on(archive::export(&*directory, None)).expect("what was just written");
    (bytes, Expected::of(&manager))
}
